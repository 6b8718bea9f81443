/* Which Idempotency-Keys were seen, with which request, and where their answers are. The caller holds the gateway's
 * lock. Keys and requests are kept as the first 16 bytes of their SHA-256. */
#ifndef GATEWAY_IDEMPOTENCY_H
#define GATEWAY_IDEMPOTENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "form.h"
#include "journal.h"

enum { KEY_TEXT_MAX = 255, KEY_HASH_BYTES = 16, KEY_HASH_HEX_MAX = 33 };

struct key_hash {
  uint8_t bytes[KEY_HASH_BYTES];
};

enum key_state { KEY_FREE, KEY_RUNNING, KEY_ANSWERED, KEY_FORGOTTEN };

struct key_entry {
  struct key_hash key;
  struct key_hash request;
  struct journal_place answer;
  uint16_t status;
  uint8_t state; /* enum key_state */
};

struct keys {
  struct key_entry *slots;
  size_t capacity; /* a power of two */
  size_t used;     /* all but KEY_FREE */
  size_t max;      /* answered and running keys */
  size_t count;
};

enum key_verdict {
  KEY_IS_NEW,     /* now running: finish or forget it */
  KEY_IS_OLD,     /* *ret_entry has the answer */
  KEY_IS_RUNNING, /* somebody is at it */
  KEY_IS_OTHERS,  /* used for another request */
  KEY_NO_ROOM,
};

void keys_init(struct keys *keys, size_t max);
void keys_release(struct keys *keys);
enum key_verdict keys_begin(struct keys *keys, struct key_hash key, struct key_hash request,
                            struct key_entry *ret_entry);
void keys_finish(struct keys *keys, struct key_hash key, int status, struct journal_place answer);
void keys_forget(struct keys *keys, struct key_hash key);
/* A key read from the journal. */
void keys_restore(struct keys *keys, struct key_hash key, struct key_hash request, int status,
                  struct journal_place answer);

struct key_hash key_hash_text(const char *key);
/* Of method, path and parameters, in whatever order they came. */
struct key_hash key_hash_request(struct arena *arena, const char *method, const char *path, const struct form *form);
const char *key_hash_format(struct key_hash hash, char text[static KEY_HASH_HEX_MAX]);
bool key_hash_parse(const char *text, struct key_hash *ret_hash);

#endif
