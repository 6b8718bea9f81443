/* The sandbox gateway over HTTP: every card, keys, refunds, lists, refusals. Each test has a gateway of its own. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "base/time.h"
#include "gateway_client.h"

enum { HOLD_MS = 400, SLOW_MS = 500 };

static struct sandbox sandbox;
static const char *const SETTINGS[] = {"GATEWAY_HOLD_MS=400", "GATEWAY_SLOW_MS=500", "GATEWAY_CONNECTIONS_MAX=48",
                                       NULL};

static void begin(void) {
  cr_assert(sandbox_start(&sandbox, SETTINGS));
}

static void end(void) {
  int status = sandbox_stop(&sandbox);
  sandbox_remove(&sandbox);
  cr_assert_eq(status, 0, "it stops cleanly: no leak, no sanitizer's complaint");
}

TestSuite(gateway, .init = begin, .fini = end, .timeout = 120);

/* ---- cards ---- */

struct declining {
  const char *card, *code, *decline_code;
};
static const struct declining DECLINING[] = {
    {"chargeDeclined", "card_declined", "generic_decline"},
    {"chargeCustomerFail", "card_declined", "generic_decline"},
    {"visa_chargeDeclined", "card_declined", "generic_decline"},
    {"chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"},
    {"chargeDeclinedProcessingError", "processing_error", "processing_error"},
    {"chargeDeclinedLostCard", "card_declined", "lost_card"},
    {"chargeDeclinedStolenCard", "card_declined", "stolen_card"},
    {"chargeDeclinedFraudulent", "card_declined", "fraudulent"},
    {"chargeDeclinedExpiredCard", "expired_card", "expired_card"},
    {"chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"},
    {"chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"},
    {"chargeDeclinedDoNotHonor", "card_declined", "do_not_honor"},
    {"doNotHonor", "card_declined", "do_not_honor"},
    {"tryAgainLater", "card_declined", "try_again_later"},
    {"issuerNotAvailable", "card_declined", "issuer_not_available"},
    {"pickupCard", "card_declined", "pickup_card"},
    {"authenticationRequired", "authentication_required", "authentication_required"},
};
enum { DECLINING_COUNT = sizeof DECLINING / sizeof DECLINING[0] };

static struct payer payer_of(const char *card) {
  char method[64];
  (void)snprintf(method, sizeof method, "pm_card_%s", card);
  return payer_with(&sandbox, method);
}

Test(gateway, declining_cards_say_why) {
  for (size_t i = 0; i < DECLINING_COUNT; i++) {
    const struct declining *row = &DECLINING[i];
    struct payer payer = payer_of(row->card);
    REPLY reply = charge(&sandbox, &payer, "in_1", NULL);
    expect_status(&reply, 402);
    expect_text(&reply, "error.type", "card_error");
    expect_text(&reply, "error.code", row->code);
    expect_text(&reply, "error.decline_code", row->decline_code);
    expect_text(&reply, "error.payment_intent.status", "requires_payment_method");
    expect_text(&reply, "error.payment_intent.last_payment_error.decline_code", row->decline_code);
    expect_text(&reply, "error.payment_intent.payment_method", NULL);
    expect_text(&reply, "error.payment_method.id", payer.method);
    cr_assert_not_null(text_at(&reply, "error.charge"));
  }
  cr_assert_eq(charges_succeeded(&sandbox), 0);
}

