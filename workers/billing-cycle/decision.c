/* See decision.h. */
#include "decision.h"

#include <string.h>

/* -- a change -- */

static enum rc compare_prices(const struct standing *standing, const struct change_target *target, bool *ret_is_upgrade,
                              struct error *err) {
  struct billable as_changed = standing->s;
  struct recurring old = {.interval = standing->s.grid.interval}, new = {.interval = target->interval};
  change_target_apply(target, &as_changed);
  TRY(change_recurring(&standing->s, &old.amount_minor, err));
  TRY(change_recurring(&as_changed, &new.amount_minor, err));
  *ret_is_upgrade = change_is_upgrade(old, new);
  return RC_OK;
}

/* Whether a period runs that has been charged. */
static bool has_charged_period(const struct standing *standing) {
  return change_first_running(&standing->s, standing->today) < standing->s.next_index;
}

static enum rc check_standing(const struct standing *standing, struct error *err) {
  enum subscription_state to;
  TRY(subscription_next(standing->s.state, SUBSCRIPTION_EVENT_CHANGE, &to, err));
  if (standing->is_parked) return error_set(err, RC_CONFLICT, "the subscription is parked: bill it again first");
  return RC_OK;
}

/* BILL-035: a change takes the place of what waits for the boundary, but for moves to other versions. */
static void carry_moves(const struct standing *standing, struct change_request *request) {
  const struct scheduled_change *waiting = standing->s.scheduled;
  if (!waiting) return;
  request->moves = waiting->request->moves;
  request->move_count = waiting->request->move_count;
}

static enum rc find_target(struct work *work, struct standing *standing, struct decision *decision, int64_t from,
                           struct error *err) {
  return change_target_find(work, &standing->command->tenant, &standing->s, &decision->request, from, &decision->target,
                            err);
}

/* Whether now or later may depend on what it comes to now. */
static enum rc decide_target(struct work *work, struct standing *standing, struct decision *decision,
                             struct error *err) {
  const struct billable *s = &standing->s;
  const char *when = decision->request.when;
  int64_t running = change_first_running(s, standing->today);
  bool may_be_later = running < s->next_index, is_later = when && strcmp(when, "period_end") == 0;
  int64_t from = is_later ? s->next_index : running;
  if (is_later) carry_moves(standing, &decision->request);
  TRY(find_target(work, standing, decision, from, err));
  TRY(compare_prices(standing, &decision->target, &decision->is_upgrade, err));
  decision->is_now = when ? !is_later : decision->is_upgrade || !may_be_later;
  if (!decision->is_now && !is_later) carry_moves(standing, &decision->request);
  bool begins_period = !decision->is_now || change_target_has_other_interval(&decision->target, s);
  return begins_period && !is_later ? find_target(work, standing, decision, s->next_index, err) : RC_OK;
}

/* Whether something of a period is worked out when it is over. */
static bool has_arrears(const struct billable *s) {
  if (s->items[0].price->minimum_minor != 0) return true;
  for (size_t i = 0; i < s->item_count; i++)
    for (size_t c = 0; c < s->items[i].price->component_count; c++)
      if (s->items[i].price->components[c].timing == PRICE_ARREARS) return true;
  return false;
}

/* What the old state owes in arrears is billed up to the cut; what the new one will owe counts from there. The lines
 * are of the old version: the new one may charge a component in advance that was in arrears before (BILL-060). */
static enum rc close_arrears(struct work *work, struct standing *standing, struct billable *old, bool is_needed,
                             struct error *err) {
  struct billable *s = &standing->s;
  size_t first = standing->billing.count;
  if (!is_needed || !has_charged_period(standing)) return RC_OK;
  TRY(billing_close(work->arena, &standing->billing, old, standing->today, err));
  for (size_t i = first; i < standing->billing.count; i++) standing->billing.lines[i].revision = old->version;
  s->charged_minor = old->charged_minor;
  s->has_arrears_from = true;
  s->arrears_from = standing->today;
  return RC_OK;
}

