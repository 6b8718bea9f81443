/* The task that ends the wait for a first payment (BILL-051): `require_payment` leaves a subscription incomplete until
 * its first invoice is paid, however that comes about; after 23 hours it expires. What has expired, or was cancelled
 * while it waited, does not owe its invoice: it is withdrawn, whatever has become of it, as soon as it is there, and
 * its coupons count as not redeemed (BILL-040). So a cancellation that was quicker than its invoice, and a payment that
 * comes at the last moment, do no harm. When somebody drops the dead letter that the invoice was, the wait is over at
 * once; what comes of it after all (a double of the message that was still on its way) is withdrawn, too. */
#include <string.h>

#include "billables.h"
#include "customer_billing.h"
#include "handlers.h"
#include "sql.h"

enum { INCOMPLETES_A_STEP = 100 };

static const char TOO_LATE[] = "the first payment did not come";

/* What became of the first invoices of one subscription. */
struct waiting {
  struct uuid tenant;
  const char *tenant_id, *id, *customer_id;
  const char **invoices;
  size_t invoice_count;
  bool is_paid;    /* the first payment came */
  bool is_dropped; /* there will be no invoice */
};

static enum rc load_invoices(struct work *work, struct waiting *waiting, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_incomplete_invoices, PARAMS(waiting->tenant_id, waiting->id), &rows, err));
  int count = row_count(rows);
  waiting->invoices = ARENA_ARRAY(work->arena, const char *, (size_t)count);
  for (int r = 0; r < count; r++) {
    waiting->invoices[waiting->invoice_count++] = arena_strdup(work->arena, row_text(rows, r, 0));
    if (strcmp(row_text(rows, r, 1), "paid") == 0) waiting->is_paid = true;
  }
  return RC_OK;
}

/* -- it begins, or expires -- */

static void emit_fact(struct work *work, const struct waiting *waiting, const struct billable *s) {
  char time[UTIME_TEXT_MAX];
  const char *type = waiting->is_paid ? "subscription.activated" : "subscription.expired";
  const char *more =
      waiting->is_paid ? "" : arena_printf(work->arena, "\"status\":\"expired\",\"reason\":\"%s\",", TOO_LATE);
  const char *json =
      arena_printf(work->arena, "{\"subscriptionId\":\"%s\",\"customerId\":\"%s\",\"at\":\"%s\",%s\"version\":%lld}",
                   waiting->id, waiting->customer_id, utime_format(work->now, time), more, (long long)s->version);
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, waiting->id, db_int(work->arena, s->version)),
                                .tenant = waiting->tenant,
                                .subject = waiting->id,
                                .key = waiting->customer_id,
                                .json = json});
}

static enum rc conclude(struct work *work, const struct waiting *waiting, struct billable *s, struct error *err) {
  struct billing nothing = {0};
  enum subscription_event event = waiting->is_paid ? SUBSCRIPTION_EVENT_PAID : SUBSCRIPTION_EVENT_EXPIRE;
  TRY(subscription_next(s->state, event, &s->state, err));
  billing_collect(work->arena, &nothing, s, (struct utime){INT64_MIN}); /* finds the boundary and passes none */
  s->version++;
  s->ends = !waiting->is_paid;
  TRY(billables_advance(work, &waiting->tenant, s, 1, err));
  TRY(tx_exec(work->tx, &sql_incomplete_conclude,
              PARAMS(waiting->tenant_id, waiting->id, db_utime(work->arena, work->now)), NULL, err));
  TRY(customer_billing_refresh(work, waiting->tenant_id, waiting->customer_id, err));
  emit_fact(work, waiting, s);
  return RC_OK;
}

/* -- what it does not become is not owed -- */

/* Those that are given up in a step: what they had redeemed is given back by one statement at its end. */
struct given_up {
  struct db_array *tenants, *subscriptions, *invoices; /* how many each had */
};

static void withdraw_invoices(struct work *work, const struct waiting *waiting, const char *reason) {
  const char *json = arena_printf(work->arena, "{\"reason\":\"%s\"}", reason);
  for (size_t i = 0; i < waiting->invoice_count; i++)
    emit(work, &(struct emission){.type = "invoice.withdraw",
                                  .id = UUID_DERIVE("invoice.withdraw", waiting->id, waiting->invoices[i]),
                                  .tenant = waiting->tenant,
                                  .subject = waiting->invoices[i],
                                  .key = waiting->customer_id,
                                  .json = json});
}

static void give_up(struct work *work, const struct waiting *waiting, const char *reason, struct given_up *given_up) {
  if (waiting->invoice_count == 0 && !waiting->is_dropped) return; /* on its way */
  withdraw_invoices(work, waiting, reason);
  db_array_uuid(given_up->tenants, &waiting->tenant);
  db_array_text(given_up->subscriptions, waiting->id);
  db_array_int(given_up->invoices, (int64_t)waiting->invoice_count);
}

static enum rc store_given_up(struct work *work, struct given_up *given_up, struct error *err) {
  if (db_array_count(given_up->tenants) == 0) return RC_OK;
  return tx_exec(work->tx, &sql_incompletes_give_up,
                 PARAMS(db_array_literal(given_up->tenants), db_array_literal(given_up->subscriptions),
                        db_array_literal(given_up->invoices), db_utime(work->arena, work->now)),
                 NULL, err);
}

static enum rc look_at(struct work *work, struct waiting *waiting, struct given_up *given_up, struct error *err) {
  struct billable s;
  TRY(load_invoices(work, waiting, err));
  TRY(billable_find(work, &waiting->tenant, waiting->id, &s, err));
  if (s.state == SUBSCRIPTION_CANCELLED) {
    give_up(work, waiting, "the subscription was cancelled before its first payment", given_up);
    return RC_OK;
  }
  if (s.state == SUBSCRIPTION_INCOMPLETE) TRY(conclude(work, waiting, &s, err));
  bool has_begun = waiting->is_paid && s.state == SUBSCRIPTION_ACTIVE;
  if (!has_begun) give_up(work, waiting, TOO_LATE, given_up);
  return RC_OK;
}

enum rc incomplete_step(struct work *work, bool *ret_busy, struct error *err) {
  struct arena *arena = work->arena;
  PGresult CLEANUP(db_result_release) *due = NULL;
  struct given_up given_up = {db_array_new(arena), db_array_new(arena), db_array_new(arena)};
  TRY(tx_exec(work->tx, &sql_incompletes_claim,
              PARAMS(db_utime(arena, work->now), db_int(arena, INCOMPLETES_A_STEP), db_uuid(arena, &work->clock)), &due,
              err));
  for (int r = 0; r < row_count(due); r++) {
    struct waiting waiting = {.tenant = row_uuid(due, r, 0),
                              .tenant_id = row_text(due, r, 0),
                              .id = arena_strdup(arena, row_text(due, r, 1)),
                              .customer_id = arena_strdup(arena, row_text(due, r, 2)),
                              .is_dropped = row_bool(due, r, 3)};
    TRY(look_at(work, &waiting, &given_up, err));
  }
  *ret_busy = row_count(due) == INCOMPLETES_A_STEP;
  return store_given_up(work, &given_up, err);
}
