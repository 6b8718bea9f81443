/* What a thread does while PostgreSQL works (db_while_waiting, tx_send): as much as there is time for, once each; and
 * whatever becomes of the statement is told by tx_receive. */
#include <criterion/criterion.h>

#include "db/db.h"
#include "harness/harness.h"

enum { STEPS = 3 };

static const struct statement slow = {"slow", "SELECT 'done' FROM pg_sleep(0.3)"}, bad = {"bad", "SELECT 1 / 0"};
static const struct statement *const list[] = {&slow, &bad, NULL}, *const *const lists[] = {list, NULL};

static struct tx begin(void) {
  struct db *db = db_new(&(struct db_options){
      .url = setting("WORKER_DATABASE_URL"), .application_name = "test-contract", .statements = lists});
  struct tx tx = {0};
  struct error err;
  cr_assert_eq(tx_begin(db, &tx, &err), RC_OK, "%s", err.text);
  return tx;
}

static void end(struct tx *tx) {
  tx_release(tx);
  db_free(tx->db);
}

static bool step(void *context) {
  int *steps = context;
  ++*steps;
  return *steps < STEPS;
}

Test(meanwhile, work_is_done_until_there_is_none) {
  struct tx tx = begin();
  struct error err;
  int steps = 0;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  db_while_waiting(tx.db, step, &steps);
  cr_assert_eq(tx_exec(&tx, &slow, NO_PARAMS, &rows, &err), RC_OK, "%s", err.text);
  cr_expect_str_eq(row_text(rows, 0, 0), "done");
  cr_expect_eq(steps, STEPS);
  end(&tx);
}

Test(meanwhile, a_statement_that_was_sent_is_answered_later) {
  struct tx tx = begin();
  struct error err;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  cr_assert_eq(tx_send(&tx, &slow, NO_PARAMS, &err), RC_OK, "%s", err.text);
  cr_assert_eq(tx_receive(&tx, &rows, &err), RC_OK, "%s", err.text);
  cr_expect_str_eq(row_text(rows, 0, 0), "done");
  cr_assert_eq(tx_commit(&tx, &err), RC_OK, "%s", err.text);
  end(&tx);
}

Test(meanwhile, what_went_wrong_is_told_with_the_answer) {
  struct tx tx = begin();
  struct error err;
  cr_assert_eq(tx_send(&tx, &bad, NO_PARAMS, &err), RC_OK, "%s", err.text);
  cr_expect_eq(tx_receive(&tx, NULL, &err), RC_INVARIANT);
  end(&tx);
}

Test(meanwhile, a_transaction_may_end_before_its_answer_came) {
  struct tx tx = begin();
  struct error err;
  cr_assert_eq(tx_send(&tx, &bad, NO_PARAMS, &err), RC_OK, "%s", err.text);
  tx_release(&tx);
  cr_assert_eq(tx_begin(tx.db, &tx, &err), RC_OK, "%s", err.text);
  cr_expect_eq(tx_exec(&tx, &slow, NO_PARAMS, NULL, &err), RC_OK, "%s", err.text);
  end(&tx);
}
