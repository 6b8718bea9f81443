/* Entity tags, read as strangers write them. */
#include "etag.h"

#include <string.h>

#include "base/buf.h"

enum { VERSIONS_BYTES_MAX = 512, VERSION_DIGITS_MAX = 18 };

static const char BLANKS[] = " \t";

const char *etag_of(struct arena *arena, const char *version) {
  return arena_printf(arena, "\"%s\"", version);
}

bool etag_is_among(const char *header, const char *etag) {
  size_t length = strlen(etag);
  for (const char *at = header; *at;) {
    at += strspn(at, " \t,");
    if (*at == '*') return true;
    if (strncmp(at, "W/", 2) == 0) at += 2;
    size_t given = strcspn(at, " \t,");
    if (given == length && memcmp(at, etag, length) == 0) return true;
    at += given;
  }
  return false;
}

static enum rc refuse(struct error *err) {
  return error_field(err, RC_VALIDATION, "If-Match", "If-Match must be * or a list of at most %d tags like \"3\"",
                     ETAGS_MAX);
}

/* One tag, from its quote or W/ on: what stands between the quotes, and whether it is a strong one. NULL: it is none.
 */
static const char *read_tag(const char *at, bool *ret_is_strong, const char **ret_opaque, size_t *ret_length) {
  *ret_is_strong = strncmp(at, "W/", 2) != 0;
  if (!*ret_is_strong) at += 2;
  if (*at++ != '"') return NULL;
  *ret_opaque = at;
  while (*at && *at != '"' && (unsigned char)*at > 0x20 && *at != 0x7F) at++;
  *ret_length = (size_t)(at - *ret_opaque);
  return *at == '"' ? at + 1 : NULL;
}

/* As we write them: no sign, no zero in front. */
static bool is_version(const char *opaque, size_t length) {
  if (length == 0 || length > VERSION_DIGITS_MAX || opaque[0] == '0') return false;
  for (size_t i = 0; i < length; i++)
    if (opaque[i] < '0' || opaque[i] > '9') return false;
  return true;
}

enum rc if_match_parse(const char *header, struct arena *arena, const char **ret_versions, struct error *err) {
  struct buf CLEANUP(buf_release) versions;
  buf_init(&versions, VERSIONS_BYTES_MAX);
  const char *at = header + strspn(header, BLANKS);
  if (*at == '*' && at[1 + strspn(at + 1, BLANKS)] == '\0') {
    *ret_versions = NULL;
    return RC_OK;
  }
  for (size_t count = 1;; count++) {
    bool is_strong;
    const char *opaque;
    size_t length;
    at = read_tag(at, &is_strong, &opaque, &length);
    if (!at || count > ETAGS_MAX) return refuse(err);
    if (is_strong && is_version(opaque, length))
      buf_append(&versions, opaque, length);
    else
      buf_char(&versions, '0');
    at += strspn(at, BLANKS);
    if (*at == '\0') break;
    if (*at++ != ',') return refuse(err);
    buf_char(&versions, ',');
    at += strspn(at, BLANKS);
  }
  *ret_versions = arena_strdup(arena, buf_text(&versions));
  return RC_OK;
}
