/* An invoice on its way from a command, or from a stored draft, to its rows. */
#ifndef INVOICING_INVOICE_H
#define INVOICING_INVOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/json_text.h"
#include "base/money.h"
#include "bus/message.h"
#include "db/db.h"
#include "domain/discount.h"
#include "domain/invoice.h"
#include "domain/tax.h"

/* What identifies a line among those of its subscription (BILL-060). */
struct line_name {
  const char *component, *kind;
  int64_t item, period_index, revision;
};

/* The line that a credit takes back, and how much of it has been (BILL-022). */
struct origin {
  struct uuid id;
  struct taken_back charge;
  bool is_void; /* its invoice is: nothing of it was charged */
  bool is_draft;
  struct tax_rate rate;
  const char *discounts; /* JSON of each coupon's share; NULL: none */
};

struct invoice_line {
  struct uuid id;
  const char *subscription_id; /* NULL: written by hand; texts as the command has them, checked */
  const char *kind, *description, *quantity, *unit_price, *provenance, *component, *tax_code, *plan_id;
  int64_t item, period_index, revision; /* period_index -1: none */
  int64_t listed_minor;
  bool has_period;
  struct utime start, end;
  bool takes_back;
  const char *credits_json; /* NULL unless it takes back */
  struct line_name credits; /* the line that it takes back */
  /* computed */
  struct origin *origin;   /* NULL: takes nothing back, or what was never invoiced */
  struct true_up *true_up; /* NULL: is none */
  struct tax_rate rate;
  int64_t listed_discount_minor;
  int64_t amount_minor, discount_minor, tax_minor;
  const char *discounts; /* JSON, how the discount came about (BILL-025): coupons in order; NULL: none */
};

struct invoice {
  const struct message *cause; /* NULL: a task */
  struct uuid tenant, id;
  const char *id_text, *customer_id, *run_id, *collection, *notes;
  const struct currency *currency;
  struct date issue_date;
  bool is_awaited; /* by a subscription, to be paid (BILL-051): never a draft */
  bool has_asked_due_date;
  struct date asked_due_date;
  struct utime created; /* 0: now */
  struct invoice_line *lines;
  size_t line_count;
  const char *subscription_id; /* of all lines, or NULL */
  bool has_period;
  struct utime start, end; /* of all lines together */
  int64_t version;         /* that it will have */
  bool is_known;           /* finalised before: nothing to do */
  bool is_tallied;         /* by its run, when it was drafted */
  /* computed */
  enum tax_rounding tax_rounding;
  int64_t subtotal_minor, discount_minor, tax_minor, total_minor, credit_applied_minor;
  bool is_draft;              /* to be stored as one */
  struct utime auto_finalise; /* of a draft; 0: by hand */
  const char *series;
  int64_t number;
  struct date due_date;
};

/* Reads and checks the command; what it lacks is a fault of its sender: RC_VALIDATION naming the field. */
MUST_CHECK enum rc invoice_read(struct arena *arena, const struct message *command, struct invoice *ret_invoice,
                                struct error *err);
/* The member "credits" of a line, if it has one. */
MUST_CHECK enum rc line_read_credits(struct arena *arena, json_t *body, struct invoice_line *line, struct error *err);
struct line_name line_name(const struct invoice_line *line);
bool line_is_named(const struct invoice_line *line, const struct line_name *name);
bool line_name_equal(const struct line_name *a, const struct line_name *b);
/* As members of the object that is being written. */
void line_name_write(struct json_writer *json, const struct line_name *name);
/* Names as arrays, for statements that look lines up by them: item, component, period, kind, revision. */
enum { LINE_NAME_COLUMNS = 5 };
struct line_names {
  struct db_array *columns[LINE_NAME_COLUMNS];
};
struct line_names line_names_new(struct arena *arena);
void line_names_add(struct line_names *names, const struct line_name *name);
void line_names_literals(const struct line_names *names, const char *ret_params[static LINE_NAME_COLUMNS]);
/* The subscription and the periods of its lines together. */
void invoice_gather(struct invoice *invoice);
/* total less credit, at least 0. */
int64_t invoice_due(const struct invoice *invoice);
/* "draft", "open", or "paid" when nothing is due. */
const char *invoice_status(const struct invoice *invoice);

enum { INVOICE_NUMBER_MAX = 48 };
/* "INV-000042", as the table generates it; NULL for a draft. */
const char *invoice_number(const struct invoice *invoice, char text[static INVOICE_NUMBER_MAX]);

/* A computed invoice as the view invoice_resource shows it, but for what it has only when it is stored. */
void invoice_write(struct json_writer *json, const char *key, const struct invoice *invoice);

#endif
