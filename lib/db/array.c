/* Arrays on their way into PostgreSQL, in its binary format: a batch of some hundred rows and twenty columns is not
 * written as digits and quotes here to be read again there, which would be a fifth of what inserting it costs.
 *
 * The elements are kept as PostgreSQL receives them: length (-1: NULL) and bytes, in network order. What the parameter
 * is made of is known when it is sent: mostly what the elements are already. Others are converted, as an id that came
 * as text; and what cannot be (a number into numeric, a text that is no id) goes as text, for PostgreSQL to read or to
 * refuse. */
#include <endian.h>
#include <string.h>

#include "base/assert.h"
#include "db/array.h"
#include "db/db.h"

enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25, OID_DATE = 1082 };
enum { OID_JSON = 114, OID_TIMESTAMPTZ = 1184, OID_UUID = 2950, OID_JSONB = 3802 };
enum { HEADER_BYTES = 20, LENGTH_BYTES = 4, JSONB_VERSION = 1 };

#define PG_EPOCH_US   (INT64_C(946684800) * UTIME_SECOND) /* 2000-01-01 */
#define PG_EPOCH_DAYS 10957

static const struct {
  Oid array, element;
} array_types[] = {{1000, OID_BOOL},        {1001, OID_BYTEA}, {1016, OID_INT8},  {1005, OID_INT2},
                   {1007, OID_INT4},        {1009, OID_TEXT},  {1182, OID_DATE},  {2951, OID_UUID},
                   {1185, OID_TIMESTAMPTZ}, {1231, 1700},      {3807, OID_JSONB}, {199, OID_JSON}};

#define MAGIC UINT32_C(0x6172726f)

struct db_array {
  uint32_t magic;
  Oid type; /* of the elements as they are; 0: there is none but NULL yet */
  bool has_null;
  size_t count;
  struct arena *arena;
  uint8_t *bytes; /* room for the header, then the elements */
  size_t length, capacity;
};

Oid db_array_element(Oid type) {
  for (size_t i = 0; i < sizeof array_types / sizeof *array_types; i++)
    if (array_types[i].array == type) return array_types[i].element;
  return 0;
}

struct db_array *db_array_new(struct arena *arena) {
  struct db_array *array = ARENA_NEW(arena, struct db_array);
  *array = (struct db_array){.magic = MAGIC, .arena = arena, .length = HEADER_BYTES, .capacity = 256};
  array->bytes = arena_alloc(arena, array->capacity);
  return array;
}

/* Doubling in an arena wastes at most as much again; what is large by itself gets just its room. */
static uint8_t *room(struct db_array *array, size_t more) {
  if (array->length + more > array->capacity) {
    size_t needed = array->length + more, capacity = 2 * array->capacity;
    if (capacity < needed) capacity = needed;
    uint8_t *grown = arena_alloc(array->arena, capacity);
    memcpy(grown, array->bytes, array->length);
    array->bytes = grown;
    array->capacity = capacity;
  }
  uint8_t *at = array->bytes + array->length;
  array->length += more;
  return at;
}

