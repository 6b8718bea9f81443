/* /proc/self/statm: pages in all, pages resident, and more. */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int64_t memory_resident_bytes(void) {
  char line[128] = "";
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return 0;
  char *is_read = fgets(line, sizeof line, file);
  fclose(file);
  return is_read ? strtoll(line + strcspn(line, " "), NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}
