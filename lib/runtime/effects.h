/* What one unit of work will say to the world: messages, outcomes, dead letters. Collected while handlers run, written
 * in the same transaction by effects_write, published and announced after its commit by effects_publish. Lives in the
 * work's arena. Internal to lib/runtime. */
#ifndef RUNTIME_EFFECTS_H
#define RUNTIME_EFFECTS_H

#include "runtime/process.h"

/* The outcome of a command that somebody waits for. */
struct outcome {
  struct uuid tenant, command_id;
  const char *type, *caller, *body_hash, *reply_to, *request_id, *address; /* of the command */
  bool is_completion;                                                      /* of a command that was deferred before */
  const char *status;                                                      /* pending, succeeded, failed */
  int http_status;
  const char *resource_type, *resource_id, *resource_json;
  const char *error_code, *error_text, *error_field, *error_details;
};

struct effects {
  struct arena *arena;
  struct outgoing *messages;
  size_t message_count, message_capacity;
  const char *type, *topic, *source, *dataschema; /* of the last one: mostly the next one has the same */
  struct outcome *outcomes;
  size_t outcome_count, outcome_capacity;
  struct announcement *announcements; /* known once written */
  size_t announcement_count;
  struct shipment **shipments;
  size_t shipment_count;
};

struct effects *effects_new(struct arena *arena);
MUST_CHECK enum rc effects_write(struct work *work, struct error *err);
/* After COMMIT. Failure to publish is no failure: the rows are there, and the sweeper comes by. */
void effects_publish(struct work *work);
void effects_forget(struct work *work); /* the transaction did not commit */

/* A message that cannot be processed: its row, and its copy in <topic>.dlq. The error says why. */
MUST_CHECK enum rc effects_bury(struct work *work, const struct message *message, const struct error *why, int attempts,
                                struct utime first_failure, struct error *err);

extern const struct statement *const runtime_sql_statements[];

#endif
