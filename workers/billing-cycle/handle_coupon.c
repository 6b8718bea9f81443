/* coupon.create, coupon.update, coupon.archive: what may be redeemed (BILL-040). What a coupon takes off never changes.
 */
#include <string.h>

#include "base/money.h"
#include "domain/percent.h"
#include "handlers.h"
#include "sql.h"

enum { REDEMPTIONS_MAX = 1000000000, PERIODS_MAX = 1200, PLANS_MAX = 100 };

struct terms {
  const char *code, *name, *percent, *currency, *duration, *redeem_by, *plans;
  bool is_fixed;
  int64_t amount_minor, periods, max_redemptions; /* 0: none */
};

static enum rc read_value(json_t *body, struct terms *terms, struct error *err) {
  const char *amount;
  int64_t percent_micro;
  TRY(body_decimal(body, "percentOff", &terms->percent, err));
  TRY(body_decimal(body, "amountOff", &amount, err));
  TRY(body_text(body, "currency", &terms->currency, err));
  terms->is_fixed = amount != NULL;
  if ((terms->percent != NULL) == terms->is_fixed)
    return error_field(err, RC_VALIDATION, "percentOff", "either percentOff or amountOff is required");
  if (!terms->is_fixed) {
    TRY(percent_parse(terms->percent, "percentOff", &percent_micro, err));
    return percent_micro > 0 ? RC_OK : error_field(err, RC_VALIDATION, "percentOff", "must be more than 0");
  }
  const struct currency *currency = terms->currency ? currency_find(terms->currency) : NULL;
  if (!currency) return error_field(err, RC_VALIDATION, "currency", "is not a currency of ISO 4217");
  TRY(money_parse(amount, currency, "amountOff", &terms->amount_minor, err));
  return terms->amount_minor > 0 ? RC_OK : error_field(err, RC_VALIDATION, "amountOff", "must be more than 0");
}

static enum rc read_limits(json_t *body, struct terms *terms, struct error *err) {
  struct utime ignored;
  TRY(body_int(body, "maxRedemptions", 1, REDEMPTIONS_MAX, 0, &terms->max_redemptions, err));
  TRY(body_text(body, "redeemBy", &terms->redeem_by, err));
  return terms->redeem_by ? utime_parse(terms->redeem_by, "redeemBy", &ignored, err) : RC_OK;
}

static enum rc read_terms(json_t *body, struct terms *terms, struct error *err) {
  TRY(body_text(body, "code", &terms->code, err));
  TRY(body_text(body, "name", &terms->name, err));
  TRY(body_text(body, "duration", &terms->duration, err));
  TRY(body_int(body, "durationInPeriods", 1, PERIODS_MAX, 0, &terms->periods, err));
  if (!terms->code) return error_field(err, RC_VALIDATION, "code", "is required");
  if (!terms->duration) return error_field(err, RC_VALIDATION, "duration", "is required");
  if ((strcmp(terms->duration, "repeating") == 0) != (terms->periods > 0))
    return error_field(err, RC_VALIDATION, "durationInPeriods", "goes with a repeating coupon, and only with it");
  TRY(read_value(body, terms, err));
  return read_limits(body, terms, err);
}

/* Ids and codes to ids. */
static enum rc resolve_plans(struct work *work, const struct message *command, struct terms *terms, struct error *err) {
  json_t *plans = json_object_get(command->json, "planIds");
  size_t count = json_array_size(plans);
  struct db_array *names = db_array_new(work->arena), *ids = db_array_new(work->arena);
  if (!plans || json_is_null(plans)) return RC_OK;
  if (count < 1 || count > PLANS_MAX) return error_field(err, RC_VALIDATION, "planIds", "must be 1 to %d", PLANS_MAX);
  for (size_t i = 0; i < count; i++) db_array_text(names, json_string_value(json_array_get(plans, i)));
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_plans_resolve, PARAMS(db_uuid(work->arena, &command->tenant), db_array_literal(names)),
              &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    char field[ERROR_FIELD_MAX];
    snprintf(field, sizeof field, "planIds[%d]", r);
    if (row_is_null(rows, r, 0)) return error_field(err, RC_NOT_FOUND, field, "there is no such plan");
    db_array_text(ids, row_text(rows, r, 0));
  }
  terms->plans = db_array_literal(ids);
  return RC_OK;
}

