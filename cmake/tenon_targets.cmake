# SPDX-License-Identifier: Apache-2.0
# The interface targets. A folder of include/tenon is one component or part of tenon::tenon, and a target exists
# where its folder does and its libraries are found: nobody needs Boost to use the engine alone.
#
# TENON_COMPONENTS   the components that exist in this configuration, in order of dependency

find_package(Threads REQUIRED)

# Headers outside a component's folder that belong to it, because they name its backend.
set(tenon_cpu_headers attention/reference_attention.hpp recipes/reference.hpp)
set(tenon_cuda_headers launch/graph_replay.hpp)

set(tenon_include_dir "${PROJECT_SOURCE_DIR}/include")
file(GLOB_RECURSE tenon_headers RELATIVE "${tenon_include_dir}/tenon" CONFIGURE_DEPENDS
     "${tenon_include_dir}/tenon/*.hpp" "${tenon_include_dir}/tenon/*.cuh")

# The component that a header (a path below include/tenon) belongs to.
function(tenon_component_of header result)
  if(header MATCHES "\\.cuh$" OR header IN_LIST tenon_cuda_headers)
    set(component cuda)
  elseif(header IN_LIST tenon_cpu_headers)
    set(component cpu)
  elseif(header MATCHES "^(checkpoint|text|cpu|cuda|asio)[/.]")
    set(component ${CMAKE_MATCH_1})
  else()
    set(component tenon)
  endif()
  set(${result} ${component} PARENT_SCOPE)
endfunction()

foreach(header IN LISTS tenon_headers)
  tenon_component_of("${header}" component)
  list(APPEND tenon_headers_of_${component} "${tenon_include_dir}/tenon/${header}")
endforeach()

set(TENON_COMPONENTS)

# tenon_add_component(<name> [<library>...]): the interface target tenon::<name>, on top of tenon::tenon.
function(tenon_add_component name)
  if(NOT tenon_headers_of_${name})
    return()
  endif()
  set(target tenon_${name})
  if(name STREQUAL "tenon")
    set(target tenon)
  endif()
  add_library(${target} INTERFACE)
  add_library(tenon::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS "${tenon_include_dir}"
                 FILES ${tenon_headers_of_${name}})
  target_link_libraries(${target} INTERFACE ${ARGN})
  set(TENON_COMPONENTS ${TENON_COMPONENTS} ${name} PARENT_SCOPE)
endfunction()

tenon_add_component(tenon Threads::Threads)
tenon_add_component(cpu tenon::tenon)

find_package(Boost 1.81 QUIET CONFIG COMPONENTS json)
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND AND NOT TARGET PkgConfig::utf8proc)
  pkg_check_modules(utf8proc QUIET IMPORTED_TARGET GLOBAL libutf8proc)
endif()

if(TARGET Boost::json)
  tenon_add_component(checkpoint tenon::tenon Boost::json)
else()
  message(STATUS "tenon: no Boost.JSON 1.81 or newer, so no tenon::checkpoint and no tenon::text")
endif()
if(TARGET Boost::json AND TARGET PkgConfig::utf8proc)
  tenon_add_component(text tenon::checkpoint PkgConfig::utf8proc)
elseif(TARGET Boost::json)
  message(STATUS "tenon: no utf8proc (through pkg-config), so no tenon::text")
endif()
if(TARGET Boost::headers)
  tenon_add_component(asio tenon::tenon Boost::headers)
endif()
