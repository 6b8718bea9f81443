/* A stack of idle connections: the one used last is taken first, so that a quiet API keeps few of them warm. */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/time.h"
#include "sql.h"

struct pool {
  pthread_mutex_t lock;
  pthread_cond_t given;
  size_t count, idle_count;
  char application_name[96];
  struct db **idle;
};

static const struct statement *const *const statement_lists[] = {sql_statements, NULL};

struct pool *pool_new(const char *url, const char *instance, size_t connections) {
  struct pool *pool = calloc(1, sizeof *pool);
  ASSERT(pool);
  pool->idle = calloc(connections, sizeof(struct db *));
  ASSERT(pool->idle);
  pthread_mutex_init(&pool->lock, NULL);
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&pool->given, &clock);
  pthread_condattr_destroy(&clock);
  snprintf(pool->application_name, sizeof pool->application_name, "cloudbill-api %s", instance);
  const struct db_options options = {.url = url,
                                     .application_name = pool->application_name,
                                     .statement_timeout_ms = POOL_STATEMENT_TIMEOUT_MS,
                                     .statements = statement_lists,
                                     .api_role = true};
  for (size_t i = 0; i < connections; i++) pool->idle[i] = db_new(&options);
  pool->count = pool->idle_count = connections;
  return pool;
}

void pool_free(struct pool *pool) {
  if (!pool) return;
  ASSERT(pool->idle_count == pool->count);
  for (size_t i = 0; i < pool->count; i++) db_free(pool->idle[i]);
  pthread_cond_destroy(&pool->given);
  pthread_mutex_destroy(&pool->lock);
  free(pool->idle);
  free(pool);
}

static struct timespec deadline_in_ms(int64_t ms) {
  int64_t ns = mono_now().ns + ms * 1000000;
  return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

enum rc pool_take(struct pool *pool, struct db **ret_db, struct error *err) {
  struct timespec deadline = deadline_in_ms(POOL_WAIT_MS);
  pthread_mutex_lock(&pool->lock);
  while (pool->idle_count == 0)
    if (pthread_cond_timedwait(&pool->given, &pool->lock, &deadline) == ETIMEDOUT) break;
  struct db *db = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
  pthread_mutex_unlock(&pool->lock);
  if (!db) return error_set(err, RC_UNAVAILABLE, "all database connections are busy");
  *ret_db = db;
  return RC_OK;
}

void pool_give(struct pool *pool, struct db *db) {
  pthread_mutex_lock(&pool->lock);
  ASSERT(pool->idle_count < pool->count);
  pool->idle[pool->idle_count++] = db;
  pthread_cond_signal(&pool->given);
  pthread_mutex_unlock(&pool->lock);
}

static enum rc check(struct db *db, struct error *err) {
  struct tx CLEANUP(tx_release) tx = {0};
  PGresult CLEANUP(db_result_release) *strangers = NULL;
  TRY(tx_begin(db, &tx, err));
  TRY(tx_exec(&tx, &sql_strangers, NO_PARAMS, &strangers, err));
  if (row_count(strangers) == 0) return RC_OK;
  return error_field(err, RC_INVALID_SETTING, "DATABASE_URL",
                     "DATABASE_URL: the role sees tenants that it did not name");
}

enum rc pool_check(struct pool *pool, struct error *err) {
  struct db *db = NULL;
  TRY(pool_take(pool, &db, err));
  enum rc rc = check(db, err);
  pool_give(pool, db);
  return rc;
}
