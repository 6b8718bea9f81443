/* What billing-cycle does with each message: one file, handle_<command>.c, for each. */
#ifndef BILLING_CYCLE_HANDLERS_H
#define BILLING_CYCLE_HANDLERS_H

#include "runtime/runtime.h"

handler_function handle_customer_create;
handler_function handle_customer_update;
handler_function handle_customer_replace;
handler_function handle_customer_delete;
handler_function handle_customer_restore;
handler_function handle_test_clock_create;
handler_function handle_test_clock_advance;
handler_function handle_test_clock_delete;
handler_function handle_plan_create;
handler_function handle_plan_update;
handler_function handle_plan_deprecate;
handler_function handle_plan_migrate;
handler_function handle_coupon_create, handle_coupon_update, handle_coupon_archive;
handler_function handle_tax_rate_create, handle_tax_rate_archive;
handler_function handle_subscription_create;
handler_function handle_subscription_update;
handler_function handle_subscription_cancel;
handler_function handle_subscription_suspend;
handler_function handle_subscription_reactivate;
handler_function handle_subscription_renew;
handler_function handle_subscription_unpark;
handler_function handle_subscription_change_plan;
handler_function handle_subscription_preview;
handler_function handle_subscription_withdraw_change;
handler_function handle_billing_run_start;
handler_function handle_billing_run_pause;
handler_function handle_billing_run_resume;
handler_function handle_dead_letter_replay;
handler_function handle_dead_letter_drop;
handler_function handle_payment_outcome; /* payment.succeeded, .failed, .action_required, .exhausted, .cancelled */

task_function billing_run_step;
task_function trial_notice_step;
task_function incomplete_step;
task_function test_clock_step;
task_function billing_schedule_step;
task_function invariants_step;

/* at: its time, or NULL. */
void test_clock_emit(struct work *work, const struct uuid *tenant, const char *type, const char *id,
                     const struct utime *at, int64_t version, const struct message *cause);

#endif
