/* libjwt signs and verifies; what it leaves to its caller is done here: the key is chosen by the kid of a header that
 * names our one algorithm, before anything is verified; each claim is checked, and one that is missing is a failure. It
 * also parses before it verifies, so what a stranger sent is scanned for depth first. */
#include "token.h"

#include <errno.h>
#include <jansson.h>
#include <jwt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json_text.h"

enum { KEYS_MAX = 8, KID_MAX = 32, SECRET_MIN = 32, SECRET_MAX = 512, CACHE_SLOTS = 1024, CACHE_MS = 60000 };

#define ISSUER "cloudbill"
static const char *const audiences[] = {[TOKEN_ACCESS] = "cloudbill-api", [TOKEN_REFRESH] = "cloudbill-refresh"};

struct key {
  char kid[KID_MAX + 1];
  char secret[SECRET_MAX + 1];
};

struct remembered {
  uint8_t digest[SHA256_BYTES];
  struct token token;
  struct utime until;
};

struct token_keys {
  size_t count;
  struct key keys[KEYS_MAX];
  pthread_mutex_t lock; /* of the cache */
  struct remembered *cache;
};

/* ---- keys ---- */

static enum rc add_key(struct token_keys *keys, const char *kid, const char *secret, const char *setting,
                       struct error *err) {
  size_t kid_length = strlen(kid), secret_length = strlen(secret);
  if (keys->count == KEYS_MAX) return error_field(err, RC_INVALID_SETTING, setting, "%s: too many keys", setting);
  if (kid_length == 0 || kid_length > KID_MAX || secret_length < SECRET_MIN || secret_length > SECRET_MAX)
    return error_field(err, RC_INVALID_SETTING, setting, "%s: a key needs a kid and a secret of %d to %d bytes",
                       setting, SECRET_MIN, SECRET_MAX);
  struct key *key = &keys->keys[keys->count++];
  memcpy(key->kid, kid, kid_length + 1);
  memcpy(key->secret, secret, secret_length + 1);
  return RC_OK;
}

static enum rc read_keys_file(struct token_keys *keys, const char *path, struct error *err) {
  static const char setting[] = "JWT_KEYS_FILE";
  FILE *file = fopen(path, "re");
  if (!file) return error_field(err, RC_INVALID_SETTING, setting, "%s cannot be read: %s", setting, strerror(errno));
  char line[KID_MAX + SECRET_MAX + 8];
  enum rc rc = RC_OK;
  while (rc == RC_OK && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#') continue;
    char *space = strchr(line, ' ');
    if (space) *space = '\0';
    rc = add_key(keys, line, space ? space + 1 : "", setting, err);
  }
  fclose(file);
  if (rc != RC_OK) return rc;
  return keys->count > 0 ? RC_OK : error_field(err, RC_INVALID_SETTING, setting, "%s holds no key", setting);
}

enum rc token_keys_new(const char *secret, const char *file, struct token_keys **ret_keys, struct error *err) {
  struct token_keys *keys = calloc(1, sizeof *keys);
  ASSERT(keys);
  pthread_mutex_init(&keys->lock, NULL);
  keys->cache = calloc(CACHE_SLOTS, sizeof *keys->cache);
  ASSERT(keys->cache);
  enum rc rc = RC_OK;
  if (file[0])
    rc = read_keys_file(keys, file, err);
  else
    rc = secret[0] ? add_key(keys, "default", secret, "JWT_SECRET", err)
                   : error_field(err, RC_INVALID_SETTING, "JWT_SECRET", "JWT_SECRET or JWT_KEYS_FILE must be given");
  if (rc == RC_OK)
    *ret_keys = keys;
  else
    token_keys_free(keys);
  return rc;
}

void token_keys_free(struct token_keys *keys) {
  if (!keys) return;
  explicit_bzero(keys->keys, sizeof keys->keys);
  free(keys->cache);
  pthread_mutex_destroy(&keys->lock);
  free(keys);
}

static const struct key *find_key(const struct token_keys *keys, const char *kid) {
  for (size_t i = 0; i < keys->count; i++)
    if (strcmp(keys->keys[i].kid, kid) == 0) return &keys->keys[i];
  return NULL;
}

/* ---- signing ---- */

static void jwt_release(jwt_t **jwt) {
  if (*jwt) jwt_free(*jwt);
  *jwt = NULL;
}

static void add_text(jwt_t *jwt, const char *name, const char *value) {
  ASSERT(jwt_add_grant(jwt, name, value) == 0);
}

static void add_id(jwt_t *jwt, const char *name, const struct uuid *id) {
  char text[UUID_TEXT_MAX];
  add_text(jwt, name, uuid_format(id, text));
}