/* On the grid as it is (BILL-022, BILL-024). */
static enum rc change_within_period(struct work *work, struct standing *standing, struct billable *old,
                                    const struct decision *decision, struct error *err) {
  struct billable *s = &standing->s;
  change_target_apply(&decision->target, s);
  TRY(close_arrears(work, standing, old, has_arrears(old) || has_arrears(s), err));
  change_setup_fees(work->arena, &standing->billing, old, s, work->now);
  if (!decision->request.prorate) {
    standing->charges = charges_left_alone(work->arena, &standing->charges, old, s);
    return RC_OK;
  }
  struct charges before = standing->charges;
  return change_lines(work->arena, &standing->billing, old, s, &before, s->version, &standing->charges, err);
}

/* Another interval puts an end to the period, and begins a new one today. */
static enum rc begin_other_interval(struct work *work, struct standing *standing, struct billable *old,
                                    const struct decision *decision, struct error *err) {
  struct billable *s = &standing->s;
  struct billing *billing = &standing->billing;
  bool has_begun = has_charged_period(standing);
  size_t first = billing->count;
  if (has_begun) {
    if (decision->request.prorate)
      TRY(change_credits(work->arena, billing, old, old, &standing->charges, s->version, err));
    TRY(billing_settle(work->arena, billing, old, standing->today, err));
    for (size_t i = first; i < billing->count; i++) billing->lines[i].revision = s->version;
  }
  change_target_apply(&decision->target, s);
  struct date day = has_begun ? standing->today : grid_period(&s->grid, s->start, s->next_index).start;
  s->grid = grid_follow(day, decision->target.interval, s->next_index);
  if (!has_begun) return RC_OK;
  s->charged_minor = 0; /* all is settled up to this day */
  s->has_arrears_from = false;
  s->renewed_count = 0;
  const struct scheduled_change *scheduled = s->scheduled; /* this boundary is none that it waited for */
  s->scheduled = NULL;
  standing->charges.count = 0;
  s->has_period = false;
  TRY(billing_begin_next(work->arena, billing, s, err));
  s->scheduled = scheduled;
  s->version++;
  struct charges begun = charges_of_period(work->arena, s);
  standing->charges.at = begun.at;
  standing->charges.count = begun.count;
  return RC_OK;
}

static enum rc add_up(struct decision *decision, struct error *err) {
  for (size_t i = 0; i < decision->line_count; i++)
    if (!money_add(decision->sum_minor, decision->lines[i].amount_minor, &decision->sum_minor))
      return error_field(err, RC_VALIDATION, "quantity", "the sum is too large");
  return RC_OK;
}

/* What waits goes on to wait, for what the subscription is now; what could not be done at its boundary would park it.
 */
static enum rc check_waiting(struct work *work, struct standing *standing, struct error *err) {
  const struct scheduled_change *before = standing->s.scheduled;
  TRY(scheduled_find_again(work, &standing->command->tenant, &standing->s, err));
  const struct scheduled_change *waiting = standing->s.scheduled;
  if (!waiting || !waiting->why || before->why) return RC_OK;
  return error_field(err, RC_CONFLICT, waiting->why->field,
                     "the change that waits for the end of the period could not be done any more: %s",
                     waiting->why->text);
}

static void keep_lines(struct work *work, const struct billing *billing, size_t first, struct decision *decision) {
  struct line *lines = ARENA_ARRAY(work->arena, struct line, billing->count - first + 1);
  decision->line_count = billing->count - first;
  for (size_t i = 0; i < decision->line_count; i++) lines[i] = billing->lines[first + i];
  decision->lines = lines;
}

static enum rc decide_now(struct work *work, struct standing *standing, struct decision *decision, struct error *err) {
  struct billable *old = ARENA_NEW(work->arena, struct billable); /* lines point at it */
  size_t first = standing->billing.count;
  TRY(standing_cut(work, standing, err));
  *old = standing->s;
  TRY(standing_move(standing, SUBSCRIPTION_EVENT_CHANGE, err));
  if (change_target_has_other_interval(&decision->target, old))
    TRY(begin_other_interval(work, standing, old, decision, err));
  else
    TRY(change_within_period(work, standing, old, decision, err));
  TRY(check_waiting(work, standing, err));
  decision->at = work->now;
  keep_lines(work, &standing->billing, first, decision);
  TRY(add_up(decision, err));
  const char *billing = decision->request.billing;
  decision->is_billed_now = billing ? strcmp(billing, "now") == 0 : decision->sum_minor > 0;
  if (decision->is_billed_now)
    standing->bills_now = true;
  else
    standing->billing.count = first; /* they wait for the next invoice, or for one that is made anyway */
  return RC_OK;
}

