/* See standing.h. */
#include "standing.h"

#include "base/assert.h"
#include "base/json_text.h"
#include "customer_billing.h"
#include "pending.h"
#include "scheduled.h"
#include "sql.h"

/* -- loading -- */

/* *ret_is_due: one of the customer's subscriptions has come to a boundary. */
static enum rc lock(struct work *work, const struct message *command, struct standing *standing, bool *ret_is_due,
                    struct error *err) {
  PGresult CLEANUP(db_result_release) *locked = NULL;
  standing->tenant = db_uuid(work->arena, &command->tenant);
  TRY(customer_billing_hold_of(work, standing->tenant, command->subject, &standing->customer, &locked, err));
  *ret_is_due = row_count(locked) == 1 && !row_is_null(locked, 0, 1) && row_utime(locked, 0, 1).us <= work->now.us;
  return RC_OK;
}

static void show_cuts(struct standing *standing) {
  standing->s.cuts = standing->charges.cuts;
  standing->s.cut_count = standing->charges.cut_count;
}

static enum rc load_charges(struct work *work, struct standing *standing, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_standing, PARAMS(standing->tenant, standing->command->subject), &row, err));
  standing->is_parked = row_bool(row, 0, 0);
  standing->has_cancelled_at = !row_is_null(row, 0, 3);
  if (standing->has_cancelled_at) standing->cancelled_at = row_utime(row, 0, 3);
  standing->has_suspended_at = !row_is_null(row, 0, 4);
  if (standing->has_suspended_at) standing->suspended_at = row_utime(row, 0, 4);
  if (!row_is_null(row, 0, 5)) standing->trial_ends_at = row_utime(row, 0, 5);
  TRY(charges_read(work->arena, row_text(row, 0, 1), row_text(row, 0, 2), standing->s.currency, &standing->charges,
                   err));
  TRY(charges_limit(work, standing->tenant, standing->command->subject, &standing->charges, err));
  show_cuts(standing);
  return RC_OK;
}

static bool is_billed(enum subscription_state state) {
  switch (state) {
  case SUBSCRIPTION_TRIALING:
  case SUBSCRIPTION_ACTIVE:
  case SUBSCRIPTION_PAST_DUE: return true;
  case SUBSCRIPTION_INCOMPLETE:
  case SUBSCRIPTION_SUSPENDED:
  case SUBSCRIPTION_CANCELLED:
  case SUBSCRIPTION_EXPIRED: return false;
  }
  assert_failed("a subscription's state", __FILE__, __LINE__);
}

/* The engine passes at most so many boundaries at once. */
static enum rc pass_boundaries(struct work *work, struct standing *standing, struct error *err) {
  struct billable *s = &standing->s;
  int64_t before = s->next_index;
  billing_collect(work->arena, &standing->billing, s, work->now);
  if (s->is_parked) {
    *err = *s->why;
    return s->why->code;
  }
  standing->bills_now = s->periods_due > 0;
  if (!s->ends && s->next_at.us <= work->now.us)
    return error_set(err, RC_CONFLICT, "the customer has more to be billed than one step takes: start a run first");
  if (s->next_index > before && s->charges) {
    struct charges begun = charges_of_period(work->arena, s);
    standing->charges.at = begun.at;
    standing->charges.count = begun.count;
  }
  return RC_OK;
}

static enum rc catch_up(struct work *work, struct standing *standing, struct error *err) {
  TRY(zone_find(standing->s.zone_name, "timeZone", &standing->s.zone, err));
  standing->was_billed = is_billed(standing->s.state);
  if (standing->was_billed && !standing->is_parked) TRY(pass_boundaries(work, standing, err));
  standing->today = zone_date(standing->s.zone, work->now);
  return RC_OK;
}

enum rc standing_load(struct work *work, const struct message *command, struct standing *ret_standing,
                      struct error *err) {
  struct billable *s = &ret_standing->s;
  bool is_due = false;
  *ret_standing = (struct standing){.command = command};
  TRY(lock(work, command, ret_standing, &is_due, err));
  TRY(billable_find(work, &command->tenant, command->subject, s, err));
  TRY(message_expect_version(command, s->version, err));
  TRY(load_charges(work, ret_standing, err));
  if (is_due)
    TRY(siblings_bill(work, &command->tenant, ret_standing->customer, &s->id, work->now, &ret_standing->billing,
                      &ret_standing->siblings, err));
  ret_standing->own_first = ret_standing->billing.count;
  return catch_up(work, ret_standing, err);
}

