/* customer.create: a customer, with the tenant's defaults for what it does not say. */
#include "customer.h"
#include "handlers.h"
#include "sql.h"

/* From here on the work is done at that clock's time. */
static enum rc live_on_clock(struct work *work, const struct message *command, const char **ret_clock,
                             struct error *err) {
  struct clock clock = {.tenant = command->tenant};
  bool is_given;
  TRY(body_uuid(command->json, "testClockId", &clock.id, &is_given, err));
  TRY(body_text(command->json, "testClockId", ret_clock, err));
  if (!is_given) return RC_OK;
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_test_clock_live, PARAMS(db_uuid(work->arena, &command->tenant), *ret_clock), &row, err));
  if (row_count(row) == 0)
    return error_field(err, RC_NOT_FOUND, "testClockId", "there is no test clock %s", *ret_clock);
  clock.now = row_utime(row, 0, 0);
  work_at(work, &clock);
  return RC_OK;
}

enum rc handle_customer_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct arena *arena = work->arena;
  json_t *body = command->json;
  const char *name, *email, *phone, *locale, *zone, *currency, *clock;
  int64_t net_terms_days;
  bool tax_exempt;
  TRY(customer_check_whole(body, err));
  TRY(body_text(body, "name", &name, err));
  TRY(body_text(body, "email", &email, err));
  TRY(body_text(body, "phone", &phone, err));
  TRY(body_text(body, "locale", &locale, err));
  TRY(body_text(body, "timeZone", &zone, err));
  TRY(body_text(body, "currency", &currency, err));
  TRY(body_int(body, "netTermsDays", 0, INT16_MAX, -1, &net_terms_days, err));
  TRY(body_bool(body, "taxExempt", false, &tax_exempt, err));
  TRY(live_on_clock(work, command, &clock, err));

  const char *tenant = db_uuid(arena, &command->tenant);
  TRY(tx_exec(work->tx, &sql_customer_insert,
              PARAMS(tenant, command->subject, name, email, phone, body_json(arena, body, "address"),
                     body_json(arena, body, "billingAddress"), body_json(arena, body, "preferences"), locale, zone,
                     currency, body_json(arena, body, "taxIds"), db_bool(tax_exempt),
                     net_terms_days < 0 ? NULL : db_int(arena, net_terms_days), body_json(arena, body, "metadata"),
                     db_utime(arena, work->now), clock),
              NULL, err));
  TRY(customer_reply(work, command, 201, err));
  customer_emit(work, command, "customer.created", 1, NULL);
  return RC_OK;
}
