/* The table of codes and the texts of errors. */
#include "base/error.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <string.h>

Test(error, each_code_has_a_name_a_text_a_verdict_and_a_status) {
  for (int code = RC_OK; code < RC_COUNT; code++) {
    enum verdict verdict = error_verdict((enum rc)code);
    int status = error_http_status((enum rc)code);
    cr_expect_gt(strlen(error_name((enum rc)code)), 0, "code %d", code);
    cr_expect_gt(strlen(error_text((enum rc)code)), 0, "code %d", code);
    cr_expect(status >= 200 && status < 600, "code %d: %d", code, status);
    cr_expect_eq(verdict == VERDICT_NONE, code == RC_OK, "only RC_OK has no verdict, not %d", code);
  }
}

Test(error, what_may_be_retried_is_a_503_and_the_other_way_round) {
  for (int code = RC_OK; code < RC_COUNT; code++)
    cr_expect_eq(error_verdict((enum rc)code) == VERDICT_RETRY, error_http_status((enum rc)code) == 503, "code %d",
                 code);
}

Test(error, names_of_verdicts) {
  cr_expect_str_eq(verdict_name(VERDICT_NONE), "none");
  cr_expect_str_eq(verdict_name(VERDICT_RETRY), "retry");
  cr_expect_str_eq(verdict_name(VERDICT_REJECT), "reject");
  cr_expect_str_eq(verdict_name(VERDICT_POISON), "poison");
  cr_expect_str_eq(verdict_name(VERDICT_FATAL), "fatal");
}

Test(error, set_fills_code_and_text_and_clears_the_rest) {
  struct error err = {.field = "old", .details = "{}"};
  cr_expect_eq(error_set(&err, RC_NOT_FOUND, "no plan %s", "gold"), RC_NOT_FOUND);
  cr_expect_eq(err.code, RC_NOT_FOUND);
  cr_expect_str_eq(err.text, "no plan gold");
  cr_expect_str_eq(err.field, "");
  cr_expect_str_eq(err.details, "");
}

Test(error, no_format_takes_the_text_of_the_table) {
  struct error err;
  cr_expect_eq(error_set(&err, RC_CONFLICT, NULL), RC_CONFLICT);
  cr_expect_str_eq(err.text, error_text(RC_CONFLICT));
}

Test(error, field_names_what_is_wrong) {
  struct error err;
  cr_expect_eq(error_field(&err, RC_VALIDATION, "items[2].quantity", "must be %d or more", 1), RC_VALIDATION);
  cr_expect_str_eq(err.field, "items[2].quantity");
  cr_expect_str_eq(err.text, "must be 1 or more");
  cr_expect_eq(error_field(&err, RC_VALIDATION, NULL, "x"), RC_VALIDATION);
  cr_expect_str_eq(err.field, "");
}

Test(error, an_error_can_be_reworded_from_its_own_text_and_field) {
  struct error err;
  (void)error_field(&err, RC_VALIDATION, "start", "inner");
  (void)error_field(&err, RC_BAD_MESSAGE, err.field, "outer: %s", err.text);
  cr_expect_str_eq(err.text, "outer: inner");
  cr_expect_str_eq(err.field, "start");
}

Test(error, what_is_too_long_is_cut_between_characters) {
  struct error err;
  char text[2 * ERROR_TEXT_MAX + 1];
  for (size_t i = 0; i < ERROR_TEXT_MAX; i++) memcpy(text + 2 * i, "\xC3\xA9", 3);
  (void)error_field(&err, RC_VALIDATION, text, "x%s", text);
  cr_expect_eq(strlen(err.text), ERROR_TEXT_MAX - 1, "x and a whole number of characters");
  cr_expect_eq(strlen(err.field), ERROR_FIELD_MAX - 2, "no half of a character");
  (void)error_field(&err, RC_VALIDATION, text, "%s", text);
  cr_expect_eq(strlen(err.text), ERROR_TEXT_MAX - 2);
}

Test(error, success_is_not_an_error, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct error err;
  (void)error_set(&err, RC_OK, "never");
}

static enum rc step(int *calls, enum rc rc) {
  ++*calls;
  return rc;
}

static enum rc two_steps(int *calls, enum rc first) {
  TRY(step(calls, first));
  TRY(step(calls, RC_OK));
  return RC_OK;
}

Test(error, try_leaves_at_the_first_failure) {
  int calls = 0;
  cr_expect_eq(two_steps(&calls, RC_CONFLICT), RC_CONFLICT);
  cr_expect_eq(calls, 1);
  cr_expect_eq(two_steps(&calls, RC_OK), RC_OK);
  cr_expect_eq(calls, 3);
}
