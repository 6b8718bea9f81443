/* subscription.suspend: stops service and billing until it is reactivated; the unused time is credited as a cancel does
 * (BILL-054), unless told not to. An end that was to come with the period is forgotten: there is no period any more. */
#include "handlers.h"
#include "standing.h"

static void emit_suspended(struct work *work, const struct standing *standing, const char *reason) {
  char time[UTIME_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  standing_event_begin(standing, &text, &json);
  json_put_string(&json, "status", subscription_state_name(standing->s.state));
  json_put_string(&json, "at", utime_format(work->now, time));
  json_put_string(&json, "reason", reason);
  standing_event_end(work, standing, "subscription.suspended", &text, &json);
}

enum rc handle_subscription_suspend(struct work *work, struct message *const *messages, size_t count,
                                    struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  const char *reason;
  bool prorate;
  struct standing standing;
  struct unused *unused;
  size_t unused_count;
  TRY(body_text(command->json, "reason", &reason, err));
  TRY(body_bool(command->json, "prorate", true, &prorate, err));
  TRY(standing_load(work, command, &standing, err));
  TRY(standing_move(&standing, SUBSCRIPTION_EVENT_SUSPEND, err));
  TRY(standing_stop(work, &standing, prorate, &unused, &unused_count, err));
  standing.s.cancel_at_period_end = false;
  standing.has_suspended_at = true;
  standing.suspended_at = work->now;

  TRY(standing_store(work, &standing, err));
  TRY(standing_finish(work, &standing, err));
  standing_credit(work, &standing, unused, unused_count, "suspended");
  emit_suspended(work, &standing, reason);
  return RC_OK;
}
