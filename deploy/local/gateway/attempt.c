/* Where money moves. An attempt is decided by the card's row in the table of cards, makes at most one charge, and is
 * committed as one change: intent, charge and answer are kept together or not at all. */
#include "attempt.h"

#include "answer.h"
#include "base/assert.h"
#include "handlers.h"
#include "metadata.h"

bool attempt_delay(struct call *call, const char *method_id) {
  struct gateway *gateway = call->gateway;
  if (method_id == NULL) return true;
  gateway_lock(gateway);
  const struct card *card = method_card(&gateway->store, method_id);
  gateway_unlock(gateway);
  if (card == NULL || card->conduct != CONDUCT_PAYS_SLOWLY) return true;
  if (faults_sleep(&gateway->faults, gateway->settings->slow_ms)) return true;
  answer_nothing(call, 0, "stopping");
  return false;
}

/* Which attempts count together for a card that misbehaves a few times: those for one invoice with one card; without
 * metadata[invoice_id] those with one attached method, of one customer, of one intent, of one key. */
static uint64_t payment_hash(const struct call *call, const struct change *change, const struct method *method) {
  const struct intent *intent = &change->intent;
  const char *invoice = metadata_get(intent->metadata, "invoice_id");
  char text[METADATA_VALUE_MAX + 64];
  if (invoice != NULL) {
    (void)snprintf(text, sizeof text, "invoice:%u:%u:%s", method->card, method->first_times, invoice);
  } else if (method->customer != 0) {
    (void)snprintf(text, sizeof text, "method:%u", method->sequence);
  } else if (intent->customer != 0) {
    (void)snprintf(text, sizeof text, "customer:%u:%u:%u", method->card, method->first_times, intent->customer);
  } else if (store_intent(&call->gateway->store, intent->sequence) != NULL || call->key == NULL) {
    (void)snprintf(text, sizeof text, "intent:%u", intent->sequence);
  } else {
    (void)snprintf(text, sizeof text, "key:%s", call->key);
  }
  return hash_bytes(text, strlen(text));
}

/* What the card does this time. A card that counts notes the payment in the change. */
static enum conduct conduct_now(const struct call *call, struct change *change, const struct method *method) {
  const struct card *card = card_at(method->card);
  if (method->first_times == 0) return card->conduct;
  change->attempt = payment_hash(call, change, method);
  uint32_t earlier = counts_get(&call->gateway->store.attempts, change->attempt);
  return earlier < method->first_times ? card->conduct : CONDUCT_PAYS;
}

void attempt_commit_intent(struct call *call, const struct change *change, const char *outcome) {
  const struct store *store = &call->gateway->store;
  struct json_writer writer;
  ASSERT(store_apply(&call->gateway->store, change));
  answer_begin(call, outcome, &writer);
  intent_render(&writer, NULL, store, store_intent(store, change->intent.sequence), call);
  gateway_commit(call, change);
}

/* Only the attempt is kept: no intent, no charge, no key. */
static void commit_attempt_alone(struct call *call, const struct change *change) {
  struct change alone = {.attempt = change->attempt};
  ASSERT(store_apply(&call->gateway->store, &alone));
  gateway_commit_unanswered(call, &alone);
}

static void add_charge(struct call *call, struct change *change, const struct method *method, bool is_paid) {
  struct intent *intent = &change->intent;
  ASSERT(intent->status != INTENT_SUCCEEDED && intent->status != INTENT_CANCELED);
  ASSERT(intent->amount > 0 && change->charge.sequence == 0);
  change->charge = (struct charge){
      .sequence = store_next(&call->gateway->store, KIND_CHARGE),
      .intent = intent->sequence,
      .method = method->sequence,
      .previous = intent->latest_charge,
      .is_paid = is_paid,
      .created_s = call->now.us / UTIME_SECOND,
      .amount = intent->amount,
  };
  intent->latest_charge = change->charge.sequence;
}

static void announce(struct call *call, enum event_type type, const struct change *change) {
  webhooks_add(&call->gateway->webhooks,
               &(struct event){.type = type,
                               .created_s = call->now.us / UTIME_SECOND,
                               .position = call->position,
                               .intent = *store_intent(&call->gateway->store, change->intent.sequence),
                               .charge = change->charge.sequence});
}

