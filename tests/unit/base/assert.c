/* What a failed assertion leaves behind: a dead process and one line of JSON. */
#include "base/assert.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Test(assert, true_goes_on) {
  int evaluated = 0;
  ASSERT(++evaluated == 1);
  cr_expect_eq(evaluated, 1);
}

Test(assert, false_ends_the_process, .signal = SIGABRT, .init = cr_redirect_stderr) {
  ASSERT(1 > 2);
}

/* Runs assert_failed in a child and returns what it wrote. */
static size_t last_words(const char *expression, char *text, size_t size) {
  int ends[2];
  size_t length = 0;
  ssize_t got;
  cr_assert_eq(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    (void)dup2(ends[1], STDERR_FILENO);
    (void)signal(SIGABRT, SIG_DFL);
    assert_failed(expression, "lib/base/x.c", 42);
  }
  (void)close(ends[1]);
  while ((got = read(ends[0], text + length, size - 1 - length)) > 0) length += (size_t)got;
  (void)close(ends[0]);
  int status;
  cr_assert_eq(waitpid(child, &status, 0), child);
  cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  text[length] = '\0';
  return length;
}

static void expect_line(const char *expression, const char *expected) {
  char text[4096];
  size_t length = last_words(expression, text, sizeof text);
  cr_assert_eq(text[length - 1], '\n');
  json_t *line = json_loads(text, 0, NULL);
  cr_assert_not_null(line, "not JSON: %s", text);
  cr_expect_str_eq(json_string_value(json_object_get(line, "event")), "assert.failed");
  cr_expect_str_eq(json_string_value(json_object_get(line, "at")), "lib/base/x.c:42");
  if (expected != NULL) cr_expect_str_eq(json_string_value(json_object_get(line, "assertion")), expected);
  json_decref(line);
}

Test(assert, the_last_words_are_a_line_of_json) {
  expect_line("a[\"x\"] == '\\\\'", "a[\"x\"] == '\\\\'");
  expect_line("two\nlines", "two lines");
}

Test(assert, a_long_expression_is_cut) {
  char expression[5000];
  memset(expression, '"', sizeof expression);
  expression[sizeof expression - 1] = '\0';
  expect_line(expression, NULL);
}
