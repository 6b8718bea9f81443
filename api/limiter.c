/* Fixed windows: whoever touches a counter first makes it, with its end; nobody changes one that might have none. */
#include "limiter.h"

#include <ctype.h>
#include <string.h>

#include "base/digest.h"
#include "redis.h"

enum { KEY_MAX = 160 };

/* The counter at zero, unless it is there: INCR and DECR make one that never ends. */
static void queue_make(struct redis_link *redis, const char *key, int64_t window_s) {
  redis_queue(redis, "SET %s 0 EX %lld NX", key, (long long)window_s);
}

/* Counts one hit; false when Redis is away. */
static bool hit(struct redis_link *redis, const char *key, int64_t window_s, int64_t *ret_count, int64_t *ret_left_s) {
  queue_make(redis, key, window_s);
  redis_queue(redis, "INCR %s", key);
  redis_queue(redis, "TTL %s", key);
  redisReply CLEANUP(redis_reply_release) *made = redis_collect(redis);
  redisReply CLEANUP(redis_reply_release) *count = redis_collect(redis);
  redisReply CLEANUP(redis_reply_release) *left = redis_collect(redis);
  (void)made;
  if (!count || !left || count->type != REDIS_REPLY_INTEGER || left->type != REDIS_REPLY_INTEGER) return false;
  *ret_count = count->integer;
  *ret_left_s = left->integer > 0 ? left->integer : window_s;
  return true;
}

enum rc limiter_count_request(struct request *request, struct error *err) {
  int64_t limit = request->api->settings.rate_limit_per_minute, count, left_s;
  if (limit == 0) return RC_OK;
  char key[KEY_MAX];
  snprintf(key, sizeof key, "cloudbill:rate:%s:%lld", request->address,
           (long long)(request->now.us / (60 * UTIME_SECOND)));
  if (!hit(request->redis, key, 60, &count, &left_s)) return RC_OK;
  int64_t reset_s = 60 - request->now.us / UTIME_SECOND % 60;
  request->rate = (struct rate){.limit = limit, .remaining = count < limit ? limit - count : 0, .reset_s = reset_s};
  if (count <= limit) return RC_OK;
  return error_set(err, RC_RATE_LIMITED, "more than %lld requests in a minute", (long long)limit);
}

/* Keys say nothing of the address that was typed. */
static void login_keys(const struct request *request, const char *email, char account[static KEY_MAX],
                       char address[static KEY_MAX]) {
  char folded[256], digest[SHA256_HEX_MAX];
  size_t length = strnlen(email, sizeof folded - 1);
  for (size_t i = 0; i < length; i++) folded[i] = (char)tolower((unsigned char)email[i]);
  sha256_hex(folded, length, digest);
  snprintf(account, KEY_MAX, "cloudbill:login:%.32s:%s", digest, request->address);
  snprintf(address, KEY_MAX, "cloudbill:login:%s", request->address);
}

enum rc limiter_count_login(struct request *request, const char *email, struct error *err) {
  char account[KEY_MAX], address[KEY_MAX];
  int64_t of_account, of_address, account_left_s, address_left_s;
  login_keys(request, email, account, address);
  if (!hit(request->redis, account, LOGIN_WINDOW_S, &of_account, &account_left_s) ||
      !hit(request->redis, address, LOGIN_WINDOW_S, &of_address, &address_left_s))
    return RC_OK;
  if (of_account <= LOGIN_ACCOUNT_MAX && of_address <= LOGIN_ADDRESS_MAX) return RC_OK;
  request->rate = (struct rate){.limit = of_account > LOGIN_ACCOUNT_MAX ? LOGIN_ACCOUNT_MAX : LOGIN_ADDRESS_MAX,
                                .reset_s = of_account > LOGIN_ACCOUNT_MAX ? account_left_s : address_left_s};
  return error_set(err, RC_RATE_LIMITED, "too many failed logins");
}

/* The windows may have ended since the attempt was counted. */
void limiter_forgive_login(struct request *request, const char *email) {
  enum { KEYS = 2, REPLIES_PER_KEY = 2 };
  char keys[KEYS][KEY_MAX];
  login_keys(request, email, keys[0], keys[1]);
  for (int i = 0; i < KEYS; i++) {
    queue_make(request->redis, keys[i], LOGIN_WINDOW_S);
    redis_queue(request->redis, "DECR %s", keys[i]);
  }
  for (int i = 0; i < KEYS * REPLIES_PER_KEY; i++) {
    redisReply CLEANUP(redis_reply_release) *reply = redis_collect(request->redis);
    (void)reply;
  }
}