static uint8_t *put_int32(uint8_t *at, uint32_t value) {
  value = htobe32(value);
  memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

/* Where the bytes of one element more go. */
static uint8_t *begin(struct db_array *array, Oid type, size_t length) {
  ASSERT(array->type == 0 || array->type == type);
  ASSERT(length <= INT32_MAX);
  array->type = type;
  array->count++;
  return put_int32(room(array, LENGTH_BYTES + length), (uint32_t)length);
}

static void add(struct db_array *array, Oid type, const void *bytes, size_t length) {
  memcpy(begin(array, type, length), bytes, length);
}

static void add_null(struct db_array *array) {
  array->has_null = true;
  array->count++;
  put_int32(room(array, LENGTH_BYTES), UINT32_MAX);
}

static void add_int64(struct db_array *array, Oid type, int64_t value) {
  uint64_t bytes = htobe64((uint64_t)value);
  add(array, type, &bytes, sizeof bytes);
}

void db_array_text(struct db_array *array, const char *text) {
  if (text)
    add(array, OID_TEXT, text, strlen(text));
  else
    add_null(array);
}

void db_array_bytes(struct db_array *array, const void *bytes, size_t length) {
  add(array, OID_BYTEA, bytes, length);
}

void db_array_uuid(struct db_array *array, const struct uuid *id) {
  if (id)
    add(array, OID_UUID, id->bytes, sizeof id->bytes);
  else
    add_null(array);
}

void db_array_int(struct db_array *array, int64_t value) {
  add_int64(array, OID_INT8, value);
}

void db_array_bool(struct db_array *array, bool value) {
  uint8_t byte = value;
  add(array, OID_BOOL, &byte, 1);
}

void db_array_utime(struct db_array *array, struct utime t) {
  add_int64(array, OID_TIMESTAMPTZ, t.us - PG_EPOCH_US);
}

void db_array_date(struct db_array *array, struct date date) {
  uint32_t days = htobe32((uint32_t)(date.days - PG_EPOCH_DAYS));
  add(array, OID_DATE, &days, sizeof days);
}

size_t db_array_count(const struct db_array *array) {
  return array->count;
}

const char *db_array_literal(struct db_array *array) {
  return (const char *)array;
}

/* -- sending -- */

/* One element, NULL: SQL's NULL. */
struct element {
  const uint8_t *bytes;
  size_t length;
};

static struct element next_element(const uint8_t **at) {
  uint32_t length;
  memcpy(&length, *at, sizeof length);
  length = be32toh(length);
  struct element element = {length == UINT32_MAX ? NULL : *at + LENGTH_BYTES, length == UINT32_MAX ? 0 : length};
  *at += LENGTH_BYTES + element.length;
  return element;
}

static int64_t int64_of(struct element element) {
  uint64_t value;
  ASSERT(element.length == sizeof value);
  memcpy(&value, element.bytes, sizeof value);
  return (int64_t)be64toh(value);
}

static bool add_small_int(struct db_array *to, Oid type, int64_t value) {
  bool is_int2 = type == OID_INT2;
  if (value < (is_int2 ? INT16_MIN : INT32_MIN) || value > (is_int2 ? INT16_MAX : INT32_MAX)) return false;
  uint32_t four = htobe32((uint32_t)value);
  uint16_t two = htobe16((uint16_t)value);
  add(to, type, is_int2 ? (const void *)&two : &four, is_int2 ? sizeof two : sizeof four);
  return true;
}

static bool add_id(struct db_array *to, struct element text) {
  char copy[UUID_TEXT_MAX];
  struct uuid id;
  if (text.length >= sizeof copy) return false;
  memcpy(copy, text.bytes, text.length);
  copy[text.length] = '\0';
  if (!uuid_parse(copy, &id)) return false;
  add(to, OID_UUID, id.bytes, sizeof id.bytes);
  return true;
}

static void add_jsonb(struct db_array *to, struct element text) {
  uint8_t *at = begin(to, OID_JSONB, 1 + text.length);
  *at++ = JSONB_VERSION;
  memcpy(at, text.bytes, text.length);
}

static bool add_as(struct db_array *to, Oid type, Oid from, struct element element) {
  if (!element.bytes)
    add_null(to);
  else if (from == OID_INT8 && (type == OID_INT4 || type == OID_INT2))
    return add_small_int(to, type, int64_of(element));
  else if (from == OID_TEXT && type == OID_UUID)
    return add_id(to, element);
  else if (from == OID_TEXT && type == OID_JSONB)
    add_jsonb(to, element);
  else
    return false;
  return true;
}

/* NULL: not all of them are such values. JSON is sent as its text. */
static const struct db_array *converted(const struct db_array *array, Oid type) {
  if (array->type == type || array->type == 0 || (array->type == OID_TEXT && type == OID_JSON)) return array;
  struct db_array *to = db_array_new(array->arena);
  const uint8_t *at = array->bytes + HEADER_BYTES;
  for (size_t i = 0; i < array->count; i++)
    if (!add_as(to, type, array->type, next_element(&at))) return NULL;
  return to;
}

static const char *element_text(const struct db_array *array, struct element element) {
  char text[UTIME_TEXT_MAX + UUID_TEXT_MAX];
  struct uuid id;
  uint32_t days;
  ASSERT(array->type != OID_BYTEA); /* goes into bytea only */
  switch (array->type) {
  case OID_INT8: return db_int(array->arena, int64_of(element));
  case OID_BOOL: return db_bool(element.bytes[0] != 0);
  case OID_TIMESTAMPTZ: return db_utime(array->arena, (struct utime){int64_of(element) + PG_EPOCH_US});
  case OID_UUID:
    memcpy(id.bytes, element.bytes, sizeof id.bytes);
    return arena_strdup(array->arena, uuid_format(&id, text));
  case OID_DATE:
    memcpy(&days, element.bytes, sizeof days);
    return db_date(array->arena, (struct date){(int32_t)be32toh(days) + PG_EPOCH_DAYS});
  default: return arena_strndup(array->arena, (const char *)element.bytes, element.length);
  }
}

/* {"…",NULL} */
static const char *text_of(const struct db_array *array) {
  struct db_array *out = db_array_new(array->arena); /* as a buffer */
  const uint8_t *from = array->bytes + HEADER_BYTES;
  *room(out, 1) = '{';
  for (size_t i = 0; i < array->count; i++) {
    struct element element = next_element(&from);
    if (i > 0) *room(out, 1) = ',';
    if (!element.bytes) {
      memcpy(room(out, 4), "NULL", 4);
      continue;
    }
    *room(out, 1) = '"';
    for (const char *text = element_text(array, element); *text; text++) {
      if (*text == '"' || *text == '\\') *room(out, 1) = '\\';
      *room(out, 1) = (uint8_t)*text;
    }
    *room(out, 1) = '"';
  }
  memcpy(room(out, 2), "}", 2);
  return (const char *)out->bytes + HEADER_BYTES;
}

struct db_value db_array_value(const char *param, Oid element_type) {
  const struct db_array *array = (const void *)param;
  ASSERT(array->magic == MAGIC);
  const struct db_array *as = converted(array, element_type);
  if (!as) return (struct db_value){.bytes = text_of(array)};
  uint8_t *at = as->bytes;
  at = put_int32(at, as->count > 0); /* dimensions */
  at = put_int32(at, as->has_null);
  at = put_int32(at, element_type);
  at = put_int32(at, (uint32_t)as->count);
  put_int32(at, 1); /* the first element's number */
  size_t length = as->count > 0 ? as->length : HEADER_BYTES - 2 * sizeof(uint32_t);
  return (struct db_value){.bytes = (const char *)as->bytes, .length = (int)length, .is_binary = true};
}
