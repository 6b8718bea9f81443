/* What the gateway says and what it means: a row for each way in which it can go wrong. */
#include "answer.h"

#include <criterion/criterion.h>
#include <string.h>

static struct gateway_question question(enum gateway_ask ask) {
  struct gateway_question question = {
      .ask = ask, .amount_minor = 9900, .currency = "USD", .attempt = 2, .since = {INT64_C(1763700000) * UTIME_SECOND}};
  uuid_parse("0190a000-0000-7000-8000-000000000004", &question.payment);
  return question;
}

static struct gateway_answer read_body(enum gateway_ask ask, long status, const char *body) {
  struct gateway_question asked = question(ask);
  struct gateway_reply reply = {.http_status = status, .body = body, .length = strlen(body)};
  struct gateway_answer answer;
  answer_read(&asked, &reply, &answer);
  return answer;
}

#define INTENT(status) \
  "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"amount\":9900,\"currency\":\"usd\",\"status\":\"" status "\""

static const struct {
  const char *what;
  enum gateway_ask ask;
  long status;
  const char *body;
  enum answer_outcome outcome;
  const char *code;
} ANSWERS[] = {
    /* intents */
    {"charged", ASK_CHARGE, 200, INTENT("succeeded") ",\"latest_charge\":\"ch_1\"}", ANSWER_DONE, ""},
    {"the bank takes its time", ASK_CHARGE, 200, INTENT("processing") "}", ANSWER_PROCESSING, ""},
    {"to be authenticated", ASK_CHARGE, 200, INTENT("requires_action") "}", ANSWER_ACTION, "authentication_required"},
    {"declined, told by the intent", ASK_INTENT, 200,
     INTENT("requires_payment_method") ",\"last_payment_error\":{\"code\":\"card_declined\",\"decline_code\":\"lost_"
                                       "card\"}}",
     ANSWER_DECLINED, "lost_card"},
    {"declined without a word", ASK_INTENT, 200, INTENT("requires_payment_method") ",\"last_payment_error\":null}",
     ANSWER_DECLINED, "declined"},
    {"cancelled", ASK_INTENT, 200, INTENT("canceled") "}", ANSWER_REFUSED, "canceled"},
    {"not confirmed", ASK_CHARGE, 200, INTENT("requires_confirmation") "}", ANSWER_UNKNOWN, "unreadable"},
    {"a state from the future", ASK_CHARGE, 200, INTENT("dreaming") "}", ANSWER_UNKNOWN, "unreadable"},
    {"of another amount", ASK_CHARGE, 200,
     "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"amount\":990,\"currency\":\"usd\",\"status\":\"succeeded\"}",
     ANSWER_UNKNOWN, "amount_mismatch"},
    {"of another currency", ASK_CHARGE, 200,
     "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"amount\":9900,\"currency\":\"eur\",\"status\":\"succeeded\"}",
     ANSWER_UNKNOWN, "amount_mismatch"},
    {"without an id", ASK_CHARGE, 200,
     "{\"object\":\"payment_intent\",\"amount\":9900,\"currency\":\"usd\",\"status\":\"succeeded\"}", ANSWER_UNKNOWN,
     "unreadable"},
    {"something else", ASK_CHARGE, 200, "{\"id\":\"cus_1\",\"object\":\"customer\"}", ANSWER_UNKNOWN, "unreadable"},
    {"an array", ASK_CHARGE, 200, "[1]", ANSWER_UNKNOWN, "unreadable"},
    {"no JSON", ASK_CHARGE, 200, "<html>ok</html>", ANSWER_UNKNOWN, "unreadable"},
    {"nothing", ASK_CHARGE, 200, "", ANSWER_UNKNOWN, "unreadable"},
    {"cut off", ASK_CHARGE, 200, "{\"id\":\"pi_1\",\"object\":\"payment_in", ANSWER_UNKNOWN, "unreadable"},
    {"redirected", ASK_CHARGE, 302, INTENT("succeeded") "}", ANSWER_UNKNOWN, "unreadable"},
    /* errors */
    {"declined", ASK_CHARGE, 402,
     "{\"error\":{\"type\":\"card_error\",\"code\":\"card_declined\",\"decline_code\":\"insufficient_funds\","
     "\"message\":\"no money\",\"charge\":\"ch_1\",\"payment_intent\":{\"id\":\"pi_1\"}}}",
     ANSWER_DECLINED, "insufficient_funds"},
    {"declined with a code alone", ASK_CHARGE, 402, "{\"error\":{\"type\":\"card_error\",\"code\":\"expired_card\"}}",
     ANSWER_DECLINED, "expired_card"},
    {"declined, as localstripe says it", ASK_ATTACH, 402,
     "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"card_declined\",\"message\":\"Your card was "
     "declined.\"}}",
     ANSWER_DECLINED, "card_declined"},
    {"402 of a proxy", ASK_CHARGE, 402, "pay me", ANSWER_UNKNOWN, "unreadable"},
    {"the key is in use", ASK_CHARGE, 409,
     "{\"error\":{\"type\":\"idempotency_error\",\"code\":\"idempotency_key_in_use\"}}", ANSWER_UNKNOWN,
     "idempotency_key_in_use"},
    {"the key was used otherwise", ASK_CHARGE, 400, "{\"error\":{\"type\":\"idempotency_error\"}}", ANSWER_UNKNOWN,
     "idempotency_error"},
    {"too much", ASK_CHARGE, 429, "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"rate_limit\"}}",
     ANSWER_NOT_ASKED, "rate_limit"},
    {"too much for a proxy", ASK_CHARGE, 429, "slow down", ANSWER_NOT_ASKED, "rate_limited"},
    {"our key is wrong", ASK_CHARGE, 401, "{\"error\":{\"type\":\"invalid_request_error\"}}", ANSWER_NOT_ASKED,
     "invalid_request_error"},
    {"the method is gone", ASK_CHARGE, 404,
     "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"resource_missing\",\"param\":\"payment_method\"}}",
     ANSWER_REFUSED, "resource_missing"},
    {"too small", ASK_CHARGE, 400, "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"amount_too_small\"}}",
     ANSWER_REFUSED, "amount_too_small"},
    {"400 of a proxy", ASK_CHARGE, 400, "Bad Request", ANSWER_UNKNOWN, "unreadable"},
    {"400 of an unknown kind", ASK_CHARGE, 400, "{\"error\":{\"type\":\"new_error\"}}", ANSWER_UNKNOWN, "new_error"},
    {"their fault", ASK_CHARGE, 500, "{\"error\":{\"type\":\"api_error\",\"message\":\"oops\"}}", ANSWER_UNKNOWN,
     "api_error"},
    {"a gateway in between", ASK_CHARGE, 502, "<html>502</html>", ANSWER_UNKNOWN, "unreadable"},
    {"who looks is not refused", ASK_INTENT, 404,
     "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"resource_missing\"}}", ANSWER_UNKNOWN,
     "resource_missing"},
    {"nor declined", ASK_LOOK_UP, 402, "{\"error\":{\"type\":\"card_error\",\"code\":\"expired_card\"}}",
     ANSWER_UNKNOWN, "expired_card"},
    /* lists */
    {"found, charged", ASK_LOOK_UP, 200,
     "{\"object\":\"list\",\"has_more\":true,\"data\":[{\"metadata\":{}},{\"id\":\"pi_1\",\"amount\":9900,\"currency\":"
     "\"usd\","
     "\"status\":\"succeeded\",\"metadata\":{\"payment_id\":\"0190a000-0000-7000-8000-000000000004\",\"attempt\":\"2\"}"
     "}]}",
     ANSWER_DONE, ""},
    {"another attempt is not this one", ASK_LOOK_UP, 200,
     "{\"object\":\"list\",\"has_more\":false,\"data\":[{\"id\":\"pi_1\",\"amount\":9900,\"currency\":\"usd\","
     "\"status\":\"succeeded\",\"metadata\":{\"payment_id\":\"0190a000-0000-7000-8000-000000000004\",\"attempt\":\"1\"}"
     "}]}",
     ANSWER_ABSENT, ""},
    {"nothing there", ASK_LOOK_UP, 200, "{\"object\":\"list\",\"has_more\":false,\"data\":[]}", ANSWER_ABSENT, ""},
    {"a page that goes back far enough", ASK_LOOK_UP, 200,
     "{\"object\":\"list\",\"has_more\":true,\"data\":[{\"created\":1763600000}]}", ANSWER_ABSENT, ""},
    {"a page that does not", ASK_LOOK_UP, 200,
     "{\"object\":\"list\",\"has_more\":true,\"data\":[{\"created\":1763700000}]}", ANSWER_UNKNOWN, "list_too_long"},
    {"a list that does not say", ASK_LOOK_UP, 200, "{\"object\":\"list\",\"data\":[]}", ANSWER_UNKNOWN,
     "list_too_long"},
    {"a list without data", ASK_LOOK_UP, 200, "{\"object\":\"list\",\"has_more\":false}", ANSWER_UNKNOWN, "unreadable"},
    /* customers and methods */
    {"a customer", ASK_CUSTOMER, 200, "{\"id\":\"cus_1\",\"object\":\"customer\"}", ANSWER_DONE, ""},
    {"a method", ASK_ATTACH, 200,
     "{\"id\":\"pm_1\",\"object\":\"payment_method\",\"type\":\"card\",\"card\":{\"brand\":\"visa\",\"last4\":\"4242\","
     "\"exp_month\":12,\"exp_year\":2034}}",
     ANSWER_DONE, ""},
    {"no such method", ASK_ATTACH, 404,
     "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"resource_missing\"}}", ANSWER_REFUSED,
     "resource_missing"},
};

