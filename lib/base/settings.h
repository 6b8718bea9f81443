/* Settings: one table for each process; the program, `--help` and the docs (docs are `--help=markdown`) all read it.
 * Values come from the environment; an empty one counts as not given. A wrong one is reported in one line that names
 * it, and the process exits 2. An empty default of a text means "not used" and is not checked further. */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum setting_type {
  SETTING_TEXT,    /* char * */
  SETTING_SECRET,  /* char *, never shown; min is its least length in bytes */
  SETTING_INT,     /* int64_t within min..max */
  SETTING_BOOL,    /* bool: true, false, 1, 0 */
  SETTING_ADDRESS, /* char *, "host:port" */
  SETTING_CHOICE,  /* char *, one of the words in `choices`, separated by spaces */
};

struct setting {
  const char *name; /* of the environment variable */
  enum setting_type type;
  size_t offset;             /* in the process's own struct */
  const char *default_value; /* NULL: must be given */
  int64_t min, max;          /* SETTING_INT: the value; texts: the length, 0 for no limit but 4096 */
  const char *choices;
  const char *help;
};

/* Fills target from the environment; texts point into it or the table and live as long as the process. */
MUST_CHECK enum rc settings_load(const struct setting *table, size_t count, void *target, struct error *err);
/* One line on standard error: whose fault it is that the process does not start. */
void settings_complain(const char *process, const struct error *err);
/* --help, --help=markdown: prints and returns true. `about` is one line on what the process does. */
bool settings_help(const struct setting *table, size_t count, const char *process, const char *about, int argc,
                   char **argv);

#endif
