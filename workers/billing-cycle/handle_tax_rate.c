/* tax-rate.create, tax-rate.archive: the rates that invoices are taxed by (BILL-041). A rate that changes is a new one.
 */
#include <string.h>

#include "domain/percent.h"
#include "domain/tax.h"
#include "handlers.h"
#include "sql.h"

struct rate {
  const char *code, *name, *percentage, *category, *country, *region, *tax_code;
  bool is_inclusive;
};

static enum rc read_category(json_t *body, const struct rate *rate, const char **ret_category, struct error *err) {
  int64_t micro;
  enum tax_category category;
  TRY(percent_parse(rate->percentage, "percentage", &micro, err));
  TRY(body_text(body, "category", ret_category, err));
  if (!*ret_category) *ret_category = tax_category_name(micro > 0 ? TAX_STANDARD : TAX_ZERO);
  if (!tax_category_from_name(*ret_category, &category))
    return error_field(err, RC_VALIDATION, "category", "is unknown");
  if (micro > 0 && category != TAX_STANDARD)
    return error_field(err, RC_VALIDATION, "category", "a percentage is of the category standard");
  return RC_OK;
}

static enum rc read_rate(json_t *body, struct rate *rate, struct error *err) {
  TRY(body_text(body, "code", &rate->code, err));
  TRY(body_text(body, "name", &rate->name, err));
  TRY(body_decimal(body, "percentage", &rate->percentage, err));
  TRY(body_text(body, "country", &rate->country, err));
  TRY(body_text(body, "region", &rate->region, err));
  TRY(body_text(body, "taxCode", &rate->tax_code, err));
  TRY(body_bool(body, "inclusive", false, &rate->is_inclusive, err));
  if (!rate->code) return error_field(err, RC_VALIDATION, "code", "is required");
  if (!rate->name) return error_field(err, RC_VALIDATION, "name", "is required");
  if (!rate->percentage) return error_field(err, RC_VALIDATION, "percentage", "is required");
  if (rate->region && !rate->country) return error_field(err, RC_VALIDATION, "region", "needs a country");
  return read_category(body, rate, &rate->category, err);
}

static enum rc insert(struct work *work, const struct message *command, const struct rate *rate, struct error *err) {
  const char *tenant = db_uuid(work->arena, &command->tenant);
  PGresult CLEANUP(db_result_release) *inserted = NULL, CLEANUP(db_result_release) *taken = NULL;
  TRY(tx_exec(work->tx, &sql_tax_rate_insert,
              PARAMS(tenant, command->subject, rate->code, rate->name, rate->percentage, rate->category,
                     db_bool(rate->is_inclusive), rate->country, rate->region, rate->tax_code,
                     db_utime(work->arena, work->now)),
              &inserted, err));
  if (row_count(inserted) == 1) return RC_OK;
  TRY(tx_exec(work->tx, &sql_tax_rate_taken, PARAMS(tenant, rate->code), &taken, err));
  if (row_count(taken) > 0)
    return error_field(err, RC_CONFLICT, "code", "there is a tax rate with the code %s", rate->code);
  return error_field(err, RC_CONFLICT, "country",
                     "there is an active rate for this place and tax code: archive it first");
}

static enum rc conclude(struct work *work, const struct message *command, int status, const char *type,
                        struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_tax_rate_resource, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &row,
              err));
  reply(work, command, status, "tax-rate", command->subject, row_text(row, 0, 0));
  emit(work, &(struct emission){
                 .type = type,
                 .id = UUID_DERIVE(type, command->subject),
                 .tenant = command->tenant,
                 .subject = command->subject,
                 .key = command->subject,
                 .json = arena_printf(
                     work->arena,
                     "{\"taxRateId\":\"%s\",\"code\":\"%s\",\"percentage\":%s,\"status\":\"%s\",\"version\":%lld}",
                     command->subject, row_text(row, 0, 2), row_text(row, 0, 4), row_text(row, 0, 3),
                     (long long)row_int(row, 0, 1)), /* codes need no escape: the table's CHECK */
                 .cause = command});
  return RC_OK;
}

enum rc handle_tax_rate_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct rate rate = {0};
  TRY(read_rate(messages[0]->json, &rate, err));

  TRY(insert(work, messages[0], &rate, err));
  return conclude(work, messages[0], 201, "tax-rate.created", err);
}

enum rc handle_tax_rate_archive(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  const char *tenant = db_uuid(work->arena, &command->tenant);
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_tax_rate_lock, PARAMS(tenant, command->subject), &row, err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no tax rate %s", command->subject);
  TRY(message_expect_version(command, row_int(row, 0, 0), err));
  if (strcmp(row_text(row, 0, 1), "archived") == 0)
    return error_set(err, RC_CONFLICT, "the tax rate is archived already");

  TRY(tx_exec(work->tx, &sql_tax_rate_archive, PARAMS(tenant, command->subject, db_utime(work->arena, work->now)), NULL,
              err));
  return conclude(work, command, 200, "tax-rate.archived", err);
}
