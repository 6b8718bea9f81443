/* Functions that have cost others money do not compile here; each has a replacement in lib/base.
 * Included by the compiler's command line (-include) in every C file. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* glibc makes macros of these two for clang when _FORTIFY_SOURCE is on. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof
#pragma GCC poison localtime gmtime ctime asctime mktime
#pragma GCC poison srand random srandom drand48 tmpnam tempnam mktemp

/* OpenSSL's headers call parameters `rand`, so that name cannot be poisoned: its use is an error by -Werror instead. */
/* NOLINTNEXTLINE(readability-redundant-declaration): it adds the attribute */
int rand(void) __attribute__((deprecated("use random_bytes")));

#endif
