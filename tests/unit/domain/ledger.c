/* Each fact balances and names its accounts. */
#include "domain/ledger.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <string.h>

/* The header's table, written down a second time: what is debited, what is credited. */
static const struct {
  enum ledger_fact fact;
  const char *name, *debit, *credit;
} FACTS[] = {
    {FACT_INVOICE_NET, "invoice_net", "receivable", "revenue"},
    {FACT_INVOICE_TAX, "invoice_tax", "receivable", "tax_payable"},
    {FACT_INVOICE_CREDIT, "invoice_credit", "receivable", "customer_credit"}, /* BILL-040 */
    {FACT_CREDIT_APPLIED, "credit_applied", "customer_credit", "receivable"}, /* BILL-040 */
    {FACT_CREDIT_GRANTED, "credit_granted", "credit_granted", "customer_credit"},
    {FACT_CREDIT_EXPIRED, "credit_expired", "customer_credit", "credit_granted"},
    {FACT_CREDIT_NOTE_NET, "credit_note_net", "revenue", "receivable"}, /* BILL-043 */
    {FACT_CREDIT_NOTE_TAX, "credit_note_tax", "tax_payable", "receivable"},
    {FACT_CREDIT_NOTE_CREDIT, "credit_note_credit", "receivable", "customer_credit"},
    {FACT_VOID_NET, "void_net", "revenue", "receivable"}, /* BILL-070 */
    {FACT_VOID_TAX, "void_tax", "tax_payable", "receivable"},
    {FACT_VOID_CREDIT, "void_credit", "receivable", "customer_credit"},
    {FACT_WRITE_OFF, "write_off", "bad_debt", "receivable"},
    {FACT_RECOVERY, "recovery", "receivable", "bad_debt"},
    {FACT_PAYMENT, "payment", "cash", "receivable"},
    {FACT_OVERPAYMENT, "overpayment", "receivable", "customer_credit"}, /* BILL-072 */
    {FACT_REFUND, "refund", "receivable", "cash"},                      /* BILL-085 */
};
enum { FACT_COUNT = sizeof FACTS / sizeof FACTS[0] };

Test(ledger, entries_of_every_fact_sum_to_zero) {
  static const int64_t AMOUNTS[] = {1, -1, 9900, -9900, INT64_C(999999999999999), -INT64_C(999999999999999)};
  for (size_t i = 0; i < FACT_COUNT; i++) {
    for (size_t j = 0; j < sizeof AMOUNTS / sizeof AMOUNTS[0]; j++) {
      struct ledger_entry entries[2];
      ledger_entries(FACTS[i].fact, AMOUNTS[j], entries);
      cr_expect_eq(entries[0].amount_minor + entries[1].amount_minor, 0);
      cr_expect_eq(entries[0].amount_minor, AMOUNTS[j], "a debit is positive");
      cr_expect_str_eq(ledger_account_name(entries[0].account), FACTS[i].debit, "%s", FACTS[i].name);
      cr_expect_str_eq(ledger_account_name(entries[1].account), FACTS[i].credit, "%s", FACTS[i].name);
      cr_expect_neq(entries[0].account, entries[1].account);
    }
  }
}

Test(ledger, an_invoice_and_its_payment_leave_nothing_receivable) {
  int64_t balances[8] = {0};
  static const struct {
    enum ledger_fact fact;
    int64_t amount;
  } POSTED[] = {{FACT_INVOICE_NET, 10000}, {FACT_INVOICE_TAX, 1900}, {FACT_PAYMENT, 11900}};
  for (size_t i = 0; i < sizeof POSTED / sizeof POSTED[0]; i++) {
    struct ledger_entry entries[2];
    ledger_entries(POSTED[i].fact, POSTED[i].amount, entries);
    for (size_t j = 0; j < 2; j++) balances[entries[j].account] += entries[j].amount_minor;
  }
  cr_expect_eq(balances[ACCOUNT_RECEIVABLE], 0);
  cr_expect_eq(balances[ACCOUNT_CASH], 11900);
  cr_expect_eq(balances[ACCOUNT_REVENUE], -10000);
  cr_expect_eq(balances[ACCOUNT_TAX_PAYABLE], -1900);
}

Test(ledger, each_fact_stands_in_the_table_above_by_its_name) {
  static const char *const NAMES[] = {
#define X(fact, name, debit, credit) [fact] = name,
      LEDGER_FACTS(X)
#undef X
  };
  cr_assert_eq(sizeof NAMES / sizeof NAMES[0], FACT_COUNT);
  for (size_t i = 0; i < FACT_COUNT; i++) {
    cr_expect_eq((size_t)FACTS[i].fact, i);
    cr_expect_str_eq(ledger_fact_name(FACTS[i].fact), FACTS[i].name);
    for (size_t j = 0; j < i; j++) cr_expect_str_neq(FACTS[i].name, FACTS[j].name);
  }
}

Test(ledger, a_fact_of_nothing_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct ledger_entry entries[2];
  ledger_entries(FACT_PAYMENT, 0, entries);
}
