/* plan.migrate: the subscriptions of one version of a plan, and those that have it as an add-on, get another one
 * (BILL-035), each at its own next boundary; until then they keep theirs. Whoever comes to the old version by a change
 * that waits comes to the new one. With `preview`, the very same is worked out, and nothing written.
 *
 * Who is left alone: a subscription whose price was agreed on (an override would end with the version), one that ends
 * at its next boundary, one that leaves the version there. They are counted. What could not be billed afterwards
 * refuses the whole command: a currency without a price, add-ons when the interval is another one, whether they are
 * there already or a change that waits brings them. */
#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "base/zone.h"
#include "components.h"
#include "handlers.h"
#include "plan.h"
#include "sql.h"

/* Each subscription that is moved is an event in the command's transaction. */
enum { MIGRATION_MAX = 10000, CHUNK = 1000, ANSWER_MAX = 65536, EVENT_MAX = 4096 };

/* What a version costs in one currency. */
struct offer {
  const struct price_component *components;
  size_t component_count;
};

struct currency_sum {
  const struct currency *currency;
  struct offer old, new;
  int64_t subscriptions, items; /* whose own plan it is, and add-ons */
  int64_t old_minor, new_minor; /* recurring, for a whole period, without usage, coupons and tax */
};

struct migration {
  const struct message *command;
  const char *tenant;
  int64_t from, to;
  bool is_preview;
  bool has_other_interval;
  struct currency_sum sums[PLAN_PRICES_MAX * 2];
  size_t sum_count;
  int64_t moved, items, coming, overridden, ending, leaving;
  bool has_more; /* MIGRATION_MAX were enough for one command; the next one goes on */
  struct db_array *subscriptions, *changes, *periods, *times; /* that are moved, their rows, from when on */
  struct db_array *customers;                                 /* of all that were looked at */
  const char **held;                                          /* whose billing is locked, in order; NULL: nobody's */
  size_t held_count;
};

/* A subscription, as it concerns the version. */
struct subscriber {
  bool is_moved, is_coming; /* its own plan is moved; a change that waits leads to the version */
  json_t *add_ons;          /* [[item, quantity (micro)]] */
};

static void subscriber_release(struct subscriber *subscriber) {
  json_decref(subscriber->add_ons);
}

/* Columns of plan_subscribers.sql. */
enum column {
  COLUMN_SUBSCRIPTION,
  COLUMN_CUSTOMER,
  COLUMN_CURRENCY,
  COLUMN_QUANTITY,
  COLUMN_IS_OWN,
  COLUMN_IS_OVERRIDDEN,
  COLUMN_IS_ENDING,
  COLUMN_IS_LEAVING,
  COLUMN_IS_COMING,
  COLUMN_ADD_ONS,
  COLUMN_WILL_HAVE_ADD_ONS,
  COLUMN_NEXT_INDEX,
  COLUMN_NEXT_AT,
  COLUMN_NOW,
  COLUMN_ZONE,
  COLUMN_INTERVAL_UNIT,
  COLUMN_INTERVAL_COUNT,
  COLUMN_ANCHOR,
  COLUMN_ANCHOR_DAY,
  COLUMN_ANCHOR_INDEX,
};

/* ---- what the two versions cost ---- */

static struct currency_sum *sum_of(struct migration *migration, const char *currency) {
  for (size_t i = 0; i < migration->sum_count; i++)
    if (strcmp(migration->sums[i].currency->code, currency) == 0) return &migration->sums[i];
  return NULL;
}

static enum rc add_offer(struct work *work, struct migration *migration, const PGresult *rows, int r,
                         struct error *err) {
  struct currency_sum *sum = sum_of(migration, row_text(rows, r, 3));
  const struct currency *currency = currency_find(row_text(rows, r, 3));
  if (!currency) return error_set(err, RC_INVARIANT, "a plan's currency is unknown");
  if (!sum) {
    sum = &migration->sums[migration->sum_count++];
    *sum = (struct currency_sum){.currency = currency};
  }
  struct offer *offer = row_int(rows, r, 0) == migration->from ? &sum->old : &sum->new;
  return price_components_read(work->arena, row_text(rows, r, 4), currency, &offer->components, &offer->component_count,
                               err);
}

