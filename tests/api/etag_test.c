/* Entity tags as clients write them. */
#include "etag.h"

#include <string.h>

#include "parts.h"

TestSuite(etag);

static const struct {
  const char *header, *versions; /* NULL: any */
} taken[] = {
    {"\"3\"", "3"},
    {" \"3\"\t", "3"},
    {"\"3\", \"4\",\"17\"", "3,4,17"},
    {"*", NULL},
    {" * ", NULL},
    {"W/\"3\"", "0"}, /* weak: never the same (RFC 9110 13.1.1) */
    {"\"3\", W/\"4\"", "3,0"},
    {"\"abc\"", "0"},
    {"\"\"", "0"},
    {"\"03\"", "0"},
    {"\"-3\"", "0"},
    {"\"9223372036854775808\"", "0"},
    {"\"a,b\"", "0"},
};

Test(etag, if_match_names_versions) {
  for (size_t i = 0; i < ROWS(taken); i++) {
    struct error err;
    const char *versions = "untouched";
    cr_assert_eq(if_match_parse(taken[i].header, test_arena(), &versions, &err), RC_OK, "%s", taken[i].header);
    if (taken[i].versions)
      cr_expect_str_eq(versions, taken[i].versions, "%s", taken[i].header);
    else
      cr_expect_null(versions, "%s", taken[i].header);
  }
}

#define FOUR_TAGS      "\"1\",\"1\",\"1\",\"1\","
#define SEVENTEEN_TAGS FOUR_TAGS FOUR_TAGS FOUR_TAGS FOUR_TAGS "\"1\""

static const char *const refused[] = {
    "",       "3",  "\"3",     "\"3\" \"4\"", "\"3\",",  ",\"3\"",    "W/3", "w/\"3\"",
    "\"3\"x", "**", "*,\"3\"", "\"3\", *",    "\"a b\"", "\"a\x7f\"", "'3'", (SEVENTEEN_TAGS)};

Test(etag, if_match_that_is_no_list_of_tags_is_refused) {
  for (size_t i = 0; i < ROWS(refused); i++) {
    struct error err;
    const char *versions = "untouched";
    cr_expect_eq(if_match_parse(refused[i], test_arena(), &versions, &err), RC_VALIDATION, "%s", refused[i]);
    cr_expect_str_eq(err.field, "If-Match");
    cr_expect_str_eq(versions, "untouched");
  }
}

Test(etag, if_none_match_compares_weakly) {
  const char *tag = etag_of(test_arena(), "3");
  cr_expect_str_eq(tag, "\"3\"");
  cr_expect(etag_is_among("\"3\"", tag));
  cr_expect(etag_is_among("\"1\", W/\"3\"", tag));
  cr_expect(etag_is_among("*", tag));
  cr_expect_not(etag_is_among("\"33\", 3", tag));
}
