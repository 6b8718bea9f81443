/* The catalogue beyond a bare price: components, fees, minimum commitments, several currencies, versions (BILL-030 to
 * BILL-033, BILL-035), and the end of a plan. */
#include "flow.h"

TestSuite(plans, .timeout = 180);

static const char COMPONENTS[] =
    "[{'code':'platform','model':'flat','unitPrice':'250','taxCode':'saas'},"
    "{'code':'seats','model':'graduated','tiers':[{'upTo':10,'unitPrice':'10','flatFee':'2.00'},"
    "{'upTo':'20.5','unitPrice':5,'flatFee':'3'},{'upTo':null,'unitPrice':'4.987500000001'}]},"
    "{'code':'disk','model':'package','timing':'arrears','unitPrice':100,'packageSize':10,'freeUnits':'2.5'},"
    "{'code':'extra','model':'volume','tiers':[{'upTo':null,'unitPrice':'0.5','flatFee':'50'}]},"
    "{'code':'user','model':'per_unit','unitPrice':'0.000000000001'}]";

/* As it is stored and answered: unit prices are texts with the currency's digits at least, quantities are numbers. */
static const char STORED[] =
    "[{'code':'platform','model':'flat','timing':'advance','unitPrice':'250.00','taxCode':'saas'},"
    "{'code':'seats','model':'graduated','timing':'advance','tiers':[{'upTo':10,'unitPrice':'10.00','flatFee':'2.00'},"
    "{'upTo':20.5,'unitPrice':'5.00','flatFee':'3.00'},{'upTo':null,'unitPrice':'4.987500000001'}]},"
    "{'code':'disk','model':'package','timing':'arrears','unitPrice':'100.00','packageSize':10,'freeUnits':2.5},"
    "{'code':'extra','model':'volume','timing':'advance','tiers':[{'upTo':null,'unitPrice':'0.50','flatFee':'50.00'}]},"
    "{'code':'user','model':'per_unit','timing':'advance','unitPrice':'0.000000000001'}]";

static void expect_json(const json_t *actual, const char *expected, const char *what) {
  json_error_t why;
  json_t *wanted = keep_json(json_loads(quotes(expected), JSON_DECODE_ANY, &why));
  cr_assert_not_null(wanted, "%s: %s", why.text, expected);
  cr_expect(json_equal(actual, wanted), "%s is %s", what, json_dumps(actual, JSON_ENCODE_ANY));
}

Test(plans, components_come_back_in_their_stored_form) {
  struct tenant tenant = tenant_new();
  const json_t *made = api_post(&tenant, 201, "/api/plans",
                                "{'code':'team','name':'Team','currency':'EUR','interval':'month','intervalCount':3,"
                                "'prorationBasis':'second','setupFee':'100.00','minimumCommitment':500,"
                                "'components':%s,'prices':[{'currency':'JPY','price':15000},{'currency':'CHF',"
                                "'components':[{'code':'seats','model':'per_unit','unitPrice':'12.3456'}],"
                                "'setupFee':'90.00'}]}",
                                COMPONENTS);
  cr_expect(json_equal(made, api_get(&tenant, 200, "/api/plans/team")), "what was answered is not what is stored");
  expect_json(json_node_at(made, "components"), STORED, "components");
  cr_expect_null(json_at(made, "price"));
  cr_expect(json_is_null(json_object_get(made, "price")));
  cr_expect_eq(json_number_at(made, "setupFee"), 100);
  cr_expect_eq(json_number_at(made, "minimumCommitment"), 500);
  cr_expect_str_eq(json_at(made, "interval"), "month");
  cr_expect_eq(json_number_at(made, "intervalCount"), 3);
  cr_expect_str_eq(json_at(made, "prorationBasis"), "second");
  expect_json(json_node_at(made, "prices.0"),
              "{'currency':'CHF','price':null,'components':[{'code':'seats','model':'per_unit','timing':'advance',"
              "'unitPrice':'12.3456'}],'setupFee':90.00,'minimumCommitment':0.00}",
              "prices[0]");
  cr_expect_str_eq(json_at(made, "prices.1.currency"), "EUR");
  expect_json(json_node_at(made, "prices.2"),
              "{'currency':'JPY','price':15000,'components':[{'code':'base','model':'per_unit','timing':'advance',"
              "'unitPrice':'15000'}],'setupFee':0,'minimumCommitment':0}",
              "prices[2]");
}

