/* Reading the sources as text, strictly: what the contract tests compare. Kept until the test ends. */
#ifndef CONTRACT_TEXT_H
#define CONTRACT_TEXT_H

#include <stddef.h>

const char *source_text(const char *path); /* below the source directory; the test fails when it is not there */
/* Every match of the extended expression's first group in the text. Ends with NULL. */
const char **matches(const char *text, const char *expression);
/* The files of a directory below the source directory, recursively, whose names end so; relative paths, NULL at the
 * end. */
const char **source_files(const char *directory, const char *suffix);
int count_of(const char *const *list, const char *word);

#endif
