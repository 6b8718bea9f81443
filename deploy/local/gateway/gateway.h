/* The one gateway of this process, and one call on it.
 *
 * A handler reads: check the parameters → take the lock → load, decide → gateway_commit → open the lock. Nothing fails
 * after gateway_commit. The lock is never held over I/O: the server waits for the journal before it sends an answer. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/time.h"
#include "faults.h"
#include "idempotency.h"
#include "journal.h"
#include "requests.h"
#include "settings.h"
#include "store.h"
#include "webhooks.h"

struct gateway {
  const struct settings *settings;
  pthread_mutex_t lock; /* store, keys and the order of the journal */
  struct store store;
  struct keys keys;
  struct journal journal;
  struct faults faults;
  struct requests requests;
  struct webhooks webhooks;
  atomic_ullong replays; /* answers given again for a key */
};

enum { CALL_PATH_MAX = 256, CALL_OUTCOME_MAX = 64, CALL_ARENA_MAX = 2 * 1024 * 1024 };

struct call {
  struct gateway *gateway;
  struct arena *arena;
  const char *method;
  const char *path;
  const char *id;  /* of the path, or "" */
  const char *key; /* Idempotency-Key, or NULL */
  struct key_hash key_hash, request_hash;
  struct utime now;
  struct form form; /* a GET's query, a POST's body */
  const char *text; /* the same unread, for a route that reads it itself; else NULL */
  size_t text_length;

  struct buf *body; /* the answer */
  int status;
  int retry_after_s;
  bool is_replay;
  bool is_judged; /* the answer is kept for the key, whatever it says */
  bool is_committed;
  bool is_silent;                 /* no byte of the answer leaves: the connection is closed */
  int64_t hold_ms;                /* before that */
  uint64_t position;              /* the journal must be safe up to here before the answer leaves */
  char outcome[CALL_OUTCOME_MAX]; /* for the list of requests */
};

MUST_CHECK enum rc gateway_open(struct gateway *gateway, const struct settings *settings, struct error *err);
void gateway_close(struct gateway *gateway);

void gateway_lock(struct gateway *gateway);
void gateway_unlock(struct gateway *gateway);
/* Under the lock, with the change applied to the store and the answer rendered: journals both and finishes the key. */
void gateway_commit(struct call *call, const struct change *change);
/* The same for a change whose answer says nothing certain (the key is forgotten by the server). */
void gateway_commit_unanswered(struct call *call, const struct change *change);

#endif
