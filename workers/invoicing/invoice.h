/* An invoice on its way from the command invoice.create to its rows. */
#ifndef INVOICING_INVOICE_H
#define INVOICING_INVOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/money.h"
#include "bus/message.h"
#include "domain/invoice.h"

struct invoice_line {
  const char *subscription_id; /* texts as the command has them, checked */
  const char *kind, *description, *quantity, *unit_price, *provenance, *component;
  int64_t item, period_index, revision;
  int64_t amount_minor;
  struct utime start, end;
};

struct invoice {
  const struct message *command;
  struct uuid tenant, id;
  const char *id_text, *customer_id, *run_id, *collection;
  const struct currency *currency;
  struct date issue_date;
  struct invoice_line *lines;
  size_t line_count;
  const char *subscription_id; /* of all lines, or NULL */
  struct utime start, end;     /* of all lines together */
  int64_t subtotal_minor, total_minor;
  bool is_known; /* finalised before: nothing to do */
  /* set while finalising */
  const char *series;
  int64_t number;
  struct date due_date;
};

/* Reads and checks the command; what it lacks is a fault of its sender: RC_VALIDATION naming the field. */
MUST_CHECK enum rc invoice_read(struct arena *arena, const struct message *command, struct invoice *ret_invoice,
                                struct error *err);
/* "open", or "paid" when nothing is due. */
const char *invoice_status(const struct invoice *invoice);

enum { INVOICE_NUMBER_MAX = 48 };
/* "INV-000042", as the table generates it. */
const char *invoice_number(const struct invoice *invoice, char text[static INVOICE_NUMBER_MAX]);

#endif
