# SPDX-License-Identifier: Apache-2.0
# What only people who work on tenon itself want: never included when tenon is a part of another project.

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(TENON_CCACHE ccache)
mark_as_advanced(TENON_CCACHE)
foreach(language CXX CUDA)
  if(TENON_CCACHE AND NOT DEFINED CMAKE_${language}_COMPILER_LAUNCHER)
    set(CMAKE_${language}_COMPILER_LAUNCHER "${TENON_CCACHE}")
  endif()
endforeach()

option(TENON_WARNINGS_AS_ERRORS "Make a warning in tenon's own code an error" ON)
add_library(tenon_warnings INTERFACE)
target_compile_features(tenon_warnings INTERFACE cxx_std_20)
target_compile_options(tenon_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wconversion>
                       $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wconversion>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 warns inside std::string's operator+ (GCC bug 105651), with precompiled headers of more than of restrict.
  foreach(tenon_warning IN ITEMS restrict stringop-overflow stringop-overread array-bounds)
    target_compile_options(tenon_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-${tenon_warning}>
                           $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wno-${tenon_warning}>)
  endforeach()
endif()
if(TENON_WARNINGS_AS_ERRORS)
  target_compile_options(tenon_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>
                         "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Werror all-warnings -Xcompiler=-Werror>")
endif()
