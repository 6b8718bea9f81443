/* Cutting text where a character begins; finding out whether there is anything to read. */
#include "base/text.h"

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

/* In UTF-8. U+2000 to U+200F are one row: their first two bytes, and the range of the third. */
static const struct {
  const char *start;
  unsigned char first, last; /* of the byte behind start */
} BLANKS[] = {
    {"", 0x09, 0x0D},         {"", 0x20, 0x20},         /* U+0009 to U+000D, the space */
    {"\xC2", 0x85, 0x85},     {"\xC2", 0xA0, 0xA0},     /* next line, no-break space */
    {"\xC2", 0xAD, 0xAD},     {"\xE1\x9A", 0x80, 0x80}, /* soft hyphen, Ogham space */
    {"\xE1\xA0", 0x8E, 0x8E}, {"\xE2\x80", 0x80, 0x8F}, /* Mongolian separator; spaces, zero-width ones, marks */
    {"\xE2\x80", 0xA8, 0xAF}, {"\xE2\x81", 0x9F, 0xA4}, /* separators, embeddings; U+205F to U+2064 */
    {"\xE3\x80", 0x80, 0x80}, {"\xE3\x85", 0xA4, 0xA4}, /* ideographic space, Hangul filler */
    {"\xEF\xBB", 0xBF, 0xBF},                           /* byte order mark */
};

/* The length of the blank that text begins with, 0 for what can be seen. */
static size_t blank_length(const char *text) {
  for (size_t i = 0; i < sizeof BLANKS / sizeof BLANKS[0]; i++) {
    size_t length = strlen(BLANKS[i].start);
    if (strncmp(text, BLANKS[i].start, length) != 0) continue;
    unsigned char last = (unsigned char)text[length];
    if (last >= BLANKS[i].first && last <= BLANKS[i].last) return length + 1;
  }
  return 0;
}

bool text_is_blank(const char *text) {
  for (size_t length; *text != '\0'; text += length) {
    length = blank_length(text);
    if (length == 0) return false;
  }
  return true;
}
