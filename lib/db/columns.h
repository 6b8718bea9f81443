/* Wide rows, column by column in the order of the .sql file: those of a result read, many given to one statement as an
 * array for each column. */
#ifndef DB_COLUMNS_H
#define DB_COLUMNS_H

#include "db/db.h"

/* A place in a result. Texts are copied into the arena. */
struct row_cursor {
  const PGresult *rows;
  struct arena *arena;
  int row, column;
};

/* The value there, and on to the next column. NULL is NULL, `none`, the nil UUID or 0. */
const char *next_text(struct row_cursor *at);
int64_t next_int(struct row_cursor *at, int64_t none);
bool next_bool(struct row_cursor *at); /* never NULL */
struct uuid next_uuid(struct row_cursor *at);
struct utime next_utime(struct row_cursor *at);
/* Whether it is not NULL. */
bool next_date(struct row_cursor *at, struct date *ret_date);

void db_arrays_new(struct arena *arena, struct db_array **ret_arrays, int count);
/* Nothing may be added any more. */
void db_arrays_literals(struct db_array *const *arrays, int count, const char **ret_params);

/* A value, or NULL. */
void db_array_int_if(struct db_array *array, bool is_there, int64_t value);
void db_array_utime_if(struct db_array *array, bool is_there, struct utime t);
void db_array_date_if(struct db_array *array, bool is_there, struct date date);
void db_array_uuid_unless_nil(struct db_array *array, const struct uuid *id);

#endif
