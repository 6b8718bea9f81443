/* A small template language. {{name}} is a variable's text; {{#if name}} … {{else}} … {{/if}} is one part when the text
 * is not empty and the other when it is. A line that holds nothing but an if, else or end leaves no line behind. There
 * is nothing else: no loops, no expressions, no way to write a text into HTML without escaping it. */
#ifndef NOTIFICATIONS_TEMPLATE_H
#define NOTIFICATIONS_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "variables.h"

enum escaping { ESCAPE_NOTHING, ESCAPE_HTML };

enum { TEMPLATE_DEPTH_MAX = 8 };

struct template;

/* name is for messages; text must stay, the template lives in the arena. RC_INVALID_SETTING with the file's name and
 * the line for what is unknown, unclosed or nested too deep. */
MUST_CHECK enum rc template_compile(struct arena *arena, const char *name, const char *text, enum mail_kind kind,
                                    enum escaping escaping, const struct template **ret_template, struct error *err);
void template_render(const struct template *template, const struct mail_values *values, struct buf *out);

#endif
