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
