/* Everything kept in memory. The caller holds the gateway's lock for every function here; none does I/O. */
#ifndef GATEWAY_STORE_H
#define GATEWAY_STORE_H

#include <stddef.h>

#include "counts.h"
#include "objects.h"

enum { STORE_SALT_LENGTH = 16, ID_TEXT_MAX = 32, STORE_PAGE_OBJECTS = 4096 };

/* Objects of one kind, in pages that never move. */
struct shelf {
  char **pages;
  size_t object_bytes;
  uint32_t count;
  uint32_t max;
};

struct store {
  char salt[STORE_SALT_LENGTH + 1];
  struct shelf shelves[KIND_COUNT];
  struct counts attempts;
  uint64_t charges_succeeded;
  uint64_t charges_failed;
};

void store_init(struct store *store, uint32_t max_objects);
void store_release(struct store *store);
bool store_has_room(const struct store *store); /* for one more object of each kind */
uint32_t store_next(const struct store *store, enum kind kind);
uint32_t store_count(const struct store *store, enum kind kind);

/* NULL for 0 and for what is not there. */
const struct customer *store_customer(const struct store *store, uint32_t sequence);
const struct method *store_method(const struct store *store, uint32_t sequence);
const struct intent *store_intent(const struct store *store, uint32_t sequence);
const struct charge *store_charge(const struct store *store, uint32_t sequence);
const struct refund *store_refund(const struct store *store, uint32_t sequence);

/* Puts in what has changed, with texts of its own. False, and nothing done, for a change that does not fit what is kept
 * (a damaged journal). */
bool store_apply(struct store *store, const struct change *change);

const char *id_format(const struct store *store, enum kind kind, uint32_t sequence, char text[static ID_TEXT_MAX]);
uint32_t id_parse(const struct store *store, enum kind kind, const char *text); /* 0: not an id of what is kept */
const char *kind_name(enum kind kind);
const char *intent_status_name(enum intent_status status);

#endif
