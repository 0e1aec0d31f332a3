# SPDX-License-Identifier: Apache-2.0
# Programs of this repository: tests, examples and benchmarks.

foreach(component text checkpoint cpu)
  if(NOT TARGET tenon::${component} AND tenon_headers_of_${component})
    message(FATAL_ERROR "tenon's tests, examples and benchmarks need tenon::${component}, whose libraries were not found: "
                        "install Boost.JSON 1.81 or newer and utf8proc (bash examples/install_packages.sh does so), "
                        "or configure with -DTENON_BUILD_TESTS=OFF -DTENON_BUILD_EXAMPLES=OFF -DTENON_BUILD_BENCHMARKS=OFF")
  endif()
endforeach()

# Everything of tenon that this configuration has, with the project's warnings.
add_library(tenon_everything INTERFACE)
foreach(component IN LISTS TENON_COMPONENTS)
  target_link_libraries(tenon_everything INTERFACE tenon::${component})
endforeach()
if(TARGET tenon_warnings)
  target_link_libraries(tenon_everything INTERFACE tenon_warnings)
endif()

# tenon_add_programs(<library>...): one program for each <name>.cpp of the current folder and one for each <name>/*.cpp,
# called <name>. A .cu joins its program where CUDA is enabled. A folder with a CMakeLists.txt is left to that.
function(tenon_add_programs)
  set(extensions cpp)
  if(CMAKE_CUDA_COMPILER)
    list(APPEND extensions cu)
  endif()
  set(sources)
  foreach(extension IN LISTS extensions)
    file(GLOB found RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" CONFIGURE_DEPENDS *.${extension} */*.${extension})
    list(APPEND sources ${found})
  endforeach()
  foreach(source IN LISTS sources)
    string(REGEX REPLACE "(/.*|\\.[^.]*)$" "" name "${source}")
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/CMakeLists.txt")
      continue()
    endif()
    list(APPEND sources_of_${name} "${source}")
    list(APPEND names ${name})
  endforeach()
  list(REMOVE_DUPLICATES names)
  foreach(name IN LISTS names)
    add_executable(${name} ${sources_of_${name}})
    target_link_libraries(${name} PRIVATE tenon_everything ${ARGN})
  endforeach()
endfunction()