static int row_of_version(const PGresult *rows, int64_t version) {
  for (int r = 0; r < row_count(rows); r++)
    if (row_int(rows, r, 0) == version) return r;
  return -1;
}

static enum rc load_offers(struct work *work, struct migration *migration, struct error *err) {
  struct db_array *versions = db_array_new(work->arena);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  db_array_int(versions, migration->from);
  db_array_int(versions, migration->to);
  TRY(tx_exec(work->tx, &sql_plan_version_terms,
              PARAMS(migration->tenant, migration->command->subject, db_array_literal(versions)), &rows, err));
  int old = row_of_version(rows, migration->from), new = row_of_version(rows, migration->to);
  if (old < 0)
    return error_field(err, RC_NOT_FOUND, "fromVersion", "the plan has no version %lld", (long long)migration->from);
  if (new < 0)
    return error_field(err, RC_NOT_FOUND, "toVersion", "the plan has no version %lld", (long long)migration->to);
  migration->has_other_interval =
      strcmp(row_text(rows, old, 1), row_text(rows, new, 1)) != 0 || row_int(rows, old, 2) != row_int(rows, new, 2);
  for (int r = 0; r < row_count(rows); r++) TRY(add_offer(work, migration, rows, r, err));
  return RC_OK;
}

/* ---- one subscription ---- */

static enum rc price_of(const struct offer *offer, const struct currency *currency, struct quantity quantity,
                        int64_t *total, struct error *err) {
  for (size_t i = 0; i < offer->component_count; i++) {
    int64_t minor;
    if (offer->components[i].metric) continue;
    TRY(price_charge(&offer->components[i], quantity, 0, PRICE_SHARE_WHOLE, currency, &minor, err));
    if (!money_add(*total, minor, total)) return error_field(err, RC_VALIDATION, "toVersion", "the sum is too large");
  }
  return RC_OK;
}

static enum rc find_sum(struct migration *migration, const PGresult *rows, int r, struct currency_sum **ret_sum,
                        struct error *err) {
  struct currency_sum *sum = sum_of(migration, row_text(rows, r, COLUMN_CURRENCY));
  if (!sum || sum->new.component_count == 0)
    return error_field(err, RC_CONFLICT, "toVersion",
                       "version %lld has no price in %s, in which subscriptions are billed", (long long)migration->to,
                       row_text(rows, r, COLUMN_CURRENCY));
  if (migration->has_other_interval && row_bool(rows, r, COLUMN_WILL_HAVE_ADD_ONS))
    return error_field(err, RC_CONFLICT, "toVersion",
                       "version %lld has another interval, for which the add-ons of subscription %s have no price",
                       (long long)migration->to, row_text(rows, r, COLUMN_SUBSCRIPTION));
  *ret_sum = sum;
  return RC_OK;
}

static enum rc add_item(struct currency_sum *sum, int64_t quantity_micro, struct error *err) {
  struct quantity quantity = {quantity_micro};
  TRY(price_of(&sum->old, sum->currency, quantity, &sum->old_minor, err));
  return price_of(&sum->new, sum->currency, quantity, &sum->new_minor, err);
}

static enum rc add_up(struct migration *migration, const PGresult *rows, int r, const struct subscriber *subscriber,
                      struct error *err) {
  struct currency_sum *sum = NULL;
  size_t i;
  json_t *add_on;
  TRY(find_sum(migration, rows, r, &sum, err));
  ASSERT(sum);
  if (subscriber->is_moved) TRY(add_item(sum, row_int(rows, r, COLUMN_QUANTITY), err));
  json_array_foreach(subscriber->add_ons, i, add_on)
      TRY(add_item(sum, json_integer_value(json_array_get(add_on, 1)), err));
  sum->subscriptions += subscriber->is_moved;
  sum->items += (int64_t)json_array_size(subscriber->add_ons);
  migration->items += (int64_t)json_array_size(subscriber->add_ons);
  migration->coming += subscriber->is_coming;
  migration->moved++;
  return RC_OK;
}

