/* No line gives back more than it charged (BILL-022, BILL-043), whoever comes first: a change, whose credit lands with
 * its invoice, or a credit note, or a void, by hand. Others are held up by rows that the test holds, so that each order
 * is what it is every time. */
#include "flow.h"

TestSuite(give_back, .timeout = 180);

struct story {
  struct tenant tenant;
  const char *plan, *cheap, *add_on, *clock, *subscription, *invoice; /* 30.00, 9.00 and 2.00 each 30 days */
};

/* Half of the period has passed: 15.00 is unused. */
static struct story begin_with(const char *coupon, const char *members) {
  struct story s = {.tenant = tenant_new_test()};
  api_post(&s.tenant, 201, "/api/billing/coupons",
           "{'code':'FIVE','amountOff':5,'currency':'USD','duration':'repeating','durationInPeriods':2}");
  s.plan = plan_with(&s.tenant, THIRTY_DAYS ",'price':'30.00'%s", members);
  s.cheap = plan_with(&s.tenant, THIRTY_DAYS ",'price':'9.00'%s", members);
  s.add_on = plan_of_days(&s.tenant, 30, "2.00");
  s.clock = test_clock_new(&s.tenant, "2031-01-01T12:00:00Z");
  const char *customer = customer_new(&s.tenant, "'testClockId':'%s'", s.clock);
  s.subscription = json_at(api_post(&s.tenant, 201, "/api/billing/subscriptions",
                                    "{'customerId':'%s','planId':'%s','coupons':[%s]}", customer, s.plan, coupon),
                           "id");
  test_clock_advance(&s.tenant, s.clock, "2031-01-16T12:00:00Z");
  s.invoice = sql_text(&s.tenant, "SELECT id FROM invoices WHERE tenant_id = $1");
  return s;
}

static struct story begin(void) {
  return begin_with("", "");
}

static void change(const struct story *s) {
  api_post(&s->tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", s->subscription),
           "{'planId':'%s','when':'now','billing':'now'}", s->cheap);
}

static void give_back(const struct story *s, const char *members) {
  api_post(&s->tenant, 201, "/api/billing/credit-notes", "{'invoiceId':'%s'%s}", s->invoice, members);
}

static const char *taken_back(const struct story *s) {
  return sql_text(&s->tenant, "SELECT string_agg(amount_minor || ' ' || unit_price, ', ') FROM invoice_items "
                              "WHERE tenant_id = $1 AND kind = 'credit'");
}

static bool is_taken_back(const struct story *s) {
  return taken_back(s) != NULL;
}

/* And what was taken back already, by a draft, too, does not become void: the credit would stand alone. */
Test(give_back, bill_022_what_was_taken_back_is_not_voided) {
  for (int draft_hours = 0; draft_hours <= 24; draft_hours += 24) {
    struct story s = begin();
    sql_do(&s.tenant, keep_text("UPDATE tenants SET draft_hours = %d WHERE id = $1", draft_hours));
    change(&s);
    WAIT_UNTIL(is_taken_back(&s), "the invoice of the change");
    api_post(&s.tenant, 409, keep_text("/api/billing/invoices/%s/void", s.invoice), "{}");
    give_back(&s, "");
    test_clock_advance(&s.tenant, s.clock, "2031-01-18T12:00:00Z");
    expect_sound_books(&s.tenant);
  }
}

/* Tests of which one holds billing-cycle up and waits for invoicing, and another the other way round, take turns. (A
 * session of its own: whoever waits for a turn does not wait for what is held.) */
static struct pg_conn *take_turn(void) {
  return hold("SELECT pg_advisory_xact_lock(hashtext('give_back'))");
}

/* The change has seen the line as whole, and is held up before its commit (by a row of the add-on that it is about to
 * write; without foreign keys, which would hold the subscription). */
