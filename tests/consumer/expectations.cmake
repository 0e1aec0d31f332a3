# SPDX-License-Identifier: Apache-2.0
# What a user may rely on, whichever way tenon came: the targets exist, and ask for the language standard and nothing else.

string(REPLACE "," ";" expected_components "${TENON_EXPECTED_COMPONENTS}")
foreach(component IN LISTS expected_components)
  if(NOT TARGET tenon::${component})
    message(FATAL_ERROR "expected the target tenon::${component}")
  endif()
  foreach(property INTERFACE_COMPILE_OPTIONS INTERFACE_COMPILE_DEFINITIONS INTERFACE_LINK_OPTIONS)
    get_target_property(value tenon::${component} ${property})
    if(value AND NOT component STREQUAL "cuda")
      message(FATAL_ERROR "tenon::${component} leaks ${property}: ${value}")
    endif()
  endforeach()
  get_target_property(features tenon::${component} INTERFACE_COMPILE_FEATURES)
  if(NOT features STREQUAL "cxx_std_20")
    message(FATAL_ERROR "tenon::${component} asks for ${features}, expected cxx_std_20")
  endif()
endforeach()
