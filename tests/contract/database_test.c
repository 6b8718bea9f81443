/* The database as migrations have made it: tenants kept apart by every table, not by most. */
#include <criterion/criterion.h>

#include "base/money.h"
#include "tables.h"

Test(database, has_tables) {
  cr_assert_gt(sql_int(NULL, "SELECT count(*) FROM (" TABLES ") t"), 20);
}

Test(database, every_primary_key_begins_with_the_tenant) {
  expect_none("the primary key does not begin with tenant_id",
              "SELECT name FROM (" TABLES ") t WHERE name NOT IN (" MACHINERY ", 'tenants') AND NOT EXISTS ("
              "SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
              "WHERE i.indrelid = t.oid AND i.indisprimary AND a.attname = 'tenant_id' AND a.attnotnull)");
}

Test(database, every_foreign_key_carries_the_tenant) {
  expect_none(
      "the foreign key does not pair tenant with tenant",
      "SELECT k.conrelid::regclass || '.' || k.conname FROM pg_constraint k "
      "WHERE k.contype = 'f' AND k.connamespace = 'cloudbill'::regnamespace AND NOT EXISTS ("
      "SELECT FROM pg_attribute mine, pg_attribute theirs "
      "WHERE mine.attrelid = k.conrelid AND mine.attnum = k.conkey[1] "
      "AND mine.attname = CASE k.conrelid WHEN 'cloudbill.tenants'::regclass THEN 'id' ELSE 'tenant_id' END "
      "AND theirs.attrelid = k.confrelid AND theirs.attnum = k.confkey[1] "
      "AND theirs.attname = CASE k.confrelid WHEN 'cloudbill.tenants'::regclass THEN 'id' ELSE 'tenant_id' END)");
}

Test(database, every_unique_index_carries_the_tenant) {
  expect_none("unique across tenants",
              "SELECT i.indexrelid::regclass::text FROM (" TABLES ") t JOIN pg_index i ON i.indrelid = t.oid "
              "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
              "WHERE i.indisunique AND t.name NOT IN (" MACHINERY ", 'tenants') AND a.attname <> 'tenant_id'"
              " UNION ALL "
              "SELECT i.indexrelid::regclass::text FROM (" TABLES ") t JOIN pg_index i ON i.indrelid = t.oid "
              "WHERE i.indisunique AND i.indkey[0] = 0 AND i.indexrelid <> 'cloudbill.users_email'::regclass");
}

Test(database, row_level_security_is_forced_everywhere) {
  expect_none("without forced row-level security",
              "SELECT name FROM (" TABLES ") t WHERE NOT (relrowsecurity AND relforcerowsecurity)"
              " AND name <> 'schema_migrations'");
}

/* Using and with check, by the tenant of the transaction, for the API; nothing that lets it see more. */
Test(database, every_table_shows_the_api_one_tenant) {
  expect_none("the API's policy is not the tenant's",
              "SELECT name FROM (" TABLES ") t WHERE name NOT IN (" MACHINERY ") AND NOT EXISTS ("
              "SELECT FROM pg_policies p WHERE p.schemaname = 'cloudbill' AND p.tablename = t.name "
              "AND p.roles = '{cloudbill_api}' AND p.cmd = 'ALL' AND p.permissive = 'PERMISSIVE' "
              "AND p.with_check = p.qual AND p.qual = '(' || CASE t.name WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END "
              "|| ' = ( SELECT current_tenant() AS current_tenant))')");
  expect_none("a further policy for the API",
              "SELECT tablename || ' ' || policyname FROM pg_policies p WHERE schemaname = 'cloudbill' "
              "AND ('cloudbill_api' = ANY (roles) OR 'public' = ANY (roles)) AND policyname <> 'one_tenant' "
              "AND tablename <> 'worker_heartbeats'");
}

Test(database, the_api_s_roles_own_nothing_and_bypass_nothing) {
  expect_none(
      "too strong",
      "SELECT rolname::text FROM pg_roles WHERE rolname IN ('cloudbill_api', 'cloudbill_worker', "
      "'cloudbill_identity', 'cloudbill_owner') AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)");
  expect_none(
      "owned by a role that serves",
      "SELECT relname::text FROM pg_class WHERE relnamespace = 'cloudbill'::regnamespace AND relkind IN ('r', 'v') "
      "AND relowner::regrole::text <> 'cloudbill_owner'");
  expect_none(
      "the API may write",
      "SELECT table_name || ' ' || privilege_type FROM information_schema.role_table_grants "
      "WHERE grantee = 'cloudbill_api' AND table_schema = 'cloudbill' AND privilege_type <> 'SELECT' "
      "AND (table_name, privilege_type) NOT IN (('billing_schedules', 'INSERT'), ('billing_schedules', 'UPDATE'), "
      "('sessions', 'INSERT'), ('sessions', 'UPDATE'), ('audit_log', 'INSERT'), ('commands', 'INSERT'))");
  expect_none("everybody may", "SELECT table_name || ' ' || privilege_type FROM information_schema.role_table_grants "
                               "WHERE grantee = 'PUBLIC' AND table_schema = 'cloudbill'");
}

