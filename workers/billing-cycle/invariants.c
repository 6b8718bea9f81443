/* BILL-065: what must never be is looked for, and counted. The views say what; they must be empty. */
#include "base/log.h"
#include "handlers.h"
#include "sql.h"

enum rc invariants_step(struct work *work, bool *ret_busy, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  *ret_busy = false;
  TRY(tx_exec(work->tx, &sql_invariants_count, NO_PARAMS, &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    const char *name = row_text(rows, r, 0);
    int64_t count = row_int(rows, r, 1);
    metric_set("invariant_violations", arena_printf(work->arena, "invariant=\"%s\"", name), count);
    if (count > 0) LOG(LOG_ERROR, "invariant.violated", LOG_TEXT("invariant", name), LOG_INT("rows", count));
  }
  return RC_OK;
}
