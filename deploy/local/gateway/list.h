/* Lists in Stripe's shape: newest first, `limit` (1-100, default 10), `starting_after`. */
#ifndef GATEWAY_LIST_H
#define GATEWAY_LIST_H

#include "base/json_text.h"
#include "gateway.h"

struct list {
  enum kind kind;
  uint32_t first; /* where a walk without `starting_after` begins; 0 for an empty list */
  bool (*has)(const struct store *store, uint32_t filter, uint32_t sequence); /* NULL: all */
  uint32_t (*older)(const struct store *store, uint32_t sequence);            /* NULL: one less */
  void (*render)(struct json_writer *writer, const char *key, const struct store *store, uint32_t sequence);
  uint32_t filter;
};

/* The caller holds the lock. */
void list_answer(struct call *call, const struct list *list);

#endif
