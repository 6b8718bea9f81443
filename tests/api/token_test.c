/* Tokens: ours are accepted, and nothing else. */
#include "token.h"

#include <jansson.h>
#include <jwt.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "parts.h"

TestSuite(token);

#define SECRET       "0123456789abcdef0123456789abcdef"
#define OTHER_SECRET "fedcba9876543210fedcba9876543210"
static const struct utime now = {INT64_C(1800000000) * UTIME_SECOND};

static struct token_keys *keys_of(const char *secret) {
  struct token_keys *keys = NULL;
  struct error err;
  cr_assert_eq(token_keys_new(secret, "", &keys, &err), RC_OK);
  return keys;
}

static struct token ada(void) {
  struct token token = {.user = uuid_new(), .tenant = uuid_new(), .session = uuid_new()};
  snprintf(token.email, sizeof token.email, "ada@example.com");
  snprintf(token.role, sizeof token.role, "ADMIN");
  token.expires_at = (struct utime){now.us + 60 * UTIME_SECOND};
  return token;
}

static enum rc verify(struct token_keys *keys, const char *text, struct utime at) {
  struct token token;
  struct error err;
  return token_verify(keys, TOKEN_ACCESS, text, at, &token, &err);
}

Test(token, what_was_signed_is_read_again) {
  struct token_keys *keys = keys_of(SECRET);
  struct token token = ada(), read;
  struct error err;
  const char *text = token_sign(keys, TOKEN_ACCESS, &token, now, test_arena());
  for (int i = 0; i < 2; i++) { /* verified, then remembered */
    cr_assert_eq(token_verify(keys, TOKEN_ACCESS, text, now, &read, &err), RC_OK);
    cr_expect(uuid_equal(&read.user, &token.user) && uuid_equal(&read.tenant, &token.tenant) &&
              uuid_equal(&read.session, &token.session));
    cr_expect_str_eq(read.email, token.email);
    cr_expect_str_eq(read.role, token.role);
  }
  token_keys_free(keys);
}

Test(token, expires_also_when_it_is_remembered) {
  struct token_keys *keys = keys_of(SECRET);
  struct token token = ada();
  const char *text = token_sign(keys, TOKEN_ACCESS, &token, now, test_arena());
  cr_expect_eq(verify(keys, text, now), RC_OK);
  cr_expect_eq(verify(keys, text, (struct utime){now.us + 59 * UTIME_SECOND}), RC_OK);
  cr_expect_eq(verify(keys, text, token.expires_at), RC_TOKEN_EXPIRED);
  token_keys_free(keys);
}

Test(token, a_refresh_token_is_no_access_token) {
  struct token_keys *keys = keys_of(SECRET);
  struct token token = ada(), read;
  struct error err;
  const char *refresh = token_sign(keys, TOKEN_REFRESH, &token, now, test_arena());
  const char *access = token_sign(keys, TOKEN_ACCESS, &token, now, test_arena());
  cr_expect_eq(verify(keys, refresh, now), RC_UNAUTHORIZED);
  cr_expect_eq(token_verify(keys, TOKEN_REFRESH, access, now, &read, &err), RC_UNAUTHORIZED);
  cr_expect_eq(token_verify(keys, TOKEN_REFRESH, refresh, now, &read, &err), RC_OK);
  token_keys_free(keys);
}

Test(token, another_s_key_is_refused) {
  struct token_keys *keys = keys_of(SECRET), *others = keys_of(OTHER_SECRET);
  struct token token = ada();
  cr_expect_eq(verify(keys, token_sign(others, TOKEN_ACCESS, &token, now, test_arena()), now), RC_UNAUTHORIZED);
  token_keys_free(keys);
  token_keys_free(others);
}

Test(token, a_changed_byte_is_refused) {
  struct token_keys *keys = keys_of(SECRET);
  struct token token = ada();
  const char *text = token_sign(keys, TOKEN_ACCESS, &token, now, test_arena());
  size_t length = strlen(text);
  for (size_t i = 0; i + 1 < length; i += 7) { /* the last character has bits that count for nothing */
    char *changed = arena_strdup(test_arena(), text);
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    cr_expect_eq(verify(keys, changed, now), RC_UNAUTHORIZED, "byte %zu", i);
  }
  token_keys_free(keys);
}

