# Text files in the program: embed_text(target directory prefix) makes <prefix>.h and <prefix>.c of a directory's files, as
# the list `<prefix>_files` of {name, text, length}. The same file is also the script that does it:
# cmake -DOUTPUT_C=... -DOUTPUT_H=... -DPREFIX=... -DDIRECTORY=... -P embed_text.cmake
if(NOT CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  set(EMBED_TEXT_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(embed_text target directory prefix)
    if(NOT TARGET ${target})
      return()
    endif()
    file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${directory}/*)
    set(out ${CMAKE_BINARY_DIR}/text/${target})
    file(MAKE_DIRECTORY ${out})
    add_custom_command(OUTPUT ${out}/${prefix}.c ${out}/${prefix}.h
      COMMAND ${CMAKE_COMMAND} -DOUTPUT_C=${out}/${prefix}.c -DOUTPUT_H=${out}/${prefix}.h -DPREFIX=${prefix}
        -DDIRECTORY=${CMAKE_SOURCE_DIR}/${directory} -P ${EMBED_TEXT_SCRIPT}
      DEPENDS ${files} ${EMBED_TEXT_SCRIPT} VERBATIM)
    target_sources(${target} PRIVATE ${out}/${prefix}.c ${out}/${prefix}.h)
    target_include_directories(${target} PRIVATE ${out})
  endfunction()

  # A suite that tests a program from within has its files, but for main.c, and needs no harness around them.
  function(with_program suite directory)
    if(NOT TARGET ${suite})
      return()
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${directory}/*.c)
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/${directory}/main.c)
    get_target_property(tests ${suite} SOURCES)
    list(FILTER tests EXCLUDE REGEX "/tests/harness/")
    set_target_properties(${suite} PROPERTIES SOURCES "${tests};${sources}")
    target_include_directories(${suite} PRIVATE ${CMAKE_SOURCE_DIR}/${directory})
    embed_sql(${suite} ${directory}/sql sql)
  endfunction()
  return()
endif()

set(list "")
file(GLOB files ${DIRECTORY}/*)
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  file(SIZE ${file} length)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  string(APPEND list "  {\"${name}\", ${length},\n    \"${text}\"},\n")
endforeach()
file(WRITE ${OUTPUT_H} "/* Made by cmake/embed_text.cmake from ${PREFIX}. */
#pragma once
#include <stddef.h>
#ifndef EMBEDDED_FILE
#define EMBEDDED_FILE
struct embedded_file {
  const char *name;
  size_t length;
  const char *text;
};
#endif
extern const struct embedded_file ${PREFIX}_files[]; /* a NULL name ends it */
")
file(WRITE ${OUTPUT_C} "#include \"${PREFIX}.h\"\nconst struct embedded_file ${PREFIX}_files[] = {\n${list}  {0}};\n")
