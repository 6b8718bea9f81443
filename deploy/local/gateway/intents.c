/* Payment intents: an amount to be charged once, whatever it takes. Statuses and what may be asked in each are
 * Stripe's. */
#include <ctype.h>

#include "answer.h"
#include "attempt.h"
#include "base/assert.h"
#include "base/money.h"
#include "handlers.h"
#include "list.h"
#include "metadata.h"
#include "params.h"

/* What a request wants; texts are NULL when not given. */
struct wanted {
  int64_t amount;
  char currency[4];
  const char *customer;
  const char *method;
  const char *description;
  const char *metadata;
  bool is_confirmed;
  bool is_off_session;
  bool is_action_an_error;
};

static void render_error(struct json_writer *writer, const struct store *store, const struct intent *intent) {
  const struct method *method = store_method(store, intent->failed_method);
  char charge[ID_TEXT_MAX];
  if (method == NULL) {
    json_put_null(writer, "last_payment_error");
    return;
  }
  enum decline decline = card_at(method->card)->decline;
  json_put_object(writer, "last_payment_error");
  json_put_string(writer, "type", "card_error");
  json_put_string(writer, "code", decline_code(decline));
  json_put_string(writer, "decline_code", decline_name(decline));
  json_put_string(writer, "message", decline_text(decline));
  json_put_string(writer, "charge",
                  intent->latest_charge != 0 ? id_format(store, KIND_CHARGE, intent->latest_charge, charge) : NULL);
  method_render(writer, "payment_method", store, method);
  json_put_end(writer);
}

static void render_id(struct json_writer *writer, const char *key, const struct store *store, enum kind kind,
                      uint32_t sequence) {
  char id[ID_TEXT_MAX];
  json_put_string(writer, key, sequence != 0 ? id_format(store, kind, sequence, id) : NULL);
}

static void render_links(struct json_writer *writer, const struct store *store, const struct intent *intent,
                         const struct call *call) {
  if (call != NULL && intent->latest_charge != 0 && param_expands(call, "latest_charge")) {
    charge_render(writer, "latest_charge", store, intent->latest_charge);
  } else {
    render_id(writer, "latest_charge", store, KIND_CHARGE, intent->latest_charge);
  }
  if (call != NULL && intent->method != 0 && param_expands(call, "payment_method")) {
    method_render(writer, "payment_method", store, store_method(store, intent->method));
  } else {
    render_id(writer, "payment_method", store, KIND_METHOD, intent->method);
  }
  render_id(writer, "customer", store, KIND_CUSTOMER, intent->customer);
}

static void render_next_action(struct json_writer *writer, const struct intent *intent) {
  json_put_raw(writer, "next_action",
               intent->status == INTENT_REQUIRES_ACTION ? "{\"type\":\"use_stripe_sdk\",\"use_stripe_sdk\":{}}" : NULL);
}

void intent_render(struct json_writer *writer, const char *key, const struct store *store, const struct intent *intent,
                   const struct call *call) {
  char id[ID_TEXT_MAX], secret[ID_TEXT_MAX + 40];
  id_format(store, KIND_INTENT, intent->sequence, id);
  (void)snprintf(secret, sizeof secret, "%s_secret_%s", id, store->salt);
  json_put_object(writer, key);
  json_put_string(writer, "id", id);
  json_put_string(writer, "object", "payment_intent");
  json_put_string(writer, "status", intent_status_name(intent->status));
  json_put_int(writer, "amount", intent->amount);
  json_put_int(writer, "amount_received", intent->status == INTENT_SUCCEEDED ? intent->amount : 0);
  json_put_int(writer, "amount_capturable", 0);
  json_put_string(writer, "currency", intent->currency);
  render_links(writer, store, intent, call);
  render_error(writer, store, intent);
  render_next_action(writer, intent);
  json_put_string(writer, "description", intent->description);
  metadata_render(writer, intent->metadata);
  json_put_int(writer, "created", intent->created_s);
  if (intent->canceled_s != 0) {
    json_put_int(writer, "canceled_at", intent->canceled_s);
  } else {
    json_put_null(writer, "canceled_at");
  }
  json_put_string(writer, "client_secret", secret);
  json_put_string(writer, "capture_method", "automatic");
  json_put_string(writer, "confirmation_method", "automatic");
  json_put_raw(writer, "payment_method_types", "[\"card\"]");
  json_put_bool(writer, "livemode", false);
  json_put_end(writer);
}

/* Parameters of which only one value is supported. */
static bool check_fixed(struct call *call) {
  static const struct {
    const char *name, *values;
  } FIXED[] = {{"capture_method", "automatic automatic_async"},
               {"confirmation_method", "automatic"},
               {"payment_method_types[]", "card"},
               {"payment_method_types[0]", "card"}};
  for (size_t i = 0; i < sizeof FIXED / sizeof FIXED[0]; i++) {
    const char *value = form_get(&call->form, FIXED[i].name);
    if (value == NULL || word_is_among(value, FIXED[i].values)) continue;
    answer_invalid(call, NULL, FIXED[i].name, "The sandbox supports only: %s", FIXED[i].values);
    return false;
  }
  return true;
}