Test(gateway, paying_cards_pay) {
  static const char *const PAYING[][3] = {
      {"visa", "visa", "4242"}, {"visa_debit", "visa", "5556"},   {"mastercard", "mastercard", "4444"},
      {"amex", "amex", "0005"}, {"discover", "discover", "1117"}, {"jcb", "jcb", "0505"}};
  for (size_t i = 0; i < sizeof PAYING / sizeof PAYING[0]; i++) {
    struct payer payer = payer_of(PAYING[i][0]);
    char path[128];
    REPLY reply = charge(&sandbox, &payer, "in_1", NULL);
    expect_status(&reply, 200);
    expect_text(&reply, "status", "succeeded");
    cr_assert_eq(int_at(&reply, "amount_received"), 1999);
    (void)snprintf(path, sizeof path, "/v1/charges/%s", text_at(&reply, "latest_charge"));
    REPLY paid = ask(&sandbox, "GET", path, NULL, NULL);
    expect_text(&paid, "status", "succeeded");
    expect_text(&paid, "payment_method_details.card.brand", PAYING[i][1]);
    expect_text(&paid, "payment_method_details.card.last4", PAYING[i][2]);
    expect_text(&paid, "metadata.invoice_id", "in_1");
  }
  cr_assert_eq(charges_succeeded(&sandbox), 6);
}

Test(gateway, the_list_of_cards_holds_every_card_tested_here) {
  REPLY cards = ask(&sandbox, "GET", "/sandbox/cards", NULL, NULL);
  size_t declining = 0;
  for (size_t i = 0; i < json_array_size(member(&cards, "data")); i++) {
    char way[64];
    (void)snprintf(way, sizeof way, "data.%zu.declineCode", i);
    declining += text_at(&cards, way) != NULL;
  }
  cr_assert_eq(declining, DECLINING_COUNT - 1 + 2, "an alias less; two that decline only at first more");
}

Test(gateway, test_methods_work_without_attaching) {
  struct payer payer = payer_of("visa");
  struct payer direct = {.method = "pm_card_mastercard"};
  memcpy(direct.customer, payer.customer, sizeof direct.customer);
  REPLY reply = charge(&sandbox, &direct, "in_1", NULL);
  expect_text(&reply, "status", "succeeded");
  REPLY bare = ask(&sandbox, "POST", "/v1/payment_intents",
                   "amount=5&currency=jpy&payment_method=pm_card_visa&confirm=True", NULL);
  expect_text(&bare, "status", "succeeded");
}

Test(gateway, slow_cards_take_their_time) {
  struct payer payer = payer_of("slow");
  struct mono start = mono_now();
  REPLY reply = charge(&sandbox, &payer, "in_1", "k");
  expect_text(&reply, "status", "succeeded");
  cr_assert_geq(mono_ms_since(start), SLOW_MS);
}

Test(gateway, an_unanswered_charge_happened_and_its_key_says_so) {
  struct payer payer = payer_of("noAnswerCharged");
  struct mono start = mono_now();
  REPLY lost = charge(&sandbox, &payer, "in_1", "k");
  cr_assert_eq(lost.status, 0);
  cr_assert_eq(lost.length, 0, "not a byte");
  cr_assert_geq(mono_ms_since(start), HOLD_MS);
  cr_assert_eq(charges_succeeded(&sandbox), 1);
  REPLY again = charge(&sandbox, &payer, "in_1", "k");
  expect_text(&again, "status", "succeeded");
  cr_assert(again.is_replayed);
  cr_assert_eq(charges_succeeded(&sandbox), 1);
  REPLY found =
      ask(&sandbox, "GET", "/v1/payment_intents/search?query=metadata%5B'invoice_id'%5D%3A'in_1'", NULL, NULL);
  expect_text(&found, "data.0.id", text_at(&again, "id"));
}

Test(gateway, an_unanswered_charge_that_did_not_happen_happens_when_asked_again) {
  struct payer payer = payer_of("noAnswerNotCharged");
  REPLY lost = charge(&sandbox, &payer, "in_1", "k");
  cr_assert_eq(lost.status, 0);
  cr_assert_eq(charges_succeeded(&sandbox), 0);
  REPLY again = charge(&sandbox, &payer, "in_1", "k");
  expect_text(&again, "status", "succeeded");
  cr_assert_not(again.is_replayed);
  REPLY next = charge(&sandbox, &payer, "in_2", "k2");
  cr_assert_eq(next.status, 0, "each payment anew");
  cr_assert_eq(charges_succeeded(&sandbox), 1);
}

