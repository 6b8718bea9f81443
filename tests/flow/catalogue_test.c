/* customer.create and plan.create: what was sent comes back, what was left out is the tenant's, what is wrong is named.
 */
#include "flow.h"

TestSuite(catalogue, .timeout = 180);

/* -- "customer.create" -- */

Test(catalogue, a_customer_comes_back_as_it_was_sent) {
  struct tenant tenant = tenant_new();
  const json_t *made =
      api_post(&tenant, 201, "/api/customers",
               "{'name':'東京データ株式会社 🗼','email':'keiri@tokyo.example','phone':'+81 3-1234-5678',"
               "'address':{'line1':'1-1','city':'千代田区','country':'JP','postalCode':'100-0001'},"
               "'locale':'ja','timeZone':'Asia/Tokyo','currency':'JPY','netTermsDays':45,'taxExempt':true,"
               "'taxIds':[{'type':'jp_cn','value':'1234567890123'}],'preferences':{'paper':false},"
               "'metadata':{'n':1.50,'t':'x'}}");
  const json_t *shown = api_get(&tenant, 200, "/api/customers/%s", json_at(made, "id"));
  cr_expect(json_equal(made, shown), "what was answered is not what is stored");
  cr_expect_str_eq(json_at(shown, "name"), "東京データ株式会社 🗼");
  cr_expect_str_eq(json_at(shown, "address.city"), "千代田区");
  cr_expect_str_eq(json_at(shown, "timeZone"), "Asia/Tokyo");
  cr_expect_str_eq(json_at(shown, "taxIds.0.value"), "1234567890123");
  cr_expect_eq(json_number_at(shown, "netTermsDays"), 45);
  cr_expect_eq(json_number_at(shown, "metadata.n"), 1.5);
  cr_expect_eq(json_number_at(shown, "version"), 1);
  WAIT_UNTIL(count_messages(&tenant, "customer.created") == 1, "customer.created");
  cr_expect_eq(count_messages(&tenant, "customer.create"), 1);
}

Test(catalogue, a_customer_has_the_tenant_s_defaults) {
  struct tenant tenant = tenant_new_with("EUR", "Europe/Lisbon");
  const json_t *made = api_post(&tenant, 201, "/api/customers", "{'name':'A','email':'a@b.example'}");
  cr_expect_str_eq(json_at(made, "currency"), "EUR");
  cr_expect_str_eq(json_at(made, "timeZone"), "Europe/Lisbon");
  cr_expect_str_eq(json_at(made, "locale"), "en");
  cr_expect_eq(json_number_at(made, "netTermsDays"), 0);
  cr_expect_null(json_at(made, "phone"));
}

struct refusal {
  int status;
  const char *field, *body;
};

static void expect_refusals(const char *path, const struct refusal *cases, size_t count) {
  struct tenant tenant = tenant_new();
  for (size_t i = 0; i < count; i++) {
    const json_t *error = api_post(&tenant, cases[i].status, path, "%s", cases[i].body);
    cr_expect_str_eq(json_at(error, "code"), cases[i].status == 409 ? "CONFLICT" : "VALIDATION_ERROR", "%s",
                     cases[i].body);
    cr_expect_str_eq(json_at(error, "field"), cases[i].field, "%s", cases[i].body);
  }
}

Test(catalogue, a_customer_that_is_none_is_refused_by_field) {
  static const struct refusal cases[] = {
      {400, "email", "{'name':'A'}"},
      {400, "name", "{'name':'','email':'a@b.example'}"},
      {400, "name", "{'name':'A\\r\\nBcc: x','email':'a@b.example'}"},
      {400, "email", "{'name':'A','email':'a b@c.example'}"},
      {400, "email", "{'name':'A','email':'a@b.example\\r\\nBcc: x'}"},
      {400, "currency", "{'name':'A','email':'a@b.example','currency':'XXX'}"},
      {400, "timeZone", "{'name':'A','email':'a@b.example','timeZone':'Europe/Atlantis'}"},
      {400, "timeZone", "{'name':'A','email':'a@b.example','timeZone':'../../etc/passwd'}"},
      {400, "netTermsDays", "{'name':'A','email':'a@b.example','netTermsDays':366}"},
      {400, "address.country", "{'name':'A','email':'a@b.example','address':{'country':'Germany'}}"},
      {400, "nickname", "{'name':'A','email':'a@b.example','nickname':'B'}"},
  };
  expect_refusals("/api/customers", cases, sizeof cases / sizeof *cases);
}

