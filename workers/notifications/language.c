/* A language is a row here. Amounts are grouped by threes with what the language puts between them; a space is one that
 * does not break a line. */
#include "language.h"

#include <ctype.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"

const struct language LANGUAGES[LANGUAGE_COUNT] = {
    {
        .code = "en",
        .decimal_point = '.',
        .group_separator = ",",
        .amount_format = "%1$s %2$s",
        .date_format = "%1$d %2$s %3$d",
        .months = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                   "November", "December"},
    },
    {
        .code = "de",
        .decimal_point = ',',
        .group_separator = ".",
        .amount_format = "%2$s %1$s",
        .date_format = "%1$d. %2$s %3$d",
        .months = {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
                   "November", "Dezember"},
    },
};

static bool speaks(const struct language *language, const char *locale) {
  size_t length = strlen(language->code);
  return strncasecmp(locale, language->code, length) == 0 && !isalnum((unsigned char)locale[length]);
}

const struct language *language_find(const char *locale) {
  for (size_t i = 0; i < LANGUAGE_COUNT; i++)
    if (speaks(&LANGUAGES[i], locale)) return &LANGUAGES[i];
  return &LANGUAGES[0];
}

size_t language_index(const struct language *language) {
  ASSERT(language >= LANGUAGES && language < LANGUAGES + LANGUAGE_COUNT);
  return (size_t)(language - LANGUAGES);
}

enum { NUMBER_TEXT_MAX = 2 * MONEY_TEXT_MAX };

/* "-1234.50" as the language writes it. */
static void append_number(const struct language *language, const char *plain, struct buf *out) {
  if (*plain == '-') buf_char(out, *plain++);
  for (size_t left = strcspn(plain, "."); left > 0; left--) {
    buf_char(out, *plain++);
    if (left > 1 && left % 3 == 1) buf_text_append(out, language->group_separator);
  }
  if (*plain == '.') {
    buf_char(out, language->decimal_point);
    buf_text_append(out, plain + 1);
  }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the formats are the rows of LANGUAGES */

const char *language_amount(const struct language *language, int64_t minor, const struct currency *currency,
                            struct arena *arena) {
  char plain[MONEY_TEXT_MAX];
  struct buf CLEANUP(buf_release) number = {0};
  buf_init(&number, NUMBER_TEXT_MAX);
  append_number(language, money_format(minor, currency, plain), &number);
  return arena_printf(arena, language->amount_format, currency->code, buf_text(&number));
}

const char *language_date(const struct language *language, struct date date, struct arena *arena) {
  struct civil civil = date_to_civil(date);
  return arena_printf(arena, language->date_format, civil.day, language->months[civil.month - 1], civil.year);
}

#pragma GCC diagnostic pop