Test(gateway, a_500_did_nothing_and_works_when_asked_again) {
  struct payer payer = payer_of("error500");
  REPLY failed = charge(&sandbox, &payer, "in_1", "k");
  expect_status(&failed, 500);
  expect_text(&failed, "error.type", "api_error");
  REPLY again = charge(&sandbox, &payer, "in_1", "k");
  expect_status(&again, 200);
  cr_assert_eq(charges_succeeded(&sandbox), 1);
}

Test(gateway, a_limited_card_says_when_to_come_again) {
  struct payer payer = payer_of("rateLimited");
  for (int i = 0; i < 2; i++) {
    REPLY limited = charge(&sandbox, &payer, "in_1", "k");
    expect_status(&limited, 429);
    expect_text(&limited, "error.code", "rate_limit");
    cr_assert_eq(limited.retry_after_s, 1);
  }
  REPLY again = charge(&sandbox, &payer, "in_1", "k");
  expect_status(&again, 200);
}

Test(gateway, some_cards_decline_only_at_first) {
  struct payer once = payer_of("declineOnceInsufficientFunds"), thrice = payer_of("declineThenSucceed_3");
  for (int i = 0; i < 4; i++) {
    REPLY first = charge(&sandbox, &once, "in_1", NULL);
    expect_status(&first, i < 1 ? 402 : 200);
    REPLY second = charge(&sandbox, &thrice, "in_2", NULL);
    expect_status(&second, i < 3 ? 402 : 200);
  }
  REPLY other = charge(&sandbox, &once, "in_3", NULL);
  expect_text(&other, "error.decline_code", "insufficient_funds");
}

static struct reply settle(const char *intent, const char *outcome) {
  char path[128], body[64];
  (void)snprintf(path, sizeof path, "/sandbox/payment_intents/%s/settle", intent);
  (void)snprintf(body, sizeof body, "outcome=%s", outcome);
  return ask(&sandbox, "POST", path, body, NULL);
}

Test(gateway, a_cardholder_who_is_there_authenticates) {
  REPLY waits = ask(&sandbox, "POST", "/v1/payment_intents",
                    "amount=700&currency=eur&payment_method=pm_card_authenticationRequired&confirm=true", NULL);
  expect_status(&waits, 200);
  expect_text(&waits, "status", "requires_action");
  expect_text(&waits, "next_action.type", "use_stripe_sdk");
  expect_text(&waits, "latest_charge", NULL);
  REPLY paid = settle(text_at(&waits, "id"), "succeeded");
  expect_text(&paid, "status", "succeeded");
  REPLY twice = settle(text_at(&waits, "id"), "succeeded");
  expect_text(&twice, "error.code", "payment_intent_unexpected_state");
  cr_assert_eq(charges_succeeded(&sandbox), 1);
}

Test(gateway, a_processing_payment_is_settled_either_way) {
  struct payer payer = payer_of("processing");
  REPLY one = charge(&sandbox, &payer, "in_1", NULL), two = charge(&sandbox, &payer, "in_2", NULL);
  expect_text(&one, "status", "processing");
  REPLY paid = settle(text_at(&one, "id"), "succeeded"), failed = settle(text_at(&two, "id"), "failed");
  expect_text(&paid, "status", "succeeded");
  expect_text(&failed, "status", "requires_payment_method");
  expect_text(&failed, "last_payment_error.decline_code", "generic_decline");
}

Test(gateway, methods_come_from_tokens_and_test_numbers) {
  static const char *const GOOD[][2] = {{"type=card&card[token]=tok_visa", "4242"},
                                        {"type=card&card[token]=tok_chargeDeclinedLostCard", "9987"},
                                        {"type=card&card[number]=5555555555554444&card[exp_month]=1", "4444"}};
  for (size_t i = 0; i < 3; i++) {
    REPLY made = ask(&sandbox, "POST", "/v1/payment_methods", GOOD[i][0], NULL);
    expect_text(&made, "card.last4", GOOD[i][1]);
    expect_text(&made, "customer", NULL);
  }
  REPLY wrong = ask(&sandbox, "POST", "/v1/payment_methods", "type=card&card[number]=4242424242424241", NULL);
  expect_status(&wrong, 402);
  expect_text(&wrong, "error.code", "incorrect_number");
}