static void add_time(jwt_t *jwt, const char *name, int64_t seconds) {
  ASSERT(jwt_add_grant_int(jwt, name, (long)seconds) == 0);
}

const char *token_sign(const struct token_keys *keys, enum token_use use, const struct token *token, struct utime now,
                       struct arena *arena) {
  const struct key *key = &keys->keys[0];
  jwt_t CLEANUP(jwt_release) *jwt = NULL;
  ASSERT(jwt_new(&jwt) == 0);
  struct uuid id = uuid_new();
  int64_t now_s = now.us / UTIME_SECOND;
  add_text(jwt, "iss", ISSUER);
  add_text(jwt, "aud", audiences[use]);
  add_id(jwt, "sub", &token->user);
  add_id(jwt, "tenantId", &token->tenant);
  add_id(jwt, "sid", &token->session);
  add_id(jwt, "jti", &id);
  if (use == TOKEN_ACCESS) {
    add_text(jwt, "email", token->email);
    add_text(jwt, "role", token->role);
  }
  add_time(jwt, "iat", now_s);
  add_time(jwt, "exp", token->expires_at.us / UTIME_SECOND);
  ASSERT(jwt_add_header(jwt, "kid", key->kid) == 0);
  ASSERT(jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)key->secret, (int)strlen(key->secret)) == 0);
  char *text = jwt_encode_str(jwt);
  ASSERT(text);
  const char *copy = arena_strdup(arena, text);
  free(text);
  return copy;
}

/* ---- reading what a stranger sent ---- */

static int base64url_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Length, or -1. */
static int base64url_decode(const char *text, size_t length, char *bytes) {
  unsigned bits = 0;
  int held = 0, count = 0;
  for (size_t i = 0; i < length; i++) {
    int value = base64url_value(text[i]);
    if (value < 0) return -1;
    bits = (bits << 6 | (unsigned)value) & 0xFFFFFF;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[count++] = (char)(bits >> held & 0xFF);
  }
  return count;
}

/* A segment as JSON object, its depth checked; NULL otherwise. */
static json_t *segment_json(const char *segment, size_t length) {
  char text[TOKEN_BYTES_MAX];
  int decoded = base64url_decode(segment, length, text);
  if (decoded <= 0) return NULL;
  struct error ignored;
  struct buf CLEANUP(buf_release) scan;
  buf_init(&scan, (size_t)8 * TOKEN_BYTES_MAX);
  if (json_exact(text, (size_t)decoded, &scan, &ignored) != RC_OK) return NULL;
  json_t *json = json_loadb(text, (size_t)decoded, JSON_REJECT_DUPLICATES, NULL);
  if (json_is_object(json)) return json;
  json_decref(json);
  return NULL;
}

static bool member_is(json_t *object, const char *name, const char *expected) {
  const char *value = json_string_value(json_object_get(object, name));
  return value && strcmp(value, expected) == 0;
}

static bool read_id(json_t *claims, const char *name, struct uuid *ret_id) {
  const char *value = json_string_value(json_object_get(claims, name));
  return value && uuid_parse(value, ret_id);
}

static bool read_text(json_t *claims, const char *name, char *ret_text, size_t size) {
  const char *value = json_string_value(json_object_get(claims, name));
  if (!value || strlen(value) >= size) return false;
  memcpy(ret_text, value, strlen(value) + 1);
  return true;
}

/* RFC 7519 4.1.3: one text, or an array of them. */
static bool audience_is(json_t *claims, const char *expected) {
  json_t *audience = json_object_get(claims, "aud"), *one;
  size_t i;
  if (json_is_string(audience)) return strcmp(json_string_value(audience), expected) == 0;
  json_array_foreach(audience, i, one) {
    if (json_is_string(one) && strcmp(json_string_value(one), expected) == 0) return true;
  }
  return false;
}

/* exp, iat and, when there, nbf. */
static enum rc check_times(json_t *claims, struct utime now, struct error *err) {
  json_t *expires = json_object_get(claims, "exp"), *issued = json_object_get(claims, "iat");
  json_t *not_before = json_object_get(claims, "nbf");
  json_int_t now_s = now.us / UTIME_SECOND;
  if (!json_is_integer(expires) || !json_is_integer(issued)) return error_set(err, RC_UNAUTHORIZED, NULL);
  if (json_integer_value(expires) <= now_s) return error_set(err, RC_TOKEN_EXPIRED, NULL);
  if (json_integer_value(issued) > now_s + TOKEN_CLOCK_SKEW_S) return error_set(err, RC_UNAUTHORIZED, NULL);
  if (not_before && (!json_is_integer(not_before) || json_integer_value(not_before) > now_s + TOKEN_CLOCK_SKEW_S))
    return error_set(err, RC_UNAUTHORIZED, NULL);
  return RC_OK;
}

