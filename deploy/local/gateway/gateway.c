/* Opening is reading the journal: each line's objects go the same way into the store as they did when the line was
 * written, so a gateway that was killed and one that was not are the same. */
#include "gateway.h"

#include "base/assert.h"
#include "base/digest.h"
#include "record.h"

enum { SALT_RANDOM_BYTES = STORE_SALT_LENGTH, KEYS_PER_OBJECT = 4, REPLAY_ARENA_MAX = 4 * 1024 * 1024 };

struct replay {
  struct gateway *gateway;
  struct arena arena;
};

static bool replay_line(void *context, const char *fields, size_t length, struct journal_place answer) {
  struct replay *replay = context;
  struct gateway *gateway = replay->gateway;
  struct form form;
  struct record record;
  struct error err;
  arena_reset(&replay->arena);
  if (form_parse(&replay->arena, fields, length, &form, &err) != RC_OK) return false;
  if (!record_decode(&replay->arena, &form, &record)) return false;
  if (record.salt != NULL) memcpy(gateway->store.salt, record.salt, STORE_SALT_LENGTH);
  if (!store_apply(&gateway->store, &record.change)) return false;
  if (record.key != NULL) {
    keys_restore(&gateway->keys, key_hash_text(record.key), record.request_hash, record.status, answer);
  }
  if (record.path != NULL) {
    requests_add(&gateway->requests, record.at, record.method, record.path, record.key, record.status, record.outcome);
  }
  return true;
}

static void write_first_line(struct gateway *gateway) {
  static const char LETTERS[] = "0123456789abcdefghijkmnpqrstuvwx";
  uint8_t noise[SALT_RANDOM_BYTES];
  random_bytes(noise, sizeof noise);
  for (size_t i = 0; i < STORE_SALT_LENGTH; i++) gateway->store.salt[i] = LETTERS[noise[i] % 32];

  CLEANUP(buf_release) struct buf fields;
  buf_init(&fields, RECORD_FIELDS_MAX);
  form_add_int(&fields, "version", RECORD_VERSION);
  form_add(&fields, "salt", gateway->store.salt);
  struct buf nothing = {.max = 0};
  journal_append(&gateway->journal, &fields, &nothing);
  journal_wait(&gateway->journal, journal_end(&gateway->journal));
}

enum rc gateway_open(struct gateway *gateway, const struct settings *settings, struct error *err) {
  *gateway = (struct gateway){.settings = settings};
  pthread_mutex_init(&gateway->lock, NULL);
  store_init(&gateway->store, (uint32_t)settings->kept_max);
  keys_init(&gateway->keys, (size_t)settings->kept_max * KEYS_PER_OBJECT);
  faults_init(&gateway->faults);
  requests_init(&gateway->requests, (size_t)settings->requests_kept);
  TRY(webhooks_init(&gateway->webhooks, gateway, err));

  struct replay replay = {.gateway = gateway};
  arena_init(&replay.arena, REPLAY_ARENA_MAX);
  size_t pending_max = (size_t)(settings->connections_max + 64) * JOURNAL_LINE_MAX;
  enum rc rc =
      journal_open(&gateway->journal, settings->state_dir, settings->fsync, pending_max, replay_line, &replay, err);
  arena_release(&replay.arena);
  if (rc == RC_OK && gateway->store.salt[0] == '\0') write_first_line(gateway);
  return rc;
}

void gateway_close(struct gateway *gateway) {
  webhooks_release(&gateway->webhooks);
  journal_close(&gateway->journal);
  requests_release(&gateway->requests);
  faults_release(&gateway->faults);
  keys_release(&gateway->keys);
  store_release(&gateway->store);
  pthread_mutex_destroy(&gateway->lock);
}

void gateway_lock(struct gateway *gateway) {
  pthread_mutex_lock(&gateway->lock);
}
void gateway_unlock(struct gateway *gateway) {
  pthread_mutex_unlock(&gateway->lock);
}

static struct journal_place append(struct call *call, const char *key, const struct change *change,
                                   const struct buf *answer) {
  struct gateway *gateway = call->gateway;
  struct record record = {
      .at = call->now,
      .method = call->method,
      .path = call->path,
      .key = key,
      .request_hash = call->request_hash,
      .status = call->status,
      .outcome = call->outcome,
      .change = *change,
  };
  CLEANUP(buf_release) struct buf fields;
  buf_init(&fields, RECORD_FIELDS_MAX);
  record_encode(&record, &fields);
  ASSERT(buf_ok(&fields) && buf_ok(answer));
  struct journal_place place = journal_append(&gateway->journal, &fields, answer);
  call->position = place.offset + place.length + 1;
  return place;
}

void gateway_commit(struct call *call, const struct change *change) {
  ASSERT(!call->is_committed && call->status != 0);
  struct journal_place place = append(call, call->key, change, call->body);
  if (call->key != NULL) keys_finish(&call->gateway->keys, call->key_hash, call->status, place);
  call->is_committed = true;
}

void gateway_commit_unanswered(struct call *call, const struct change *change) {
  struct buf nothing = {.max = 0};
  append(call, NULL, change, &nothing);
}