Test(gateway, a_detached_method_is_not_used_again) {
  struct payer payer = payer_of("visa"), other = payer_of("visa");
  struct payer mixed = payer;
  char path[128];
  memcpy(mixed.customer, other.customer, sizeof mixed.customer);
  REPLY stolen = charge(&sandbox, &mixed, "in_1", NULL);
  expect_status(&stolen, 400);
  (void)snprintf(path, sizeof path, "/v1/payment_methods/%s/detach", payer.method);
  REPLY detached = ask(&sandbox, "POST", path, NULL, NULL);
  expect_text(&detached, "customer", NULL);
  REPLY refused = charge(&sandbox, &payer, "in_1", NULL);
  expect_status(&refused, 400);
  expect_text(&refused, "error.code", "payment_method_unexpected_state");
  cr_assert_eq(charges_succeeded(&sandbox), 0);
}

/* ---- intents step by step ---- */

Test(gateway, an_intent_is_created_confirmed_declined_and_confirmed_with_another_card) {
  char path[128];
  REPLY made =
      ask(&sandbox, "POST", "/v1/payment_intents", "amount=100&currency=USD&metadata[a]=b&expand[]=customer", NULL);
  expect_text(&made, "status", "requires_payment_method");
  expect_text(&made, "currency", "usd");
  (void)snprintf(path, sizeof path, "/v1/payment_intents/%s/confirm", text_at(&made, "id"));
  REPLY without = ask(&sandbox, "POST", path, NULL, NULL);
  expect_text(&without, "error.code", "payment_intent_unexpected_state");
  REPLY declined = ask(&sandbox, "POST", path, "payment_method=pm_card_chargeDeclinedExpiredCard", NULL);
  expect_text(&declined, "error.payment_intent.id", text_at(&made, "id"));
  REPLY paid =
      ask(&sandbox, "POST", path, "payment_method=pm_card_visa&expand[]=latest_charge&expand[]=payment_method", NULL);
  expect_text(&paid, "status", "succeeded");
  expect_text(&paid, "latest_charge.status", "succeeded");
  expect_text(&paid, "payment_method.card.last4", "4242");
  expect_text(&paid, "last_payment_error.code", NULL);
  REPLY twice = ask(&sandbox, "POST", path, "payment_method=pm_card_visa", NULL);
  expect_text(&twice, "error.code", "payment_intent_unexpected_state");
  (void)snprintf(path, sizeof path, "/v1/charges?payment_intent=%s", text_at(&made, "id"));
  REPLY charges = ask(&sandbox, "GET", path, NULL, NULL);
  cr_assert_eq(json_array_size(member(&charges, "data")), 2);
  expect_text(&charges, "data.0.status", "succeeded");
  expect_text(&charges, "data.1.failure_code", "expired_card");
}

Test(gateway, a_cancelled_intent_is_never_charged) {
  char path[128];
  REPLY made =
      ask(&sandbox, "POST", "/v1/payment_intents", "amount=100&currency=usd&payment_method=pm_card_visa", NULL);
  expect_text(&made, "status", "requires_confirmation");
  (void)snprintf(path, sizeof path, "/v1/payment_intents/%s/cancel", text_at(&made, "id"));
  REPLY canceled = ask(&sandbox, "POST", path, NULL, NULL);
  expect_text(&canceled, "status", "canceled");
  cr_assert_gt(int_at(&canceled, "canceled_at"), 0);
  (void)snprintf(path, sizeof path, "/v1/payment_intents/%s/confirm", text_at(&made, "id"));
  REPLY refused = ask(&sandbox, "POST", path, NULL, NULL);
  expect_text(&refused, "error.payment_intent.status", "canceled");
  cr_assert_eq(charges_succeeded(&sandbox), 0);
}

