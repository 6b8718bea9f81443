/* The request as the handlers see it. civetweb's own parts stay behind this file, guard.c and server.c. */
#include "request.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json_text.h"
#include "etag.h"
#include "guard.h"
#include "pool.h"
#include "schema/schema.h"

/* ---- the head ---- */

static const char *const method_names[METHOD_COUNT] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

enum method method_parse(const char *text) {
  if (strcmp(text, "HEAD") == 0) return METHOD_GET;
  for (enum method method = 0; method < METHOD_COUNT; method++)
    if (strcmp(method_names[method], text) == 0) return method;
  return METHOD_COUNT;
}

const char *method_name(enum method method) {
  ASSERT(method < METHOD_COUNT);
  return method_names[method];
}

const char *request_header(const struct request *request, const char *name) {
  for (int i = 0; i < request->http->num_headers; i++)
    if (strcasecmp(request->http->http_headers[i].name, name) == 0) return request->http->http_headers[i].value;
  return NULL;
}

/* A client's id goes into logs and messages: letters, digits and a few signs, or it is not taken. */
static bool is_sane_id(const char *id) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+=";
  size_t length = strlen(id);
  return length > 0 && length < REQUEST_ID_MAX && strspn(id, allowed) == length;
}

/* W3C Trace Context: 00-<32 hex>-<16 hex>-<2 hex>, neither id all zeros. */
static bool is_traceparent(const char *text) {
  static const char shape[] = "00-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
  if (strlen(text) != sizeof shape - 1) return false;
  for (size_t i = 0; shape[i]; i++)
    if (shape[i] == 'h' ? !strchr("0123456789abcdef", text[i]) : text[i] != shape[i]) return false;
  return strspn(text + 3, "0") < 32 && strspn(text + 36, "0") < 16;
}

static void new_traceparent(char text[static TRACEPARENT_MAX]) {
  uint8_t bytes[24];
  char trace[33], span[17];
  random_bytes(bytes, sizeof bytes);
  hex_format(bytes, 16, trace, sizeof trace);
  hex_format(bytes + 16, 8, span, sizeof span);
  snprintf(text, TRACEPARENT_MAX, "00-%s-%s-01", trace, span);
}

void request_identify(struct request *request) {
  const char *id = request_header(request, "X-Request-ID");
  if (id && is_sane_id(id)) {
    memcpy(request->id, id, strlen(id) + 1);
  } else {
    struct uuid fresh = uuid_new();
    char text[UUID_TEXT_MAX];
    memcpy(request->id, uuid_format(&fresh, text), UUID_TEXT_MAX);
  }
  const char *trace = request_header(request, "traceparent");
  if (trace && is_traceparent(trace))
    memcpy(request->traceparent, trace, strlen(trace) + 1);
  else
    new_traceparent(request->traceparent);
  client_address(request->http->remote_addr, request_header(request, "X-Forwarded-For"),
                 request->api->settings.trusted_proxies, request->address);
}

/* ---- the client's address ---- */

static bool parse_ipv4(const char *text, size_t length, uint32_t *ret_address) {
  char copy[INET_ADDRSTRLEN];
  struct in_addr address;
  if (length == 0 || length >= sizeof copy) return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  if (inet_pton(AF_INET, copy, &address) != 1) return false;
  *ret_address = ntohl(address.s_addr);
  return true;
}

/* trusted: IPv4 addresses or networks (10.0.0.0/8), separated by spaces or commas. */
bool address_is_trusted(const char *address, const char *trusted) {
  uint32_t ip, network;
  if (!parse_ipv4(address, strlen(address), &ip)) return false;
  for (const char *at = trusted; *at;) {
    size_t length = strcspn(at, " ,");
    const char *slash = memchr(at, '/', length);
    size_t address_length = slash ? (size_t)(slash - at) : length;
    long bits = slash ? strtol(slash + 1, NULL, 10) : 32;
    if (bits >= 0 && bits <= 32 && parse_ipv4(at, address_length, &network)) {
      uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
      if ((ip & mask) == (network & mask)) return true;
    }
    at += length + (at[length] != '\0');
  }
  return false;
}

/* From the right, each trusted hop vouches for the one before it. */
void client_address(const char *peer, const char *forwarded_for, const char *trusted,
                    char ret_address[static ADDRESS_MAX]) {
  snprintf(ret_address, ADDRESS_MAX, "%s", peer);
  size_t end = forwarded_for ? strlen(forwarded_for) : 0;
  while (end > 0 && address_is_trusted(ret_address, trusted)) {
    size_t start = end;
    while (start > 0 && forwarded_for[start - 1] != ',') start--;
    const char *hop = forwarded_for + start;
    size_t length = end - start;
    while (length > 0 && *hop == ' ') hop++, length--;
    while (length > 0 && hop[length - 1] == ' ') length--;
    uint32_t ip;
    if (!parse_ipv4(hop, length, &ip)) return;
    snprintf(ret_address, ADDRESS_MAX, "%.*s", (int)length, hop);
    end = start > 0 ? start - 1 : 0;
  }
}