Test(answer, means_what_the_table_says) {
  for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++) {
    struct gateway_answer answer = read_body(ANSWERS[i].ask, ANSWERS[i].status, ANSWERS[i].body);
    cr_expect_eq(answer.outcome, ANSWERS[i].outcome, "%s: %s", ANSWERS[i].what, answer_outcome_name(answer.outcome));
    cr_expect_str_eq(answer.code, ANSWERS[i].code, "%s: %s", ANSWERS[i].what, answer.code);
  }
}

Test(answer, of_a_decline_names_intent_charge_and_reason) {
  struct gateway_answer answer = read_body(ASK_CHARGE, 402, ANSWERS[17].body);
  cr_assert_str_eq(ANSWERS[17].what, "declined");
  cr_expect_str_eq(answer.id, "pi_1");
  cr_expect_str_eq(answer.charge_id, "ch_1");
  cr_expect_str_eq(answer.message, "no money");
}

/* "é" has two bytes, and one of them would fit. */
Test(answer, with_a_long_message_is_cut_between_characters) {
  char message[ANSWER_TEXT_MAX + 2] = {0}, body[2 * ANSWER_TEXT_MAX];
  memset(message, 'x', ANSWER_TEXT_MAX - 2);
  (void)snprintf(body, sizeof body, "{\"error\":{\"type\":\"card_error\",\"message\":\"%s\xc3\xa9\"}}", message);
  cr_expect_str_eq(read_body(ASK_CHARGE, 402, body).message, message);
}

