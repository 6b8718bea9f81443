/* plan.migrate and what comes of it (BILL-035): who is moved to another version of a plan, when, and what a change, its
 * preview and its withdrawal have to do with it. */
#include "flow.h"

TestSuite(migration, .timeout = 180);

static const json_t *patch(const struct tenant *tenant, int status, const char *plan, const char *body) {
  struct answer answer = api_call(tenant, "PATCH", keep_text("/api/plans/%s", plan), "%s", body);
  cr_assert_eq(answer.status, status, "PATCH %s: %d %s", body, answer.status, answer.text);
  return json_node_at(answer.json, status < 400 ? "data" : "error");
}

/* -- "plan.migrate" -- */

static const json_t *migrate(const struct tenant *tenant, int status, const char *plan, const char *body) {
  return api_post(tenant, status, keep_text("/api/plans/%s/migrate", plan), "%s", body);
}

static int64_t changes_waiting(const struct tenant *tenant, int version) {
  return sql_int(tenant, keep_text("SELECT count(*) FROM scheduled_changes WHERE tenant_id = $1 AND status = 'pending' "
                                   "AND version_moves->0->>'toVersion' = '%d' AND version_moves->1 IS NULL",
                                   version));
}

static const char *subscribe(const struct tenant *tenant, const char *customer, const char *plan, const char *members) {
  return json_at(api_post(tenant, 201, "/api/billing/subscriptions", "{'customerId':'%s','planId':'%s'%s}", customer,
                          plan, members),
                 "id");
}

Test(migration, all_subscriptions_of_a_version_are_moved_at_their_next_boundary) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "monthly"), *customer = customer_new(&tenant, NULL);
  patch(&tenant, 200, plan, "{'prices':[{'currency':'EUR','price':9}]}");
  const char *mine = subscribe(&tenant, customer, plan, ",'quantity':3");
  subscribe(&tenant, customer, plan, ",'currency':'EUR'");
  subscribe(&tenant, customer, plan, ",'currentPrice':'7.00'");
  subscribe(&tenant, customer, plan, ",'autoRenew':false");
  const char *gone = subscribe(&tenant, customer, plan, "");
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", gone), "{'immediately':true}");
  patch(&tenant, 200, plan, "{'price':12,'prices':[{'currency':'EUR','price':'8.50'}]}");
  const char *fresh = subscribe(&tenant, customer, plan, "");

  const json_t *preview = migrate(&tenant, 200, plan, "{'fromVersion':2,'preview':true}");
  cr_expect(json_is_true(json_object_get(preview, "preview")));
  cr_expect_eq(json_number_at(preview, "toVersion"), 3, "the current one");
  cr_expect_eq(json_number_at(preview, "subscriptions"), 2);
  cr_expect_eq(json_number_at(preview, "overridden"), 1);
  cr_expect_eq(json_number_at(preview, "ending"), 1);
  cr_expect_eq(json_number_at(preview, "leaving"), 0);
  cr_expect_eq(json_array_size(json_node_at(preview, "amounts")), 2);
  for (size_t i = 0; i < 2; i++) {
    const json_t *sum = json_array_get(json_node_at(preview, "amounts"), i);
    bool is_euro = strcmp(json_at(sum, "currency"), "EUR") == 0;
    cr_expect_eq(json_number_at(sum, "subscriptions"), 1);
    cr_expect_eq(json_number_at(sum, "oldTotal"), is_euro ? 9 : 30);
    cr_expect_eq(json_number_at(sum, "newTotal"), is_euro ? 8.5 : 36);
  }
  cr_expect_eq(changes_waiting(&tenant, 3), 0, "a preview writes nothing");
  cr_expect_eq(count_messages(&tenant, "plan.migrated"), 0);

  const json_t *done = migrate(&tenant, 200, plan, "{'fromVersion':2}");
  cr_expect_eq(json_number_at(done, "subscriptions"), 2);
  cr_expect_eq(changes_waiting(&tenant, 3), 2);
  cr_expect_eq(sql_int(&tenant, keep_text("SELECT count(*) FROM scheduled_changes c JOIN subscriptions s ON s.id = "
                                          "c.subscription_id WHERE c.tenant_id = $1 AND s.id = '%s' AND c.period_index "
                                          "= s.next_period_index AND c.effective_at = s.next_billing_at",
                                          mine)),
               1);
  cr_expect_eq(json_number_at(api_get(&tenant, 200, "/api/billing/subscriptions/%s", mine), "planVersion"), 2);
  cr_expect_eq(json_number_at(api_get(&tenant, 200, "/api/billing/subscriptions/%s", fresh), "planVersion"), 3);
  WAIT_UNTIL(count_messages(&tenant, "plan.migrated") == 1, "plan.migrated");
  const json_t *event = json_array_get(messages_of(&tenant, "plan.migrated"), 0);
  cr_expect_eq(json_number_at(event, "subscriptions"), 2);
  cr_expect_eq(count_messages(&tenant, "plan.migrate"), 2);

  cr_expect_eq(json_number_at(migrate(&tenant, 200, plan, "{'fromVersion':2}"), "subscriptions"), 0, "once is enough");
  patch(&tenant, 200, plan, "{'price':13}");
  cr_expect_eq(json_number_at(migrate(&tenant, 200, plan, "{'fromVersion':2}"), "subscriptions"), 2);
  cr_expect_eq(changes_waiting(&tenant, 3), 0);
  cr_expect_eq(changes_waiting(&tenant, 4), 2, "the newer one takes the place of what waited");
}

