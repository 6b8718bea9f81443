/* BILL-060: Kafka delivers at least once, so whatever was sent may come again, at any time and in any order. A random
 * life, then every message of it, commands and events alike, once more in a random order: no row of the tenant changes.
 */
#include "flow.h"

#include "bus/topics.h"
#include "unit/property.h"

TestSuite(replay, .timeout = 240);

enum { DAYS = 150, ACTS = 14 };

struct life {
  struct tenant tenant;
  const char *clock, *customer, *subscription;
  const char *plans[3];
};

static const char *plan_of(const struct tenant *tenant, int price) {
  return json_at(api_post(tenant, 201, "/api/plans",
                          "{'code':'p-%s','name':'Plan','currency':'USD','billingCycle':'monthly','setupFee':'3.00',"
                          "'components':[{'code':'now','model':'per_unit','unitPrice':'%d.37'},"
                          "{'code':'later','model':'flat','timing':'arrears','unitPrice':'2.00'}]}",
                          new_id(), price),
                 "id");
}

static struct life begin(void) {
  struct life life = {.tenant = tenant_new_test()};
  const struct tenant *tenant = &life.tenant;
  life.clock = test_clock_new(tenant, "2031-01-31T09:00:00Z");
  api_post(tenant, 201, "/api/billing/tax-rates", "{'code':'vat','name':'VAT','percentage':19}");
  api_post(tenant, 201, "/api/billing/coupons", "{'code':'TENTH','percentOff':10,'duration':'forever'}");
  api_post(tenant, 201, "/api/billing/coupons",
           "{'code':'FIVER','amountOff':'5.00','currency':'USD','duration':'repeating','durationInPeriods':4}");
  life.customer = customer_new(tenant, "'testClockId':'%s'", life.clock);
  payment_method_new(tenant, life.customer, "pm_card_visa");
  for (int i = 0; i < 3; i++) life.plans[i] = plan_of(tenant, 10 * (i + 1));
  life.subscription = json_at(api_post(tenant, 201, "/api/billing/subscriptions",
                                       "{'customerId':'%s','planId':'%s','quantity':3,'coupons':['TENTH','FIVER'],"
                                       "'items':[{'planId':'%s'}]}",
                                       life.customer, life.plans[0], life.plans[1]),
                              "id");
  return life;
}

/* What somebody does; what the subscription's state forbids is refused, and its command is replayed as well. */
static void act(const struct life *life, struct dice *dice) {
  static const struct {
    const char *verb, *before, *after; /* of a number */
  } acts[] = {
      {"change-plan", "{'when':'now','quantity':", "}"},
      {"change-plan", "{'when':'now','billing':'next_invoice','quantity':", "}"},
      {"change-plan", "{'when':'period_end','quantity':", "}"},
      {"suspend", "{'reason':'", "'}"},
      {"reactivate", "{}", NULL},
      {"renew", "{}", NULL},
      {"cancel", "{'reason':'", "'}"},
      {"preview", "{'quantity':", "}"},
      {"credits", "{'currency':'USD','reason':'goodwill','amount':", "}"},
      {"payment", "{'amount':", "}"},
  };
  size_t which = (size_t)dice_between(dice, 0, sizeof acts / sizeof *acts - 1);
  const char *path = keep_text("/api/billing/subscriptions/%s/%s", life->subscription, acts[which].verb);
  if (strcmp(acts[which].verb, "credits") == 0) path = keep_text("/api/billing/customers/%s/credits", life->customer);
  if (strcmp(acts[which].verb, "payment") == 0)
    path = keep_text("/api/billing/invoices/%s/payment",
                     sql_text(&life->tenant, "SELECT id FROM invoices WHERE tenant_id = $1 ORDER BY random()"));
  const char *body = acts[which].before;
  if (acts[which].after) body = keep_text("%s%d%s", body, (int)dice_between(dice, 1, 9), acts[which].after);
  int status = api_call(&life->tenant, "POST", path, "%s", body).status;
  cr_assert(status / 100 == 2 || status == 409, "%s %s: %d", path, body, status);
}

static void live(const struct life *life, struct dice *dice) {
  int day = 0;
  for (int n = 0; n < ACTS; n++) {
    day += (int)dice_between(dice, 0, 2 * DAYS / ACTS);
    test_clock_advance(&life->tenant, life->clock,
                       sql_text(NULL, keep_text("SELECT to_char(timestamp '2031-01-31 09:00' + interval '%d days', "
                                                "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
                                                day)));
    act(life, dice);
  }
  test_clock_advance(&life->tenant, life->clock, "2032-02-01T00:00:00Z");
}

static struct records all_messages(const struct tenant *tenant) {
  struct records all = {.at = keep(4096 * sizeof *all.at)};
  for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
    struct records some = kafka_read(topic_name(topic), "ce_tenantid", tenant->id);
    cr_assert_leq(all.count + some.count, 4096);
    if (some.count) memcpy(all.at + all.count, some.at, some.count * sizeof *some.at);
    all.count += some.count;
  }
  return all;
}

static void shuffle(struct records *records, struct dice *dice) {
  for (size_t i = records->count; i > 1; i--) {
    size_t other = (size_t)dice_between(dice, 0, (int64_t)i - 1);
    struct record kept = records->at[i - 1];
    records->at[i - 1] = records->at[other];
    records->at[other] = kept;
  }
}

/* Mails are sent by a task of their own, after the clock has come to rest. */
static bool is_at_rest(const struct tenant *tenant) {
  return sql_int(tenant,
                 "SELECT count(*) FROM notifications WHERE tenant_id = $1 AND status NOT IN ('sent', 'failed')") == 0 &&
         sql_int(NULL, keep_text("SELECT count(*) FROM outbox WHERE messages LIKE '%%%s%%'", tenant->id)) == 0;
}

Test(replay, of_all_messages_in_any_order_changes_no_row) {
  struct dice dice = dice_of(UINT64_C(14350577013854576463));
  struct life life = begin();
  live(&life, &dice);
  WAIT_UNTIL(is_at_rest(&life.tenant), "all to be sent");
  struct records messages = all_messages(&life.tenant);
  cr_expect_gt(messages.count, 60);
  const char *before = fingerprint(&life.tenant);
  shuffle(&messages, &dice);
  send_each_again(&messages);
  WAIT_UNTIL(is_at_rest(&life.tenant), "the answers to be sent");
  cr_expect_str_eq(fingerprint(&life.tenant), before);
  expect_sound_books(&life.tenant);
}