Test(plans, a_bare_price_is_one_component) {
  struct tenant tenant = tenant_new();
  const json_t *made = api_get(&tenant, 200, "/api/plans/%s", plan_new(&tenant, "9.90", "USD", "monthly"));
  expect_json(json_node_at(made, "components"),
              "[{'code':'base','model':'per_unit','timing':'advance','unitPrice':'9.90'}]", "components");
  cr_expect_eq(json_number_at(made, "price"), 9.9);
  cr_expect_eq(json_number_at(made, "setupFee"), 0);
  cr_expect_str_eq(json_at(made, "prorationBasis"), "day");
}

/* BILL-004, BILL-031 to BILL-033: each way in which a component can be wrong, by its field. */
Test(plans, what_no_component_is_is_refused_by_field) {
  static const struct {
    const char *field, *components;
  } cases[] = {
      {"components", "[]"},
      {"components[0].code", "[{'model':'flat','unitPrice':'1'}]"},
      {"components[0].code", "[{'code':'A','model':'flat','unitPrice':'1'}]"},
      {"components[1].code",
       "[{'code':'a','model':'flat','unitPrice':'1'},{'code':'a','model':'flat','unitPrice':'2'}]"},
      {"components[0].model", "[{'code':'a','unitPrice':'1'}]"},
      {"components[0].model", "[{'code':'a','model':'stairs','unitPrice':'1'}]"},
      {"components[0].timing", "[{'code':'a','model':'flat','timing':'later','unitPrice':'1'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':'1e3'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':1e3}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':'+1'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':'.5'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':'5.'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':' 1'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':'NaN'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':'-1'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':'1.0000000000000'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':'1000000000000000.1'}]"},
      {"components[0].unitPrice", "[{'code':'a','model':'flat','unitPrice':true}]"},
      {"components[0].tiers", "[{'code':'a','model':'flat','unitPrice':'1','tiers':[{'upTo':null,'unitPrice':'1'}]}]"},
      {"components[0].packageSize", "[{'code':'a','model':'per_unit','unitPrice':'1','packageSize':5}]"},
      {"components[0].freeUnits", "[{'code':'a','model':'flat','unitPrice':'1','freeUnits':5}]"},
      {"components[0].packageSize", "[{'code':'a','model':'package','unitPrice':'1'}]"},
      {"components[0].packageSize", "[{'code':'a','model':'package','unitPrice':'1','packageSize':0}]"},
      {"components[0].tiers", "[{'code':'a','model':'graduated'}]"},
      {"components[0].unitPrice",
       "[{'code':'a','model':'volume','unitPrice':'1','tiers':[{'upTo':null,'unitPrice':'1'}]}]"},
      {"components[0].tiers[0].upTo", "[{'code':'a','model':'volume','tiers':[{'upTo':10,'unitPrice':'1'}]}]"},
      {"components[0].tiers[1].upTo",
       "[{'code':'a','model':'volume','tiers':[{'upTo':10,'unitPrice':'1'},{'upTo':10,'unitPrice':'1'},"
       "{'upTo':null,'unitPrice':'1'}]}]"},
      {"components[0].tiers[0].upTo",
       "[{'code':'a','model':'volume','tiers':[{'upTo':null,'unitPrice':'1'},{'upTo':null,'unitPrice':'1'}]}]"},
      {"components[0].tiers[0].unitPrice", "[{'code':'a','model':'volume','tiers':[{'upTo':null}]}]"},
      {"components[0].tiers[0].flatFee",
       "[{'code':'a','model':'volume','tiers':[{'upTo':null,'unitPrice':'1','flatFee':'-1'}]}]"},
      {"components[0].metric", "[{'code':'a','model':'percentage','timing':'arrears','rate':'2.9'}]"},
      {"components[0].metric", "[{'code':'a','model':'percentage','timing':'arrears','rate':'2.9','metric':'sales'}]"},
      {"components[0].metric", "[{'code':'a','model':'per_unit','timing':'arrears','unitPrice':'1','metric':'calls'}]"},
      {"components[0].colour", "[{'code':'a','model':'flat','unitPrice':'1','colour':'red'}]"},
  };
  struct tenant tenant = tenant_new();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const json_t *error = api_post(&tenant, 400, "/api/plans",
                                   "{'code':'a','name':'A','currency':'USD','billingCycle':'monthly','components':%s}",
                                   cases[i].components);
    cr_expect_str_eq(json_at(error, "field"), cases[i].field, "%s", cases[i].components);
  }
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM plans WHERE tenant_id = $1"), 0);
}