Test(answer, of_an_attachment_shows_the_card_and_no_more) {
  struct gateway_answer answer = read_body(ASK_ATTACH, 200,
                                           "{\"id\":\"pm_9\",\"object\":\"payment_method\",\"type\":\"card\",\"card\":{"
                                           "\"brand\":\"visa\",\"last4\":\"4242\","
                                           "\"exp_month\":12,\"exp_year\":2034,\"number\":\"4242424242424242\"}}");
  cr_expect_str_eq(answer.id, "pm_9");
  cr_expect_str_eq(answer.type, "card");
  cr_expect_str_eq(answer.brand, "visa");
  cr_expect_str_eq(answer.last4, "4242");
  cr_expect_eq(answer.expiry_month, 12);
  cr_expect_eq(answer.expiry_year, 2034);
}

Test(answer, with_nonsense_for_a_card_is_still_an_attachment) {
  struct gateway_answer answer = read_body(
      ASK_ATTACH, 200,
      "{\"id\":\"pm_9\",\"object\":\"payment_method\",\"type\":\"card\",\"card\":{\"brand\":7,\"last4\":\"42\","
      "\"exp_month\":13,\"exp_year\":99999}}");
  cr_expect_eq(answer.outcome, ANSWER_DONE);
  cr_expect_str_eq(answer.last4, "");
  cr_expect_eq(answer.expiry_month, 0);
  cr_expect_eq(answer.expiry_year, 0);
}

