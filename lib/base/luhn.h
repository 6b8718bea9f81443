/* The check digit of card numbers (ISO/IEC 7812-1 annex B). */
#ifndef BASE_LUHN_H
#define BASE_LUHN_H

#include <stdbool.h>
#include <stddef.h>

/* digits: '0' to '9', count of them; the last one is the check digit. */
bool luhn_holds(const char *digits, size_t count);

#endif