static struct pg_conn *begin_change(const struct story *s) {
  struct pg_conn *holder = hold(
      keep_text("SET LOCAL session_replication_role = replica;"
                "INSERT INTO subscription_items (tenant_id, subscription_id, item, plan_id, plan_version, quantity, "
                "created_at) VALUES ('%s', '%s', 1, '%s', 1, 1, now())",
                s->tenant.id, s->subscription, s->add_on));
  command_new(&s->tenant, keep_text("/api/billing/subscriptions/%s/change-plan", s->subscription),
              keep_text("{'planId':'%s','items':[{'planId':'%s'}],'when':'now','billing':'now'}", s->cheap, s->add_on));
  WAIT_UNTIL(waiting_for(holder) > 0, "the change to come to its add-on");
  return holder;
}

static void end_change(const struct story *s, struct pg_conn *holder) {
  undo(holder);
  WAIT_UNTIL(is_taken_back(s), "the invoice of the change");
}

/* A note, or a void, comes in between. Of the 40.00 that were agreed on, 35.50 less what was taken back were charged,
 * not less what was to be (BILL-030). */
Test(give_back, bill_022_what_is_given_back_between_a_change_s_look_and_its_commit_counts) {
  static const struct {
    const char *note, *credit; /* note NULL: void */
    int64_t true_up;
  } cases[] = {{"", "0 0.00", 450},
               {",'amount':'20.00'", "-1000 -10.00", 1450},
               {",'amount':'15.00'", "-1500 -15.00", 1950},
               {NULL, "0 0.00", 450}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct story s = begin_with("", ",'minimumCommitment':'40.00'");
    struct pg_conn *turn = take_turn(), *holder = begin_change(&s);
    if (cases[i].note)
      give_back(&s, cases[i].note);
    else
      api_post(&s.tenant, 200, keep_text("/api/billing/invoices/%s/void", s.invoice), "{}");
    end_change(&s, holder);
    let_go(turn);
    cr_expect_str_eq(taken_back(&s), cases[i].credit, "case %zu", i);
    test_clock_advance(&s.tenant, s.clock, "2031-01-31T12:00:00Z");
    cr_expect_eq(sql_int(&s.tenant, "SELECT amount_minor FROM invoice_items WHERE tenant_id = $1 AND kind = 'fee'"),
                 cases[i].true_up, "case %zu", i);
    expect_sound_books(&s.tenant);
  }
}

/* Two processes of invoicing: who lands a credit waits for who gives something of the invoice back. */
Test(give_back, bill_022_a_credit_waits_for_whoever_holds_the_invoice_that_it_is_of) {
  struct story s = begin();
  struct pg_conn *holder = hold(keep_text("SELECT FROM invoices WHERE id = '%s' FOR UPDATE", s.invoice));
  change(&s);
  WAIT_UNTIL(waiting_for(holder) > 0, "the change's invoice to wait");
  cr_expect_not(is_taken_back(&s));
  let_go(holder);
  WAIT_UNTIL(is_taken_back(&s), "the invoice of the change");
  cr_expect_str_eq(taken_back(&s), "-1500 -15.00");
  test_clock_advance(&s.tenant, s.clock, "2031-01-17T12:00:00Z");
  expect_sound_books(&s.tenant);
}

/* It has looked for what it takes back, and comes for the lock: what it takes back is nothing by then, and nobody has
 * to replay anything. */
