/* What is looked for often is found by an index, whatever the statistics say, and each index is there for somebody. */
#include <criterion/criterion.h>

#include "harness/sources.h"
#include "tables.h"

/* Every policy's qual is cheap only if the tenant comes first in each index that serves many tenants (library-notes);
 * those that workers use across tenants are named. */
Test(indexes, begin_with_the_tenant_or_serve_a_worker) {
  expect_none("an index for nobody",
              "SELECT i.indexrelid::regclass::text FROM (" TABLES ") t JOIN pg_index i ON i.indrelid = t.oid "
              "LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
              "WHERE t.name NOT IN (" MACHINERY ", 'tenants') AND a.attname IS DISTINCT FROM 'tenant_id' "
              "AND i.indexrelid::regclass::text NOT IN ('users_email', 'commands_age', 'billing_runs_open', "
              "'payments_due', 'test_clocks_advancing', 'billing_schedules_due', 'payment_methods_setup', "
              "'notifications_due', 'invoices_drafted', 'invoices_open', "
              "'credit_grants_expiring', 'subscriptions_trial_notice', 'subscriptions_incomplete', "
              "'scheduled_changes_of_items', 'scheduled_changes_of_moves')");
}

/* They are counted all the time, and most invoices are paid: what is open is found by an index (BILL-065). */
Test(indexes, find_overdue_invoices_among_the_open_ones) {
  sql_do(NULL, "SET enable_seqscan = off");
  const char *plan = sql_text(NULL, "EXPLAIN (FORMAT json) SELECT count(*) FROM invariant_invoices_without_next_step");
  static const char *const indexes[] = {"\"invoices_open\"", "\"notifications_of_invoice\""};
  for (size_t i = 0; i < 2; i++) cr_expect(strstr(plan, indexes[i]), "%s is not in %s", indexes[i], plan);
}

/* A run updates each subscription that it bills. Such an update writes no index as long as none has a column of those
 * that it changes, in its keys or in its condition (HOT); the status is set to what it was. */
Test(indexes, are_not_written_when_a_subscription_is_billed) {
  const char *sql = source_text("workers/billing-cycle/sql/subscriptions_advance.sql");
  const char **columns = matches(sql, "[ ,]([a-z_]+) = (CASE|COALESCE|a\\.|\\$)");
  int count = 0;
  for (; columns[count]; count++) {
    if (strcmp(columns[count], "status") == 0) continue;
    expect_none(columns[count],
                keep_text("SELECT DISTINCT d.objid::regclass::text FROM pg_depend d JOIN pg_attribute a "
                          "ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid JOIN pg_index i ON i.indexrelid = "
                          "d.objid WHERE d.refobjid = 'cloudbill.subscriptions'::regclass AND a.attname = '%s'",
                          columns[count]));
  }
  cr_expect_geq(count, 15, "%d columns", count);
}

#define NOBODY "'00000000-0000-0000-0000-000000000001'"
#define SOME   "ARRAY[" NOBODY "::uuid]"

/* What must not depend on statistics, planned as workers plan it: a tenant has many subscriptions, and few of them a
 * version of a plan (BILL-035); a thousand lines may wait for an invoice, each taking back another (BILL-022);
 * thousands of a customer's payments may be due, and more be done. */