/* The first boundary that has not come yet: what is due, and not billed yet, is billed at the version of its time. */
static enum rc next_boundary(const PGresult *rows, int r, int64_t *ret_index, struct utime *ret_at, struct error *err) {
  struct utime now = row_utime(rows, r, COLUMN_NOW), told = {INT64_MIN};
  int64_t index = row_int(rows, r, COLUMN_NEXT_INDEX);
  if (!row_is_null(rows, r, COLUMN_NEXT_AT)) told = row_utime(rows, r, COLUMN_NEXT_AT);
  if (told.us > now.us) {
    *ret_index = index;
    *ret_at = told;
    return RC_OK;
  }
  const struct zone *zone;
  struct grid grid = {.anchor = row_date(rows, r, COLUMN_ANCHOR),
                      .anchor_day = (int)row_int(rows, r, COLUMN_ANCHOR_DAY),
                      .origin = row_int(rows, r, COLUMN_ANCHOR_INDEX),
                      .interval.count = (int)row_int(rows, r, COLUMN_INTERVAL_COUNT)};
  TRY(zone_find(row_text(rows, r, COLUMN_ZONE), "timeZone", &zone, err));
  if (!interval_unit_from_name(row_text(rows, r, COLUMN_INTERVAL_UNIT), &grid.interval.unit))
    return error_set(err, RC_INVARIANT, "a subscription's interval is unknown");
  struct date today = zone_date(zone, now);
  int64_t next = date_compare(today, grid.anchor) < 0 ? grid.origin : grid_index(&grid, today) + 1;
  *ret_index = next > index ? next : index;
  *ret_at = zone_midnight(zone, grid_boundary(&grid, *ret_index));
  return RC_OK;
}

/* ---- all of them ---- */

/* Who is left alone is counted, and why. */
static bool is_left_alone(struct migration *migration, const PGresult *rows, int r, struct subscriber *ret_subscriber) {
  bool is_own = row_bool(rows, r, COLUMN_IS_OWN), is_leaving = row_bool(rows, r, COLUMN_IS_LEAVING);
  bool is_overridden = is_own && row_bool(rows, r, COLUMN_IS_OVERRIDDEN);
  ret_subscriber->is_coming = row_bool(rows, r, COLUMN_IS_COMING);
  if (!row_is_null(rows, r, COLUMN_ADD_ONS))
    ret_subscriber->add_ons = json_loads(row_text(rows, r, COLUMN_ADD_ONS), 0, NULL);
  bool is_ending = row_bool(rows, r, COLUMN_IS_ENDING);
  migration->ending += is_ending;
  if (is_ending) return true;
  migration->overridden += is_overridden;
  migration->leaving += is_own && !is_overridden && is_leaving;
  ret_subscriber->is_moved = is_own && !is_overridden && !is_leaving;
  return !ret_subscriber->is_moved && !ret_subscriber->is_coming && !ret_subscriber->add_ons;
}

static enum rc take(struct work *work, struct migration *migration, const PGresult *rows, int r, struct error *err) {
  struct subscriber CLEANUP(subscriber_release) subscriber = {0};
  int64_t period = 0;
  struct utime at = {0};
  if (is_left_alone(migration, rows, r, &subscriber)) return RC_OK;
  TRY(add_up(migration, rows, r, &subscriber, err));
  TRY(next_boundary(rows, r, &period, &at, err));
  struct uuid id = UUID_DERIVE("plan.migrate", db_uuid(work->arena, &migration->command->id),
                               row_text(rows, r, COLUMN_SUBSCRIPTION));
  db_array_text(migration->subscriptions, row_text(rows, r, COLUMN_SUBSCRIPTION));
  db_array_uuid(migration->changes, &id);
  db_array_int(migration->periods, period);
  db_array_utime(migration->times, at);
  return RC_OK;
}

