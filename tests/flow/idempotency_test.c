/* Idempotency-Key (architecture.md 3): the same request again, at once or later, is one command with one answer. */
#include <pthread.h>

#include "flow.h"

TestSuite(idempotency, .timeout = 180);

struct attempt {
  const struct tenant *tenant;
  const char *path, *body, *key;
  struct answer answer;
  const char *method; /* NULL: POST */
};

static void send_it(struct attempt *attempt) {
  const char *const headers[] = {keep_text("Idempotency-Key: %s", attempt->key), NULL};
  attempt->answer = http_request(attempt->method ? attempt->method : "POST", attempt->path, attempt->tenant->token,
                                 attempt->body, headers);
}

static void *send_in_thread(void *context) {
  send_it(context);
  return NULL;
}

static struct answer post_with_key(const struct tenant *tenant, const char *path, const char *key, const char *body) {
  struct attempt attempt = {tenant, path, quotes(body), key, {0}, NULL};
  send_it(&attempt);
  return attempt.answer;
}

static bool same_data(const struct answer *a, const struct answer *b) {
  return json_equal(json_object_get(a->json, "data"), json_object_get(b->json, "data"));
}

static int64_t subscriptions_of(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT count(*) FROM subscriptions WHERE tenant_id = $1");
}

struct subscriber {
  struct tenant tenant;
  const char *body;
};

static struct subscriber subscriber_new(void) {
  struct subscriber s = {.tenant = tenant_new()};
  const char *customer = customer_new(&s.tenant, NULL), *plan = plan_new(&s.tenant, "5.00", "USD", "monthly");
  s.body = keep_text("{'customerId':'%s','planId':'%s','collection':'manual'}", customer, plan);
  return s;
}

static const char subscriptions[] = "/api/billing/subscriptions";

