/* What tests look through: everything that happened, counts of it, and the switches of the faults. Outside /v1, without
 * a key; 127.0.0.1 is all that can reach it. Long answers are made in slices, so that charging goes on meanwhile. */
#include <jansson.h>

#include "answer.h"
#include "base/assert.h"
#include "cards.h"
#include "handlers.h"
#include "metadata.h"
#include "params.h"
#include "tally.h"

enum { SLICE_CHARGES = 2000, REQUESTS_SLICE = 256, REQUESTS_LIMIT = 1000, FAULTS_JSON_MAX = 131072 };

void sandbox_ready(struct call *call) {
  struct json_writer writer;
  answer_begin(call, "ready", &writer);
  json_put_object(&writer, NULL);
  json_put_string(&writer, "status", "ok");
  json_put_end(&writer);
}

/* ---- charges ---- */

struct charge_filter {
  uint32_t intent; /* 0: all */
  const struct form *form;
};

static bool charge_matches(const struct store *store, const struct charge_filter *filter, uint32_t sequence) {
  const struct charge *charge = store_charge(store, sequence);
  if (filter->intent != 0 && charge->intent != filter->intent) return false;
  const char *metadata = store_intent(store, charge->intent)->metadata;
  for (size_t i = 0; i < filter->form->count; i++) {
    char key[FORM_MEMBER_MAX];
    const struct form_pair *pair = &filter->form->pairs[i];
    if (!form_member(pair->name, "metadata", key)) continue;
    const char *value = metadata_get(metadata, key);
    if (value == NULL || strcmp(value, pair->value) != 0) return false;
  }
  return true;
}

static void render_charges(struct call *call, const struct charge_filter *filter, int64_t limit,
                           struct json_writer *writer) {
  struct gateway *gateway = call->gateway;
  const struct store *store = &gateway->store;
  int64_t matched = 0;
  uint32_t next = 1, count;
  do {
    gateway_lock(gateway);
    count = store_count(store, KIND_CHARGE);
    for (uint32_t end = next + SLICE_CHARGES; next < end && next <= count; next++) {
      if (!charge_matches(store, filter, next)) continue;
      if (matched++ < limit) charge_render(writer, NULL, store, next);
    }
    gateway_unlock(gateway);
  } while (next <= count);
  json_put_end(writer);
  json_put_int(writer, "count", matched);
}

void sandbox_charges(struct call *call) {
  struct gateway *gateway = call->gateway;
  struct charge_filter filter = {.form = &call->form};
  const char *intent_id = form_get(&call->form, "payment_intent");
  int64_t limit = 1000;
  struct json_writer writer;
  if (!param_int(call, "limit", 0, 1000000, &limit)) return;
  if (intent_id != NULL) {
    gateway_lock(gateway);
    filter.intent = id_parse(&gateway->store, KIND_INTENT, intent_id);
    gateway_unlock(gateway);
    if (filter.intent == 0) {
      answer_missing(call, "payment_intent", "payment_intent", intent_id);
      return;
    }
  }
  answer_begin(call, "listed", &writer);
  json_put_object(&writer, NULL);
  json_put_array(&writer, "data");
  render_charges(call, &filter, limit, &writer);
  json_put_end(&writer);
}

/* ---- requests ---- */

static void render_request(struct json_writer *writer, const struct request_entry *entry) {
  char at[UTIME_TEXT_MAX];
  json_put_object(writer, NULL);
  json_put_int(writer, "number", (int64_t)entry->number);
  json_put_string(writer, "at", utime_format(entry->at, at));
  json_put_string(writer, "method", entry->method);
  json_put_string(writer, "path", entry->path);
  json_put_string(writer, "key", entry->key[0] != '\0' ? entry->key : NULL);
  json_put_int(writer, "status", entry->status);
  json_put_string(writer, "outcome", entry->outcome);
  json_put_end(writer);
}

