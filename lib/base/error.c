/* The error table and how an error is filled. Texts are formatted into a buffer of their own first, so that an error
 * may be reworded from its own text; what is too long is cut between characters, never within one. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"

struct code_row {
  const char *name;
  enum verdict verdict;
  int http_status;
  const char *text;
};

static const struct code_row CODES[RC_COUNT] = {
#define X(code, name, verdict, status, text) [code] = {name, verdict, status, text},
    ERROR_CODES(X)
#undef X
};

static const struct code_row *row_of(enum rc code) {
  ASSERT(code >= RC_OK && code < RC_COUNT);
  return &CODES[code];
}

enum verdict error_verdict(enum rc code) {
  return row_of(code)->verdict;
}

const char *error_name(enum rc code) {
  return row_of(code)->name;
}

const char *error_text(enum rc code) {
  return row_of(code)->text;
}

int error_http_status(enum rc code) {
  return row_of(code)->http_status;
}

const char *verdict_name(enum verdict verdict) {
  switch (verdict) {
  case VERDICT_NONE: return "none";
  case VERDICT_RETRY: return "retry";
  case VERDICT_REJECT: return "reject";
  case VERDICT_POISON: return "poison";
  case VERDICT_FATAL: return "fatal";
  }
  assert_failed("a verdict", __FILE__, __LINE__);
}

__attribute__((format(printf, 4, 0))) static enum rc fill(struct error *err, enum rc code, const char *field,
                                                          const char *format, va_list arguments) {
  ASSERT(err != NULL && code > RC_OK && code < RC_COUNT);
  char text[ERROR_TEXT_MAX + 4]; /* room to see where the character at the cut begins */
  char field_copy[ERROR_FIELD_MAX];
  if (format == NULL) {
    text_copy_cut(text, sizeof text, error_text(code));
  } else {
    int written = vsnprintf(text, sizeof text, format, arguments);
    ASSERT(written >= 0);
  }
  text_copy_cut(field_copy, sizeof field_copy, field);
  err->code = code;
  err->details[0] = '\0';
  text_copy_cut(err->field, sizeof err->field, field_copy);
  text_copy_cut(err->text, sizeof err->text, text);
  return code;
}

enum rc error_set(struct error *err, enum rc code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  enum rc rc = fill(err, code, "", format, arguments);
  va_end(arguments);
  return rc;
}

enum rc error_field(struct error *err, enum rc code, const char *field, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  enum rc rc = fill(err, code, field == NULL ? "" : field, format, arguments);
  va_end(arguments);
  return rc;
}
