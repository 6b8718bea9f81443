/* Misbehaviour that is switched on at run time, for all of /v1: POST /sandbox/faults sets what it names, DELETE ends
 * all. The counted ones apply to POSTs, in the table's order, after `after` further POSTs have gone well. */
#ifndef GATEWAY_FAULTS_H
#define GATEWAY_FAULTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* name in JSON, is it counted down, most, what it does */
#define FAULTS(X)                                                                                                 \
  X(FAULT_SILENT, "silent", false, 1, "accepts requests, does nothing, never answers")                            \
  X(FAULT_LATENCY, "latency_ms", false, 60000, "waits before each request")                                       \
  X(FAULT_AFTER, "after", true, 1000000000, "POSTs that go well before the counted faults below begin")           \
  X(FAULT_FAIL, "fail_next", true, 1000000000, "answers 500 and does nothing")                                    \
  X(FAULT_DROP, "drop_next", true, 1000000000, "does nothing, closes without a byte")                             \
  X(FAULT_LOSE, "lose_next", true, 1000000000, "does it, closes without a byte")                                  \
  X(FAULT_LIMIT, "rate_limit_next", true, 1000000000, "answers 429 and does nothing")                             \
  X(FAULT_WEBHOOK_COPIES, "webhook_copies", false, 100, "sends each webhook so many times more")                  \
  X(FAULT_WEBHOOK_DISORDER, "webhook_disorder", false, 1, "sends every second webhook later than those after it") \
  X(FAULT_WEBHOOK_BAD, "webhook_bad_signature", false, 1, "signs webhooks with another secret")

enum fault {
#define X(id, name, counted, most, help) id,
  FAULTS(X)
#undef X
      FAULT_COUNT
};

struct faults {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int64_t values[FAULT_COUNT]; /* 0: off */
  bool is_stopping;
};

void faults_init(struct faults *faults);
void faults_release(struct faults *faults);
const char *fault_name(enum fault fault);
int64_t fault_most(enum fault fault);
void faults_set(struct faults *faults, enum fault fault, int64_t value);
void faults_clear(struct faults *faults);
int64_t faults_get(struct faults *faults, enum fault fault);
/* The counted fault that hits this POST, which is thereby counted; FAULT_COUNT for none. */
enum fault faults_next(struct faults *faults);

/* Sleeps. False, at once, when the process is stopping. */
bool faults_sleep(struct faults *faults, int64_t ms);
/* Waits until `silent` is off again (true) or the process is stopping (false). */
bool faults_wait_for_voice(struct faults *faults);
void faults_stop(struct faults *faults);

#endif