void sandbox_requests(struct call *call) {
  int64_t since = 0, limit = REQUESTS_LIMIT;
  struct json_writer writer;
  if (!param_int(call, "since", 0, INT64_MAX, &since) || !param_int(call, "limit", 1, REQUESTS_LIMIT, &limit)) return;
  struct request_entry *entries = ARENA_ARRAY(call->arena, struct request_entry, (size_t)limit);
  size_t count = requests_since(&call->gateway->requests, (uint64_t)since, entries, (size_t)limit);
  answer_begin(call, "listed", &writer);
  json_put_object(&writer, NULL);
  json_put_array(&writer, "data");
  for (size_t i = 0; i < count; i++) render_request(&writer, &entries[i]);
  json_put_end(&writer);
  json_put_int(&writer, "last", count > 0 ? (int64_t)entries[count - 1].number : since);
  json_put_int(&writer, "total", (int64_t)requests_count(&call->gateway->requests));
  json_put_end(&writer);
}

/* ---- stats ---- */

/* Counts paid charges by the value of one metadata key. */
static void render_tally(struct call *call, const char *key, struct json_writer *writer) {
  struct gateway *gateway = call->gateway;
  const struct store *store = &gateway->store;
  struct tally tally;
  tally_init(&tally);
  uint32_t next = 1, count;
  do {
    gateway_lock(gateway);
    count = store_count(store, KIND_CHARGE);
    for (uint32_t end = next + SLICE_CHARGES; next < end && next <= count; next++) {
      const struct charge *charge = store_charge(store, next);
      if (!charge->is_paid) continue;
      tally_add(&tally, metadata_get(store_intent(store, charge->intent)->metadata, key));
    }
    gateway_unlock(gateway);
  } while (next <= count);
  tally_render(&tally, key, writer);
  tally_release(&tally);
}

static void render_kept(struct call *call, struct json_writer *writer) {
  struct gateway *gateway = call->gateway;
  struct webhook_totals webhooks = webhooks_totals(&gateway->webhooks);
  gateway_lock(gateway);
  const struct store *store = &gateway->store;
  json_put_int(writer, "customers", store_count(store, KIND_CUSTOMER));
  json_put_int(writer, "paymentMethods", store_count(store, KIND_METHOD));
  json_put_int(writer, "paymentIntents", store_count(store, KIND_INTENT));
  json_put_object(writer, "charges");
  json_put_int(writer, "succeeded", (int64_t)store->charges_succeeded);
  json_put_int(writer, "failed", (int64_t)store->charges_failed);
  json_put_end(writer);
  json_put_int(writer, "refunds", store_count(store, KIND_REFUND));
  json_put_int(writer, "keys", (int64_t)gateway->keys.count);
  gateway_unlock(gateway);
  json_put_int(writer, "replays", (int64_t)atomic_load(&gateway->replays));
  json_put_object(writer, "webhooks");
  json_put_int(writer, "waiting", (int64_t)webhooks.queued);
  json_put_int(writer, "sent", (int64_t)webhooks.sent);
  json_put_int(writer, "failedTries", (int64_t)webhooks.failed_tries);
  json_put_int(writer, "givenUp", (int64_t)webhooks.given_up);
  json_put_int(writer, "dropped", (int64_t)webhooks.dropped);
  json_put_end(writer);
  json_put_int(writer, "journalBytes", (int64_t)journal_end(&gateway->journal));
}

void sandbox_stats(struct call *call) {
  const char *key = form_get(&call->form, "metadata");
  struct json_writer writer;
  answer_begin(call, "counted", &writer);
  json_put_object(&writer, NULL);
  json_put_int(&writer, "requests", (int64_t)requests_count(&call->gateway->requests));
  render_kept(call, &writer);
  if (key != NULL) render_tally(call, key, &writer);
  json_put_end(&writer);
}

/* ---- cards ---- */

