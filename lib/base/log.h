/* The log: one JSON object a line on stderr, with time, level, process, event and the fields given. Whoever is on top
 * (the loop, the request) logs once; lib/ below runtime/ logs nothing above debug. No secret and no personal datum goes
 * in: ids do. Thread-safe; a line is one write(). Lines are cut at LOG_LINE_MAX.
 *
 *   LOG(LOG_INFO, "batch.done", LOG_INT("messages", n), LOG_TEXT("topic", topic));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum { LOG_LINE_MAX = 8192 };

struct log_field {
  const char *key;
  const char *text; /* NULL: an integer */
  int64_t integer;
};

/* A function, because gcc warns of `array ? array : ""`. */
static inline struct log_field log_text(const char *key, const char *text) {
  return (struct log_field){key, text == NULL ? "" : text, 0};
}

#define LOG_TEXT(key, text)   log_text((key), (text)) /* NULL is logged as "" */
#define LOG_INT(key, integer) ((struct log_field){(key), NULL, (int64_t)(integer)})
#define LOG(level, event, ...)                                         \
  log_event((level), (event), (const struct log_field[]){__VA_ARGS__}, \
            sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

void log_init(const char *process, const char *instance, enum log_level least);
/* Context of the calling thread, added to each of its lines until set anew; NULL clears. The texts must stay. */
void log_context(const char *request_id, const char *trace_id);
void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t count);

#endif
