/* One thread, a few requests in flight. An answer of 2xx is delivery; anything else is tried again after a pause that
 * grows, SEND_TRIES times in all. Each try is signed anew with its own time. */
#include "sender.h"

#include <curl/curl.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "base/log.h"
#include "gateway.h"
#include "handlers.h"

enum { SEND_FLIGHTS = 8, SEND_TRIES = 5, SEND_TIMEOUT_MS = 5000, SEND_IDLE_MS = 50, SEND_PAUSE_MS = 200 };

struct flight {
  CURL *easy;
  struct curl_slist *headers;
  struct event *event; /* NULL: free */
  struct buf body;
};

static const char *event_type_name(enum event_type type) {
  static const char *const NAMES[] = {
#define X(id, name) [id] = name,
      EVENT_TYPES(X)
#undef X
  };
  return NAMES[type];
}

static void render(struct gateway *gateway, const struct event *event, struct buf *body) {
  struct json_writer writer;
  char id[64];
  (void)snprintf(id, sizeof id, "evt_%s%08llx", gateway->store.salt, (unsigned long long)event->position);
  buf_clear(body);
  json_writer_init(&writer, body);
  json_put_object(&writer, NULL);
  json_put_string(&writer, "id", id);
  json_put_string(&writer, "object", "event");
  json_put_string(&writer, "type", event_type_name(event->type));
  json_put_int(&writer, "created", event->created_s);
  json_put_bool(&writer, "livemode", false);
  json_put_object(&writer, "data");
  gateway_lock(gateway);
  if (event->type == EVENT_CHARGE_REFUNDED) {
    charge_render(&writer, "object", &gateway->store, event->charge);
  } else {
    intent_render(&writer, "object", &gateway->store, &event->intent, NULL);
  }
  gateway_unlock(gateway);
  json_put_end(&writer);
  json_put_end(&writer);
  ASSERT(buf_ok(body));
}

static void sign(struct gateway *gateway, struct flight *flight) {
  const char *secret = gateway->settings->webhook_secret;
  char signature[SIGNATURE_TEXT_MAX], header[SIGNATURE_TEXT_MAX + 32];
  if (faults_get(&gateway->faults, FAULT_WEBHOOK_BAD) != 0) secret = "not the secret";
  signature_format(secret, utime_now().us / UTIME_SECOND, &flight->body, signature);
  (void)snprintf(header, sizeof header, "Stripe-Signature: %s", signature);
  curl_slist_free_all(flight->headers);
  flight->headers = curl_slist_append(NULL, header);
  flight->headers = curl_slist_append(flight->headers, "Content-Type: application/json; charset=utf-8");
  flight->headers = curl_slist_append(flight->headers, "Expect:");
  ASSERT(flight->headers != NULL);
}

static size_t ignore_body(const char *bytes, size_t size, size_t count, const void *context) {
  (void)bytes;
  (void)context;
  return size * count;
}

static void begin(struct webhooks *webhooks, struct flight *flight, struct event *event) {
  struct gateway *gateway = webhooks->gateway;
  journal_wait(&gateway->journal, event->position);
  flight->event = event;
  render(gateway, event, &flight->body);
  sign(gateway, flight);
  if (flight->easy == NULL) flight->easy = curl_easy_init();
  ASSERT(flight->easy != NULL);
  curl_easy_reset(flight->easy);
  curl_easy_setopt(flight->easy, CURLOPT_URL, gateway->settings->webhook_url);
  curl_easy_setopt(flight->easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(flight->easy, CURLOPT_PROXY, "");
  curl_easy_setopt(flight->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(flight->easy, CURLOPT_TIMEOUT_MS, (long)SEND_TIMEOUT_MS);
  curl_easy_setopt(flight->easy, CURLOPT_HTTPHEADER, flight->headers);
  curl_easy_setopt(flight->easy, CURLOPT_POSTFIELDS, flight->body.bytes);
  curl_easy_setopt(flight->easy, CURLOPT_POSTFIELDSIZE, (long)flight->body.length);
  curl_easy_setopt(flight->easy, CURLOPT_WRITEFUNCTION, ignore_body);
  curl_easy_setopt(flight->easy, CURLOPT_PRIVATE, flight);
  curl_multi_add_handle(webhooks->multi, flight->easy);
}

static void finish(struct webhooks *webhooks, struct flight *flight, CURLcode result) {
  struct event *event = flight->event;
  long status = 0;
  curl_easy_getinfo(flight->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_multi_remove_handle(webhooks->multi, flight->easy);
  flight->event = NULL;
  event->tries++;
  bool is_sent = result == CURLE_OK && status >= 200 && status < 300;
  if (is_sent || event->tries == SEND_TRIES) {
    if (!is_sent) LOG(LOG_WARN, "webhook.given_up", LOG_INT("status", status), LOG_INT("curl", result));
    webhooks_done(webhooks, event, is_sent);
  } else {
    int64_t pause_ms = (int64_t)SEND_PAUSE_MS << (event->tries * 2 - 2);
    webhooks_put_back(webhooks, event, (struct mono){mono_now().ns + pause_ms * 1000000});
  }
}

static void finish_all(struct webhooks *webhooks) {
  int left;
  for (CURLMsg *message; (message = curl_multi_info_read(webhooks->multi, &left)) != NULL;) {
    struct flight *flight = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode result = message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&flight);
    finish(webhooks, flight, result);
  }
}

static void begin_all(struct webhooks *webhooks, struct flight *flights) {
  struct mono now = mono_now();
  for (int i = 0; i < SEND_FLIGHTS; i++) {
    if (flights[i].event != NULL) continue;
    struct event *event = webhooks_take(webhooks, now);
    if (event == NULL) return;
    begin(webhooks, &flights[i], event);
  }
}

void *sender_run(void *context) {
  struct webhooks *webhooks = context;
  struct flight flights[SEND_FLIGHTS] = {{.easy = NULL}};
  for (int i = 0; i < SEND_FLIGHTS; i++) buf_init(&flights[i].body, SIGNED_BODY_MAX - 32);
  while (!webhooks_are_stopping(webhooks)) {
    int running;
    begin_all(webhooks, flights);
    curl_multi_perform(webhooks->multi, &running);
    finish_all(webhooks);
    curl_multi_poll(webhooks->multi, NULL, 0, SEND_IDLE_MS, NULL);
  }
  for (int i = 0; i < SEND_FLIGHTS; i++) {
    if (flights[i].event != NULL) {
      curl_multi_remove_handle(webhooks->multi, flights[i].easy);
      webhooks_done(webhooks, flights[i].event, false);
    }
    if (flights[i].easy != NULL) curl_easy_cleanup(flights[i].easy);
    curl_slist_free_all(flights[i].headers);
    buf_release(&flights[i].body);
  }
  return NULL;
}