void sandbox_cards(struct call *call) {
  struct json_writer writer;
  answer_begin(call, "listed", &writer);
  json_put_object(&writer, NULL);
  json_put_array(&writer, "data");
  for (size_t i = 0; card_at(i) != NULL; i++) {
    const struct card *card = card_at(i);
    char id[64];
    (void)snprintf(id, sizeof id, "pm_card_%s", card->name);
    json_put_object(&writer, NULL);
    json_put_string(&writer, "id", id);
    json_put_string(&writer, "brand", card->brand);
    json_put_string(&writer, "last4", card->last4);
    json_put_string(&writer, "does", conduct_text(card->conduct));
    bool declines = card->conduct == CONDUCT_DECLINES || card->conduct == CONDUCT_AUTHENTICATES;
    json_put_string(&writer, "declineCode", declines ? decline_name(card->decline) : NULL);
    json_put_int(&writer, "firstTimes", card->first_times);
    json_put_end(&writer);
  }
  json_put_end(&writer);
  json_put_end(&writer);
}

/* ---- faults ---- */

void sandbox_faults_get(struct call *call) {
  struct json_writer writer;
  answer_begin(call, "listed", &writer);
  json_put_object(&writer, NULL);
  for (int i = 0; i < FAULT_COUNT; i++) {
    json_put_int(&writer, fault_name((enum fault)i), faults_get(&call->gateway->faults, (enum fault)i));
  }
  json_put_end(&writer);
}

static bool fault_value(const json_t *json, enum fault fault, int64_t *ret_value) {
  if (json_is_boolean(json)) {
    *ret_value = json_is_true(json);
    return true;
  }
  if (!json_is_integer(json)) return false;
  *ret_value = json_integer_value(json);
  return *ret_value >= 0 && *ret_value <= fault_most(fault);
}

static enum fault fault_find(const char *name) {
  int i = 0;
  while (i < FAULT_COUNT && strcmp(fault_name((enum fault)i), name) != 0) i++;
  return (enum fault)i;
}

/* All or nothing: values gets what the object says, and what is not named stays. */
static bool read_faults(struct call *call, json_t *object, int64_t values[static FAULT_COUNT]) {
  void *at = json_object_iter(object);
  for (; at != NULL; at = json_object_iter_next(object, at)) {
    const char *name = json_object_iter_key(at);
    enum fault fault = fault_find(name);
    if (fault == FAULT_COUNT || !fault_value(json_object_iter_value(at), fault, &values[fault])) {
      answer_invalid(call, NULL, name, "No such fault, or not a value for it: see GET /sandbox/faults");
      return false;
    }
  }
  return true;
}

/* The body is a JSON object; its nesting is checked before a parser sees it. */
static json_t *parse_object(struct call *call) {
  CLEANUP(buf_release) struct buf exact;
  struct error err;
  buf_init(&exact, FAULTS_JSON_MAX);
  if (json_exact(call->text, call->text_length, &exact, &err) != RC_OK) return NULL;
  json_t *json = json_loadb(call->text, call->text_length, JSON_REJECT_DUPLICATES, NULL);
  if (json_is_object(json)) return json;
  json_decref(json);
  return NULL;
}

void sandbox_faults_set(struct call *call) {
  int64_t values[FAULT_COUNT];
  for (int i = 0; i < FAULT_COUNT; i++) values[i] = faults_get(&call->gateway->faults, (enum fault)i);
  json_t *object = parse_object(call);
  if (object == NULL) {
    answer_invalid(call, NULL, NULL, "The body must be a JSON object of faults");
    return;
  }
  bool is_read = read_faults(call, object, values);
  json_decref(object);
  if (!is_read) return;
  for (int i = 0; i < FAULT_COUNT; i++) faults_set(&call->gateway->faults, (enum fault)i, values[i]);
  sandbox_faults_get(call);
}

void sandbox_faults_clear(struct call *call) {
  faults_clear(&call->gateway->faults);
  sandbox_faults_get(call);
}
