/* Questions as they go over the wire. */
#include "question.h"

#include <criterion/criterion.h>
#include <string.h>

static struct gateway_question question(enum gateway_ask ask) {
  struct gateway_question question = {.ask = ask,
                                      .attempt = 3,
                                      .amount_minor = 12340,
                                      .currency = "KWD",
                                      .token = "tok_visa",
                                      .method_id = "pm_1",
                                      .customer_id = "cus_1",
                                      .intent_id = "pi_1"};
  uuid_parse("0190a000-0000-7000-8000-000000000001", &question.tenant);
  uuid_parse("0190a000-0000-7000-8000-000000000002", &question.customer);
  uuid_parse("0190a000-0000-7000-8000-000000000003", &question.invoice);
  uuid_parse("0190a000-0000-7000-8000-000000000004", &question.payment);
  return question;
}

static const struct {
  enum gateway_ask ask;
  const char *path, *form;
} QUESTIONS[] = {
    {ASK_CUSTOMER, "/v1/customers",
     "metadata[tenant_id]=0190a000-0000-7000-8000-000000000001&metadata[customer_id]=0190a000-0000-7000-8000-"
     "000000000002"},
    {ASK_METHOD, "/v1/payment_methods", "type=card&card[token]=tok_visa"},
    {ASK_ATTACH, "/v1/payment_methods/pm_1/attach", "customer=cus_1"},
    {ASK_CHARGE, "/v1/payment_intents",
     "amount=12340&currency=kwd&customer=cus_1&payment_method=pm_1&confirm=true&off_session=true"
     "&metadata[tenant_id]=0190a000-0000-7000-8000-000000000001&metadata[invoice_id]=0190a000-0000-7000-8000-"
     "000000000003"
     "&metadata[payment_id]=0190a000-0000-7000-8000-000000000004&metadata[attempt]=3"},
    {ASK_INTENT, "/v1/payment_intents/pi_1", ""},
    {ASK_LOOK_UP, "/v1/payment_intents?limit=100&customer=cus_1", ""},
};

Test(question, is_written_as_stripe_reads_it) {
  for (size_t i = 0; i < sizeof QUESTIONS / sizeof QUESTIONS[0]; i++) {
    struct buf CLEANUP(buf_release) path, CLEANUP(buf_release) form;
    struct gateway_question asked = question(QUESTIONS[i].ask);
    buf_init(&path, GATEWAY_REQUEST_MAX);
    buf_init(&form, GATEWAY_REQUEST_MAX);
    question_write(&asked, &path, &form);
    cr_expect_str_eq(buf_text(&path), QUESTIONS[i].path);
    cr_expect_str_eq(buf_text(&form), QUESTIONS[i].form);
  }
}

/* ISO 4217's minor units, and the gateway's. */
static const struct {
  const char *currency;
  int64_t amount_minor;
  const char *form;
  int64_t gateway_amount;
} AMOUNTS[] = {
    {"USD", 9900, "amount=9900&currency=usd&", 9900},  {"JPY", 500, "amount=500&currency=jpy&", 500},
    {"ISK", 500, "amount=50000&currency=isk&", 50000}, {"UGX", 500, "amount=50000&currency=ugx&", 50000},
    {"MGA", 9900, "amount=99&currency=mga&", 99},
};

Test(question, counts_money_as_the_gateway_does) {
  for (size_t i = 0; i < sizeof AMOUNTS / sizeof AMOUNTS[0]; i++) {
    struct buf CLEANUP(buf_release) path, CLEANUP(buf_release) form;
    struct gateway_question asked = question(ASK_CHARGE);
    asked.amount_minor = AMOUNTS[i].amount_minor;
    memcpy(asked.currency, AMOUNTS[i].currency, sizeof asked.currency);
    buf_init(&path, GATEWAY_REQUEST_MAX);
    buf_init(&form, GATEWAY_REQUEST_MAX);
    question_write(&asked, &path, &form);
    cr_expect_eq(strncmp(buf_text(&form), AMOUNTS[i].form, strlen(AMOUNTS[i].form)), 0, "%s", buf_text(&form));
    cr_expect(question_is_of_amount(&asked, AMOUNTS[i].gateway_amount));
    cr_expect_not(question_is_of_amount(&asked, AMOUNTS[i].gateway_amount + 1));
    cr_expect_not(question_is_of_amount(&asked, INT64_MAX));
  }
}

