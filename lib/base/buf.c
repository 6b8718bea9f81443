/* A growing buffer that fails for good instead of at each call, so that whoever writes a text checks once. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { FIRST_CAPACITY = 256 };

void buf_init(struct buf *buf, size_t max_bytes) {
  ASSERT(max_bytes < SIZE_MAX / 4);
  *buf = (struct buf){.max = max_bytes};
}

void buf_release(struct buf *buf) {
  if (buf == NULL) return;
  free(buf->bytes);
  *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf) {
  buf->length = 0;
  buf->failed = false;
  if (buf->bytes != NULL) buf->bytes[0] = '\0';
}

void buf_cut(struct buf *buf, size_t length) {
  if (buf->length <= length) return;
  buf->length = length;
  buf->bytes[length] = '\0';
}

bool buf_ok(const struct buf *buf) {
  return !buf->failed;
}

const char *buf_text(const struct buf *buf) {
  return buf->failed || buf->bytes == NULL ? "" : buf->bytes;
}

static void fail(struct buf *buf) {
  buf_release(buf);
  buf->failed = true;
}

bool buf_reserve(struct buf *buf, size_t more) {
  if (buf->failed) return false;
  if (more > buf->max - buf->length) {
    fail(buf);
    return false;
  }
  size_t needed = buf->length + more + 1;
  if (needed <= buf->capacity) return true;
  size_t capacity = buf->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : buf->capacity * 2;
  if (capacity > buf->max + 1) capacity = buf->max + 1;
  if (capacity < needed) capacity = needed;
  char *bytes = realloc(buf->bytes, capacity);
  if (bytes == NULL) {
    fail(buf);
    return false;
  }
  buf->bytes = bytes;
  buf->bytes[buf->length] = '\0';
  buf->capacity = capacity;
  return true;
}

void buf_append(struct buf *buf, const void *bytes, size_t length) {
  if (!buf_reserve(buf, length)) return;
  if (length > 0) memcpy(buf->bytes + buf->length, bytes, length);
  buf->length += length;
  buf->bytes[buf->length] = '\0';
}

void buf_text_append(struct buf *buf, const char *text) {
  buf_append(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c) {
  if (!buf_reserve(buf, 1)) return;
  buf->bytes[buf->length++] = c;
  buf->bytes[buf->length] = '\0';
}

void buf_printf(struct buf *buf, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  va_list again;
  va_copy(again, arguments);
  size_t room = buf->bytes == NULL ? 0 : buf->capacity - buf->length;
  int length = vsnprintf(room == 0 ? NULL : buf->bytes + buf->length, room, format, arguments);
  va_end(arguments);
  ASSERT(length >= 0);
  if (buf_reserve(buf, (size_t)length)) {
    if ((size_t)length >= room) (void)vsnprintf(buf->bytes + buf->length, (size_t)length + 1, format, again);
    buf->length += (size_t)length;
  }
  va_end(again);
}
