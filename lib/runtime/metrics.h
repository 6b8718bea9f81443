/* Counters and gauges of this process, and their Prometheus text. Thread-safe. */
#ifndef RUNTIME_METRICS_H
#define RUNTIME_METRICS_H

#include <stdint.h>

#include "base/buf.h"

enum { METRICS_MAX = 512 };

/* name: a literal, by Prometheus's rules, without the prefix "cloudbill_"; a counter's ends in _total. labels:
 * "a=\"b\"" or "", copied. Past METRICS_MAX different ones further ones are dropped. */
void metric_add(const char *name, const char *labels, int64_t amount);
void metric_set(const char *name, const char *labels, int64_t value);
int64_t metric_value(const char *name, const char *labels); /* 0 when unknown */
void metrics_write(struct buf *out);

#endif