/* Three decimals end in 0 (Stripe's rule), an ariary is whole. */
static const struct {
  const char *currency;
  int64_t owed, charged;
} STEPS[] = {{"KWD", 12345, 12350},
             {"KWD", 12340, 12340},
             {"KWD", 1, 10},
             {"BHD", 9, 10},
             {"JOD", 11, 20},
             {"OMR", 10, 10},
             {"TND", 99991, 100000},
             {"MGA", 9920, 10000},
             {"MGA", 100, 100},
             {"USD", 12345, 12345},
             {"JPY", 1, 1},
             {"ISK", 7, 7},
             {"KWD", INT64_C(999999999999999), INT64_C(1000000000000000)}};

Test(question, of_a_charge_rounds_up_to_what_the_gateway_can_count) {
  for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++)
    cr_expect_eq(question_chargeable(STEPS[i].currency, STEPS[i].owed), STEPS[i].charged, "%s %lld", STEPS[i].currency,
                 (long long)STEPS[i].owed);
}

Test(question, of_an_amount_that_the_gateway_cannot_count_is_not_of_another_amount) {
  struct buf CLEANUP(buf_release) path, CLEANUP(buf_release) form;
  struct gateway_question asked = question(ASK_CHARGE);
  asked.amount_minor = 9920;
  memcpy(asked.currency, "MGA", sizeof asked.currency);
  buf_init(&path, GATEWAY_REQUEST_MAX);
  buf_init(&form, GATEWAY_REQUEST_MAX);
  question_write(&asked, &path, &form);
  cr_expect_eq(strncmp(buf_text(&form), "amount=99.20&", 13), 0, "%s", buf_text(&form));
  cr_expect_not(question_is_of_amount(&asked, 99));
}

Test(question, encodes_what_could_break_out_of_its_place) {
  struct buf CLEANUP(buf_release) path, CLEANUP(buf_release) form;
  struct gateway_question asked = question(ASK_ATTACH);
  (void)snprintf(asked.method_id, sizeof asked.method_id, "pm_/../x?a=b");
  (void)snprintf(asked.customer_id, sizeof asked.customer_id, "cus&x=1 \xc3\xa9");
  buf_init(&path, GATEWAY_REQUEST_MAX);
  buf_init(&form, GATEWAY_REQUEST_MAX);
  question_write(&asked, &path, &form);
  cr_expect_str_eq(buf_text(&path), "/v1/payment_methods/pm_%2F..%2Fx%3Fa%3Db/attach");
  cr_expect_str_eq(buf_text(&form), "customer=cus%26x%3D1%20%C3%A9");
}

Test(question, with_the_longest_ids_fits) {
  struct buf CLEANUP(buf_release) path, CLEANUP(buf_release) form;
  struct gateway_question asked = question(ASK_CHARGE);
  memset(asked.method_id, '\xff', GATEWAY_ID_MAX - 1);
  memset(asked.customer_id, '\xff', GATEWAY_ID_MAX - 1);
  buf_init(&path, GATEWAY_REQUEST_MAX);
  buf_init(&form, GATEWAY_REQUEST_MAX);
  question_write(&asked, &path, &form);
  cr_expect(buf_ok(&form));
}

Test(question, has_a_key_of_its_own_for_each_attempt_and_the_same_one_each_time) {
  struct gateway_question first = question(ASK_CHARGE), again = question(ASK_CHARGE), next = question(ASK_CHARGE);
  next.attempt = 4;
  question_key_charge(&first);
  question_key_charge(&again);
  question_key_charge(&next);
  cr_expect_str_eq(first.key, "charge-0190a000-0000-7000-8000-000000000004-3");
  cr_expect_str_eq(again.key, first.key);
  cr_expect_str_neq(next.key, first.key);
  question_key_customer(&first);
  cr_expect_str_eq(first.key, "customer-0190a000-0000-7000-8000-000000000001-0190a000-0000-7000-8000-000000000002");
  cr_expect_lt(strlen(first.key), GATEWAY_KEY_MAX - 1);
  question_key_attach(&first, &first.payment);
  question_key_method(&again, &first.payment);
  cr_expect_str_neq(first.key, again.key);
}
