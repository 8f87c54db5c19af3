# SPDX-License-Identifier: Apache-2.0
# Puts each file of src/cli/templates, and slurm/run.sbatch, into the library as a string, for the verb `new`
# (src/cli/new_project.cpp).
set(template_folder ${PROJECT_SOURCE_DIR}/src/cli/templates)
file(GLOB templates CONFIGURE_DEPENDS ${template_folder}/*.in)
list(APPEND templates ${PROJECT_SOURCE_DIR}/slurm/run.sbatch)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${templates})
set(templates_text "// Made from src/cli/templates by cmake/embed_templates.cmake.\n#include \"cli/templates.hpp\"\n\nnamespace stint::templates {\nconst std::vector<std::pair<std::string, std::string>> files{\n")
foreach(template IN LISTS templates)
  get_filename_component(name ${template} NAME)
  string(REGEX REPLACE "\\.in$" "" name ${name})
  file(READ ${template} text)
  string(APPEND templates_text "    {\"${name}\", R\"template(${text})template\"},\n")
endforeach()
string(APPEND templates_text "};\n}  // namespace stint::templates\n")
set(embedded_templates ${PROJECT_BINARY_DIR}/embedded_templates.cpp)
file(CONFIGURE OUTPUT ${embedded_templates} CONTENT "${templates_text}" @ONLY)
