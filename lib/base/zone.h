/* Time zones from the system's tz database (TZif files, RFC 8536), read once each and kept for the process's life.
 *
 * zone_midnight answers BILL-013: the instant at which a local date begins; if local midnight does not exist, the first
 * instant of that date; if it comes twice, the earlier; a date that the zone skipped altogether begins where the day
 * after it begins. Thread-safe. A zone's name is checked ([A-Za-z0-9_+-/], no "..", at most ZONE_NAME_MAX) before a
 * file is opened. */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/date.h"
#include "base/time.h"

enum { ZONE_NAME_MAX = 64 };

struct zone;

/* RC_VALIDATION naming `field` when there is no such zone. The zone lives as long as the process. */
MUST_CHECK enum rc zone_find(const char *name, const char *field, const struct zone **ret_zone, struct error *err);
const char *zone_name(const struct zone *zone);
int32_t zone_offset_s(const struct zone *zone, struct utime at); /* seconds east of UTC */
struct utime zone_midnight(const struct zone *zone, struct date date);
struct date zone_date(const struct zone *zone, struct utime at); /* the local day that `at` falls on */

#endif