Test(gateway, lists_are_newest_first_and_paged) {
  char path[128], ids[5][64];
  for (int i = 0; i < 5; i++) {
    REPLY made = ask(&sandbox, "POST", "/v1/payment_intents", "amount=100&currency=usd", NULL);
    (void)snprintf(ids[i], sizeof ids[i], "%s", text_at(&made, "id"));
  }
  REPLY first = ask(&sandbox, "GET", "/v1/payment_intents?limit=2", NULL, NULL);
  expect_text(&first, "object", "list");
  expect_text(&first, "data.1.id", ids[3]);
  cr_assert(json_is_true(member(&first, "has_more")));
  (void)snprintf(path, sizeof path, "/v1/payment_intents?limit=3&starting_after=%s", ids[3]);
  REPLY rest = ask(&sandbox, "GET", path, NULL, NULL);
  expect_text(&rest, "data.2.id", ids[0]);
  cr_assert(json_is_false(member(&rest, "has_more")));
}

Test(gateway, customers_are_changed_and_found) {
  struct payer payer = payer_of("visa"), other = payer_of("visa");
  char path[128], body[256];
  (void)snprintf(path, sizeof path, "/v1/customers/%s", payer.customer);
  (void)snprintf(body, sizeof body,
                 "email=ada@example.org&name=&metadata[a]=1&invoice_settings[default_payment_method]=%s", payer.method);
  REPLY changed = ask(&sandbox, "POST", path, body, NULL);
  expect_status(&changed, 200);
  REPLY found = ask(&sandbox, "GET", path, NULL, NULL);
  expect_text(&found, "name", NULL);
  expect_text(&found, "email", "ada@example.org");
  expect_text(&found, "metadata.a", "1");
  expect_text(&found, "invoice_settings.default_payment_method", payer.method);
  (void)snprintf(body, sizeof body, "invoice_settings[default_payment_method]=%s", other.method);
  REPLY refused = ask(&sandbox, "POST", path, body, NULL);
  expect_status(&refused, 404);
  (void)snprintf(path, sizeof path, "/v1/payment_methods?customer=%s&type=card", payer.customer);
  REPLY methods = ask(&sandbox, "GET", path, NULL, NULL);
  expect_text(&methods, "data.0.id", payer.method);
}

/* ---- keys ---- */

Test(gateway, the_same_key_gets_the_same_answer) {
  static const char *const CARDS[] = {"visa", "chargeDeclinedLostCard"};
  for (size_t i = 0; i < 2; i++) {
    struct payer payer = payer_of(CARDS[i]);
    char key[16];
    (void)snprintf(key, sizeof key, "key-%zu", i);
    REPLY first = charge(&sandbox, &payer, "in_1", key);
    cr_assert_not(first.is_replayed);
    REPLY again = charge(&sandbox, &payer, "in_1", key);
    expect_status(&again, first.status);
    cr_assert(again.is_replayed);
    cr_assert_str_eq(again.body, first.body);
    REPLY other = charge(&sandbox, &payer, "in_2", key);
    expect_status(&other, 400);
    expect_text(&other, "error.type", "idempotency_error");
    REPLY elsewhere = ask(&sandbox, "POST", "/v1/customers", "name=x", key);
    expect_text(&elsewhere, "error.type", "idempotency_error");
  }
  cr_assert_eq(charges_succeeded(&sandbox), 1);
}

Test(gateway, a_key_is_kept_for_judgements_and_not_for_typing_errors) {
  REPLY typo = ask(&sandbox, "POST", "/v1/payment_intents", "amount=zero&currency=usd", "k");
  expect_text(&typo, "error.param", "amount");
  REPLY right = ask(&sandbox, "POST", "/v1/payment_intents", "amount=1&currency=usd", "k");
  expect_status(&right, 200);
  cr_assert_not(right.is_replayed);
  for (int i = 0; i < 2; i++) {
    REPLY missing = ask(&sandbox, "POST", "/v1/payment_methods/pm_card_visa/attach", "customer=cus_none", "k2");
    expect_status(&missing, 404);
    expect_text(&missing, "error.code", "resource_missing");
    cr_assert_eq(missing.is_replayed, i == 1);
  }
}

