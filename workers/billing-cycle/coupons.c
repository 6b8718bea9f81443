/* See coupons.h. The last redemption is had by one subscription alone: who redeems has looked under the lock. */
#include "coupons.h"

#include <string.h>

#include "sql.h"

static const struct {
  const char *why;
  enum rc code;
  const char *text;
} refusals[] = {
    {"unknown", RC_NOT_FOUND, "there is no such coupon"},
    {"archived", RC_CONFLICT, "the coupon is archived"},
    {"expired", RC_CONFLICT, "the coupon cannot be redeemed any more"},
    {"used_up", RC_CONFLICT, "the coupon is used up"},
    {"currency", RC_VALIDATION, "the coupon is for another currency"},
    {"plan", RC_VALIDATION, "the coupon is for other plans"},
};

static enum rc refuse(int64_t place, const char *why, struct error *err) {
  char field[ERROR_FIELD_MAX];
  snprintf(field, sizeof field, "coupons[%lld]", (long long)place);
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
    if (strcmp(refusals[i].why, why) == 0) return error_field(err, refusals[i].code, field, "%s", refusals[i].text);
  return error_set(err, RC_BUG, "coupons_judge.sql says %s", why);
}

static enum rc read_codes(struct work *work, json_t *codes, struct db_array **ret_codes, struct error *err) {
  struct db_array *array = db_array_new(work->arena);
  size_t count = json_array_size(codes);
  if (!json_is_array(codes) || count > SUBSCRIPTION_COUPONS_MAX)
    return error_field(err, RC_VALIDATION, "coupons", "must be at most %d codes", SUBSCRIPTION_COUPONS_MAX);
  for (size_t i = 0; i < count; i++) {
    const char *code = json_string_value(json_array_get(codes, i));
    char field[ERROR_FIELD_MAX];
    snprintf(field, sizeof field, "coupons[%zu]", i);
    if (!code) return error_field(err, RC_VALIDATION, field, "must be a coupon's code");
    for (size_t k = 0; k < i; k++)
      if (strcmp(code, json_string_value(json_array_get(codes, k))) == 0)
        return error_field(err, RC_VALIDATION, field, "is there twice");
    db_array_text(array, code);
  }
  *ret_codes = array;
  return RC_OK;
}

enum rc coupons_check(struct work *work, const struct uuid *tenant, json_t *body, const char *currency,
                      struct db_array *plans, struct redemption *ret_redemption, struct error *err) {
  json_t *member = json_object_get(body, "coupons");
  struct db_array *codes = NULL, *ids = db_array_new(work->arena);
  ret_redemption->coupons = NULL;
  if (!member || json_is_null(member) || json_array_size(member) == 0) return RC_OK;
  TRY(read_codes(work, member, &codes, err));
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_coupons_judge,
              PARAMS(db_uuid(work->arena, tenant), db_array_literal(codes), currency, db_array_literal(plans),
                     db_utime(work->arena, work->now)),
              &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    if (!row_is_null(rows, r, 2)) return refuse(row_int(rows, r, 0), row_text(rows, r, 2), err);
    db_array_text(ids, row_text(rows, r, 1));
  }
  ret_redemption->coupons = db_array_literal(ids);
  return RC_OK;
}

enum rc coupons_lock(struct work *work, const struct uuid *tenant, const struct redemption *redemption,
                     struct error *err) {
  if (!redemption->coupons) return RC_OK;
  return tx_exec(work->tx, &sql_coupons_lock, PARAMS(db_uuid(work->arena, tenant), redemption->coupons), NULL, err);
}

enum rc coupons_redeem(struct work *work, const struct uuid *tenant, const char *subscription_id, int64_t from_period,
                       const struct redemption *redemption, struct error *err) {
  if (!redemption->coupons) return RC_OK;
  return tx_exec(work->tx, &sql_coupons_redeem,
                 PARAMS(db_uuid(work->arena, tenant), subscription_id, redemption->coupons,
                        db_int(work->arena, from_period), db_utime(work->arena, work->now)),
                 NULL, err);
}
