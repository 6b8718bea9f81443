/* payment.collect: collect this invoice now. Makes its payment if it has none, starts a new cycle of attempts if it was
 * given up or waits. A charge that is under way is let be. */
#include "base/assert.h"
#include "collect.h"
#include "handlers.h"
#include "open.h"
#include "resume.h"
#include "rows.h"
#include "sql.h"

static enum rc decode(const struct message *message, struct uuid *ret_invoice, struct error *err) {
  bool is_there;
  TRY(body_uuid(message->json, "invoiceId", ret_invoice, &is_there, err));
  if (!is_there) return error_field(err, RC_VALIDATION, "invoiceId", "is needed");
  return RC_OK;
}

/* Locks the invoice's payment. */
static enum rc load(struct work *work, const struct invoice_ref *invoice, struct situation **ret_situation,
                    struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  size_t count;
  TRY(tx_exec(work->tx, &sql_payment_lock,
              PARAMS(db_uuid(work->arena, &invoice->tenant), db_uuid(work->arena, &invoice->invoice)), &rows, err));
  if (row_count(rows) == 0) return error_set(err, RC_CONFLICT, "nothing is owed on this invoice");
  struct payment_ref ref = {.tenant = invoice->tenant, .payment = row_uuid(rows, 0, 0)};
  return situations_load(work, &ref, 1, ret_situation, &count, err);
}

static enum rc find_invoice(struct work *work, const struct invoice_ref *invoice, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_invoice_find,
              PARAMS(db_uuid(work->arena, &invoice->tenant), db_uuid(work->arena, &invoice->invoice)), &rows, err));
  if (row_count(rows) == 0) return error_field(err, RC_NOT_FOUND, "invoiceId", "there is no such invoice");
  if (!row_bool(rows, 0, 0)) return error_set(err, RC_CONFLICT, "nothing is owed on this invoice");
  return RC_OK;
}

enum rc payment_answer(struct work *work, const struct message *message, const struct payment *payment,
                       struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  const char *id = db_uuid(work->arena, &payment->id);
  TRY(tx_exec(work->tx, &sql_payment_resource, PARAMS(db_uuid(work->arena, &payment->tenant), id), &rows, err));
  reply(work, message, 200, "payment", id, row_text(rows, 0, 0));
  return RC_OK;
}

enum rc payment_collect(struct work *work, const struct invoice_ref *invoice, struct payment *ret_payment,
                        struct error *err) {
  struct situation *situation = NULL;
  TRY(find_invoice(work, invoice, err));
  TRY(payments_open(work, invoice, 1, true, err));
  TRY(load(work, invoice, &situation, err));
  ASSERT(situation);
  TRY(payments_resume(work, situation, 1, true, err));
  *ret_payment = situation->payment;
  return RC_OK;
}

enum rc handle_payment_collect(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  struct invoice_ref invoice = {.tenant = messages[0]->tenant};
  struct payment payment;
  (void)count;
  TRY(decode(messages[0], &invoice.invoice, err));
  TRY(payment_collect(work, &invoice, &payment, err));
  return payment_answer(work, messages[0], &payment, err);
}
