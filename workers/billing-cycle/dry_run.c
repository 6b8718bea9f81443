/* A dry run (BILL-062): the very same slices as a real one, billed in a transaction that is rolled back. What each
 * slice came to is written by a second transaction, together with how far the run has come, so that large tenants are
 * gone through in bounded memory and a crash repeats one slice at most. What the lines come to as invoices is computed
 * by invoicing's own code (dry_invoices.c). Two processes that worked on the same slice find out there: the second
 * one's is thrown away. */
#include <string.h>

#include "base/log.h"
#include "dry_invoices.h"
#include "sql.h"

/* Smaller slices than a real run's: all that a customer missed is in one transaction. A round is what one step of a
 * real run would hold in memory; of each, a row for each subscription is kept. */
enum {
  SLICE_CUSTOMERS = 20,
  ROUND_ARENA_MAX = 256 * 1024 * 1024,
  FINDINGS_ARENA_MAX = 64 * 1024 * 1024,
  ROUNDS_MAX = 1000,
  RESULT_LIST_MAX = 100
};

/* How far the run had come, and how far it is after this slice. */
struct cursor {
  const char *at, *customer; /* NULL: the beginning */
};

/* What outlives the rolled back transaction: one row for each subscription, and the counts. In an arena of its own. */
struct findings {
  struct arena arena;
  struct cursor before, after;
  size_t customers;
  struct db_array *subscriptions, *customers_of, *plans, *currencies, *periods, *subtotals, *discounts, *taxes, *codes,
      *reasons;
  struct db_array *total_currencies, *total_invoices, *totals; /* of invoices, by currency; several rows are added up */
  int64_t due, invoiced, nothing, parked, invoices;
};

static void findings_init(struct findings *findings) {
  *findings = (struct findings){0};
  arena_init(&findings->arena, FINDINGS_ARENA_MAX);
  struct db_array **const arrays[] = {&findings->subscriptions,
                                      &findings->customers_of,
                                      &findings->plans,
                                      &findings->currencies,
                                      &findings->periods,
                                      &findings->subtotals,
                                      &findings->discounts,
                                      &findings->taxes,
                                      &findings->codes,
                                      &findings->reasons,
                                      &findings->total_currencies,
                                      &findings->total_invoices,
                                      &findings->totals};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) *arrays[i] = db_array_new(&findings->arena);
}

static void findings_release(struct findings *findings) {
  arena_release(&findings->arena);
}

/* -- the transaction that is rolled back -- */

static enum rc hold(struct work *work, const struct run *run, struct findings *findings, bool *ret_is_running,
                    struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(work_begin(work, err));
  TRY(work_at_clock(work, &run->tenant, &run->clock, err));
  TRY(tx_exec(work->tx, &sql_dry_run_hold, PARAMS(db_uuid(work->arena, &run->tenant), db_uuid(work->arena, &run->id)),
              &row, err));
  *ret_is_running = row_count(row) == 1;
  if (!*ret_is_running || row_is_null(row, 0, 0)) return RC_OK;
  findings->before = (struct cursor){arena_strdup(&findings->arena, row_text(row, 0, 0)),
                                     arena_strdup(&findings->arena, row_text(row, 0, 1))};
  return RC_OK;
}

/* They are chosen by when they are due, and locked as by everybody: what is due of them is read after that. It waits
 * for who is busy, for a dry run leaves nobody out. */
static enum rc claim(struct work *work, const struct run *run, struct findings *findings,
                     struct db_array **ret_customers, struct error *err) {
  struct arena *arena = work->arena;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_dry_run_next,
              PARAMS(db_uuid(arena, &run->tenant), db_utime(arena, run->as_of), db_int(arena, SLICE_CUSTOMERS),
                     db_uuid(arena, &run->clock), findings->before.at, findings->before.customer),
              &rows, err));
  *ret_customers = db_array_new(arena);
  for (int r = 0; r < row_count(rows); r++) db_array_text(*ret_customers, row_text(rows, r, 0));
  findings->customers = (size_t)row_count(rows);
  if (findings->customers == 0) return RC_OK;
  int last = row_count(rows) - 1;
  findings->after = (struct cursor){arena_strdup(&findings->arena, row_text(rows, last, 1)),
                                    arena_strdup(&findings->arena, row_text(rows, last, 0))};
  return tx_exec(work->tx, &sql_customer_billing_lock,
                 PARAMS(db_uuid(arena, &run->tenant), db_array_literal(*ret_customers)), NULL, err);
}

static void note(struct findings *findings, const struct billable *s, const struct dry_amounts *amounts) {
  const struct error *why = s->is_parked ? s->why : amounts->why;
  db_array_uuid(findings->subscriptions, &s->id);
  db_array_uuid(findings->customers_of, &s->customer_id);
  db_array_text(findings->plans, s->item_count > 0 ? s->items[0].price->code : "");
  db_array_text(findings->currencies, s->currency ? s->currency->code : "");
  db_array_int(findings->periods, s->periods_due);
  db_array_int(findings->subtotals, amounts->subtotal_minor);
  db_array_int(findings->discounts, amounts->discount_minor);
  db_array_int(findings->taxes, amounts->tax_minor);
  db_array_text(findings->codes, why ? error_name(why->code) : NULL);
  db_array_text(findings->reasons, why ? why->text : NULL);
  findings->due += s->periods_due;
  findings->invoiced += s->periods_invoiced;
  findings->nothing += s->periods_without_charge;
  findings->parked += s->is_parked;
}

