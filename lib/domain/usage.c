/* The aggregations of usage. Each is one pass, but for the different texts, which are sorted and told apart. Sums have
 * 128 bits: 10^20 events of the largest quantity would be needed to overflow them. */
#include "domain/usage.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static const char *const NAMES[] = {
#define X(aggregation, name) [aggregation] = name,
    USAGE_AGGREGATIONS(X)
#undef X
};
enum { AGGREGATION_COUNT = sizeof NAMES / sizeof NAMES[0] };

const char *usage_aggregation_name(enum usage_aggregation aggregation) {
  ASSERT((size_t)aggregation < AGGREGATION_COUNT);
  return NAMES[aggregation];
}

bool usage_aggregation_from_name(const char *name, enum usage_aggregation *ret_aggregation) {
  for (size_t i = 0; i < AGGREGATION_COUNT; i++) {
    if (strcmp(name, NAMES[i]) != 0) continue;
    *ret_aggregation = (enum usage_aggregation)i;
    return true;
  }
  return false;
}

static int128 sum_micro(const struct usage_event *events, size_t count) {
  int128 sum = 0;
  for (size_t i = 0; i < count; i++) sum += events[i].quantity.micro;
  return sum;
}

static int128 max_micro(const struct usage_event *events, size_t count) {
  int64_t max = INT64_MIN;
  for (size_t i = 0; i < count; i++) max = max > events[i].quantity.micro ? max : events[i].quantity.micro;
  return count == 0 ? 0 : max;
}

static int128 last_micro(const struct usage_event *events, size_t count) {
  const struct usage_event *last = NULL;
  for (size_t i = 0; i < count; i++)
    if (!last || events[i].timestamp.us >= last->timestamp.us) last = &events[i];
  return last ? last->quantity.micro : 0;
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t different_texts(const struct usage_event *events, size_t count, struct arena *arena) {
  const char **texts = ARENA_ARRAY(arena, const char *, count);
  size_t given = 0;
  size_t different = 0;
  for (size_t i = 0; i < count; i++)
    if (events[i].text) texts[given++] = events[i].text;
  if (given == 0) return 0;
  qsort(texts, given, sizeof texts[0], compare_texts);
  for (size_t i = 0; i < given; i++) different += i == 0 || strcmp(texts[i - 1], texts[i]) != 0;
  return different;
}

/* BILL-034 */
static int128 aggregate_micro(enum usage_aggregation aggregation, const struct usage_event *events, size_t count,
                              struct arena *arena) {
  switch (aggregation) {
  case USAGE_COUNT: return (int128)count * MICRO;
  case USAGE_SUM: return sum_micro(events, count);
  case USAGE_MAX: return max_micro(events, count);
  case USAGE_LAST: return last_micro(events, count);
  case USAGE_UNIQUE_COUNT: return (int128)different_texts(events, count, arena) * MICRO;
  }
  assert_failed("an aggregation", __FILE__, __LINE__);
}

enum rc usage_aggregate(enum usage_aggregation aggregation, const struct usage_event *events, size_t count,
                        struct arena *arena, struct quantity *ret_quantity, struct error *err) {
  int128 micro = aggregate_micro(aggregation, events, count, arena);
  if (micro > QUANTITY_MAX || micro < -QUANTITY_MAX)
    return error_field(err, RC_VALIDATION, "quantity", "the usage is too large");
  ret_quantity->micro = (int64_t)micro;
  return RC_OK;
}
