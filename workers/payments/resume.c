/* A dead letter outlives its payment's failure by no more than this: whoever looks at the dead letters sees what is
 * still dead. One that was replayed is left as it is. */
#include "resume.h"

#include "base/assert.h"
#include "base/json_text.h"
#include "decision.h"
#include "rows.h"
#include "sql.h"

enum { EVENT_BYTES_MAX = 512 };

static void emit_dropped(struct work *work, const struct uuid *tenant, const char *letter, int64_t version) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  buf_init(&text, EVENT_BYTES_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "deadLetterId", letter);
  json_put_int(&json, "version", version);
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  emit(work, &(struct emission){.type = "dead-letter.dropped",
                                .id = UUID_DERIVE("dead-letter.dropped", letter),
                                .tenant = *tenant,
                                .subject = letter,
                                .key = letter,
                                .json = buf_text(&text)});
}

enum rc payments_drop_letters(struct work *work, const struct situation *situations, size_t count, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *letters = db_array_new(work->arena);
  PGresult CLEANUP(db_result_release) *dropped = NULL;
  for (size_t i = 0; i < count; i++) {
    if (uuid_is_nil(&situations[i].payment.dead_letter)) continue;
    db_array_uuid(tenants, &situations[i].payment.tenant);
    db_array_uuid(letters, &situations[i].payment.dead_letter);
  }
  if (db_array_count(letters) == 0) return RC_OK;
  TRY(tx_exec(work->tx, &sql_dead_letters_drop,
              PARAMS(db_array_literal(tenants), db_array_literal(letters), db_utime(work->arena, work->now)), &dropped,
              err));
  for (int row = 0; row < row_count(dropped); row++) {
    struct uuid tenant = row_uuid(dropped, row, 0);
    emit_dropped(work, &tenant, row_text(dropped, row, 1), row_int(dropped, row, 2));
  }
  return RC_OK;
}

static bool may_resume(const struct situation *situation, bool on_word) {
  if (!situation->is_collectable) return false;
  return on_word ? may_restart(&situation->payment) : is_waiting(&situation->payment) && !situation->is_given_up;
}

enum rc payments_resume(struct work *work, struct situation *situations, size_t count, bool on_word,
                        struct error *err) {
  struct situation *resumed = ARENA_ARRAY(work->arena, struct situation, count);
  struct situation *before = ARENA_ARRAY(work->arena, struct situation, count);
  size_t resumed_count = 0;
  for (size_t i = 0; i < count; i++) {
    if (!may_resume(&situations[i], on_word)) continue;
    before[resumed_count] = situations[i];
    restart(&situations[i].payment, work->now);
    resumed[resumed_count++] = situations[i];
  }
  TRY(payments_save(work, resumed, resumed_count, err));
  return payments_drop_letters(work, before, resumed_count, err);
}