/* What creating and confirming have in common. */
static bool read_confirmation(struct call *call, struct wanted *wanted) {
  param_text(call, "payment_method", &wanted->method);
  return param_bool(call, "off_session", &wanted->is_off_session) &&
         param_bool(call, "error_on_requires_action", &wanted->is_action_an_error) && check_fixed(call);
}

/* Currencies with three decimals are charged in multiples of ten. */
static bool check_step(struct call *call, const struct wanted *wanted) {
  char upper[4] = "";
  for (int i = 0; i < 3; i++) upper[i] = (char)toupper((unsigned char)wanted->currency[i]);
  if (currency_find(upper)->exponent < 3 || wanted->amount % 10 == 0) return true;
  answer_invalid(call, NULL, "amount", "Invalid amount: the last digit of an amount in %s is 0", wanted->currency);
  return false;
}

static bool read_wanted(struct call *call, struct wanted *wanted) {
  if (!param_amount(call, "amount", true, &wanted->amount)) return false;
  if (!param_currency(call, "currency", wanted->currency)) return false;
  if (!check_step(call, wanted)) return false;
  if (!param_bool(call, "confirm", &wanted->is_confirmed)) return false;
  if (!read_confirmation(call, wanted)) return false;
  param_text(call, "customer", &wanted->customer);
  param_text(call, "description", &wanted->description);
  if (!param_metadata(call, NULL, &wanted->metadata)) return false;
  if (wanted->is_off_session && !wanted->is_confirmed) {
    answer_invalid(call, NULL, "off_session", "off_session goes with confirm=true.");
    return false;
  }
  return true;
}

static void refuse_state(struct call *call, const struct intent *intent, const char *verb) {
  const struct store *store = &call->gateway->store;
  char text[ERROR_TEXT_MAX];
  struct json_writer writer;
  (void)snprintf(text, sizeof text, "You cannot %s this PaymentIntent because it has a status of %s%s.", verb,
                 intent_status_name(intent->status),
                 intent->status == INTENT_REQUIRES_METHOD ? " and no payment method was given" : "");
  answer_error_begin(call, 400, "invalid_request_error", "payment_intent_unexpected_state", NULL, text, &writer);
  intent_render(&writer, "payment_intent", store, intent, NULL);
  json_put_end(&writer);
  json_put_end(&writer);
  call->is_judged = true;
}

/* Fills change->intent, and *ret_method if one is wanted (else its sequence is 0). */
static bool start(struct call *call, const struct wanted *wanted, struct change *change, struct method *ret_method) {
  const struct store *store = &call->gateway->store;
  uint32_t customer = wanted->customer != NULL ? id_parse(store, KIND_CUSTOMER, wanted->customer) : 0;
  *ret_method = (struct method){.sequence = 0};
  if (!store_has_room(store)) {
    answer_full(call);
    return false;
  }
  if (wanted->customer != NULL && customer == 0) {
    answer_missing(call, "customer", "customer", wanted->customer);
    return false;
  }
  if (wanted->method != NULL && !method_resolve(call, wanted->method, customer, change, ret_method)) return false;
  change->intent = (struct intent){
      .sequence = store_next(store, KIND_INTENT),
      .customer = customer,
      .method = ret_method->sequence,
      .created_s = call->now.us / UTIME_SECOND,
      .amount = wanted->amount,
      .status = wanted->method != NULL ? INTENT_REQUIRES_CONFIRMATION : INTENT_REQUIRES_METHOD,
      .is_off_session = wanted->is_off_session,
      .description = wanted->description,
      .metadata = wanted->metadata,
  };
  memcpy(change->intent.currency, wanted->currency, sizeof change->intent.currency);
  return true;
}

void intents_create(struct call *call) {
  struct wanted wanted = {.amount = 0};
  struct change change = {.attempt = 0};
  struct method method;
  if (!read_wanted(call, &wanted)) return;
  if (wanted.is_confirmed && wanted.method == NULL) {
    answer_invalid(call, "parameter_missing", "payment_method", "confirm=true needs a payment_method.");
    return;
  }
  if (wanted.is_confirmed && !attempt_delay(call, wanted.method)) return;
  gateway_lock(call->gateway);
  if (start(call, &wanted, &change, &method)) {
    if (wanted.is_confirmed) {
      attempt_charge(call, &change, &method, wanted.is_action_an_error);
    } else {
      attempt_commit_intent(call, &change, intent_status_name(change.intent.status));
    }
  }
  gateway_unlock(call->gateway);
}

/* The intent that the path names; NULL when the call is answered. Wants the lock. */
static const struct intent *find(struct call *call) {
  const struct store *store = &call->gateway->store;
  const struct intent *intent = store_intent(store, id_parse(store, KIND_INTENT, call->id));
  if (intent == NULL) answer_missing(call, "intent", "payment_intent", call->id);
  return intent;
}

