/* Objects live in pages, found by their sequence, so that a payment costs its own size and nothing moves or is
 * searched. Nothing is ever taken out: a limit on objects of each kind bounds the memory. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "metadata.h"

static const struct {
  const char *prefix, *name;
} KIND_TABLE[KIND_COUNT] = {
#define X(id, prefix, name) [id] = {prefix, name},
    KINDS(X)
#undef X
};
static const char *const STATUS_NAMES[INTENT_STATUS_COUNT] = {
#define X(id, name) [id] = name,
    INTENT_STATUSES(X)
#undef X
};
static const size_t OBJECT_BYTES[KIND_COUNT] = {
    [KIND_CUSTOMER] = sizeof(struct customer), [KIND_METHOD] = sizeof(struct method),
    [KIND_INTENT] = sizeof(struct intent),     [KIND_CHARGE] = sizeof(struct charge),
    [KIND_REFUND] = sizeof(struct refund),
};

const char *kind_name(enum kind kind) {
  return KIND_TABLE[kind].name;
}
const char *intent_status_name(enum intent_status status) {
  return STATUS_NAMES[status];
}

static void *shelf_at(const struct shelf *shelf, uint32_t sequence) {
  if (sequence == 0 || sequence > shelf->count) return NULL;
  uint32_t place = sequence - 1;
  return shelf->pages[place / STORE_PAGE_OBJECTS] + (place % STORE_PAGE_OBJECTS) * shelf->object_bytes;
}

/* The place of an object that is there, or of the next one, which is made. NULL for any other. */
static void *shelf_place(struct shelf *shelf, uint32_t sequence) {
  if (sequence == shelf->count + 1 && sequence <= shelf->max) {
    char **page = &shelf->pages[shelf->count / STORE_PAGE_OBJECTS];
    if (*page == NULL) *page = calloc(STORE_PAGE_OBJECTS, shelf->object_bytes);
    ASSERT(*page != NULL);
    shelf->count++;
  }
  return shelf_at(shelf, sequence);
}

void store_init(struct store *store, uint32_t max_objects) {
  *store = (struct store){.salt = ""};
  for (int kind = 0; kind < KIND_COUNT; kind++) {
    struct shelf *shelf = &store->shelves[kind];
    *shelf = (struct shelf){.object_bytes = OBJECT_BYTES[kind], .max = max_objects};
    shelf->pages = calloc(max_objects / STORE_PAGE_OBJECTS + 1, sizeof *shelf->pages);
    ASSERT(shelf->pages != NULL);
  }
  counts_init(&store->attempts);
}

/* The store's texts are its own; const tells everybody else to leave them alone. */
static void free_text(const char *text) {
  void *own;
  memcpy(&own, &text, sizeof own);
  free(own);
}

void store_release(struct store *store) {
  for (uint32_t i = 1; i <= store_count(store, KIND_CUSTOMER); i++) {
    const struct customer *customer = store_customer(store, i);
    free_text(customer->name);
    free_text(customer->email);
    free_text(customer->description);
    free_text(customer->metadata);
  }
  for (uint32_t i = 1; i <= store_count(store, KIND_INTENT); i++) {
    free_text(store_intent(store, i)->description);
    free_text(store_intent(store, i)->metadata);
  }
  for (uint32_t i = 1; i <= store_count(store, KIND_REFUND); i++) {
    free_text(store_refund(store, i)->reason);
    free_text(store_refund(store, i)->metadata);
  }
  for (int kind = 0; kind < KIND_COUNT; kind++) {
    struct shelf *shelf = &store->shelves[kind];
    for (uint32_t page = 0; page <= shelf->max / STORE_PAGE_OBJECTS; page++) free(shelf->pages[page]);
    free(shelf->pages);
  }
  counts_release(&store->attempts);
}

bool store_has_room(const struct store *store) {
  for (int kind = 0; kind < KIND_COUNT; kind++) {
    if (store->shelves[kind].count == store->shelves[kind].max) return false;
  }
  return true;
}

uint32_t store_next(const struct store *store, enum kind kind) {
  return store->shelves[kind].count + 1;
}
uint32_t store_count(const struct store *store, enum kind kind) {
  return store->shelves[kind].count;
}

const struct customer *store_customer(const struct store *store, uint32_t sequence) {
  return shelf_at(&store->shelves[KIND_CUSTOMER], sequence);
}
const struct method *store_method(const struct store *store, uint32_t sequence) {
  return shelf_at(&store->shelves[KIND_METHOD], sequence);
}
const struct intent *store_intent(const struct store *store, uint32_t sequence) {
  return shelf_at(&store->shelves[KIND_INTENT], sequence);
}
const struct charge *store_charge(const struct store *store, uint32_t sequence) {
  return shelf_at(&store->shelves[KIND_CHARGE], sequence);
}
const struct refund *store_refund(const struct store *store, uint32_t sequence) {
  return shelf_at(&store->shelves[KIND_REFUND], sequence);
}

