/* One pass, one table, so that a test can check a hundred thousand invoices with one call. */
#include "tally.h"

#include "base/assert.h"
#include "counts.h"

enum { TALLY_CAPACITY_FIRST = 1024 };

void tally_init(struct tally *tally) {
  *tally = (struct tally){.slots = calloc(TALLY_CAPACITY_FIRST, sizeof(struct tally_entry)),
                          .capacity = TALLY_CAPACITY_FIRST};
  ASSERT(tally->slots != NULL);
}

void tally_release(struct tally *tally) {
  free(tally->slots);
}

static struct tally_entry *tally_slot(const struct tally *tally, const char *value) {
  size_t at = (size_t)hash_bytes(value, strlen(value)) & (tally->capacity - 1);
  while (tally->slots[at].value != NULL && strcmp(tally->slots[at].value, value) != 0) {
    at = (at + 1) & (tally->capacity - 1);
  }
  return &tally->slots[at];
}

static void tally_grow(struct tally *tally) {
  struct tally larger = {.capacity = tally->capacity * 2, .used = tally->used, .without = tally->without};
  larger.slots = calloc(larger.capacity, sizeof *larger.slots);
  ASSERT(larger.slots != NULL);
  for (size_t i = 0; i < tally->capacity; i++) {
    if (tally->slots[i].value != NULL) *tally_slot(&larger, tally->slots[i].value) = tally->slots[i];
  }
  tally_release(tally);
  *tally = larger;
}

void tally_add(struct tally *tally, const char *value) {
  if (value == NULL) {
    tally->without++;
    return;
  }
  if ((tally->used + 1) * 3 > tally->capacity * 2) tally_grow(tally);
  struct tally_entry *entry = tally_slot(tally, value);
  tally->used += entry->value == NULL;
  entry->value = value;
  entry->times++;
}

static void render_counts(const struct tally *tally, const char *key, uint32_t least, struct json_writer *writer) {
  json_put_object(writer, key);
  for (size_t i = 0; i < tally->capacity; i++) {
    const struct tally_entry *entry = &tally->slots[i];
    if (entry->value != NULL && entry->times >= least) json_put_int(writer, entry->value, entry->times);
  }
  json_put_end(writer);
}

void tally_render(const struct tally *tally, const char *key, struct json_writer *writer) {
  json_put_object(writer, "succeededByMetadata");
  json_put_string(writer, "key", key);
  json_put_int(writer, "distinct", (int64_t)tally->used);
  json_put_int(writer, "without", (int64_t)tally->without);
  render_counts(tally, "moreThanOnce", 2, writer);
  render_counts(tally, "counts", 1, writer);
  json_put_end(writer);
}