/* The method that a confirmation will charge, as an id in the arena; NULL for none. */
static const char *method_to_confirm(struct call *call, const struct wanted *wanted) {
  const struct store *store = &call->gateway->store;
  char id[ID_TEXT_MAX];
  if (wanted->method != NULL) return wanted->method;
  const struct intent *intent = store_intent(store, id_parse(store, KIND_INTENT, call->id));
  if (intent == NULL || intent->method == 0) return NULL;
  return arena_strdup(call->arena, id_format(store, KIND_METHOD, intent->method, id));
}

static void confirm(struct call *call, const struct wanted *wanted, const char *method_id) {
  const struct intent *intent = find(call);
  struct change change = {.attempt = 0};
  struct method method;
  if (intent == NULL) return;
  bool is_open = intent->status == INTENT_REQUIRES_METHOD || intent->status == INTENT_REQUIRES_CONFIRMATION ||
                 intent->status == INTENT_REQUIRES_ACTION;
  if (!is_open || method_id == NULL) {
    refuse_state(call, intent, "confirm");
  } else if (!store_has_room(&call->gateway->store)) {
    answer_full(call);
  } else if (method_resolve(call, method_id, intent->customer, &change, &method)) {
    change.intent = *intent;
    change.intent.is_off_session = wanted->is_off_session;
    attempt_charge(call, &change, &method, wanted->is_action_an_error);
  }
}

void intents_confirm(struct call *call) {
  struct wanted wanted = {.amount = 0};
  if (!read_confirmation(call, &wanted)) return;
  gateway_lock(call->gateway);
  const char *method_id = method_to_confirm(call, &wanted);
  gateway_unlock(call->gateway);
  if (!attempt_delay(call, method_id)) return;
  gateway_lock(call->gateway);
  confirm(call, &wanted, method_id);
  gateway_unlock(call->gateway);
}

static void cancel(struct call *call) {
  const struct intent *intent = find(call);
  if (intent == NULL) return;
  if (intent->status == INTENT_SUCCEEDED || intent->status == INTENT_CANCELED || intent->status == INTENT_PROCESSING) {
    refuse_state(call, intent, "cancel");
    return;
  }
  struct change change = {.intent = *intent};
  change.intent.status = INTENT_CANCELED;
  change.intent.canceled_s = call->now.us / UTIME_SECOND;
  attempt_commit_intent(call, &change, "canceled");
  webhooks_add(&call->gateway->webhooks, &(struct event){.type = EVENT_INTENT_CANCELED,
                                                         .created_s = change.intent.canceled_s,
                                                         .position = call->position,
                                                         .intent = *intent});
}

void intents_cancel(struct call *call) {
  gateway_lock(call->gateway);
  cancel(call);
  gateway_unlock(call->gateway);
}

static void settle(struct call *call, bool is_paid) {
  const struct intent *intent = find(call);
  if (intent == NULL) return;
  if (intent->status != INTENT_REQUIRES_ACTION && intent->status != INTENT_PROCESSING) {
    refuse_state(call, intent, "settle");
    return;
  }
  struct change change = {.intent = *intent};
  attempt_settle(call, &change, is_paid);
}

/* Outside /v1: what the cardholder or the bank does. */
void intents_settle(struct call *call) {
  const char *outcome = form_get(&call->form, "outcome");
  if (outcome == NULL || !word_is_among(outcome, "succeeded failed")) {
    answer_invalid(call, NULL, "outcome", "The outcome is succeeded or failed.");
    return;
  }
  gateway_lock(call->gateway);
  settle(call, strcmp(outcome, "succeeded") == 0);
  gateway_unlock(call->gateway);
}

void intents_get(struct call *call) {
  gateway_lock(call->gateway);
  const struct intent *intent = find(call);
  if (intent != NULL) {
    struct json_writer writer;
    answer_begin(call, "found", &writer);
    intent_render(&writer, NULL, &call->gateway->store, intent, call);
  }
  gateway_unlock(call->gateway);
}

static bool is_of_customer(const struct store *store, uint32_t customer, uint32_t sequence) {
  return store_intent(store, sequence)->customer == customer;
}

static void render_at(struct json_writer *writer, const char *key, const struct store *store, uint32_t sequence) {
  intent_render(writer, key, store, store_intent(store, sequence), NULL);
}

void intents_list(struct call *call) {
  const char *customer = form_get(&call->form, "customer");
  const struct store *store = &call->gateway->store;
  gateway_lock(call->gateway);
  struct list list = {.kind = KIND_INTENT, .first = store_count(store, KIND_INTENT), .render = render_at};
  if (customer != NULL) {
    list.has = is_of_customer;
    list.filter = id_parse(store, KIND_CUSTOMER, customer);
    if (list.filter == 0) list.first = 0;
  }
  list_answer(call, &list);
  gateway_unlock(call->gateway);
}
