/* When a mail is tried again. The server's "not now" is counted: after a minute, two, four … up to six hours, and for
 * the 29th time, after five days, never. A server that cannot be reached is nobody's fault: it is asked again after a
 * second, two, four … up to a minute, for as long as it takes, and no mail is counted against. */
#ifndef NOTIFICATIONS_RETRY_H
#define NOTIFICATIONS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum { DEFERRALS_MAX = 29 };

/* After the deferral number `deferrals` (1: the first); false: give up. */
bool retry_after_deferral(int64_t deferrals, int64_t *ret_delay_ms);
/* After so many failures in a row to reach the server (1: the first). */
int64_t retry_outage_ms(int64_t failures);

#endif
