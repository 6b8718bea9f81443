/* A small table of numbers behind one lock. Updates are per batch and per request, not per row, so that a linear search
 * under a mutex is cheap enough; the table is short. */
#include "runtime/metrics.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { LABELS_MAX = 160 };

static struct metric {
  const char *name;
  char labels[LABELS_MAX];
  int64_t value;
} metrics[METRICS_MAX];
static size_t metric_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct metric *find_or_make(const char *name, const char *labels, bool make) {
  for (size_t i = 0; i < metric_count; i++)
    if (strcmp(metrics[i].name, name) == 0 && strcmp(metrics[i].labels, labels) == 0) return &metrics[i];
  if (!make || metric_count == METRICS_MAX || strlen(labels) >= LABELS_MAX) return NULL;
  struct metric *metric = &metrics[metric_count++];
  metric->name = name;
  snprintf(metric->labels, sizeof metric->labels, "%s", labels);
  return metric;
}

void metric_add(const char *name, const char *labels, int64_t amount) {
  pthread_mutex_lock(&lock);
  struct metric *metric = find_or_make(name, labels, true);
  if (metric) metric->value += amount;
  pthread_mutex_unlock(&lock);
}

void metric_set(const char *name, const char *labels, int64_t value) {
  pthread_mutex_lock(&lock);
  struct metric *metric = find_or_make(name, labels, true);
  if (metric) metric->value = value;
  pthread_mutex_unlock(&lock);
}

int64_t metric_value(const char *name, const char *labels) {
  pthread_mutex_lock(&lock);
  const struct metric *metric = find_or_make(name, labels, false);
  int64_t value = metric ? metric->value : 0;
  pthread_mutex_unlock(&lock);
  return value;
}

static bool is_counter(const char *name) {
  size_t length = strlen(name);
  return length > 6 && strcmp(name + length - 6, "_total") == 0;
}

static bool is_first_of_name(size_t index) {
  for (size_t i = 0; i < index; i++)
    if (strcmp(metrics[i].name, metrics[index].name) == 0) return false;
  return true;
}

/* All samples of a name must stand together below its TYPE line. */
void metrics_write(struct buf *out) {
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < metric_count; i++) {
    if (!is_first_of_name(i)) continue;
    const char *name = metrics[i].name;
    buf_printf(out, "# TYPE cloudbill_%s %s\n", name, is_counter(name) ? "counter" : "gauge");
    for (size_t k = i; k < metric_count; k++) {
      if (strcmp(metrics[k].name, name) != 0) continue;
      const char *labels = metrics[k].labels;
      buf_printf(out, "cloudbill_%s%s%s%s %lld\n", name, *labels ? "{" : "", labels, *labels ? "}" : "",
                 (long long)metrics[k].value);
    }
  }
  pthread_mutex_unlock(&lock);
}
