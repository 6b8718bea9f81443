/* What the tests of the API's inside share: an arena, and requests that no client sent. */
#ifndef TESTS_API_PARTS_H
#define TESTS_API_PARTS_H

#include <criterion/criterion.h>

#include "api.h"
#include "request.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* For the life of the test's process. */
struct arena *test_arena(void);
/* Of that method and path, without headers. */
struct request *test_request(enum method method, const char *path);

#endif
