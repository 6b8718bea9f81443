/* invoice.void, invoice.write_off, invoice.send: what may become of an invoice that is open (BILL-070). */
#include "base/assert.h"
#include "handlers.h"
#include "invoice_events.h"
#include "posting.h"
#include "sql.h"

static enum rc load(struct work *work, const struct message *command, struct invoice_facts *facts, struct error *err) {
  TRY(invoice_facts_load(work, &command->tenant, command->subject, GROUND_TO_STORE, facts, err));
  return message_expect_version(command, facts->version, err);
}

static struct posting posting_of(const struct invoice_facts *facts) {
  struct posting to = {.tenant = facts->tenant, .customer_id = facts->customer_id, .currency = facts->currency->code};
  bool parsed = uuid_parse(facts->id, &to.document);
  ASSERT(parsed);
  return to;
}

static enum rc set_state(struct work *work, struct invoice_facts *facts, enum invoice_state state, struct error *err) {
  facts->state = state;
  return tx_exec(work->tx, &sql_invoice_set_state,
                 PARAMS(db_uuid(work->arena, &facts->tenant), facts->id, invoice_state_name(state),
                        db_utime(work->arena, work->now)),
                 NULL, err);
}

/* -- void -- */

/* What credit notes have given back is not taken back twice. `over`: of the credit that it had used. */
static enum rc post_void(struct work *work, const struct invoice_facts *facts, int64_t due_minor, int64_t over_minor,
                         struct error *err) {
  PGresult CLEANUP(db_result_release) *noted = NULL;
  struct postings *postings = postings_new(work);
  struct posting to = posting_of(facts);
  TRY(tx_exec(work->tx, &sql_notes_sum, PARAMS(db_uuid(work->arena, &facts->tenant), facts->id), &noted, err));
  if (facts->state == INVOICE_UNCOLLECTIBLE) post(postings, &to, FACT_RECOVERY, due_minor);
  post(postings, &to, FACT_VOID_NET, facts->subtotal_minor - facts->discount_minor - row_int(noted, 0, 0));
  post(postings, &to, FACT_VOID_TAX, facts->tax_minor - row_int(noted, 0, 1));
  post(postings, &to, FACT_VOID_CREDIT, facts->credit_applied_minor);
  post(postings, &to, FACT_CREDIT_EXPIRED, over_minor);
  return postings_insert(work, postings, err);
}

/* BILL-040: a fixed coupon gives its amount once in a period, and on this invoice it gave nothing after all. */
static enum rc return_coupons(struct work *work, const struct invoice_facts *facts, struct error *err) {
  const char *params[] = {db_uuid(work->arena, &facts->tenant), facts->id};
  TRY(tx_exec(work->tx, &sql_void_coupons_hold, params, 2, NULL, err));
  return tx_exec(work->tx, &sql_void_coupons_return, params, 2, NULL, err);
}

enum rc invoice_void(struct work *work, struct invoice_facts *facts, const struct message *cause, struct error *err) {
  struct credit_uses uses;
  enum invoice_state state;
  TRY(invoice_next(facts->state, INVOICE_EVENT_VOID, &state, err));
  if (facts->paid_minor > 0)
    return error_set(err, RC_CONFLICT, "something has been paid on the invoice: give it back by a credit note");

  /* BILL-040: the account credit that it had used is the customer's again, for no longer than it was */
  TRY(credit_uses_load(work, facts, GROUND_TO_STORE, &uses, err));
  TRY(return_coupons(work, facts, err));
  int64_t over = credit_return(uses.at, uses.count, uses.sum_minor);
  TRY(post_void(work, facts, invoice_facts_due(facts), over, err));
  TRY(credit_uses_return(work, facts, &uses, err));
  TRY(set_state(work, facts, state, err));
  invoice_emit(work, facts, "invoice.voided", facts->version + 1, cause);
  return RC_OK;
}

/* BILL-022: the credit would be for what was never charged. (What billing itself withdraws was never changed.) */
static enum rc check_not_taken_back(struct work *work, const struct invoice_facts *facts, struct error *err) {
  PGresult CLEANUP(db_result_release) *taken = NULL;
  TRY(tx_exec(work->tx, &sql_invoice_taken_back, PARAMS(db_uuid(work->arena, &facts->tenant), facts->id), &taken, err));
  if (row_count(taken) == 0) return RC_OK;
  return error_set(err, RC_CONFLICT,
                   "a later invoice has taken a part of it back already: give the rest back by a credit note");
}

enum rc handle_invoice_void(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct invoice_facts facts;
  TRY(load(work, messages[0], &facts, err));
  TRY(check_not_taken_back(work, &facts, err));
  TRY(invoice_void(work, &facts, messages[0], err));
  return invoice_answer(work, messages[0], facts.id, 200, err);
}

/* -- given up -- */

enum rc handle_invoice_write_off(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct invoice_facts facts;
  enum invoice_state state;
  struct postings *postings = postings_new(work);
  TRY(load(work, messages[0], &facts, err));
  TRY(invoice_next(facts.state, INVOICE_EVENT_WRITE_OFF, &state, err));

  struct posting to = posting_of(&facts);
  post(postings, &to, FACT_WRITE_OFF, invoice_facts_due(&facts));
  TRY(postings_insert(work, postings, err));
  TRY(set_state(work, &facts, state, err));
  invoice_emit(work, &facts, "invoice.uncollectible", facts.version + 1, messages[0]);
  return invoice_answer(work, messages[0], facts.id, 200, err);
}

/* -- sent again -- */

enum rc handle_invoice_send(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct invoice_facts facts;
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(load(work, messages[0], &facts, err));
  if (facts.state == INVOICE_DRAFT || facts.state == INVOICE_VOID) return invoice_refuse(facts.state, "send", err);
  TRY(tx_exec(work->tx, &sql_invoice_dates, PARAMS(db_uuid(work->arena, &facts.tenant), facts.id), &row, err));

  invoice_emit_sent(work, &facts, row_text(row, 0, 0), row_text(row, 0, 1), row_text(row, 0, 2), messages[0]);
  return invoice_answer(work, messages[0], facts.id, 200, err);
}
