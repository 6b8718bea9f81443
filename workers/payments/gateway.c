/* HTTP to the gateway. Easy handles are made once and used again and again; the connections belong to the multi handle.
 * What curl reports is sorted here into arrived, lost, or never sent; what it means is answer.c's. */
#include "gateway.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "runtime/runtime.h"

enum { ANSWER_BYTES_MAX = 1024 * 1024, GATHER_MS = 2, URL_MAX = 4096, KEEP_ALIVE_IDLE_S = 30, HEADER_MAX = 512 };

struct call {
  CURL *easy;
  struct curl_slist *headers;
  struct buf body;
  struct gateway_question question;
  struct mono began;
  void *opaque;
  bool is_busy;
};

struct gateway {
  CURLM *multi;
  char *url, *authorization;
  int64_t timeout_ms;
  struct call *calls;
  size_t capacity, busy;
};

static size_t keep_body(char *bytes, size_t size, size_t count, void *context) {
  struct buf *body = context;
  buf_append(body, bytes, size * count);
  return buf_ok(body) ? size * count : 0; /* anything else ends the transfer: the answer is not one of ours */
}

static char *join(const char *a, const char *b) {
  char *both = NULL;
  int length = asprintf(&both, "%s%s", a, b);
  ASSERT(length >= 0);
  return both;
}

/* An option that curl does not take is a bug of ours or of the build. */
#define SET(easy, option, value) ASSERT(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

static void call_init(struct gateway *gateway, struct call *call) {
  call->easy = curl_easy_init();
  ASSERT(call->easy);
  buf_init(&call->body, ANSWER_BYTES_MAX);
  SET(call->easy, CURLOPT_PROTOCOLS_STR, "http,https");
  SET(call->easy, CURLOPT_FOLLOWLOCATION, 0L);
  SET(call->easy, CURLOPT_NOSIGNAL, 1L);
  SET(call->easy, CURLOPT_PROXY, "");
  SET(call->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  SET(call->easy, CURLOPT_TIMEOUT_MS, (long)gateway->timeout_ms);
  SET(call->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)gateway->timeout_ms);
  SET(call->easy, CURLOPT_TCP_KEEPALIVE, 1L);
  SET(call->easy, CURLOPT_TCP_KEEPIDLE, (long)KEEP_ALIVE_IDLE_S);
  SET(call->easy, CURLOPT_WRITEFUNCTION, keep_body);
  SET(call->easy, CURLOPT_WRITEDATA, &call->body);
  SET(call->easy, CURLOPT_PRIVATE, call);
}

enum rc gateway_new(const struct gateway_options *options, struct gateway **ret_gateway, struct error *err) {
  struct gateway *gateway = calloc(1, sizeof *gateway);
  ASSERT(gateway && options->concurrency > 0);
  gateway->multi = curl_multi_init();
  if (!gateway->multi) {
    free(gateway);
    return error_set(err, RC_BUG, "curl has no multi handle");
  }
  gateway->timeout_ms = options->timeout_ms;
  gateway->capacity = options->concurrency;
  gateway->url = join("", options->url);
  gateway->authorization = join("Authorization: Bearer ", options->secret_key);
  gateway->calls = calloc(gateway->capacity, sizeof *gateway->calls);
  ASSERT(gateway->calls);
  for (size_t i = 0; i < gateway->capacity; i++) call_init(gateway, &gateway->calls[i]);
  curl_multi_setopt(gateway->multi, CURLMOPT_MAXCONNECTS, (long)gateway->capacity);
  *ret_gateway = gateway;
  return RC_OK;
}

static void call_end(struct gateway *gateway, struct call *call) {
  if (!call->is_busy) return;
  curl_multi_remove_handle(gateway->multi, call->easy);
  curl_slist_free_all(call->headers);
  call->headers = NULL;
  call->is_busy = false;
  gateway->busy--;
}

void gateway_free(struct gateway *gateway) {
  if (!gateway) return;
  for (size_t i = 0; i < gateway->capacity; i++) {
    struct call *call = &gateway->calls[i];
    call_end(gateway, call);
    curl_easy_cleanup(call->easy);
    buf_release(&call->body);
  }
  curl_multi_cleanup(gateway->multi);
  free(gateway->calls);
  free(gateway->url);
  free(gateway->authorization);
  free(gateway);
}

/* -- asking -- */

static void add_header(struct call *call, const char *header) {
  struct curl_slist *headers = curl_slist_append(call->headers, header);
  ASSERT(headers);
  call->headers = headers;
}

