/* Text of others in fields of ours. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* Copies as much of `text` as fits in `size` bytes with its end. What is too long is cut between UTF-8 characters,
 * never within one: half a character is no text, and PostgreSQL refuses it. */
void text_copy_cut(char *target, size_t size, const char *text);

#endif
