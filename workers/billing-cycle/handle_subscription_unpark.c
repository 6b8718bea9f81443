/* subscription.unpark: what could not be billed is due again, at the boundary that it stands before. The next run takes
 * it; if the reason is still there, that run parks it again (BILL-063). */
#include "billables.h"
#include "customer_billing.h"
#include "handlers.h"
#include "sql.h"

static enum rc check_parked(struct work *work, const struct message *command, const char *tenant, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_parked, PARAMS(tenant, command->subject), &row, err));
  TRY(message_expect_version(command, row_int(row, 0, 1), err));
  if (row_bool(row, 0, 0)) return RC_OK;
  enum rc rc = error_set(err, RC_ILLEGAL_TRANSITION, "the subscription is not parked");
  snprintf(err->details, sizeof err->details, "{\"allowed\":[]}");
  return rc;
}

/* When the boundary is that it stands before. What this alone cannot find out has not been put right. */
static enum rc find_due(struct work *work, const struct message *command, struct billable *s, struct error *err) {
  struct error why;
  enum rc rc = billable_find(work, &command->tenant, command->subject, s, &why);
  if (rc == RC_OK) rc = billing_find_boundary(s, &why);
  if (rc != RC_OK && error_verdict(rc) != VERDICT_RETRY)
    return error_set(err, RC_CONFLICT, "it still cannot be billed: %s", why.text);
  if (rc != RC_OK) *err = why;
  return rc;
}

enum rc handle_subscription_unpark(struct work *work, struct message *const *messages, size_t count,
                                   struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &command->tenant);
  const char *customer;
  struct billable subscription;
  TRY(customer_billing_hold_of(work, tenant, command->subject, &customer, NULL, err));
  TRY(check_parked(work, command, tenant, err));
  TRY(find_due(work, command, &subscription, err));

  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_unpark,
              PARAMS(tenant, command->subject, db_utime(arena, subscription.next_at), db_utime(arena, work->now)), NULL,
              err));
  TRY(customer_billing_refresh(work, tenant, customer, err));
  TRY(tx_exec(work->tx, &sql_subscription_resource, PARAMS(tenant, command->subject), &resource, err));
  reply(work, command, 200, "subscription", command->subject, row_text(resource, 0, 0));
  const char *version = db_int(arena, subscription.version + 1);
  emit(work, &(struct emission){.type = "subscription.unparked",
                                .id = UUID_DERIVE("subscription.unparked", command->subject, version),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = customer,
                                .json = arena_printf(arena,
                                                     "{\"subscriptionId\":\"%s\",\"customerId\":\"%s\",\"version\":%s}",
                                                     command->subject, customer, version),
                                .cause = command});
  return RC_OK;
}