/* A text of the store's own for `after`, where `before` is what the store has now. */
static const char *keep(const char *before, const char *after, size_t bytes) {
  if (before == after) return before;
  free_text(before);
  if (after == NULL) return NULL;
  char *copy = malloc(bytes);
  ASSERT(copy != NULL);
  return memcpy(copy, after, bytes);
}
static const char *keep_text(const char *before, const char *after) {
  return keep(before, after, after != NULL ? strlen(after) + 1 : 0);
}
static const char *keep_metadata(const char *before, const char *after) {
  return keep(before, after, metadata_bytes(after));
}

static void put_customer(struct customer *place, const struct customer *after) {
  struct customer before = *place;
  *place = *after;
  place->name = keep_text(before.name, after->name);
  place->email = keep_text(before.email, after->email);
  place->description = keep_text(before.description, after->description);
  place->metadata = keep_metadata(before.metadata, after->metadata);
}

static void put_intent(struct intent *place, const struct intent *after) {
  struct intent before = *place;
  *place = *after;
  place->description = keep_text(before.description, after->description);
  place->metadata = keep_metadata(before.metadata, after->metadata);
}

static void put_refund(struct refund *place, const struct refund *after) {
  struct refund before = *place;
  *place = *after;
  place->reason = keep_text(before.reason, after->reason);
  place->metadata = keep_metadata(before.metadata, after->metadata);
}

static bool fits(const struct store *store, enum kind kind, uint32_t sequence) {
  const struct shelf *shelf = &store->shelves[kind];
  return sequence <= shelf->count || (sequence == shelf->count + 1 && sequence <= shelf->max);
}

static void put_charge(struct store *store, const struct charge *after) {
  bool is_new = after->sequence > store_count(store, KIND_CHARGE);
  struct charge *place = shelf_place(&store->shelves[KIND_CHARGE], after->sequence);
  ASSERT(after->refunded >= 0 && after->refunded <= after->amount);
  ASSERT(is_new || (place->is_paid == after->is_paid && place->amount == after->amount));
  *place = *after;
  if (!is_new) return;
  if (after->is_paid) {
    store->charges_succeeded++;
  } else {
    store->charges_failed++;
  }
}

bool store_apply(struct store *store, const struct change *change) {
  if (!fits(store, KIND_CUSTOMER, change->customer.sequence) || !fits(store, KIND_METHOD, change->method.sequence) ||
      !fits(store, KIND_INTENT, change->intent.sequence) || !fits(store, KIND_CHARGE, change->charge.sequence) ||
      !fits(store, KIND_REFUND, change->refund.sequence)) {
    return false;
  }
  struct shelf *shelves = store->shelves;
  if (change->customer.sequence != 0) {
    put_customer(shelf_place(&shelves[KIND_CUSTOMER], change->customer.sequence), &change->customer);
  }
  if (change->method.sequence != 0) {
    *(struct method *)shelf_place(&shelves[KIND_METHOD], change->method.sequence) = change->method;
  }
  if (change->intent.sequence != 0) {
    put_intent(shelf_place(&shelves[KIND_INTENT], change->intent.sequence), &change->intent);
  }
  if (change->charge.sequence != 0) put_charge(store, &change->charge);
  if (change->refund.sequence != 0) {
    put_refund(shelf_place(&shelves[KIND_REFUND], change->refund.sequence), &change->refund);
  }
  if (change->attempt != 0) counts_add(&store->attempts, change->attempt);
  return true;
}

const char *id_format(const struct store *store, enum kind kind, uint32_t sequence, char text[static ID_TEXT_MAX]) {
  (void)snprintf(text, ID_TEXT_MAX, "%s%s%08x", KIND_TABLE[kind].prefix, store->salt, sequence);
  return text;
}

uint32_t id_parse(const struct store *store, enum kind kind, const char *text) {
  size_t prefix = strlen(KIND_TABLE[kind].prefix);
  char again[ID_TEXT_MAX];
  if (strlen(text) != prefix + STORE_SALT_LENGTH + 8) return 0;
  unsigned long sequence = strtoul(text + prefix + STORE_SALT_LENGTH, NULL, 16);
  if (sequence == 0 || sequence > store->shelves[kind].count) return 0;
  return strcmp(id_format(store, kind, (uint32_t)sequence, again), text) == 0 ? (uint32_t)sequence : 0;
}
