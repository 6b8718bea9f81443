/* Drafts whose time has come (BILL-071), of all tenants, many in one transaction. One that cannot be finalised holds up
 * nobody: what the computation or the database refuses is tried again draft by draft, each with those that it needs.
 * Those at fault are set aside with the reason, which the draft shows, for longer each time. What is nobody's fault is
 * tried again by the loop. */
#include "base/log.h"
#include "draft.h"
#include "handlers.h"
#include "sql.h"

enum { DRAFTS_MAX = 200, SET_ASIDE_FIRST_S = 60 };

/* They outlive the transaction. */
struct due {
  struct draft_ref drafts[DRAFTS_MAX];
  size_t count;
};

static enum rc claim(struct work *work, struct due *due, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(
      work->tx, &sql_drafts_claim,
      PARAMS(db_utime(work->arena, work->now), db_int(work->arena, DRAFTS_MAX), db_uuid(work->arena, &work->clock)),
      &rows, err));
  due->count = (size_t)row_count(rows);
  for (int r = 0; r < row_count(rows); r++)
    due->drafts[r] = (struct draft_ref){.tenant = row_uuid(rows, r, 0), .id = row_uuid(rows, r, 1)};
  return RC_OK;
}

/* It waits for no draft, for it holds some: one that needs an invoice that others hold is left for later. */
static enum rc finalise(struct work *work, struct draft_ref *drafts, size_t count, bool *ret_any, struct error *err) {
  TRY(drafts_hold_free(work, &drafts, &count, err));
  TRY(drafts_finalise(work, drafts, count, NULL, err));
  TRY(work_commit(work, err));
  *ret_any = count > 0;
  return RC_OK;
}

/* For customers of the same clock. */
static enum rc begin_again(struct work *work, struct error *err) {
  const struct clock clock = {.id = work->clock, .now = work->now};
  work_rollback(work);
  TRY(work_begin(work, err));
  work_at(work, &clock);
  return RC_OK;
}

static bool is_about_a_draft(enum rc rc) {
  enum verdict verdict = error_verdict(rc);
  return verdict == VERDICT_REJECT || verdict == VERDICT_POISON;
}

static enum rc set_aside(struct work *work, const struct draft_ref *draft, const struct error *why, struct error *err) {
  char id[UUID_TEXT_MAX];
  LOG(LOG_ERROR, "draft.set_aside", LOG_TEXT("invoice", uuid_format(&draft->id, id)),
      LOG_TEXT("code", error_name(why->code)), LOG_TEXT("text", why->text));
  metric_add("drafts_set_aside_total", "", 1);
  TRY(begin_again(work, err));
  TRY(tx_exec(work->tx, &sql_draft_set_aside,
              PARAMS(db_uuid(work->arena, &draft->tenant), id, error_name(why->code), why->text,
                     db_utime(work->arena, work->now), db_int(work->arena, SET_ASIDE_FIRST_S)),
              NULL, err));
  return work_commit(work, err);
}

static enum rc finalise_each(struct work *work, struct due *due, struct error *err) {
  for (size_t i = 0; i < due->count && !work_is_stopping(work); i++) {
    struct error why;
    bool any;
    TRY(begin_again(work, err));
    enum rc rc = finalise(work, &due->drafts[i], 1, &any, &why);
    if (is_about_a_draft(rc)) rc = set_aside(work, &due->drafts[i], &why, &why);
    if (rc == RC_OK) continue;
    *err = why;
    return rc;
  }
  return RC_OK;
}

enum rc task_finalise(struct work *work, bool *ret_busy, struct error *err) {
  struct due due;
  struct error why;
  bool any = true;
  TRY(claim(work, &due, err));
  if (due.count == 0) return RC_OK;
  enum rc rc = finalise(work, due.drafts, due.count, &any, &why);
  if (rc != RC_OK) work_rollback(work); /* at once: drafts are taken away before they are stored again */
  if (rc != RC_OK && !is_about_a_draft(rc)) {
    *err = why;
    return rc;
  }
  if (rc != RC_OK) TRY(finalise_each(work, &due, err));
  *ret_busy = any && due.count == DRAFTS_MAX;
  return RC_OK;
}
