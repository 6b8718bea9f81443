/* RFC 9562's layout, order within a process, and ids that come out the same for the same input. */
#include "base/uuid.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"

enum { THREADS = 8, IDS_PER_THREAD = 20000 };

static int64_t ms_of(const struct uuid *id) {
  int64_t ms = 0;
  for (size_t i = 0; i < 6; i++) ms = ms << 8 | id->bytes[i];
  return ms;
}

Test(uuid, a_new_one_is_version_7_of_now) {
  int64_t before_ms = utime_now().us / 1000;
  struct uuid id = uuid_new();
  int64_t after_ms = utime_now().us / 1000;
  cr_expect_eq(id.bytes[6] >> 4, 7);
  cr_expect_eq(id.bytes[8] >> 6, 2);
  cr_expect(ms_of(&id) >= before_ms && ms_of(&id) <= after_ms);
}

Test(uuid, new_ones_only_grow_even_when_the_counter_runs_over) {
  struct uuid last = uuid_new();
  int64_t start_ms = ms_of(&last);
  for (int i = 0; i < 500000; i++) {
    struct uuid id = uuid_new();
    cr_assert_lt(uuid_compare(&last, &id), 0, "id %d", i);
    cr_assert_eq(id.bytes[6] >> 4, 7);
    cr_assert_eq(id.bytes[8] >> 6, 2);
    last = id;
  }
  cr_expect_gt(ms_of(&last), start_ms);
}

static void *make_ids(void *place) {
  struct uuid *ids = place;
  for (size_t i = 0; i < IDS_PER_THREAD; i++) ids[i] = uuid_new();
  return NULL;
}

static int compare_ids(const void *a, const void *b) {
  return uuid_compare(a, b);
}

Test(uuid, threads_never_get_the_same_one) {
  static struct uuid ids[THREADS][IDS_PER_THREAD];
  pthread_t threads[THREADS];
  for (size_t i = 0; i < THREADS; i++) cr_assert_eq(pthread_create(&threads[i], NULL, make_ids, ids[i]), 0);
  for (size_t i = 0; i < THREADS; i++) cr_assert_eq(pthread_join(threads[i], NULL), 0);
  for (size_t i = 0; i < THREADS; i++) {
    for (size_t j = 1; j < IDS_PER_THREAD; j++) cr_assert_lt(uuid_compare(&ids[i][j - 1], &ids[i][j]), 0);
  }
  qsort(ids, (size_t)THREADS * IDS_PER_THREAD, sizeof ids[0][0], compare_ids);
  for (size_t i = 1; i < (size_t)THREADS * IDS_PER_THREAD; i++)
    cr_assert_neq(uuid_compare(&ids[0][0] + i - 1, &ids[0][0] + i), 0);
}

Test(uuid, a_forked_child_does_not_repeat_its_parents) {
  enum { IDS = 100 };
  struct uuid mine[IDS];
  struct uuid childs[IDS];
  int ends[2];
  (void)uuid_new(); /* so that there is entropy to inherit */
  cr_assert_eq(pipe(ends), 0);
  pid_t child = fork();
  for (size_t i = 0; i < IDS; i++) mine[i] = uuid_new();
  if (child == 0) _exit(write(ends[1], mine, sizeof mine) == sizeof mine ? 0 : 1);
  cr_assert_eq(read(ends[0], childs, sizeof childs), (ssize_t)sizeof childs);
  cr_assert_eq(waitpid(child, NULL, 0), child);
  for (size_t i = 0; i < IDS; i++) {
    cr_expect_neq(memcmp(mine[i].bytes + 8, childs[i].bytes + 8, 8), 0, "same random half of id %zu", i);
    for (size_t j = 0; j < IDS; j++) cr_assert_not(uuid_equal(&mine[i], &childs[j]));
  }
}

Test(uuid, derived_ones_are_the_hash_of_their_parts) {
  char text[UUID_TEXT_MAX];
  struct uuid id = UUID_DERIVE("a", "bc"); /* worked out with Python's hashlib */
  cr_expect_str_eq(uuid_format(&id, text), "3fafa1cf-2f19-87c1-929b-eb20cf0983f7");
  id = UUID_DERIVE("");
  cr_expect_str_eq(uuid_format(&id, text), "af5570f5-a181-8b7a-b78c-af4bc70a660f");
  id = UUID_DERIVE("tenant", "caller", "key");
  cr_expect_str_eq(uuid_format(&id, text), "a4852bee-85d6-8cef-882b-9d5ab17cd7cf");
}

Test(uuid, derived_ones_depend_on_where_the_parts_end) {
  struct uuid a = UUID_DERIVE("a", "bc");
  struct uuid b = UUID_DERIVE("ab", "c");
  struct uuid c = UUID_DERIVE("a", "bc", "");
  struct uuid again = UUID_DERIVE("a", "bc");
  cr_expect_not(uuid_equal(&a, &b));
  cr_expect_not(uuid_equal(&a, &c));
  cr_expect(uuid_equal(&a, &again));
}

Test(uuid, format_and_parse_are_inverse) {
  for (int i = 0; i < 1000; i++) {
    char text[UUID_TEXT_MAX];
    struct uuid id = uuid_new();
    struct uuid back;
    cr_assert(uuid_parse(uuid_format(&id, text), &back));
    cr_assert(uuid_equal(&id, &back));
  }
}

Test(uuid, either_case_is_read_and_lower_case_written) {
  char text[UUID_TEXT_MAX];
  struct uuid id;
  cr_assert(uuid_parse("0193A1B2-C3D4-7E5F-8a9b-0C1D2E3F4A5B", &id));
  cr_expect_str_eq(uuid_format(&id, text), "0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b");
}

Test(uuid, what_is_no_uuid_is_refused) {
  static const char *const CASES[] = {
      "",
      "0193a1b2",
      "0193a1b2c3d47e5f8a9b0c1d2e3f4a5b",
      "0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5",
      "0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b0",
      "0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b ",
      " 0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
      "{0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5}",
      "0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5g",
      "0193a1b2-c3d4-7e5f-8a9b_0c1d2e3f4a5b",
      "0193a1b2c-3d4-7e5f-8a9b-0c1d2e3f4a5b",
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct uuid id = {{1}};
    cr_expect_not(uuid_parse(CASES[i], &id), "\"%s\"", CASES[i]);
    cr_expect_eq(id.bytes[0], 1, "untouched");
  }
}

Test(uuid, nil_is_all_zeros) {
  char text[UUID_TEXT_MAX];
  struct uuid id = uuid_new();
  cr_expect(uuid_is_nil(&UUID_NIL));
  cr_expect_not(uuid_is_nil(&id));
  cr_expect_str_eq(uuid_format(&UUID_NIL, text), "00000000-0000-0000-0000-000000000000");
}

Test(uuid, a_missing_part_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)UUID_DERIVE("a", NULL);
}