/* ---- forged ones, made by hand ---- */

static const char *base64url(const char *text, size_t length) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  char *encoded = arena_alloc(test_arena(), length * 2 + 8), *to = encoded;
  unsigned bits = 0;
  int held = 0;
  for (size_t i = 0; i < length; i++) {
    bits = (bits << 8 | (unsigned char)text[i]) & 0xFFFFFF;
    for (held += 8; held >= 6; held -= 6) *to++ = digits[bits >> (held - 6) & 63];
  }
  if (held > 0) *to++ = digits[bits << (6 - held) & 63];
  return encoded;
}

/* Signed with the right key, whatever it says. */
static const char *forge(const char *header, const char *claims) {
  uint8_t mac[SHA256_BYTES];
  const char *head =
      arena_printf(test_arena(), "%s.%s", base64url(header, strlen(header)), base64url(claims, strlen(claims)));
  hmac_sha256(SECRET, strlen(SECRET), head, strlen(head), mac);
  return arena_printf(test_arena(), "%s.%s", head, base64url((const char *)mac, sizeof mac));
}

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"default\"}"
#define IDS                                                                                                 \
  "\"sub\":\"01980c5e-7a10-7c3a-9d41-3f2b6c1a9e01\",\"tenantId\":\"01980c5e-7a10-7c3a-9d41-3f2b6c1a9e02\"," \
  "\"sid\":\"01980c5e-7a10-7c3a-9d41-3f2b6c1a9e03\",\"jti\":\"01980c5e-7a10-7c3a-9d41-3f2b6c1a9e04\""
#define WHO    "\"email\":\"a@b.c\",\"role\":\"ADMIN\""
#define FROM   "\"iss\":\"cloudbill\",\"aud\":\"cloudbill-api\""
#define TIMES  "\"iat\":1800000000,\"exp\":1800000060"
#define CLAIMS "{" IDS "," WHO "," FROM "," TIMES "}"

static const struct {
  const char *header, *claims;
  enum rc rc;
} forged[] = {
    {HEADER, CLAIMS, RC_OK},
    {"{\"alg\":\"HS256\"}", CLAIMS, RC_OK}, /* one key: no kid is needed */
    {HEADER, "{" IDS "," WHO ",\"iss\":\"cloudbill\",\"aud\":[\"x\",\"cloudbill-api\"]," TIMES "}", RC_OK},
    {"{\"alg\":\"none\",\"kid\":\"default\"}", CLAIMS, RC_UNAUTHORIZED},
    {"{\"alg\":\"HS384\",\"kid\":\"default\"}", CLAIMS, RC_UNAUTHORIZED},
    {"{\"alg\":\"RS256\",\"kid\":\"default\"}", CLAIMS, RC_UNAUTHORIZED},
    {"{\"kid\":\"default\"}", CLAIMS, RC_UNAUTHORIZED},
    {"{\"alg\":\"HS256\",\"kid\":\"other\"}", CLAIMS, RC_UNAUTHORIZED},
    {"{\"alg\":\"HS256\",\"kid\":7}", CLAIMS, RC_UNAUTHORIZED},
    {"[]", CLAIMS, RC_UNAUTHORIZED},
    {HEADER, "[]", RC_UNAUTHORIZED},
    {HEADER, "{}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS "," WHO "," FROM ",\"iat\":1800000000}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS "," WHO "," FROM ",\"exp\":1800000060}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS "," WHO "," FROM ",\"iat\":1800000000,\"exp\":\"1800000060\"}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS "," WHO "," FROM ",\"iat\":1799999000,\"exp\":1799999999}", RC_TOKEN_EXPIRED},
    {HEADER, "{\"exp\":1799999999,\"iat\":1}", RC_TOKEN_EXPIRED},
    {HEADER, "{" IDS "," WHO "," FROM ",\"iat\":1800001000,\"exp\":1800002000}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS "," WHO "," FROM "," TIMES ",\"nbf\":1800001000}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS "," WHO ",\"aud\":\"cloudbill-api\"," TIMES "}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS "," WHO ",\"iss\":\"other\",\"aud\":\"cloudbill-api\"," TIMES "}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS "," WHO ",\"iss\":\"cloudbill\"," TIMES "}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS "," WHO ",\"iss\":\"cloudbill\",\"aud\":[\"x\"]," TIMES "}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS ",\"email\":\"a@b.c\"," FROM "," TIMES "}", RC_UNAUTHORIZED},
    {HEADER, "{" WHO "," FROM "," TIMES "}", RC_UNAUTHORIZED},
    {HEADER, "{" IDS "," WHO "," FROM ",\"iat\":1800000000,\"exp\":9223372036854775807}", RC_UNAUTHORIZED},
};

