/* See siblings.h. */
#include "siblings.h"

#include "billables.h"
#include "pending.h"
#include "run.h"
#include "scheduled.h"

static enum rc load(struct work *work, const struct uuid *tenant, const char *customer, const struct uuid *except,
                    struct utime as_of, struct siblings *siblings, bool *ret_is_cut, struct error *err) {
  struct db_array *customers = db_array_new(work->arena);
  size_t count;
  db_array_text(customers, customer);
  TRY(billables_due(work, tenant, customers, as_of, RUN_SLICE_SUBSCRIPTIONS, &siblings->at, &count, err));
  *ret_is_cut = count == RUN_SLICE_SUBSCRIPTIONS;
  for (size_t i = 0; i < count; i++)
    if (!uuid_equal(&siblings->at[i].id, except)) siblings->at[siblings->count++] = siblings->at[i];
  return RC_OK;
}

/* What has passed a boundary before the one that it cannot pass is due there. */
static void leave_to_run(struct billable *s) {
  if (s->is_parked && s->periods_due > 1) s->is_parked = false;
}

enum rc siblings_bill(struct work *work, const struct uuid *tenant, const char *customer, const struct uuid *except,
                      struct utime as_of, struct billing *billing, struct siblings *ret_siblings, struct error *err) {
  struct siblings siblings = {0};
  bool is_cut;
  TRY(load(work, tenant, customer, except, as_of, &siblings, &is_cut, err));
  const struct billing_limits limits = {.as_of = as_of, .enough = BILLING_STEP_BYTES, .is_cut = is_cut};
  billing_collect_days(work->arena, billing, siblings.at, siblings.count, &limits);
  for (size_t i = 0; i < siblings.count; i++) is_cut = is_cut || billing_is_due(&siblings.at[i], as_of);
  if (is_cut)
    return error_set(err, RC_CONFLICT, "the customer has more to be billed than one step takes: start a run first");
  for (size_t i = 0; i < siblings.count; i++) leave_to_run(&siblings.at[i]);
  *ret_siblings = siblings;
  return RC_OK;
}

enum rc siblings_store(struct work *work, const struct uuid *tenant, const struct siblings *siblings,
                       struct billing *billing, struct error *err) {
  if (siblings->count == 0) return RC_OK;
  struct billable *billed = ARENA_ARRAY(work->arena, struct billable, siblings->count);
  size_t count = 0;
  for (size_t i = 0; i < siblings->count; i++)
    if (!siblings->at[i].is_parked) billed[count++] = siblings->at[i];
  if (count == 0) return RC_OK;
  TRY(pending_take(work, tenant, siblings->at, siblings->count, billing, err));
  TRY(billables_advance(work, tenant, billed, count, err));
  return scheduled_store(work, tenant, billed, count, err);
}