Test(plans, prices_that_contradict_are_refused_by_field) {
  static const struct {
    const char *field, *members;
  } cases[] = {
      {"price", "'currency':'USD'"},
      {"components", "'currency':'USD','price':1,'components':[{'code':'a','model':'flat','unitPrice':'1'}]"},
      {"currency", "'price':1"},
      {"prices[0].price", "'currency':'USD','price':1,'prices':[{'currency':'EUR'}]"},
      {"prices[0].components[0].unitPrice",
       "'currency':'USD','price':1,'prices':[{'currency':'EUR','components':[{'code':'a','model':'flat'}]}]"},
      {"prices[1].currency",
       "'currency':'USD','price':1,'prices':[{'currency':'EUR','price':1},{'currency':'EUR','price':2}]"},
      {"setupFee", "'currency':'USD','price':1,'setupFee':'1.001'"},
      {"setupFee", "'currency':'JPY','price':1,'setupFee':'1.0'"},
      {"minimumCommitment", "'currency':'USD','price':1,'minimumCommitment':-1"},
      {"prices[0].minimumCommitment",
       "'currency':'USD','price':1,'prices':[{'currency':'JPY','price':1,'minimumCommitment':0.5}]"},
      {"prorationBasis", "'currency':'USD','price':1,'prorationBasis':'hour'"},
      {"intervalCount", "'currency':'USD','price':1,'interval':'day','intervalCount':121"},
  };
  struct tenant tenant = tenant_new();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const json_t *error =
        api_post(&tenant, 400, "/api/plans", "{'code':'a','name':'A','billingCycle':'daily',%s}", cases[i].members);
    cr_expect_str_eq(json_at(error, "field"), cases[i].field, "%s", cases[i].members);
  }
}

/* -- "plan.update": BILL-035 -- */

static const json_t *patch(const struct tenant *tenant, int status, const char *plan, const char *body) {
  struct answer answer = api_call(tenant, "PATCH", keep_text("/api/plans/%s", plan), "%s", body);
  cr_assert_eq(answer.status, status, "PATCH %s: %d %s", body, answer.status, answer.text);
  return json_node_at(answer.json, status < 400 ? "data" : "error");
}

static int64_t versions_stored(const struct tenant *tenant, const char *plan) {
  return sql_int(tenant, keep_text("SELECT count(*) FROM plan_versions WHERE tenant_id = $1 AND plan_id = '%s'", plan));
}

