/* json_read takes what jansson takes, as the same values, and refuses what it refuses: jansson says what is right, for
 * a table of cases and for texts that are damaged at random (TEST_SEED repeats them). */
#include "bus/json_read.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_text.h"
#include "unit/property.h"

enum { TEXT_MAX = 4096 };

static void json_release(json_t **json) {
  json_decref(*json);
}

/* False: the scan before either reader refuses it. */
static bool exact_of(const char *text, struct buf *exact) {
  struct error ignored;
  buf_init(exact, TEXT_MAX);
  return json_exact(text, strlen(text), exact, &ignored) == RC_OK;
}

static void compare(const char *text) {
  struct buf CLEANUP(buf_release) exact = {0};
  if (!exact_of(text, &exact)) return;
  json_t *expected CLEANUP(json_release) =
      json_loadb(buf_text(&exact), exact.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
  json_t *value CLEANUP(json_release) = NULL;
  struct error err;
  enum rc rc = json_read(buf_text(&exact), exact.length, &value, &err);
  cr_assert_eq(rc, expected ? RC_OK : RC_MALFORMED, "%s: %s", text, rc == RC_OK ? "taken" : err.text);
  cr_assert(!expected || json_equal(value, expected), "%s is read otherwise", text);
}

static const char *const texts[] = {
    "{}",
    "[]",
    " { \"a\" : [ 1 , -2 , 0, 999999999999999999 ] }\n",
    "{\"amount\":99.00,\"quantity\":1,\"of\":[true,false,null,{}],\"none\":null,\"note\":\"\"}",
    "{\"lines\":[{\"kind\":\"subscription\",\"description\":\"Pro \\u2013 3 \\u00d7 \\\"x\\\"\"},{\"kind\":\"fee\"}]}",
    "{\"escapes\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00\",\"na\\u006de\":{\"\\u00e9\":\"\\u0041\"}}",
    "{\"raw\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",\"\xc3\xa9\":1}",
    "\"text\"",
    "12",
    "true",
    /* what neither takes */
    "",
    " ",
    "{",
    "[",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{1:1}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1}}",
    "{\"a\":1} x",
    "[1}",
    "{\"a\":1]",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"a\":{\"b\":1,\"b\":1}}",
    "tru",
    "truex",
    "nul",
    "[1 2]",
    "[1a]",
    "[--1]",
    "\"",
    "\"\\",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\ud800x\"",
    "\"\\ud800\\u0041\"",
    "\"\\udc00\"",
    "\"\\ud800\\ud800\"",
    "\"\xff\"",
    "\"\xc3\"",
    "\"\xed\xa0\x80\"",
    "\"\xc0\x80\"",
    "{\"\xff\":1}",
};
enum { TEXT_COUNT = sizeof texts / sizeof *texts };

Test(json_read, takes_and_refuses_what_jansson_does) {
  for (int i = 0; i < TEXT_COUNT; i++) compare(texts[i]);
}

Test(json_read, says_where_and_does_not_quote) {
  json_t *value = NULL;
  struct error err;
  cr_assert_eq(json_read("{\"secret\" 1}", 12, &value, &err), RC_MALFORMED);
  cr_expect_str_eq(err.text, "no ':' at byte 10");
  cr_expect_null(value);
}

static const char *any_text(struct dice *dice) {
  return texts[dice_between(dice, 0, TEXT_COUNT - 1)];
}

/* The head of one with the tail of another, and some bytes exchanged. */
static void damage(struct dice *dice, char text[static TEXT_MAX]) {
  static const char bytes[] = "{}[]\"\\:,ut0 1-n\xc3\xa9";
  const char *head = any_text(dice), *tail = any_text(dice);
  int head_length = (int)dice_between(dice, 0, (int64_t)strlen(head));
  tail += dice_between(dice, 0, (int64_t)strlen(tail));
  snprintf(text, TEXT_MAX, "%.*s%s", head_length, head, tail);
  for (int64_t n = text[0] ? dice_between(dice, 0, 2) : 0; n > 0; n--)
    text[dice_between(dice, 0, (int64_t)strlen(text) - 1)] = bytes[dice_between(dice, 0, sizeof bytes - 2)];
}

Test(json_read, damaged_texts_are_read_as_jansson_reads_them) {
  struct dice dice = dice_new();
  char text[TEXT_MAX];
  for (int i = 0; i < MONEY_CASES; i++) {
    damage(&dice, text);
    compare(text);
  }
}
