/* A tenant's settings are rows of `tenants` and `billing_schedules`, written here and now, with an audit row in the
 * same transaction. They are read when something is made: what is made already keeps what it was made with (an invoice
 * its rounding, a draft its time, a customer its zone, currency and net terms).
 *
 * Members that are left out stay; an object or a list is replaced as a whole. A zone must be known here and to
 * PostgreSQL, which computes when runs are due. */
#include "settings.h"

#include <string.h>

#include "auth.h"
#include "base/assert.h"
#include "base/email.h"
#include "base/money.h"
#include "base/text.h"
#include "base/zone.h"
#include "bus/message.h"
#include "domain/tax.h"
#include "etag.h"
#include "sql.h"

enum { NET_TERMS_MAX_DAYS = 365, DRAFT_MAX_HOURS = 720, SERIES_MAX = 16, LOCALE_MAX = 35, TAX_IDS_MAX = 10 };

/* -- members: each check names what is wrong by its path -- */

typedef enum rc member_check(json_t *parent, const char *member, const char *path, struct error *err);

static enum rc need_text(json_t *parent, const char *member, const char *path, const char **ret_text,
                         struct error *err) {
  const json_t *value = json_object_get(parent, member);
  if (!json_is_string(value) || body_text(parent, member, ret_text, err) != RC_OK)
    return error_field(err, RC_VALIDATION, path, "must be a string");
  return RC_OK;
}

static enum rc check_pattern(const char *text, const char *allowed, size_t least, size_t most, const char *path,
                             const char *like, struct error *err) {
  size_t length = strlen(text);
  if (length >= least && length <= most && strspn(text, allowed) == length) return RC_OK;
  return error_field(err, RC_VALIDATION, path, "must be %s", like);
}

static enum rc check_zone(json_t *parent, const char *member, const char *path, struct error *err) {
  const struct zone *zone;
  const char *text = "";
  TRY(need_text(parent, member, path, &text, err));
  return zone_find(text, path, &zone, err);
}

static enum rc check_currency(json_t *parent, const char *member, const char *path, struct error *err) {
  const char *code = "";
  TRY(need_text(parent, member, path, &code, err));
  return currency_find(code) ? RC_OK
                             : error_field(err, RC_VALIDATION, path, "must be a currency of ISO 4217, like EUR");
}

/* BCP 47: a language of two or three letters, and subtags of two to eight. */
static bool is_locale(const char *text) {
  static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  static const char WORD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  size_t length = strspn(text, LETTERS);
  if (strlen(text) > LOCALE_MAX || length < 2 || length > 3) return false;
  for (text += length; *text == '-'; text += length) {
    text++;
    length = strspn(text, WORD);
    if (length < 2 || length > 8) return false;
  }
  return *text == '\0';
}

static enum rc check_locale(json_t *parent, const char *member, const char *path, struct error *err) {
  const char *text = "";
  TRY(need_text(parent, member, path, &text, err));
  return is_locale(text) ? RC_OK : error_field(err, RC_VALIDATION, path, "must be a language tag like pt-BR");
}

static enum rc check_rounding(json_t *parent, const char *member, const char *path, struct error *err) {
  enum tax_rounding rounding;
  const char *text = "";
  TRY(need_text(parent, member, path, &text, err));
  if (tax_rounding_from_name(text, &rounding)) return RC_OK;
  return error_field(err, RC_VALIDATION, path, "must be total or line");
}

static enum rc check_country(json_t *parent, const char *member, const char *path, struct error *err) {
  const char *text = "";
  if (json_is_null(json_object_get(parent, member))) return RC_OK;
  TRY(need_text(parent, member, path, &text, err));
  return check_pattern(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 2, 2, path, "a country of ISO 3166-1, like DE", err);
}

static enum rc check_series(json_t *parent, const char *member, const char *path, struct error *err) {
  const char *text = "";
  TRY(need_text(parent, member, path, &text, err));
  return check_pattern(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", 1, SERIES_MAX, path,
                       "1 to 16 capital letters, digits and hyphens", err);
}

static enum rc check_number(json_t *parent, const char *member, int64_t most, const char *path, struct error *err) {
  int64_t value = 0;
  struct error why;
  if (!json_is_null(json_object_get(parent, member)) && body_int(parent, member, 0, most, 0, &value, &why) == RC_OK)
    return RC_OK;
  return error_field(err, RC_VALIDATION, path, "must be a whole number from 0 to %lld", (long long)most);
}

static enum rc check_net_terms(json_t *parent, const char *member, const char *path, struct error *err) {
  return check_number(parent, member, NET_TERMS_MAX_DAYS, path, err);
}

