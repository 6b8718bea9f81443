/* Requests by libcurl, one connection for each thread of a test. */
#include <curl/curl.h>
#include <stdarg.h>
#include <strings.h>

#include "base/buf.h"
#include "harness.h"

enum { ANSWER_MAX = 64 * 1024 * 1024, HEADERS_MAX = 64 * 1024, REQUEST_TIMEOUT_S = 60 };

static size_t collect(char *bytes, size_t size, size_t count, void *context) {
  buf_append(context, bytes, size * count);
  return size * count;
}

static struct curl_slist *header_list(const char *token, const char *body, const char *const *headers) {
  struct curl_slist *list = curl_slist_append(NULL, "Expect:");
  char line[4096];
  if (body) list = curl_slist_append(list, "Content-Type: application/json");
  if (token) {
    snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    list = curl_slist_append(list, line);
  }
  for (; headers && *headers; headers++) list = curl_slist_append(list, *headers);
  return list;
}

static struct answer no_answer(const char *url, CURLcode code) {
  return (struct answer){.text = keep_text("%s: %s", url, curl_easy_strerror(code)), .headers = ""};
}

struct answer http_request(const char *method, const char *path, const char *token, const char *body,
                           const char *const *headers) {
  const char *url = path[0] == '/' ? keep_text("%s%s", getenv("API_URL"), path) : path;
  struct buf CLEANUP(buf_release) text, head;
  buf_init(&text, ANSWER_MAX);
  buf_init(&head, HEADERS_MAX);
  struct curl_slist *list = header_list(token, body, headers);
  CURL *curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
  if (strcmp(method, "HEAD") == 0) curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  if (body) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &head);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)REQUEST_TIMEOUT_S);
  CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_cleanup(curl);
  curl_slist_free_all(list);
  if (code != CURLE_OK) return no_answer(url, code);
  json_t *json = json_loadb(buf_text(&text), text.length, JSON_DECODE_ANY, NULL);
  return (struct answer){.status = (int)status,
                         .text = keep_text("%s", buf_text(&text)),
                         .json = json ? keep_json(json) : NULL,
                         .headers = keep_text("%s", buf_text(&head))};
}

const char *answer_header(const struct answer *answer, const char *name) {
  size_t length = strlen(name);
  for (const char *line = answer->headers; line && *line; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncasecmp(line, name, length) != 0 || line[length] != ':') continue;
    const char *value = line + length + 1 + strspn(line + length + 1, " ");
    return keep_text("%.*s", (int)strcspn(value, "\r\n"), value);
  }
  return NULL;
}

const char *quotes(const char *body) {
  char *text = keep_text("%s", body);
  for (char *at = text; *at; at++)
    if (*at == '\'') *at = '"';
  return text;
}

static const char *filled(const char *format, va_list arguments) {
  char text[16384];
  int length = vsnprintf(text, sizeof text, format, arguments);
  cr_assert(length >= 0 && (size_t)length < sizeof text, "too long: %s", format);
  return keep_text("%s", text);
}

static const json_t *expect(const struct answer *answer, int status, const char *method, const char *path,
                            const char *body) {
  cr_assert_eq(answer->status, status, "%s %s %s: %d instead of %d: %s", method, path, body ? body : "", answer->status,
               status, answer->text);
  if (status == 204) return NULL;
  cr_assert_not_null(answer->json, "%s %s is not JSON: %s", method, path, answer->text);
  return json_object_get(answer->json, status < 400 ? "data" : "error");
}

/* A busy machine may take longer than a client waits by default. */
static const char *const PATIENT[] = {"Prefer: wait=30", NULL};

const json_t *api_get(const struct tenant *tenant, int status, const char *path, ...) {
  va_list arguments;
  va_start(arguments, path);
  const char *whole = filled(path, arguments);
  va_end(arguments);
  struct answer answer = http_request("GET", whole, tenant->token, NULL, NULL);
  return expect(&answer, status, "GET", whole, NULL);
}

const json_t *api_post(const struct tenant *tenant, int status, const char *path, const char *body, ...) {
  va_list arguments;
  va_start(arguments, body);
  const char *json = quotes(filled(body, arguments));
  va_end(arguments);
  struct answer answer = http_request("POST", path, tenant->token, json, PATIENT);
  return expect(&answer, status, "POST", path, json);
}

struct answer api_call(const struct tenant *tenant, const char *method, const char *path, const char *body, ...) {
  const char *json = NULL;
  if (body) {
    va_list arguments;
    va_start(arguments, body);
    json = quotes(filled(body, arguments));
    va_end(arguments);
  }
  return http_request(method, path, tenant->token, json, PATIENT);
}
