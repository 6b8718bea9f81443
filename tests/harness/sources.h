/* Reading the sources as text, strictly: what contract and tenant tests compare. */
#ifndef HARNESS_SOURCES_H
#define HARNESS_SOURCES_H

#include <stddef.h>

const char *source_text(const char *path); /* below the source directory; the test fails when it is not there */
/* Every match of the extended expression's first group in the text. Ends with NULL. */
const char **matches(const char *text, const char *expression);
/* The files of a directory below the source directory, recursively, whose names end so; relative paths, NULL at the
 * end. */
const char **source_files(const char *directory, const char *suffix);

/* The rows of ROUTES in api/routes.c, in their order; kind is READ, LIST, COMMAND or HANDLER. permission: NULL for who
 * needs no token, "" for who is logged in. command: of a COMMAND. */
struct api_route {
  const char *kind, *method, *path, *permission, *command;
};
enum { API_ROUTES_MAX = 400 };
size_t api_routes(struct api_route ret_routes[static API_ROUTES_MAX]);
int count_of(const char *const *list, const char *word);

#endif
