# SPDX-License-Identifier: Apache-2.0
# One export set for each component, so that find_package(tenon COMPONENTS cpu) asks for no library of another one.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(tenon_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/tenon")
foreach(component IN LISTS TENON_COMPONENTS)
  set(target tenon_${component})
  if(component STREQUAL "tenon")
    set(target tenon)
  endif()
  install(TARGETS ${target} EXPORT tenon_${component} FILE_SET HEADERS)
  install(EXPORT tenon_${component} NAMESPACE tenon:: FILE tenon-${component}.cmake DESTINATION "${tenon_package_dir}")
endforeach()

configure_package_config_file(cmake/tenon-config.cmake.in "${PROJECT_BINARY_DIR}/tenon-config.cmake"
                              INSTALL_DESTINATION "${tenon_package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/tenon-config-version.cmake" COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/tenon-config.cmake" "${PROJECT_BINARY_DIR}/tenon-config-version.cmake"
        DESTINATION "${tenon_package_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
