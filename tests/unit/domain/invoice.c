/* BILL-070: every state with every event, against the rule written down a second time. BILL-040: what an invoice goes
 * through, from its lines to the note that takes it back, and the ledger at each step. */
#include "domain/invoice.h"

#include <criterion/criterion.h>
#include <string.h>

#include "domain/credit_note.h"
#include "domain/discount.h"
#include "domain/ledger.h"
#include "domain/percent.h"
#include "domain/tax.h"
#include "unit/property.h"

static const struct {
  enum invoice_state from;
  const char *to[4]; /* by finalize, payment, void, uncollectible; NULL: not possible */
  const char *allowed;
} LIFE[] = {
    {INVOICE_DRAFT, {"open", NULL, NULL, NULL}, "{\"allowed\":[\"finalize\"]}"},
    {INVOICE_OPEN, {NULL, "paid", "void", "uncollectible"}, "{\"allowed\":[\"payment\",\"void\",\"uncollectible\"]}"},
    {INVOICE_UNCOLLECTIBLE, {NULL, "paid", "void", NULL}, "{\"allowed\":[\"payment\",\"void\"]}"},
    {INVOICE_PAID, {NULL, NULL, NULL, NULL}, "{\"allowed\":[]}"},
    {INVOICE_VOID, {NULL, NULL, NULL, NULL}, "{\"allowed\":[]}"},
};

static const enum invoice_event EVENTS[] = {INVOICE_EVENT_FINALISE, INVOICE_EVENT_PAY, INVOICE_EVENT_VOID,
                                            INVOICE_EVENT_WRITE_OFF};

Test(invoice, bill_070_every_state_with_every_event) {
  for (size_t s = 0; s < sizeof LIFE / sizeof LIFE[0]; s++) {
    for (size_t e = 0; e < sizeof EVENTS / sizeof EVENTS[0]; e++) {
      struct error err = {0};
      enum invoice_state to = LIFE[s].from;
      enum rc rc = invoice_next(LIFE[s].from, EVENTS[e], &to, &err);
      if (LIFE[s].to[e]) {
        cr_expect_eq(rc, RC_OK);
        cr_expect_str_eq(invoice_state_name(to), LIFE[s].to[e]);
      } else {
        cr_expect_eq(rc, RC_ILLEGAL_TRANSITION, "%s by event %zu", invoice_state_name(LIFE[s].from), e);
        cr_expect_str_eq(err.details, LIFE[s].allowed);
        cr_expect_eq(to, LIFE[s].from, "untouched");
      }
    }
  }
}

Test(invoice, names_come_back) {
  enum invoice_state state;
  for (size_t s = 0; s < sizeof LIFE / sizeof LIFE[0]; s++) {
    cr_assert(invoice_state_from_name(invoice_state_name(LIFE[s].from), &state));
    cr_expect_eq(state, LIFE[s].from);
  }
  cr_expect_not(invoice_state_from_name("lost", &state));
}

/* ---- from the lines to the ledger ---- */

enum { LINES = 6, ACCOUNTS = ACCOUNT_BAD_DEBT + 1 };

/* An invoice on its way: what each step left. */
struct bill {
  struct taxable lines[LINES];
  int64_t net, tax, total, due;
  int64_t balances[ACCOUNTS];
};

static void post(struct bill *bill, enum ledger_fact fact, int64_t minor) {
  struct ledger_entry entries[2];
  if (minor == 0) return;
  ledger_entries(fact, minor, entries);
  for (size_t e = 0; e < 2; e++) bill->balances[entries[e].account] += entries[e].amount_minor;
}

/* Lines of either sign and of three rates, and up to two coupons on some of them. */
static void throw_lines(struct dice *dice, struct bill *bill) {
  struct discountable off[LINES] = {{0}};
  for (size_t i = 0; i < LINES; i++) {
    off[i].amount_minor = dice_between(dice, -20000, 30000);
    off[i].is_covered = dice_between(dice, 0, 3) > 0;
  }
  for (int64_t coupons = dice_between(dice, 0, 2); coupons > 0; coupons--) {
    struct coupon coupon = {.amount_minor = dice_between(dice, 1, 50000)};
    if (dice_between(dice, 0, 1)) coupon = (struct coupon){.percent_micro = dice_between(dice, 1, PERCENT_WHOLE)};
    (void)coupon_apply(&coupon, off, LINES);
  }
  for (size_t i = 0; i < LINES; i++) {
    int64_t percent = dice_between(dice, 0, 2) * 9500000;
    bill->lines[i] = (struct taxable){.rate = {percent, percent ? TAX_STANDARD : TAX_ZERO, dice_between(dice, 0, 1)},
                                      .listed_minor = off[i].amount_minor,
                                      .listed_discount_minor = off[i].discount_minor};
  }
}