Test(plans, a_new_price_is_a_version_for_subscriptions_to_come) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "monthly"), *customer = customer_new(&tenant, NULL);
  const char *early = subscription_new(&tenant, customer, plan, days_ago(0));
  const json_t *changed = patch(&tenant, 200, plan, "{'price':'12.50'}");
  cr_expect_eq(json_number_at(changed, "price"), 12.5);
  cr_expect_eq(json_number_at(changed, "planVersion"), 2);
  cr_expect_eq(json_number_at(changed, "version"), 2);
  cr_expect(json_equal(changed, api_get(&tenant, 200, "/api/plans/%s", plan)));
  const char *late = subscription_new(&tenant, customer, plan, days_ago(0));
  const json_t *kept = api_get(&tenant, 200, "/api/billing/subscriptions/%s", early),
               *fresh = api_get(&tenant, 200, "/api/billing/subscriptions/%s", late);
  cr_expect_eq(json_number_at(kept, "planVersion"), 1);
  cr_expect_eq(json_number_at(kept, "currentPrice"), 10);
  cr_expect_eq(json_number_at(fresh, "planVersion"), 2);
  cr_expect_eq(json_number_at(fresh, "currentPrice"), 12.5);

  const json_t *versions = api_get(&tenant, 200, "/api/plans/%s/versions", plan);
  cr_assert_eq(json_array_size(versions), 2);
  cr_expect_eq(json_number_at(versions, "0.planVersion"), 2);
  cr_expect_eq(json_number_at(versions, "0.price"), 12.5);
  cr_expect_eq(json_number_at(versions, "1.planVersion"), 1);
  cr_expect_eq(json_number_at(versions, "1.price"), 10);
  WAIT_UNTIL(count_messages(&tenant, "plan.updated") == 1, "plan.updated");
  const json_t *event = json_array_get(messages_of(&tenant, "plan.updated"), 0);
  cr_expect_eq(json_number_at(event, "planVersion"), 2);
  cr_expect(json_is_true(json_object_get(event, "isNewVersion")));
  cr_expect_eq(count_messages(&tenant, "plan.update"), 1);
}

Test(plans, whatever_a_plan_says_is_of_a_version_and_its_names_are_not) {
  static const struct {
    const char *body;
    int versions; /* by then */
  } steps[] = {
      {"{'name':'Other'}", 1},
      {"{'description':'What it is','metadata':{'a':1}}", 1},
      {"{'description':null,'metadata':null}", 1},
      {"{}", 1},
      {"{'price':10,'currency':'USD','interval':'month','features':[],'limits':{},'tier':null,'setupFee':0}", 1},
      {"{'price':'10.01'}", 2},
      {"{'setupFee':'5.00'}", 3},
      {"{'minimumCommitment':100}", 4},
      {"{'prorationBasis':'second'}", 5},
      {"{'intervalCount':3}", 6},
      {"{'billingCycle':'yearly'}", 7},
      {"{'features':['sso','audit']}", 8},
      {"{'limits':{'seats':5,'disk':null}}", 9},
      {"{'limits':{'disk':null,'seats':5}}", 9},
      {"{'tier':'gold'}", 10},
      {"{'prices':[{'currency':'JPY','price':1500},{'currency':'EUR','price':9}]}", 11},
      {"{'prices':[{'currency':'EUR','price':'9.00'},{'currency':'JPY','price':1500}]}", 11},
      {"{'components':[{'code':'base','model':'per_unit','unitPrice':'10.01'}]}", 12},
      {"{'components':[{'code':'seats','model':'flat','unitPrice':'7'}]}", 13},
      {"{'price':10,'setupFee':null,'minimumCommitment':null}", 14},
      {"{'name':'Both','price':11}", 15},
  };
  enum { STEPS = sizeof steps / sizeof *steps };
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "monthly");
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    const json_t *changed = patch(&tenant, 200, plan, steps[i].body);
    cr_assert_eq(json_number_at(changed, "planVersion"), steps[i].versions, "%s", steps[i].body);
    cr_assert_eq(versions_stored(&tenant, plan), steps[i].versions, "%s", steps[i].body);
  }
  const json_t *plan_now = api_get(&tenant, 200, "/api/plans/%s", plan);
  cr_expect_str_eq(json_at(plan_now, "name"), "Both");
  cr_expect_str_eq(json_at(plan_now, "billingCycle"), "yearly");
  cr_expect_str_eq(json_at(plan_now, "tier"), "gold");
  cr_expect_str_eq(json_at(plan_now, "features.1"), "audit");
  cr_expect_eq(json_number_at(plan_now, "limits.seats"), 5);
  cr_expect_eq(json_number_at(plan_now, "setupFee"), 0);
  cr_expect_eq(json_number_at(plan_now, "prices.1.price"), 1500);
  cr_expect_null(json_at(plan_now, "description"));
  cr_expect_eq(json_number_at(plan_now, "version"), STEPS + 1 - 4, "four changed nothing");
  WAIT_UNTIL(count_messages(&tenant, "plan.updated") == STEPS - 4, "events of what changed");
}