static enum rc check_draft_hours(json_t *parent, const char *member, const char *path, struct error *err) {
  return check_number(parent, member, DRAFT_MAX_HOURS, path, err);
}

static enum rc check_flag(json_t *parent, const char *member, const char *path, struct error *err) {
  if (json_is_boolean(json_object_get(parent, member))) return RC_OK;
  return error_field(err, RC_VALIDATION, path, "must be true or false");
}

static enum rc check_hour(json_t *parent, const char *member, const char *path, struct error *err) {
  return json_is_null(json_object_get(parent, member)) ? RC_OK : check_number(parent, member, 23, path, err);
}

/* One line, or several where `is_long`; null where there is none. */
static enum rc check_words(json_t *parent, const char *member, bool is_long, const char *path, struct error *err) {
  const size_t most = is_long ? 1000 : 200;
  const char *text = "";
  size_t characters = 0;
  if (json_is_null(json_object_get(parent, member))) return RC_OK;
  TRY(need_text(parent, member, path, &text, err));
  for (const char *at = text; *at; at++) {
    characters += (*at & 0xC0) != 0x80; /* bytes that begin one */
    if ((unsigned char)*at < 0x20 && !(is_long && *at == '\n'))
      return error_field(err, RC_VALIDATION, path, "must be %s without control characters",
                         is_long ? "text" : "a line");
  }
  if (text_is_blank(text) || characters > most)
    return error_field(err, RC_VALIDATION, path, "must have 1 to %zu characters, not all of them blank", most);
  return RC_OK;
}

static enum rc check_line(json_t *parent, const char *member, const char *path, struct error *err) {
  return check_words(parent, member, false, path, err);
}

static enum rc check_text(json_t *parent, const char *member, const char *path, struct error *err) {
  return check_words(parent, member, true, path, err);
}

static enum rc check_email(json_t *parent, const char *member, const char *path, struct error *err) {
  const char *text = "";
  if (json_is_null(json_object_get(parent, member))) return RC_OK;
  TRY(need_text(parent, member, path, &text, err));
  return email_check(text, path, err);
}

/* -- objects: tables of members -- */

struct member {
  const char *name;
  member_check *check;
  bool is_required;
};

/* NULL: no row of the table, which ends with NULL, has that name. */
static const struct member *find_member(const struct member *table, const char *name) {
  while (table->name && strcmp(table->name, name) != 0) table++;
  return table->name ? table : NULL;
}

/* Each member of the object is in the table and passes its check. */
static enum rc check_object(json_t *object, const struct member *table, const char *path, struct error *err) {
  const char *name;
  json_t *value;
  if (!json_is_object(object)) return error_field(err, RC_VALIDATION, path, "must be an object");
  json_object_foreach(object, name, value) {
    char at[ERROR_FIELD_MAX];
    const struct member *member = find_member(table, name);
    snprintf(at, sizeof at, "%s.%s", path, name);
    if (!member) return error_field(err, RC_VALIDATION, at, "is not a field of this request");
    TRY(member->check(object, name, at, err));
  }
  for (const struct member *member = table; member->name; member++) {
    char at[ERROR_FIELD_MAX];
    snprintf(at, sizeof at, "%s.%s", path, member->name);
    if (member->is_required && !json_object_get(object, member->name))
      return error_field(err, RC_VALIDATION, at, "is required");
  }
  return RC_OK;
}

static const struct member address_members[] = {{"line1", check_line, false},
                                                {"line2", check_line, false},
                                                {"city", check_line, false},
                                                {"region", check_line, false},
                                                {"postalCode", check_line, false},
                                                {"country", check_country, false},
                                                {NULL, NULL, false}};
static const struct member tax_id_members[] = {
    {"type", check_line, true}, {"value", check_line, true}, {NULL, NULL, false}};

static enum rc check_address(json_t *parent, const char *member, const char *path, struct error *err) {
  json_t *address = json_object_get(parent, member);
  return json_is_null(address) ? RC_OK : check_object(address, address_members, path, err);
}

static enum rc check_tax_ids(json_t *parent, const char *member, const char *path, struct error *err) {
  json_t *list = json_object_get(parent, member), *tax_id;
  size_t i;
  if (!json_is_array(list) || json_array_size(list) > TAX_IDS_MAX)
    return error_field(err, RC_VALIDATION, path, "must be a list of at most %d", TAX_IDS_MAX);
  json_array_foreach(list, i, tax_id) {
    char at[ERROR_FIELD_MAX];
    snprintf(at, sizeof at, "%s[%zu]", path, i);
    TRY(check_object(tax_id, tax_id_members, at, err));
  }
  return RC_OK;
}