/* The lines are those of the first period in the new state, as its boundary will bill them. */
static enum rc decide_period_end(struct work *work, struct standing *standing, struct decision *decision,
                                 struct error *err) {
  struct billable *then = ARENA_NEW(work->arena, struct billable);
  struct scheduled_change *change = ARENA_NEW(work->arena, struct scheduled_change);
  struct billing *billing = ARENA_NEW(work->arena, struct billing);
  if (standing->s.cancel_at_period_end) return subscription_refuse_ending(standing->s.state, err);
  decision->index = standing->s.next_index;
  decision->at = billing_begun_until(&standing->s);
  *change =
      (struct scheduled_change){.index = decision->index, .request = &decision->request, .target = decision->target};
  *then = standing->s;
  then->scheduled = change;
  decision->scheduled = change;
  TRY(billing_begin_next(work->arena, billing, then, err));
  decision->lines = billing->lines;
  decision->line_count = billing->count;
  standing->s.version++;
  return add_up(decision, err);
}

enum rc decision_make(struct work *work, const struct message *command, struct standing *standing,
                      struct decision *decision, struct error *err) {
  *decision = (struct decision){0};
  TRY(change_request_read(work->arena, command->json, &decision->request, err));
  TRY(standing_load(work, command, standing, err));
  TRY(check_standing(standing, err));
  TRY(decide_target(work, standing, decision, err));
  return decision->is_now ? decide_now(work, standing, decision, err)
                          : decide_period_end(work, standing, decision, err);
}

/* -- a cancellation -- */

static enum rc read_cancellation(json_t *body, struct cancellation *cancellation, struct error *err) {
  *cancellation = (struct cancellation){0};
  TRY(body_bool(body, "immediately", false, &cancellation->immediately, err));
  TRY(body_bool(body, "prorate", false, &cancellation->prorate, err));
  return body_text(body, "reason", &cancellation->reason, err);
}

/* There is no period that could run out, or nobody who would end it. */
static bool has_no_period(const struct standing *standing) {
  if (!standing->was_billed || standing->is_parked) return true;
  return !standing_has_begun(standing) && standing->s.state != SUBSCRIPTION_TRIALING;
}

static enum rc decide_end_now(struct work *work, struct standing *standing, struct cancellation *cancellation,
                              struct error *err) {
  enum subscription_state was_in = standing->s.state;
  TRY(standing_move(standing, SUBSCRIPTION_EVENT_CANCEL, err));
  bool has_begun = was_in != SUBSCRIPTION_INCOMPLETE; /* else its invoice is withdrawn as a whole (incompletes.c) */
  TRY(standing_stop(work, standing, cancellation->prorate && has_begun, &cancellation->unused,
                    &cancellation->unused_count, err));
  standing->s.cancel_at_period_end = false;
  standing->has_cancelled_at = true;
  standing->cancelled_at = work->now;
  cancellation->at = work->now;
  return RC_OK;
}

static enum rc decide_end_with_period(struct standing *standing, struct cancellation *cancellation, struct error *err) {
  enum subscription_state cancelled;
  TRY(subscription_next(standing->s.state, SUBSCRIPTION_EVENT_CANCEL, &cancelled, err));
  if (standing->s.cancel_at_period_end) return subscription_refuse_ending(standing->s.state, err);
  standing->s.cancel_at_period_end = true;
  standing->s.cancel_at = billing_begun_until(&standing->s);
  standing->s.version++;
  cancellation->at = standing->s.cancel_at;
  return RC_OK;
}

enum rc cancellation_decide(struct work *work, const struct message *command, struct standing *standing,
                            struct cancellation *cancellation, struct error *err) {
  TRY(read_cancellation(command->json, cancellation, err));
  TRY(standing_load(work, command, standing, err));
  standing->cancel_reason = cancellation->reason;
  cancellation->is_now = cancellation->immediately || has_no_period(standing);
  return cancellation->is_now ? decide_end_now(work, standing, cancellation, err)
                              : decide_end_with_period(standing, cancellation, err);
}