Test(plans, a_price_in_another_currency_is_another_price) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "monthly");
  patch(&tenant, 200, plan, "{'setupFee':'5.00','prices':[{'currency':'EUR','price':9}]}");
  cr_expect_str_eq(json_at(patch(&tenant, 400, plan, "{'currency':'EUR','price':9}"), "field"), "currency");
  cr_expect_str_eq(json_at(patch(&tenant, 400, plan, "{'currency':'JPY'}"), "field"), "price");
  const json_t *changed = patch(&tenant, 200, plan, "{'currency':'JPY','price':1500}");
  cr_expect_str_eq(json_at(changed, "currency"), "JPY");
  cr_expect_eq(json_number_at(changed, "setupFee"), 0, "the fee was one in dollars");
  cr_expect_eq(json_array_size(json_node_at(changed, "prices")), 2);
  patch(&tenant, 200, plan, "{'currency':'EUR','price':9,'prices':[]}");
  cr_expect_eq(versions_stored(&tenant, plan), 4);
}

Test(plans, a_change_that_is_none_is_refused_by_field) {
  static const struct {
    const char *field, *body;
  } cases[] = {
      {"code", "{'code':'other'}"},
      {"status", "{'status':'deprecated'}"},
      {"name", "{'name':null}"},
      {"name", "{'name':' '}"},
      {"price", "{'price':-1}"},
      {"price", "{'price':'1.001'}"},
      {"price", "{'price':1e2}"},
      {"components", "{'price':1,'components':[{'code':'a','model':'flat','unitPrice':'1'}]}"},
      {"components[0].tiers", "{'components':[{'code':'a','model':'volume'}]}"},
      {"components[0].metric",
       "{'components':[{'code':'a','model':'per_unit','timing':'arrears','unitPrice':'1','metric':'calls'}]}"},
      {"setupFee", "{'setupFee':'-5'}"},
      {"currency", "{'currency':'XYZ','price':1}"},
      {"prices[0].currency", "{'prices':[{'currency':'USD','price':1}]}"},
      {"prices[0].price", "{'prices':[{'currency':'EUR'}]}"},
      {"interval", "{'billingCycle':'monthly','interval':'week'}"},
      {"intervalCount", "{'intervalCount':0}"},
      {"prorationBasis", "{'prorationBasis':'hour'}"},
  };
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "monthly");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_expect_str_eq(json_at(patch(&tenant, 400, plan, cases[i].body), "field"), cases[i].field, "%s", cases[i].body);
  cr_expect_eq(versions_stored(&tenant, plan), 1);
  cr_expect_eq(sql_int(&tenant, "SELECT version FROM plans WHERE tenant_id = $1"), 1);
}

Test(plans, a_plan_is_found_by_its_code_and_changed_as_it_was_seen) {
  struct tenant tenant = tenant_new();
  api_post(&tenant, 201, "/api/plans", "{'code':'pro','name':'Pro','price':1,'currency':'USD','billingCycle':'daily'}");
  cr_expect_eq(json_number_at(patch(&tenant, 200, "pro", "{'price':2}"), "planVersion"), 2);
  patch(&tenant, 404, "basic", "{'price':2}");
  patch(&tenant, 404, new_id(), "{'price':2}");
  cr_expect_eq(api_call(&tenant, "GET", "/api/plans/basic/versions", NULL).status, 404);
  cr_expect_eq(json_array_size(api_get(&tenant, 200, "/api/plans/pro/versions")), 2);
  static const char *const seen_before[] = {"If-Match: \"1\"", NULL}, *const seen_now[] = {"If-Match: \"2\"", NULL};
  const char *body = quotes("{'price':3}");
  cr_expect_eq(http_request("PATCH", "/api/plans/pro", tenant.token, body, seen_before).status, 412);
  cr_expect_eq(http_request("PATCH", "/api/plans/pro", tenant.token, body, seen_now).status, 200);
}

