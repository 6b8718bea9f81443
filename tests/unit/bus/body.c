/* The readers of a body: the right type, the exact number, and the field's name when it is wrong. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_text.h"
#include "bus/message.h"

enum { ARENA_MAX = 64 * 1024 };

static json_t *body_of(const char *text) {
  struct buf CLEANUP(buf_release) exact;
  struct error err;
  buf_init(&exact, ARENA_MAX);
  cr_assert_eq(json_exact(text, strlen(text), &exact, &err), RC_OK);
  json_t *body = json_loads(buf_text(&exact), JSON_REJECT_DUPLICATES, NULL);
  cr_assert_not_null(body);
  return body;
}

static void json_release(json_t **json) {
  json_decref(*json);
}

static void expect_wrong(enum rc rc, const struct error *err, const char *field) {
  cr_expect_eq(rc, RC_VALIDATION, "%s", field);
  cr_expect_eq(err->code, RC_VALIDATION, "%s", field);
  cr_expect_str_eq(err->field, field);
}

#define BODY(text) json_t *body CLEANUP(json_release) = body_of(text)

Test(body, decimals_keep_each_digit) {
  static const struct {
    const char *body, *text;
  } rows[] = {
      {"{\"a\":99.00}", "99.00"},
      {"{\"a\":-0.10}", "-0.10"},
      {"{\"a\":1e3}", "1e3"},
      {"{\"a\":7}", "7"},
      {"{\"a\":-7}", "-7"},
      {"{\"a\":0}", "0"},
      {"{\"a\":999999999999999999}", "999999999999999999"},
      {"{\"a\":9999999999999999999999}", "9999999999999999999999"},
      {"{\"a\":\"12.50\"}", "12.50"},
      {"{\"a\":null}", NULL},
      {"{}", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    BODY(rows[i].body);
    struct error err;
    const char *text = "untouched";
    for (int twice = 0; twice < 2; twice++) {
      cr_assert_eq(body_decimal(body, "a", &text, &err), RC_OK, "%s", rows[i].body);
      cr_expect_eq(text == NULL, rows[i].text == NULL, "%s", rows[i].body);
      if (text != NULL) cr_expect_str_eq(text, rows[i].text);
    }
  }
}

Test(body, prices_and_quantities_are_numbers_and_may_be_absent) {
  BODY("{\"price\":0.125,\"quantity\":\"2.5\",\"none\":null,\"bad\":\"1e3\"}");
  struct decimal price = {7};
  struct quantity quantity = {7};
  struct error err;
  cr_expect_eq(body_price(body, "none", &price, &err), RC_OK);
  cr_expect_eq(body_quantity(body, "absent", &quantity, &err), RC_OK);
  cr_expect(price.pico == 7 && quantity.micro == 7, "left as they were");
  expect_wrong(body_price(body, "bad", &price, &err), &err, "bad");
  expect_wrong(body_quantity(body, "bad", &quantity, &err), &err, "bad");
  cr_expect(price.pico == 7 && quantity.micro == 7, "left as they were");
  cr_expect_eq(body_price(body, "price", &price, &err), RC_OK);
  cr_expect_eq(body_quantity(body, "quantity", &quantity, &err), RC_OK);
  cr_expect(price.pico == INT64_C(125000000000) && quantity.micro == 2500000);
}

Test(body, an_integer_read_as_decimal_is_still_an_integer) {
  BODY("{\"a\":42}");
  struct arena CLEANUP(arena_release) arena;
  struct error err;
  const char *text;
  int64_t value;
  arena_init(&arena, 4096);
  cr_assert_eq(body_decimal(body, "a", &text, &err), RC_OK);
  cr_assert_eq(body_int(body, "a", 0, 100, 0, &value, &err), RC_OK);
  cr_expect_eq(value, 42);
  cr_expect_str_eq(body_json(&arena, body, "a"), "42");
  cr_expect_eq(body_text(body, "a", &text, &err), RC_VALIDATION);
}

Test(body, other_types_are_no_decimals) {
  static const char *const rows[] = {"{\"a\":true}", "{\"a\":[]}", "{\"a\":{}}"};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    BODY(rows[i]);
    struct error err;
    const char *text;
    expect_wrong(body_decimal(body, "a", &text, &err), &err, "a");
  }
}

Test(body, texts_are_strings_alone) {
  BODY("{\"s\":\"Zo\xc3\xab\",\"e\":\"\",\"n\":null,\"i\":1,\"d\":1.5,\"b\":false,\"o\":{},\"l\":[]}");
  struct error err;
  const char *text;
  cr_assert_eq(body_text(body, "s", &text, &err), RC_OK);
  cr_expect_str_eq(text, "Zo\xc3\xab");
  cr_assert_eq(body_text(body, "e", &text, &err), RC_OK);
  cr_expect_str_eq(text, "");
  static const char *const absent[] = {"n", "x"};
  for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
    text = "untouched";
    cr_assert_eq(body_text(body, absent[i], &text, &err), RC_OK);
    cr_expect_null(text);
  }
  static const char *const wrong[] = {"i", "d", "b", "o", "l"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    expect_wrong(body_text(body, wrong[i], &text, &err), &err, wrong[i]);
}

Test(body, integers_have_bounds_and_a_default) {
  static const struct {
    const char *body;
    int64_t value;
    enum rc rc;
  } rows[] = {
      {"{\"a\":1}", 1, RC_OK},
      {"{\"a\":31}", 31, RC_OK},
      {"{\"a\":5.0}", 5, RC_OK}, /* JSON Schema: an integer */
      {"{\"a\":5.000}", 5, RC_OK},
      {"{}", 15, RC_OK},
      {"{\"a\":null}", 15, RC_OK},
      {"{\"a\":0}", 0, RC_VALIDATION},
      {"{\"a\":32}", 0, RC_VALIDATION},
      {"{\"a\":-1}", 0, RC_VALIDATION},
      {"{\"a\":5.5}", 0, RC_VALIDATION},
      {"{\"a\":5e0}", 0, RC_VALIDATION},
      {"{\"a\":99999999999999999999}", 0, RC_VALIDATION},
      {"{\"a\":\"5\"}", 0, RC_VALIDATION},
      {"{\"a\":true}", 0, RC_VALIDATION},
      {"{\"a\":[5]}", 0, RC_VALIDATION},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    BODY(rows[i].body);
    struct error err;
    int64_t value = 0;
    enum rc rc = body_int(body, "a", 1, 31, 15, &value, &err);
    cr_expect_eq(rc, rows[i].rc, "%s", rows[i].body);
    cr_expect_eq(value, rows[i].value, "%s", rows[i].body);
    if (rc != RC_OK) cr_expect_str_eq(err.field, "a");
  }
}

