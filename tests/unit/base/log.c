/* Each line as the kernel gets it: through a datagram socket, so that one write() is one message. */
#include "base/log.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 8, LINES_PER_THREAD = 200 };

static int receiver;

/* Puts a socket in the place of stderr. */
static void catch_log(void) {
  int ends[2];
  int size = 8 * 1024 * 1024;
  cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
  (void)close(ends[1]);
  receiver = ends[0];
  log_init("test-unit", "host-1", LOG_DEBUG);
}

/* The next line, parsed; NULL when there is none. */
static json_t *next_line(void) {
  static char text[2 * LOG_LINE_MAX];
  json_error_t error;
  ssize_t length = recv(receiver, text, sizeof text - 1, MSG_DONTWAIT);
  if (length < 0) return NULL;
  text[length] = '\0';
  cr_assert_leq(length, LOG_LINE_MAX);
  cr_assert_eq(strchr(text, '\n'), text + length - 1, "one line, ended: %s", text);
  json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  cr_assert_not_null(line, "%s: %s", error.text, text);
  return line;
}

static const char *text_of(const json_t *line, const char *key) {
  const char *text = json_string_value(json_object_get(line, key));
  return text == NULL ? "(none)" : text;
}

Test(log, a_line_has_time_level_process_event_and_fields, .init = catch_log) {
  LOG(LOG_WARN, "batch.done", LOG_INT("messages", 7), LOG_TEXT("topic", "invoice"),
      LOG_TEXT("none", (const char *)NULL));
  json_t *line = next_line();
  cr_assert_not_null(line);
  cr_expect_eq(strlen(text_of(line, "time")), strlen("2026-11-21T07:46:59.123Z"));
  cr_expect_str_eq(text_of(line, "level"), "warn");
  cr_expect_str_eq(text_of(line, "process"), "test-unit");
  cr_expect_str_eq(text_of(line, "instance"), "host-1");
  cr_expect_str_eq(text_of(line, "event"), "batch.done");
  cr_expect_str_eq(text_of(line, "topic"), "invoice");
  cr_expect_str_eq(text_of(line, "none"), "");
  cr_expect_eq(json_integer_value(json_object_get(line, "messages")), 7);
  cr_expect_null(json_object_get(line, "cut"));
  cr_expect_null(next_line(), "one event is one write");
  json_decref(line);
}

Test(log, all_levels_have_names_and_the_least_one_decides, .init = catch_log) {
  static const char *const NAMES[] = {"debug", "info", "warn", "error"};
  for (int least = LOG_DEBUG; least <= LOG_ERROR; least++) {
    log_init("p", NULL, (enum log_level)least);
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
      log_event((enum log_level)level, "x", NULL, 0);
      json_t *line = next_line();
      cr_assert_eq(line != NULL, level >= least);
      if (line != NULL) cr_expect_str_eq(text_of(line, "level"), NAMES[level]);
      json_decref(line);
    }
  }
}

Test(log, the_context_of_the_thread_is_on_its_lines, .init = catch_log) {
  log_context("req-1", "trace-1");
  log_event(LOG_INFO, "x", NULL, 0);
  json_t *line = next_line();
  cr_expect_str_eq(text_of(line, "requestId"), "req-1");
  cr_expect_str_eq(text_of(line, "traceId"), "trace-1");
  json_decref(line);
  log_context(NULL, NULL);
  log_event(LOG_INFO, "x", NULL, 0);
  line = next_line();
  cr_expect_null(json_object_get(line, "requestId"));
  cr_expect_null(json_object_get(line, "traceId"));
  json_decref(line);
}

Test(log, whatever_a_text_holds_the_line_is_json, .init = catch_log) {
  static const char *const TEXTS[] = {"a\nb", "\"}{\"level\":\"error\"", "\\", "\x01\x7f", "\xFF\xC3", "\xE2\x82\xAC"};
  for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
    LOG(LOG_INFO, TEXTS[i], LOG_TEXT(TEXTS[i], TEXTS[i]));
    json_t *line = next_line();
    cr_assert_not_null(line);
    if (i != 4) cr_expect_str_eq(text_of(line, "event"), TEXTS[i]);
    json_decref(line);
  }
}

Test(log, a_line_too_long_is_cut_and_says_so, .init = catch_log) {
  static const char *const UNITS[] = {"a", "\x01", "\"", "\xE2\x82\xAC", "\xFF"};
  static char text[40000];
  for (size_t unit = 0; unit < sizeof UNITS / sizeof UNITS[0]; unit++) {
    size_t length = strlen(UNITS[unit]);
    memset(text, 0, sizeof text);
    for (size_t at = 0; at + length < sizeof text; at += length) memcpy(text + at, UNITS[unit], length);
    LOG(LOG_INFO, "x", LOG_TEXT("long", text), LOG_TEXT("after", "y"), LOG_INT("number", 1));
    json_t *line = next_line();
    cr_assert_not_null(line);
    cr_expect(json_is_true(json_object_get(line, "cut")));
    const char *kept = text_of(line, "long");
    cr_expect_gt(strlen(kept), 1000);
    if (unit != 4) cr_expect_eq(strncmp(kept, text, strlen(kept)), 0, "a prefix, of whole characters");
    json_decref(line);
  }
}

Test(log, many_fields_are_left_out_rather_than_the_line, .init = catch_log) {
  static struct log_field fields[2000];
  for (size_t i = 0; i < 2000; i++) fields[i] = i % 2 == 0 ? LOG_INT("i", i) : LOG_TEXT("t", "text");
  static char keys[2000][16];
  for (size_t i = 0; i < 2000; i++) {
    (void)snprintf(keys[i], sizeof keys[i], "field%zu", i);
    fields[i].key = keys[i];
  }
  log_event(LOG_INFO, "x", fields, 2000);
  json_t *line = next_line();
  cr_assert_not_null(line);
  cr_expect(json_is_true(json_object_get(line, "cut")));
  cr_expect_gt(json_object_size(line), 100);
  json_decref(line);
}

static void *write_lines(void *name) {
  log_context(name, NULL);
  for (int i = 0; i < LINES_PER_THREAD; i++) LOG(LOG_INFO, "line", LOG_INT("number", i), LOG_TEXT("thread", name));
  return NULL;
}

static void *read_lines(void *counts) {
  int *count_of = counts;
  for (int i = 0; i < THREADS * LINES_PER_THREAD;) {
    json_t *line = next_line();
    if (line == NULL) continue;
    size_t thread = (size_t)(text_of(line, "thread")[0] - 'a');
    cr_assert_str_eq(text_of(line, "requestId"), text_of(line, "thread"));
    cr_assert_eq(json_integer_value(json_object_get(line, "number")), count_of[thread], "in the thread's own order");
    count_of[thread]++;
    json_decref(line);
    i++;
  }
  return NULL;
}

Test(log, lines_of_threads_do_not_mix, .init = catch_log) {
  static char names[THREADS][2];
  int counts[THREADS] = {0};
  pthread_t reader;
  pthread_t writers[THREADS];
  cr_assert_eq(pthread_create(&reader, NULL, read_lines, counts), 0);
  for (size_t i = 0; i < THREADS; i++) {
    names[i][0] = (char)('a' + (int)i);
    cr_assert_eq(pthread_create(&writers[i], NULL, write_lines, names[i]), 0);
  }
  for (size_t i = 0; i < THREADS; i++) cr_assert_eq(pthread_join(writers[i], NULL), 0);
  cr_assert_eq(pthread_join(reader, NULL), 0);
  for (size_t i = 0; i < THREADS; i++) cr_expect_eq(counts[i], LINES_PER_THREAD);
}
