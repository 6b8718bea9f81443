/* subscription.withdraw-change: a change that waits for the end of the period is taken back (BILL-052). A migration to
 * another version of a plan that was to be done with it is somebody else's wish, and goes on to wait (BILL-035); one
 * that waits alone is taken back by its own id. */
#include "handlers.h"
#include "scheduled.h"
#include "sql.h"
#include "standing.h"

static void emit_withdrawn(struct work *work, const struct standing *standing, const char *change_id,
                           const char *remaining_id) {
  char time[UTIME_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  standing_event_begin(standing, &text, &json);
  json_put_string(&json, "changeId", change_id);
  json_put_string(&json, "remainingChangeId", remaining_id);
  json_put_string(&json, "at", utime_format(work->now, time));
  standing_event_end(work, standing, "subscription.change_withdrawn", &text, &json);
}

/* 404 for one that never was; 409 for one that was resolved otherwise. */
static enum rc find(struct work *work, const struct standing *standing, const char *change_id, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_scheduled_change_find, PARAMS(standing->tenant, change_id, standing->command->subject),
              &row, err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no scheduled change %s", change_id);
  if (!row_bool(row, 0, 0)) return error_set(err, RC_CONFLICT, "the change is %s already", row_text(row, 0, 1));
  if (standing->s.applied) return error_set(err, RC_CONFLICT, "the change has come to its boundary already");
  if (standing->s.ends) return error_set(err, RC_CONFLICT, "the subscription has ended before its boundary");
  return RC_OK;
}

enum rc handle_subscription_withdraw_change(struct work *work, struct message *const *messages, size_t count,
                                            struct error *err) {
  (void)count;
  struct standing standing;
  struct uuid id;
  bool present;
  char change_id[UUID_TEXT_MAX];
  TRY(body_uuid(messages[0]->json, "changeId", &id, &present, err));
  if (!present) return error_field(err, RC_VALIDATION, "changeId", "is required");
  uuid_format(&id, change_id);
  TRY(standing_load(work, messages[0], &standing, err));
  TRY(find(work, &standing, change_id, err));
  standing.s.version++;

  struct uuid remaining =
      UUID_DERIVE("remaining-change", messages[0]->subject, db_int(work->arena, standing.s.version));
  PGresult CLEANUP(db_result_release) *goes_on = NULL;
  TRY(tx_exec(work->tx, &sql_scheduled_change_withdraw,
              PARAMS(standing.tenant, change_id, messages[0]->subject, db_uuid(work->arena, &remaining),
                     db_utime(work->arena, work->now)),
              &goes_on, err));
  TRY(standing_store(work, &standing, err));
  TRY(standing_finish(work, &standing, err));
  emit_withdrawn(work, &standing, change_id, row_count(goes_on) > 0 ? row_text(goes_on, 0, 0) : NULL);
  return RC_OK;
}