static void set_headers(struct gateway *gateway, struct call *call) {
  char key[HEADER_MAX];
  add_header(call, gateway->authorization);
  add_header(call, "Stripe-Version: " GATEWAY_API_VERSION);
  add_header(call, "Expect:"); /* no pause before the body */
  if (gateway_ask_changes(call->question.ask)) {
    ASSERT(*call->question.key);
    (void)snprintf(key, sizeof key, "Idempotency-Key: %s", call->question.key);
    add_header(call, key);
  }
  SET(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_request(struct gateway *gateway, struct call *call) {
  struct buf CLEANUP(buf_release) url, CLEANUP(buf_release) form;
  buf_init(&url, URL_MAX);
  buf_init(&form, GATEWAY_REQUEST_MAX);
  buf_text_append(&url, gateway->url);
  question_write(&call->question, &url, &form);
  ASSERT(buf_ok(&url) && buf_ok(&form));
  SET(call->easy, CURLOPT_URL, buf_text(&url));
  if (strcmp(gateway_ask_verb(call->question.ask), "POST") == 0) {
    SET(call->easy, CURLOPT_POSTFIELDSIZE, (long)form.length);
    SET(call->easy, CURLOPT_COPYPOSTFIELDS, buf_text(&form));
  } else {
    SET(call->easy, CURLOPT_HTTPGET, 1L);
  }
}

static struct call *idle_call(struct gateway *gateway) {
  for (size_t i = 0; i < gateway->capacity; i++)
    if (!gateway->calls[i].is_busy) return &gateway->calls[i];
  assert_failed("room for a question", __FILE__, __LINE__);
}

void gateway_ask(struct gateway *gateway, const struct gateway_question *question, void *opaque) {
  struct call *call = idle_call(gateway);
  call->question = *question;
  call->opaque = opaque;
  call->began = mono_now();
  call->is_busy = true;
  gateway->busy++;
  buf_clear(&call->body);
  set_headers(gateway, call);
  set_request(gateway, call);
  CURLMcode added = curl_multi_add_handle(gateway->multi, call->easy);
  ASSERT(added == CURLM_OK);
}

/* -- answers -- */

/* Did a byte of the request leave? Only what never had a connection surely did not. */
static enum reply_fate fate_of(CURL *easy, CURLcode code) {
  curl_off_t ready_us = 0;
  switch ((int)code) {
  case CURLE_OK: return REPLY_ARRIVED;
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_CONNECT:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION: return REPLY_NOT_SENT;
  default: break;
  }
  if (curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us) != CURLE_OK) return REPLY_LOST;
  return ready_us == 0 ? REPLY_NOT_SENT : REPLY_LOST;
}

static void count(const struct call *call, const struct gateway_answer *answer) {
  char labels[96];
  (void)snprintf(labels, sizeof labels, "question=\"%s\",outcome=\"%s\"", gateway_ask_name(call->question.ask),
                 answer_outcome_name(answer->outcome));
  metric_add("gateway_questions_total", labels, 1);
  metric_add("gateway_milliseconds_total", "", mono_ms_since(call->began));
  /* A declined card is the bank's business; no clear answer is ours. */
  if (answer->outcome != ANSWER_UNKNOWN && answer->outcome != ANSWER_NOT_ASKED) return;
  LOG(LOG_WARN, "gateway.unclear", LOG_TEXT("question", gateway_ask_name(call->question.ask)),
      LOG_TEXT("outcome", answer_outcome_name(answer->outcome)), LOG_TEXT("code", answer->code),
      LOG_TEXT("key", call->question.key), LOG_INT("took_ms", mono_ms_since(call->began)));
}

static void read_answer(struct call *call, CURLcode code, struct gateway_answer *ret_answer) {
  struct gateway_reply reply = {.fate = fate_of(call->easy, code),
                                .trouble = curl_easy_strerror(code),
                                .body = buf_text(&call->body),
                                .length = call->body.length};
  curl_off_t retry_after_s = 0;
  if (curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &reply.http_status) != CURLE_OK) reply.http_status = 0;
  if (curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK)
    reply.retry_after_s = retry_after_s;
  answer_read(&call->question, &reply, ret_answer);
  count(call, ret_answer);
}

static size_t collect(struct gateway *gateway, struct gateway_result *ret_results, size_t max) {
  size_t collected = 0;
  int left;
  CURLMsg *message;
  while (collected < max && (message = curl_multi_info_read(gateway->multi, &left))) {
    struct call *call = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode code = message->data.result; /* the message is gone once the handle is removed */
    CURLcode known = curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
    ASSERT(known == CURLE_OK && call && call->is_busy);
    read_answer(call, code, &ret_results[collected].answer);
    ret_results[collected++].opaque = call->opaque;
    call_end(gateway, call);
  }
  return collected;
}

static size_t work_on(struct gateway *gateway, int timeout_ms, struct gateway_result *ret_results, size_t max) {
  int running;
  CURLMcode code = curl_multi_perform(gateway->multi, &running);
  ASSERT(code == CURLM_OK);
  size_t collected = collect(gateway, ret_results, max);
  if (collected > 0 || timeout_ms <= 0 || gateway->busy == 0) return collected;
  code = curl_multi_poll(gateway->multi, NULL, 0, timeout_ms, NULL);
  ASSERT(code == CURLM_OK);
  code = curl_multi_perform(gateway->multi, &running);
  ASSERT(code == CURLM_OK);
  return collect(gateway, ret_results, max);
}

size_t gateway_wait(struct gateway *gateway, int timeout_ms, struct gateway_result *ret_results, size_t max) {
  struct mono start = mono_now();
  size_t collected = 0;
  while (collected == 0 && gateway->busy > 0 && mono_ms_since(start) < timeout_ms)
    collected = work_on(gateway, timeout_ms - (int)mono_ms_since(start), ret_results, max);
  for (start = mono_now(); collected > 0 && collected < max && gateway->busy > 0 && mono_ms_since(start) < GATHER_MS;)
    collected += work_on(gateway, 1, ret_results + collected, max - collected);
  return collected;
}