static void pay(struct call *call, struct change *change, const struct method *method) {
  add_charge(call, change, method, true);
  change->intent.status = INTENT_SUCCEEDED;
  change->intent.method = method->sequence;
  change->intent.failed_method = 0;
  attempt_commit_intent(call, change, "succeeded");
  announce(call, EVENT_INTENT_SUCCEEDED, change);
}

static void render_decline(struct call *call, const struct change *change, const struct method *method) {
  const struct store *store = &call->gateway->store;
  enum decline decline = card_at(method->card)->decline;
  char charge[ID_TEXT_MAX];
  struct json_writer writer;
  answer_error_begin(call, 402, "card_error", decline_code(decline), NULL, decline_text(decline), &writer);
  json_put_string(&writer, "decline_code", decline_name(decline));
  json_put_string(&writer, "charge", id_format(store, KIND_CHARGE, change->charge.sequence, charge));
  intent_render(&writer, "payment_intent", store, store_intent(store, change->intent.sequence), NULL);
  method_render(&writer, "payment_method", store, store_method(store, method->sequence));
  json_put_end(&writer);
  json_put_end(&writer);
  answer_outcome(call, decline_name(decline));
}

static void fail(struct change *change, const struct method *method) {
  change->intent.status = INTENT_REQUIRES_METHOD;
  change->intent.failed_method = method->sequence;
  change->intent.method = 0;
}

static void decline_charge(struct call *call, struct change *change, const struct method *method) {
  add_charge(call, change, method, false);
  fail(change, method);
  ASSERT(store_apply(&call->gateway->store, change));
  render_decline(call, change, method);
  gateway_commit(call, change);
  announce(call, EVENT_INTENT_FAILED, change);
}

/* The intent waits for somebody: the cardholder, or the bank. */
static void wait_for(struct call *call, struct change *change, const struct method *method, enum intent_status status,
                     enum event_type event) {
  change->intent.status = status;
  change->intent.method = method->sequence;
  attempt_commit_intent(call, change, intent_status_name(status));
  announce(call, event, change);
}

void attempt_charge(struct call *call, struct change *change, const struct method *method, bool is_action_an_error) {
  const struct settings *settings = call->gateway->settings;
  enum conduct conduct = conduct_now(call, change, method);
  bool is_declined = change->intent.is_off_session || is_action_an_error;
  change->intent.attempts++;
  switch (conduct) {
  case CONDUCT_PAYS:
  case CONDUCT_PAYS_SLOWLY: pay(call, change, method); return;
  case CONDUCT_DECLINES: decline_charge(call, change, method); return;
  case CONDUCT_AUTHENTICATES:
    if (is_declined) {
      decline_charge(call, change, method);
    } else {
      wait_for(call, change, method, INTENT_REQUIRES_ACTION, EVENT_INTENT_REQUIRES_ACTION);
    }
    return;
  case CONDUCT_PROCESSES: wait_for(call, change, method, INTENT_PROCESSING, EVENT_INTENT_PROCESSING); return;
  case CONDUCT_PAYS_UNANSWERED:
    pay(call, change, method);
    answer_nothing(call, settings->hold_ms, "succeeded, unanswered");
    return;
  case CONDUCT_UNANSWERED:
    answer_nothing(call, settings->hold_ms, "unanswered");
    commit_attempt_alone(call, change);
    return;
  case CONDUCT_FAILS:
    answer_error(call, 500, "api_error", NULL, NULL, "The sandbox fails, as this card asks for.");
    commit_attempt_alone(call, change);
    return;
  case CONDUCT_LIMITED:
    answer_error(call, 429, "invalid_request_error", "rate_limit", NULL, "Too many requests, as this card asks for.");
    call->retry_after_s = 1;
    commit_attempt_alone(call, change);
    return;
  }
}

void attempt_settle(struct call *call, struct change *change, bool is_paid) {
  struct method method = *store_method(&call->gateway->store, change->intent.method);
  ASSERT(change->intent.status == INTENT_REQUIRES_ACTION || change->intent.status == INTENT_PROCESSING);
  if (is_paid) {
    pay(call, change, &method);
    return;
  }
  add_charge(call, change, &method, false);
  fail(change, &method);
  attempt_commit_intent(call, change, "settled as failed");
  announce(call, EVENT_INTENT_FAILED, change);
}
