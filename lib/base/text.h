/* Text of others in fields of ours. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Nothing in it can be seen: white space of Unicode, and what is invisible beside it (zero-width spaces and joiners,
 * the byte order mark, soft hyphens). An empty text is blank. */
bool text_is_blank(const char *text);

/* Copies as much of `text` as fits in `size` bytes with its end. What is too long is cut between UTF-8 characters,
 * never within one: half a character is no text, and PostgreSQL refuses it. */
void text_copy_cut(char *target, size_t size, const char *text);

#endif