static enum rc read_claims(json_t *claims, enum token_use use, struct utime now, struct token *ret_token,
                           struct error *err) {
  struct token token = {0};
  struct uuid jti;
  TRY(check_times(claims, now, err));
  bool good = member_is(claims, "iss", ISSUER) && audience_is(claims, audiences[use]) &&
              read_id(claims, "sub", &token.user) && read_id(claims, "tenantId", &token.tenant) &&
              read_id(claims, "sid", &token.session) && read_id(claims, "jti", &jti);
  if (good && use == TOKEN_ACCESS)
    good = read_text(claims, "email", token.email, sizeof token.email) &&
           read_text(claims, "role", token.role, sizeof token.role);
  if (!good) return error_set(err, RC_UNAUTHORIZED, NULL);
  int64_t expires_s = json_integer_value(json_object_get(claims, "exp"));
  if (expires_s > INT64_MAX / UTIME_SECOND) return error_set(err, RC_UNAUTHORIZED, NULL);
  token.expires_at = (struct utime){expires_s * UTIME_SECOND};
  *ret_token = token;
  return RC_OK;
}

/* By the header's kid (a token without one: the only key). NULL unless it says HS256. */
static const struct key *key_of(const struct token_keys *keys, const char *text, size_t header_length) {
  json_auto_t *header = segment_json(text, header_length);
  if (!header || !member_is(header, "alg", "HS256")) return NULL;
  json_t *kid = json_object_get(header, "kid");
  if (!kid) return keys->count == 1 ? &keys->keys[0] : NULL;
  return json_is_string(kid) ? find_key(keys, json_string_value(kid)) : NULL;
}

static bool signature_is_right(const char *text, const struct key *key) {
  jwt_t CLEANUP(jwt_release) *jwt = NULL;
  if (jwt_decode(&jwt, text, (const unsigned char *)key->secret, (int)strlen(key->secret)) != 0) return false;
  return jwt_get_alg(jwt) == JWT_ALG_HS256;
}

static enum rc verify(const struct token_keys *keys, enum token_use use, const char *text, struct utime now,
                      struct token *ret_token, struct error *err) {
  const char *first_dot = strchr(text, '.'), *second_dot = first_dot ? strchr(first_dot + 1, '.') : NULL;
  if (!second_dot || strchr(second_dot + 1, '.')) return error_set(err, RC_UNAUTHORIZED, NULL);
  const struct key *key = key_of(keys, text, (size_t)(first_dot - text));
  json_auto_t *claims = segment_json(first_dot + 1, (size_t)(second_dot - first_dot) - 1);
  if (!key || !claims || !signature_is_right(text, key)) return error_set(err, RC_UNAUTHORIZED, NULL);
  return read_claims(claims, use, now, ret_token, err);
}

/* ---- the cache ---- */

static struct remembered *slot_of(struct token_keys *keys, const uint8_t digest[static SHA256_BYTES]) {
  return &keys->cache[(digest[0] << 8 | digest[1]) % CACHE_SLOTS];
}

static bool recall(struct token_keys *keys, const uint8_t digest[static SHA256_BYTES], struct utime now,
                   struct token *ret_token) {
  pthread_mutex_lock(&keys->lock);
  const struct remembered *slot = slot_of(keys, digest);
  bool found = slot->until.us > now.us && memcmp(slot->digest, digest, SHA256_BYTES) == 0;
  if (found) *ret_token = slot->token;
  pthread_mutex_unlock(&keys->lock);
  return found;
}

static void remember(struct token_keys *keys, const uint8_t digest[static SHA256_BYTES], struct utime now,
                     const struct token *token) {
  struct utime until = utime_add_ms(now, CACHE_MS);
  if (until.us > token->expires_at.us) until = token->expires_at;
  pthread_mutex_lock(&keys->lock);
  struct remembered *slot = slot_of(keys, digest);
  memcpy(slot->digest, digest, SHA256_BYTES);
  slot->token = *token;
  slot->until = until;
  pthread_mutex_unlock(&keys->lock);
}

enum rc token_verify(struct token_keys *keys, enum token_use use, const char *text, struct utime now,
                     struct token *ret_token, struct error *err) {
  size_t length = strnlen(text, TOKEN_BYTES_MAX);
  if (length == TOKEN_BYTES_MAX) return error_set(err, RC_UNAUTHORIZED, NULL);
  if (use != TOKEN_ACCESS) return verify(keys, use, text, now, ret_token, err);
  uint8_t digest[SHA256_BYTES];
  sha256(text, length, digest);
  if (recall(keys, digest, now, ret_token)) return RC_OK;
  TRY(verify(keys, use, text, now, ret_token, err));
  remember(keys, digest, now, ret_token);
  return RC_OK;
}
