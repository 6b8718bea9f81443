/* How a test clock gets from where it stands to where it was sent: from one due time of its customers to the next. At
 * each stop it waits until what fell due there is at rest: billed, invoiced, charged, and every message about it read
 * by everybody whom it concerns. What is due is listed by the view test_clock_due, and done by the workers that do it
 * in real time; only its billing runs are begun here, as the scheduler begins those of real time.
 *
 * The clock's row is locked for each move, so that any number of processes may look after any number of clocks. */
#include <string.h>

#include "base/log.h"
#include "handlers.h"
#include "run.h"
#include "sql.h"

enum { CLOCKS_A_ROUND = 64, WAIT_FIRST_MS = 2, WAIT_MAX_MS = 64 };

struct journey {
  struct clock clock;
  struct utime target;
};

struct standing {
  bool is_moving; /* something that it caused is not at rest */
  bool is_due;    /* something is to be billed where it stands */
  bool has_next;
  struct utime next;
};

static enum rc lock_next(struct work *work, const struct uuid *after, bool *ret_found, struct journey *ret_journey,
                         struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_test_clock_next, PARAMS(db_uuid(work->arena, after)), &row, err));
  *ret_found = row_count(row) == 1;
  if (!*ret_found) return RC_OK;
  ret_journey->clock =
      (struct clock){.tenant = row_uuid(row, 0, 0), .id = row_uuid(row, 0, 1), .now = row_utime(row, 0, 2)};
  ret_journey->target = row_utime(row, 0, 3);
  return RC_OK;
}

static enum rc look_around(struct work *work, const struct clock *clock, struct standing *ret_standing,
                           struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_test_clock_state,
              PARAMS(db_uuid(work->arena, &clock->tenant), db_uuid(work->arena, &clock->id),
                     db_utime(work->arena, clock->now), "billing-run"),
              &row, err));
  *ret_standing = (struct standing){
      .is_moving = row_bool(row, 0, 0), .is_due = row_bool(row, 0, 1), .has_next = !row_is_null(row, 0, 2)};
  if (ret_standing->has_next) ret_standing->next = row_utime(row, 0, 2);
  return RC_OK;
}

static enum rc move(struct work *work, struct clock *clock, struct utime to, bool arrives, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  const char *id = db_uuid(work->arena, &clock->id);
  TRY(tx_exec(work->tx, &sql_test_clock_move,
              PARAMS(db_uuid(work->arena, &clock->tenant), id, db_utime(work->arena, to), db_bool(arrives),
                     db_utime(work->arena, work->real_now)),
              &row, err));
  clock->now = to;
  work_at(work, clock);
  if (!arrives) return RC_OK;
  work_at(work, NULL); /* nobody waits for this */
  test_clock_emit(work, &clock->tenant, "test-clock.advanced", id, &to, row_int(row, 0, 0), NULL);
  return RC_OK;
}

/* In the transaction that holds the clock. *ret_moved: there may be more to do at once. */
static enum rc go_on(struct work *work, struct journey *journey, bool bills_at_once, bool *ret_moved,
                     struct error *err) {
  struct clock *clock = &journey->clock;
  struct standing standing;
  work_at(work, clock);
  TRY(look_around(work, clock, &standing, err));
  *ret_moved = !standing.is_moving;
  if (standing.is_moving) return RC_OK;
  TRY(runs_finish_on_clock(work, clock, err));
  if (standing.is_due) return run_on_clock(work, clock, bills_at_once, err);
  if (!standing.has_next || standing.next.us > journey->target.us) return move(work, clock, journey->target, true, err);
  TRY(move(work, clock, standing.next, false, err));
  TRY(look_around(work, clock, &standing, err));
  return standing.is_due ? run_on_clock(work, clock, bills_at_once, err) : RC_OK;
}

static enum rc visit(struct work *work, struct uuid *last, bool bills_at_once, bool *ret_found, bool *ret_moved,
                     struct error *err) {
  struct journey journey;
  TRY(work_begin(work, err));
  TRY(lock_next(work, last, ret_found, &journey, err));
  if (!*ret_found) return RC_OK;
  *last = journey.clock.id;
  TRY(go_on(work, &journey, bills_at_once, ret_moved, err));
  return work_commit(work, err);
}

/* A stop whose billing fails is tried again without: the run is only begun, and the billing-run task finds out who is
 * at fault. A clock that cannot go on at all keeps no other one. */
static enum rc visit_next(struct work *work, struct uuid *last, bool *ret_found, bool *ret_moved, struct error *err) {
  struct uuid before = *last;
  enum rc rc = visit(work, last, true, ret_found, ret_moved, err);
  work_rollback(work);
  if (rc == RC_OK || error_verdict(rc) == VERDICT_RETRY) return rc;
  *last = before;
  rc = visit(work, last, false, ret_found, ret_moved, err);
  work_rollback(work);
  if (rc == RC_OK || error_verdict(rc) == VERDICT_RETRY) return rc;
  LOG(LOG_ERROR, "test_clock.failed", LOG_TEXT("code", error_name(rc)), LOG_TEXT("text", err->text));
  *ret_moved = false;
  return RC_OK;
}

/* Clocks that wait are looked at again soon at first, then less often. */
enum rc test_clock_step(struct work *work, bool *ret_busy, struct error *err) {
  static int64_t wait_ms = WAIT_FIRST_MS; /* the task is one thread */
  struct uuid last = UUID_NIL;
  bool found = true, any = false;
  for (int i = 0; found && i < CLOCKS_A_ROUND; i++) {
    bool moved = false;
    TRY(visit_next(work, &last, &found, &moved, err));
    any = any || found;
    *ret_busy = *ret_busy || moved;
  }
  if (*ret_busy || !any) {
    wait_ms = WAIT_FIRST_MS;
    return RC_OK;
  }
  sleep_ms(wait_ms);
  wait_ms = wait_ms * 2 > WAIT_MAX_MS ? WAIT_MAX_MS : wait_ms * 2;
  *ret_busy = true;
  return RC_OK;
}
