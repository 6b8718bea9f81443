/* What the guard looks at. civetweb cuts the head into words by writing NULs over the separators, so what stood between
 * two words can still be seen: "\r\n" leaves two NULs, a bare "\n" one, a space before a colon one too many, a folded
 * line ends the headers early. */
#include "guard.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static enum rc refuse(struct error *err, const char *why) {
  return error_set(err, RC_MALFORMED, "%s", why);
}

static const char *end_of(const char *text) {
  return text + strlen(text);
}

/* ---- request line ---- */

static enum rc check_characters(const char *text, struct error *err) {
  static const char hex[] = "0123456789abcdefABCDEF";
  for (const char *at = text; *at; at++) {
    if (*at < 0x21 || *at > 0x7E || strchr("\"<>\\^`{|}#", *at))
      return refuse(err, "the address holds a character that must be encoded");
    if (*at != '%') continue;
    if (!at[1] || !strchr(hex, at[1]) || !at[2] || !strchr(hex, at[2]))
      return refuse(err, "the address is not properly encoded");
    if (at[1] == '0' && at[2] == '0') return refuse(err, "the address holds %00");
  }
  return RC_OK;
}

const char *guard_path(const struct mg_request_info *http) {
  static const char *const schemes[] = {"http://", "https://"};
  const char *uri = http->request_uri;
  if (!uri || uri[0] == '/') return uri;
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
    if (strncasecmp(uri, schemes[i], strlen(schemes[i])) == 0) return strchr(uri + strlen(schemes[i]), '/');
  return NULL;
}

static enum rc check_request_line(const struct mg_request_info *http, struct error *err) {
  const char *uri = http->request_uri, *query = http->query_string, *version = http->http_version;
  if (!guard_path(http) || !version) return refuse(err, "the request line cannot be read");
  if (strlen(uri) + (query ? strlen(query) : 0) > URI_MAX) return error_set(err, RC_URI_TOO_LONG, NULL);
  TRY(check_characters(uri, err));
  if (query) TRY(check_characters(query, err));
  if (strcmp(version, "1.1") != 0 && strcmp(version, "1.0") != 0)
    return refuse(err, "only HTTP/1.1 and 1.0 are spoken");
  const char *last_word = query ? query : uri;
  bool single_spaces = end_of(http->request_method) + 1 == uri && end_of(last_word) + 1 == version - strlen("HTTP/");
  if (!single_spaces || end_of(version)[1] != '\0') return refuse(err, "the request line is not one of HTTP/1.1");
  return RC_OK;
}

/* ---- headers ---- */

static bool is_token(const char *name) {
  static const char others[] = "!#$%&'*+-.^_`|~";
  for (const char *at = name; *at; at++) {
    bool alphanumeric = (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
    if (!alphanumeric && !strchr(others, *at)) return false;
  }
  return name[0] != '\0';
}

static bool is_field_value(const char *value) {
  for (const unsigned char *at = (const unsigned char *)value; *at; at++)
    if ((*at < 0x20 && *at != '\t') || *at == 0x7F) return false;
  return true;
}

/* Between name and value stood a colon, then spaces or tabs, and nothing else. */
static bool colon_follows_name(const struct mg_header *header) {
  for (const char *at = end_of(header->name) + 1; at < header->value; at++)
    if (*at != ' ' && *at != '\t') return false;
  return true;
}

/* The line ended in CRLF, and after it comes the next header, or the empty line. */
static bool line_ends_well(const struct mg_request_info *http, int index) {
  const char *end = end_of(http->http_headers[index].value);
  if (end[1] != '\0') return false;
  if (index + 1 < http->num_headers) return http->http_headers[index + 1].name == end + 2;
  return end[2] == '\r';
}

static enum rc check_header_lines(const struct mg_request_info *http, struct error *err) {
  size_t bytes = 0;
  if (http->num_headers > HEADERS_MAX) return error_set(err, RC_HEADERS_TOO_LARGE, "there are too many headers");
  for (int i = 0; i < http->num_headers; i++) {
    const struct mg_header *header = &http->http_headers[i];
    bytes += strlen(header->name) + strlen(header->value);
    if (!is_token(header->name) || !is_field_value(header->value) || !colon_follows_name(header) ||
        !line_ends_well(http, i))
      return refuse(err, "a header line is not one of HTTP/1.1");
  }
  return bytes > HEADER_BYTES_MAX ? error_set(err, RC_HEADERS_TOO_LARGE, NULL) : RC_OK;
}

/* The only value of a header that must not come twice; NULL when absent. */
static enum rc single_header(const struct mg_request_info *http, const char *name, const char **ret_value,
                             struct error *err) {
  const char *value = NULL;
  for (int i = 0; i < http->num_headers; i++) {
    if (strcasecmp(http->http_headers[i].name, name) != 0) continue;
    if (value) return error_set(err, RC_MALFORMED, "the header %s is given twice", name);
    value = http->http_headers[i].value;
  }
  *ret_value = value;
  return RC_OK;
}

static enum rc check_singles(const struct mg_request_info *http, struct error *err) {
  static const char *const singles[] = {"Authorization",   "Content-Type", "Content-Encoding",
                                        "Idempotency-Key", "X-Tenant-ID",  "If-None-Match",
                                        "If-Match",        "X-Request-ID", "Origin"};
  const char *ignored;
  for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) TRY(single_header(http, singles[i], &ignored, err));
  return RC_OK;
}

static enum rc check_host(const struct mg_request_info *http, struct error *err) {
  const char *host = NULL;
  TRY(single_header(http, "Host", &host, err));
  if (!host && strcmp(http->http_version, "1.1") == 0) return refuse(err, "the header Host is missing");
  return RC_OK;
}

/* ---- framing of the body ---- */

static enum rc check_framing(const struct mg_request_info *http, int64_t body_bytes_max, struct error *err) {
  const char *length = NULL, *coding = NULL;
  TRY(single_header(http, "Content-Length", &length, err));
  TRY(single_header(http, "Transfer-Encoding", &coding, err));
  if (length && coding) return refuse(err, "Content-Length and Transfer-Encoding exclude each other");
  if (coding && (strcasecmp(coding, "chunked") != 0 || strcmp(http->http_version, "1.1") != 0))
    return refuse(err, "the only transfer coding is chunked");
  if (!length) return RC_OK;
  size_t digits = strspn(length, "0123456789");
  if (digits == 0 || length[digits]) return refuse(err, "Content-Length is not a number");
  if (digits > 12 || strtoll(length, NULL, 10) > body_bytes_max) return error_set(err, RC_PAYLOAD_TOO_LARGE, NULL);
  return RC_OK;
}

enum rc guard_check(const struct mg_request_info *http, int64_t body_bytes_max, struct error *err) {
  TRY(check_request_line(http, err));
  TRY(check_header_lines(http, err));
  TRY(check_host(http, err));
  TRY(check_singles(http, err));
  return check_framing(http, body_bytes_max, err);
}

int64_t guard_body_length(const struct mg_request_info *http) {
  for (int i = 0; i < http->num_headers; i++) {
    if (strcasecmp(http->http_headers[i].name, "Content-Length") == 0)
      return strtoll(http->http_headers[i].value, NULL, 10);
    if (strcasecmp(http->http_headers[i].name, "Transfer-Encoding") == 0) return -1;
  }
  return 0;
}
