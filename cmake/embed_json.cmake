# cmake -DOUTPUT=schemas.c -DDIRECTORY=schemas -P embed_json.cmake
# Writes every schema below DIRECTORY/commands, DIRECTORY/events and DIRECTORY/requests into schema_embedded[], with the name of its file and
# of its directory.
file(GLOB FILES ${DIRECTORY}/commands/*.json ${DIRECTORY}/events/*.json ${DIRECTORY}/requests/*.json)
set(source "/* Made from schemas/ by cmake/embed_json.cmake. */\n#include \"schema/schema.h\"\n")
string(APPEND source "extern const struct schema_source schema_embedded[];\n")
string(APPEND source "const struct schema_source schema_embedded[] = {\n")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WLE)
  get_filename_component(directory ${file} DIRECTORY)
  get_filename_component(kind ${directory} NAME)
  file(READ ${file} text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n   \"" text "${text}")
  string(APPEND source "  {\"${name}\", \"${kind}\",\n   \"${text}\"},\n")
endforeach()
string(APPEND source "  {0, 0, 0}};\n")
file(WRITE ${OUTPUT} "${source}")
