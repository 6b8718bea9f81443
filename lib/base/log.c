/* One JSON object a line, given to the kernel by a single write(), so that lines of threads and processes that share a
 * stderr never mix; nothing is locked. A text too long for what is left of the line is cut, a field without any room is
 * left out, and the line then says "cut": true. */
#include "base/log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/json_text.h"
#include "base/time.h"

enum {
  TAIL_BYTES = 16,           /* ,"cut":true} and the newline */
  FIELD_OVERHEAD_BYTES = 32, /* comma, quotes, colon, an integer */
  ESCAPED_MAX = 6,           /* bytes that one byte may become */
};

static struct {
  const char *process;
  const char *instance;
  enum log_level least;
} settings = {"", "", LOG_INFO};

static _Thread_local const char *context_request_id;
static _Thread_local const char *context_trace_id;

void log_init(const char *process, const char *instance, enum log_level least) {
  settings.process = process == NULL ? "" : process;
  settings.instance = instance == NULL ? "" : instance;
  settings.least = least;
}

void log_context(const char *request_id, const char *trace_id) {
  context_request_id = request_id;
  context_trace_id = trace_id;
}

static const char *level_name(enum log_level level) {
  switch (level) {
  case LOG_DEBUG: return "debug";
  case LOG_INFO: return "info";
  case LOG_WARN: return "warn";
  case LOG_ERROR: return "error";
  }
  assert_failed("a log level", __FILE__, __LINE__);
}

/* How much of text surely fits into `room` bytes once it is escaped, up to the end of a character. */
static size_t fitting(const char *text, size_t room) {
  size_t length = 0;
  size_t used = 0;
  for (; text[length] != '\0'; length++) {
    unsigned char c = (unsigned char)text[length];
    used += c < 0x20 || c == 0x7F ? ESCAPED_MAX : c >= 0x80 ? 3 : c == '"' || c == '\\' ? 2 : 1;
    if (used > room) break;
  }
  if (text[length] == '\0') return length;
  while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
  return length;
}

/* False when the field was cut or left out. */
static bool add_text(struct json_writer *writer, const char *key, const char *text) {
  size_t taken = writer->out->length + strlen(key) * ESCAPED_MAX + FIELD_OVERHEAD_BYTES + TAIL_BYTES;
  if (taken >= LOG_LINE_MAX) return false;
  size_t length = fitting(text, LOG_LINE_MAX - taken);
  json_put_string_n(writer, key, text, length);
  return text[length] == '\0';
}

static bool add_integer(struct json_writer *writer, const char *key, int64_t integer) {
  size_t taken = writer->out->length + strlen(key) * ESCAPED_MAX + FIELD_OVERHEAD_BYTES + TAIL_BYTES;
  if (taken >= LOG_LINE_MAX) return false;
  json_put_int(writer, key, integer);
  return true;
}

static bool add_if_given(struct json_writer *writer, const char *key, const char *text) {
  return text == NULL || text[0] == '\0' || add_text(writer, key, text);
}

static void write_line(const char *line, size_t length) {
  ssize_t written;
  do {
    written = write(STDERR_FILENO, line, length);
  } while (written < 0 && errno == EINTR);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t count) {
  if (level < settings.least) return;
  char now[UTIME_TEXT_MAX];
  struct buf line CLEANUP(buf_release);
  struct json_writer writer;
  buf_init(&line, LOG_LINE_MAX);
  json_writer_init(&writer, &line);
  json_put_object(&writer, NULL);
  json_put_string(&writer, "time", utime_format(utime_now(), now));
  json_put_string(&writer, "level", level_name(level));
  bool whole = add_text(&writer, "process", settings.process);
  whole &= add_if_given(&writer, "instance", settings.instance);
  whole &= add_text(&writer, "event", event);
  whole &= add_if_given(&writer, "requestId", context_request_id);
  whole &= add_if_given(&writer, "traceId", context_trace_id);
  for (size_t i = 0; i < count; i++) {
    const struct log_field *field = &fields[i];
    whole &= field->text != NULL ? add_text(&writer, field->key, field->text)
                                 : add_integer(&writer, field->key, field->integer);
  }
  if (!whole) json_put_bool(&writer, "cut", true);
  json_put_end(&writer);
  buf_char(&line, '\n');
  if (buf_ok(&line)) write_line(line.bytes, line.length);
}
