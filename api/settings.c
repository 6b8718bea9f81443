/* A tenant's settings are rows of `tenants` and `billing_schedules`, written here and now, with an audit row in the
 * same transaction. They are read when something is made: what is made already keeps what it was made with (an invoice
 * its rounding, a draft its time, a customer its zone, currency and net terms).
 *
 * What a setting may be is in schemas/requests/settings.update.json; here is what no schema knows. A zone must be known
 * here and to PostgreSQL, which computes when runs are due. */
#include "settings.h"

#include <string.h>

#include "auth.h"
#include "base/assert.h"
#include "base/email.h"
#include "base/money.h"
#include "base/text.h"
#include "base/zone.h"
#include "bus/message.h"
#include "etag.h"
#include "idempotency.h"
#include "sql.h"

static const char TYPE[] = "settings.update";

/* -- what no schema knows -- */

static enum rc check_zone(const char *text, const char *path, struct error *err) {
  const struct zone *zone;
  return zone_find(text, path, &zone, err);
}

static enum rc check_currency(const char *text, const char *path, struct error *err) {
  return currency_find(text) ? RC_OK
                             : error_field(err, RC_VALIDATION, path, "must be a currency of ISO 4217, like EUR");
}

static enum rc check_seen(const char *text, const char *path, struct error *err) {
  return text_is_blank(text) ? error_field(err, RC_VALIDATION, path, "must not be blank") : RC_OK;
}

static const struct {
  const char *object, *member;
  enum rc (*check)(const char *text, const char *path, struct error *err);
} TEXTS[] = {
    {NULL, "timeZone", check_zone},
    {NULL, "currency", check_currency},
    {"seller", "name", check_seen},
    {"seller", "email", email_check},
    {"seller", "phone", check_seen},
    {"seller", "website", check_seen},
    {"seller", "bankDetails", check_seen},
    {"seller", "footer", check_seen},
    {"seller", "registrationNumber", check_seen},
};

/* A schema takes 1e2 for an integer. */
static const struct {
  const char *object, *member;
} NUMBERS[] = {{NULL, "draftHours"}, {NULL, "netTermsDays"}, {"billingSchedule", "hourOfDay"}};

static json_t *find(json_t *body, const char *object, const char *member, char path[static ERROR_FIELD_MAX],
                    json_t **ret_parent) {
  *ret_parent = object ? json_object_get(body, object) : body;
  (void)snprintf(path, ERROR_FIELD_MAX, "%s%s%s", object ? object : "", object ? "." : "", member);
  return json_object_get(*ret_parent, member);
}

/* All faults, not only the first. */
static enum rc check_meaning(struct request *request, json_t *body, struct error *err) {
  struct faults faults = {.request = request};
  char path[ERROR_FIELD_MAX];
  json_t *parent;
  struct error why;
  int64_t ignored;
  for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
    const char *text = json_string_value(find(body, TEXTS[i].object, TEXTS[i].member, path, &parent));
    if (text && TEXTS[i].check(text, path, &why) != RC_OK) fault_add(&faults, path, "%s", why.text);
  }
  for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
    (void)find(body, NUMBERS[i].object, NUMBERS[i].member, path, &parent);
    if (body_int(parent, NUMBERS[i].member, 0, INT32_MAX, 0, &ignored, &why) != RC_OK)
      fault_add(&faults, path, "%s", why.text);
  }
  return faults_end(&faults, err);
}

/* -- the change -- */

static const char *text_or_null(json_t *body, const char *member) {
  return json_string_value(json_object_get(body, member));
}

/* Columns of settings_lock.sql. A series numbers invoices or credit notes, never both: each has no gaps. */
static enum rc check_lock(const PGresult *row, struct error *err) {
  if (!row_bool(row, 0, 3)) return error_field(err, RC_VALIDATION, "timeZone", "is not known to the database");
  if (!row_bool(row, 0, 0)) return error_set(err, RC_PRECONDITION_FAILED, NULL);
  if (row_bool(row, 0, 1)) return error_field(err, RC_CONFLICT, "invoiceSeries", "it numbers credit notes");
  if (row_bool(row, 0, 2)) return error_field(err, RC_CONFLICT, "creditNoteSeries", "it numbers invoices");
  return RC_OK;
}

static enum rc change(struct request *request, json_t *body, const struct identity *identity, struct outcome *outcome,
                      struct error *err) {
  struct arena *arena = request->arena;
  const struct uuid *tenant = &request->caller.tenant;
  PGresult CLEANUP(db_result_release) *shown = NULL;
  json_auto_t *holder = json_pack("{s:O}", "patch", body);
  TRY(tx_exec(&request->tx, &sql_settings_update,
              PARAMS(body_json(arena, holder, "patch"), db_utime(arena, request->now)), NULL, err));
  TRY(audit(request, tenant, caller_actor(request), TYPE, true, "settings", db_uuid(arena, tenant), err));
  TRY(tx_exec(&request->tx, &sql_settings_get, NO_PARAMS, &shown, err));
  ASSERT(row_count(shown) == 1);
  *outcome = (struct outcome){.http_status = 200, .result = arena_strdup(arena, row_text(shown, 0, 0))};
  return outcome_store(request, identity, TYPE, 200, outcome->result, err);
}

/* The settings are locked first: of two requests with one key, the second finds what became of the first. */
static enum rc change_once(struct request *request, json_t *body, const char *versions, struct outcome *outcome,
                           struct error *err) {
  struct identity identity;
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(identity_read(request, versions, &identity, err));
  TRY(tx_exec(&request->tx, &sql_settings_lock,
              PARAMS(versions, text_or_null(body, "invoiceSeries"), text_or_null(body, "creditNoteSeries"),
                     text_or_null(body, "timeZone")),
              &row, err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, NULL);
  if (identity.is_keyed) TRY(outcome_find(request, &identity, outcome, err));
  if (outcome->is_found) return RC_OK;
  TRY(check_lock(row, err));
  return change(request, body, &identity, outcome, err);
}

enum rc settings_handle(struct request *request, struct response *response, struct error *err) {
  json_auto_t *body = NULL, *result = NULL;
  const char *versions = NULL;
  struct outcome outcome = {0};
  TRY(request_parse_body(request, &body, err));
  TRY(request_check_schema(request, TYPE, err));
  TRY(check_meaning(request, body, err));
  TRY(request_read_if_match(request, &versions, err));
  TRY(change_once(request, body, versions, &outcome, err));
  TRY(request_commit(request, err));
  result = json_loads(outcome.result, 0, NULL);
  response_header(
      response, "ETag",
      etag_of(request->arena, db_int(request->arena, json_integer_value(json_object_get(result, "version")))));
  response_data(response, outcome.http_status, outcome.result, NULL);
  return RC_OK;
}
