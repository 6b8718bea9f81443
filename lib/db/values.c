/* Values on their way into and out of PostgreSQL's text format. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "db/db.h"

const char *db_uuid(struct arena *arena, const struct uuid *id) {
  if (!id) return NULL;
  char text[UUID_TEXT_MAX];
  return arena_strdup(arena, uuid_format(id, text));
}

const char *db_int(struct arena *arena, int64_t value) {
  return arena_printf(arena, "%lld", (long long)value);
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

struct db_array {
  struct arena *arena;
  char *text;
  size_t length, capacity, count;
};

/* Room for `more` bytes, the closing brace and NUL. Doubling in an arena wastes at most as much again. */
static char *array_room(struct db_array *array, size_t more) {
  if (array->length + more + 2 > array->capacity) {
    size_t capacity = 2 * (array->capacity + more + 2);
    char *grown = arena_alloc(array->arena, capacity);
    memcpy(grown, array->text, array->length);
    array->text = grown;
    array->capacity = capacity;
  }
  return array->text + array->length;
}

struct db_array *db_array_new(struct arena *arena) {
  struct db_array *array = ARENA_NEW(arena, struct db_array);
  *array = (struct db_array){.arena = arena, .capacity = 256};
  array->text = arena_alloc(arena, array->capacity);
  array->text[array->length++] = '{';
  return array;
}

static void array_raw(struct db_array *array, const char *text) {
  size_t length = strlen(text);
  char *at = array_room(array, length + 1);
  if (array->count++ > 0) {
    *at++ = ',';
    array->length++;
  }
  memcpy(at, text, length);
  array->length += length;
}

void db_array_text(struct db_array *array, const char *text) {
  if (!text) {
    array_raw(array, "NULL");
    return;
  }
  char *at = array_room(array, 2 * strlen(text) + 3), *start = at;
  if (array->count++ > 0) *at++ = ',';
  *at++ = '"';
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') *at++ = '\\';
    *at++ = *text;
  }
  *at++ = '"';
  array->length += (size_t)(at - start);
}

void db_array_uuid(struct db_array *array, const struct uuid *id) {
  char text[UUID_TEXT_MAX];
  array_raw(array, id ? uuid_format(id, text) : "NULL");
}

void db_array_int(struct db_array *array, int64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)value);
  array_raw(array, text);
}

void db_array_bool(struct db_array *array, bool value) {
  array_raw(array, value ? "t" : "f");
}

void db_array_utime(struct db_array *array, struct utime t) {
  char text[UTIME_TEXT_MAX];
  array_raw(array, utime_format_us(t, text));
}

void db_array_date(struct db_array *array, struct date date) {
  char text[DATE_TEXT_MAX];
  array_raw(array, date_format(date, text));
}

size_t db_array_count(const struct db_array *array) {
  return array->count;
}

const char *db_array_literal(struct db_array *array) {
  char *end = array_room(array, 0);
  end[0] = '}';
  end[1] = '\0';
  return array->text;
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