/* The answer, and the event. */
static enum rc conclude(struct work *work, const struct message *command, int status, const char *type,
                        struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_coupon_resource, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &row,
              err));
  const char *version = db_int(work->arena, row_int(row, 0, 1));
  reply(work, command, status, "coupon", command->subject, row_text(row, 0, 0));
  emit(work,
       &(struct emission){.type = type,
                          .id = UUID_DERIVE(type, command->subject, version),
                          .tenant = command->tenant,
                          .subject = command->subject,
                          .key = command->subject,
                          .json = arena_printf(work->arena,
                                               "{\"couponId\":\"%s\",\"code\":\"%s\",\"status\":\"%s\",\"version\":%s}",
                                               command->subject, row_text(row, 0, 2), row_text(row, 0, 3), version),
                          .cause = command}); /* codes need no escape: the table's CHECK */
  return RC_OK;
}

enum rc handle_coupon_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct arena *arena = work->arena;
  struct terms terms = {0};
  TRY(read_terms(command->json, &terms, err));
  TRY(resolve_plans(work, command, &terms, err));

  PGresult CLEANUP(db_result_release) *inserted = NULL;
  TRY(tx_exec(work->tx, &sql_coupon_insert,
              PARAMS(db_uuid(arena, &command->tenant), command->subject, terms.code, terms.name, terms.percent,
                     terms.is_fixed ? db_int(arena, terms.amount_minor) : NULL, terms.is_fixed ? terms.currency : NULL,
                     terms.duration, terms.periods ? db_int(arena, terms.periods) : NULL,
                     terms.max_redemptions ? db_int(arena, terms.max_redemptions) : NULL, terms.redeem_by, terms.plans,
                     body_json(arena, command->json, "metadata"), db_utime(arena, work->now)),
              &inserted, err));
  if (row_count(inserted) == 0)
    return error_field(err, RC_CONFLICT, "code", "there is a coupon with the code %s", terms.code);
  return conclude(work, command, 201, "coupon.created", err);
}

struct standing {
  bool is_archived;
  int64_t times_redeemed;
};

static enum rc load(struct work *work, const struct message *command, struct standing *standing, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_coupon_lock, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &row, err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no coupon %s", command->subject);
  standing->is_archived = strcmp(row_text(row, 0, 1), "archived") == 0;
  standing->times_redeemed = row_int(row, 0, 2);
  return message_expect_version(command, row_int(row, 0, 0), err);
}

static enum rc save(struct work *work, const struct message *command, const char *changes, const char *status,
                    struct error *err) {
  return tx_exec(work->tx, &sql_coupon_update,
                 PARAMS(db_uuid(work->arena, &command->tenant), command->subject, changes, status,
                        db_utime(work->arena, work->now)),
                 NULL, err);
}

enum rc handle_coupon_update(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct terms limits = {0};
  struct standing standing = {0};
  TRY(read_limits(command->json, &limits, err));
  TRY(load(work, command, &standing, err));
  if (limits.max_redemptions > 0 && limits.max_redemptions < standing.times_redeemed)
    return error_field(err, RC_CONFLICT, "maxRedemptions", "it has been redeemed %lld times already",
                       (long long)standing.times_redeemed);

  json_t *whole = json_pack("{sO}", "changes", command->json);
  const char *changes = body_json(work->arena, whole, "changes");
  json_decref(whole);
  TRY(save(work, command, changes, NULL, err));
  return conclude(work, command, 200, "coupon.updated", err);
}

enum rc handle_coupon_archive(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct standing standing = {0};
  TRY(load(work, command, &standing, err));
  if (standing.is_archived) return error_set(err, RC_CONFLICT, "the coupon is archived already");

  TRY(save(work, command, "{}", "archived", err));
  return conclude(work, command, 200, "coupon.archived", err);
}
