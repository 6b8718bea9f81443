/* One try to charge an intent. */
#ifndef GATEWAY_ATTEMPT_H
#define GATEWAY_ATTEMPT_H

#include "gateway.h"
#include "methods.h"

/* What a slow card does before anything is decided: sleeps, without the lock. False when the process is stopping, and
 * the call is answered. `method_id` may be NULL. */
bool attempt_delay(struct call *call, const char *method_id);

/* Charges change->intent with `method` (perhaps change->method, a fresh one), applies, answers and commits. Wants the
 * lock. */
void attempt_charge(struct call *call, struct change *change, const struct method *method, bool is_action_an_error);

/* Ends requires_action or processing: the money came, or it did not. Wants the lock. */
void attempt_settle(struct call *call, struct change *change, bool is_paid);

/* Applies the change and answers with its intent. Wants the lock. */
void attempt_commit_intent(struct call *call, const struct change *change, const char *outcome);

#endif