Test(plans, versions_come_page_by_page) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "1.00", "USD", "monthly");
  for (int i = 2; i <= 5; i++) patch(&tenant, 200, plan, keep_text("{'price':%d}", i));
  struct answer second = api_call(&tenant, "GET", keep_text("/api/plans/%s/versions?limit=2&page=2", plan), NULL);
  cr_assert_eq(second.status, 200);
  cr_expect_eq(json_number_at(second.json, "pagination.total"), 5);
  cr_expect_eq(json_number_at(second.json, "data.0.planVersion"), 3);
  cr_expect_eq(json_number_at(second.json, "data.1.planVersion"), 2);
  const json_t *oldest = api_get(&tenant, 200, "/api/plans/%s/versions?sort=planVersion", plan);
  cr_expect_eq(json_number_at(oldest, "0.planVersion"), 1);
  const char *next = json_at(second.json, "pagination.next");
  cr_assert_not_null(next);
  cr_expect_str_eq(next, json_at(second.json, "data.1.id"));
  const json_t *last = api_get(&tenant, 200, "/api/plans/%s/versions?limit=2&after=%s", plan, next);
  cr_assert_eq(json_array_size(last), 1);
  cr_expect_eq(json_number_at(last, "0.planVersion"), 1);
  cr_expect_eq(api_call(&tenant, "GET", keep_text("/api/plans/%s/versions?after=%s", plan, plan), NULL).status, 400);
}

Test(plans, a_change_delivered_twice_is_one_change) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "1.00", "USD", "monthly");
  patch(&tenant, 200, plan, "{'price':2}");
  patch(&tenant, 200, plan, "{'price':3}");
  struct records sent = kafka_read("cloudbill.plan.commands", "ce_tenantid", tenant.id);
  for (size_t i = 0; i < sent.count; i++) send_again(&sent.at[i]);
  struct record last = sent.at[sent.count - 1];
  send_again(&last);
  cr_expect_eq(json_number_at(patch(&tenant, 200, plan, "{'name':'Later'}"), "price"), 3);
  cr_expect_eq(versions_stored(&tenant, plan), 3);
  cr_expect_eq(count_messages(&tenant, "plan.created"), 1);
}

/* -- "plan.deprecate" -- */

Test(plans, a_deprecated_plan_takes_no_new_subscription) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "monthly"), *customer = customer_new(&tenant, NULL);
  const char *subscription = subscription_new(&tenant, customer, plan, days_ago(40));
  const json_t *ended = api_post(&tenant, 200, keep_text("/api/plans/%s/deprecate", plan), "{}");
  cr_expect_str_eq(json_at(ended, "status"), "deprecated");
  cr_expect_not_null(json_at(ended, "deprecatedAt"));
  cr_expect_eq(json_number_at(ended, "version"), 2);
  const json_t *again = api_post(&tenant, 409, keep_text("/api/plans/%s/deprecate", plan), "{}");
  cr_expect_str_eq(json_at(again, "code"), "ILLEGAL_TRANSITION");
  cr_expect_eq(json_array_size(json_node_at(again, "details.allowed")), 0);
  const json_t *refused =
      api_post(&tenant, 409, "/api/billing/subscriptions", "{'customerId':'%s','planId':'%s'}", customer, plan);
  cr_expect_str_eq(json_at(refused, "field"), "planId");
  api_post(&tenant, 404, "/api/plans/none/deprecate", "{}");
  WAIT_UNTIL(count_messages(&tenant, "plan.deprecated") == 1, "plan.deprecated");
  cr_expect_eq(count_messages(&tenant, "plan.deprecate"), 2);
  billing_run(&tenant);
  cr_expect_str_eq(json_at(api_get(&tenant, 200, "/api/billing/subscriptions/%s", subscription), "status"), "active");
  cr_expect_eq(json_number_at(patch(&tenant, 200, plan, "{'price':11}"), "planVersion"), 2, "and it may be changed");
  cr_expect_eq(json_array_size(api_get(&tenant, 200, "/api/plans?status=deprecated")), 1);
}
