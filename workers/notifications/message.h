/* A mail as the SMTP server takes it: headers, a text and an HTML part (RFC 5322, 2045-2047, 3834).
 *
 * Whatever stands in a name or a subject, it stays in its header: control characters become spaces, what is not plain
 * ASCII becomes encoded words. Addresses are checked, not repaired. Lines are at most 76 characters long, but for a
 * long address. Dot stuffing is the transport's. */
#ifndef NOTIFICATIONS_MESSAGE_H
#define NOTIFICATIONS_MESSAGE_H

#include "base/buf.h"
#include "base/email.h"
#include "base/error.h"
#include "base/time.h"

enum { MAIL_MAX_BYTES = 512 * 1024 };

/* Texts are UTF-8 with \n between lines. */
struct mail {
  const char *from_name, *from_address;
  const char *to_name, *to_address;
  const char *reply_to; /* address; NULL: answers go to From */
  const char *subject;
  const char *id; /* "<id>@<domain of from_address>" is the Message-ID; letters, digits and - only */
  const char *language;
  struct utime date;
  const char *text, *html;
};

/* RC_VALIDATION naming from, to or replyTo when its address is wrong, RC_INVARIANT when it gets longer than out may be.
 */
MUST_CHECK enum rc mail_write(const struct mail *mail, struct buf *out, struct error *err);

/* The parts, for the tests. Appends `text` to a header that has `column` characters so far; folds. */
void header_text_append(struct buf *out, const char *text, size_t column);
void header_name_append(struct buf *out, const char *name, size_t column); /* a quoted string, or encoded words */
void quoted_printable_append(struct buf *out, const char *text);

#endif
