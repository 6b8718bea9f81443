/* Payment methods are cards from the table of cards. A test method ("pm_card_visa") stands for a fresh one wherever it
 * is used, as at Stripe; attached to a customer it becomes an id of its own that behaves the same. Unlike Stripe's,
 * declining cards can be attached: how else would they be there to decline a later invoice. */
#include "methods.h"

#include <string.h>

#include "answer.h"
#include "base/assert.h"
#include "counts.h"
#include "handlers.h"
#include "list.h"
#include "params.h"

static const char TEST_METHOD[] = "pm_card_";
static const char TEST_TOKEN[] = "tok_";

static bool has_prefix(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

void method_render(struct json_writer *writer, const char *key, const struct store *store,
                   const struct method *method) {
  const struct card *card = card_at(method->card);
  char id[ID_TEXT_MAX], customer[ID_TEXT_MAX], fingerprint[24];
  (void)snprintf(fingerprint, sizeof fingerprint, "%016llx",
                 (unsigned long long)hash_bytes(card->name, strlen(card->name)));
  json_put_object(writer, key);
  json_put_string(writer, "id", id_format(store, KIND_METHOD, method->sequence, id));
  json_put_string(writer, "object", "payment_method");
  json_put_string(writer, "type", "card");
  json_put_object(writer, "card");
  json_put_string(writer, "brand", card->brand);
  json_put_string(writer, "last4", card->last4);
  json_put_int(writer, "exp_month", CARD_EXPIRY_MONTH);
  json_put_int(writer, "exp_year", CARD_EXPIRY_YEAR);
  json_put_string(writer, "funding", "credit");
  json_put_string(writer, "country", "US");
  json_put_string(writer, "fingerprint", fingerprint);
  json_put_end(writer);
  json_put_int(writer, "created", method->created_s);
  json_put_string(writer, "customer",
                  method->customer != 0 ? id_format(store, KIND_CUSTOMER, method->customer, customer) : NULL);
  json_put_bool(writer, "livemode", false);
  json_put_raw(writer, "metadata", "{}");
  json_put_end(writer);
}

const struct card *method_card(const struct store *store, const char *id) {
  int first_times;
  if (has_prefix(id, TEST_METHOD)) return card_find(id + strlen(TEST_METHOD), &first_times);
  const struct method *method = store_method(store, id_parse(store, KIND_METHOD, id));
  return method != NULL ? card_at(method->card) : NULL;
}

static struct method fresh(const struct call *call, const struct card *card, int first_times) {
  return (struct method){
      .sequence = store_next(&call->gateway->store, KIND_METHOD),
      .created_s = call->now.us / UTIME_SECOND,
      .card = (uint16_t)card_index(card),
      .first_times = (uint16_t)first_times,
  };
}

bool method_resolve(struct call *call, const char *id, uint32_t customer, struct change *change,
                    struct method *ret_method) {
  const struct store *store = &call->gateway->store;
  int first_times;
  if (has_prefix(id, TEST_METHOD)) {
    const struct card *card = card_find(id + strlen(TEST_METHOD), &first_times);
    if (card != NULL) {
      *ret_method = change->method = fresh(call, card, first_times);
      return true;
    }
  }
  const struct method *method = store_method(store, id_parse(store, KIND_METHOD, id));
  if (method == NULL) {
    answer_missing(call, "payment_method", "PaymentMethod", id);
  } else if (method->is_detached) {
    answer_refused(call, "payment_method_unexpected_state", "payment_method",
                   "The PaymentMethod was detached and cannot be used again.");
  } else if (method->customer != customer && method->customer != 0) {
    answer_refused(call, NULL, "payment_method", "The PaymentMethod belongs to a customer, and not to this one.");
  } else {
    *ret_method = *method;
    return true;
  }
  return false;
}

static void commit(struct call *call, const struct change *change, const char *outcome) {
  struct json_writer writer;
  ASSERT(store_apply(&call->gateway->store, change));
  answer_begin(call, outcome, &writer);
  method_render(&writer, NULL, &call->gateway->store, &change->method);
  gateway_commit(call, change);
}

/* The card that the parameters describe, by token or by test number. */
static const struct card *described_card(struct call *call, int *ret_first_times) {
  const char *type = form_get(&call->form, "type");
  const char *token = form_get(&call->form, "card[token]");
  const char *number = form_get(&call->form, "card[number]");
  const struct card *card = NULL;
  if (type == NULL || strcmp(type, "card") != 0) {
    answer_invalid(call, type == NULL ? "parameter_missing" : NULL, "type", "The type must be card.");
    return NULL;
  }
  if (token != NULL && has_prefix(token, TEST_TOKEN)) card = card_find(token + strlen(TEST_TOKEN), ret_first_times);
  if (token == NULL && number != NULL) {
    card = card_find_number(number);
    *ret_first_times = card != NULL ? card->first_times : 0;
  }
  if (card == NULL && token == NULL && number == NULL) {
    answer_invalid(call, "parameter_missing", "card[token]", "Missing required param: card[token].");
  } else if (card == NULL && token != NULL) {
    answer_missing(call, "card[token]", "token", token);
  } else if (card == NULL) {
    answer_error(call, 402, "card_error", "incorrect_number", "number", "Your card number is incorrect.");
    call->is_judged = true;
  }
  return card;
}

void methods_create(struct call *call) {
  struct gateway *gateway = call->gateway;
  int first_times = 0;
  const struct card *card = described_card(call, &first_times);
  if (card == NULL) return;
  gateway_lock(gateway);
  if (store_has_room(&gateway->store)) {
    struct change change = {.method = fresh(call, card, first_times)};
    commit(call, &change, "created");
  } else {
    answer_full(call);
  }
  gateway_unlock(gateway);
}

void methods_get(struct call *call) {
  struct gateway *gateway = call->gateway;
  gateway_lock(gateway);
  const struct method *method = store_method(&gateway->store, id_parse(&gateway->store, KIND_METHOD, call->id));
  if (method == NULL) {
    answer_missing(call, "id", "PaymentMethod", call->id);
  } else {
    struct json_writer writer;
    answer_begin(call, "found", &writer);
    method_render(&writer, NULL, &gateway->store, method);
  }
  gateway_unlock(gateway);
}

static void attach(struct call *call, const char *customer_id) {
  const struct store *store = &call->gateway->store;
  struct change change = {.attempt = 0};
  struct method method;
  uint32_t customer = id_parse(store, KIND_CUSTOMER, customer_id);
  if (!store_has_room(store)) {
    answer_full(call);
  } else if (customer == 0) {
    answer_missing(call, "customer", "customer", customer_id);
  } else if (method_resolve(call, call->id, customer, &change, &method)) {
    method.customer = customer;
    change.method = method;
    commit(call, &change, "attached");
  }
}

void methods_attach(struct call *call) {
  const char *customer_id = form_get(&call->form, "customer");
  if (customer_id == NULL) {
    answer_invalid(call, "parameter_missing", "customer", "Missing required param: customer.");
    return;
  }
  gateway_lock(call->gateway);
  attach(call, customer_id);
  gateway_unlock(call->gateway);
}

void methods_detach(struct call *call) {
  struct gateway *gateway = call->gateway;
  gateway_lock(gateway);
  const struct method *method = store_method(&gateway->store, id_parse(&gateway->store, KIND_METHOD, call->id));
  if (method == NULL) {
    answer_missing(call, "id", "PaymentMethod", call->id);
  } else if (method->customer == 0) {
    answer_refused(call, "payment_method_unexpected_state", NULL, "The PaymentMethod is not attached to a customer.");
  } else {
    struct change change = {.method = *method};
    change.method.customer = 0;
    change.method.is_detached = true;
    commit(call, &change, "detached");
  }
  gateway_unlock(gateway);
}

static bool is_of_customer(const struct store *store, uint32_t customer, uint32_t sequence) {
  return store_method(store, sequence)->customer == customer;
}

static void render_at(struct json_writer *writer, const char *key, const struct store *store, uint32_t sequence) {
  method_render(writer, key, store, store_method(store, sequence));
}

void methods_list(struct call *call) {
  struct gateway *gateway = call->gateway;
  const char *customer_id = form_get(&call->form, "customer");
  gateway_lock(gateway);
  uint32_t customer = customer_id != NULL ? id_parse(&gateway->store, KIND_CUSTOMER, customer_id) : 0;
  if (customer == 0) {
    answer_missing(call, "customer", "customer", customer_id != NULL ? customer_id : "");
  } else {
    struct list list = {.kind = KIND_METHOD,
                        .first = store_count(&gateway->store, KIND_METHOD),
                        .has = is_of_customer,
                        .filter = customer,
                        .render = render_at};
    list_answer(call, &list);
  }
  gateway_unlock(gateway);
}