/* ---- the body ---- */

enum { PIECE_BYTES = 8, EXACT_GROWTH_MAX = 8, DRAIN_BYTES_MAX = 4 * 1024 * 1024, DRAIN_MS_MAX = 1000 };

/* mg_read comes back only when the piece is full, and waits up to request_timeout_ms for each packet that brings a part
 * of it: in large pieces somebody who sends a byte now and then would hold the thread for hours. Most of a body lies in
 * civetweb's buffer already, so that small pieces cost little. */
static enum rc read_pieces(struct request *request, struct buf *body, int64_t expected, struct error *err) {
  char piece[PIECE_BYTES];
  const struct settings *settings = &request->api->settings;
  while (expected < 0 || (int64_t)body->length < expected) {
    int got = mg_read(request->connection, piece, sizeof piece);
    if (got < 0) return error_set(err, RC_MALFORMED, "the body cannot be read");
    if (got == 0) break;
    if ((int64_t)body->length + got > settings->body_bytes_max) return error_set(err, RC_PAYLOAD_TOO_LARGE, NULL);
    buf_append(body, piece, (size_t)got);
    if (mono_ms_since(request->started) > settings->body_timeout_ms)
      return error_set(err, RC_MALFORMED, "the body did not come in time");
  }
  if (expected >= 0 && (int64_t)body->length < expected) return error_set(err, RC_MALFORMED, "the body is cut short");
  return RC_OK;
}

void request_drain(struct request *request) {
  char piece[PIECE_BYTES];
  struct mono start = mono_now();
  for (int64_t drained = 0; drained < DRAIN_BYTES_MAX && mono_ms_since(start) < DRAIN_MS_MAX;) {
    int got = mg_read(request->connection, piece, sizeof piece);
    if (got <= 0) return;
    drained += got;
  }
}

enum rc request_read_body(struct request *request, struct error *err) {
  request->body = "";
  request->body_length = 0;
  int64_t expected = guard_body_length(request->http);
  if (expected == 0) return RC_OK;
  struct buf CLEANUP(buf_release) body;
  buf_init(&body, (size_t)request->api->settings.body_bytes_max + 1);
  TRY(read_pieces(request, &body, expected, err));
  if (!buf_ok(&body)) return error_set(err, RC_PAYLOAD_TOO_LARGE, NULL);
  request->body = arena_strndup(request->arena, buf_text(&body), body.length);
  request->body_length = body.length;
  return RC_OK;
}

/* application/json, with charset=utf-8 or without parameters. */
static bool is_json_type(const char *type) {
  static const char json[] = "application/json";
  if (strncasecmp(type, json, sizeof json - 1) != 0) return false;
  const char *rest = type + sizeof json - 1;
  rest += strspn(rest, " \t");
  if (*rest == '\0') return true;
  if (*rest++ != ';') return false;
  rest += strspn(rest, " \t");
  return strcasecmp(rest, "charset=utf-8") == 0 || strcasecmp(rest, "charset=\"utf-8\"") == 0;
}

static enum rc check_type(const struct request *request, struct error *err) {
  const char *type = request_header(request, "Content-Type"), *coding = request_header(request, "Content-Encoding");
  if (!type || !is_json_type(type)) return error_set(err, RC_UNSUPPORTED_MEDIA_TYPE, NULL);
  if (coding && strcasecmp(coding, "identity") != 0)
    return error_set(err, RC_UNSUPPORTED_MEDIA_TYPE, "the body must not be compressed");
  return RC_OK;
}

static enum rc parse(const struct request *request, json_t **ret_body, struct error *err) {
  struct buf CLEANUP(buf_release) exact;
  buf_init(&exact, EXACT_GROWTH_MAX * request->body_length);
  TRY(json_exact(request->body, request->body_length, &exact, err));
  if (!buf_ok(&exact)) return error_set(err, RC_PAYLOAD_TOO_LARGE, NULL);
  json_error_t where;
  json_t *body = json_loadb(buf_text(&exact), exact.length, JSON_REJECT_DUPLICATES, &where);
  if (!body) return error_set(err, RC_MALFORMED, "the body is not JSON: %s", where.text);
  if (!json_is_object(body)) {
    json_decref(body);
    return error_set(err, RC_VALIDATION, "the body must be a JSON object");
  }
  *ret_body = body;
  return RC_OK;
}

enum rc request_parse_fixed(struct request *request, const char *fixed, json_t **ret_body, struct error *err) {
  request->body = fixed;
  request->body_length = strlen(fixed);
  return parse(request, ret_body, err);
}

