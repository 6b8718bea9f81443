/* All templates of the program, compiled: a subject, a text and an HTML part for each kind of mail in each language.
 * They are the files in templates/, <kind>.<language>.<subject|txt|html>; what all mails of a language have around
 * their content is frame.<language>.<txt|html>. */
#ifndef NOTIFICATIONS_CATALOGUE_H
#define NOTIFICATIONS_CATALOGUE_H

#include "base/buf.h"
#include "base/error.h"
#include "language.h"
#include "variables.h"

/* Once, before any thread starts. RC_INVALID_SETTING naming the file that is missing, wrong, or of no kind or language.
 */
MUST_CHECK enum rc catalogue_load(struct error *err);
void catalogue_release(void);

void catalogue_subject(enum mail_kind kind, const struct language *language, const struct mail_values *values,
                       struct buf *out); /* one line, without its end */
void catalogue_text(enum mail_kind kind, const struct language *language, const struct mail_values *values,
                    struct buf *out);
void catalogue_html(enum mail_kind kind, const struct language *language, const struct mail_values *values,
                    struct buf *out);

#endif
