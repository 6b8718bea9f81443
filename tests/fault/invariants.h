/* What must hold when everything has come to rest, whatever was killed on the way. */
#ifndef FAULT_INVARIANTS_H
#define FAULT_INVARIANTS_H

#include <stdbool.h>

#include "harness/harness.h"

/* Nothing is under way any more: runs completed, no charge or mail open, outbox empty. */
bool all_is_quiet(const struct tenant *tenant);
/* The outbox is empty, and each group has come to the end of its topics, with what was delivered to it again. Reads
 * whole topics. */
bool every_message_is_consumed(void);
/* Whether it holds of one moment: what a message does between two looks is seen by both of them or by none. */
bool at_one_moment(bool (*holds)(const struct tenant *tenant), const struct tenant *tenant);
/* Each fails the test, saying what is wrong. */
void check_each_period_has_one_invoice(const struct tenant *tenant);
void check_numbers_have_no_gap(const struct tenant *tenant);
void check_ledger_sums_to_zero(const struct tenant *tenant);
void check_each_invoice_is_charged_once(const struct tenant *tenant);
void check_each_mail_went_out_once(const struct tenant *tenant);
void check_produced_is_done_plus_dead(void);
void check_runs_add_up(const struct tenant *tenant);

#endif