struct racer {
  pthread_t thread;
  struct payer payer;
  struct reply reply;
};

static void *race_charge(void *context) {
  struct racer *racer = context;
  racer->reply = charge(&sandbox, &racer->payer, "in_1", "the-key");
  return NULL;
}

Test(gateway, one_key_many_times_at_once_is_one_charge) {
  enum { RACERS = 12 };
  struct racer racers[RACERS] = {0};
  int won = 0, busy = 0;
  struct payer payer = payer_of("slow");
  for (int i = 0; i < RACERS; i++) {
    racers[i].payer = payer;
    cr_assert_eq(pthread_create(&racers[i].thread, NULL, race_charge, &racers[i]), 0);
  }
  for (int i = 0; i < RACERS; i++) {
    pthread_join(racers[i].thread, NULL);
    won += racers[i].reply.status == 200;
    busy += racers[i].reply.status == 409;
    if (racers[i].reply.status == 409) expect_text(&racers[i].reply, "error.code", "idempotency_key_in_use");
    reply_release(&racers[i].reply);
  }
  cr_assert_eq(won + busy, RACERS);
  cr_assert(won >= 1 && busy >= 1, "%d won, %d were told to wait", won, busy);
  cr_assert_eq(charges_succeeded(&sandbox), 1);
  REPLY after = charge(&sandbox, &payer, "in_1", "the-key");
  cr_assert(after.is_replayed);
}

/* ---- refunds ---- */

static struct reply refund(const char *intent, const char *amount, const char *key) {
  char body[160];
  (void)snprintf(body, sizeof body, "payment_intent=%s%s%s", intent, amount != NULL ? "&amount=" : "",
                 amount != NULL ? amount : "");
  return ask(&sandbox, "POST", "/v1/refunds", body, key);
}

static void *race_refund(void *context) {
  struct racer *racer = context;
  racer->reply = refund(racer->payer.customer, "300", NULL);
  return NULL;
}

Test(gateway, refunds_never_exceed_the_charge) {
  enum { RACERS = 16 };
  struct racer racers[RACERS] = {0};
  struct payer payer = payer_of("visa");
  int good = 0;
  REPLY paid = charge(&sandbox, &payer, "in_1", NULL);
  const char *intent = text_at(&paid, "id");
  for (int i = 0; i < RACERS; i++) {
    (void)snprintf(racers[i].payer.customer, sizeof racers[i].payer.customer, "%s", intent);
    cr_assert_eq(pthread_create(&racers[i].thread, NULL, race_refund, &racers[i]), 0);
  }
  for (int i = 0; i < RACERS; i++) {
    pthread_join(racers[i].thread, NULL);
    good += racers[i].reply.status == 200;
    if (racers[i].reply.status != 200) expect_text(&racers[i].reply, "error.param", "amount");
    reply_release(&racers[i].reply);
  }
  cr_assert_eq(good, 1999 / 300);
  REPLY rest = refund(intent, NULL, "r1");
  cr_assert_eq(int_at(&rest, "amount"), 1999 % 300, "no amount is all that is left");
  REPLY again = refund(intent, NULL, "r1");
  cr_assert(again.is_replayed);
  REPLY none = refund(intent, "1", NULL);
  expect_text(&none, "error.code", "charge_already_refunded");
  char path[128];
  (void)snprintf(path, sizeof path, "/v1/charges/%s", text_at(&paid, "latest_charge"));
  REPLY after = ask(&sandbox, "GET", path, NULL, NULL);
  cr_assert_eq(int_at(&after, "amount_refunded"), 1999);
  cr_assert(json_is_true(member(&after, "refunded")));
  (void)snprintf(path, sizeof path, "/v1/refunds/%s", text_at(&rest, "id"));
  REPLY found = ask(&sandbox, "GET", path, NULL, NULL);
  expect_text(&found, "payment_intent", intent);
}