bool standing_has_begun(const struct standing *standing) {
  return date_compare(standing->today, standing->s.start) >= 0;
}

/* -- moving -- */

enum rc standing_move(struct standing *standing, enum subscription_event event, struct error *err) {
  TRY(subscription_next(standing->s.state, event, &standing->s.state, err));
  standing->s.version++;
  return RC_OK;
}

enum rc standing_cut(struct work *work, struct standing *standing, struct error *err) {
  struct charges before = standing->charges;
  TRY(charges_cut(work->arena, &before, &standing->s, work->now, &standing->charges, err));
  show_cuts(standing);
  return RC_OK;
}

/* Lines within a period: another change may come to the same item and period (BILL-060). */
static void mark_lines(struct standing *standing, size_t first) {
  for (size_t i = first; i < standing->billing.count; i++) standing->billing.lines[i].revision = standing->s.version;
}

enum rc standing_stop(struct work *work, struct standing *standing, bool credits, struct unused **ret_unused,
                      size_t *ret_count, struct error *err) {
  struct billable *s = &standing->s;
  size_t first = standing->billing.count;
  *ret_count = 0;
  TRY(standing_cut(work, standing, err));
  if (credits) TRY(change_unused(work->arena, &standing->charges, s, ret_unused, ret_count, err));
  for (size_t i = 0; i < *ret_count; i++)
    TRY(billing_count(work->arena, s, (*ret_unused)[i].charge->index, -(*ret_unused)[i].amount_minor, err));
  if (standing->was_billed && s->next_index > s->first_index && standing_has_begun(standing))
    TRY(billing_settle(work->arena, &standing->billing, s, standing->today, err));
  mark_lines(standing, first);
  s->settled_version = s->version;
  standing->charges.count = 0;
  standing->bills_now = true;
  s->ends = true;
  return RC_OK;
}

/* -- writing -- */

static const char *time_or_null(struct arena *arena, bool is_there, struct utime t) {
  return is_there ? db_utime(arena, t) : NULL;
}

static enum rc store_row(struct work *work, const struct standing *standing, struct error *err) {
  struct arena *arena = work->arena;
  const struct billable *s = &standing->s;
  const struct billed_item *own = &s->items[0];
  bool goes_on = is_billed(s->state) && !s->ends && !standing->is_parked;
  char quantity[DECIMAL_TEXT_MAX];
  return tx_exec(
      work->tx, &sql_subscription_move,
      PARAMS(standing->tenant, standing->command->subject, subscription_state_name(s->state), own->price->plan_id,
             db_int(arena, own->price->version), quantity_format(own->quantity, quantity),
             interval_unit_name(s->grid.interval.unit), db_int(arena, s->grid.interval.count),
             db_date(arena, s->grid.anchor), db_int(arena, s->grid.anchor_day), db_int(arena, s->grid.origin),
             db_int(arena, s->next_index), time_or_null(arena, goes_on, s->next_at),
             time_or_null(arena, s->has_period, s->period_start), time_or_null(arena, s->has_period, s->period_end),
             charges_text(arena, &standing->charges, s->currency), charges_cuts_literal(arena, &standing->charges),
             db_int(arena, s->charged_minor), s->has_arrears_from ? db_date(arena, s->arrears_from) : NULL,
             time_or_null(arena, s->cancel_at_period_end, s->cancel_at),
             time_or_null(arena, standing->has_cancelled_at, standing->cancelled_at), standing->cancel_reason,
             time_or_null(arena, standing->has_suspended_at, standing->suspended_at), db_int(arena, s->version),
             s->zone_name, s->next_zone_name, db_utime(arena, work->now), renewed_text(arena, s),
             db_int(arena, s->settled_version)),
      NULL, err);
}

enum rc standing_store(struct work *work, struct standing *standing, struct error *err) {
  const struct uuid *tenant = &standing->command->tenant;
  if (standing->bills_now) TRY(pending_take(work, tenant, &standing->s, 1, &standing->billing, err));
  TRY(siblings_store(work, tenant, &standing->siblings, &standing->billing, err));
  TRY(store_row(work, standing, err));
  TRY(scheduled_store(work, tenant, &standing->s, 1, err));
  return customer_billing_refresh(work, standing->tenant, standing->customer, err);
}

void standing_emit(struct work *work, struct standing *standing) {
  billing_emit(work, &standing->billing, &standing->command->tenant, NULL, standing->command);
}

