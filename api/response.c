/* The envelope and the headers of every answer. Head and body leave in one write. */
#include "response.h"

#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "base/time.h"
#include "router.h"

enum { HEAD_MAX = 16 * 1024 };

void response_header(struct response *response, const char *name, const char *value) {
  ASSERT(response->header_count < RESPONSE_HEADERS_MAX);
  response->headers[response->header_count].name = name;
  response->headers[response->header_count++].value = value;
}

/* ---- envelopes ---- */

static void begin_body(struct response *response, int status) {
  response->status = status;
  response->content_type = "application/json; charset=utf-8";
  buf_release(&response->body);
  buf_init(&response->body, RESPONSE_BODY_MAX);
}

static void write_timestamp(struct json_writer *writer) {
  char text[UTIME_TEXT_MAX];
  json_put_string(writer, "timestamp", utime_format(utime_now(), text));
}

void response_data(struct response *response, int status, const char *json, const char *message) {
  begin_body(response, status);
  if (status == 204) return;
  struct json_writer writer;
  json_writer_init(&writer, &response->body);
  json_put_object(&writer, NULL);
  json_put_bool(&writer, "success", true);
  json_put_raw(&writer, "data", json);
  if (message) json_put_string(&writer, "message", message);
  write_timestamp(&writer);
  json_put_end(&writer);
}

void response_page(struct response *response, const char *items, const struct page *page) {
  begin_body(response, 200);
  struct json_writer writer;
  json_writer_init(&writer, &response->body);
  json_put_object(&writer, NULL);
  json_put_bool(&writer, "success", true);
  json_put_raw(&writer, "data", items);
  json_put_object(&writer, "pagination");
  json_put_int(&writer, "page", page->page);
  json_put_int(&writer, "limit", page->limit);
  json_put_int(&writer, "total", page->total);
  json_put_int(&writer, "totalPages", (page->total + page->limit - 1) / page->limit);
  if (page->next) json_put_string(&writer, "next", page->next);
  json_put_end(&writer);
  write_timestamp(&writer);
  json_put_end(&writer);
}

void response_stored_error(struct response *response, const struct stored_error *error) {
  begin_body(response, error->status);
  struct json_writer writer;
  json_writer_init(&writer, &response->body);
  json_put_object(&writer, NULL);
  json_put_bool(&writer, "success", false);
  json_put_object(&writer, "error");
  json_put_string(&writer, "code", error->code);
  json_put_string(&writer, "message", error->text);
  if (error->details && error->details[0]) json_put_raw(&writer, "details", error->details);
  if (error->field && error->field[0]) json_put_string(&writer, "field", error->field);
  json_put_end(&writer);
  write_timestamp(&writer);
  json_put_end(&writer);
}

/* What went wrong inside is for the log: clients get the table's text. */
static bool text_is_for_clients(enum rc code) {
  return error_verdict(code) == VERDICT_REJECT && code != RC_CONSTRAINT;
}

void response_error(struct response *response, const struct request *request, const struct error *err) {
  bool tell = text_is_for_clients(err->code);
  struct stored_error error = {
      .status = error_http_status(err->code),
      .code = error_name(err->code),
      .text = tell && err->text[0] ? err->text : error_text(err->code),
      .field = tell ? err->field : "",
      .details = !tell             ? ""
                 : request->faults ? request->faults
                                   : err->details,
  };
  if (error_verdict(err->code) == VERDICT_POISON || error_verdict(err->code) == VERDICT_FATAL) {
    error.status = 500;
    error.code = error_name(RC_BUG);
    error.text = error_text(RC_BUG);
  }
  response_stored_error(response, &error);
  if (error.status == 503) response_header(response, "Retry-After", "2");
  if (error.status == 429)
    response_header(response, "Retry-After", arena_printf(request->arena, "%lld", (long long)request->rate.reset_s));
  if (error.status == 401) response_header(response, "WWW-Authenticate", "Bearer");
}

/* ---- sending ---- */