static enum rc read_chunk(struct work *work, const struct migration *migration, const char *after, PGresult **ret_rows,
                          struct error *err) {
  struct arena *arena = work->arena;
  return tx_exec(work->tx, &sql_plan_subscribers,
                 PARAMS(migration->tenant, migration->command->subject, db_int(arena, migration->from),
                        db_int(arena, migration->to), after, db_int(arena, CHUNK)),
                 ret_rows, err);
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who came while the locks were waited for is for the next command. */
static bool is_held(const struct migration *migration, const char *customer) {
  return bsearch(&customer, migration->held, migration->held_count, sizeof *migration->held, compare_texts) != NULL;
}

static enum rc take_chunk(struct work *work, struct migration *migration, const PGresult *rows, struct error *err) {
  for (int r = 0; r < row_count(rows); r++) {
    const char *customer = row_text(rows, r, COLUMN_CUSTOMER);
    db_array_text(migration->customers, customer);
    if (migration->held && !is_held(migration, customer))
      migration->has_more = true;
    else
      TRY(take(work, migration, rows, r, err));
  }
  return RC_OK;
}

static enum rc decide(struct work *work, struct migration *migration, struct error *err) {
  const char *after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    PGresult CLEANUP(db_result_release) *rows = NULL;
    TRY(read_chunk(work, migration, after, &rows, err));
    if (row_count(rows) == 0) return RC_OK;
    migration->has_more = migration->has_more || migration->moved >= MIGRATION_MAX;
    if (migration->moved >= MIGRATION_MAX) return RC_OK;
    TRY(take_chunk(work, migration, rows, err));
    after = arena_strdup(work->arena, row_text(rows, row_count(rows) - 1, COLUMN_SUBSCRIPTION));
  }
}

/* All at once, by their ids (which is the order of the rows), however many chunks they came in. */
static enum rc lock_customers(struct work *work, struct migration *migration, struct db_array *customers,
                              struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_customer_billing_lock, PARAMS(migration->tenant, db_array_literal(customers)), &rows,
              err));
  migration->held_count = (size_t)row_count(rows);
  migration->held = ARENA_ARRAY(work->arena, const char *, migration->held_count + 1);
  for (int r = 0; r < row_count(rows); r++) migration->held[r] = arena_strdup(work->arena, row_text(rows, r, 0));
  return RC_OK;
}

/* Columns as in plan_migrate.sql. At the customer's time, which may be a test clock's. */
static void emit_scheduled(struct work *work, const struct migration *migration, const PGresult *rows, int r) {
  enum { SUBSCRIPTION, CUSTOMER, VERSION, CHANGE, AT, NOW };
  static const char type[] = "subscription.migration_scheduled";
  const struct message *command = migration->command;
  const char *id = row_text(rows, r, SUBSCRIPTION);
  char time[UTIME_TEXT_MAX];
  struct utime now = work->now;
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  buf_init(&text, EVENT_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "subscriptionId", id);
  json_put_string(&json, "customerId", row_text(rows, r, CUSTOMER));
  json_put_string(&json, "changeId", row_text(rows, r, CHANGE));
  json_put_string(&json, "planId", command->subject);
  json_put_int(&json, "fromVersion", migration->from);
  json_put_int(&json, "toVersion", migration->to);
  json_put_string(&json, "at", row_is_null(rows, r, AT) ? NULL : utime_format(row_utime(rows, r, AT), time));
  json_put_int(&json, "version", row_int(rows, r, VERSION));
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  work->now = row_utime(rows, r, NOW);
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, id, row_text(rows, r, VERSION)),
                                .tenant = command->tenant,
                                .subject = id,
                                .key = row_text(rows, r, CUSTOMER),
                                .json = buf_text(&text),
                                .cause = command});
  work->now = now;
}

static enum rc store(struct work *work, const struct migration *migration, int64_t *ret_plan_version,
                     struct error *err) {
  const char *actor = migration->command->headers[HEADER_ACTOR];
  const char *now = db_utime(work->arena, work->now);
  PGresult CLEANUP(db_result_release) *moved = NULL, CLEANUP(db_result_release) *touched = NULL;
  TRY(tx_exec(work->tx, &sql_plan_migrate,
              PARAMS(migration->tenant, migration->command->subject, db_int(work->arena, migration->from),
                     db_int(work->arena, migration->to), db_array_literal(migration->subscriptions),
                     db_array_literal(migration->changes), db_array_literal(migration->periods),
                     db_array_literal(migration->times), actor ? actor : "", now),
              &moved, err));
  TRY(tx_exec(work->tx, &sql_plan_touch, PARAMS(migration->tenant, migration->command->subject, now), &touched, err));
  for (int r = 0; r < row_count(moved); r++) emit_scheduled(work, migration, moved, r);
  *ret_plan_version = row_int(touched, 0, 0);
  return RC_OK;
}

/* ---- answering ---- */

