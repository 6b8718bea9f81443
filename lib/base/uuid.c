/* UUIDv7 after RFC 9562, section 6.2, method 1: 48 bits of Unix milliseconds, a 12-bit counter that starts anew at a
 * random value each millisecond, 62 random bits. When the counter runs over, or the clock goes back, the time in the id
 * runs ahead of the clock: ids of one process only ever grow. Entropy is fetched from the kernel in blocks, because one
 * system call for each id would cost more than the rest. A forked child throws away the block that it inherited. */
#include "base/uuid.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "base/assert.h"
#include "base/digest.h"
#include "base/time.h"

enum {
  ENTROPY_BLOCK_BYTES = 4096,
  ENTROPY_PER_ID_BYTES = 10, /* 8 for the tail, 2 for the counter's start */
  COUNTER_MAX = 0xFFF,
  COUNTER_START_MASK = 0x7FF, /* starts in the lower half: at least 2048 ids until it runs over */
};

const struct uuid UUID_NIL = {{0}};

static struct {
  pthread_mutex_t mutex;
  int64_t last_ms;
  unsigned counter;
  size_t entropy_left;
  uint8_t entropy[ENTROPY_BLOCK_BYTES];
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t fork_handlers = PTHREAD_ONCE_INIT;

static void lock(void) {
  int failed = pthread_mutex_lock(&state.mutex);
  ASSERT(failed == 0);
}

static void unlock(void) {
  int failed = pthread_mutex_unlock(&state.mutex);
  ASSERT(failed == 0);
}

static void forget_in_child(void) {
  state.entropy_left = 0;
  state.last_ms = 0;
  unlock();
}

static void install_fork_handlers(void) {
  int failed = pthread_atfork(lock, unlock, forget_in_child);
  ASSERT(failed == 0);
}

/* Called with the lock held. */
static const uint8_t *take_entropy(void) {
  if (state.entropy_left < ENTROPY_PER_ID_BYTES) {
    random_bytes(state.entropy, sizeof state.entropy);
    state.entropy_left = sizeof state.entropy;
  }
  state.entropy_left -= ENTROPY_PER_ID_BYTES;
  return state.entropy + state.entropy_left;
}

/* Called with the lock held: moves (last_ms, counter) on to a pair that is greater than any before. */
static void advance(int64_t now_ms, unsigned fresh_counter) {
  if (now_ms > state.last_ms) {
    state.last_ms = now_ms;
    state.counter = fresh_counter;
  } else if (state.counter < COUNTER_MAX) {
    state.counter++;
  } else {
    state.last_ms++;
    state.counter = fresh_counter;
  }
}

struct uuid uuid_new(void) {
  struct uuid id;
  int64_t now_ms = utime_now().us / 1000;
  pthread_once(&fork_handlers, install_fork_handlers);
  lock();
  const uint8_t *entropy = take_entropy();
  advance(now_ms, (unsigned)(entropy[8] << 8 | entropy[9]) & COUNTER_START_MASK);
  uint64_t ms = (uint64_t)state.last_ms;
  unsigned counter = state.counter;
  memcpy(id.bytes + 8, entropy, 8);
  unlock();

  for (size_t i = 0; i < 6; i++) id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
  id.bytes[6] = (uint8_t)(0x70 | counter >> 8);
  id.bytes[7] = (uint8_t)(counter & 0xFF);
  id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

struct uuid uuid_derive(const char *const *parts, size_t count) {
  uint8_t digest[SHA256_BYTES];
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  ASSERT(context != NULL);
  int ok = EVP_DigestInit_ex(context, EVP_sha256(), NULL);
  for (size_t i = 0; i < count; i++) {
    ASSERT(parts[i] != NULL);
    uint64_t length = strlen(parts[i]);
    uint8_t prefix[8];
    for (size_t j = 0; j < sizeof prefix; j++) prefix[j] = (uint8_t)(length >> (56 - 8 * j));
    ok &= EVP_DigestUpdate(context, prefix, sizeof prefix);
    ok &= EVP_DigestUpdate(context, parts[i], length);
  }
  ok &= EVP_DigestFinal_ex(context, digest, NULL);
  ASSERT(ok == 1);
  EVP_MD_CTX_free(context);

  struct uuid id;
  memcpy(id.bytes, digest, sizeof id.bytes);
  id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0F) | 0x80);
  id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

static bool is_dash(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

const char *uuid_format(const struct uuid *id, char text[static UUID_TEXT_MAX]) {
  char digits[sizeof id->bytes * 2 + 1];
  hex_format(id->bytes, sizeof id->bytes, digits, sizeof digits);
  const char *from = digits;
  for (size_t i = 0; i < UUID_TEXT_MAX - 1; i++) text[i] = is_dash(i) ? '-' : *from++;
  text[UUID_TEXT_MAX - 1] = '\0';
  return text;
}

/* By a table: of random digits, each branch would be guessed wrong. -1: none. */
static int hex_value(char c) {
  static const uint8_t VALUES[UINT8_MAX + 1] = {
      ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
      ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
      ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
  };
  return VALUES[(uint8_t)c] - 1;
}

bool uuid_parse(const char *text, struct uuid *ret_id) {
  struct uuid id = UUID_NIL;
  size_t digits = 0;
  for (size_t i = 0; i < UUID_TEXT_MAX - 1; i++) {
    if (is_dash(i)) {
      if (text[i] != '-') return false;
      continue;
    }
    int value = hex_value(text[i]); /* -1 at the end of a short text, too */
    if (value < 0) return false;
    id.bytes[digits / 2] = (uint8_t)(id.bytes[digits / 2] << 4 | value);
    digits++;
  }
  if (text[UUID_TEXT_MAX - 1] != '\0') return false;
  *ret_id = id;
  return true;
}

int uuid_compare(const struct uuid *a, const struct uuid *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool uuid_equal(const struct uuid *a, const struct uuid *b) {
  return uuid_compare(a, b) == 0;
}

bool uuid_is_nil(const struct uuid *id) {
  return uuid_equal(id, &UUID_NIL);
}
