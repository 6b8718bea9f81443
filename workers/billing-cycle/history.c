/* See history.h. */
#include "history.h"

#include <string.h>

#include "bus/topics.h"
#include "db/columns.h"
#include "sql.h"

/* A renewal by time is told by its invoice; a run has as many of them as invoices. */
static bool is_kept(const struct outgoing *message) {
  return message->topic == topic_name(TOPIC_SUBSCRIPTION_EVENTS) &&
         (message->headers[HEADER_ACTOR] || strcmp(message->headers[HEADER_TYPE], "subscription.renewed") != 0);
}

enum rc history_keep(struct work *work, const struct outgoing *messages, size_t count, struct error *err) {
  enum { COLUMNS = 7 };
  static const enum header headers[] = {HEADER_TENANT, HEADER_ID,   HEADER_SUBJECT,
                                        HEADER_TIME,   HEADER_TYPE, HEADER_ACTOR};
  struct db_array *columns[COLUMNS];
  const char *params[COLUMNS];
  db_arrays_new(work->arena, columns, COLUMNS);
  for (size_t i = 0; i < count; i++) {
    if (!is_kept(&messages[i])) continue;
    for (int c = 0; c < COLUMNS - 1; c++) db_array_text(columns[c], messages[i].headers[headers[c]]);
    db_array_text(columns[COLUMNS - 1], messages[i].value);
  }
  if (db_array_count(columns[0]) == 0) return RC_OK;
  db_arrays_literals(columns, COLUMNS, params);
  return tx_exec(work->tx, &sql_subscription_history_insert, params, COLUMNS, NULL, err);
}
