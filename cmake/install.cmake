# SPDX-License-Identifier: Apache-2.0
# What a package of Stint holds: program, library, headers, find_package(stint), pkg-config, man pages.
include(CMakePackageConfigHelpers)

install(TARGETS stint EXPORT stint_targets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS stint_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/stint DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(DIRECTORY slurm DESTINATION ${CMAKE_INSTALL_DATADIR}/stint FILES_MATCHING PATTERN "*.sbatch")
install(DIRECTORY jobs DESTINATION ${CMAKE_INSTALL_DATADIR}/stint)  # to read, and to begin with

# find_package(stint) gives stint::stint.
set(stint_package ${CMAKE_INSTALL_LIBDIR}/cmake/stint)
get_target_property(stint_type stint TYPE)
if(stint_type STREQUAL "STATIC_LIBRARY")
  set(stint_is_static TRUE)
else()
  set(stint_is_static FALSE)
endif()
configure_package_config_file(cmake/stint-config.cmake.in ${PROJECT_BINARY_DIR}/stint-config.cmake
  INSTALL_DESTINATION ${stint_package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/stint-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/stint-config.cmake ${PROJECT_BINARY_DIR}/stint-config-version.cmake
  DESTINATION ${stint_package})
export(EXPORT stint_targets NAMESPACE stint:: FILE ${PROJECT_BINARY_DIR}/stint-targets.cmake)  # to be used where it is built
install(EXPORT stint_targets NAMESPACE stint:: FILE stint-targets.cmake DESTINATION ${stint_package})

# pkg-config --cflags --libs stint; the paths follow the file, so that the tree may be moved.
set(stint_pc_private "")
if(stint_is_static)
  set(stint_pc_private "Requires.private: hiredis libxxhash libzstd fmt spdlog ompi-c")
endif()
file(RELATIVE_PATH stint_pc_up ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/stint.pc.in ${PROJECT_BINARY_DIR}/stint.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/stint.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Man pages, made from --help: stint(1), and one a verb.
find_program(HELP2MAN help2man DOC "Makes the man pages; without it there are none")
mark_as_advanced(HELP2MAN)
if(HELP2MAN AND NOT CMAKE_CROSSCOMPILING AND NOT STINT_SANITIZE)
  set(man_pages "")
  function(add_man_page verb about)  # an empty verb: the program itself
    string(STRIP "stint ${verb}" command)
    string(REPLACE " " "-" page ${command})
    set(folder ${PROJECT_BINARY_DIR}/man)
    # help2man names the page after the program that it calls.
    file(GENERATE OUTPUT ${folder}/${page} CONTENT "#!/bin/sh\nexec '$<TARGET_FILE:stint_program>' ${verb} \"$@\"\n"
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ WORLD_READ)
    add_custom_command(OUTPUT ${folder}/${page}.1
      COMMAND ${HELP2MAN} --no-info --source=Stint --name=${about} --version-string=${PROJECT_VERSION}
              --output=${folder}/${page}.1 ${folder}/${page}
      DEPENDS stint_program ${folder}/${page} VERBATIM COMMENT "Man page ${page}(1)")
    set(man_pages ${man_pages} ${folder}/${page}.1 PARENT_SCOPE)
  endfunction()
  add_man_page("" "runs a batch of work on MPI ranks that share one Redis as a blackboard")
  add_man_page(run "runs a job, or continues a run")
  add_man_page(ls "lists the runs on the blackboard")
  add_man_page(status "shows how far a run is")
  add_man_page(result "prints the stored result of a run")
  add_man_page(rm "removes a run from the blackboard")
  add_man_page(serve "runs the embedded blackboard")
  add_man_page(new "begins a project with a job of your own")
  add_custom_target(stint_man ALL DEPENDS ${man_pages})
  install(FILES ${man_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)  # or not made yet
endif()
