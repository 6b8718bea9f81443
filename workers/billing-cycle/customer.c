/* A customer's members are checked by a table, so that create, update and replace cannot differ. */
#include "customer.h"

#include "base/email.h"
#include "base/money.h"
#include "base/text.h"
#include "base/zone.h"
#include "sql.h"

enum { NET_TERMS_MAX_DAYS = 365 };

typedef enum rc member_check(json_t *body, const char *field, struct error *err);

static enum rc check_text(json_t *body, const char *field, struct error *err) {
  const char *text;
  return body_text(body, field, &text, err);
}

static enum rc check_name(json_t *body, const char *field, struct error *err) {
  const char *text;
  TRY(body_text(body, field, &text, err));
  if (!text || text_is_blank(text)) return error_field(err, RC_VALIDATION, field, "is required, and not blank");
  return RC_OK;
}

static enum rc check_email(json_t *body, const char *field, struct error *err) {
  const char *text;
  TRY(body_text(body, field, &text, err));
  if (!text) return error_field(err, RC_VALIDATION, field, "is required");
  return email_check(text, field, err);
}

static enum rc check_zone(json_t *body, const char *field, struct error *err) {
  const struct zone *zone;
  const char *text;
  TRY(body_text(body, field, &text, err));
  return text ? zone_find(text, field, &zone, err) : RC_OK;
}

static enum rc check_currency(json_t *body, const char *field, struct error *err) {
  const char *code;
  TRY(body_text(body, field, &code, err));
  if (!code || currency_find(code)) return RC_OK;
  return error_field(err, RC_VALIDATION, field, "is not a currency of ISO 4217");
}

static enum rc check_net_terms(json_t *body, const char *field, struct error *err) {
  int64_t days;
  return body_int(body, field, 0, NET_TERMS_MAX_DAYS, 0, &days, err);
}

static enum rc check_flag(json_t *body, const char *field, struct error *err) {
  bool flag;
  return body_bool(body, field, false, &flag, err);
}

static enum rc check_object(json_t *body, const char *field, struct error *err) {
  const json_t *member = json_object_get(body, field);
  if (!member || json_is_null(member) || json_is_object(member)) return RC_OK;
  return error_field(err, RC_VALIDATION, field, "must be an object");
}

static enum rc check_list(json_t *body, const char *field, struct error *err) {
  const json_t *member = json_object_get(body, field);
  if (!member || json_is_null(member) || json_is_array(member)) return RC_OK;
  return error_field(err, RC_VALIDATION, field, "must be a list");
}

static const struct member {
  const char *name;
  member_check *check;
  bool is_needed;
} members[] = {
    {"name", check_name, true},
    {"email", check_email, true},
    {"phone", check_text, false},
    {"address", check_object, false},
    {"billingAddress", check_object, false},
    {"preferences", check_object, false},
    {"locale", check_text, false},
    {"timeZone", check_zone, false},
    {"currency", check_currency, false},
    {"taxIds", check_list, false},
    {"taxExempt", check_flag, false},
    {"netTermsDays", check_net_terms, false},
    {"metadata", check_object, false},
};
enum { MEMBERS = sizeof members / sizeof *members };

enum rc customer_check(json_t *body, struct error *err) {
  for (size_t i = 0; i < MEMBERS; i++)
    if (json_object_get(body, members[i].name)) TRY(members[i].check(body, members[i].name, err));
  return RC_OK;
}

enum rc customer_check_whole(json_t *body, struct error *err) {
  for (size_t i = 0; i < MEMBERS; i++)
    if (members[i].is_needed || json_object_get(body, members[i].name))
      TRY(members[i].check(body, members[i].name, err));
  return RC_OK;
}

json_t *customer_blank(void) {
  json_t *blank = json_object();
  for (size_t i = 0; i < MEMBERS; i++) json_object_set_new(blank, members[i].name, json_null());
  return blank;
}

enum rc customer_take(struct work *work, const struct message *command, struct customer *ret_customer,
                      struct error *err) {
  const char *tenant = db_uuid(work->arena, &command->tenant);
  PGresult CLEANUP(db_result_release) *row = NULL, CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_customer_lock, PARAMS(tenant, command->subject), &row, err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no customer %s", command->subject);
  TRY(message_expect_version(command, row_int(row, 0, 0), err));
  TRY(tx_exec(work->tx, &sql_customer_resource, PARAMS(tenant, command->subject), &resource, err));
  *ret_customer = (struct customer){.version = row_int(row, 0, 0),
                                    .is_deleted = row_bool(row, 0, 1),
                                    .has_lost_clock = row_bool(row, 0, 3),
                                    .time_zone = arena_strdup(work->arena, row_text(row, 0, 2)),
                                    .json = arena_strdup(work->arena, row_text(resource, 0, 0))};
  return RC_OK;
}

enum rc customer_expect_live(const struct message *command, const struct customer *customer, struct error *err) {
  if (!customer->is_deleted) return RC_OK;
  error_set(err, RC_ILLEGAL_TRANSITION, "the customer %s is deleted", command->subject);
  snprintf(err->details, sizeof err->details, "{\"state\":\"deleted\",\"allowed\":[\"restore\"]}");
  return RC_ILLEGAL_TRANSITION;
}

enum rc customer_reply(struct work *work, const struct message *command, int http_status, struct error *err) {
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_customer_resource, PARAMS(db_uuid(work->arena, &command->tenant), command->subject),
              &resource, err));
  reply(work, command, http_status, "customer", command->subject, row_text(resource, 0, 0));
  return RC_OK;
}

void customer_emit(struct work *work, const struct message *command, const char *type, int64_t version,
                   const char *changed) {
  struct arena *arena = work->arena;
  const char *about = changed ? arena_printf(arena, ",\"changed\":%s", changed) : "";
  const char *json =
      arena_printf(arena, "{\"customerId\":\"%s\"%s,\"version\":%lld}", command->subject, about, (long long)version);
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, command->subject, db_int(arena, version)),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = command->subject,
                                .json = json,
                                .cause = command});
}