Test(database, every_view_asks_as_its_reader) {
  cr_assert_gt(sql_int(NULL, "SELECT count(*) FROM pg_class WHERE relkind = 'v' "
                             "AND relnamespace = 'cloudbill'::regnamespace"),
               5);
  expect_none("without security_invoker",
              "SELECT relname::text FROM pg_class WHERE relkind = 'v' AND relnamespace = 'cloudbill'::regnamespace "
              "AND NOT COALESCE('security_invoker=true' = ANY (reloptions), false)");
}

/* What runs as its owner looks past the policies: the few that must are named here. */
Test(database, only_the_login_runs_as_somebody_else) {
  expect_none("SECURITY DEFINER",
              "SELECT proname::text FROM pg_proc WHERE pronamespace = 'cloudbill'::regnamespace AND prosecdef "
              "AND proname <> 'account_for_login'");
}

Test(database, money_is_bigint_and_times_have_zones) {
  expect_none("not bigint",
              "SELECT table_name || '.' || column_name FROM information_schema.columns "
              "WHERE table_schema = 'cloudbill' AND column_name LIKE '%\\_minor' AND data_type <> 'bigint'");
  expect_none(
      "without a zone or inexact",
      "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'cloudbill' "
      "AND data_type IN ('timestamp without time zone', 'real', 'double precision', 'money')");
}

Test(database, knows_each_currency_s_digits_as_the_program_does) {
  for (size_t i = 0; currency_at(i); i++) {
    const struct currency *currency = currency_at(i);
    cr_expect_eq(sql_int(NULL, keep_text("SELECT currency_exponent('%s')", currency->code)), currency->exponent, "%s",
                 currency->code);
  }
}

