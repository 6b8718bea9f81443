/* Lists as CSV. */
#include "csv.h"

#include <string.h>

#include "parts.h"

TestSuite(csv);

static const char *written(const char *const *pages, size_t count) {
  struct csv csv = {.arena = test_arena()};
  struct error err;
  struct buf CLEANUP(buf_release) out;
  buf_init(&out, 65536);
  for (size_t i = 0; i < count; i++) cr_assert_eq(csv_write_page(&csv, pages[i], &out, &err), RC_OK, "%s", err.text);
  return arena_strdup(test_arena(), buf_text(&out));
}

/* items → lines (RFC 4180: CRLF, quotes doubled) */
static const struct {
  const char *items, *lines;
} tables[] = {
    {"[]", ""},
    {"[{\"a\":1}]", "a\r\n1\r\n"},
    {"[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":\"y\"}]", "a,b\r\n1,x\r\n2,y\r\n"},
    {"[{\"a\":\"x,y\",\"b\":\"say \\\"hi\\\"\"}]", "a,b\r\n\"x,y\",\"say \"\"hi\"\"\"\r\n"},
    {"[{\"a\":\"two\\nlines\",\"b\":\"two\\r\\nlines\"}]", "a,b\r\n\"two\nlines\",\"two\r\nlines\"\r\n"},
    {"[{\"a\":null,\"b\":\"\",\"c\":\" x\",\"d\":\"x \"}]", "a,b,c,d\r\n,\"\",\" x\",\"x \"\r\n"},
    {"[{\"a\":true,\"b\":false}]", "a,b\r\ntrue,false\r\n"},
    {"[{\"a\":99.00,\"b\":-5.10,\"c\":0.000000000001,\"d\":12345678901234567890}]",
     "a,b,c,d\r\n99.00,-5.10,0.000000000001,12345678901234567890\r\n"},
    {"[{\"a\":{\"x\":1.50,\"y\":[\"z\"]},\"b\":[]}]", "a,b\r\n\"{\"\"x\"\":1.50,\"\"y\"\":[\"\"z\"\"]}\",[]\r\n"},
    {"[{\"a\":1},{\"b\":2,\"a\":3},{}]", "a\r\n1\r\n3\r\n\r\n"},
    {"[{\"a\":\"\\u5c71\\u7530 \\u592a\\u90ce\"}]", "a\r\n山田 太郎\r\n"},
};

Test(csv, is_written_as_rfc_4180_says) {
  for (size_t i = 0; i < ROWS(tables); i++)
    cr_expect_str_eq(written(&tables[i].items, 1), tables[i].lines, "%s", tables[i].items);
}

Test(csv, has_one_header_for_all_pages) {
  static const char *const pages[] = {"[{\"a\":1}]", "[]", "[{\"a\":2},{\"a\":3}]"};
  cr_expect_str_eq(written(pages, ROWS(pages)), "a\r\n1\r\n2\r\n3\r\n");
}

/* What a spreadsheet would compute; and what only looks like it. */
static const struct {
  const char *text, *cell;
} formulas[] = {
    {"=HYPERLINK(1)", "\"'=HYPERLINK(1)\""},
    {"+4930123", "\"'+4930123\""},
    {"-1+1", "\"'-1+1\""},
    {"@SUM(A1)", "\"'@SUM(A1)\""},
    {"\\t=1", "\"'\t=1\""},
    {"\\r=1", "\"'\r=1\""},
    {"\\uff1d1", "\"'\uff1d1\""},
    {"=\\\"a\\\",b", "\"'=\"\"a\"\",b\""},
    {"a=1", "a=1"},
    {"1-1", "1-1"},
    {"a@b.example", "a@b.example"},
};

Test(csv, runs_no_formula) {
  for (size_t i = 0; i < ROWS(formulas); i++) {
    const char *items = arena_printf(test_arena(), "[{\"a\":\"%s\"}]", formulas[i].text);
    cr_expect_str_eq(written(&items, 1), arena_printf(test_arena(), "a\r\n%s\r\n", formulas[i].cell), "%s", items);
  }
}

static const struct {
  const char *accept;
  bool is_csv;
} accepts[] = {
    {NULL, false},
    {"", false},
    {"*/*", false},
    {"application/json", false},
    {"text/csv", true},
    {"TEXT/CSV; charset=utf-8", true},
    {"text/csv, */*", false},
    {"text/csv, */*;q=0.1", true},
    {"text/csv;q=0.5, application/json;q=0.9", false},
    {"text/csv;q=0.9, application/json;q=0.5", true},
    {"application/json;q=0.9,text/csv", true},
    {"text/csv;q=0", false},
    {"text/csv;header=present;q=0.8, application/*;q=0.75", true},
    {"text/html, */*;q=0.8", false},
    {"text/csvx", false},
    {"text/csv;q=", false},
};

Test(csv, is_sent_to_who_likes_it_better_than_json) {
  for (size_t i = 0; i < ROWS(accepts); i++)
    cr_expect_eq(csv_is_accepted(accepts[i].accept), accepts[i].is_csv, "%s", accepts[i].accept);
}
