/* invoice.void, invoice.write_off, invoice.send: what may become of an invoice that is open (BILL-070). */
#include "base/assert.h"
#include "handlers.h"
#include "invoice_facts.h"
#include "posting.h"
#include "sql.h"

static enum rc load(struct work *work, const struct message *command, struct invoice_facts *standing,
                    struct error *err) {
  TRY(invoice_facts_load(work, &command->tenant, command->subject, GROUND_TO_STORE, standing, err));
  return message_expect_version(command, standing->version, err);
}

static struct posting posting_of(const struct invoice_facts *standing) {
  struct posting to = {
      .tenant = standing->tenant, .customer_id = standing->customer_id, .currency = standing->currency->code};
  bool parsed = uuid_parse(standing->id, &to.document);
  ASSERT(parsed);
  return to;
}

static enum rc set_state(struct work *work, struct invoice_facts *standing, enum invoice_state state,
                         struct error *err) {
  standing->state = state;
  return tx_exec(work->tx, &sql_invoice_set_state,
                 PARAMS(db_uuid(work->arena, &standing->tenant), standing->id, invoice_state_name(state),
                        db_utime(work->arena, work->now)),
                 NULL, err);
}

/* -- void -- */

/* What credit notes have given back is not taken back twice. */
static enum rc post_void(struct work *work, const struct invoice_facts *standing, int64_t due_minor,
                         struct error *err) {
  PGresult CLEANUP(db_result_release) *noted = NULL;
  struct postings *postings = postings_new(work);
  struct posting to = posting_of(standing);
  TRY(tx_exec(work->tx, &sql_notes_sum, PARAMS(db_uuid(work->arena, &standing->tenant), standing->id), &noted, err));
  if (standing->state == INVOICE_UNCOLLECTIBLE) post(postings, &to, FACT_RECOVERY, due_minor);
  post(postings, &to, FACT_VOID_NET, standing->subtotal_minor - standing->discount_minor - row_int(noted, 0, 0));
  post(postings, &to, FACT_VOID_TAX, standing->tax_minor - row_int(noted, 0, 1));
  post(postings, &to, FACT_VOID_CREDIT, standing->credit_applied_minor);
  return postings_insert(work, postings, err);
}

/* The account credit that it had used is the customer's again. */
static enum rc return_credit(struct work *work, const struct invoice_facts *standing, struct error *err) {
  struct grant grant = {.tenant = standing->tenant,
                        .id = uuid_new(),
                        .customer_id = standing->customer_id,
                        .currency = standing->currency->code,
                        .amount_minor = standing->credit_applied_minor,
                        .remaining_minor = standing->credit_applied_minor,
                        .source = "void",
                        .document_id = standing->id,
                        .is_new = true};
  return grants_save(work, &grant, standing->credit_applied_minor > 0, err);
}

enum rc invoice_void(struct work *work, struct invoice_facts *standing, const struct message *cause,
                     struct error *err) {
  enum invoice_state state;
  TRY(invoice_next(standing->state, INVOICE_EVENT_VOID, &state, err));
  if (standing->paid_minor > 0)
    return error_set(err, RC_CONFLICT, "something has been paid on the invoice: give it back by a credit note");

  TRY(post_void(work, standing, invoice_facts_due(standing), err));
  TRY(return_credit(work, standing, err));
  TRY(set_state(work, standing, state, err));
  invoice_emit(work, standing, "invoice.voided", standing->version + 1, cause);
  return RC_OK;
}

enum rc handle_invoice_void(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct invoice_facts standing;
  TRY(load(work, messages[0], &standing, err));
  TRY(invoice_void(work, &standing, messages[0], err));
  return invoice_answer(work, messages[0], standing.id, 200, err);
}

/* -- given up -- */

enum rc handle_invoice_write_off(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct invoice_facts standing;
  enum invoice_state state;
  struct postings *postings = postings_new(work);
  TRY(load(work, messages[0], &standing, err));
  TRY(invoice_next(standing.state, INVOICE_EVENT_WRITE_OFF, &state, err));

  struct posting to = posting_of(&standing);
  post(postings, &to, FACT_WRITE_OFF, invoice_facts_due(&standing));
  TRY(postings_insert(work, postings, err));
  TRY(set_state(work, &standing, state, err));
  invoice_emit(work, &standing, "invoice.uncollectible", standing.version + 1, messages[0]);
  return invoice_answer(work, messages[0], standing.id, 200, err);
}

/* -- sent again -- */

enum rc handle_invoice_send(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct invoice_facts standing;
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(load(work, messages[0], &standing, err));
  if (standing.state == INVOICE_DRAFT || standing.state == INVOICE_VOID)
    return invoice_refuse(standing.state, "send", err);
  TRY(tx_exec(work->tx, &sql_invoice_dates, PARAMS(db_uuid(work->arena, &standing.tenant), standing.id), &row, err));

  invoice_emit_sent(work, &standing, row_text(row, 0, 0), row_text(row, 0, 1), row_text(row, 0, 2), messages[0]);
  return invoice_answer(work, messages[0], standing.id, 200, err);
}
