/* A stage for the payments worker alone: a database of the test's own, a sandbox gateway, and the real program between
 * them, with its time limits made short. There is no broker on it: what the worker would publish stays in the outbox,
 * where it can be looked at, and what would come in as an event is put into the tables. It is gone when the test ends.
 *
 * In SQL, $1 is the tenant wherever it is named. Ids are texts that live until the test's process ends. */
#ifndef PAYMENTS_STAGE_H
#define PAYMENTS_STAGE_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "harness/gateway.h"

struct stage {
  char database[64];
  char worker_url[512];
  char tenant[40];
  PGconn *admin;
  struct sandbox sandbox;
  const char *gateway_url; /* the sandbox's, unless said otherwise before a worker is started */
  pid_t workers[2];
};

/* Everything but the worker. Ends with the test's process, or by stage_close. */
void stage_open(struct stage *stage);
void stage_close(struct stage *stage);
void stage_no_gateway(struct stage *stage); /* as stage_open, without a sandbox */

void worker_start(struct stage *stage, int which);
void worker_kill(struct stage *stage, int which); /* SIGKILL */
int worker_stop(struct stage *stage, int which);  /* SIGTERM; its exit status */

void sql_do(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t sql_int(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *sql_text(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As commands and events would have made them. */
const char *customer_new(struct stage *stage);
const char *method_new(struct stage *stage, const char *customer, const char *token); /* asked for as the default */
const char *invoice_new(struct stage *stage, const char *customer, const char *currency, int64_t minor);
const char *payment_new(struct stage *stage, const char *invoice); /* due now; as payments_open.sql makes it */
/* All four, the method set up; returns the payment. */
const char *payment_with(struct stage *stage, const char *token);

const char *status_of(struct stage *stage, const char *payment);
void make_due(struct stage *stage, const char *payment);
int64_t events(struct stage *stage, const char *type, const char *subject); /* in the outbox */

/* The sandbox: its charges of a payment that succeeded, and all; a switch of its faults. */
int64_t charges_paid(struct stage *stage, const char *payment);
int64_t charges_made(struct stage *stage, const char *payment);
void gateway_fault(struct stage *stage, const char *json); /* {"silent":1}; NULL: none any more */
json_t *sandbox_ask(struct stage *stage, const char *method, const char *path, const char *form);

#define WAIT_FOR(condition, ...)                                                                 \
  do {                                                                                           \
    struct mono wait_start_ = mono_now();                                                        \
    while (!(condition)) {                                                                       \
      if (mono_ms_since(wait_start_) > 30000) cr_assert_fail("waited in vain for " __VA_ARGS__); \
      sleep_ms(20);                                                                              \
    }                                                                                            \
  } while (0)

#endif
