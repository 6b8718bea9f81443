/* The process that people and orchestrators know a worker by: it starts the worker proper as its child and does nothing
 * else. When a message ended the child (at_hand.h), the next child learns of it; however else the child ends, so does
 * the supervisor, with its status (128 + signal), and whoever started it decides.
 *
 * SIGTERM and SIGINT are passed on. When the supervisor is gone, whatever the reason, the kernel kills the child: to
 * the world they are one process. Internal to lib/runtime. */
#ifndef RUNTIME_SUPERVISOR_H
#define RUNTIME_SUPERVISOR_H

#include <stdbool.h>

#include "runtime/at_hand.h"

/* Before anything that makes threads or takes memory. True in each child, which is the worker; false in the supervisor,
 * at the end, with the exit status. */
bool supervise(struct at_hand *hand, int *ret_status);

#endif