Test(body, the_widest_integers_fit) {
  BODY("{\"least\":-9223372036854775808,\"most\":9223372036854775807,\"beyond\":9223372036854775808}");
  struct error err;
  int64_t value;
  cr_assert_eq(body_int(body, "least", INT64_MIN, INT64_MAX, 0, &value, &err), RC_OK);
  cr_expect_eq(value, INT64_MIN);
  cr_assert_eq(body_int(body, "most", INT64_MIN, INT64_MAX, 0, &value, &err), RC_OK);
  cr_expect_eq(value, INT64_MAX);
  expect_wrong(body_int(body, "beyond", INT64_MIN, INT64_MAX, 0, &value, &err), &err, "beyond");
}

Test(body, booleans_are_true_or_false) {
  BODY("{\"t\":true,\"f\":false,\"n\":null,\"i\":1,\"s\":\"true\"}");
  struct error err;
  bool value;
  cr_assert_eq(body_bool(body, "t", false, &value, &err), RC_OK);
  cr_expect(value);
  cr_assert_eq(body_bool(body, "f", true, &value, &err), RC_OK);
  cr_expect_not(value);
  cr_assert_eq(body_bool(body, "n", true, &value, &err), RC_OK);
  cr_expect(value);
  cr_assert_eq(body_bool(body, "x", true, &value, &err), RC_OK);
  cr_expect(value);
  expect_wrong(body_bool(body, "i", true, &value, &err), &err, "i");
  expect_wrong(body_bool(body, "s", true, &value, &err), &err, "s");
}

Test(body, uuids_are_read_or_absent) {
  BODY("{\"u\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"n\":null,\"s\":\"acme\",\"i\":1}");
  struct error err;
  struct uuid id;
  bool present;
  char text[UUID_TEXT_MAX];
  cr_assert_eq(body_uuid(body, "u", &id, &present, &err), RC_OK);
  cr_expect(present);
  cr_expect_str_eq(uuid_format(&id, text), "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b");
  cr_assert_eq(body_uuid(body, "n", &id, &present, &err), RC_OK);
  cr_expect_not(present);
  cr_assert_eq(body_uuid(body, "x", &id, &present, &err), RC_OK);
  cr_expect_not(present);
  expect_wrong(body_uuid(body, "s", &id, &present, &err), &err, "s");
  expect_wrong(body_uuid(body, "i", &id, &present, &err), &err, "i");
}

/* Byte for byte what was sent, but for the white space. */
Test(body, members_come_back_as_they_were) {
  static const char *const rows[] = {
      "{\"city\":\"S\xc3\xa3o Paulo\",\"n\":1,\"rate\":0.10,\"deep\":[{\"a\":[1.50,2,\"x\"]}],\"t\":true,\"z\":null}",
      "[]",
      "{}",
      "[1.0,1e5,-0.00,123456789012345678901234567890]",
      "\"a \\\"quoted\\\" \\\\ text\"",
      "12.340",
      "7",
      "false",
  };
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, ARENA_MAX);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[512];
    (void)snprintf(text, sizeof text, "{\"m\": %s }", rows[i]);
    BODY(text);
    cr_expect_str_eq(body_json(&arena, body, "m"), rows[i]);
  }
  BODY("{\"n\":null}");
  cr_expect_null(body_json(&arena, body, "n"));
  cr_expect_null(body_json(&arena, body, "x"));
}