enum rc request_parse_body(struct request *request, json_t **ret_body, struct error *err) {
  if (request->body_length == 0) return request_parse_fixed(request, "{}", ret_body, err);
  TRY(check_type(request, err));
  return parse(request, ret_body, err);
}

static const struct text_field *find_field(const struct text_field *fields, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(fields[i].name, name) == 0) return &fields[i];
  return NULL;
}

enum rc request_read_texts(struct request *request, json_t *body, struct text_field *fields, size_t count,
                           struct error *err) {
  struct faults faults = {.request = request};
  for (size_t i = 0; i < count; i++) {
    json_t *member = json_object_get(body, fields[i].name);
    const char *text = json_string_value(member);
    if (!member)
      fault_add(&faults, fields[i].name, "is required");
    else if (!text || text[0] == JSON_EXACT_MARK)
      fault_add(&faults, fields[i].name, "must be a string");
    else if (text[0] == '\0' || strlen(text) > fields[i].max_length)
      fault_add(&faults, fields[i].name, "must have 1 to %zu characters", fields[i].max_length);
    else
      fields[i].value = arena_strdup(request->arena, text);
  }
  const char *name;
  json_t *member;
  json_object_foreach(body, name, member) {
    if (!find_field(fields, count, name)) fault_add(&faults, name, "is not a field of this request");
  }
  return faults_end(&faults, err);
}

/* ---- faults ---- */

void fault_add(struct faults *faults, const char *field, const char *format, ...) {
  if (faults->count == FAULTS_MAX) return;
  char text[ERROR_TEXT_MAX];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  struct arena *arena = faults->request->arena;
  faults->list[faults->count].field = arena_strdup(arena, field);
  faults->list[faults->count++].text = arena_strdup(arena, text);
}

/* [{"field","message"}] */
static const char *faults_json(const struct faults *faults) {
  struct buf CLEANUP(buf_release) json;
  buf_init(&json, (size_t)1 << 20);
  struct json_writer writer;
  json_writer_init(&writer, &json);
  json_put_array(&writer, NULL);
  for (size_t i = 0; i < faults->count; i++) {
    json_put_object(&writer, NULL);
    json_put_string(&writer, "field", faults->list[i].field);
    json_put_string(&writer, "message", faults->list[i].text);
    json_put_end(&writer);
  }
  json_put_end(&writer);
  return arena_strdup(faults->request->arena, buf_text(&json));
}

enum rc faults_end(struct faults *faults, struct error *err) {
  if (faults->count == 0) return RC_OK;
  faults->request->faults = faults_json(faults);
  const char *field = faults->list[0].field;
  return error_field(err, RC_VALIDATION, field, "%s%s%s", field, field[0] ? " " : "the body ", faults->list[0].text);
}

enum rc request_read_if_match(const struct request *request, const char **ret_versions, struct error *err) {
  const char *header = request_header(request, "If-Match");
  return header ? if_match_parse(header, request->arena, ret_versions, err) : RC_OK;
}

enum rc request_check_schema(struct request *request, const char *schema, struct error *err) {
  struct schema_faults *found = arena_alloc(request->arena, sizeof *found);
  enum rc rc = schema_validate(schema, request->body, request->body_length, found);
  if (rc == RC_OK) return RC_OK;
  if (rc != RC_VALIDATION) return error_set(err, rc, NULL);
  struct faults faults = {.request = request};
  for (size_t i = 0; i < found->count; i++) fault_add(&faults, found->faults[i].field, "%s", found->faults[i].text);
  return faults_end(&faults, err);
}

/* ---- transactions ---- */

static enum rc begin(struct request *request, const struct uuid *tenant, struct error *err) {
  ASSERT(!request->db);
  TRY(pool_take(request->api->pool, &request->db, err));
  enum rc rc =
      tenant ? tx_begin_tenant(request->db, tenant, &request->tx, err) : tx_begin(request->db, &request->tx, err);
  if (rc != RC_OK) request_end(request);
  return rc;
}

enum rc request_begin(struct request *request, struct error *err) {
  return begin(request, NULL, err);
}

enum rc request_begin_tenant(struct request *request, const struct uuid *tenant, struct error *err) {
  return begin(request, tenant, err);
}

enum rc request_return_home(struct request *request, struct error *err) {
  if (uuid_equal(&request->caller.tenant, &request->caller.home)) return RC_OK;
  request_end(request);
  return begin(request, &request->caller.home, err);
}

enum rc request_commit(struct request *request, struct error *err) {
  enum rc rc = tx_commit(&request->tx, err);
  request_end(request);
  return rc;
}

void request_end(struct request *request) {
  tx_release(&request->tx);
  if (request->db) pool_give(request->api->pool, request->db);
  request->db = NULL;
}