Test(gateway, what_was_not_paid_is_not_refunded) {
  struct payer payer = payer_of("chargeDeclined");
  REPLY declined = charge(&sandbox, &payer, "in_1", NULL);
  REPLY refused = refund(text_at(&declined, "error.payment_intent.id"), NULL, NULL);
  expect_status(&refused, 400);
  REPLY missing = refund("pi_none", NULL, NULL);
  expect_status(&missing, 404);
}

/* ---- refusals ---- */

struct refused {
  const char *method, *path, *body;
  long status;
  const char *param, *code;
};

Test(gateway, what_cannot_be_understood_is_refused) {
  static const struct refused ROWS[] = {
      {"POST", "/v1/payment_intents", "currency=usd", 400, "amount", "parameter_missing"},
      {"POST", "/v1/payment_intents", "amount=1", 400, "currency", "parameter_missing"},
      {"POST", "/v1/payment_intents", "amount=0&currency=usd", 400, "amount", "amount_too_small"},
      {"POST", "/v1/payment_intents", "amount=-5&currency=usd", 400, "amount", "parameter_invalid_integer"},
      {"POST", "/v1/payment_intents", "amount=1.5&currency=usd", 400, "amount", "parameter_invalid_integer"},
      {"POST", "/v1/payment_intents", "amount=+1&currency=usd", 400, "amount", "parameter_invalid_integer"},
      {"POST", "/v1/payment_intents", "amount=100000000&currency=usd", 400, "amount", "amount_too_large"},
      {"POST", "/v1/payment_intents", "amount=99999999999999999999&currency=usd", 400, "amount",
       "parameter_invalid_integer"},
      {"POST", "/v1/payment_intents", "amount=1&currency=xyz", 400, "currency", NULL},
      {"POST", "/v1/payment_intents", "amount=1&currency=usd&confirm=yes", 400, "confirm", NULL},
      {"POST", "/v1/payment_intents", "amount=1&currency=usd&confirm=true", 400, "payment_method", "parameter_missing"},
      {"POST", "/v1/payment_intents", "amount=1&currency=usd&off_session=true", 400, "off_session", NULL},
      {"POST", "/v1/payment_intents", "amount=1&currency=usd&capture_method=manual", 400, "capture_method", NULL},
      {"POST", "/v1/payment_intents", "amount=1&currency=usd&invoice=1", 400, "invoice", "parameter_unknown"},
      {"POST", "/v1/payment_intents", "amount=1&currency=usd&customer=cus_1", 404, "customer", "resource_missing"},
      {"POST", "/v1/payment_intents", "amount=1&currency=usd&payment_method=pm_card_none", 404, "payment_method",
       "resource_missing"},
      {"POST", "/v1/payment_intents", "amount=1&currency=usd&description=%ff", 400, NULL, NULL},
      {"POST", "/v1/refunds", "amount=1", 400, "charge", "parameter_missing"},
      {"POST", "/v1/refunds", "charge=ch_1&reason=bored", 400, "reason", NULL},
      {"POST", "/v1/payment_methods", "type=sepa_debit", 400, "type", NULL},
      {"GET", "/v1/payment_intents/pi_none", NULL, 404, "intent", "resource_missing"},
      {"GET", "/v1/payment_intents?limit=101", NULL, 400, "limit", "parameter_invalid_integer"},
      {"GET", "/v1/nothing", NULL, 404, NULL, NULL},
      {"DELETE", "/v1/customers", NULL, 404, NULL, NULL},
      {"GET", "/v1/customers/a%2Fb", NULL, 400, NULL, NULL},
      {"POST", "/sandbox/faults", "[1]", 400, NULL, NULL},
      {"POST", "/sandbox/faults", "{\"nope\":1}", 400, "nope", NULL},
      {"POST", "/sandbox/faults", "{\"fail_next\":-1}", 400, "fail_next", NULL},
      {"POST", "/sandbox/faults", "{\"silent\":true,\"silent\":false}", 400, NULL, NULL},
  };
  for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
    REPLY reply = ask(&sandbox, ROWS[i].method, ROWS[i].path, ROWS[i].body, NULL);
    cr_log_info("%s %s %s", ROWS[i].method, ROWS[i].path, ROWS[i].body != NULL ? ROWS[i].body : "");
    expect_status(&reply, ROWS[i].status);
    expect_text(&reply, "error.param", ROWS[i].param);
    expect_text(&reply, "error.code", ROWS[i].code);
  }
  cr_assert_eq(charges_succeeded(&sandbox), 0);
}