enum rc standing_reply(struct work *work, const struct standing *standing, struct error *err) {
  const struct message *command = standing->command;
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_resource, PARAMS(standing->tenant, command->subject), &resource, err));
  reply(work, command, 200, "subscription", command->subject, row_text(resource, 0, 0));
  return RC_OK;
}

enum rc standing_finish(struct work *work, struct standing *standing, struct error *err) {
  standing_emit(work, standing);
  return standing_reply(work, standing, err);
}

/* -- events -- */

void standing_event_begin(const struct standing *standing, struct buf *text, struct json_writer *json) {
  buf_init(text, STANDING_EVENT_MAX);
  json_writer_init(json, text);
  json_put_object(json, NULL);
  json_put_string(json, "subscriptionId", standing->command->subject);
  json_put_string(json, "customerId", standing->customer);
}

void standing_event_end(struct work *work, const struct standing *standing, const char *type, struct buf *text,
                        struct json_writer *json) {
  const struct message *command = standing->command;
  json_put_int(json, "version", standing->s.version);
  json_put_end(json);
  ASSERT(buf_ok(text));
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, command->subject, db_int(work->arena, standing->s.version)),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = standing->customer,
                                .json = buf_text(text),
                                .cause = command});
}

/* -- credits -- */

enum { UNUSED_JSON_MAX = 256 };
_Static_assert(STANDING_EVENT_MAX + CHARGES_MAX * UNUSED_JSON_MAX <= MESSAGE_VALUE_MAX, "one credit-note.create");

static void write_unused(struct json_writer *json, const struct unused *unused, const struct currency *currency) {
  char money[MONEY_TEXT_MAX];
  struct line_name name = charge_line(unused->charge);
  json_put_object(json, NULL);
  line_name_write(json, &name);
  json_put_raw(json, "amount", money_format(unused->amount_minor, currency, money));
  json_put_end(json);
}

/* The true-up that was worked out without what is unused (BILL-030): the one of this stop. */
static void write_true_up(struct json_writer *json, const struct standing *standing) {
  for (size_t i = 0; i < standing->billing.count; i++) {
    const struct line *line = &standing->billing.lines[i];
    if (line->type != LINE_MINIMUM || line->subscription != &standing->s || line->revision != standing->s.version)
      continue;
    json_put_object(json, "trueUp");
    line_name_write(json, &(struct line_name){.item = line->item->number,
                                              .component = line_component(line),
                                              .period_index = line->index,
                                              .kind = line_kind(line),
                                              .revision = line->revision});
    json_put_end(json);
  }
}

struct uuid standing_write_credit(struct work *work, const struct standing *standing, const struct unused *unused,
                                  size_t count, const char *reason, struct buf *text) {
  const struct message *command = standing->command;
  struct uuid note = UUID_DERIVE("credit-note", command->subject, db_int(work->arena, standing->s.version));
  struct json_writer json;
  ASSERT(count <= CHARGES_MAX);
  buf_init(text, STANDING_EVENT_MAX + (size_t)CHARGES_MAX * UNUSED_JSON_MAX);
  json_writer_init(&json, text);
  json_put_object(&json, NULL);
  json_put_string(&json, "creditNoteId", db_uuid(work->arena, &note));
  json_put_string(&json, "customerId", standing->customer);
  json_put_string(&json, "subscriptionId", command->subject);
  json_put_string(&json, "currency", standing->s.currency->code);
  json_put_string(&json, "reason", reason);
  json_put_string(&json, "disposition", "credit");
  json_put_array(&json, "lines");
  for (size_t i = 0; i < count; i++) write_unused(&json, &unused[i], standing->s.currency);
  json_put_end(&json);
  write_true_up(&json, standing);
  json_put_end(&json);
  ASSERT(buf_ok(text));
  return note;
}

void standing_credit(struct work *work, const struct standing *standing, const struct unused *unused, size_t count,
                     const char *reason) {
  struct buf CLEANUP(buf_release) text = {0};
  if (count == 0) return;
  struct uuid note = standing_write_credit(work, standing, unused, count, reason, &text);
  const char *id = db_uuid(work->arena, &note);
  emit(work, &(struct emission){.type = "credit-note.create",
                                .id = UUID_DERIVE("credit-note.create", id),
                                .tenant = standing->command->tenant,
                                .subject = id,
                                .key = standing->customer,
                                .json = buf_text(&text),
                                .cause = standing->command});
}