/* BILL-055: who renews early says whether at the old price or at the new one. */
Test(migration, a_renewal_waits_for_a_migration_or_takes_its_place) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "monthly"), *customer = customer_new(&tenant, NULL);
  const char *id = keep_text("/api/billing/subscriptions/%s", subscribe(&tenant, customer, plan, ""));
  patch(&tenant, 200, plan, "{'price':12}");
  migrate(&tenant, 200, plan, "{'fromVersion':1}");
  const json_t *refused = api_post(&tenant, 409, keep_text("%s/renew", id), "{}");
  cr_expect_not_null(strstr(json_at(refused, "message"), "a move to another version"));
  const char *change = json_at(refused, "details.changeId");
  struct answer withdrawn = api_call(&tenant, "DELETE", keep_text("%s/scheduled-changes/%s", id, change), NULL);
  cr_expect_eq(withdrawn.status, 204, "%s", withdrawn.text);
  api_post(&tenant, 200, keep_text("%s/renew", id), "{}");
  WAIT_UNTIL(sql_int(&tenant, "SELECT COALESCE(sum(total_minor), 0)::bigint FROM invoices WHERE tenant_id = $1") ==
                 2000,
             "both periods at the old price");
  expect_sound_books(&tenant);
}

/* What is due and not billed yet is billed at the version of its time. */
Test(migration, a_migration_is_for_boundaries_that_have_not_come) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "monthly"), *customer = customer_new(&tenant, NULL);
  subscription_new(&tenant, customer, plan, days_ago(100)); /* further periods are left to the next run */
  patch(&tenant, 200, plan, "{'price':12}");
  migrate(&tenant, 200, plan, "{'fromVersion':1}");
  cr_expect_eq(sql_int(&tenant,
                       "SELECT count(*) FROM scheduled_changes c JOIN subscriptions s ON s.id = c.subscription_id "
                       "WHERE c.tenant_id = $1 AND c.effective_at > now() AND c.effective_at < now() + '32 days' "
                       "AND c.period_index > s.next_period_index"),
               1);
}