Test(gateway, deep_json_and_large_bodies_do_no_harm) {
  static char body[70 * 1024];
  memset(body, '[', sizeof body - 1);
  REPLY large = ask(&sandbox, "POST", "/v1/customers", body, NULL);
  expect_status(&large, 413);
  body[8000] = '\0';
  REPLY deep = ask(&sandbox, "POST", "/sandbox/faults", body, NULL);
  expect_status(&deep, 400);
  REPLY alive = ask(&sandbox, "GET", "/readyz", NULL, NULL);
  expect_status(&alive, 200);
}

/* ---- what tests look through ---- */

Test(gateway, payments_are_counted_by_invoice) {
  struct payer payer = payer_of("visa"), poor = payer_of("chargeDeclined");
  static const char *const INVOICES[] = {"in_1", "in_2", "in_2", "in_3"};
  for (size_t i = 0; i < 4; i++) {
    REPLY reply = charge(&sandbox, &payer, INVOICES[i], NULL);
    expect_status(&reply, 200);
  }
  REPLY declined = charge(&sandbox, &poor, "in_4", NULL);
  expect_status(&declined, 402);
  REPLY stats = ask(&sandbox, "GET", "/sandbox/stats?metadata=invoice_id", NULL, NULL);
  cr_assert_eq(int_at(&stats, "charges.succeeded"), 4);
  cr_assert_eq(int_at(&stats, "charges.failed"), 1);
  cr_assert_eq(int_at(&stats, "succeededByMetadata.distinct"), 3);
  cr_assert_eq(int_at(&stats, "succeededByMetadata.counts.in_1"), 1);
  cr_assert_eq(int_at(&stats, "succeededByMetadata.counts.in_4"), -1);
  cr_assert_eq(int_at(&stats, "succeededByMetadata.moreThanOnce.in_2"), 2);
  cr_assert_eq(json_object_size(member(&stats, "succeededByMetadata.moreThanOnce")), 1);
  REPLY charges = ask(&sandbox, "GET", "/sandbox/charges?metadata%5Binvoice_id%5D=in_2", NULL, NULL);
  cr_assert_eq(int_at(&charges, "count"), 2);
  REPLY failed = ask(&sandbox, "GET", "/sandbox/charges?metadata%5Binvoice_id%5D=in_4", NULL, NULL);
  expect_text(&failed, "data.0.status", "failed");
}

Test(gateway, requests_are_listed_with_their_outcome) {
  struct payer payer = payer_of("chargeDeclinedLostCard");
  REPLY before = ask(&sandbox, "GET", "/sandbox/requests", NULL, NULL);
  char path[64];
  (void)snprintf(path, sizeof path, "/sandbox/requests?since=%lld", (long long)int_at(&before, "last"));
  REPLY first = charge(&sandbox, &payer, "in_1", "k"), again = charge(&sandbox, &payer, "in_1", "k");
  expect_status(&first, 402);
  expect_status(&again, 402);
  REPLY listed = ask(&sandbox, "GET", path, NULL, NULL);
  cr_assert_eq(json_array_size(member(&listed, "data")), 2);
  expect_text(&listed, "data.0.key", "k");
  expect_text(&listed, "data.0.path", "/v1/payment_intents");
  expect_text(&listed, "data.0.outcome", "lost_card");
  expect_text(&listed, "data.1.outcome", "replayed");
  cr_assert_eq(int_at(&listed, "data.1.status"), 402);
}
