/* The two entries of each money fact, read off the table in the header: what is debited and what is credited is decided
 * there and nowhere else, so that every document balances by construction. */
#include "domain/ledger.h"

#include "base/assert.h"

static const char *const ACCOUNT_NAMES[] = {
#define X(account, name) [account] = name,
    LEDGER_ACCOUNTS(X)
#undef X
};

struct fact_row {
  const char *name;
  enum ledger_account debit, credit;
};

static const struct fact_row FACTS[] = {
#define X(fact, name, debit, credit) [fact] = {name, debit, credit},
    LEDGER_FACTS(X)
#undef X
};

static const struct fact_row *fact_row(enum ledger_fact fact) {
  ASSERT((size_t)fact < sizeof FACTS / sizeof FACTS[0]);
  return &FACTS[fact];
}

const char *ledger_account_name(enum ledger_account account) {
  ASSERT((size_t)account < sizeof ACCOUNT_NAMES / sizeof ACCOUNT_NAMES[0]);
  return ACCOUNT_NAMES[account];
}

const char *ledger_fact_name(enum ledger_fact fact) {
  return fact_row(fact)->name;
}

void ledger_entries(enum ledger_fact fact, int64_t amount_minor, struct ledger_entry ret_entries[static 2]) {
  const struct fact_row *row = fact_row(fact);
  ASSERT(amount_minor != 0 && amount_minor != INT64_MIN);
  ASSERT(row->debit != row->credit);
  ret_entries[0] = (struct ledger_entry){row->debit, amount_minor};
  ret_entries[1] = (struct ledger_entry){row->credit, -amount_minor};
}
