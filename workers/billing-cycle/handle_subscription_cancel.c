/* subscription.cancel: at once, with the unused time credited or not, or when the period that is paid for ends
 * (BILL-053). At once means a last invoice, too: what was used and not billed, and what waited for the next one. */
#include "handlers.h"
#include "pending.h"
#include "standing.h"

struct request {
  bool immediately, prorate;
  const char *reason;
};

static enum rc read_request(json_t *body, struct request *request, struct error *err) {
  TRY(body_bool(body, "immediately", false, &request->immediately, err));
  TRY(body_bool(body, "prorate", false, &request->prorate, err));
  TRY(body_text(body, "reason", &request->reason, err));
  if (!request->prorate) return RC_OK;
  return error_field(err, RC_VALIDATION, "prorate", "credits for unused time are not available yet");
}

/* There is no period that could run out, or nobody who would end it. */
static bool has_no_period(const struct standing *standing) {
  if (!standing->was_billed || standing->is_parked) return true;
  return !standing_has_begun(standing) && standing->s.state != SUBSCRIPTION_TRIALING;
}

static void emit_cancelled(struct work *work, const struct standing *standing, const char *type, struct utime at,
                           const char *reason) {
  char time[UTIME_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  standing_event_begin(standing, &text, &json);
  json_put_string(&json, "status", subscription_state_name(standing->s.state));
  json_put_string(&json, "at", utime_format(at, time));
  json_put_string(&json, "reason", reason);
  standing_event_end(work, standing, type, &text, &json);
}

static enum rc cancel_now(struct work *work, struct standing *standing, const struct request *request,
                          struct error *err) {
  struct unused *unused;
  size_t count;
  TRY(standing_move(standing, SUBSCRIPTION_EVENT_CANCEL, err));
  TRY(standing_stop(work, standing, &unused, &count, err));
  standing->s.cancel_at_period_end = false;
  standing->has_cancelled_at = true;
  standing->cancelled_at = work->now;

  TRY(pending_take(work, &standing->command->tenant, &standing->s, 1, &standing->billing, err));
  TRY(standing_store(work, standing, err));
  TRY(standing_finish(work, standing, err));
  emit_cancelled(work, standing, "subscription.cancelled", work->now, request->reason);
  return RC_OK;
}

static enum rc cancel_with_period(struct work *work, struct standing *standing, const struct request *request,
                                  struct error *err) {
  enum subscription_state cancelled;
  TRY(subscription_next(standing->s.state, SUBSCRIPTION_EVENT_CANCEL, &cancelled, err));
  if (standing->s.cancel_at_period_end) return subscription_refuse_ending(standing->s.state, err);
  standing->s.cancel_at_period_end = true;
  standing->s.cancel_at = standing->s.next_at;
  standing->s.version++;

  TRY(standing_store(work, standing, err));
  TRY(standing_finish(work, standing, err));
  emit_cancelled(work, standing, "subscription.cancellation_scheduled", standing->s.cancel_at, request->reason);
  return RC_OK;
}

enum rc handle_subscription_cancel(struct work *work, struct message *const *messages, size_t count,
                                   struct error *err) {
  (void)count;
  struct request request;
  struct standing standing;
  TRY(read_request(messages[0]->json, &request, err));
  TRY(standing_load(work, messages[0], &standing, err));
  standing.cancel_reason = request.reason;
  if (request.immediately || has_no_period(&standing)) return cancel_now(work, &standing, &request, err);
  return cancel_with_period(work, &standing, &request, err);
}