Test(answer, tells_whether_another_method_could_help) {
  cr_expect(
      read_body(
          ASK_CHARGE, 404,
          "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"resource_missing\",\"param\":\"payment_method\"}}")
          .is_about_method);
  cr_expect_not(
      read_body(ASK_CHARGE, 400,
                "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"amount_too_small\",\"param\":\"amount\"}}")
          .is_about_method);
  cr_expect(read_body(ASK_ATTACH, 404, "{\"error\":{\"type\":\"invalid_request_error\"}}").is_about_method);
}

Test(answer, that_never_came_is_unknown_unless_the_question_never_left) {
  struct gateway_question asked = question(ASK_CHARGE);
  struct gateway_answer answer;
  answer_read(&asked, &(struct gateway_reply){.fate = REPLY_LOST, .trouble = "Timeout was reached"}, &answer);
  cr_expect_eq(answer.outcome, ANSWER_UNKNOWN);
  cr_expect_str_eq(answer.code, "no_answer");
  answer_read(&asked, &(struct gateway_reply){.fate = REPLY_NOT_SENT, .trouble = "Couldn't connect"}, &answer);
  cr_expect_eq(answer.outcome, ANSWER_NOT_ASKED);
  cr_expect_str_eq(answer.code, "unreachable");
}

Test(answer, that_asks_for_patience_gets_some) {
  struct gateway_question asked = question(ASK_CHARGE);
  struct gateway_answer answer;
  struct gateway_reply reply = {.http_status = 429, .retry_after_s = 7, .body = "", .length = 0};
  answer_read(&asked, &reply, &answer);
  cr_expect_eq(answer.retry_after_ms, 7000);
  reply.retry_after_s = INT64_MAX;
  answer_read(&asked, &reply, &answer);
  cr_expect_eq(answer.retry_after_ms, INT64_C(1000) * RETRY_AFTER_MAX_S);
}

Test(answer, with_an_id_that_is_too_long_is_not_cut) {
  char body[1024], id[GATEWAY_ID_MAX + 1] = {0};
  memset(id, 'x', GATEWAY_ID_MAX);
  (void)snprintf(body, sizeof body, "{\"id\":\"%s\",\"object\":\"customer\"}", id);
  cr_expect_eq(read_body(ASK_CUSTOMER, 200, body).outcome, ANSWER_UNKNOWN);
  id[GATEWAY_ID_MAX - 1] = '\0';
  (void)snprintf(body, sizeof body, "{\"id\":\"%s\",\"object\":\"customer\"}", id);
  struct gateway_answer answer = read_body(ASK_CUSTOMER, 200, body);
  cr_expect_eq(answer.outcome, ANSWER_DONE);
  cr_expect_str_eq(answer.id, id);
}
