/* Refunds: money back from a charge that was paid. Their sum never exceeds what was captured (BILL-085): the check and
 * the new sum are one change under the lock. */
#include "answer.h"
#include "base/assert.h"
#include "handlers.h"
#include "list.h"
#include "metadata.h"
#include "params.h"

void refund_render(struct json_writer *writer, const char *key, const struct store *store, uint32_t sequence) {
  const struct refund *refund = store_refund(store, sequence);
  const struct charge *charge = store_charge(store, refund->charge);
  const struct intent *intent = store_intent(store, charge->intent);
  char id[ID_TEXT_MAX], charge_id[ID_TEXT_MAX], intent_id[ID_TEXT_MAX];
  json_put_object(writer, key);
  json_put_string(writer, "id", id_format(store, KIND_REFUND, sequence, id));
  json_put_string(writer, "object", "refund");
  json_put_string(writer, "status", "succeeded");
  json_put_int(writer, "amount", refund->amount);
  json_put_string(writer, "currency", intent->currency);
  json_put_string(writer, "charge", id_format(store, KIND_CHARGE, refund->charge, charge_id));
  json_put_string(writer, "payment_intent", id_format(store, KIND_INTENT, charge->intent, intent_id));
  json_put_string(writer, "reason", refund->reason);
  metadata_render(writer, refund->metadata);
  json_put_int(writer, "created", refund->created_s);
  json_put_end(writer);
}

/* The charge that the parameters name; NULL when the call is answered. */
static const struct charge *find_charge(struct call *call) {
  const struct store *store = &call->gateway->store;
  const char *charge_id = form_get(&call->form, "charge");
  const char *intent_id = form_get(&call->form, "payment_intent");
  uint32_t sequence = 0;
  if (charge_id != NULL) {
    sequence = id_parse(store, KIND_CHARGE, charge_id);
    if (sequence == 0) answer_missing(call, "charge", "charge", charge_id);
  } else {
    const struct intent *intent = store_intent(store, id_parse(store, KIND_INTENT, intent_id));
    if (intent == NULL) {
      answer_missing(call, "payment_intent", "payment_intent", intent_id);
      return NULL;
    }
    sequence = intent->latest_charge;
    if (sequence == 0) answer_refused(call, NULL, "payment_intent", "This PaymentIntent has no charge to refund.");
  }
  return store_charge(store, sequence);
}

static bool check_reason(struct call *call, const char *reason) {
  static const char REASONS[] = "duplicate fraudulent requested_by_customer";
  if (reason == NULL || word_is_among(reason, REASONS)) return true;
  answer_invalid(call, NULL, "reason", "Invalid reason: it is one of %s", REASONS);
  return false;
}

/* What is to be given back; 0 when the call is answered. */
static int64_t refundable(struct call *call, const struct charge *charge, int64_t wanted) {
  int64_t left = charge->amount - charge->refunded;
  if (!charge->is_paid) {
    answer_refused(call, "charge_not_refundable", "charge", "The charge was not paid.");
    return 0;
  }
  if (left == 0) {
    answer_refused(call, "charge_already_refunded", NULL, "The charge has already been refunded.");
    return 0;
  }
  if (wanted > left) {
    answer_refused(call, NULL, "amount", "Refund amount (%lld) is greater than unrefunded amount on charge (%lld)",
                   (long long)wanted, (long long)left);
    return 0;
  }
  return wanted != 0 ? wanted : left;
}

static void commit(struct call *call, const struct charge *charge, const struct refund *refund) {
  const struct store *store = &call->gateway->store;
  struct change change = {.charge = *charge, .refund = *refund};
  struct json_writer writer;
  change.charge.refunded += refund->amount;
  ASSERT(store_apply(&call->gateway->store, &change));
  answer_begin(call, "refunded", &writer);
  refund_render(&writer, NULL, store, refund->sequence);
  gateway_commit(call, &change);
  webhooks_add(&call->gateway->webhooks, &(struct event){.type = EVENT_CHARGE_REFUNDED,
                                                         .created_s = refund->created_s,
                                                         .position = call->position,
                                                         .intent = *store_intent(store, charge->intent),
                                                         .charge = charge->sequence});
}

void refunds_create(struct call *call) {
  struct gateway *gateway = call->gateway;
  struct refund refund = {.created_s = call->now.us / UTIME_SECOND};
  param_text(call, "reason", &refund.reason);
  if (form_get(&call->form, "charge") == NULL && form_get(&call->form, "payment_intent") == NULL) {
    answer_invalid(call, "parameter_missing", "charge", "One of charge and payment_intent is needed.");
    return;
  }
  if (!check_reason(call, refund.reason) || !param_amount(call, "amount", false, &refund.amount) ||
      !param_metadata(call, NULL, &refund.metadata)) {
    return;
  }
  gateway_lock(gateway);
  const struct charge *charge = find_charge(call);
  if (charge != NULL && !store_has_room(&gateway->store)) {
    answer_full(call);
  } else if (charge != NULL && (refund.amount = refundable(call, charge, refund.amount)) != 0) {
    refund.sequence = store_next(&gateway->store, KIND_REFUND);
    refund.charge = charge->sequence;
    commit(call, charge, &refund);
  }
  gateway_unlock(gateway);
}

void refunds_get(struct call *call) {
  const struct store *store = &call->gateway->store;
  gateway_lock(call->gateway);
  uint32_t sequence = id_parse(store, KIND_REFUND, call->id);
  if (sequence == 0) {
    answer_missing(call, "id", "refund", call->id);
  } else {
    struct json_writer writer;
    answer_begin(call, "found", &writer);
    refund_render(&writer, NULL, store, sequence);
  }
  gateway_unlock(call->gateway);
}

static bool is_of_charge(const struct store *store, uint32_t charge, uint32_t sequence) {
  return store_refund(store, sequence)->charge == charge;
}

static bool is_of_intent(const struct store *store, uint32_t intent, uint32_t sequence) {
  return store_charge(store, store_refund(store, sequence)->charge)->intent == intent;
}

void refunds_list(struct call *call) {
  const struct store *store = &call->gateway->store;
  const char *charge = form_get(&call->form, "charge");
  const char *intent = form_get(&call->form, "payment_intent");
  gateway_lock(call->gateway);
  struct list list = {.kind = KIND_REFUND, .first = store_count(store, KIND_REFUND), .render = refund_render};
  if (charge != NULL || intent != NULL) {
    list.has = charge != NULL ? is_of_charge : is_of_intent;
    list.filter = charge != NULL ? id_parse(store, KIND_CHARGE, charge) : id_parse(store, KIND_INTENT, intent);
    if (list.filter == 0) list.first = 0;
  }
  list_answer(call, &list);
  gateway_unlock(call->gateway);
}