Test(give_back, bill_053_what_becomes_void_between_a_look_and_its_lock_is_not_given_back) {
  static const struct {
    const char *verb, *body;
  } cases[] = {{"cancel", "{'immediately':true,'prorate':true}"},
               {"suspend", "{}"},
               {"change-plan", "{'quantity':2,'when':'now'}"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct story s = begin();
    struct pg_conn *voider =
        hold(sql_of_void(s.invoice)); /* whoever looks before its commit finds it open, and waits */
    api_post(&s.tenant, 200, keep_text("/api/billing/subscriptions/%s/%s", s.subscription, cases[i].verb), "%s",
             cases[i].body);
    WAIT_UNTIL(waiting_for(voider) > 0, "%s to come to the invoice", cases[i].verb);
    let_go(voider);
    test_clock_advance(&s.tenant, s.clock, "2031-01-17T12:00:00Z");
    cr_expect_eq(sql_int(&s.tenant, "SELECT count(*) FROM dead_letters WHERE tenant_id = $1 AND message_type <> "
                                    "'payment.collect'"),
                 0, "%s", cases[i].verb);
    cr_expect_eq(sql_int(&s.tenant, "SELECT count(*) FROM credit_notes WHERE tenant_id = $1"), 0, "%s", cases[i].verb);
    cr_expect_eq(sql_int(&s.tenant, "SELECT COALESCE(sum(amount_minor), 0)::bigint FROM invoice_items "
                                    "WHERE tenant_id = $1 AND kind = 'credit'"),
                 0, "%s", cases[i].verb);
    expect_sound_books(&s.tenant);
  }
}

/* -- service that stops -- */

/* A note by hand, or a void (NULL), is on its way when service stops: who decides about the rest does not see it, and
 * who makes the note for the rest does. */
static void stop_behind(const struct story *s, const char *amount, const char *stop) {
  struct pg_conn *turn = take_turn(),
                 *holder = hold(keep_text("SELECT FROM invoices WHERE id = '%s' FOR UPDATE", s->invoice));
  if (amount)
    command_new(&s->tenant, "/api/billing/credit-notes",
                keep_text("{'invoiceId':'%s','amount':'%s'}", s->invoice, amount));
  else
    command_new(&s->tenant, keep_text("/api/billing/invoices/%s/void", s->invoice), "{}");
  WAIT_UNTIL(waiting_for(holder) > 0, "invoicing to come to the invoice");
  api_post(&s->tenant, 200, keep_text("/api/billing/subscriptions/%s/%s", s->subscription, stop), "%s",
           strcmp(stop, "suspend") == 0 ? "{}" : "{'immediately':true,'prorate':true}");
  let_go(holder);
  let_go(turn);
  test_clock_advance(&s->tenant, s->clock, "2031-01-16T18:00:00Z");
}

/* What notes gave back of each line, in their order. */
static const char *given_back(const struct story *s) {
  return sql_text(&s->tenant,
                  "SELECT string_agg(text, ', ' ORDER BY text DESC) FROM (SELECT format('%s %s of %s', i.kind, "
                  "string_agg(x.amount_minor::text, ' ' ORDER BY n.number), i.amount_minor - i.discount_minor) AS text "
                  "FROM credit_note_items x JOIN credit_notes n ON n.tenant_id = x.tenant_id AND n.id = "
                  "x.credit_note_id JOIN invoice_items i ON i.tenant_id = x.tenant_id AND i.invoice_id = x.invoice_id "
                  "AND i.line = x.invoice_line WHERE x.tenant_id = $1 GROUP BY i.id, i.kind, i.amount_minor, "
                  "i.discount_minor) AS lines");
}

/* Of the 20.00 that were agreed on until then 5.00 were missing, if 15.00 of the 30.00 were given back. By as much as
 * it is less, the true-up is given back (BILL-030): as a draft, too, which is finalised for it. */
Test(give_back, bill_030_what_a_stop_could_not_give_back_is_given_back_of_its_true_up) {
  static const struct {
    const char *coupon, *amount, *stop;
    int draft_hours, finalised;
    const char *given;
  } cases[] = {
      {"", "18.00", "suspend", 0, 2, "subscription 1800 1200 of 3000, fee 300 of 500"},
      {"", "30.00", "cancel", 0, 2, "subscription 3000 of 3000, fee 500 of 500"},
      {"", NULL, "suspend", 0, 2, "fee 500 of 500"},
      {"'FIVE'", "15.00", "cancel", 0, 2, "subscription 1500 1000 of 2500, fee 300 of 500"},
      {"", "15.00", "suspend", 24, 1, "subscription 1500 1500 of 3000"},
      {"", "18.00", "suspend", 24, 2, "subscription 1800 1200 of 3000, fee 300 of 500"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct story s = begin_with(cases[i].coupon, ",'minimumCommitment':'40.00'");
    sql_do(&s.tenant, keep_text("UPDATE tenants SET draft_hours = %d WHERE id = $1", cases[i].draft_hours));
    stop_behind(&s, cases[i].amount, cases[i].stop);
    cr_expect_str_eq(given_back(&s), cases[i].given, "case %zu", i);
    cr_expect_eq(sql_int(&s.tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status <> 'draft'"),
                 cases[i].finalised, "case %zu", i);
    test_clock_advance(&s.tenant, s.clock, "2031-01-18T12:00:00Z");
    expect_sound_books(&s.tenant);
  }
}

/* What is given back by hand after it does not come into it, though the command comes again. */
Test(give_back, bill_030_what_is_given_back_after_a_stop_leaves_its_true_up_alone) {
  static const char cancel[] = "{'immediately':true,'prorate':true}";
  struct story s = begin_with("", ",'minimumCommitment':'40.00'");
  const char *path = keep_text("/api/billing/subscriptions/%s", s.subscription);
  sql_do(&s.tenant, "UPDATE tenants SET draft_hours = 24 WHERE id = $1");
  const json_t *preview = api_post(&s.tenant, 200, keep_text("%s/preview", path), "%s", cancel);
  cr_expect_eq(json_number_at(preview, "invoices.0.totalAmount"), 5.00);
  cr_expect_eq(json_number_at(preview, "creditNotes.0.totalAmount"), 15.00);
  cr_expect_eq(json_array_size(json_node_at(preview, "creditNotes")), 1);
  api_post(&s.tenant, 200, keep_text("%s/cancel", path), "%s", cancel);
  test_clock_advance(&s.tenant, s.clock, "2031-01-16T18:00:00Z");
  give_back(&s, "");
  struct records sent = kafka_read("cloudbill.invoice.commands", "ce_tenantid", s.tenant.id);
  send_each_again(&sent);
  cr_expect_str_eq(given_back(&s), "subscription 1500 1500 of 3000");
  cr_expect_eq(sql_int(&s.tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'draft'"), 1);
  test_clock_advance(&s.tenant, s.clock, "2031-01-18T12:00:00Z");
  expect_sound_books(&s.tenant);
}

/* And the other way round, a note by hand for what has landed: it has less to give back. */
Test(give_back, bill_043_a_note_by_hand_knows_what_was_taken_back) {
  struct story s = begin();
  change(&s);
  WAIT_UNTIL(is_taken_back(&s), "the invoice of the change");
  api_post(&s.tenant, 400, "/api/billing/credit-notes", "{'invoiceId':'%s','amount':'15.01'}", s.invoice);
  give_back(&s, "");
  cr_expect_eq(sql_int(&s.tenant, "SELECT total_minor FROM credit_notes WHERE tenant_id = $1"), 1500);
  test_clock_advance(&s.tenant, s.clock, "2031-01-17T12:00:00Z");
  expect_sound_books(&s.tenant);
}

/* -- invoices that charge and credit -- */

/* The dearer plan's 30.00 for the rest, less 15.00 of the old: its invoice has 15.00. */
static const char *upgrade(const struct story *s) {
  const char *other = keep_text("SELECT id FROM invoices WHERE tenant_id = $1 AND id <> '%s'", s->invoice);
  api_post(&s->tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", s->subscription),
           "{'planId':'%s','when':'now','billing':'now'}", plan_of_days(&s->tenant, 30, "60.00"));
  WAIT_UNTIL(sql_text(&s->tenant, other), "the invoice of the change");
  return sql_text(&s->tenant, other);
}

static const char *noted(const struct story *s) {
  return sql_text(&s->tenant, "SELECT string_agg(total_minor::text, ', ' ORDER BY number) FROM credit_notes "
                              "WHERE tenant_id = $1");
}

/* An amount is given back of what is charged: the credit beside it stays, and so does what a cancellation gives back:
 * all that is unused, of which the invoice of the change has room for 5.00, and the older one for the rest. */
Test(give_back, bill_043_an_amount_leaves_the_credits_of_its_invoice_alone) {
  struct story s = begin();
  const char *upgraded = upgrade(&s);
  api_post(&s.tenant, 201, "/api/billing/credit-notes", "{'invoiceId':'%s','amount':'10.00'}", upgraded);
  cr_expect_str_eq(sql_text(&s.tenant, "SELECT string_agg(amount_minor::text, ', ') FROM credit_note_items "
                                       "WHERE tenant_id = $1"),
                   "1000");
  api_post(&s.tenant, 400, "/api/billing/credit-notes", "{'invoiceId':'%s','amount':'5.01'}", upgraded);
  api_post(&s.tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", s.subscription),
           "{'immediately':true,'prorate':true}");
  WAIT_UNTIL(sql_int(&s.tenant, "SELECT count(*) FROM credit_notes WHERE tenant_id = $1") == 3, "the credit notes");
  cr_expect_str_eq(noted(&s), "1000, 500, 1500");
  test_clock_advance(&s.tenant, s.clock, "2031-01-17T12:00:00Z");
  expect_sound_books(&s.tenant);
}

/* The whole invoice of the change is given back, the credit on it included: then the line that it took back is whole
 * again, for a note and for a change. */
Test(give_back, bill_043_a_credit_that_is_given_back_takes_nothing_back) {
  struct story s = begin();
  api_post(&s.tenant, 201, "/api/billing/credit-notes", "{'invoiceId':'%s'}", upgrade(&s));
  api_post(&s.tenant, 400, "/api/billing/credit-notes", "{'invoiceId':'%s','amount':'30.01'}", s.invoice);
  give_back(&s, "");
  cr_expect_str_eq(noted(&s), "1500, 3000");
  test_clock_advance(&s.tenant, s.clock, "2031-01-17T12:00:00Z");
  expect_sound_books(&s.tenant);
}

/* What a void invoice had of a fixed coupon can be given again in the same period: to the charge of a change. */
Test(give_back, bill_040_what_a_void_invoice_had_of_a_coupon_is_given_again) {
  static const char discounts[] = "SELECT string_agg(discount_minor::text, ', ' ORDER BY amount_minor DESC) FROM "
                                  "invoice_items WHERE tenant_id = $1 AND kind <> 'credit'";
  struct story s = begin_with("'FIVE'", "");
  api_post(&s.tenant, 200, keep_text("/api/billing/invoices/%s/void", s.invoice), "{}");
  upgrade(&s);
  cr_expect_str_eq(sql_text(&s.tenant, discounts), "500, 500");
  test_clock_advance(&s.tenant, s.clock, "2031-01-17T12:00:00Z");
  expect_sound_books(&s.tenant);
}

/* And what its credits had given back of one is used again. */
Test(give_back, bill_040_what_a_void_invoice_gave_back_of_a_coupon_is_used_again) {
  static const char used[] = "SELECT string_agg(used_minor::text, ', ') FROM coupon_uses WHERE tenant_id = $1";
  struct story s = begin_with("'FIVE'", "");
  cr_expect_str_eq(sql_text(&s.tenant, used), "500");
  const char *upgraded = upgrade(&s); /* 2.50 come back, and are given to the new charge */
  cr_expect_str_eq(sql_text(&s.tenant, used), "500");
  api_post(&s.tenant, 200, keep_text("/api/billing/invoices/%s/void", upgraded), "{}");
  cr_expect_str_eq(sql_text(&s.tenant, used), "500");
  api_post(&s.tenant, 200, keep_text("/api/billing/invoices/%s/void", s.invoice), "{}");
  cr_expect_str_eq(sql_text(&s.tenant, used), "0");
  test_clock_advance(&s.tenant, s.clock, "2031-01-17T12:00:00Z");
  expect_sound_books(&s.tenant);
}
