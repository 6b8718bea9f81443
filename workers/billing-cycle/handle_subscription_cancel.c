/* subscription.cancel: at once, with the unused time credited or not, or when the period that is paid for ends
 * (BILL-053). At once means a last invoice, too: what was used and not billed, and what waited for the next one. */
#include "decision.h"
#include "handlers.h"

static void emit_cancelled(struct work *work, const struct standing *standing,
                           const struct cancellation *cancellation) {
  char time[UTIME_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  standing_event_begin(standing, &text, &json);
  json_put_string(&json, "status", subscription_state_name(standing->s.state));
  json_put_string(&json, "at", utime_format(cancellation->at, time));
  json_put_string(&json, "reason", cancellation->reason);
  standing_event_end(work, standing,
                     cancellation->is_now ? "subscription.cancelled" : "subscription.cancellation_scheduled", &text,
                     &json);
}

enum rc handle_subscription_cancel(struct work *work, struct message *const *messages, size_t count,
                                   struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct standing standing;
  struct cancellation cancellation;
  TRY(cancellation_decide(work, command, &standing, &cancellation, err));

  TRY(standing_store(work, &standing, err));
  TRY(standing_finish(work, &standing, err));
  standing_credit(work, &standing, cancellation.unused, cancellation.unused_count, CANCELLED);
  emit_cancelled(work, &standing, &cancellation);
  return RC_OK;
}
