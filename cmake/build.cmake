# The verbs that CMakeLists.txt is written in, the flags, and the third parties.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # the cleanup attribute, __int128
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CLOUDBILL_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize takes them")
option(CLOUDBILL_HARDEN "hardening flags" OFF)
option(CLOUDBILL_TESTS "the test suites" OFF)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# Third parties under short names; their headers are system headers.
function(third_party name)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${ARGN})
  add_library(use-${name} INTERFACE)
  target_link_libraries(use-${name} INTERFACE PkgConfig::${name})
endfunction()
third_party(crypto libcrypto)
third_party(pq libpq)
third_party(rdkafka rdkafka)
third_party(jansson jansson)
third_party(hiredis hiredis)
third_party(jwt libjwt)
third_party(curl libcurl)
third_party(crypt libxcrypt)
if(CLOUDBILL_TESTS)
  third_party(criterion criterion)
endif()
add_library(use-civetweb INTERFACE)
target_link_libraries(use-civetweb INTERFACE civetweb)
add_library(use-valijson INTERFACE)

add_library(flags INTERFACE)
target_compile_definitions(flags INTERFACE _GNU_SOURCE)
target_compile_options(flags INTERFACE -g -fno-omit-frame-pointer
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Werror -Wconversion -Wswitch-enum -Wmissing-prototypes -Wstrict-prototypes
    # ret_ outputs are set whenever RC_OK is returned, which gcc cannot see; snprintf is meant to cut.
    $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-format-truncation>
    -Wvla -Wshadow -Wformat=2 -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings
    -include ${CMAKE_SOURCE_DIR}/lib/base/banned.h>)
target_link_libraries(flags INTERFACE Threads::Threads)
if(CLOUDBILL_SANITIZE)
  target_compile_options(flags INTERFACE -fsanitize=${CLOUDBILL_SANITIZE} -fno-sanitize-recover=all -O1)
  target_link_options(flags INTERFACE -fsanitize=${CLOUDBILL_SANITIZE})
endif()
if(CLOUDBILL_HARDEN)
  target_compile_options(flags INTERFACE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
    -fcf-protection -fPIE)
  target_link_options(flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()

# The .sql files of a directory become <prefix>.c and <prefix>.h (see embed_sql.cmake).
function(embed_sql target directory prefix)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${directory}/*.sql)
  if(NOT files)
    return()
  endif()
  set(out ${CMAKE_BINARY_DIR}/sql/${target})
  file(MAKE_DIRECTORY ${out})
  add_custom_command(OUTPUT ${out}/${prefix}.c ${out}/${prefix}.h
    COMMAND ${CMAKE_COMMAND} -DOUTPUT_C=${out}/${prefix}.c -DOUTPUT_H=${out}/${prefix}.h -DPREFIX=${prefix}
      -DDIRECTORY=${CMAKE_SOURCE_DIR}/${directory} -P ${CMAKE_SOURCE_DIR}/cmake/embed_sql.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed_sql.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out}/${prefix}.c ${out}/${prefix}.h)
  target_include_directories(${target} PRIVATE ${out})
endfunction()

# The JSON Schemas of schemas/ become one table in the target (see embed_json.cmake).
function(embed_json target directory)
  if(NOT TARGET ${target})
    return()
  endif()
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${directory}/commands/*.json
    ${CMAKE_SOURCE_DIR}/${directory}/events/*.json ${CMAKE_SOURCE_DIR}/${directory}/requests/*.json)
  set(out ${CMAKE_BINARY_DIR}/json/${target}_embedded.c)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${out} -DDIRECTORY=${CMAKE_SOURCE_DIR}/${directory}
      -P ${CMAKE_SOURCE_DIR}/cmake/embed_json.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed_json.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()

# What a list of short names links: our layers by their own name, third parties as use-<name>.
function(link_uses target visibility)
  foreach(use IN LISTS ARGN)
    if(TARGET use-${use})
      target_link_libraries(${target} ${visibility} use-${use})
    else()
      target_link_libraries(${target} ${visibility} ${use})
    endif()
  endforeach()
endfunction()

# A layer's headers are reached as "<layer>/file.h" through a directory that holds a link to that layer alone.
function(layer name directory)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${directory}/*.c ${CMAKE_SOURCE_DIR}/${directory}/*.cc)
  if(NOT sources)
    return()
  endif()
  add_library(${name} STATIC ${sources})
  set(view ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${directory} ${view}/${name} SYMBOLIC)
  target_include_directories(${name} PUBLIC ${view})
  target_link_libraries(${name} PUBLIC flags)
  target_compile_definitions(${name} PRIVATE CLOUDBILL_VERSION="${PROJECT_VERSION}")
  embed_sql(${name} ${directory}/sql ${name}_sql)
  link_uses(${name} PUBLIC ${ARGN})
endfunction()

function(program name directory)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${directory}/*.c)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  if(CLOUDBILL_SANITIZE MATCHES "thread")
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/preload/c11_threads.c)
  endif()
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/${directory})
  target_compile_definitions(${name} PRIVATE CLOUDBILL_VERSION="${PROJECT_VERSION}")
  embed_sql(${name} ${directory}/sql sql)
  link_uses(${name} PRIVATE ${ARGN})
endfunction()

# A Criterion suite: tests/<suite>/*.c and its subdirectories, with the harness that all but unit tests share.
function(suite name directory)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${directory}/*.c)
  if(NOT sources)
    return()
  endif()
  if(NOT name STREQUAL "test-unit")
    file(GLOB harness CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/harness/*.c)
  endif()
  add_executable(${name} ${sources} ${harness})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE -Wno-missing-prototypes)
  link_uses(${name} PRIVATE ${ARGN} criterion jansson)
endfunction()

# A shared object that a test puts before a program's libraries (LD_PRELOAD). Without sanitizers: their runtime must not
# come twice.
function(preload name source)
  add_library(${name} SHARED ${CMAKE_SOURCE_DIR}/${source})
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  target_compile_options(${name} PRIVATE -g -O1 -Wall -Wextra -Werror)
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin PREFIX "")
  link_uses(${name} PRIVATE ${ARGN})
  target_link_options(${name} PRIVATE -Wl,--as-needed)
endfunction()
