/* Arrays as they reach PostgreSQL: what lib/db sends in its binary format, or as text where it has none, is what was
 * added. PostgreSQL itself says what it got. */
#include <criterion/criterion.h>
#include <string.h>

#include "db/db.h"
#include "harness/harness.h"

#define ID "0199f3a1-0000-7000-8000-00000000abcd"

static void texts(struct db_array *array) {
  db_array_text(array, "plain");
  db_array_text(array, NULL);
  db_array_text(array, "");
  db_array_text(array, "NULL");
  db_array_text(array, "{\"a\\b\", 'é'}");
}

static void ids(struct db_array *array) {
  struct uuid id;
  cr_assert(uuid_parse(ID, &id));
  db_array_uuid(array, &id);
  db_array_uuid(array, NULL);
}

static void texts_of_ids(struct db_array *array) {
  db_array_text(array, NULL);
  db_array_text(array, ID);
}

static void odd_texts_of_ids(struct db_array *array) { /* PostgreSQL reads more forms than uuid_parse */
  db_array_text(array, "{0199F3A1000070008000-00000000abcd}");
}

static void ints(struct db_array *array) {
  db_array_int(array, -1);
  db_array_int(array, 32767);
  db_array_text(array, NULL);
}

static void large_ints(struct db_array *array) {
  db_array_int(array, INT64_MAX);
  db_array_int(array, INT64_MIN);
}

static void bools(struct db_array *array) {
  db_array_bool(array, true);
  db_array_bool(array, false);
}

static void times(struct db_array *array) {
  db_array_utime(array, (struct utime){0});
  db_array_utime(array, (struct utime){INT64_C(1795250819123456)});
  db_array_text(array, NULL);
}

static void days(struct db_array *array) {
  db_array_date(array, (struct date){0});
  db_array_date(array, (struct date){20778});
}

static void decimals(struct db_array *array) {
  db_array_text(array, "0.000001");
  db_array_text(array, NULL);
  db_array_text(array, "-99.00");
}

static void documents(struct db_array *array) {
  db_array_text(array, "{\"a\": [1, \"\\\"\"]}");
  db_array_text(array, NULL);
}

static void nothing(struct db_array *array) {
  (void)array;
}

static void nulls(struct db_array *array) {
  db_array_text(array, NULL);
}

#define AS(type) \
  { "as-" #type, "SELECT $1::" #type "[]::text" }
static const struct {
  struct statement statement;
  void (*fill)(struct db_array *);
  const char *expected;
} CASES[] = {
    {AS(text), texts, "{plain,NULL,\"\",\"NULL\",\"{\\\"a\\\\b\\\", 'é'}\"}"},
    {AS(text), ids, "{" ID ",NULL}"},
    {AS(text), ints, "{-1,32767,NULL}"},
    {AS(text), days, "{1970-01-01,2026-11-21}"},
    {AS(uuid), ids, "{" ID ",NULL}"},
    {AS(uuid), texts_of_ids, "{NULL," ID "}"},
    {AS(uuid), odd_texts_of_ids, "{" ID "}"},
    {AS(bigint), ints, "{-1,32767,NULL}"},
    {AS(bigint), large_ints, "{9223372036854775807,-9223372036854775808}"},
    {AS(integer), ints, "{-1,32767,NULL}"},
    {AS(smallint), ints, "{-1,32767,NULL}"},
    {AS(numeric), ints, "{-1,32767,NULL}"},
    {AS(numeric), decimals, "{0.000001,NULL,-99.00}"},
    {AS(boolean), bools, "{t,f}"},
    {AS(timestamptz), times, "{\"1970-01-01 00:00:00+00\",\"2026-11-21 08:46:59.123456+00\",NULL}"},
    {AS(date), days, "{1970-01-01,2026-11-21}"},
    {AS(jsonb), documents, "{\"{\\\"a\\\": [1, \\\"\\\\\\\"\\\"]}\",NULL}"},
    {AS(uuid), nothing, "{}"},
    {AS(jsonb), nulls, "{NULL}"},
};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES, ARENA_MAX = 1024 * 1024 };

static struct db *open_db(const struct statement *const *list) {
  static const struct statement *const *lists[2];
  lists[0] = list;
  return db_new(&(struct db_options){
      .url = setting("WORKER_DATABASE_URL"), .application_name = "test-contract", .statements = lists});
}

Test(arrays, arrive_as_they_were_added) {
  for (int i = 0; i < CASE_COUNT; i++) {
    const struct statement *list[] = {&CASES[i].statement, NULL};
    struct db *db = open_db(list);
    struct arena CLEANUP(arena_release) arena;
    struct error err;
    struct tx tx = {0};
    PGresult CLEANUP(db_result_release) *rows = NULL;
    arena_init(&arena, ARENA_MAX);
    struct db_array *array = db_array_new(&arena);
    CASES[i].fill(array);
    cr_assert_eq(tx_begin(db, &tx, &err), RC_OK, "%s", err.text);
    cr_expect_eq(tx_exec(&tx, list[0], PARAMS(db_array_literal(array)), &rows, &err), RC_OK, "case %d: %s", i,
                 err.text);
    if (rows) cr_expect_str_eq(row_text(rows, 0, 0), CASES[i].expected, "case %d", i);
    tx_release(&tx);
    db_free(db);
  }
}

/* What fits no type is refused by PostgreSQL, as bad data: the message is at fault, not the program. */
Test(arrays, refuse_what_does_not_fit) {
  static const struct {
    struct statement statement;
    void (*fill)(struct db_array *);
  } unfit[] = {{AS(integer), large_ints}, {AS(smallint), large_ints}, {AS(uuid), texts}, {AS(jsonb), decimals}};
  for (int i = 0; i < (int)(sizeof unfit / sizeof *unfit); i++) {
    const struct statement *list[] = {&unfit[i].statement, NULL};
    struct db *db = open_db(list);
    struct arena CLEANUP(arena_release) arena;
    struct error err;
    struct tx tx = {0};
    arena_init(&arena, ARENA_MAX);
    struct db_array *array = db_array_new(&arena);
    unfit[i].fill(array);
    if (unfit[i].fill == decimals) db_array_text(array, "{");
    cr_assert_eq(tx_begin(db, &tx, &err), RC_OK, "%s", err.text);
    cr_expect_eq(tx_exec(&tx, list[0], PARAMS(db_array_literal(array)), NULL, &err), RC_INVARIANT, "case %d", i);
    tx_release(&tx);
    db_free(db);
  }
}