/* Several rounds: the two meet at another moment each time. */
Test(idempotency, twice_at_once_is_one_subscription_and_two_equal_answers) {
  enum { ROUNDS = 10 };
  struct subscriber s = subscriber_new();
  for (int round = 0; round < ROUNDS; round++) {
    struct attempt attempts[2];
    pthread_t threads[2];
    const char *key = new_id();
    for (int i = 0; i < 2; i++) {
      attempts[i] = (struct attempt){&s.tenant, subscriptions, quotes(s.body), key, {0}, NULL};
      cr_assert_eq(pthread_create(&threads[i], NULL, send_in_thread, &attempts[i]), 0);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++)
      cr_assert_eq(attempts[i].answer.status, 201, "round %d: %s", round, attempts[i].answer.text);
    cr_expect(same_data(&attempts[0].answer, &attempts[1].answer), "%s\n%s", attempts[0].answer.text,
              attempts[1].answer.text);
    cr_expect_str_eq(answer_header(&attempts[0].answer, "Location"), answer_header(&attempts[1].answer, "Location"));
    cr_expect_eq(subscriptions_of(&s.tenant), round + 1);
  }
  WAIT_UNTIL(count_messages(&s.tenant, "subscription.created") == ROUNDS, "an event for each");
  WAIT_UNTIL(sql_int(&s.tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1") == ROUNDS, "an invoice for each");
  expect_sound_books(&s.tenant);
}

Test(idempotency, later_gives_the_answer_of_then) {
  struct subscriber s = subscriber_new();
  const char *key = new_id();
  struct answer first = post_with_key(&s.tenant, subscriptions, key, s.body);
  cr_assert_eq(first.status, 201, "%s", first.text);
  const char *id = json_at(first.json, "data.id");
  api_post(&s.tenant, 200, keep_text("%s/%s/cancel", subscriptions, id), "{'immediately':true}");
  struct answer again = post_with_key(&s.tenant, subscriptions, key, s.body);
  cr_expect_eq(again.status, 201);
  cr_expect(same_data(&first, &again), "%s\n%s", first.text, again.text);
  cr_expect_eq(subscriptions_of(&s.tenant), 1);
}

Test(idempotency, a_refusal_is_kept_as_well) {
  struct subscriber s = subscriber_new();
  const char *key = new_id(), *body = keep_text("{'customerId':'%s','planId':'nowhere'}", new_id());
  struct answer first = post_with_key(&s.tenant, subscriptions, key, body);
  struct answer again = post_with_key(&s.tenant, subscriptions, key, body);
  cr_expect_eq(first.status, 404, "%s", first.text);
  cr_expect_eq(again.status, 404);
  cr_expect(json_equal(json_object_get(first.json, "error"), json_object_get(again.json, "error")), "%s\n%s",
            first.text, again.text);
}

Test(idempotency, another_request_with_the_key_is_refused) {
  struct subscriber s = subscriber_new();
  const char *key = new_id();
  cr_assert_eq(post_with_key(&s.tenant, subscriptions, key, s.body).status, 201);
  const char *other_body = keep_text("%.*s,'quantity':2}", (int)strlen(s.body) - 1, s.body);
  struct answer other = post_with_key(&s.tenant, subscriptions, key, other_body);
  cr_expect_eq(other.status, 422, "%s", other.text);
  cr_expect_str_eq(json_at(other.json, "error.code"), "IDEMPOTENCY_KEY_REUSED");
  struct answer elsewhere = post_with_key(&s.tenant, "/api/billing/runs", key, "{}");
  cr_expect_eq(elsewhere.status, 422, "%s", elsewhere.text);
  cr_expect_eq(subscriptions_of(&s.tenant), 1);
}

Test(idempotency, keys_belong_to_their_tenant) {
  struct subscriber a = subscriber_new(), b = subscriber_new();
  const char *key = new_id();
  struct answer first = post_with_key(&a.tenant, subscriptions, key, a.body);
  struct answer second = post_with_key(&b.tenant, subscriptions, key, b.body);
  cr_expect_eq(first.status, 201, "%s", first.text);
  cr_expect_eq(second.status, 201, "%s", second.text);
  cr_expect_str_neq(json_at(first.json, "data.id"), json_at(second.json, "data.id"));
}

Test(idempotency, without_a_key_each_request_counts) {
  struct subscriber s = subscriber_new();
  for (int i = 0; i < 2; i++) api_post(&s.tenant, 201, subscriptions, "%s", s.body);
  cr_expect_eq(subscriptions_of(&s.tenant), 2);
}

/* A key under way: answered 202 first, then the operation and the same request say what became of it. */
Test(idempotency, an_impatient_caller_comes_back_for_the_answer) {
  struct subscriber s = subscriber_new();
  const char *key = new_id();
  const char *const headers[] = {keep_text("Idempotency-Key: %s", key), "Prefer: respond-async", NULL};
  struct answer pending = http_request("POST", subscriptions, s.tenant.token, quotes(s.body), headers);
  cr_assert_eq(pending.status, 202, "%s", pending.text);
  const char *operation = answer_header(&pending, "Location");
  cr_assert_not_null(operation);
  WAIT_UNTIL(strcmp(json_at(api_get(&s.tenant, 200, "%s", operation), "status"), "succeeded") == 0, "%s to succeed",
             operation);
  struct answer done = post_with_key(&s.tenant, subscriptions, key, s.body);
  cr_expect_eq(done.status, 201, "%s", done.text);
  cr_expect_str_eq(json_at(done.json, "data.id"), json_at(api_get(&s.tenant, 200, "%s", operation), "result.id"));
  cr_expect_eq(subscriptions_of(&s.tenant), 1);
}

/* What the API writes itself, without Kafka. */
Test(idempotency, settings_change_once_for_each_key) {
  enum { ROUNDS = 10 };
  struct tenant tenant = tenant_new();
  static const char audited[] = "SELECT count(*) FROM audit_log WHERE tenant_id = $1 AND action = 'settings.update'";
  struct attempt attempts[2];
  for (int round = 0; round < ROUNDS; round++) {
    pthread_t threads[2];
    const char *key = new_id(), *body = quotes(keep_text("{'draftHours':%d}", round + 1));
    for (int i = 0; i < 2; i++) {
      attempts[i] = (struct attempt){&tenant, "/api/settings", body, key, {0}, "PATCH"};
      cr_assert_eq(pthread_create(&threads[i], NULL, send_in_thread, &attempts[i]), 0);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) cr_assert_eq(attempts[i].answer.status, 200, "%s", attempts[i].answer.text);
    cr_expect(same_data(&attempts[0].answer, &attempts[1].answer), "%s\n%s", attempts[0].answer.text,
              attempts[1].answer.text);
    cr_expect_str_eq(answer_header(&attempts[0].answer, "ETag"), answer_header(&attempts[1].answer, "ETag"));
    cr_expect_eq(sql_int(&tenant, audited), round + 1);
  }
  struct attempt later = {&tenant, "/api/settings", quotes("{'draftHours':99}"), new_id(), {0}, "PATCH"};
  send_it(&later);
  cr_expect_eq(json_number_at(later.answer.json, "data.draftHours"), 99);
  send_it(&attempts[0]);
  cr_expect_eq(json_number_at(attempts[0].answer.json, "data.draftHours"), ROUNDS, "what it was answered then");
  cr_expect_eq(json_number_at(api_get(&tenant, 200, "/api/settings"), "draftHours"), 99);
  attempts[0].body = quotes("{'draftHours':7}");
  send_it(&attempts[0]);
  cr_expect_eq(attempts[0].answer.status, 422, "%s", attempts[0].answer.text);
  attempts[1].key = "not a key";
  send_it(&attempts[1]);
  cr_expect_eq(attempts[1].answer.status, 400, "%s", attempts[1].answer.text);
  cr_expect_eq(sql_int(&tenant, audited), ROUNDS + 1);
}
