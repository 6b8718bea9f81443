/* Charges: what happened to money, one for each attempt that reached the card. */
#include "answer.h"
#include "base/assert.h"
#include "handlers.h"
#include "list.h"
#include "metadata.h"
#include "methods.h"

static void render_outcome(struct json_writer *writer, const struct charge *charge, const struct card *card) {
  json_put_object(writer, "outcome");
  json_put_string(writer, "network_status", charge->is_paid ? "approved_by_network" : "declined_by_network");
  json_put_string(writer, "reason", charge->is_paid ? NULL : decline_name(card->decline));
  json_put_string(writer, "type", charge->is_paid ? "authorized" : "issuer_declined");
  json_put_end(writer);
  json_put_string(writer, "failure_code", charge->is_paid ? NULL : decline_code(card->decline));
  json_put_string(writer, "failure_message", charge->is_paid ? NULL : decline_text(card->decline));
}

static void render_card(struct json_writer *writer, const struct card *card) {
  json_put_object(writer, "payment_method_details");
  json_put_string(writer, "type", "card");
  json_put_object(writer, "card");
  json_put_string(writer, "brand", card->brand);
  json_put_string(writer, "last4", card->last4);
  json_put_int(writer, "exp_month", CARD_EXPIRY_MONTH);
  json_put_int(writer, "exp_year", CARD_EXPIRY_YEAR);
  json_put_end(writer);
  json_put_end(writer);
}

void charge_render(struct json_writer *writer, const char *key, const struct store *store, uint32_t sequence) {
  const struct charge *charge = store_charge(store, sequence);
  const struct intent *intent = store_intent(store, charge->intent);
  const struct card *card = card_at(store_method(store, charge->method)->card);
  char id[ID_TEXT_MAX], intent_id[ID_TEXT_MAX], method_id[ID_TEXT_MAX], customer_id[ID_TEXT_MAX];
  json_put_object(writer, key);
  json_put_string(writer, "id", id_format(store, KIND_CHARGE, sequence, id));
  json_put_string(writer, "object", "charge");
  json_put_string(writer, "status", charge->is_paid ? "succeeded" : "failed");
  json_put_int(writer, "amount", charge->amount);
  json_put_int(writer, "amount_captured", charge->is_paid ? charge->amount : 0);
  json_put_int(writer, "amount_refunded", charge->refunded);
  json_put_string(writer, "currency", intent->currency);
  json_put_string(writer, "payment_intent", id_format(store, KIND_INTENT, charge->intent, intent_id));
  json_put_string(writer, "payment_method", id_format(store, KIND_METHOD, charge->method, method_id));
  json_put_string(writer, "customer",
                  intent->customer != 0 ? id_format(store, KIND_CUSTOMER, intent->customer, customer_id) : NULL);
  json_put_bool(writer, "paid", charge->is_paid);
  json_put_bool(writer, "captured", charge->is_paid);
  json_put_bool(writer, "refunded", charge->is_paid && charge->refunded == charge->amount);
  render_outcome(writer, charge, card);
  render_card(writer, card);
  json_put_string(writer, "description", intent->description);
  metadata_render(writer, intent->metadata);
  json_put_int(writer, "created", charge->created_s);
  json_put_bool(writer, "livemode", false);
  json_put_end(writer);
}

void charges_get(struct call *call) {
  const struct store *store = &call->gateway->store;
  gateway_lock(call->gateway);
  uint32_t sequence = id_parse(store, KIND_CHARGE, call->id);
  if (sequence == 0) {
    answer_missing(call, "id", "charge", call->id);
  } else {
    struct json_writer writer;
    answer_begin(call, "found", &writer);
    charge_render(&writer, NULL, store, sequence);
  }
  gateway_unlock(call->gateway);
}

static uint32_t previous(const struct store *store, uint32_t sequence) {
  return store_charge(store, sequence)->previous;
}

void charges_list(struct call *call) {
  const struct store *store = &call->gateway->store;
  const char *intent_id = form_get(&call->form, "payment_intent");
  gateway_lock(call->gateway);
  struct list list = {.kind = KIND_CHARGE, .first = store_count(store, KIND_CHARGE), .render = charge_render};
  if (intent_id != NULL) {
    const struct intent *intent = store_intent(store, id_parse(store, KIND_INTENT, intent_id));
    list.first = intent != NULL ? intent->latest_charge : 0;
    list.older = previous;
  }
  list_answer(call, &list);
  gateway_unlock(call->gateway);
}
