/* What flow tests look at: what a tenant's events said, what its rows are, whether all that was asked has been done. */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "harness/harness.h"

/* The values of a tenant's events (or commands) of one type, oldest first within a key, each copy of a message once;
 * each is validated against its schema and must carry the headers of a CloudEvent. */
const json_t *messages_of(const struct tenant *tenant, const char *type);
size_t count_messages(const struct tenant *tenant, const char *type);

/* Periods of a subscription that have begun by now, by PostgreSQL's own calendar: one invoice each (BILL-010,
 * BILL-060). */
int64_t periods_begun(const char *start_date, const char *interval);

/* Sends what was sent again, as it was, and waits until it is consumed. */
void send_again(const struct record *record);
void send_each_again(const struct records *records);

/* Invoices of the tenant that are no drafts are so many in number. */
bool invoices_are(const struct tenant *tenant, int64_t count);
/* And so many are paid. */
bool all_are_paid(const struct tenant *tenant, int64_t invoices);

/* "/api/billing/subscriptions/…/suspend" */
const char *subscription_path(const char *subscription, const char *verb);
/* By invoices that it sends: nothing is charged. */
const char *subscription_uncharged(const struct tenant *tenant, const char *customer, const char *plan,
                                   const char *start_date);

/* A billing run, as the API shows it. */
const json_t *run_shown(const struct tenant *tenant, const char *run);
bool run_is(const struct tenant *tenant, const char *run, const char *status);

/* As if so many days had passed for the tenant's subscriptions; what is charged and kept of them stays as it is. */
void let_days_pass(const struct tenant *tenant, int days);

/* The id of another dead letter of the same message, as when it was sent twice. */
const char *dead_letter_again(const struct tenant *tenant, const char *letter);

/* A command that nobody waits for: POST, or DELETE without a body. Returns its id. */
const char *command_new(const struct tenant *tenant, const char *path, const char *body);
bool command_is(const struct tenant *tenant, const char *command, const char *status);
/* What invoice.void writes, for a session that holds it: the account credit that the invoice had used is there again.
 */
const char *sql_of_void(const char *invoice);

/* The bank makes up its mind about the tenant's one charge that is "processing" (pm_card_processing): "succeeded" or
 * "failed"; and payments asks at once. */
void bank_says(const struct tenant *tenant, const char *outcome);

/* Each line of the tenant's invoices comes to what is stored when it is computed again (BILL-025). */
void expect_explained_lines(const struct tenant *tenant);

/* What must hold at the end of every flow, whatever happened in it: numbers without a gap, a ledger that sums to zero,
 * no period twice, no invoice charged twice, each line explained, nothing left in the outbox. */
void expect_sound_books(const struct tenant *tenant);

#endif
