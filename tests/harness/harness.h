/* What the suites that need a running instance are written in: HTTP, SQL, Kafka, mails, the gateway's memory,
 * processes. The instance is the one that the environment describes (./dev test writes it). Nothing here is shared
 * between tests but the instance: each test makes tenants of its own, and may run beside others.
 *
 * What a helper returns lives until the test's process ends; nothing is freed. A helper that fails, fails the test with
 * what it did and what came of it, except those that say otherwise. Bodies are written with ' in place of ". */
#ifndef HARNESS_HARNESS_H
#define HARNESS_HARNESS_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRINTF(text, first) __attribute__((format(printf, text, first)))

/* -- the instance and the test's memory -- */
const char *setting(const char *name); /* an environment variable that must be set */
void *keep(size_t bytes);              /* zeroed */
char *keep_text(const char *format, ...) PRINTF(1, 2);
json_t *keep_json(json_t *json);                             /* takes the reference */
char *file_text(const char *directory, const char *name);    /* the caller frees it; NULL when it is not there */
const char *new_id(void);                                    /* a fresh UUIDv7 */
const char *days_ago(int days);                              /* a date in UTC: "2026-08-21" */
const char *json_at(const json_t *json, const char *path);   /* a text, "customer.name"; NULL when absent or null */
double json_number_at(const json_t *json, const char *path); /* and a number; tests need no more than doubles hold */
const json_t *json_node_at(const json_t *json, const char *path); /* "items.0.amount"; NULL when absent */

/* -- HTTP -- */
struct answer {
  int status;          /* 0: no answer; text says why */
  const char *text;    /* the body */
  const json_t *json;  /* of it; NULL when it is none */
  const char *headers; /* one a line, as they came */
};
/* path: below API_URL, or a whole URL. token, body and headers (a list that ends with NULL) may be NULL. Never fails
 * the test, so that other threads than the test's may call it. */
struct answer http_request(const char *method, const char *path, const char *token, const char *body,
                           const char *const *headers);
const char *answer_header(const struct answer *answer, const char *name); /* NULL when absent */
const char *quotes(const char *body);                                     /* ' become " */

/* -- a tenant and its administrator -- */
struct tenant {
  const char *id, *email, *password, *token, *user_id;
};
struct tenant tenant_new(void); /* USD, UTC, logged in */
struct tenant tenant_new_with(const char *currency, const char *time_zone);
struct tenant tenant_new_test(void); /* the same as tenant_new in test mode: it may have test clocks */

/* A request as that administrator which must be answered with that status; returns `data`, or `error` for 4xx. */
const json_t *api_get(const struct tenant *tenant, int status, const char *path, ...) PRINTF(3, 4);
const json_t *api_post(const struct tenant *tenant, int status, const char *path, const char *body, ...) PRINTF(4, 5);
/* The whole answer, whatever it is. */
struct answer api_call(const struct tenant *tenant, const char *method, const char *path, const char *body, ...)
    PRINTF(4, 5);

/* Things that many tests need; each returns its id. */
const char *customer_new(const struct tenant *tenant, const char *members, ...) PRINTF(2, 3); /* "'currency':'EUR'" */
const char *plan_new(const struct tenant *tenant, const char *price, const char *currency, const char *billing_cycle);
const char *plan_with(const struct tenant *tenant, const char *members, ...) PRINTF(2, 3); /* in USD, with all else */
/* In USD; each share of a period is known, whatever the month. */
const char *plan_of_days(const struct tenant *tenant, int days, const char *price);
#define THIRTY_DAYS "'interval':'day','intervalCount':30"
const char *payment_method_new(const struct tenant *tenant, const char *customer, const char *token);
const char *subscription_new(const struct tenant *tenant, const char *customer, const char *plan,
                             const char *start_date);
const char *subscription_with(const struct tenant *tenant, const char *customer, const char *plan, const char *members,
                              ...) PRINTF(4, 5);          /* "'coupons':['HALF']" */
const char *billing_run(const struct tenant *tenant);     /* started, and waited for */
const char *billing_dry_run(const struct tenant *tenant); /* the same, for its result alone */
const char *test_clock_new(const struct tenant *tenant, const char *frozen_time);
void test_clock_advance(const struct tenant *tenant, const char *clock, const char *to); /* and waited for */

