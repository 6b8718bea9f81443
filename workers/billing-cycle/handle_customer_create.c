/* customer.create: a customer, with the tenant's defaults for what it does not say. */
#include "base/email.h"
#include "base/money.h"
#include "base/text.h"
#include "base/zone.h"
#include "handlers.h"
#include "sql.h"

enum { NET_TERMS_MAX_DAYS = 365 };

static enum rc check_zone(const char *name, struct error *err) {
  const struct zone *zone;
  return name ? zone_find(name, "timeZone", &zone, err) : RC_OK;
}

static enum rc check_currency(const char *code, struct error *err) {
  if (!code || currency_find(code)) return RC_OK;
  return error_field(err, RC_VALIDATION, "currency", "is not a currency of ISO 4217");
}

static void emit_created(struct work *work, const struct message *command) {
  const char *json = arena_printf(work->arena, "{\"customerId\":\"%s\",\"version\":1}", command->subject);
  emit(work, &(struct emission){.type = "customer.created",
                                .id = UUID_DERIVE("customer.created", command->subject),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = command->subject,
                                .json = json,
                                .cause = command});
}

enum rc handle_customer_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct arena *arena = work->arena;
  json_t *body = command->json;
  const char *name, *email, *phone, *locale, *zone, *currency;
  int64_t net_terms_days;
  bool tax_exempt;
  TRY(body_text(body, "name", &name, err));
  TRY(body_text(body, "email", &email, err));
  TRY(body_text(body, "phone", &phone, err));
  TRY(body_text(body, "locale", &locale, err));
  TRY(body_text(body, "timeZone", &zone, err));
  TRY(body_text(body, "currency", &currency, err));
  TRY(body_int(body, "netTermsDays", 0, NET_TERMS_MAX_DAYS, -1, &net_terms_days, err));
  TRY(body_bool(body, "taxExempt", false, &tax_exempt, err));
  if (!name || text_is_blank(name)) return error_field(err, RC_VALIDATION, "name", "is required, and not blank");
  if (!email) return error_field(err, RC_VALIDATION, "email", "is required");
  TRY(email_check(email, "email", err));
  TRY(check_zone(zone, err));
  TRY(check_currency(currency, err));

  const char *tenant = db_uuid(arena, &command->tenant);
  TRY(tx_exec(work->tx, &sql_customer_insert,
              PARAMS(tenant, command->subject, name, email, phone, body_json(arena, body, "address"),
                     body_json(arena, body, "billingAddress"), body_json(arena, body, "preferences"), locale, zone,
                     currency, body_json(arena, body, "taxIds"), db_bool(tax_exempt),
                     net_terms_days < 0 ? NULL : db_int(arena, net_terms_days), body_json(arena, body, "metadata"),
                     db_utime(arena, work->now)),
              NULL, err));
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_customer_resource, PARAMS(tenant, command->subject), &resource, err));
  reply(work, command, 201, "customer", command->subject, row_text(resource, 0, 0));
  emit_created(work, command);
  return RC_OK;
}
