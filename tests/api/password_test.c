/* bcrypt behind a bounded pool. The hash is of "Passw0rd1", cost 4, so that the tests are quick. */
#include "password.h"

#include <crypt.h>
#include <string.h>

#include "base/arena.h"
#include "parts.h"

TestSuite(password);

static const char *hash_of(const char *password) {
  struct crypt_data *work = arena_alloc(test_arena(), sizeof *work);
  char salt[CRYPT_GENSALT_OUTPUT_SIZE];
  cr_assert(crypt_gensalt_rn("$2b$", 4, NULL, 0, salt, sizeof salt));
  return arena_strdup(test_arena(), crypt_r(password, salt, work));
}

static bool is_right(const char *password, const char *hash) {
  struct passwords *passwords = passwords_new(1);
  struct error err;
  bool right = false;
  cr_assert_eq(password_check(passwords, password, hash, &right, &err), RC_OK);
  passwords_free(passwords);
  return right;
}

Test(password, only_the_right_one_is_right) {
  const char *hash = hash_of("Passw0rd1");
  cr_expect(is_right("Passw0rd1", hash));
  cr_expect_not(is_right("Passw0rd2", hash));
  cr_expect_not(is_right("", hash));
  cr_expect_not(is_right(hash, hash));
}

Test(password, without_a_hash_none_is_right) {
  cr_expect_not(is_right("Passw0rd1", NULL));
  cr_expect_not(is_right("", ""));
  cr_expect_not(is_right("*0", "*0"));
  cr_expect_not(is_right("x", "x"));
}

Test(password, bytes_past_the_72nd_do_not_make_another_one_right) {
  char long_one[100];
  memset(long_one, 'a', sizeof long_one - 1);
  long_one[sizeof long_one - 1] = '\0';
  const char *hash = hash_of(long_one);
  cr_expect_not(is_right(long_one, hash));
  long_one[72] = '\0';
  cr_expect(is_right(long_one, hash));
}
