/* Values on their way into and out of PostgreSQL's text format. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/digits.h"
#include "db/db.h"

const char *db_uuid(struct arena *arena, const struct uuid *id) {
  if (!id) return NULL;
  char text[UUID_TEXT_MAX];
  return arena_strdup(arena, uuid_format(id, text));
}

const char *db_int(struct arena *arena, int64_t value) {
  char text[DIGITS_INT64_MAX];
  return arena_strdup(arena, int64_format(value, text));
}

const char *db_bool(bool value) {
  return value ? "t" : "f";
}

const char *db_utime(struct arena *arena, struct utime t) {
  char text[UTIME_TEXT_MAX];
  return arena_strdup(arena, utime_format_us(t, text));
}

const char *db_date(struct arena *arena, struct date date) {
  char text[DATE_TEXT_MAX];
  return arena_strdup(arena, date_format(date, text));
}

const char *db_bytea(struct arena *arena, const void *bytes, size_t length) {
  static const char digits[] = "0123456789abcdef";
  char *text = arena_alloc(arena, 2 * length + 3);
  text[0] = '\\';
  text[1] = 'x';
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = ((const uint8_t *)bytes)[i];
    text[2 + 2 * i] = digits[byte >> 4];
    text[3 + 2 * i] = digits[byte & 15];
  }
  return text;
}

int row_count(const PGresult *result) {
  return PQntuples(result);
}

bool row_is_null(const PGresult *result, int row, int column) {
  ASSERT(row < PQntuples(result) && column < PQnfields(result));
  return PQgetisnull(result, row, column) != 0;
}

const char *row_text(const PGresult *result, int row, int column) {
  return row_is_null(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

const char *row_text_copy(struct arena *arena, const PGresult *result, int row, int column) {
  const char *text = row_text(result, row, column);
  return text ? arena_strdup(arena, text) : NULL;
}

static const char *row_value(const PGresult *result, int row, int column) {
  const char *text = row_text(result, row, column);
  ASSERT(text);
  return text;
}

int64_t row_int(const PGresult *result, int row, int column) {
  const char *text = row_value(result, row, column);
  char *end;
  long long value = strtoll(text, &end, 10);
  ASSERT(*text && !*end);
  return value;
}

bool row_bool(const PGresult *result, int row, int column) {
  return row_value(result, row, column)[0] == 't';
}

struct uuid row_uuid(const PGresult *result, int row, int column) {
  struct uuid id;
  bool ok = uuid_parse(row_value(result, row, column), &id);
  ASSERT(ok);
  return id;
}

struct utime row_utime(const PGresult *result, int row, int column) {
  struct utime t;
  bool ok = utime_from_pg(row_value(result, row, column), &t);
  ASSERT(ok);
  return t;
}

struct date row_date(const PGresult *result, int row, int column) {
  struct date date;
  struct error err;
  enum rc rc = date_parse(row_value(result, row, column), "", &date, &err);
  ASSERT(rc == RC_OK);
  return date;
}