/* RFC 9110: "Sat, 21 Nov 2026 08:12:46 GMT" */
static void write_date(struct buf *head) {
  char text[40];
  time_t now = (time_t)(utime_now().us / UTIME_SECOND);
  struct tm parts;
  if (gmtime_r(&now, &parts) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0)
    buf_printf(head, "Date: %s\r\n", text);
}

static bool is_chunked(const struct request *request) {
  return strcmp(request->http->http_version, "1.1") == 0;
}

static void write_head(struct buf *head, const struct response *response, const struct request *request) {
  const struct settings *settings = &request->api->settings;
  buf_printf(head, "HTTP/1.1 %d %s\r\n", response->status,
             mg_get_response_code_text(request->connection, response->status));
  if (response->is_sent)
    buf_printf(head, "Content-Type: %s\r\n%s", response->content_type,
               is_chunked(request) ? "Transfer-Encoding: chunked\r\n" : "");
  else if (response->status != 204 && response->status != 304)
    buf_printf(head, "Content-Type: %s\r\nContent-Length: %zu\r\n", response->content_type, response->body.length);
  write_date(head);
  int64_t us = (mono_now().ns - request->started.ns) / 1000;
  buf_printf(head, "X-Request-ID: %s\r\nX-Response-Time: %lld.%02lldms\r\n", request->id, (long long)(us / 1000),
             (long long)(us % 1000 / 10));
  buf_text_append(head, "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
                        "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
  if (settings->hsts_max_age_s > 0)
    buf_printf(head, "Strict-Transport-Security: max-age=%lld; includeSubDomains\r\n",
               (long long)settings->hsts_max_age_s);
  if (request->rate.limit > 0)
    buf_printf(head, "RateLimit-Limit: %lld\r\nRateLimit-Remaining: %lld\r\nRateLimit-Reset: %lld\r\n",
               (long long)request->rate.limit, (long long)request->rate.remaining, (long long)request->rate.reset_s);
  for (size_t i = 0; i < response->header_count; i++)
    buf_printf(head, "%s: %s\r\n", response->headers[i].name, response->headers[i].value);
  buf_printf(head, "Connection: %s\r\n\r\n", response->close ? "close" : "keep-alive");
}

bool response_send(struct response *response, const struct request *request) {
  if (!buf_ok(&response->body)) {
    struct error too_large;
    error_set(&too_large, RC_BUG, NULL);
    response_error(response, request, &too_large);
  }
  struct buf CLEANUP(buf_release) whole;
  buf_init(&whole, RESPONSE_BODY_MAX + HEAD_MAX);
  write_head(&whole, response, request);
  if (!request->is_head) buf_append(&whole, buf_text(&response->body), response->body.length);
  if (response->close) mg_disable_connection_keep_alive(request->connection);
  return mg_write(request->connection, buf_text(&whole), whole.length) == (int)whole.length;
}

bool response_stream_begin(struct response *response, const struct request *request, const char *content_type) {
  struct buf CLEANUP(buf_release) head;
  buf_init(&head, HEAD_MAX);
  response->status = 200;
  response->content_type = content_type;
  response->is_sent = true;
  response->close = response->close || !is_chunked(request);
  write_head(&head, response, request);
  if (response->close) mg_disable_connection_keep_alive(request->connection);
  return mg_write(request->connection, buf_text(&head), head.length) == (int)head.length;
}

bool response_stream_write(const struct request *request, const struct buf *piece) {
  if (request->is_head || piece->length == 0) return true;
  if (is_chunked(request)) return mg_send_chunk(request->connection, piece->bytes, (unsigned)piece->length) > 0;
  return mg_write(request->connection, piece->bytes, piece->length) == (int)piece->length;
}

void response_stream_end(struct response *response, const struct request *request, bool is_whole) {
  bool is_ended = is_whole;
  if (is_whole && is_chunked(request) && !request->is_head) is_ended = mg_send_chunk(request->connection, "", 0) > 0;
  if (is_ended) return;
  response->close = true; /* without the last chunk the client sees that something is missing */
  mg_disable_connection_keep_alive(request->connection);
}

void response_release(struct response *response) {
  buf_release(&response->body);
}
