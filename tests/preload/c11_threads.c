/* C11 threads by POSIX ones, for ThreadSanitizer builds: librdkafka is made with <threads.h>, whose functions gcc's
 * runtime does not intercept, so that it knows neither its threads nor its locks. As part of the program these come
 * before libc's. glibc keeps both kinds in the same storage. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mutex of POSIX fits into one of C11");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "and so does a condition");

static int result_of(int code) {
  return code == 0 ? thrd_success : code == ETIMEDOUT ? thrd_timedout : code == EBUSY ? thrd_busy : thrd_error;
}

static pthread_mutex_t *mutex(mtx_t *mtx) {
  return (pthread_mutex_t *)mtx;
}
static pthread_cond_t *condition(cnd_t *cnd) {
  return (pthread_cond_t *)cnd;
}

/* ---- threads ---- */

struct start {
  thrd_start_t run;
  void *argument;
};

static void *run(void *context) {
  struct start start = *(struct start *)context;
  free(context);
  return (void *)(intptr_t)start.run(start.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument) {
  struct start *start = malloc(sizeof *start);
  if (!start) return thrd_nomem;
  *start = (struct start){function, argument};
  int code = pthread_create(thread, NULL, run, start);
  if (code != 0) free(start);
  return result_of(code);
}

int thrd_join(thrd_t thread, int *ret_result) {
  void *result = NULL;
  int code = pthread_join(thread, &result);
  if (code == 0 && ret_result) *ret_result = (int)(intptr_t)result;
  return result_of(code);
}

/* ---- mutexes ---- */

int mtx_init(mtx_t *mtx, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (type & mtx_recursive) pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  int code = pthread_mutex_init(mutex(mtx), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return result_of(code);
}

void mtx_destroy(mtx_t *mtx) {
  pthread_mutex_destroy(mutex(mtx));
}
int mtx_lock(mtx_t *mtx) {
  return result_of(pthread_mutex_lock(mutex(mtx)));
}
int mtx_trylock(mtx_t *mtx) {
  return result_of(pthread_mutex_trylock(mutex(mtx)));
}
int mtx_unlock(mtx_t *mtx) {
  return result_of(pthread_mutex_unlock(mutex(mtx)));
}

/* ---- conditions ---- */

int cnd_init(cnd_t *cnd) {
  return result_of(pthread_cond_init(condition(cnd), NULL));
}
void cnd_destroy(cnd_t *cnd) {
  pthread_cond_destroy(condition(cnd));
}
int cnd_signal(cnd_t *cnd) {
  return result_of(pthread_cond_signal(condition(cnd)));
}
int cnd_broadcast(cnd_t *cnd) {
  return result_of(pthread_cond_broadcast(condition(cnd)));
}
int cnd_wait(cnd_t *cnd, mtx_t *mtx) {
  return result_of(pthread_cond_wait(condition(cnd), mutex(mtx)));
}
int cnd_timedwait(cnd_t *restrict cnd, mtx_t *restrict mtx, const struct timespec *restrict until) {
  return result_of(pthread_cond_timedwait(condition(cnd), mutex(mtx), until));
}
