/* The memory that we take. */
#include "base/memory.h"

#include <criterion/criterion.h>
#include <string.h>

Test(memory, that_is_touched_is_resident) {
  enum { BYTES = 64 * 1024 * 1024 };
  int64_t before = memory_resident_bytes();
  char *touched = malloc(BYTES);
  memset(touched, 1, BYTES);
  int64_t after = memory_resident_bytes();
  cr_expect_gt(before, 0);
  cr_expect_geq(after - before, BYTES / 2);
  cr_expect_eq(touched[BYTES - 1], 1);
  free(touched);
}