static enum rc keep(struct work *work, const struct run *run, struct findings *findings, const struct slice *slice,
                    struct error *err) {
  struct dry_invoices invoices;
  TRY(dry_invoices_make(work, run, slice, &invoices, err));
  for (size_t i = 0; i < slice->count; i++) note(findings, &slice->due[i], &invoices.of[i]);
  for (size_t i = 0; i < invoices.total_count; i++) {
    db_array_text(findings->total_currencies, invoices.totals[i].currency->code);
    db_array_int(findings->total_invoices, invoices.totals[i].invoices);
    db_array_int(findings->totals, invoices.totals[i].total_minor);
  }
  findings->invoices += (int64_t)slice->invoices;
  return RC_OK;
}

/* As often as a real run would come back to these customers: a subscription may have missed more periods than one step
 * takes. */
static enum rc bill_all(struct work *work, const struct run *run, struct db_array *customers, struct findings *findings,
                        struct error *err) {
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, ROUND_ARENA_MAX);
  for (int round = 0; round < ROUNDS_MAX; round++) {
    struct work aside = work_aside(work, &arena);
    struct slice slice;
    TRY(run_bill(&aside, run, customers, &slice, err));
    if (slice.count == 0) return RC_OK;
    TRY(keep(&aside, run, findings, &slice, err));
    arena_reset(&arena);
  }
  return error_set(err, RC_INVARIANT, "billing does not come to an end");
}

/* -- the transaction that stays -- */

static enum rc write_rows(struct work *work, const struct run *run, struct findings *findings, struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &run->tenant), *id = db_uuid(arena, &run->id);
  TRY(tx_exec(work->tx, &sql_dry_run_findings_insert,
              PARAMS(tenant, id, db_array_literal(findings->subscriptions), db_array_literal(findings->customers_of),
                     db_array_literal(findings->plans), db_array_literal(findings->currencies),
                     db_array_literal(findings->periods), db_array_literal(findings->subtotals),
                     db_array_literal(findings->discounts), db_array_literal(findings->taxes),
                     db_array_literal(findings->codes), db_array_literal(findings->reasons)),
              NULL, err));
  TRY(tx_exec(work->tx, &sql_dry_run_amounts_add,
              PARAMS(tenant, id, process_instance(work->process), db_array_literal(findings->total_currencies),
                     db_array_literal(findings->total_invoices), db_array_literal(findings->totals)),
              NULL, err));
  return tx_exec(work->tx, &sql_run_tally,
                 PARAMS(tenant, id, process_instance(work->process), db_int(arena, findings->due),
                        db_int(arena, findings->invoiced), db_int(arena, findings->nothing),
                        db_int(arena, findings->parked), db_int(arena, findings->invoices)),
                 NULL, err);
}

static enum rc write_findings(struct work *work, const struct run *run, struct findings *findings, struct error *err) {
  PGresult CLEANUP(db_result_release) *moved = NULL;
  TRY(work_begin(work, err));
  TRY(tx_exec(work->tx, &sql_dry_run_move,
              PARAMS(db_uuid(work->arena, &run->tenant), db_uuid(work->arena, &run->id), findings->before.at,
                     findings->before.customer, findings->after.at, findings->after.customer),
              &moved, err));
  if (row_count(moved) == 0) return RC_OK; /* another process was first, or somebody paused it */
  TRY(write_rows(work, run, findings, err));
  return work_commit(work, err);
}

static enum rc conclude(struct work *work, const struct run *run, struct error *err) {
  struct arena *arena = work->arena;
  TRY(work_begin(work, err));
  TRY(tx_exec(work->tx, &sql_dry_run_conclude,
              PARAMS(db_uuid(arena, &run->tenant), db_uuid(arena, &run->id), db_int(arena, RESULT_LIST_MAX),
                     db_utime(arena, work->real_now)),
              NULL, err));
  TRY(run_finish(work, run, err));
  return work_commit(work, err);
}

static enum rc find_out(struct work *work, const struct run *run, struct findings *findings, bool *ret_is_running,
                        struct error *err) {
  struct db_array *customers;
  TRY(hold(work, run, findings, ret_is_running, err));
  if (!*ret_is_running) return RC_OK;
  TRY(claim(work, run, findings, &customers, err));
  return findings->customers > 0 ? bill_all(work, run, customers, findings, err) : RC_OK;
}

enum rc dry_run_step(struct work *work, const struct run *run, bool *ret_busy, struct error *err) {
  struct findings CLEANUP(findings_release) findings;
  bool is_running = false;
  findings_init(&findings);
  enum rc rc = find_out(work, run, &findings, &is_running, err);
  work_rollback(work);
  if (rc != RC_OK || !is_running) return rc;
  if (findings.customers == 0) return conclude(work, run, err);
  *ret_busy = true;
  return write_findings(work, run, &findings, err);
}
