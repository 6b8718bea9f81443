/* billing-cycle: customers, catalogue, the life of subscriptions, billing runs. */
#include "handlers.h"
#include "history.h"
#include "invoicing/ground.h"
#include "sql.h"

static const enum topic topics[] = {TOPIC_CUSTOMER_COMMANDS,    TOPIC_PLAN_COMMANDS,        TOPIC_SUBSCRIPTION_COMMANDS,
                                    TOPIC_BILLING_RUN_COMMANDS, TOPIC_DEAD_LETTER_COMMANDS, TOPIC_PAYMENT_EVENTS};

static const struct handler handlers[] = {
    {"customer.create", handle_customer_create, false},
    {"customer.update", handle_customer_update, false},
    {"customer.replace", handle_customer_replace, false},
    {"customer.delete", handle_customer_delete, false},
    {"customer.restore", handle_customer_restore, false},
    {"test-clock.create", handle_test_clock_create, false},
    {"test-clock.advance", handle_test_clock_advance, false},
    {"test-clock.delete", handle_test_clock_delete, false},
    {"plan.create", handle_plan_create, false},
    {"plan.update", handle_plan_update, false},
    {"plan.deprecate", handle_plan_deprecate, false},
    {"plan.migrate", handle_plan_migrate, false},
    {"coupon.create", handle_coupon_create, false},
    {"coupon.update", handle_coupon_update, false},
    {"coupon.archive", handle_coupon_archive, false},
    {"tax-rate.create", handle_tax_rate_create, false},
    {"tax-rate.archive", handle_tax_rate_archive, false},
    {"subscription.create", handle_subscription_create, false},
    {"subscription.update", handle_subscription_update, false},
    {"subscription.cancel", handle_subscription_cancel, false},
    {"subscription.suspend", handle_subscription_suspend, false},
    {"subscription.reactivate", handle_subscription_reactivate, false},
    {"subscription.renew", handle_subscription_renew, false},
    {"subscription.unpark", handle_subscription_unpark, false},
    {"subscription.change-plan", handle_subscription_change_plan, false},
    {"subscription.preview", handle_subscription_preview, false},
    {"subscription.withdraw-change", handle_subscription_withdraw_change, false},
    {"billing-run.start", handle_billing_run_start, false},
    {"billing-run.pause", handle_billing_run_pause, false},
    {"billing-run.resume", handle_billing_run_resume, false},
    {"dead-letter.replay", handle_dead_letter_replay, false},
    {"dead-letter.drop", handle_dead_letter_drop, false},
    {"payment.succeeded", handle_payment_outcome, true},
    {"payment.failed", handle_payment_outcome, true},
    {"payment.action_required", handle_payment_outcome, true},
    {"payment.exhausted", handle_payment_outcome, true},
    {"payment.cancelled", handle_payment_outcome, true},
    {NULL, NULL, false},
};

enum { INVARIANTS_EVERY_MS = 600000 }; /* they look at everything */

static const struct task tasks[] = {
    {"billing-run", billing_run_step, .idle_ms = 100, .own_transactions = true},
    {"test-clock", test_clock_step, .idle_ms = 100, .own_transactions = true, .is_nudged = true},
    {"billing-schedule", billing_schedule_step, .idle_ms = 1000},
    {"invariants", invariants_step, .idle_ms = INVARIANTS_EVERY_MS},
    {"trial-notice", trial_notice_step, .idle_ms = 1000, .on_clocks = true},
    {"incomplete", incomplete_step, .idle_ms = 250, .on_clocks = true},
    {.name = NULL},
};

static const struct worker worker = {
    .name = "billing-cycle",
    .about = "customers, catalogue, the life of subscriptions, billing runs",
    .topics = topics,
    .topic_count = sizeof topics / sizeof topics[0],
    .handlers = handlers,
    .tasks = tasks,
    .statements = sql_statements,
    .layer_statements = invoicing_sql_statements,
    .keep = history_keep,
};

int main(int argc, char **argv) {
  return worker_main(argc, argv, &worker);
}
