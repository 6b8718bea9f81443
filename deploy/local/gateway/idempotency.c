/* A key lives in one of two states, running and answered. Only an answer that is in the journal makes it answered, so a
 * process that dies in the middle has forgotten the key together with the effect. */
#include "idempotency.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/digest.h"

enum { KEYS_CAPACITY_FIRST = 1024 };

static void keys_make(struct keys *keys, size_t capacity, size_t max) {
  *keys = (struct keys){.slots = calloc(capacity, sizeof(struct key_entry)), .capacity = capacity, .max = max};
  ASSERT(keys->slots != NULL);
}

void keys_init(struct keys *keys, size_t max) {
  keys_make(keys, KEYS_CAPACITY_FIRST, max);
}
void keys_release(struct keys *keys) {
  free(keys->slots);
}

/* Its entry, or the free one where it would go. */
static struct key_entry *key_slot(const struct keys *keys, struct key_hash key) {
  uint64_t start;
  memcpy(&start, key.bytes, sizeof start);
  size_t at = (size_t)start & (keys->capacity - 1);
  while (keys->slots[at].state != KEY_FREE && memcmp(&keys->slots[at].key, &key, sizeof key) != 0) {
    at = (at + 1) & (keys->capacity - 1);
  }
  return &keys->slots[at];
}

/* Twice the room, or the same without the forgotten ones. */
static void keys_rebuild(struct keys *keys) {
  struct keys next;
  keys_make(&next, keys->count * 2 > keys->capacity / 2 ? keys->capacity * 2 : keys->capacity, keys->max);
  for (size_t i = 0; i < keys->capacity; i++) {
    const struct key_entry *entry = &keys->slots[i];
    if (entry->state == KEY_RUNNING || entry->state == KEY_ANSWERED) *key_slot(&next, entry->key) = *entry;
  }
  next.count = next.used = keys->count;
  keys_release(keys);
  *keys = next;
}

static struct key_entry *key_insert(struct keys *keys, struct key_hash key, struct key_hash request) {
  if ((keys->used + 1) * 3 > keys->capacity * 2) keys_rebuild(keys);
  struct key_entry *entry = key_slot(keys, key);
  keys->used += entry->state == KEY_FREE;
  keys->count++;
  *entry = (struct key_entry){.key = key, .request = request, .state = KEY_RUNNING};
  return entry;
}

enum key_verdict keys_begin(struct keys *keys, struct key_hash key, struct key_hash request,
                            struct key_entry *ret_entry) {
  struct key_entry *entry = key_slot(keys, key);
  switch ((enum key_state)entry->state) {
  case KEY_FREE:
  case KEY_FORGOTTEN:
    if (keys->count == keys->max) return KEY_NO_ROOM;
    key_insert(keys, key, request);
    return KEY_IS_NEW;
  case KEY_RUNNING:
  case KEY_ANSWERED:
    if (memcmp(&entry->request, &request, sizeof request) != 0) return KEY_IS_OTHERS;
    if (entry->state == KEY_RUNNING) return KEY_IS_RUNNING;
    *ret_entry = *entry;
    return KEY_IS_OLD;
  }
  ASSERT(!"a key's state");
  return KEY_IS_RUNNING;
}

void keys_finish(struct keys *keys, struct key_hash key, int status, struct journal_place answer) {
  struct key_entry *entry = key_slot(keys, key);
  ASSERT(entry->state == KEY_RUNNING);
  entry->state = KEY_ANSWERED;
  entry->status = (uint16_t)status;
  entry->answer = answer;
}

void keys_forget(struct keys *keys, struct key_hash key) {
  struct key_entry *entry = key_slot(keys, key);
  ASSERT(entry->state == KEY_RUNNING);
  entry->state = KEY_FORGOTTEN;
  keys->count--;
}

void keys_restore(struct keys *keys, struct key_hash key, struct key_hash request, int status,
                  struct journal_place answer) {
  key_insert(keys, key, request);
  keys_finish(keys, key, status, answer);
}

static struct key_hash shorten(const uint8_t digest[static SHA256_BYTES]) {
  struct key_hash hash;
  memcpy(hash.bytes, digest, sizeof hash.bytes);
  return hash;
}

struct key_hash key_hash_text(const char *key) {
  uint8_t digest[SHA256_BYTES];
  sha256(key, strlen(key), digest);
  return shorten(digest);
}

static int pair_order(const void *a, const void *b) {
  const struct form_pair *left = a, *right = b;
  int order = strcmp(left->name, right->name);
  return order != 0 ? order : strcmp(left->value, right->value);
}

struct key_hash key_hash_request(struct arena *arena, const char *method, const char *path, const struct form *form) {
  struct form_pair *pairs = ARENA_ARRAY(arena, struct form_pair, form->count + 1);
  size_t bytes = strlen(method) + strlen(path) + 2;
  for (size_t i = 0; i < form->count; i++) {
    pairs[i] = form->pairs[i];
    bytes += strlen(pairs[i].name) + strlen(pairs[i].value) + 2;
  }
  qsort(pairs, form->count, sizeof *pairs, pair_order);

  char *text = arena_alloc(arena, bytes), *at = text;
  at = stpcpy(at, method) + 1;
  at = stpcpy(at, path) + 1;
  for (size_t i = 0; i < form->count; i++) {
    at = stpcpy(at, pairs[i].name) + 1;
    at = stpcpy(at, pairs[i].value) + 1;
  }
  ASSERT(at == text + bytes);
  uint8_t digest[SHA256_BYTES];
  sha256(text, bytes, digest);
  return shorten(digest);
}

const char *key_hash_format(struct key_hash hash, char text[static KEY_HASH_HEX_MAX]) {
  return hex_format(hash.bytes, sizeof hash.bytes, text, KEY_HASH_HEX_MAX);
}

bool key_hash_parse(const char *text, struct key_hash *ret_hash) {
  struct key_hash hash;
  if (strlen(text) != 2 * sizeof hash.bytes) return false;
  for (size_t i = 0; i < sizeof hash.bytes; i++) {
    char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
    char *end;
    hash.bytes[i] = (uint8_t)strtoul(digits, &end, 16);
    if (*end != '\0') return false;
  }
  *ret_hash = hash;
  return true;
}
