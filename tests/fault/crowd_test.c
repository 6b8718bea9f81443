/* Everybody at once: a few customers' commands of all kinds, each sent twice, with the same key and with another, by
 * two callers at the same moment, while there are two of each worker and PostgreSQL ends their sessions in the middle.
 * Each is answered, a command is done once, and the books are sound. The seed is printed; TEST_SEED repeats what is
 * asked for. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "flow/flow.h"
#include "invariants.h"
#include "unit/property.h"

TestSuite(crowd, .timeout = 300);

enum { PAIRS = 3, ROUNDS = 25 };

#define SECOND_WORKERS "billing-cycle@2 invoicing@2 payments@2"

struct crowd {
  struct tenant tenant;
  const char *customers[PAIRS], *plan;
};

/* One of two callers who say the same. */
struct caller {
  const struct crowd *crowd;
  int pair;
  struct dice dice;
  int broken; /* answers that are none */
  atomic_bool is_done;
};

/* What is asked for: %s is the id of one of the customer's newest things, or its own. */
static const struct act {
  const char *path, *body, *thing;
} acts[] = {
    {"/api/billing/subscriptions", NULL, NULL}, /* with the crowd's plan */
    {"/api/billing/subscriptions/%s/change-plan", "{'quantity':2,'when':'now'}", "subscriptions"},
    {"/api/billing/subscriptions/%s/change-plan", "{'quantity':1,'when':'now'}", "subscriptions"},
    {"/api/billing/subscriptions/%s/suspend", "{}", "subscriptions"},
    {"/api/billing/subscriptions/%s/reactivate", "{}", "subscriptions"},
    {"/api/billing/subscriptions/%s/cancel", "{'immediately':true,'prorate':true}", "subscriptions"},
    {"/api/billing/invoices", "{'customerId':'%s','items':[{'description':'A','unitPrice':7}]}", NULL},
    {"/api/billing/invoices/%s/finalize", "{}", "invoices"},
    {"/api/billing/invoices/%s/void", "{}", "invoices"},
    {"/api/billing/invoices/%s/payment", "{}", "invoices"},
    {"/api/billing/invoices/%s/payment", "{'amount':'1.00','method':'cash'}", "invoices"},
    {"/api/billing/credit-notes", "{'invoiceId':'%s','amount':'0.50'}", "invoices"},
    {"/api/billing/credit-notes", "{'invoiceId':'%s'}", "invoices"},
    {"/api/billing/customers/%s/credits", "{'amount':3,'currency':'USD'}", NULL},
};
enum { ACTS = sizeof acts / sizeof *acts };

/* NULL: there are none. */
static const char *pick(const struct crowd *crowd, const char *customer, const char *things, int64_t n) {
  struct answer list = http_request("GET", keep_text("/api/billing/%s?customerId=%s&limit=6", things, customer),
                                    crowd->tenant.token, NULL, NULL);
  const json_t *rows = json_node_at(list.json, "data");
  size_t count = json_array_size(rows);
  return count ? json_at(json_array_get(rows, (size_t)n % count), "id") : NULL;
}

static const char *with(const char *text, const char *id) {
  const char *at = strstr(text, "%s");
  return at ? keep_text("%.*s%s%s", (int)(at - text), text, id, at + 2) : text;
}

static void ask(struct caller *caller, int round) {
  const struct crowd *crowd = caller->crowd;
  const char *customer = crowd->customers[caller->pair];
  int64_t which = dice_between(&caller->dice, 0, ACTS - 1), place = dice_between(&caller->dice, 0, 999);
  bool is_same_key = dice_between(&caller->dice, 0, 1) == 0;
  const struct act *act = &acts[round < 2 ? 0 : which];
  const char *id = act->thing ? pick(crowd, customer, act->thing, place) : customer;
  if (!id) return;
  const char *body = !act->body
                         ? keep_text("{'customerId':'%s','planId':'%s','coupons':['FIVE']}", customer, crowd->plan)
                         : with(act->body, id);
  const char *key = is_same_key ? keep_text("Idempotency-Key: %d-%d", caller->pair, round)
                                : keep_text("Idempotency-Key: %s", new_id());
  const char *const headers[] = {key, NULL};
  struct answer answer = http_request("POST", with(act->path, id), crowd->tenant.token, quotes(body), headers);
  bool is_answer = answer.status >= 200 && answer.status < 500;
  if (!is_answer) fprintf(stderr, "%s: %d %s\n", with(act->path, id), answer.status, answer.text);
  caller->broken += !is_answer;
}

static void *call(void *context) {
  struct caller *caller = context;
  for (int round = 0; round < ROUNDS; round++) ask(caller, round);
  atomic_store(&caller->is_done, true);
  return NULL;
}

static struct crowd crowd_new(void) {
  struct crowd crowd = {.tenant = tenant_new()};
  crowd.plan = plan_new(&crowd.tenant, "30.00", "USD", "monthly");
  api_post(&crowd.tenant, 201, "/api/billing/coupons",
           "{'code':'FIVE','amountOff':5,'currency':'USD','duration':'forever'}");
  for (int n = 0; n < PAIRS; n++) {
    crowd.customers[n] = customer_new(&crowd.tenant, NULL);
    payment_method_new(&crowd.tenant, crowd.customers[n], "pm_card_visa");
  }
  return crowd;
}

static bool is_at_rest(const struct tenant *tenant) {
  return every_message_is_consumed() && sql_int(tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1 "
                                                        "AND next_attempt_at <= now() + interval '1 hour'") == 0;
}

/* Of a worker that is in the middle of something. */
static int64_t end_a_session(void) {
  return sql_int(NULL, "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE usename = "
                       "'cloudbill_worker' AND xact_start IS NOT NULL ORDER BY random() LIMIT 1) s");
}

static bool are_done(struct caller *callers) {
  for (int i = 0; i < 2 * PAIRS; i++)
    if (!atomic_load(&callers[i].is_done)) return false;
  return true;
}

static void call_all(const struct crowd *crowd, struct dice dice) {
  static struct caller callers[2 * PAIRS];
  pthread_t threads[2 * PAIRS];
  int64_t ended = 0;
  for (int i = 0; i < 2 * PAIRS; i++) {
    callers[i].crowd = crowd;
    callers[i].pair = i / 2;
    callers[i].dice.state = dice.state + (uint64_t)(i / 2);
    cr_assert_eq(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
  }
  for (int looks = 0; !are_done(callers); looks++, wait_a_moment())
    if (looks % 6 == 0) ended += end_a_session();
  for (int i = 0; i < 2 * PAIRS; i++) {
    pthread_join(threads[i], NULL);
    cr_expect_eq(callers[i].broken, 0, "%d answers of caller %d", callers[i].broken, i);
  }
  fprintf(stderr, "%lld sessions were ended\n", (long long)ended);
}

Test(crowd, two_of_everybody_at_once) {
  struct dice dice = dice_new();
  struct crowd crowd = crowd_new();
  process_do("start", SECOND_WORKERS);
  call_all(&crowd, dice);
  WAIT_UNTIL_WITHIN(120, at_one_moment(is_at_rest, &crowd.tenant), "all to be done");
  process_do("stop", SECOND_WORKERS);
  cr_expect_eq(sql_int(&crowd.tenant, "SELECT count(*) FROM dead_letters WHERE tenant_id = $1"), 0);
  cr_expect_geq(sql_int(&crowd.tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1"), PAIRS);
  expect_sound_books(&crowd.tenant);
}