static const struct member seller_members[] = {{"name", check_line, false},
                                               {"email", check_email, false},
                                               {"phone", check_line, false},
                                               {"website", check_line, false},
                                               {"address", check_address, false},
                                               {"taxIds", check_tax_ids, false},
                                               {"registrationNumber", check_line, false},
                                               {"bankDetails", check_text, false},
                                               {"footer", check_text, false},
                                               {NULL, NULL, false}};
static const struct member schedule_members[] = {
    {"enabled", check_flag, true}, {"hourOfDay", check_hour, true}, {NULL, NULL, false}};

static enum rc check_seller(json_t *parent, const char *member, const char *path, struct error *err) {
  json_t *seller = json_object_get(parent, member);
  return json_is_null(seller) ? RC_OK : check_object(seller, seller_members, path, err);
}

static enum rc check_schedule(json_t *parent, const char *member, const char *path, struct error *err) {
  return check_object(json_object_get(parent, member), schedule_members, path, err);
}

static const struct member members[] = {
    {"seller", check_seller, false},
    {"timeZone", check_zone, false},
    {"locale", check_locale, false},
    {"currency", check_currency, false},
    {"taxRounding", check_rounding, false},
    {"taxCountry", check_country, false},
    {"invoiceSeries", check_series, false},
    {"creditNoteSeries", check_series, false},
    {"draftHours", check_draft_hours, false},
    {"netTermsDays", check_net_terms, false},
    {"billingSchedule", check_schedule, false},
    {NULL, NULL, false},
};

/* All faults, not only the first. */
static enum rc check_settings(struct request *request, json_t *body, struct error *err) {
  struct faults faults = {.request = request};
  const char *name;
  json_t *value;
  json_object_foreach(body, name, value) {
    const struct member *member = find_member(members, name);
    struct error why;
    if (!member)
      fault_add(&faults, name, "is not a field of this request");
    else if (member->check(body, name, name, &why) != RC_OK)
      fault_add(&faults, why.field, "%s", why.text);
  }
  return faults_end(&faults, err);
}

/* -- the change -- */

static const char *text_or_null(json_t *body, const char *member) {
  return json_string_value(json_object_get(body, member));
}

/* The settings are locked from here on. A series numbers invoices or credit notes, never both: each has no gaps. */
static enum rc take(struct request *request, json_t *body, const char *versions, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(&request->tx, &sql_settings_lock,
              PARAMS(versions, text_or_null(body, "invoiceSeries"), text_or_null(body, "creditNoteSeries"),
                     text_or_null(body, "timeZone")),
              &row, err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, NULL);
  if (!row_bool(row, 0, 3)) return error_field(err, RC_VALIDATION, "timeZone", "is not known to the database");
  if (!row_bool(row, 0, 0)) return error_set(err, RC_PRECONDITION_FAILED, NULL);
  if (row_bool(row, 0, 1)) return error_field(err, RC_CONFLICT, "invoiceSeries", "it numbers credit notes");
  if (row_bool(row, 0, 2)) return error_field(err, RC_CONFLICT, "creditNoteSeries", "it numbers invoices");
  return RC_OK;
}

static enum rc read_versions(struct request *request, const char **ret_versions, struct error *err) {
  const char *header = request_header(request, "If-Match");
  *ret_versions = NULL;
  return header ? if_match_parse(header, request->arena, ret_versions, err) : RC_OK;
}

enum rc settings_handle(struct request *request, struct response *response, struct error *err) {
  json_auto_t *body = NULL;
  const char *versions = NULL;
  PGresult CLEANUP(db_result_release) *shown = NULL;
  TRY(request_parse_body(request, &body, err));
  TRY(check_settings(request, body, err));
  TRY(read_versions(request, &versions, err));
  TRY(take(request, body, versions, err));

  struct arena *arena = request->arena;
  const struct uuid *tenant = &request->caller.tenant;
  json_auto_t *holder = json_pack("{s:O}", "patch", body);
  const char *patch = body_json(arena, holder, "patch"), *now = db_utime(arena, request->now);
  TRY(tx_exec(&request->tx, &sql_settings_update, PARAMS(patch, now), NULL, err));
  TRY(audit(request, tenant, caller_actor(request), "settings.update", true, "settings", db_uuid(arena, tenant), err));
  TRY(tx_exec(&request->tx, &sql_settings_get, NO_PARAMS, &shown, err));
  TRY(request_commit(request, err));
  ASSERT(row_count(shown) == 1);
  response_header(response, "ETag", etag_of(arena, row_text(shown, 0, 1)));
  response_data(response, 200, arena_strdup(arena, row_text(shown, 0, 0)), NULL);
  return RC_OK;
}
