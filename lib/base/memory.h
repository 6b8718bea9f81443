/* What this process takes of the machine's memory. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdint.h>

int64_t memory_resident_bytes(void); /* 0 when the kernel does not say */

#endif
