/* Functions that have cost others money do not compile here; each has a replacement in lib/base.
 * Included by the compiler's command line (-include) in every C file. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof
#pragma GCC poison localtime gmtime ctime asctime mktime
#pragma GCC poison rand srand random srandom drand48 tmpnam tempnam mktemp

#endif