/* What is below zero becomes account credit; of what is due, account credit is used. */
static void finalise(struct dice *dice, struct bill *bill) {
  struct error err;
  int64_t used[2], grants[2] = {dice_between(dice, 0, 20000), dice_between(dice, 0, 20000)};
  cr_assert_eq(tax_compute(bill->lines, LINES, (enum tax_rounding)dice_between(dice, 0, TAX_ROUND_LINE), &err), RC_OK);
  for (size_t i = 0; i < LINES; i++) {
    bill->net += bill->lines[i].amount_minor - bill->lines[i].discount_minor;
    bill->tax += bill->lines[i].tax_minor;
  }
  bill->total = bill->net + bill->tax;
  int64_t applied = credit_apply(bill->total, grants, 2, used);
  bill->due = bill->total < 0 ? 0 : bill->total - applied;
  post(bill, FACT_INVOICE_NET, bill->net);
  post(bill, FACT_INVOICE_TAX, bill->tax);
  if (bill->total < 0) post(bill, FACT_INVOICE_CREDIT, -bill->total);
  post(bill, FACT_CREDIT_APPLIED, applied);
}

/* BILL-072: too little or too much. */
static void pay(struct dice *dice, struct bill *bill) {
  int64_t paid = dice_between(dice, 0, bill->due + 1000);
  int64_t over = paid > bill->due ? paid - bill->due : 0;
  post(bill, FACT_PAYMENT, paid);
  post(bill, FACT_OVERPAYMENT, over);
  bill->due -= paid - over;
}

/* BILL-043: all of it. A note below zero is none: whoever gives back an invoice that gave something charges it again.
 */
static int64_t take_back(struct bill *bill) {
  struct creditable lines[LINES] = {{0}};
  int64_t net = 0, tax = 0;
  for (size_t i = 0; i < LINES; i++) {
    lines[i].amount_minor = bill->lines[i].amount_minor - bill->lines[i].discount_minor;
    lines[i].tax_minor = bill->lines[i].tax_minor;
  }
  credit_whole(lines, LINES);
  for (size_t i = 0; i < LINES; i++) {
    net += lines[i].wanted_minor;
    tax += lines[i].tax_wanted_minor;
  }
  if (net + tax < 0) return net + tax;
  struct credit_disposal disposal = credit_dispose(net + tax, &(struct credit_settled){.due_minor = bill->due});
  post(bill, FACT_CREDIT_NOTE_NET, net);
  post(bill, FACT_CREDIT_NOTE_TAX, tax);
  post(bill, FACT_CREDIT_NOTE_CREDIT, disposal.left_minor);
  bill->due -= disposal.applied_minor;
  return net + tax;
}

Test(invoice, bill_040_the_ledger_follows_the_invoice_to_its_end) {
  struct dice dice = dice_new();
  for (int n = 0; n < MONEY_CASES; n++) {
    struct bill bill = {.net = 0};
    int64_t sum = 0;
    throw_lines(&dice, &bill);
    finalise(&dice, &bill);
    cr_assert_eq(bill.balances[ACCOUNT_RECEIVABLE], bill.due, "case %d: finalised", n);
    cr_assert_eq(bill.balances[ACCOUNT_REVENUE], -bill.net, "case %d", n);
    cr_assert_eq(bill.balances[ACCOUNT_TAX_PAYABLE], -bill.tax, "case %d", n);
    pay(&dice, &bill);
    cr_assert_eq(bill.balances[ACCOUNT_RECEIVABLE], bill.due, "case %d: paid", n);
    cr_assert_eq(take_back(&bill), bill.total, "case %d: a note of all is the invoice", n);
    cr_assert_eq(bill.balances[ACCOUNT_RECEIVABLE], bill.due, "case %d: taken back", n);
    if (bill.total >= 0)
      cr_assert(bill.due == 0 && bill.balances[ACCOUNT_REVENUE] == 0 && bill.balances[ACCOUNT_TAX_PAYABLE] == 0,
                "case %d: nothing is left", n);
    for (size_t a = 0; a < ACCOUNTS; a++) sum += bill.balances[a];
    cr_assert_eq(sum, 0, "case %d", n);
  }
}
