/* A semaphore in front of crypt_r. struct crypt_data has 32 KiB and goes on the heap: the HTTP threads' stacks are
 * small. */
#include "password.h"

#include <crypt.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/digest.h"
#include "base/time.h"

enum { COST = 10, HASH_MAX = 128 };

struct passwords {
  sem_t places;
  char nobodys_hash[HASH_MAX]; /* of a password that nobody knows */
};

static void hash_with(const char *password, const char *setting, char ret_hash[static HASH_MAX]) {
  struct crypt_data *work = calloc(1, sizeof *work);
  ASSERT(work);
  const char *hash = crypt_r(password, setting, work);
  snprintf(ret_hash, HASH_MAX, "%s", hash ? hash : "*");
  explicit_bzero(work, sizeof *work);
  free(work);
}

struct passwords *passwords_new(size_t at_once) {
  struct passwords *passwords = calloc(1, sizeof *passwords);
  ASSERT(passwords && sem_init(&passwords->places, 0, (unsigned)at_once) == 0);
  char seed[16], password[33], setting[HASH_MAX];
  random_bytes(seed, sizeof seed);
  ASSERT(crypt_gensalt_rn("$2b$", COST, seed, sizeof seed, setting, sizeof setting));
  random_bytes(seed, sizeof seed);
  hex_format((const uint8_t *)seed, sizeof seed, password, sizeof password);
  hash_with(password, setting, passwords->nobodys_hash);
  ASSERT(passwords->nobodys_hash[0] == '$');
  return passwords;
}

void passwords_free(struct passwords *passwords) {
  if (!passwords) return;
  sem_destroy(&passwords->places);
  free(passwords);
}

static bool take_place(struct passwords *passwords) {
  struct timespec deadline;
  clock_gettime(CLOCK_MONOTONIC, &deadline);
  deadline.tv_sec += PASSWORD_WAIT_MS / 1000;
  int taken;
  do taken = sem_clockwait(&passwords->places, CLOCK_MONOTONIC, &deadline);
  while (taken != 0 && errno == EINTR);
  return taken == 0;
}

enum rc password_check(struct passwords *passwords, const char *password, const char *hash, bool *ret_is_right,
                       struct error *err) {
  char computed[HASH_MAX];
  const char *stored = hash && hash[0] == '$' ? hash : passwords->nobodys_hash;
  if (!take_place(passwords)) return error_set(err, RC_UNAVAILABLE, "too many passwords to check");
  hash_with(password, stored, computed);
  sem_post(&passwords->places);
  size_t length = strlen(stored);
  bool same = computed[0] == '$' && strlen(computed) == length && equal_constant_time(computed, stored, length);
  *ret_is_right = same && stored == hash && strlen(password) <= PASSWORD_BYTES_MAX;
  return RC_OK;
}
