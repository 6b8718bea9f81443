/* What the shim (fault.c), loaded into a worker, and the test that arms it share: a file, mapped by both. One slot for
 * each place at which the worker calls the outside: a statement by its name, a COMMIT by the last statement before it,
 * a message by its topic, the gateway. A place that is armed fails once. */
#ifndef PRELOAD_FAULT_H
#define PRELOAD_FAULT_H

#include <stdatomic.h>

enum { FAULT_PLACES_MAX = 512, FAULT_NAME_MAX = 112 };

/* BEFORE: nothing has happened. AFTER: it has happened, and the caller never hears of it. */
enum fault { FAULT_NONE, FAULT_BEFORE, FAULT_AFTER };

struct fault_place {
  _Atomic int state; /* 0 free, 1 being named, 2 in use */
  char name[FAULT_NAME_MAX];
  _Atomic int armed; /* enum fault */
  _Atomic unsigned calls, fired;
};

struct fault_board {
  struct fault_place places[FAULT_PLACES_MAX];
};

/* Of process "cloudbill-payments": $FAULT_DIRECTORY/cloudbill-payments.faults */
#define FAULT_FILE "%s/%s.faults"

#endif
