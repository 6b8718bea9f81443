/* The languages that mails are written in, and how each writes amounts and dates. A language is a row in language.c and
 * its files in templates/. */
#ifndef NOTIFICATIONS_LANGUAGE_H
#define NOTIFICATIONS_LANGUAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/date.h"
#include "base/money.h"

enum { LANGUAGE_COUNT = 2, LANGUAGE_CODE_MAX = 8 };

struct language {
  char code[LANGUAGE_CODE_MAX]; /* ISO 639-1, as in the templates' names */
  char decimal_point;
  const char *group_separator;
  const char *amount_format; /* printf's, of the currency's code (1) and the number (2) */
  const char *date_format;   /* of day (1), month's name (2), year (3) */
  const char *months[12];
};

extern const struct language LANGUAGES[LANGUAGE_COUNT]; /* the first is what all others fall back to */

/* By a BCP 47 tag or POSIX name ("de", "de-AT", "de_CH.UTF-8"), in any letters; the first of LANGUAGES for what has no
 * row. */
const struct language *language_find(const char *locale);
size_t language_index(const struct language *language);

/* "USD 1,234.50", "1.234,50 USD": by code, since a $ is not the same everywhere. */
const char *language_amount(const struct language *language, int64_t minor, const struct currency *currency,
                            struct arena *arena);
/* "21 November 2026", "21. November 2026" */
const char *language_date(const struct language *language, struct date date, struct arena *arena);

#endif
