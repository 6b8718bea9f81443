/* JSON as text: a writer, and a scan that runs before any parser.
 *
 * Writer: json_put_* members into a buf, commas by itself:
 *   struct json_writer w; json_writer_init(&w, &buf);
 *   json_put_object(&w, NULL); json_put_string(&w, "id", id); json_put_raw(&w, "amount", "99.00"); json_put_end(&w);
 * A NULL key is an array element or the top value. Nesting is at most JSON_DEPTH_MAX.
 *
 * json_exact rewrites a document so that a parser which knows only doubles loses nothing (BILL-004): each number with
 * a '.', 'e' or 'E' becomes the string "\u0001<number's own characters>"; integers of more than 18 digits too.
 * The same scan refuses nesting deeper than JSON_DEPTH_MAX (a parser would overflow its stack), NUL and raw control
 * characters, numbers of more than JSON_NUMBER_MAX characters or beyond 1e±308, and strings of the sender's own that
 * begin with the mark: what follows a mark is a JSON number always. It does not check the grammar otherwise: the parser
 * does.
 *
 * What is written as a string and is not UTF-8 becomes U+FFFD, byte by byte: what comes out is JSON always. */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum { JSON_DEPTH_MAX = 32, JSON_NUMBER_MAX = 64 /* no amount, quantity or rate needs more */ };
#define JSON_EXACT_MARK '\x01'

struct json_writer {
  struct buf *out;
  int depth;
  bool has_member[JSON_DEPTH_MAX + 1];
  bool is_array[JSON_DEPTH_MAX + 1];
};

void json_writer_init(struct json_writer *writer, struct buf *out);
void json_put_object(struct json_writer *writer, const char *key);
void json_put_array(struct json_writer *writer, const char *key);
void json_put_end(struct json_writer *writer); /* closes the innermost object or array */
void json_put_string(struct json_writer *writer, const char *key, const char *text); /* NULL writes null */
void json_put_string_n(struct json_writer *writer, const char *key, const char *text, size_t length);
void json_put_int(struct json_writer *writer, const char *key, int64_t value);
void json_put_bool(struct json_writer *writer, const char *key, bool value);
void json_put_null(struct json_writer *writer, const char *key);
void json_put_raw(struct json_writer *writer, const char *key, const char *json); /* JSON as it is; NULL writes null */

void json_escape(struct buf *out, const char *text, size_t length); /* with the quotes */

/* RC_MALFORMED with what and where; a number that is too long names the member that it belongs to, too. `out` is
 * appended to. */
MUST_CHECK enum rc json_exact(const char *text, size_t length, struct buf *out, struct error *err);
/* The same, but that each member of this name, which must be an object, is set aside: what nobody looks into costs no
 * parser. In its place stands where its text is, [first byte, bytes]. Whoever reads that text checks its grammar. No
 * other name may be written with a backslash: the parser might read it as this one. */
MUST_CHECK enum rc json_exact_beside(const char *text, size_t length, const char *name, struct buf *out,
                                     struct error *err);

#endif