Test(database, writes_amounts_as_the_program_does) {
  static const struct {
    int64_t minor;
    const char *currency;
  } cases[] = {{9900, "USD"}, {-1, "EUR"},     {0, "USD"},      {7000, "JPY"},
               {1, "KWD"},    {-12345, "KWD"}, {123456, "CLF"}, {MONEY_MAX, "USD"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[MONEY_TEXT_MAX];
    const char *sql = keep_text("SELECT units(%lld, '%s')", (long long)cases[i].minor, cases[i].currency);
    cr_expect_str_eq(sql_text(NULL, sql), money_format(cases[i].minor, currency_find(cases[i].currency), text), "%s",
                     sql);
  }
}

/* What cannot be undone cannot be undone by the workers' role either. */
Test(database, the_past_is_immutable) {
  static const char *const frozen[] = {"subscription_history", "audit_log",    "ledger_entries",   "plan_versions",
                                       "plan_prices",          "credit_notes", "credit_note_items"};
  for (size_t i = 0; i < sizeof frozen / sizeof *frozen; i++)
    cr_expect_eq(sql_int(NULL, keep_text("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'cloudbill.%s'::regclass "
                                         "AND tgname = 'immutable' AND tgenabled = 'O'",
                                         frozen[i])),
                 1, "%s", frozen[i]);
}

/* -- the ledger and what is finalised, tried out: all of it is rolled back -- */

#define A_CUSTOMER                                                                                                   \
  "INSERT INTO tenants (id, name, currency) VALUES ('11111111-1111-1111-1111-111111111111', 'A', 'USD');"            \
  "INSERT INTO customers (tenant_id, id, name, email, locale, time_zone, currency, net_terms_days, created_at, "     \
  "updated_at) VALUES ('11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', 'B', 'b@c', " \
  "'en', 'UTC', 'USD', 0, now(), now());"
#define ENTRIES                                                                                                    \
  "INSERT INTO ledger_entries SELECT '11111111-1111-1111-1111-111111111111', '33333333-3333-3333-3333-"            \
  "333333333333', 'invoice', line, account, currency, amount, '22222222-2222-2222-2222-222222222222', now() FROM " \
  "(VALUES "
#define AS_ENTRIES ") e (line, account, currency, amount);"
#define COMMITTED  "SET CONSTRAINTS ALL IMMEDIATE"

static const struct {
  const char *what, *sql, *state;
} attempts[] = {
    {"balanced", A_CUSTOMER ENTRIES "(1, 'receivable', 'USD', 5), (2, 'revenue', 'USD', -5)" AS_ENTRIES COMMITTED,
     "00000"},
    {"one-sided", A_CUSTOMER ENTRIES "(1, 'receivable', 'USD', 5)" AS_ENTRIES COMMITTED, "CB002"},
    {"off by one", A_CUSTOMER ENTRIES "(1, 'receivable', 'USD', 5), (2, 'revenue', 'USD', -4)" AS_ENTRIES COMMITTED,
     "CB002"},
    {"in two currencies",
     A_CUSTOMER ENTRIES "(1, 'receivable', 'USD', 5), (2, 'revenue', 'EUR', -5)" AS_ENTRIES COMMITTED, "CB002"},
    {"in two statements",
     A_CUSTOMER ENTRIES "(1, 'receivable', 'USD', 5)" AS_ENTRIES ENTRIES
                        "(2, 'revenue', 'USD', -5)" AS_ENTRIES COMMITTED,
     "00000"},
    {"posted twice",
     A_CUSTOMER ENTRIES "(1, 'receivable', 'USD', 5), (2, 'revenue', 'USD', -5)" AS_ENTRIES ENTRIES
                        "(1, 'receivable', 'USD', 5), (2, 'revenue', 'USD', -5)" AS_ENTRIES COMMITTED,
     "23505"},
    {"changed",
     A_CUSTOMER ENTRIES "(1, 'receivable', 'USD', 5), (2, 'revenue', 'USD', -5)" AS_ENTRIES
                        "UPDATE ledger_entries SET amount_minor = 2 * amount_minor WHERE tenant_id = "
                        "'11111111-1111-1111-1111-111111111111'",
     "CB001"},
    {"deleted",
     A_CUSTOMER ENTRIES "(1, 'receivable', 'USD', 5), (2, 'revenue', 'USD', -5)" AS_ENTRIES
                        "DELETE FROM ledger_entries WHERE tenant_id = '11111111-1111-1111-1111-111111111111'",
     "CB001"},
};

Test(database, the_ledger_takes_what_balances_and_keeps_it) {
  for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
    cr_expect_str_eq(sql_state(NULL, "postgres", attempts[i].sql), attempts[i].state, "%s: %s", attempts[i].what,
                     sql_state(NULL, "postgres", attempts[i].sql));
}

/* BILL-070: an invoice with one line, finalised; then somebody tries. */
#define AN_INVOICE                                                                                                    \
  A_CUSTOMER                                                                                                          \
  "INSERT INTO invoices (tenant_id, id, customer_id, series, number, status, currency, subtotal_minor, total_minor, " \
  "collection, issue_date, due_date, finalised_xact, created_at, updated_at) VALUES "                                 \
  "('11111111-1111-1111-1111-111111111111', '33333333-3333-3333-3333-333333333333', "                                 \
  "'22222222-2222-2222-2222-222222222222', 'INV', 1, 'open', 'USD', 500, 500, 'manual', '2026-01-01', '2026-01-01', " \
  "pg_current_xact_id(), now(), now());"                                                                              \
  "INSERT INTO invoice_items (tenant_id, invoice_id, line, id, kind, description, quantity, unit_price, "             \
  "amount_minor, "                                                                                                    \
  "provenance) VALUES ('11111111-1111-1111-1111-111111111111', '33333333-3333-3333-3333-333333333333', 1, "           \
  "'44444444-4444-4444-4444-444444444444', 'fee', 'a', 1, 5, 500, '{}');"

static const struct {
  const char *what, *sql, *state;
} changes[] = {
    {"its payment", "UPDATE invoices SET status = 'paid', amount_paid_minor = 500, paid_at = now(), version = 2",
     "00000"},
    {"its total", "UPDATE invoices SET subtotal_minor = 1, total_minor = 1", "CB001"},
    {"its number", "UPDATE invoices SET number = 2", "CB001"},
    {"its customer's address", "UPDATE invoices SET bill_to = '{\"a\":1}'", "CB001"},
    {"its due date", "UPDATE invoices SET due_date = '2027-01-01'", "CB001"},
    {"its existence", "DELETE FROM invoices", "CB001"},
    {"a line", "UPDATE invoice_items SET amount_minor = 1", "CB001"},
    {"a line's existence", "DELETE FROM invoice_items", "CB001"},
    {"paid with less", "UPDATE invoices SET status = 'paid', amount_paid_minor = 499", "23514"},
};

Test(database, of_a_finalised_invoice_only_its_payment_changes) {
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    const char *sql =
        keep_text("%s%s WHERE tenant_id = '11111111-1111-1111-1111-111111111111'", AN_INVOICE, changes[i].sql);
    cr_expect_str_eq(sql_state(NULL, "postgres", sql), changes[i].state, "%s: %s", changes[i].what,
                     sql_state(NULL, "postgres", sql));
  }
}