Test(migration, what_could_not_be_billed_refuses_the_whole_migration) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "monthly"), *customer = customer_new(&tenant, NULL);
  patch(&tenant, 200, plan, "{'prices':[{'currency':'EUR','price':9}]}");
  subscribe(&tenant, customer, plan, ",'currency':'EUR'");
  subscribe(&tenant, customer, plan, "");
  patch(&tenant, 200, plan, "{'prices':[]}");
  const json_t *error = migrate(&tenant, 409, plan, "{'fromVersion':2}");
  cr_expect_str_eq(json_at(error, "field"), "toVersion");
  cr_expect_eq(changes_waiting(&tenant, 3), 0, "nothing is half done");
  static const struct {
    int status;
    const char *field, *body;
  } cases[] = {
      {400, "fromVersion", "{}"},
      {400, "fromVersion", "{'fromVersion':0}"},
      {400, "toVersion", "{'fromVersion':3}"},
      {400, "toVersion", "{'fromVersion':1,'toVersion':1}"},
      {400, "preview", "{'fromVersion':1,'preview':'yes'}"},
      {404, "fromVersion", "{'fromVersion':7}"},
      {404, "toVersion", "{'fromVersion':1,'toVersion':7}"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_expect_str_eq(json_at(migrate(&tenant, cases[i].status, plan, cases[i].body), "field"), cases[i].field, "%s",
                     cases[i].body);
  migrate(&tenant, 404, "none", "{'fromVersion':1}");
}

/* -- "subscription.migration_scheduled": what belongs to the version beside subscriptions of it -- */

struct mover {
  struct tenant tenant;
  const char *clock, *customer, *plan, *other; /* 10.00 with a setup fee of 3.00, and 20.00 a month */
};

static const char *plan_of(const struct tenant *tenant, const char *price, const char *members) {
  const char *month = strstr(members, "billingCycle") ? "" : ",'billingCycle':'monthly'";
  return plan_with(tenant, "'price':'%s'%s%s", price, month, members);
}

static struct mover mover_new(void) {
  struct mover m = {.tenant = tenant_new_test()};
  m.clock = test_clock_new(&m.tenant, "2031-01-10T12:00:00Z");
  m.customer = customer_new(&m.tenant, "'testClockId':'%s'", m.clock);
  m.plan = plan_of(&m.tenant, "10.00", ",'setupFee':'3.00'");
  m.other = plan_of(&m.tenant, "20.00", "");
  return m;
}

static const json_t *subscription_of(const struct mover *m, const char *id) {
  return api_get(&m->tenant, 200, "/api/billing/subscriptions/%s", id);
}

static const json_t *waiting(const struct mover *m, const char *id) {
  const json_t *list = api_get(&m->tenant, 200, "/api/billing/subscriptions/%s/scheduled-changes", id);
  return json_array_get(list, 0);
}

static void change(const struct mover *m, const char *id, const char *body) {
  api_post(&m->tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", id), "%s", body);
}

/* What was invoiced on a day: component and amount of each line. */
static const char *invoiced_on(const struct mover *m, const char *day) {
  return sql_text(
      &m->tenant,
      keep_text("SELECT string_agg(i.item || ' ' || i.component || ' ' || i.amount_minor, ', ' ORDER BY "
                "i.item, i.component, i.amount_minor) FROM invoice_items i JOIN invoices v ON v.tenant_id = "
                "i.tenant_id AND v.id = i.invoice_id WHERE v.tenant_id = $1 AND v.issue_date = '%s'",
                day));
}

static const char *happened_at(const struct mover *m, const char *id, const char *what) {
  size_t index;
  json_t *row;
  const json_t *timeline = api_get(&m->tenant, 200, "/api/billing/subscriptions/%s/timeline", id);
  json_array_foreach((json_t *)(uintptr_t)timeline, index, row) {
    if (strcmp(json_at(row, "what"), what) == 0) return json_at(row, "at");
  }
  return "";
}

/* BILL-035: an add-on keeps its place, and pays no setup fee again. */
Test(migration, add_ons_of_a_version_are_moved_too) {
  struct mover m = mover_new();
  const char *id =
      subscribe(&m.tenant, m.customer, m.other, keep_text(",'items':[{'planId':'%s','quantity':2}]", m.plan));
  const char *own =
      subscribe(&m.tenant, m.customer, m.plan, keep_text(",'currentPrice':'7.00','items':[{'planId':'%s'}]", m.plan));
  patch(&m.tenant, 200, m.plan, "{'price':11}");
  const json_t *preview = migrate(&m.tenant, 200, m.plan, "{'fromVersion':1,'preview':true}");
  cr_expect_eq(json_number_at(preview, "subscriptions"), 2);
  cr_expect_eq(json_number_at(preview, "items"), 2);
  cr_expect_eq(json_number_at(preview, "overridden"), 1, "a price that was agreed on stays; its add-on does not");
  cr_expect_eq(json_number_at(preview, "amounts.0.oldTotal"), 30);
  cr_expect_eq(json_number_at(preview, "amounts.0.newTotal"), 33);
  cr_expect_eq(json_number_at(preview, "amounts.0.items"), 2);

  const json_t *before = subscription_of(&m, id);
  cr_expect_eq(json_number_at(migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}"), "items"), 2);
  const json_t *shown = subscription_of(&m, id);
  cr_expect_eq(json_number_at(shown, "version"), json_number_at(before, "version") + 1);
  const char *const headers[] = {keep_text("If-Match: \"%.0f\"", json_number_at(before, "version")), NULL};
  cr_expect_eq(http_request("PATCH", keep_text("/api/billing/subscriptions/%s", id), m.tenant.token,
                            "{\"metadata\":{}}", headers)
                   .status,
               412, "what somebody saw before has changed");
  WAIT_UNTIL(count_messages(&m.tenant, "subscription.migration_scheduled") == 2, "an event for each");
  const json_t *events = messages_of(&m.tenant, "subscription.migration_scheduled");
  cr_expect_eq(json_number_at(events, "0.toVersion"), 2);
  cr_expect_str_eq(json_at(events, "0.at"), "2031-02-10T00:00:00.000Z");
  cr_expect_str_eq(happened_at(&m, id, "migration_scheduled"), "2031-01-10T12:00:00.000Z", "at the customer's time");
  cr_expect_eq(json_number_at(migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}"), "subscriptions"), 0);

  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  cr_expect_str_eq(invoiced_on(&m, "2031-02-10"), "0 base 700, 0 base 2000, 1 base 1100, 1 base 2200");
  cr_expect_eq(json_number_at(subscription_of(&m, id), "items.0.item"), 1);
  cr_expect_eq(json_number_at(subscription_of(&m, id), "items.0.planVersion"), 2);
  cr_expect_eq(json_number_at(subscription_of(&m, own), "planVersion"), 1);
  cr_expect_eq(json_number_at(subscription_of(&m, own), "currentPrice"), 7);
  expect_sound_books(&m.tenant);
}

/* A move is of what has the version by then: who has left it meanwhile is not fetched back. */
Test(migration, a_migration_moves_nobody_who_has_gone) {
  struct mover m = mover_new();
  const char *id = subscribe(&m.tenant, m.customer, m.plan, "");
  patch(&m.tenant, 200, m.plan, "{'price':11}");
  migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}");
  change(&m, id, keep_text("{'planId':'%s','when':'now'}", m.other));
  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  cr_expect_str_eq(json_at(subscription_of(&m, id), "planId"), m.other);
  cr_expect_str_eq(invoiced_on(&m, "2031-02-10"), "0 base 2000");
  expect_sound_books(&m.tenant);
}

/* Who asked for the end of all add-ons has none, and who asks for more afterwards is moved all the same. */
Test(migration, a_migration_and_a_change_are_both_done) {
  struct mover m = mover_new();
  const char *before =
      subscribe(&m.tenant, m.customer, m.plan, keep_text(",'items':[{'planId':'%s','quantity':1}]", m.other));
  const char *after = subscribe(&m.tenant, m.customer, m.plan, "");
  change(&m, before, "{'items':[],'when':'period_end'}");
  patch(&m.tenant, 200, m.plan, "{'price':11}");
  cr_expect_eq(json_number_at(migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}"), "subscriptions"), 2);
  change(&m, after, "{'quantity':3,'when':'period_end'}");
  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  cr_expect_eq(json_array_size(json_node_at(subscription_of(&m, before), "items")), 0);
  cr_expect_eq(json_number_at(subscription_of(&m, before), "planVersion"), 2);
  cr_expect_eq(json_number_at(subscription_of(&m, after), "planVersion"), 2);
  cr_expect_str_eq(invoiced_on(&m, "2031-02-10"), "0 base 1100, 0 base 3300");
  expect_sound_books(&m.tenant);
}

/* Changes that wait for the version: by their plan, among their add-ons, by a migration. */
Test(migration, who_is_on_the_way_to_a_version_comes_to_the_new_one) {
  struct mover m = mover_new();
  const char *by_plan = subscribe(&m.tenant, m.customer, m.other, "");
  const char *by_item = subscribe(&m.tenant, m.customer, m.other, "");
  const char *keeps = subscribe(&m.tenant, m.customer, m.plan, "");
  change(&m, by_plan, keep_text("{'planId':'%s','when':'period_end'}", m.plan));
  change(&m, by_item, keep_text("{'items':[{'planId':'%s'}],'when':'period_end'}", m.plan));
  change(&m, keeps, "{'quantity':3,'when':'period_end'}");
  patch(&m.tenant, 200, m.plan, "{'price':11}");
  const json_t *done = migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}");
  cr_expect_eq(json_number_at(done, "subscriptions"), 3);
  cr_expect_eq(json_number_at(done, "coming"), 2);
  cr_expect_eq(json_number_at(waiting(&m, by_plan), "planVersion"), 2);
  cr_expect_eq(json_number_at(waiting(&m, by_item), "items.0.planVersion"), 2);
  cr_expect_eq(json_number_at(waiting(&m, keeps), "quantity"), 3, "what was asked for before is asked for still");
  patch(&m.tenant, 200, m.plan, "{'price':12}");
  cr_expect_eq(json_number_at(migrate(&m.tenant, 200, m.plan, "{'fromVersion':2}"), "coming"), 3);
  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  const char *const ids[] = {by_plan, keeps};
  for (size_t i = 0; i < 2; i++) cr_expect_eq(json_number_at(subscription_of(&m, ids[i]), "planVersion"), 3);
  cr_expect_eq(json_number_at(subscription_of(&m, by_item), "items.0.planVersion"), 3);
  cr_expect_str_eq(invoiced_on(&m, "2031-02-10"), "0 base 1200, 0 base 2000, 0 base 3600, 1 base 1200, 1 setup 300");
  expect_sound_books(&m.tenant);
}

/* -- what a migration that waits has to do with changes -- */

static const json_t *preview_of(const struct mover *m, int status, const char *id, const char *body) {
  return api_post(&m->tenant, status, keep_text("/api/billing/subscriptions/%s/preview", id), "%s", body);
}

/* Amounts of the next invoice's lines, as the preview has them: "item component amount" in the order of invoiced_on. */
static const char *foreseen(const json_t *preview) {
  const json_t *items = json_node_at(preview, "nextInvoice.items");
  const char *text = "";
  for (size_t i = 0; i < json_array_size(items); i++)
    text = keep_text("%s%s%.0f", text, *text ? ", " : "", 100 * json_number_at(json_array_get(items, i), "amount"));
  return text;
}

static const char *amounts_on(const struct mover *m, const char *id, const char *day) {
  return sql_text(&m->tenant,
                  keep_text("SELECT string_agg(i.amount_minor::text, ', ' ORDER BY i.line) FROM invoice_items i "
                            "JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id "
                            "WHERE v.tenant_id = $1 AND i.subscription_id = '%s' AND v.issue_date = '%s'",
                            id, day));
}

/* BILL-052: a preview and its change are one decision, the migration that waits is a part of it. An add-on that goes on
 * keeps its place, and pays no setup fee again. */
Test(migration, is_seen_by_the_preview_of_a_change) {
  enum { CASES = 3 };
  struct mover m = mover_new();
  const char *ids[CASES], *shown[CASES];
  const char *add_on = plan_of(&m.tenant, "5.00", ",'setupFee':'1.00'");
  const char *const bodies[CASES] = {
      "{'quantity':3,'when':'period_end'}",
      "{'quantity':5,'when':'now','billing':'next_invoice'}",
      keep_text("{'items':[{'planId':'%s','quantity':4}],'when':'period_end'}", add_on),
  };
  for (int n = 0; n < CASES; n++) {
    const char *customer = customer_new(&m.tenant, "'testClockId':'%s'", m.clock);
    ids[n] = subscribe(&m.tenant, customer, m.plan, keep_text(",'items':[{'planId':'%s'}]", add_on));
  }
  patch(&m.tenant, 200, m.plan, "{'price':'11.11'}");
  patch(&m.tenant, 200, add_on, "{'price':'5.55'}");
  migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}");
  migrate(&m.tenant, 200, add_on, "{'fromVersion':1}");
  test_clock_advance(&m.tenant, m.clock, "2031-01-20T12:00:00Z");
  for (int n = 0; n < CASES; n++) {
    shown[n] = foreseen(preview_of(&m, 200, ids[n], bodies[n]));
    change(&m, ids[n], bodies[n]);
  }
  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  cr_expect_str_eq(amounts_on(&m, ids[0], "2031-02-10"), "3333, 555");
  cr_expect_str_eq(amounts_on(&m, ids[2], "2031-02-10"), "1111, 2220");
  for (int n = 0; n < CASES; n++) cr_expect_str_eq(shown[n], amounts_on(&m, ids[n], "2031-02-10"), "%s", bodies[n]);
  expect_sound_books(&m.tenant);
}

/* What waits is for what the subscription is by then, in the preview of another change as well. */
Test(migration, and_changes_that_wait_are_for_what_is_there_by_then) {
  struct mover m = mover_new();
  const char *id = subscribe(&m.tenant, m.customer, m.plan, "");
  change(&m, id, "{'quantity':3,'when':'period_end'}");
  const char *body = keep_text("{'planId':'%s','when':'now','billing':'next_invoice'}", m.other);
  const char *shown = foreseen(preview_of(&m, 200, id, body));
  change(&m, id, body);
  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  cr_expect(strstr(amounts_on(&m, id, "2031-02-10"), "6000"), "three at the price of the other plan");
  cr_expect_str_eq(shown, amounts_on(&m, id, "2031-02-10"));
  expect_sound_books(&m.tenant);
}

static void act(const struct mover *m, const char *id, const char *verb) {
  api_post(&m->tenant, 200, keep_text("/api/billing/subscriptions/%s/%s", id, verb), "{}");
}

/* Another interval, begun now, passes the boundary that a change was asked for: it waits for the next one, with the
 * setup fee of its add-ons, and no period comes twice when that one passes during a suspension. */
Test(migration, and_changes_that_wait_go_on_to_the_first_boundary_of_another_interval) {
  struct mover m = mover_new();
  const char *weekly = plan_of(&m.tenant, "3.00", ",'billingCycle':'weekly'");
  const char *add_on = plan_of(&m.tenant, "5.00", ",'setupFee':'1.00'");
  const char *with_fee = subscribe(&m.tenant, m.customer, m.plan, ""),
             *suspended = subscribe(&m.tenant, m.customer, m.plan, "");
  change(&m, with_fee, keep_text("{'planId':'%s','items':[{'planId':'%s'}],'when':'period_end'}", m.other, add_on));
  change(&m, suspended, keep_text("{'planId':'%s','quantity':2,'when':'period_end'}", m.other));
  test_clock_advance(&m.tenant, m.clock, "2031-01-20T12:00:00Z");
  change(&m, with_fee, keep_text("{'planId':'%s','when':'now','billing':'now'}", weekly));
  change(&m, suspended, keep_text("{'planId':'%s','when':'now','billing':'now'}", weekly));
  act(&m, suspended, "suspend");
  test_clock_advance(&m.tenant, m.clock, "2031-01-27T12:00:00Z");
  cr_expect_str_eq(invoiced_on(&m, "2031-01-27"), "0 base 2000, 1 base 500, 1 setup 100");
  test_clock_advance(&m.tenant, m.clock, "2031-02-03T12:00:00Z");
  act(&m, suspended, "reactivate"); /* 24 of 31 days of the month that began on January 27 */
  test_clock_advance(&m.tenant, m.clock, "2031-02-03T13:00:00Z");
  cr_expect_str_eq(invoiced_on(&m, "2031-02-03"), "0 base 3097");
  test_clock_advance(&m.tenant, m.clock, "2031-02-27T12:00:00Z");
  cr_expect_str_eq(invoiced_on(&m, "2031-02-27"), "0 base 2000, 0 base 4000, 1 base 500");
  expect_sound_books(&m.tenant);
}

/* Taking a change back is no word about the migration. */
Test(migration, stays_when_a_change_is_withdrawn) {
  struct mover m = mover_new();
  const char *id = subscribe(&m.tenant, m.customer, m.plan, keep_text(",'items':[{'planId':'%s'}]", m.other));
  patch(&m.tenant, 200, m.plan, "{'price':11}");
  migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}");
  change(&m, id, "{'quantity':3,'when':'period_end'}");
  const char *changes = keep_text("/api/billing/subscriptions/%s/scheduled-changes", id);
  const char *asked = json_at(waiting(&m, id), "id");
  cr_assert_eq(api_call(&m.tenant, "DELETE", keep_text("%s/%s", changes, asked), NULL).status, 204);
  const json_t *left = waiting(&m, id);
  cr_expect_str_eq(json_at(left, "status"), "pending");
  cr_expect_str_neq(json_at(left, "id"), asked);
  cr_expect_null(json_node_at(left, "versionMoves.1"));
  cr_expect_str_eq(json_at(left, "versionMoves.0.planId"), m.plan);
  cr_expect_eq(json_number_at(left, "versionMoves.0.toVersion"), 2);
  cr_expect_str_eq(json_at(left, "effectiveAt"), "2031-02-10T00:00:00.000Z");
  WAIT_UNTIL(count_messages(&m.tenant, "subscription.change_withdrawn") == 1, "the event");
  cr_expect_str_eq(json_at(messages_of(&m.tenant, "subscription.change_withdrawn"), "0.remainingChangeId"),
                   json_at(left, "id"));
  cr_expect_eq(json_number_at(migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}"), "subscriptions"), 0);
  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  cr_expect_eq(json_number_at(subscription_of(&m, id), "planVersion"), 2);
  cr_expect_str_eq(invoiced_on(&m, "2031-02-10"), "0 base 1100, 1 base 2000");
  expect_sound_books(&m.tenant);
}

/* Nor a word about billing: who is suspended is not billed until the reactivation. */
Test(migration, and_changes_are_withdrawn_from_who_is_suspended) {
  struct mover m = mover_new();
  const char *id = subscribe(&m.tenant, m.customer, m.plan, "");
  change(&m, id, "{'quantity':3,'when':'period_end'}");
  act(&m, id, "suspend");
  const char *path =
      keep_text("/api/billing/subscriptions/%s/scheduled-changes/%s", id, json_at(waiting(&m, id), "id"));
  cr_assert_eq(api_call(&m.tenant, "DELETE", path, NULL).status, 204);
  cr_expect_null(json_at(subscription_of(&m, id), "nextBillingDate"));
  test_clock_advance(&m.tenant, m.clock, "2031-03-10T12:00:00Z");
  cr_expect_eq(sql_int(&m.tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1"), 1);
  act(&m, id, "reactivate");
  test_clock_advance(&m.tenant, m.clock, "2031-03-10T13:00:00Z");
  cr_expect_str_eq(invoiced_on(&m, "2031-03-10"), "0 base 1000");
  expect_sound_books(&m.tenant);
}

/* By its own id it is taken back, and with a change that alone led to the version nothing is left. */
Test(migration, can_be_withdrawn_itself_and_does_not_outlive_its_reason) {
  struct mover m = mover_new();
  const char *moved = subscribe(&m.tenant, m.customer, m.plan, ""),
             *coming = subscribe(&m.tenant, m.customer, m.other, "");
  change(&m, coming, keep_text("{'planId':'%s','when':'period_end'}", m.plan));
  patch(&m.tenant, 200, m.plan, "{'price':11}");
  cr_expect_eq(json_number_at(migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}"), "subscriptions"), 2);
  const char *const ids[] = {moved, coming};
  for (size_t i = 0; i < 2; i++) {
    cr_expect_eq(api_call(&m.tenant, "DELETE",
                          keep_text("/api/billing/subscriptions/%s/scheduled-changes/%s", ids[i],
                                    json_at(waiting(&m, ids[i]), "id")),
                          NULL)
                     .status,
                 204);
    cr_expect_str_eq(json_at(waiting(&m, ids[i]), "status"), "withdrawn");
  }
  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  cr_expect_str_eq(invoiced_on(&m, "2031-02-10"), "0 base 1000, 0 base 2000");
  expect_sound_books(&m.tenant);
}

/* -- another interval -- */

static void expect_refused(const struct mover *m, const char *why) {
  cr_expect_str_eq(json_at(migrate(&m->tenant, 409, m->plan, "{'fromVersion':1,'preview':true}"), "field"), "toVersion",
                   "%s", why);
  cr_expect_str_eq(json_at(migrate(&m->tenant, 409, m->plan, "{'fromVersion':1}"), "field"), "toVersion", "%s", why);
  cr_expect_eq(changes_waiting(&m->tenant, 2), 0, "%s", why);
}

/* It would be parked at its boundary: add-ons have no price for another interval (BILL-030). */
Test(migration, to_another_interval_looks_at_add_ons_that_a_change_will_bring) {
  struct mover m = mover_new();
  const char *id = subscribe(&m.tenant, m.customer, m.plan, "");
  patch(&m.tenant, 200, m.plan, "{'billingCycle':'yearly','price':100}");
  change(&m, id, keep_text("{'items':[{'planId':'%s'}],'when':'period_end'}", m.other));
  expect_refused(&m, "add-ons that will come");
  change(&m, id, "{'items':[],'when':'period_end'}");
  cr_expect_eq(json_number_at(migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}"), "subscriptions"), 1);
  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  cr_expect_str_eq(invoiced_on(&m, "2031-02-10"), "0 base 10000");
  expect_sound_books(&m.tenant);
}

/* The other way round, the migration being there first. */
Test(migration, to_another_interval_lets_no_add_ons_come_in_between) {
  struct mover m = mover_new();
  const char *id = subscribe(&m.tenant, m.customer, m.plan, "");
  patch(&m.tenant, 200, m.plan, "{'billingCycle':'yearly','price':100}");
  migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}");
  static const char *const times[] = {"now", "period_end"};
  for (size_t i = 0; i < 2; i++) {
    const char *body = keep_text("{'items':[{'planId':'%s'}],'when':'%s'}", m.other, times[i]);
    preview_of(&m, 409, id, body);
    api_post(&m.tenant, 409, keep_text("/api/billing/subscriptions/%s/change-plan", id), "%s", body);
  }
  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  cr_expect_str_eq(invoiced_on(&m, "2031-02-10"), "0 base 10000");
  expect_sound_books(&m.tenant);
}

/* Add-ons that are there, and will be gone by then, stand in nobody's way. */
Test(migration, to_another_interval_does_not_mind_add_ons_that_end) {
  struct mover m = mover_new();
  const char *id = subscribe(&m.tenant, m.customer, m.plan, keep_text(",'items':[{'planId':'%s'}]", m.other));
  patch(&m.tenant, 200, m.plan, "{'billingCycle':'yearly','price':100}");
  expect_refused(&m, "add-ons that are there");
  change(&m, id, "{'items':[],'when':'period_end'}");
  cr_expect_eq(json_number_at(migrate(&m.tenant, 200, m.plan, "{'fromVersion':1}"), "subscriptions"), 1);
  test_clock_advance(&m.tenant, m.clock, "2031-02-10T12:00:00Z");
  cr_expect_str_eq(invoiced_on(&m, "2031-02-10"), "0 base 10000");
  expect_sound_books(&m.tenant);
}
