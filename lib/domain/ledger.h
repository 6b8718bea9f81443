/* The ledger's rules as a table {fact -> account debited, account credited}. Amounts are signed minor units: a debit is
 * positive, a credit negative, and the entries of one fact sum to zero per currency. */
#ifndef DOMAIN_LEDGER_H
#define DOMAIN_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LEDGER_ACCOUNTS(X)              \
  X(ACCOUNT_RECEIVABLE, "receivable")   \
  X(ACCOUNT_REVENUE, "revenue")         \
  X(ACCOUNT_TAX_PAYABLE, "tax_payable") \
  X(ACCOUNT_CASH, "cash")               \
  X(ACCOUNT_CUSTOMER_CREDIT, "customer_credit")

enum ledger_account {
#define X(account, name) account,
  LEDGER_ACCOUNTS(X)
#undef X
};

/* An overpayment is what a payment brought beyond what its invoice still owed (BILL-072). */
#define LEDGER_FACTS(X)                                                           \
  X(FACT_INVOICE_NET, "invoice_net", ACCOUNT_RECEIVABLE, ACCOUNT_REVENUE)         \
  X(FACT_INVOICE_TAX, "invoice_tax", ACCOUNT_RECEIVABLE, ACCOUNT_TAX_PAYABLE)     \
  X(FACT_PAYMENT, "payment", ACCOUNT_CASH, ACCOUNT_RECEIVABLE)                    \
  X(FACT_OVERPAYMENT, "overpayment", ACCOUNT_RECEIVABLE, ACCOUNT_CUSTOMER_CREDIT) \
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