static void put_sum(struct json_writer *json, const struct currency_sum *sum) {
  char money[MONEY_TEXT_MAX];
  json_put_object(json, NULL);
  json_put_string(json, "currency", sum->currency->code);
  json_put_int(json, "subscriptions", sum->subscriptions);
  json_put_int(json, "items", sum->items);
  json_put_raw(json, "oldTotal", money_format(sum->old_minor, sum->currency, money));
  json_put_raw(json, "newTotal", money_format(sum->new_minor, sum->currency, money));
  json_put_end(json);
}

static const char *answer_json(struct arena *arena, const struct migration *migration) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  buf_init(&text, ANSWER_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "planId", migration->command->subject);
  json_put_int(&json, "fromVersion", migration->from);
  json_put_int(&json, "toVersion", migration->to);
  json_put_bool(&json, "preview", migration->is_preview);
  json_put_int(&json, "subscriptions", migration->moved);
  json_put_int(&json, "items", migration->items);
  json_put_int(&json, "coming", migration->coming);
  json_put_int(&json, "overridden", migration->overridden);
  json_put_int(&json, "ending", migration->ending);
  json_put_int(&json, "leaving", migration->leaving);
  json_put_bool(&json, "hasMore", migration->has_more);
  json_put_array(&json, "amounts");
  for (size_t i = 0; i < migration->sum_count; i++)
    if (migration->sums[i].subscriptions + migration->sums[i].items > 0) put_sum(&json, &migration->sums[i]);
  json_put_end(&json);
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  return arena_strdup(arena, buf_text(&text));
}

static void emit_migrated(struct work *work, const struct migration *migration, const char *code, int64_t version) {
  const struct message *command = migration->command;
  const char *json = arena_printf(work->arena,
                                  "{\"planId\":\"%s\",\"code\":\"%s\",\"fromVersion\":%lld,\"toVersion\":%lld,"
                                  "\"subscriptions\":%lld,\"version\":%lld}",
                                  command->subject, code, (long long)migration->from, (long long)migration->to,
                                  (long long)migration->moved, (long long)version);
  emit(work, &(struct emission){.type = "plan.migrated",
                                .id = UUID_DERIVE("plan.migrated", command->subject, db_int(work->arena, version)),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = command->subject,
                                .json = json,
                                .cause = command});
}

static enum rc read_request(struct work *work, const struct message *command, const struct plan *plan,
                            struct migration *migration, struct error *err) {
  json_t *body = command->json;
  *migration = (struct migration){.command = command,
                                  .tenant = db_uuid(work->arena, &command->tenant),
                                  .subscriptions = db_array_new(work->arena),
                                  .changes = db_array_new(work->arena),
                                  .periods = db_array_new(work->arena),
                                  .times = db_array_new(work->arena),
                                  .customers = db_array_new(work->arena)};
  TRY(body_int(body, "fromVersion", 1, INT32_MAX, 0, &migration->from, err));
  TRY(body_int(body, "toVersion", 1, INT32_MAX, plan->current_version, &migration->to, err));
  TRY(body_bool(body, "preview", false, &migration->is_preview, err));
  if (migration->from == 0) return error_field(err, RC_VALIDATION, "fromVersion", "is required");
  if (migration->from == migration->to)
    return error_field(err, RC_VALIDATION, "toVersion", "is the version that they have");
  return load_offers(work, migration, err);
}

/* A preview tells whose billing is to be locked, which comes first, as for everybody; then it is decided by what stands
 * in the rows. */
static enum rc decide_held(struct work *work, const struct plan *plan, struct migration *migration, struct error *err) {
  struct db_array *customers = migration->customers;
  TRY(read_request(work, migration->command, plan, migration, err));
  TRY(lock_customers(work, migration, customers, err));
  return decide(work, migration, err);
}

enum rc handle_plan_migrate(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct plan *plan;
  struct migration *migration = ARENA_NEW(work->arena, struct migration);
  int64_t version = 0;
  TRY(plan_lock(work, command, &plan, err));
  TRY(read_request(work, command, plan, migration, err));
  TRY(decide(work, migration, err));
  if (!migration->is_preview) TRY(decide_held(work, plan, migration, err));

  bool is_done = migration->is_preview || migration->moved == 0;
  if (!is_done) TRY(store(work, migration, &version, err));
  reply(work, command, 200, "plan-migration", command->subject, answer_json(work->arena, migration));
  if (!is_done) emit_migrated(work, migration, plan->code, version);
  return RC_OK;
}
