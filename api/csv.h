/* Lists as CSV (RFC 4180), for spreadsheets. Pure.
 *
 * Columns are the members of the first item, in its order; values are texts, exact numbers, true and false, nothing for
 * null, and JSON for what has members of its own. A text that a spreadsheet would compute (it begins with = + - @, a
 * tab or a return) gets an apostrophe in front: a customer's name must not run in the accountant's spreadsheet. */
#ifndef API_CSV_H
#define API_CSV_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum { CSV_COLUMNS_MAX = 128 };

struct csv {
  struct arena *arena;
  const char *columns[CSV_COLUMNS_MAX];
  size_t count; /* 0 until the first row */
};

/* Appends a page, an array of objects as PostgreSQL writes it; the header line goes before the first row of all. */
MUST_CHECK enum rc csv_write_page(struct csv *csv, const char *items, struct buf *out, struct error *err);
/* By RFC 9110: is text/csv liked better than application/json? NULL: no header. */
bool csv_is_accepted(const char *accept);

#endif