/* -- "plan.create" -- */

Test(catalogue, a_plan_comes_back_as_it_was_sent) {
  struct tenant tenant = tenant_new();
  const json_t *made =
      api_post(&tenant, 201, "/api/plans",
               "{'code':'pro','name':'Pro','description':'For teams','price':'49.00','currency':'USD',"
               "'billingCycle':'monthly','prices':[{'currency':'JPY','price':7000},"
               "{'currency':'KWD','price':'15.250'}],'features':['sso'],'limits':{'seats':25,'disk':null},"
               "'tier':'pro','metadata':{'a':'b'}}");
  const json_t *by_id = api_get(&tenant, 200, "/api/plans/%s", json_at(made, "id"));
  const json_t *by_code = api_get(&tenant, 200, "/api/plans/pro");
  cr_expect(json_equal(made, by_id) && json_equal(made, by_code), "what was answered is not what is stored");
  cr_expect_eq(json_number_at(made, "price"), 49.00);
  cr_expect_eq(json_number_at(made, "planVersion"), 1);
  cr_expect_eq(json_array_size(json_node_at(made, "prices")), 3);
  cr_expect_eq(json_number_at(made, "limits.seats"), 25);
  WAIT_UNTIL(count_messages(&tenant, "plan.created") == 1, "plan.created");
  cr_expect_eq(count_messages(&tenant, "plan.create"), 1);
}

Test(catalogue, a_plan_that_is_none_is_refused_by_field) {
  static const struct refusal cases[] = {
      {400, "price", "{'code':'a','name':'A','price':'1.234','currency':'USD','billingCycle':'monthly'}"},
      {400, "price", "{'code':'a','name':'A','price':1.5,'currency':'JPY','billingCycle':'monthly'}"},
      {400, "price", "{'code':'a','name':'A','price':-1,'currency':'USD','billingCycle':'monthly'}"},
      {400, "price", "{'code':'a','name':'A','price':99999999999999,'currency':'USD','billingCycle':'monthly'}"},
      {400, "currency", "{'code':'a','name':'A','price':1,'currency':'ABC','billingCycle':'monthly'}"},
      {400, "code", "{'code':'A B','name':'A','price':1,'currency':'USD','billingCycle':'monthly'}"},
      {400, "billingCycle", "{'code':'a','name':'A','price':1,'currency':'USD'}"},
      {400, "prices[0].currency",
       "{'code':'a','name':'A','price':1,'currency':'USD','billingCycle':'monthly','prices':[{'currency':'USD','price':"
       "2}]}"},
      {400, "prices[1].price",
       "{'code':'a','name':'A','price':1,'currency':'USD','billingCycle':'monthly','prices':[{'currency':'EUR','price':"
       "2},"
       "{'currency':'JPY','price':'2.0'}]}"},
  };
  expect_refusals("/api/plans", cases, sizeof cases / sizeof *cases);
}

Test(catalogue, a_code_is_taken_once_in_a_tenant) {
  struct tenant tenant = tenant_new(), other = tenant_new();
  static const char body[] = "{'code':'basic','name':'Basic','price':1,'currency':'USD','billingCycle':'monthly'}";
  api_post(&tenant, 201, "/api/plans", body);
  cr_expect_str_eq(json_at(api_post(&tenant, 409, "/api/plans", body), "field"), "code");
  api_post(&other, 201, "/api/plans", body);
}
