/* payment-method.create: the row first, the gateway after it. The command's answer is deferred until setup.c knows what
 * the gateway says of the token. */
#include "handlers.h"
#include "sql.h"
#include "token.h"

struct wanted {
  struct uuid id, customer;
  const char *token;
  bool is_default;
};

static enum rc decode(const struct message *message, struct wanted *ret_wanted, struct error *err) {
  bool has_customer;
  if (!uuid_parse(message->subject, &ret_wanted->id))
    return error_set(err, RC_BAD_MESSAGE, "the subject is not the new payment method's id");
  TRY(body_uuid(message->json, "customerId", &ret_wanted->customer, &has_customer, err));
  TRY(body_text(message->json, "token", &ret_wanted->token, err));
  TRY(body_bool(message->json, "setDefault", false, &ret_wanted->is_default, err));
  if (!has_customer) return error_field(err, RC_VALIDATION, "customerId", "is needed");
  if (!ret_wanted->token) return error_field(err, RC_VALIDATION, "token", "is needed");
  return token_check(ret_wanted->token, err);
}

static enum rc check_customer(struct work *work, const struct message *message, const struct wanted *wanted,
                              struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_customer_find,
              PARAMS(db_uuid(work->arena, &message->tenant), db_uuid(work->arena, &wanted->customer)), &rows, err));
  if (row_count(rows) == 0) return error_field(err, RC_NOT_FOUND, "customerId", "there is no such customer");
  return RC_OK;
}

enum rc handle_payment_method_create(struct work *work, struct message *const *messages, size_t count,
                                     struct error *err) {
  const struct message *message = messages[0];
  struct arena *arena = work->arena;
  struct wanted wanted;
  (void)count;
  TRY(decode(message, &wanted, err));
  TRY(check_customer(work, message, &wanted, err));
  TRY(tx_exec(work->tx, &sql_method_insert,
              PARAMS(db_uuid(arena, &message->tenant), db_uuid(arena, &wanted.id), db_uuid(arena, &wanted.customer),
                     wanted.token, db_bool(wanted.is_default), db_uuid(arena, &message->id), db_utime(arena, work->now),
                     db_utime(arena, work->real_now)),
              NULL, err));
  defer(work, message);
  return RC_OK;
}
