/* One curl handle for each question: what is tested is the gateway, not the client's speed. */
#include "gateway_client.h"

#include <criterion/criterion.h>
#include <curl/curl.h>

#include "base/buf.h"

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
  struct buf *buf = context;
  buf_append(buf, bytes, size * count);
  return buf_ok(buf) ? size * count : 0;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context) {
  struct reply *reply = context;
  char line[256];
  (void)snprintf(line, sizeof line, "%.*s", (int)(size * count < 200 ? size * count : 200), bytes);
  if (strncasecmp(line, "Idempotent-Replayed: true", 25) == 0) reply->is_replayed = true;
  if (strncasecmp(line, "Retry-After:", 12) == 0) reply->retry_after_s = (int)strtol(line + 12, NULL, 10);
  return size * count;
}

struct reply ask_within(const struct sandbox *sandbox, const char *method, const char *path, const char *body,
                        const char *key, long timeout_ms) {
  struct reply reply = {.retry_after_s = -1};
  struct buf answer;
  char url[1024], header[400];
  struct curl_slist *headers = curl_slist_append(NULL, "Authorization: Bearer " SANDBOX_KEY);
  CURL *easy = curl_easy_init();
  cr_assert(easy != NULL);
  buf_init(&answer, REPLY_BODY_MAX);
  (void)snprintf(url, sizeof url, "%s%s", sandbox->url, path);
  (void)snprintf(header, sizeof header, "Idempotency-Key: %s", key != NULL ? key : "");
  if (key != NULL) headers = curl_slist_append(headers, header);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &reply);
  if (strcmp(method, "POST") == 0) curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body != NULL ? body : "");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
  if (curl_easy_perform(easy) == CURLE_OK) curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply.status);
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
  reply.length = answer.length;
  reply.body = answer.bytes;
  reply.json = json_loadb(buf_text(&answer), answer.length, 0, NULL);
  return reply;
}

struct reply ask(const struct sandbox *sandbox, const char *method, const char *path, const char *body,
                 const char *key) {
  return ask_within(sandbox, method, path, body, key, 20000);
}

void reply_release(struct reply *reply) {
  free(reply->body);
  json_decref(reply->json);
}

const json_t *member(const struct reply *reply, const char *way) {
  const json_t *at = reply->json;
  while (at != NULL && *way != '\0') {
    char name[64];
    size_t length = strcspn(way, ".");
    (void)snprintf(name, sizeof name, "%.*s", (int)length, way);
    at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10)) : json_object_get(at, name);
    way += length + (way[length] == '.');
  }
  return at;
}

const char *text_at(const struct reply *reply, const char *way) {
  return json_string_value(member(reply, way));
}

void expect_status(const struct reply *reply, long status) {
  cr_assert_eq(reply->status, status, "status %ld, not %ld: %s", reply->status, status,
               reply->body != NULL ? reply->body : "");
}

void expect_text(const struct reply *reply, const char *way, const char *text) {
  const char *found = text_at(reply, way);
  bool is_same = text == NULL ? found == NULL : found != NULL && strcmp(found, text) == 0;
  cr_assert(is_same, "%s is %s, not %s: %s", way, found, text, reply->body);
}

json_int_t int_at(const struct reply *reply, const char *way) {
  const json_t *at = member(reply, way);
  return json_is_integer(at) ? json_integer_value(at) : -1;
}

struct payer payer_with(const struct sandbox *sandbox, const char *method) {
  struct payer payer;
  char path[128], body[128];
  REPLY customer = ask(sandbox, "POST", "/v1/customers", "name=Ada", NULL);
  cr_assert_eq(customer.status, 200);
  (void)snprintf(payer.customer, sizeof payer.customer, "%s", text_at(&customer, "id"));
  (void)snprintf(path, sizeof path, "/v1/payment_methods/%s/attach", method);
  (void)snprintf(body, sizeof body, "customer=%s", payer.customer);
  REPLY attached = ask(sandbox, "POST", path, body, NULL);
  cr_assert_eq(attached.status, 200, "%s is attached", method);
  (void)snprintf(payer.method, sizeof payer.method, "%s", text_at(&attached, "id"));
  return payer;
}

struct reply charge(const struct sandbox *sandbox, const struct payer *payer, const char *invoice, const char *key) {
  char body[400];
  (void)snprintf(body, sizeof body,
                 "amount=1999&currency=usd&customer=%s&payment_method=%s&confirm=true&off_session=true"
                 "&metadata[invoice_id]=%s",
                 payer->customer, payer->method, invoice);
  return ask(sandbox, "POST", "/v1/payment_intents", body, key);
}

json_int_t charges_succeeded(const struct sandbox *sandbox) {
  REPLY stats = ask(sandbox, "GET", "/sandbox/stats", NULL, NULL);
  return int_at(&stats, "charges.succeeded");
}
