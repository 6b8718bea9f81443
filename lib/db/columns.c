/* See columns.h. */
#include "db/columns.h"

static bool skip_null(struct row_cursor *at) {
  if (!row_is_null(at->rows, at->row, at->column)) return false;
  at->column++;
  return true;
}

const char *next_text(struct row_cursor *at) {
  return row_text_copy(at->arena, at->rows, at->row, at->column++);
}

int64_t next_int(struct row_cursor *at, int64_t none) {
  return skip_null(at) ? none : row_int(at->rows, at->row, at->column++);
}

bool next_bool(struct row_cursor *at) {
  return row_bool(at->rows, at->row, at->column++);
}

struct uuid next_uuid(struct row_cursor *at) {
  return skip_null(at) ? UUID_NIL : row_uuid(at->rows, at->row, at->column++);
}

struct utime next_utime(struct row_cursor *at) {
  return skip_null(at) ? (struct utime){0} : row_utime(at->rows, at->row, at->column++);
}

bool next_date(struct row_cursor *at, struct date *ret_date) {
  if (skip_null(at)) return false;
  *ret_date = row_date(at->rows, at->row, at->column++);
  return true;
}

void db_arrays_new(struct arena *arena, struct db_array **ret_arrays, int count) {
  for (int i = 0; i < count; i++) ret_arrays[i] = db_array_new(arena);
}

void db_arrays_literals(struct db_array *const *arrays, int count, const char **ret_params) {
  for (int i = 0; i < count; i++) ret_params[i] = db_array_literal(arrays[i]);
}

void db_array_int_if(struct db_array *array, bool is_there, int64_t value) {
  if (is_there)
    db_array_int(array, value);
  else
    db_array_text(array, NULL);
}

void db_array_utime_if(struct db_array *array, bool is_there, struct utime t) {
  if (is_there)
    db_array_utime(array, t);
  else
    db_array_text(array, NULL);
}

void db_array_date_if(struct db_array *array, bool is_there, struct date date) {
  if (is_there)
    db_array_date(array, date);
  else
    db_array_text(array, NULL);
}

void db_array_uuid_unless_nil(struct db_array *array, const struct uuid *id) {
  db_array_uuid(array, uuid_is_nil(id) ? NULL : id);
}
