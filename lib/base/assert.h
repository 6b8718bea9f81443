/* Assertions that stay on in release. For our own bugs only: never for input, messages or what the database holds. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include <stddef.h>

_Noreturn void assert_failed(const char *expression, const char *file, int line);

/* What a failing assertion says is also written into this place, for whoever looks when the process is gone. */
void assert_keep_words(char *place, size_t size);

#define ASSERT(expression) ((expression) ? (void)0 : assert_failed(#expression, __FILE__, __LINE__))

#endif