static const struct {
  const char *source, *types, *values, *indexes[6];
} planned[] = {
    {"workers/billing-cycle/sql/plan_subscribers.sql",
     "uuid, uuid, integer, integer, uuid, integer",
     NOBODY ", " NOBODY ", 1, 2, " NOBODY ", 1000",
     {"subscriptions_of_plan", "subscription_items_of_plan", "scheduled_changes_of_plan", "scheduled_changes_of_items",
      "scheduled_changes_of_moves"}},
    {"workers/billing-cycle/sql/pending_lines_take.sql", "uuid, uuid[]", NOBODY ", " SOME, {"pending_lines_pkey"}},
    {"workers/billing-cycle/sql/pending_lines_of.sql",
     "uuid, uuid[]",
     NOBODY ", " SOME,
     {"pending_lines_of_subscription", "invoice_items_identity"}},
    {"lib/invoicing/sql/coupon_uses_drafted.sql",
     "uuid[], uuid[], uuid[], uuid[], timestamptz",
     SOME ", " SOME ", " SOME ", " SOME ", NULL",
     {"invoices_drafts"}},
    {"lib/invoicing/sql/uncredited_load.sql",
     "uuid[], uuid[], bigint[], bigint[], bigint[], uuid[]",
     SOME ", " SOME ", ARRAY[1], ARRAY[1], ARRAY[1], " SOME,
     {"invoice_items_identity"}},
    {"lib/invoicing/sql/note_lines_pending.sql",
     "uuid, uuid",
     NOBODY ", " NOBODY,
     {"pending_lines_of_subscription", "invoice_items_identity"}},
    {"workers/payments/sql/payments_claim.sql",
     "timestamptz, bigint, uuid",
     "now(), 64, real_time()",
     {"payments_due", "payments_in_turn", "payment_attempts_pkey"}},
    {"workers/billing-cycle/sql/subscriptions_of_invoices.sql",
     "uuid, uuid[]",
     NOBODY ", " SOME,
     {"invoice_items_pkey", "payments_failing"}},
    {"workers/payments/sql/setups_claim.sql",
     "timestamptz, bigint, timestamptz",
     "now(), 64, now()",
     {"payment_methods_setup", "Tid Scan"}},
    {"workers/billing-cycle/sql/trial_notices_claim.sql",
     "timestamptz, integer, uuid",
     "now(), 100, real_time()",
     {"subscriptions_trial_notice", "Tid Scan"}},
    {"workers/billing-cycle/sql/incompletes_claim.sql",
     "timestamptz, integer, uuid",
     "now(), 100, real_time()",
     {"subscriptions_incomplete", "Tid Scan"}},
    {"workers/billing-cycle/sql/dead_letters_hold_alike.sql",
     "uuid, uuid",
     NOBODY ", " NOBODY,
     {"dead_letters_of_invoice", "dead_letters_pkey"}},
    {"workers/billing-cycle/sql/run_claim.sql",
     "uuid, timestamptz, integer, uuid",
     NOBODY ", now(), 500, real_time()",
     {"customer_billing_due"}},
    {"workers/invoicing/sql/drafts_claim.sql",
     "timestamptz, bigint, uuid",
     "now(), 200, real_time()",
     {"invoices_drafted"}},
    {"workers/invoicing/sql/invoices_with_room.sql",
     "uuid, uuid, integer",
     NOBODY ", " NOBODY ", 200",
     {"invoice_items_identity", "invoices_pkey"}},
    {"workers/notifications/sql/notification_claim.sql",
     "timestamptz, timestamptz, bigint",
     "now(), now(), 100",
     {"notifications_due", "Tid Scan"}},
    {"lib/runtime/sql/clocks_due.sql", "text, integer", "'charge', 64", {"customer_billing_on_clocks"}},
};

Test(indexes, are_used_whatever_the_statistics_say) {
  sql_do(NULL, "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan");
  for (size_t i = 0; i < sizeof planned / sizeof *planned; i++) {
    sql_do(NULL, keep_text("PREPARE look_%zu (%s) AS %s", i, planned[i].types, source_text(planned[i].source)));
    const char *plan = sql_text(NULL, keep_text("EXPLAIN (FORMAT json) EXECUTE look_%zu (%s)", i, planned[i].values));
    for (const char *const *index = planned[i].indexes; *index; index++)
      cr_expect(strstr(plan, keep_text("\"%s\"", *index)), "%s: %s is not in %s", planned[i].source, *index, plan);
    cr_expect_null(strstr(plan, "Seq Scan"), "%s: %s", planned[i].source, plan);
  }
}
