/* Deeper stacks for HTTP threads. civetweb gives each 100 KiB, a number that was compiled into it and that no option
 * changes. Of these, a quarter is gone on entry, JSON Schema takes a frame or five for each level of a body, and a
 * regular expression that is matched for the first time some ten KiB more. So the call by which civetweb asks for its
 * size is answered here, in place of libc: never less than STACK_MIN. Only pages that are used take memory. */
#include <dlfcn.h>
#include <pthread.h>

#include "base/assert.h"

enum { STACK_MIN = 512 * 1024 };

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's names are reserved */
int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size) {
  typedef int function(pthread_attr_t *, size_t);
  function *next = (function *)dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
  ASSERT(next);
  return next(attributes, size < STACK_MIN ? STACK_MIN : size);
}