Test(token, each_claim_is_checked_and_a_missing_one_is_a_failure) {
  struct token_keys *keys = keys_of(SECRET);
  for (size_t i = 0; i < ROWS(forged); i++)
    cr_expect_eq(verify(keys, forge(forged[i].header, forged[i].claims), now), forged[i].rc, "row %zu", i);
  token_keys_free(keys);
}

Test(token, deep_nesting_is_refused_before_it_is_parsed) {
  struct token_keys *keys = keys_of(SECRET);
  char deep[1200];
  memset(deep, '[', sizeof deep - 1);
  deep[sizeof deep - 1] = '\0';
  cr_expect_eq(verify(keys, forge(HEADER, deep), now), RC_UNAUTHORIZED);
  cr_expect_eq(verify(keys, forge(deep, CLAIMS), now), RC_UNAUTHORIZED);
  token_keys_free(keys);
}

Test(token, junk_is_refused) {
  struct token_keys *keys = keys_of(SECRET);
  char long_one[TOKEN_BYTES_MAX + 10];
  memset(long_one, 'a', sizeof long_one - 1);
  long_one[sizeof long_one - 1] = '\0';
  const char *const junk[] = {"", ".", "..", "...", "a.b.c", "a.b", "a.b.c.d", "é.é.é", long_one};
  for (size_t i = 0; i < ROWS(junk); i++) cr_expect_eq(verify(keys, junk[i], now), RC_UNAUTHORIZED, "row %zu", i);
  token_keys_free(keys);
}

/* ---- keys ---- */

static const char *keys_file(const char *text) {
  char *path = arena_strdup(test_arena(), "/tmp/cloudbill-keys-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
  return path;
}

Test(token, several_keys_verify_and_the_first_signs) {
  struct token_keys *old = NULL, *both = NULL;
  struct error err;
  struct token token = ada();
  const char *old_file = keys_file("# rotation\nk1 " SECRET "\n");
  const char *both_file = keys_file("k2 " OTHER_SECRET "\nk1 " SECRET "\n");
  cr_assert_eq(token_keys_new("", old_file, &old, &err), RC_OK);
  cr_assert_eq(token_keys_new("", both_file, &both, &err), RC_OK);
  cr_expect_eq(verify(both, token_sign(old, TOKEN_ACCESS, &token, now, test_arena()), now), RC_OK);
  cr_expect_eq(verify(old, token_sign(both, TOKEN_ACCESS, &token, now, test_arena()), now), RC_UNAUTHORIZED);
  token_keys_free(old);
  token_keys_free(both);
  unlink(old_file);
  unlink(both_file);
}

Test(token, bad_keys_are_a_wrong_setting) {
  static const char *const files[] = {"", "# none\n", "k1 short\n", "k1\n", (" " SECRET "\n")};
  struct token_keys *keys = NULL;
  struct error err;
  for (size_t i = 0; i < ROWS(files); i++) {
    const char *path = keys_file(files[i]);
    cr_expect_eq(token_keys_new("", path, &keys, &err), RC_INVALID_SETTING, "row %zu", i);
    cr_expect_str_eq(err.field, "JWT_KEYS_FILE");
    unlink(path);
  }
  cr_expect_eq(token_keys_new("", "/nowhere/at/all", &keys, &err), RC_INVALID_SETTING);
  cr_expect_eq(token_keys_new("", "", &keys, &err), RC_INVALID_SETTING);
  cr_expect_str_eq(err.field, "JWT_SECRET");
}
