/* The ledger's rules as a table {fact -> account debited, account credited}. Amounts are signed minor units: a debit is
 * positive, a credit negative, and the entries of one fact sum to zero per currency. */
#ifndef DOMAIN_LEDGER_H
#define DOMAIN_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LEDGER_ACCOUNTS(X)                      \
  X(ACCOUNT_RECEIVABLE, "receivable")           \
  X(ACCOUNT_REVENUE, "revenue")                 \
  X(ACCOUNT_TAX_PAYABLE, "tax_payable")         \
  X(ACCOUNT_CASH, "cash")                       \
  X(ACCOUNT_CUSTOMER_CREDIT, "customer_credit") \
  X(ACCOUNT_CREDIT_GRANTED, "credit_granted")   \
  X(ACCOUNT_BAD_DEBT, "bad_debt")

enum ledger_account {
#define X(account, name) account,
  LEDGER_ACCOUNTS(X)
#undef X
};

/* An overpayment is what a payment brought beyond what its invoice still owed (BILL-072). invoice_credit: the amount of
 * an invoice below zero; credit_note_credit: what of a note was not due any more: both become account credit (BILL-040,
 * BILL-043). credit_granted is what the tenant gave away. A voided invoice's rest is taken back like a note's. */
#define LEDGER_FACTS(X)                                                                         \
  X(FACT_INVOICE_NET, "invoice_net", ACCOUNT_RECEIVABLE, ACCOUNT_REVENUE)                       \
  X(FACT_INVOICE_TAX, "invoice_tax", ACCOUNT_RECEIVABLE, ACCOUNT_TAX_PAYABLE)                   \
  X(FACT_INVOICE_CREDIT, "invoice_credit", ACCOUNT_RECEIVABLE, ACCOUNT_CUSTOMER_CREDIT)         \
  X(FACT_CREDIT_APPLIED, "credit_applied", ACCOUNT_CUSTOMER_CREDIT, ACCOUNT_RECEIVABLE)         \
  X(FACT_CREDIT_GRANTED, "credit_granted", ACCOUNT_CREDIT_GRANTED, ACCOUNT_CUSTOMER_CREDIT)     \
  X(FACT_CREDIT_EXPIRED, "credit_expired", ACCOUNT_CUSTOMER_CREDIT, ACCOUNT_CREDIT_GRANTED)     \
  X(FACT_CREDIT_NOTE_NET, "credit_note_net", ACCOUNT_REVENUE, ACCOUNT_RECEIVABLE)               \
  X(FACT_CREDIT_NOTE_TAX, "credit_note_tax", ACCOUNT_TAX_PAYABLE, ACCOUNT_RECEIVABLE)           \
  X(FACT_CREDIT_NOTE_CREDIT, "credit_note_credit", ACCOUNT_RECEIVABLE, ACCOUNT_CUSTOMER_CREDIT) \
  X(FACT_VOID_NET, "void_net", ACCOUNT_REVENUE, ACCOUNT_RECEIVABLE)                             \
  X(FACT_VOID_TAX, "void_tax", ACCOUNT_TAX_PAYABLE, ACCOUNT_RECEIVABLE)                         \
  X(FACT_VOID_CREDIT, "void_credit", ACCOUNT_RECEIVABLE, ACCOUNT_CUSTOMER_CREDIT)               \
  X(FACT_WRITE_OFF, "write_off", ACCOUNT_BAD_DEBT, ACCOUNT_RECEIVABLE)                          \
  X(FACT_RECOVERY, "recovery", ACCOUNT_RECEIVABLE, ACCOUNT_BAD_DEBT)                            \
  X(FACT_PAYMENT, "payment", ACCOUNT_CASH, ACCOUNT_RECEIVABLE)                                  \
  X(FACT_OVERPAYMENT, "overpayment", ACCOUNT_RECEIVABLE, ACCOUNT_CUSTOMER_CREDIT)               \
  X(FACT_REFUND, "refund", ACCOUNT_RECEIVABLE, ACCOUNT_CASH)

enum ledger_fact {
#define X(fact, name, debit, credit) fact,
  LEDGER_FACTS(X)
#undef X
};

struct ledger_entry {
  enum ledger_account account;
  int64_t amount_minor; /* > 0 debit, < 0 credit */
};

const char *ledger_account_name(enum ledger_account account);
const char *ledger_fact_name(enum ledger_fact fact);
/* The two entries of a fact: {debit +amount, credit -amount}. A negative amount turns them round. Asserts amount != 0.
 */
void ledger_entries(enum ledger_fact fact, int64_t amount_minor, struct ledger_entry ret_entries[static 2]);

#endif
