/* customer.delete hides a customer for whom nothing is going on any more; customer.restore brings it back as it was.
 * Its documents stay, and so does the row: invoices name it. */
#include "customer.h"
#include "handlers.h"
#include "sql.h"

/* Held against new subscriptions by the lock on the customer. An invoice that is still on its way from a period that
 * was billed is not seen, and is collected as any other. */
static enum rc expect_nothing_going_on(struct work *work, const struct message *command, struct error *err) {
  PGresult CLEANUP(db_result_release) *ties = NULL;
  TRY(tx_exec(work->tx, &sql_customer_ties, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &ties,
              err));
  if (row_int(ties, 0, 0) + row_int(ties, 0, 1) == 0) return RC_OK;
  error_set(err, RC_CONFLICT, "the customer has %lld subscriptions and %lld invoices that are not over",
            (long long)row_int(ties, 0, 0), (long long)row_int(ties, 0, 1));
  snprintf(err->details, sizeof err->details, "%s", row_text(ties, 0, 2));
  return RC_CONFLICT;
}

static enum rc set_deleted(struct work *work, const struct message *command, bool is_deleted, const char *event,
                           struct error *err) {
  struct arena *arena = work->arena;
  const char *now = db_utime(arena, work->now);
  PGresult CLEANUP(db_result_release) *updated = NULL;
  TRY(tx_exec(work->tx, &sql_customer_set_deleted,
              PARAMS(db_uuid(arena, &command->tenant), command->subject, is_deleted ? now : NULL, now), &updated, err));
  TRY(customer_reply(work, command, 200, err));
  customer_emit(work, command, event, row_int(updated, 0, 0), NULL);
  return RC_OK;
}

enum rc handle_customer_delete(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct customer customer;
  TRY(customer_take(work, messages[0], &customer, err));
  TRY(customer_expect_live(messages[0], &customer, err));
  TRY(expect_nothing_going_on(work, messages[0], err));

  return set_deleted(work, messages[0], true, "customer.deleted", err);
}

enum rc handle_customer_restore(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct customer customer;
  TRY(customer_take(work, messages[0], &customer, err));
  if (!customer.is_deleted) {
    error_set(err, RC_ILLEGAL_TRANSITION, "the customer %s is not deleted", messages[0]->subject);
    snprintf(err->details, sizeof err->details, "{\"state\":\"active\",\"allowed\":[\"update\",\"delete\"]}");
    return RC_ILLEGAL_TRANSITION;
  }
  if (customer.has_lost_clock) return error_set(err, RC_CONFLICT, "the customer's test clock was deleted");

  return set_deleted(work, messages[0], false, "customer.restored", err);
}
