/* A byte buffer that grows to a mandatory maximum. Past it, or without memory, it becomes `failed`, holds nothing, and
 * every further append does nothing: check buf_ok once, at the end. Always NUL-terminated when ok. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
  char *bytes;
  size_t length;
  size_t capacity;
  size_t max;
  bool failed;
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_release(struct buf *buf);            /* NULL and a zeroed buf are fine */
void buf_clear(struct buf *buf);              /* length 0, not failed, memory kept */
void buf_cut(struct buf *buf, size_t length); /* to its first bytes; what is shorter stays */
bool buf_ok(const struct buf *buf);
const char *buf_text(const struct buf *buf);    /* "" when empty or failed */
bool buf_reserve(struct buf *buf, size_t more); /* room for so many and the NUL; false: failed */
void buf_append(struct buf *buf, const void *bytes, size_t length);
void buf_text_append(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define CLEANUP(release) __attribute__((cleanup(release)))

#endif
