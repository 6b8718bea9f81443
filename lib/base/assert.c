/* The end of a process that found itself wrong: one line in the log's form, then abort, so that the core shows where.
 * Nothing here allocates or locks, because anything may be broken by now. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024, EXPRESSION_END = 640, FILE_END = 960 };

static char *words;
static size_t words_size;

void assert_keep_words(char *place, size_t size) {
  words = place;
  words_size = size;
}

/* Appends text with quotes and backslashes escaped; what would reach `end` is left out. */
static size_t append_escaped(char *line, size_t length, size_t end, const char *text) {
  for (; *text != '\0' && length + 2 < end; text++) {
    if (*text == '"' || *text == '\\') line[length++] = '\\';
    line[length++] = (unsigned char)*text < 0x20 ? ' ' : *text;
  }
  return length;
}

static size_t append(char *line, size_t length, const char *text) {
  while (*text != '\0' && length < LINE_MAX_BYTES - 1) line[length++] = *text++;
  return length;
}

_Noreturn void assert_failed(const char *expression, const char *file, int line_number) {
  char number[16];
  char line[LINE_MAX_BYTES];
  (void)snprintf(number, sizeof number, "%d", line_number);
  size_t length = append(line, 0, "{\"level\":\"error\",\"event\":\"assert.failed\",\"assertion\":\"");
  length = append_escaped(line, length, EXPRESSION_END, expression);
  length = append(line, length, "\",\"at\":\"");
  length = append_escaped(line, length, FILE_END, file);
  length = append(line, length, ":");
  length = append(line, length, number);
  length = append(line, length, "\"}\n");
  if (words) (void)snprintf(words, words_size, "%s at %s:%d", expression, file, line_number);
  ssize_t ignored = write(STDERR_FILENO, line, length);
  (void)ignored;
  abort();
}