/* -- PostgreSQL, as superuser; $1 is always the tenant when one is given -- */
int64_t sql_int(const struct tenant *tenant, const char *sql);
const char *sql_text(const struct tenant *tenant, const char *sql); /* NULL for SQL's NULL or no row */
void sql_do(const struct tenant *tenant, const char *sql);
/* Rows as JSON: an array of arrays of texts. role: as which the statement runs (without $1), in a transaction that
 * names the tenant in app.tenant_id, or, without one, nobody; NULL: superuser. */
const json_t *sql_rows(const struct tenant *tenant, const char *role, const char *sql);
/* What comes of it, rolled back: "00000", or the SQLSTATE of the error. */
const char *sql_state(const struct tenant *tenant, const char *role, const char *sql);
/* A session of its own, in a transaction: it holds what its statements lock until it is let go, which commits, or
 * undone. */
struct pg_conn;
struct pg_conn *hold(const char *sql);
void let_go(struct pg_conn *holder);
void undo(struct pg_conn *holder);
int64_t waiting_for(struct pg_conn *holder); /* so many sessions */
/* All that is stored about a tenant: a line for each table, with the number of its rows and a digest of them. */
const char *fingerprint(const struct tenant *tenant);

/* -- Kafka -- */
struct record {
  const char *topic;
  int32_t partition;
  int64_t offset;
  const char *key, *value; /* value: NUL-terminated, whatever it holds */
  size_t value_length;
  const json_t *headers; /* name -> text */
};
struct records {
  size_t count;
  struct record *at;
};
/* headers: name, value, … ends with NULL. Waits for the acknowledgement; what it returns says where it lies. */
struct record kafka_produce(const char *topic, const char *key, const void *value, size_t length,
                            const char *const *headers);
/* All of a topic from its beginning that has this header with this value; NULL name: everything. */
struct records kafka_read(const char *topic, const char *header, const char *value);
bool is_consumed(const struct record *record); /* every group that reads the topic has passed it */
const char *record_header(const struct record *record, const char *name); /* NULL when absent */

/* -- mails in MAIL_DIR of the last minutes, one for each Message-ID -- */
struct mail {
  const char *message_id, *subject, *text; /* text: the whole .eml */
  int copies;
};
struct mails {
  size_t count;
  struct mail *at;
};
struct mails mails_for(const char *address);

/* -- the sandbox gateway: its charges for an invoice, as Stripe shows them -- */
const json_t *gateway_charges(const char *invoice_id);
int gateway_paid(const char *invoice_id); /* how many of them succeeded */

/* -- processes of the instance, by deploy/local/process.sh -- */
#define WORKERS "billing-cycle invoicing payments notifications"
/* verb: start stop kill restart pause resume wait. Several are separated by spaces, and done side by side. */
void process_do(const char *verb, const char *processes);
/* Until the test ends, and once in it: together with others that count on the process, or alone, to take it away. */
void process_hold(const char *process, bool is_alone);
/* A program of BIN_DIR, or by its whole path, with arguments that end with NULL: its output without the last newline;
 * it must end with 0. */
const char *run_program(const char *program, const char *const *arguments);

/* -- waiting -- */
enum { WAIT_SECONDS = 60, WAIT_STEP_MS = 25 };
int64_t stopwatch_ms(void);
void wait_a_moment(void);
/* Looks until the condition holds; the test fails when it never does. */
#define WAIT_UNTIL(condition, ...) WAIT_UNTIL_WITHIN(WAIT_SECONDS, condition, __VA_ARGS__)
#define WAIT_UNTIL_WITHIN(seconds, condition, ...)                         \
  do {                                                                     \
    int64_t wait_start_ = stopwatch_ms();                                  \
    bool wait_holds_;                                                      \
    while (!(wait_holds_ = (condition))) {                                 \
      if (stopwatch_ms() - wait_start_ > INT64_C(1000) * (seconds)) break; \
      wait_a_moment();                                                     \
    }                                                                      \
    if (!wait_holds_) cr_assert_fail("waited in vain for " __VA_ARGS__);   \
  } while (0)

#endif
