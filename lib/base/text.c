/* Cutting text where a character begins. */
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#include "base/assert.h"

static bool goes_on_a_character(char c) {
  return ((unsigned char)c & 0xC0) == 0x80;
}

void text_copy_cut(char *target, size_t size, const char *text) {
  ASSERT(size > 0);
  size_t length = strnlen(text, size);
  if (length == size) {
    length = size - 1;
    while (length > 0 && goes_on_a_character(text[length])) length--;
  }
  memcpy(target, text, length);
  target[length] = '\0';
}
