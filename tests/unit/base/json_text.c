/* The writer against jansson, and the scan that keeps numbers exact against jansson's own reading. */
#include "base/json_text.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "unit/property.h"

enum { TEXT_MAX = 1024 * 1024 };

/* ---- writer ---- */

Test(json_text, writes_objects_and_arrays_with_commas) {
  struct buf out CLEANUP(buf_release);
  struct json_writer w;
  buf_init(&out, TEXT_MAX);
  json_writer_init(&w, &out);
  json_put_object(&w, NULL);
  json_put_string(&w, "id", "x");
  json_put_string(&w, "none", NULL);
  json_put_string_n(&w, "part", "abcdef", 3);
  json_put_int(&w, "least", INT64_MIN);
  json_put_bool(&w, "yes", true);
  json_put_bool(&w, "no", false);
  json_put_null(&w, "null");
  json_put_raw(&w, "amount", "99.00");
  json_put_raw(&w, "raw", NULL);
  json_put_array(&w, "list");
  json_put_int(&w, NULL, 1);
  json_put_string(&w, NULL, "two");
  json_put_object(&w, NULL);
  json_put_end(&w);
  json_put_array(&w, NULL);
  json_put_end(&w);
  json_put_end(&w);
  json_put_end(&w);
  cr_expect_str_eq(buf_text(&out),
                   "{\"id\":\"x\",\"none\":null,\"part\":\"abc\",\"least\":-9223372036854775808,\"yes\":true,"
                   "\"no\":false,\"null\":null,\"amount\":99.00,\"raw\":null,\"list\":[1,\"two\",{},[]]}");
}

Test(json_text, writes_a_bare_value) {
  struct buf out CLEANUP(buf_release);
  struct json_writer w;
  buf_init(&out, TEXT_MAX);
  json_writer_init(&w, &out);
  json_put_string(&w, NULL, "alone");
  cr_expect_str_eq(buf_text(&out), "\"alone\"");
}

Test(json_text, writes_into_a_full_buffer_without_harm) {
  struct buf out CLEANUP(buf_release);
  struct json_writer w;
  buf_init(&out, 10);
  json_writer_init(&w, &out);
  json_put_array(&w, NULL);
  for (int i = 0; i < 100; i++) json_put_int(&w, NULL, i);
  json_put_end(&w);
  cr_expect_not(buf_ok(&out));
}

static void nest(int depth) {
  struct buf out CLEANUP(buf_release);
  struct json_writer w;
  buf_init(&out, TEXT_MAX);
  json_writer_init(&w, &out);
  for (int i = 0; i < depth; i++) json_put_array(&w, NULL);
  for (int i = 0; i < depth; i++) json_put_end(&w);
  cr_expect_eq(out.length, 2 * (size_t)depth);
}

Test(json_text, nests_to_the_limit) {
  nest(JSON_DEPTH_MAX);
}

Test(json_text, deeper_nesting_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  nest(JSON_DEPTH_MAX + 1);
}

Test(json_text, a_member_without_a_name_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct buf out;
  struct json_writer w;
  buf_init(&out, TEXT_MAX);
  json_writer_init(&w, &out);
  json_put_object(&w, NULL);
  json_put_int(&w, NULL, 1);
}

Test(json_text, an_element_with_a_name_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct buf out;
  struct json_writer w;
  buf_init(&out, TEXT_MAX);
  json_writer_init(&w, &out);
  json_put_array(&w, NULL);
  json_put_int(&w, "x", 1);
}

Test(json_text, a_second_top_value_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct buf out;
  struct json_writer w;
  buf_init(&out, TEXT_MAX);
  json_writer_init(&w, &out);
  json_put_int(&w, NULL, 1);
  json_put_int(&w, NULL, 2);
}

/* ---- escaping ---- */

