/* subscription.renew: bills the next period now; what is billed ends one period later, and the grid is as it was
 * (BILL-055). The period that runs goes on until its own end, and pays its arrears there. The event is
 * subscription.renewed, as when a run does it. */
#include "handlers.h"
#include "scheduled.h"
#include "standing.h"

/* Its price is that of the next period, while the period that runs, and pays its arrears at its end, has another: who
 * renews says which comes first. */
static enum rc refuse_before(const struct scheduled_change *change, struct error *err) {
  const struct change_request *request = change->request;
  bool is_move = !request->plan && !request->has_quantity && !request->has_items;
  enum rc rc = error_set(err, RC_CONFLICT,
                         "%s waits for the end of the period: withdraw it first, or renew when it has taken effect",
                         is_move ? "a move to another version of the plan" : "a change");
  snprintf(err->details, sizeof err->details, "{\"changeId\":\"%s\"}", change->id);
  return rc;
}

static enum rc check(const struct standing *standing, struct error *err) {
  const struct billable *s = &standing->s;
  if (s->cancel_at_period_end) return subscription_refuse_ending(s->state, err);
  if (!standing_has_begun(standing)) return error_set(err, RC_CONFLICT, "the subscription has not begun yet");
  if (s->scheduled) return refuse_before(s->scheduled, err);
  if (standing->is_parked) return error_set(err, RC_CONFLICT, "the subscription is parked: bill it again first");
  if (s->renewed_count >= RENEWED_PERIODS_MAX)
    return error_set(err, RC_CONFLICT, "the subscription is renewed for %d periods already", RENEWED_PERIODS_MAX);
  return RC_OK;
}

/* The charges of both may be credited from now on. */
static struct charges both(struct arena *arena, const struct charges *before, const struct charges *next) {
  struct charge *at = ARENA_ARRAY(arena, struct charge, before->count + next->count + 1);
  struct charges charges = *before;
  for (size_t i = 0; i < before->count; i++) at[i] = before->at[i];
  for (size_t i = 0; i < next->count; i++) at[before->count + i] = next->at[i];
  charges.at = at;
  charges.count += next->count;
  return charges;
}

static enum rc renew(struct work *work, struct standing *standing, struct error *err) {
  struct billable *s = &standing->s;
  enum subscription_state to;
  TRY(subscription_next(s->state, SUBSCRIPTION_EVENT_RENEW, &to, err));
  TRY(check(standing, err));
  TRY(billing_renew(work->arena, &standing->billing, s, err));
  standing->bills_now = true;
  struct charges next = charges_of_period(work->arena, s);
  struct charges before = charges_not_over(work->arena, &standing->charges, standing->today);
  standing->charges = both(work->arena, &before, &next);
  return charges_check(standing->charges.count, NULL, err);
}

enum rc handle_subscription_renew(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct standing standing;
  TRY(standing_load(work, messages[0], &standing, err));
  TRY(renew(work, &standing, err));

  TRY(standing_store(work, &standing, err));
  return standing_finish(work, &standing, err);
}
