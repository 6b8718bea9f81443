/* subscription.reactivate: takes back an end that was to come with the period (BILL-053), or revives a suspended
 * subscription and charges the rest of the period that runs now (BILL-054). The grid is as it was; the periods that
 * passed meanwhile were never billed and never will be. A trial that is not over goes on, and is announced (BILL-056).
 * What could not be collected is still owed: it is past due at once (BILL-084). */
#include "handlers.h"
#include "past_due.h"
#include "scheduled.h"
#include "standing.h"
#include "trials.h"

static void emit_reactivated(struct work *work, const struct standing *standing) {
  char time[UTIME_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  standing_event_begin(standing, &text, &json);
  json_put_string(&json, "status", subscription_state_name(standing->s.state));
  json_put_string(&json, "at", utime_format(work->now, time));
  standing_event_end(work, standing, "subscription.reactivated", &text, &json);
}

/* BILL-052: a boundary passed while nobody was billed, and what waited for it is in effect. What cannot be applied
 * waits on, and the next boundary parks the subscription. */
static enum rc apply_passed_change(struct work *work, struct standing *standing, int64_t *running, struct error *err) {
  struct billable *s = &standing->s;
  const struct scheduled_change *change = s->scheduled;
  if (!change || change->why || change->index > *running) return RC_OK;
  s->next_index = change->index;
  s->renewed_count = 0;
  s->next_at = zone_midnight(s->zone, grid_period(&s->grid, s->start, change->index).start);
  TRY(billing_apply_change(work->arena, &standing->billing, s, err));
  *running = grid_index(&s->grid, standing->today);
  return RC_OK;
}

/* Onto the period that today is in, unless that is billed already. Its boundary was told to nobody, so that a zone that
 * was to come with it is there (BILL-013). */
static enum rc skip_periods(struct work *work, struct standing *standing, struct error *err) {
  struct billable *s = &standing->s;
  int64_t running = standing_has_begun(standing) ? grid_index(&s->grid, standing->today) : -1;
  TRY(apply_passed_change(work, standing, &running, err));
  TRY(billing_skip_renewed(work->arena, s, running, err));
  if (running >= s->next_index) {
    TRY(billing_enter_zone(s, err));
    struct period period = grid_period(&s->grid, s->start, running);
    s->next_index = running + 1;
    s->has_period = true;
    s->period_start = zone_midnight(s->zone, period.start);
    s->period_end = zone_midnight(s->zone, period.end);
  }
  s->ends = false;
  return billing_find_boundary(s, err);
}

static enum rc revive(struct work *work, struct standing *standing, struct error *err) {
  struct billable *s = &standing->s, before = *s;
  bool is_in_trial = standing->trial_ends_at.us > work->now.us;
  TRY(standing_move(standing, is_in_trial ? SUBSCRIPTION_EVENT_TRIAL_RESUME : SUBSCRIPTION_EVENT_REACTIVATE, err));
  TRY(skip_periods(work, standing, err));
  TRY(standing_cut(work, standing, err));
  struct charges nothing = standing->charges;
  nothing.count = 0;
  s->has_arrears_from = standing_has_begun(standing);
  s->arrears_from = standing->today;
  change_setup_fees(work->arena, &standing->billing, &before, s, work->now);
  TRY(change_lines(work->arena, &standing->billing, s, s, &nothing, s->version, &standing->charges, err));
  standing->has_suspended_at = false;
  return RC_OK;
}

static void keep(struct standing *standing) {
  standing->s.cancel_at_period_end = false;
  standing->s.version++;
}

enum rc handle_subscription_reactivate(struct work *work, struct message *const *messages, size_t count,
                                       struct error *err) {
  (void)count;
  struct standing standing;
  TRY(standing_load(work, messages[0], &standing, err));
  if (standing.was_billed && standing.s.cancel_at_period_end && !standing.s.ends)
    keep(&standing);
  else
    TRY(revive(work, &standing, err));

  TRY(standing_store(work, &standing, err));
  if (standing.s.state == SUBSCRIPTION_TRIALING) TRY(trial_announce(work, standing.tenant, &standing.s, err));
  standing_emit(work, &standing);
  emit_reactivated(work, &standing);
  TRY(past_due_of_subscription(work, &messages[0]->tenant, messages[0]->subject, err));
  return standing_reply(work, &standing, err);
}