Test(json_text, escapes_what_json_cannot_hold) {
  static const struct {
    const char *text;
    size_t length;
    const char *json;
  } CASES[] = {
      {"", 0, "\"\""},
      {"plain", 5, "\"plain\""},
      {"\"\\/", 3, "\"\\\"\\\\/\""},
      {"a\nb\rc\td", 7, "\"a\\nb\\rc\\td\""},
      {"\x01\x1f\x7f", 3, "\"\\u0001\\u001f\\u007f\""},
      {"a\0b", 3, "\"a\\u0000b\""},
      {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
      {"\xFF", 1, "\"\xEF\xBF\xBD\""},
      {"a\xC3", 2, "\"a\xEF\xBF\xBD\""},
      {"\xC0\x80", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},                                 /* overlong NUL */
      {"\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},                 /* a surrogate */
      {"\xF4\x90\x80\x80", 4, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* past U+10FFFF */
      {"\xE0\x80\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\x80", 1, "\"\xEF\xBF\xBD\""},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct buf out CLEANUP(buf_release);
    buf_init(&out, TEXT_MAX);
    json_escape(&out, CASES[i].text, CASES[i].length);
    cr_expect_str_eq(buf_text(&out), CASES[i].json, "row %zu", i);
  }
}

Test(json_text, whatever_is_escaped_is_json_and_valid_text_comes_back) {
  struct dice dice = dice_new();
  for (int i = 0; i < PROPERTY_CASES; i++) {
    char text[40];
    size_t length = (size_t)dice_between(&dice, 0, (int64_t)sizeof text);
    for (size_t j = 0; j < length; j++)
      text[j] = (char)(i % 2 == 0 ? dice_between(&dice, 0, 255) : dice_between(&dice, 1, 127));
    struct buf out CLEANUP(buf_release);
    buf_init(&out, TEXT_MAX);
    json_escape(&out, text, length);
    json_t *value = json_loadb(out.bytes, out.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    cr_assert_not_null(value, "not JSON: %s", buf_text(&out));
    bool is_ascii = i % 2 != 0;
    if (is_ascii) {
      cr_assert_eq(json_string_length(value), length);
      cr_assert_eq(memcmp(json_string_value(value), text, length), 0);
    }
    json_decref(value);
  }
}

/* ---- json_exact: BILL-004 ---- */

static enum rc exact(const char *text, struct buf *out, struct error *err) {
  buf_init(out, TEXT_MAX);
  return json_exact(text, strlen(text), out, err);
}

#define MARKED(number) "\"\\u0001" number "\""

Test(json_text, numbers_that_a_double_could_spoil_become_marked_strings) {
  static const struct {
    const char *text, *expected;
  } CASES[] = {
      {"99.00", MARKED("99.00")},
      {"-0.10", MARKED("-0.10")},
      {"1e2", MARKED("1e2")},
      {"1E-2", MARKED("1E-2")},
      {"1.5e+10", MARKED("1.5e+10")},
      {"0", "0"},
      {"-7", "-7"},
      {"123456789012345678", "123456789012345678"},
      {"-123456789012345678", "-123456789012345678"},
      {"1234567890123456789", MARKED("1234567890123456789")},
      {"{\"a\" : 1.50 , \"b\":[2.5,3]}", "{\"a\" : " MARKED("1.50") " , \"b\":[" MARKED("2.5") ",3]}"},
      {"\"1.5\"", "\"1.5\""},
      {"\"\\\"1.5\\\\\"", "\"\\\"1.5\\\\\""},
      {"{\"1.5\":1}", "{\"1.5\":1}"},
      {" \t\r\n true", " \t\r\n true"},
      {"\"\xE2\x82\xAC 1.5\"", "\"\xE2\x82\xAC 1.5\""},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct buf out CLEANUP(buf_release);
    struct error err = {.text = ""};
    cr_expect_eq(exact(CASES[i].text, &out, &err), RC_OK, "%s: %s", CASES[i].text, err.text);
    cr_expect_str_eq(buf_text(&out), CASES[i].expected, "%s", CASES[i].text);
  }
}

Test(json_text, what_the_parser_could_not_see_any_more_is_refused_here) {
  static const struct {
    const char *text, *error;
  } CASES[] = {
      {"1.", "bad number at byte 0"},
      {"[1.e5]", "bad number at byte 1"},
      {"1.5e", "bad number at byte 0"},
      {"1e+", "bad number at byte 0"},
      {"01.5", "bad number at byte 0"},
      {"-", "bad number at byte 0"},
      {"-.5", "bad number at byte 0"},
      {"00", "bad number at byte 0"},
      {"{1.5:2}", "number as a member's name at byte 1"},
      {"{1.5 \t\n :2}", "number as a member's name at byte 1"},
      {"{12345678901234567890:2}", "number as a member's name at byte 1"},
      {"\"abc", "unfinished string at byte 0"},
      {"[\"abc\\\"", "unfinished string at byte 1"},
      {"\"abc\\", "unfinished string at byte 0"},
      {"\"a\nb\"", "control character at byte 2"},
      {"\"a\x01\"", "control character at byte 2"},
      {"\"a\\\n\"", "control character at byte 3"},
      {"[\x01]", "control character at byte 1"},
      {"\"a\\u0000\"", "NUL character at byte 2"},
      {"\"\\u0001\"", "control character at byte 0"},
      {"\"\\u00011.5,\\\"x\\\":1\"", "control character at byte 0"},
      {"{\"\\u0001abc\":1}", "control character at byte 1"},
      {"\"\\u000101.5\"", "control character at byte 0"},
      {"\"\\u00011\"", "control character at byte 0"},
      {"\"\\u00011e999999\"", "control character at byte 0"},
      {"[1e309]", "number out of bounds at byte 1"},
      {"1e-20000", "number out of bounds at byte 0"},
      {"1e99999999999999999999", "number out of bounds at byte 0"},
      {"1e-99999999999999999999", "number out of bounds at byte 0"},
      {"0e309", "number out of bounds at byte 0"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct buf out CLEANUP(buf_release);
    struct error err = {.text = ""};
    cr_expect_eq(exact(CASES[i].text, &out, &err), RC_MALFORMED, "%s", CASES[i].text);
    cr_expect_str_eq(err.text, CASES[i].error, "%s", CASES[i].text);
  }
}

static const struct {
  const char *before, *after, *field;
} LONG_NUMBERS[] = {
    {"{\"price\":", "}", "price"},
    {"{\"a\":1,\"prices\":[{\"currency\":\"USD\",\"price\": 0.", "}]}", "price"},
    {"{\"price\":1.", "e10}", "price"},
    {"[", "]", ""},
    {"{\"a b\":", "}", ""}, /* whatever else somebody wrote is not repeated */
};

/* Whatever is a number has room in JSON_NUMBER_MAX; the error says which one it was. */
Test(json_text, a_number_that_is_too_long_is_named) {
  char digits[JSON_NUMBER_MAX + 1];
  memset(digits, '9', JSON_NUMBER_MAX);
  digits[JSON_NUMBER_MAX] = '\0';
  for (size_t i = 0; i < sizeof LONG_NUMBERS / sizeof LONG_NUMBERS[0]; i++) {
    char text[256];
    struct buf out CLEANUP(buf_release);
    struct error err = {.field = "?"};
    (void)snprintf(text, sizeof text, "%s9%s%s", LONG_NUMBERS[i].before, digits, LONG_NUMBERS[i].after);
    cr_expect_eq(exact(text, &out, &err), RC_MALFORMED, "%s", text);
    cr_expect_str_eq(err.field, LONG_NUMBERS[i].field, "%s", text);
    cr_expect_not_null(strstr(err.text, "more than 64"), "%s", err.text);
  }
}

Test(json_text, a_nul_byte_is_refused_wherever_it_stands) {
  static const char *const CASES[] = {"[0,1]", "\"a0b\""};
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[16];
    size_t length = strlen(CASES[i]);
    for (size_t j = 0; j <= length; j++) text[j] = CASES[i][j] == '0' ? '\0' : CASES[i][j];
    struct buf out CLEANUP(buf_release);
    struct error err;
    buf_init(&out, TEXT_MAX);
    cr_expect_eq(json_exact(text, length, &out, &err), RC_MALFORMED);
  }
}

Test(json_text, an_escaped_backslash_before_u0000_is_no_nul) {
  struct buf out CLEANUP(buf_release);
  struct error err;
  cr_expect_eq(exact("\"\\\\u0000\"", &out, &err), RC_OK);
}

Test(json_text, what_json_exact_wrote_is_nothing_a_sender_may_write) {
  struct buf once CLEANUP(buf_release);
  struct buf twice CLEANUP(buf_release);
  struct error err;
  cr_expect_eq(exact("{\"a\":[1.50,12345678901234567890]}", &once, &err), RC_OK);
  cr_expect_eq(exact(buf_text(&once), &twice, &err), RC_MALFORMED);
}

Test(json_text, nesting_ends_at_the_limit_of_both_kinds) {
  static const char *const OPEN[] = {"[", "{\"a\":"};
  static const char *const CLOSE[] = {"]", "}"};
  for (size_t kind = 0; kind < 2; kind++) {
    for (int depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
      struct buf text CLEANUP(buf_release);
      struct buf out CLEANUP(buf_release);
      struct error err;
      buf_init(&text, TEXT_MAX);
      for (int i = 0; i < depth; i++) buf_text_append(&text, OPEN[kind]);
      buf_char(&text, '1');
      for (int i = 0; i < depth; i++) buf_text_append(&text, CLOSE[kind]);
      cr_expect_eq(exact(buf_text(&text), &out, &err), depth <= JSON_DEPTH_MAX ? RC_OK : RC_MALFORMED, "depth %d",
                   depth);
    }
  }
}

Test(json_text, brackets_in_strings_do_not_nest) {
  struct buf text CLEANUP(buf_release);
  struct buf out CLEANUP(buf_release);
  struct error err;
  buf_init(&text, TEXT_MAX);
  buf_char(&text, '"');
  for (int i = 0; i < 100; i++) buf_char(&text, '[');
  buf_char(&text, '"');
  cr_expect_eq(exact(buf_text(&text), &out, &err), RC_OK);
}

Test(json_text, a_document_larger_than_the_buffer_is_refused) {
  struct buf out CLEANUP(buf_release);
  struct error err;
  buf_init(&out, 10);
  cr_expect_eq(json_exact("[1,2,3,4,5,6]", 13, &out, &err), RC_MALFORMED);
  cr_expect_str_eq(err.text, "the document is too large");
}

/* ---- members that are set aside ---- */

static enum rc beside(const char *text, struct buf *out, struct error *err) {
  buf_init(out, TEXT_MAX);
  return json_exact_beside(text, strlen(text), "p", out, err);
}

Test(json_text, a_member_that_is_set_aside_leaves_its_place) {
  static const struct {
    const char *text, *expected;
  } CASES[] = {
      {"{\"p\":{\"a\":[1.50,{}]},\"q\":1.5}", "{\"p\":[5,15],\"q\":" MARKED("1.5") "}"},
      {"[{\"p\" : {}},{\"p\":{\"p\":{}}}]", "[{\"p\" : [8,2]},{\"p\":[17,8]}]"},
      {"{\"p\":{\"a\":\"}\\\"\"},\"a\":\"p\"}", "{\"p\":[5,11],\"a\":\"p\"}"},
      {"[\"p\",{\"pp\":{},\"\":{}}]", "[\"p\",{\"pp\":{},\"\":{}}]"},
      {"{\"p\":{\"\\u0070\":1},\"q\":\"\\u0070\"}", "{\"p\":[5,12],\"q\":\"\\u0070\"}"},
      {"{\"p\":{\"a\" 1 ]}", "{\"p\":[5,8]}"}, /* whoever reads it finds that */
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct buf out CLEANUP(buf_release);
    struct error err;
    cr_assert_eq(beside(CASES[i].text, &out, &err), RC_OK, "%s", CASES[i].text);
    cr_expect_str_eq(buf_text(&out), CASES[i].expected);
  }
}

Test(json_text, what_is_set_aside_is_an_object_and_scanned) {
  static const char *const CASES[] = {
      "{\"\\u0070\":{}}",
      "{\"p\":{},\"q\\\"\" : 1}", /* a name that must be read to be known */
      "{\"p\":[5,2]}",
      "{\"p\":null}",
      "{\"p\":",
      "{\"p\":{\"a\":\"\\u0000\"}}",
      "{\"p\":{\"a\":1e999}}",
      "{\"p\":{\"a",
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct buf out CLEANUP(buf_release);
    struct error err;
    cr_expect_eq(beside(CASES[i], &out, &err), RC_MALFORMED, "%s", CASES[i]);
  }
}

/* ---- against jansson ---- */

static void random_number(struct dice *dice, struct buf *out) {
  if (dice_between(dice, 0, 1) == 0) buf_char(out, '-');
  buf_printf(out, "%lld", (long long)dice_between(dice, 0, dice_between(dice, 0, 3) == 0 ? 999999999999999 : 99));
  if (dice_between(dice, 0, 1) == 0) buf_printf(out, ".%02lld", (long long)dice_between(dice, 0, 99));
  if (dice_between(dice, 0, 4) == 0) buf_printf(out, "e%lld", (long long)dice_between(dice, -20, 20));
}

static void random_string(struct dice *dice, struct buf *out) {
  static const char *const PIECES[] = {"a", "1.5", "\\\"", "\\\\", "\\u00e9", "\xC3\xA9", "{", "]", ",", ":", "\\n"};
  buf_char(out, '"');
  for (int64_t i = dice_between(dice, 0, 4); i > 0; i--) buf_text_append(out, PIECES[dice_between(dice, 0, 10)]);
  buf_char(out, '"');
}

/* NOLINTNEXTLINE(misc-no-recursion): five levels at most */
static void random_value(struct dice *dice, int depth, struct buf *out) {
  static const char *const WORDS[] = {"true", "false", "null"};
  int64_t kind = dice_between(dice, 0, depth > 4 ? 2 : 4);
  int64_t members = dice_between(dice, 0, 4);
  if (kind == 0) random_number(dice, out);
  if (kind == 1) random_string(dice, out);
  if (kind == 2) buf_text_append(out, WORDS[dice_between(dice, 0, 2)]);
  if (kind < 3) return;
  buf_char(out, kind == 3 ? '[' : '{');
  for (int64_t i = 0; i < members; i++) {
    if (i > 0) buf_char(out, ',');
    if (dice_between(dice, 0, 3) == 0) buf_char(out, ' ');
    if (kind == 4) buf_printf(out, "\"k%lld\":", (long long)i);
    random_value(dice, depth + 1, out);
  }
  buf_char(out, kind == 3 ? ']' : '}');
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the value */
static bool same_values(const json_t *plain, const json_t *marked) {
  const char *text = json_string_value(marked);
  if (text != NULL && text[0] == JSON_EXACT_MARK) {
    double number = json_is_real(plain) ? json_real_value(plain) : (double)json_integer_value(plain);
    return json_is_number(plain) && fabs(strtod(text + 1, NULL) - number) <= 0;
  }
  if (json_is_array(plain)) {
    if (!json_is_array(marked) || json_array_size(plain) != json_array_size(marked)) return false;
    for (size_t i = 0; i < json_array_size(plain); i++) {
      if (!same_values(json_array_get(plain, i), json_array_get(marked, i))) return false;
    }
    return true;
  }
  if (json_is_object(plain)) {
    if (!json_is_object(marked) || json_object_size(plain) != json_object_size(marked)) return false;
    for (int i = 0; i < (int)json_object_size(plain); i++) {
      char key[16];
      (void)snprintf(key, sizeof key, "k%d", i);
      if (!same_values(json_object_get(plain, key), json_object_get(marked, key))) return false;
    }
    return true;
  }
  return !json_is_real(plain) && json_equal(plain, marked);
}

Test(json_text, an_exact_document_has_the_values_of_the_original) {
  struct dice dice = dice_new();
  for (int i = 0; i < PROPERTY_CASES / 2; i++) {
    struct buf text CLEANUP(buf_release);
    struct buf out CLEANUP(buf_release);
    struct error err = {.text = ""};
    buf_init(&text, TEXT_MAX);
    random_value(&dice, 0, &text);
    cr_assert_eq(exact(buf_text(&text), &out, &err), RC_OK, "%s: %s", err.text, buf_text(&text));
    json_t *plain = json_loads(buf_text(&text), JSON_DECODE_ANY, NULL);
    json_t *marked = json_loads(buf_text(&out), JSON_DECODE_ANY, NULL);
    cr_assert_not_null(plain, "%s", buf_text(&text));
    cr_assert_not_null(marked, "%s", buf_text(&out));
    cr_assert(same_values(plain, marked), "%s\n%s", buf_text(&text), buf_text(&out));
    json_decref(plain);
    json_decref(marked);
  }
}

/* jansson stops at a number too large for it, and says nothing about the rest. */
enum opinion { IS_JSON, IS_NOT_JSON, IS_TOO_LARGE };

static enum opinion opinion_of_jansson(const char *text) {
  json_error_t error;
  json_t *value = json_loads(text, JSON_DECODE_ANY, &error);
  if (value == NULL) return json_error_code(&error) == json_error_numeric_overflow ? IS_TOO_LARGE : IS_NOT_JSON;
  json_decref(value);
  return IS_JSON;
}

Test(json_text, a_damaged_document_is_good_only_if_jansson_thinks_so) {
  static const char DAMAGE[] = "0123456789.eE+-\"\\,:{}[] \ntfn\x01";
  struct dice dice = dice_new();
  for (int i = 0; i < PROPERTY_CASES; i++) {
    struct buf text CLEANUP(buf_release);
    struct buf out CLEANUP(buf_release);
    struct error err;
    buf_init(&text, TEXT_MAX);
    random_value(&dice, 0, &text);
    for (int64_t hits = dice_between(&dice, 1, 3); hits > 0; hits--)
      text.bytes[dice_between(&dice, 0, (int64_t)text.length - 1)] = DAMAGE[dice_between(&dice, 0, sizeof DAMAGE - 2)];
    enum opinion opinion = opinion_of_jansson(buf_text(&text));
    bool is_taken = exact(buf_text(&text), &out, &err) == RC_OK;
    bool passed = is_taken && opinion_of_jansson(buf_text(&out)) == IS_JSON;
    bool is_out_of_bounds = !is_taken && strstr(err.text, "out of bounds"); /* jansson lets 0e309 and 1e-400 pass */
    if (opinion != IS_TOO_LARGE && !is_out_of_bounds)
      cr_assert_eq(passed, opinion == IS_JSON, "case %d: %s\n%s", i, buf_text(&text), buf_text(&out));
  }
}
