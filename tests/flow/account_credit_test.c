/* Account credit over weeks (BILL-040): the oldest is used first, what has expired is gone, and what comes back is
 * there for as long as it was. Expected amounts are worked out by hand beside the case. */
#include "life.h"

TestSuite(account_credit, .timeout = 240);

static void grant(const struct life *life, const char *amount, const char *expires) {
  api_post(&life->tenant, 201, keep_text("/api/billing/customers/%s/credits", life->customer),
           "{'amount':'%s','currency':'USD','expiresAt':%s}", amount, expires ? keep_text("'%s'", expires) : "null");
}

Test(account_credit, is_used_oldest_first_until_it_expires) {
  struct life life = life_at("2027-01-01T00:00:00Z", "");
  subscribe(&life, plan_new(&life.tenant, "2.00", "USD", "weekly"), "");
  WAIT_UNTIL(invoices_as(&life.tenant, "v.id::text"), "the first invoice");
  grant(&life, "3.00", "2027-01-10T00:00:00Z");
  advance(&life, "2027-01-02T00:00:00Z");
  grant(&life, "4.00", NULL);
  advance(&life, "2027-01-03T00:00:00Z");
  grant(&life, "7.00", "2027-02-15T00:00:00Z");
  advance(&life, "2027-02-19T00:00:00Z");
  /* 2 of the first, 1 of it expires; 2 + 2 of the second; 2 + 2 + 2 of the third, 1 of it expires */
  cr_expect_str_eq(invoices_as(&life.tenant, "to_char(v.issue_date, 'MM-DD') || ' ' || v.credit_applied_minor"),
                   "01-01 0, 01-08 200, 01-15 200, 01-22 200, 01-29 200, 02-05 200, 02-12 200, 02-19 0");
  cr_expect_str_eq(sql_text(&life.tenant,
                            "SELECT string_agg(amount_minor || ' ' || remaining_minor || ' ' || "
                            "COALESCE(to_char(expired_at AT TIME ZONE 'UTC', 'MM-DD'), '-'), ', ' ORDER BY "
                            "granted_at) FROM credit_grants WHERE tenant_id = $1"),
                   "300 0 01-10, 400 0 -, 700 0 02-15");
  WAIT_UNTIL(count_messages(&life.tenant, "credit.expired") == 2, "what expired");
  const json_t *expired = messages_of(&life.tenant, "credit.expired");
  cr_expect_eq(json_number_at(expired, "0.amount") + json_number_at(expired, "1.amount"), 2.00);
  const json_t *balance = api_get(&life.tenant, 200, "/api/customers/%s/balance", life.customer);
  cr_expect_eq(json_number_at(balance, "0.credit"), 0);
  cr_expect_eq(json_number_at(balance, "0.due"), 4.00);
  expect_sound_books(&life.tenant);
}

static void void_first_invoice(const struct life *life) {
  const char *first = sql_text(&life->tenant, "SELECT id FROM invoices WHERE tenant_id = $1 ORDER BY number LIMIT 1");
  api_post(&life->tenant, 200, keep_text("/api/billing/invoices/%s/void", first), "{}");
}

/* 5 until the 10th and 3 for good, used by the first invoice of 10. */
static struct life life_on_credit(void) {
  struct life life = life_at("2027-01-01T00:00:00Z", "");
  grant(&life, "5.00", "2027-01-10T00:00:00Z");
  advance(&life, "2027-01-01T01:00:00Z");
  grant(&life, "3.00", NULL);
  subscribe(&life, plan_new(&life.tenant, "10.00", "USD", "monthly"), "");
  return life;
}

static const char *credits_left(const struct life *life) {
  return sql_text(&life->tenant, "SELECT string_agg(remaining_minor::text, ' ' ORDER BY granted_at) FROM credit_grants"
                                 " WHERE tenant_id = $1");
}

/* 2 of the 10 are due still when the invoice becomes void. */
Test(account_credit, what_a_void_invoice_used_of_credit_comes_back_until_the_same_day) {
  static const struct {
    const char *voided, *then, *left, *ended;
  } cases[] = {
      {"2027-01-02T00:00:00Z", "2027-01-03T00:00:00Z", "500 300", ""},
      {"2027-01-02T00:00:00Z", "2027-01-15T00:00:00Z", "0 300", "01-10 500"},
      {"2027-01-15T00:00:00Z", "2027-01-16T00:00:00Z", "0 300", "01-15 500"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct life life = life_on_credit();
    advance(&life, cases[i].voided);
    cr_expect_str_eq(invoices_as(&life.tenant, "v.credit_applied_minor::text"), "800");
    void_first_invoice(&life);
    advance(&life, cases[i].then);
    cr_expect_str_eq(credits_left(&life), cases[i].left, "case %zu", i);
    cr_expect_str_eq(sql_text(&life.tenant,
                              "SELECT COALESCE(string_agg(to_char(posted_at AT TIME ZONE 'UTC', 'MM-DD') || ' ' || "
                              "amount_minor, ' '), '') FROM ledger_entries WHERE tenant_id = $1 "
                              "AND fact = 'credit_expired' AND account = 'customer_credit'"),
                     cases[i].ended, "case %zu", i);
    expect_sound_books(&life.tenant);
  }
}

static const json_t *note(const struct life *life, const char *invoice, const char *members) {
  return api_post(&life->tenant, 201, "/api/billing/credit-notes", "{'invoiceId':'%s'%s}", invoice, members);
}

/* The same, but 2 are paid. A note of 3 gives these back, and 1 of the credit that was used last; one of the rest 2 and
 * 5 more, for no longer than they were, whether it is to be refunded or not: nothing else was paid. */
Test(account_credit, what_a_note_gives_back_of_credit_comes_back_until_the_same_day) {
  static const struct {
    const char *noted, *left;
    double credited, expired;
  } cases[] = {{"2027-01-02T00:00:00Z", "500 300 200", 7.00, 0}, {"2027-01-15T00:00:00Z", "0 300 200", 2.00, 5.00}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct life life = life_on_credit();
    WAIT_UNTIL(invoices_as(&life.tenant, "v.id::text"), "the invoice");
    const char *invoice = invoices_as(&life.tenant, "v.id::text");
    api_post(&life.tenant, 200, keep_text("/api/billing/invoices/%s/payment", invoice), "{'amount':'2.00'}");
    advance(&life, cases[i].noted);
    const json_t *first = note(&life, invoice, ",'amount':'3.00'");
    cr_expect_eq(json_number_at(first, "amountCredited"), 3.00);
    const json_t *rest = note(&life, invoice, ",'disposition':'refund'");
    cr_expect_eq(json_number_at(rest, "amountRefundable"), 0);
    cr_expect_eq(json_number_at(rest, "amountCredited"), cases[i].credited, "case %zu", i);
    cr_expect_eq(json_number_at(rest, "amountExpired"), cases[i].expired, "case %zu", i);
    cr_expect_str_eq(credits_left(&life), cases[i].left, "case %zu", i);
    advance(&life, "2027-01-16T00:00:00Z");
    const json_t *balance = api_get(&life.tenant, 200, "/api/customers/%s/balance", life.customer);
    cr_expect_eq(json_number_at(balance, "0.credit"), 5.00, "case %zu", i);
    WAIT_UNTIL(count_messages(&life.tenant, "credit-note.created") == 2, "credit-note.created");
    expect_sound_books(&life.tenant);
  }
}
