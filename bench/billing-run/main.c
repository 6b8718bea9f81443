/* bench-billing-run: invoices a second, from due to finalised with lines, ledger and events, through the running
 * workers; beside it, in the same run, the limit that it is measured against: the leanest SQL that does the same
 * writes, on bare copies of the tables (indexes, but no foreign key, no trigger, no row-level security), through one
 * libpq connection.
 *
 * Each fare is measured in three ways. "billing": only the workers whose writes the leanest SQL does are up,
 * billing-cycle and invoicing; payments and notifications are started when the runs are completed, and catch up. The
 * same with two processes of invoicing, which alone keeps one processor busy. "everything": one process of all four
 * from the start.
 *
 *   bench-billing-run [CUSTOMERS [TENANTS [plain|rich]]]      as `./dev bench billing-run` runs it: 20,000 and then
 *                                                             100,000 plain ones, then 20,000 rich ones
 *
 * plain: one bare price. rich: two price components, a coupon of 10 % for ever and a tax of 20 % on each subscription.
 */
#include <dirent.h>
#include <libpq-fe.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "cpu.h"

enum { WARM_UP = 5000, CLAIM = 1000, POLL_MS = 20, GIVE_UP_MS = 900000, GROUP_SETTLES_MS = 5000, SQL_MAX = 16384 };
enum { POLLS_A_LOOK = 20 }; /* through /proc, which costs more than the question */

/* What is billed, and the lines and ledger entries that the leanest SQL writes for it. */
struct fare {
  const char *name;
  const char *price_minor, *components; /* of the plan */
  const char *lines;                    /* (line, component, amount, discount, tax) */
  const char *entries;                  /* (fact, line, account, amount) */
  int subtotal_minor, discount_minor, tax_minor;
  bool is_rich;
};

static const struct fare fares[] = {
    {.name = "plain",
     .price_minor = "4900",
     .components = "[{\"code\": \"base\", \"model\": \"per_unit\", \"timing\": \"advance\", \"unitPrice\": \"49.00\"}]",
     .lines = "(1, 'base', 4900, 0, 0)",
     .entries = "('invoice_net', 1, 'receivable', 4900), ('invoice_net', 2, 'revenue', -4900)",
     .subtotal_minor = 4900},
    {.name = "rich",
     .price_minor = "NULL",
     .components = "[{\"code\": \"base\", \"model\": \"per_unit\", \"timing\": \"advance\", \"unitPrice\": \"40.00\"},"
                   " {\"code\": \"support\", \"model\": \"flat\", \"timing\": \"advance\", \"unitPrice\": \"9.00\"}]",
     .lines = "(1, 'base', 4000, 400, 720), (2, 'support', 900, 90, 162)",
     .entries = "('invoice_net', 1, 'receivable', 4410), ('invoice_net', 2, 'revenue', -4410),"
                " ('invoice_tax', 1, 'receivable', 882), ('invoice_tax', 2, 'tax_payable', -882)",
     .subtotal_minor = 4900,
     .discount_minor = 490,
     .tax_minor = 882,
     .is_rich = true},
};

static PGconn *db;

static _Noreturn void die(const char *what, const char *why) {
  fprintf(stderr, "bench-billing-run: %s: %s\n", what, why);
  exit(1);
}

static PGresult *query(const char *sql) {
  PGresult *result = PQexec(db, sql);
  ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) die(sql, PQerrorMessage(db));
  return result;
}

static void run(const char *sql) {
  PQclear(query(sql));
}

static int64_t number(const char *sql) {
  PGresult *result = query(sql);
  int64_t value = PQntuples(result) ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
  PQclear(result);
  return value;
}

/* As many due customers as are asked for, in tenants of their own, each with one monthly subscription whose second
 * period began today. */
static void seed(const struct fare *fare, int64_t customers, int64_t tenants) {
  char sql[SQL_MAX];
  run("CREATE TABLE IF NOT EXISTS bench_tenants (id uuid, n bigint); TRUNCATE bench_tenants");
  snprintf(sql, sizeof sql,
           "INSERT INTO bench_tenants SELECT gen_random_uuid(), n FROM generate_series(0, %lld) AS n;"
           "INSERT INTO tenants (id, name, currency) SELECT id, 'Bench ' || n, 'USD' FROM bench_tenants;"
           "INSERT INTO plans (tenant_id, id, code, name, created_at, updated_at)"
           " SELECT id, id, 'pro-monthly', 'Pro', now(), now() FROM bench_tenants;"
           "INSERT INTO plan_versions (tenant_id, plan_id, plan_version, interval_unit, interval_count, currency,"
           " created_at) SELECT id, id, 1, 'month', 1, 'USD', now() FROM bench_tenants;"
           "INSERT INTO plan_prices (tenant_id, plan_id, plan_version, currency, amount_minor, components)"
           " SELECT id, id, 1, 'USD', %s, '%s' FROM bench_tenants;",
           (long long)tenants - 1, fare->price_minor, fare->components);
  run(sql);
  snprintf(
      sql, sizeof sql,
      "CREATE TEMP TABLE seeded ON COMMIT DROP AS"
      " SELECT t.id AS tenant_id, gen_random_uuid() AS id, gen_random_uuid() AS subscription_id, k AS n"
      " FROM generate_series(1, %lld) AS k JOIN bench_tenants t ON t.n = k %% %lld;"
      "INSERT INTO customers (tenant_id, id, name, email, address, locale, time_zone, currency, net_terms_days,"
      " created_at, updated_at)"
      " SELECT tenant_id, id, 'Customer ' || n, 'c' || n || '@customers.example',"
      " '{\"line1\": \"1 High Street\", \"city\": \"Springfield\", \"country\": \"US\"}', 'en', 'UTC', 'USD', 0, now(),"
      " now() FROM seeded;"
      "INSERT INTO customer_billing SELECT tenant_id, id, current_date::timestamptz FROM seeded;"
      "INSERT INTO subscriptions (tenant_id, id, customer_id, plan_id, plan_version, status, currency, price_minor, "
      "is_plain,"
      " time_zone, start_date, interval_unit, interval_count, anchor_date, anchor_day, next_period_index,"
      " next_billing_at, current_period_start, current_period_end, started_at, created_at, updated_at)"
      " SELECT tenant_id, subscription_id, id, tenant_id, 1, 'active', 'USD', %s, %s, 'UTC', d, 'month', 1, d,"
      " extract(day FROM d)::integer, 1, current_date::timestamptz, d::timestamptz, current_date::timestamptz,"
      " d::timestamptz, now(), now()"
      " FROM seeded, (SELECT (current_date - interval '1 month')::date AS d) AS start;",
      (long long)customers, (long long)tenants, fare->price_minor, fare->is_rich ? "false" : "true");
  char transaction[SQL_MAX + 32];
  snprintf(transaction, sizeof transaction, "BEGIN; %s COMMIT", sql);
  run(transaction);
  if (fare->is_rich)
    run("INSERT INTO coupons (tenant_id, id, code, percent_off, duration, created_at, updated_at)"
        " SELECT id, id, 'TENTH', 10, 'forever', now(), now() FROM bench_tenants;"
        "INSERT INTO subscription_coupons (tenant_id, subscription_id, position, coupon_id, from_period_index,"
        " redeemed_at) SELECT s.tenant_id, s.id, 1, s.tenant_id, 0, now() FROM subscriptions s"
        " JOIN bench_tenants t ON t.id = s.tenant_id;"
        "INSERT INTO tax_rates (tenant_id, id, code, name, percentage, category, created_at, updated_at)"
        " SELECT id, id, 'VAT', 'VAT', 20, 'standard', now(), now() FROM bench_tenants");
}

/* The same rows on bare tables. */
static void seed_bare(void) {
  static const char *const tables[] = {"subscriptions", "invoices", "invoice_items", "ledger_entries", "outbox"};
  char sql[SQL_MAX];
  run("CREATE SCHEMA IF NOT EXISTS bare");
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    snprintf(sql, sizeof sql,
             "DROP TABLE IF EXISTS bare.%s; CREATE TABLE bare.%s (LIKE cloudbill.%s INCLUDING DEFAULTS"
             " INCLUDING INDEXES INCLUDING STORAGE)",
             tables[i], tables[i], tables[i]);
    run(sql);
  }
  run("CREATE INDEX ON bare.subscriptions (next_billing_at)");
  run("INSERT INTO bare.subscriptions SELECT s.* FROM cloudbill.subscriptions s"
      " JOIN bench_tenants t ON t.id = s.tenant_id");
}

/* Claim, invoice, items, ledger entries, outbox row, boundary; as many as $1 in a transaction, numbered from $2 on. */
static const char lean_step[] =
    "WITH claimed AS (SELECT tenant_id, id, customer_id, currency, next_billing_at, gen_random_uuid() AS invoice,"
    "   row_number() OVER () AS n FROM (SELECT * FROM bare.subscriptions WHERE next_billing_at <= now()"
    "   ORDER BY next_billing_at LIMIT $1 FOR UPDATE SKIP LOCKED) AS due),"
    " i AS (INSERT INTO bare.invoices (tenant_id, id, customer_id, subscription_id, series, number, invoice_number,"
    "   status, currency, subtotal_minor, discount_minor, tax_minor, total_minor, collection, period_start, period_end,"
    "   issue_date, due_date, finalised_at, created_at, updated_at) SELECT tenant_id, invoice, customer_id, id, 'INV',"
    "   $2 + n, 'INV-' || $2 + n, 'open', currency, %d, %d, %d, %d, 'automatic', next_billing_at,"
    "   next_billing_at + interval '1 month', current_date, current_date, now(), now(), now() FROM claimed),"
    " l AS (INSERT INTO bare.invoice_items (tenant_id, invoice_id, line, id, kind, subscription_id, period_index,"
    "   component, description, quantity, unit_price, amount_minor, discount_minor, tax_minor, period_start,"
    "   period_end, provenance) SELECT tenant_id, invoice, p.line, gen_random_uuid(), 'subscription', id, 1,"
    "   p.component, 'Pro', 1, 49.00, p.amount, p.discount, p.tax, next_billing_at,"
    "   next_billing_at + interval '1 month', '{\"days\": 30, \"fullDays\": 30}'"
    "   FROM claimed, (VALUES %s) AS p(line, component, amount, discount, tax)),"
    " e AS (INSERT INTO bare.ledger_entries (tenant_id, document_id, fact, line, account, currency, amount_minor,"
    "   customer_id, posted_at) SELECT tenant_id, invoice, p.fact, p.line, p.account, currency, p.amount, customer_id,"
    "   now() FROM claimed, (VALUES %s) AS p(fact, line, account, amount)),"
    " o AS (INSERT INTO bare.outbox (id, message_count, messages) SELECT gen_random_uuid(), 1,"
    "   convert_to('{\"type\": \"invoice.finalised\", \"invoiceId\": \"' || invoice || '\", \"customerId\": \"' || "
    "customer_id ||"
    "   '\", \"totalAmount\": 49.00, \"currency\": \"USD\"}', 'UTF8')"
    "   FROM claimed)"
    " UPDATE bare.subscriptions s SET next_billing_at = s.next_billing_at + interval '1 month',"
    "   next_period_index = s.next_period_index + 1, updated_at = now(), version = s.version + 1"
    " FROM claimed c WHERE s.tenant_id = c.tenant_id AND s.id = c.id";

static void prepare_lean(const struct fare *fare) {
  char sql[SQL_MAX];
  int total_minor = fare->subtotal_minor - fare->discount_minor + fare->tax_minor;
  snprintf(sql, sizeof sql, lean_step, fare->subtotal_minor, fare->discount_minor, fare->tax_minor, total_minor,
           fare->lines, fare->entries);
  PQclear(PQprepare(db, "lean", sql, 0, NULL));
}

static const char SECOND_INVOICING[] = "invoicing@2";

enum way { WAY_BILLING, WAY_POOL, WAY_EVERYTHING };

static const char *const way_names[] = {
    [WAY_BILLING] = "billing", [WAY_POOL] = "billing, two of invoicing", [WAY_EVERYTHING] = "everything"};

/* What one way of billing comes to. */
struct figures {
  double a_second;
  struct cpu before, after; /* the run */
  struct cpu quiet;         /* and all that it set off: payments, mails */
  double quiet_seconds;     /* from the end of the run */
  double cpu_us;            /* for each invoice, by all processes */
};

static struct figures measure_lean(const struct fare *fare, int64_t customers) {
  struct figures lean = {0};
  seed_bare();
  run("VACUUM ANALYZE bare.subscriptions");
  run("CHECKPOINT");
  prepare_lean(fare);
  cpu_read(db, &lean.before);
  struct mono start = mono_now();
  int64_t done = 0;
  for (;;) {
    char claim[16], first[24];
    snprintf(claim, sizeof claim, "%d", CLAIM);
    snprintf(first, sizeof first, "%lld", (long long)done);
    PGresult *result = PQexecPrepared(db, "lean", 2, (const char *const[]){claim, first}, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) die("lean SQL", PQerrorMessage(db));
    int64_t claimed = strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    if (claimed == 0) break;
    done += claimed;
  }
  double seconds = (double)mono_ms_since(start) / 1000;
  cpu_read(db, &lean.after);
  run("DEALLOCATE lean");
  if (done != customers) die("lean SQL", "did not bill everybody");
  run("DROP SCHEMA bare CASCADE");
  lean.a_second = (double)customers / seconds;
  lean.cpu_us = (double)cpu_spent_us(&lean.before, &lean.after, CPU_BENCH) / (double)customers;
  return lean;
}

/* Resident megabytes of our processes: those whose program lies in BIN_DIR, but for the gateway and this one. */
static double resident_mb(void) {
  const char *bin = getenv("BIN_DIR");
  DIR *proc = bin ? opendir("/proc") : NULL;
  if (!proc) return 0;
  double pages = 0;
  for (struct dirent *entry; (entry = readdir(proc));) {
    char path[300], program[512];
    snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
    ssize_t length = readlink(path, program, sizeof program - 1);
    if (length < 0) continue;
    program[length] = '\0';
    if (strncmp(program, bin, strlen(bin)) != 0 || !strstr(program, "/cloudbill-")) continue;
    snprintf(path, sizeof path, "/proc/%s/statm", entry->d_name);
    FILE *file = fopen(path, "r");
    char line[128] = "";
    if (file && fgets(line, sizeof line, file)) pages += (double)strtoll(line + strcspn(line, " "), NULL, 10);
    if (file) fclose(file);
  }
  closedir(proc);
  return pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

/* Every invoice is what the leanest SQL wrote. */
static void check(const struct fare *fare, int64_t customers) {
  char sql[SQL_MAX];
  snprintf(sql, sizeof sql,
           "SELECT count(*) FROM invoices v JOIN bench_tenants t ON t.id = v.tenant_id"
           " WHERE v.subtotal_minor = %d AND v.discount_minor = %d AND v.tax_minor = %d",
           fare->subtotal_minor, fare->discount_minor, fare->tax_minor);
  if (number(sql) != customers) die("billing runs", "not the right invoice for each customer");
  if (number("SELECT count(*) FROM (SELECT currency FROM ledger_entries GROUP BY currency HAVING sum(amount_minor) <> "
             "0) x"))
    die("ledger", "does not sum to zero");
}

/* Payments and mails of one measurement must not weigh on the next: all are opened, and all mails are out. */
static void wait_for_quiet(int64_t customers) {
  struct mono start = mono_now();
  while ((number("SELECT (SELECT count(*) FROM notifications WHERE next_attempt_at IS NOT NULL)"
                 " + (SELECT count(*) FROM outbox)") > 0 ||
          number("SELECT count(*) FROM payments p JOIN bench_tenants t ON t.id = p.tenant_id") < customers ||
          number("SELECT count(*) FROM notifications n JOIN bench_tenants t ON t.id = n.tenant_id") < customers) &&
         mono_ms_since(start) < GIVE_UP_MS)
    sleep_ms(200);
}

/* By the instance's own script: "start" or "stop"; a second one has a name like "invoicing@2". */
static void processes(const char *verb, const char *first, const char *second) {
  const char *helper = getenv("PROCESS_HELPER");
  if (!helper) die("PROCESS_HELPER", "must be set");
  const char *const argv[] = {helper, verb, first, second, NULL};
  pid_t pid;
  int status = -1;
  if (posix_spawn(&pid, helper, NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
    die(helper, "does not start");
  if (waitpid(pid, &status, 0) != pid || status != 0) die(helper, verb);
}

/* The workers that take up what a run sets off. */
static void followers(const char *verb) {
  processes(verb, "payments", "notifications");
  while (number("SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^(payments|notifications)'") > 0 &&
         strcmp(verb, "stop") == 0)
    sleep_ms(POLL_MS); /* what a backend spent counts as its postmaster's as soon as it has ended */
}

/* The runs are written as billing-run.start writes them, all at once. */
static double run_all(int64_t customers, double *ret_peak_mb) {
  struct mono start = mono_now();
  run("INSERT INTO billing_runs (tenant_id, id, as_of, status, requested_by, started_at)"
      " SELECT id, gen_random_uuid(), now(), 'running', 'bench', now() FROM bench_tenants");
  for (int poll = 0; number("SELECT count(*) FROM billing_runs WHERE status <> 'completed'") > 0; poll++) {
    double mb = poll % POLLS_A_LOOK == 0 ? resident_mb() : 0;
    if (mb > *ret_peak_mb) *ret_peak_mb = mb;
    if (mono_ms_since(start) > GIVE_UP_MS) die("billing runs", "not completed in time");
    sleep_ms(POLL_MS);
  }
  return (double)customers * 1000 / (double)mono_ms_since(start);
}

static struct figures measure_workers(enum way way, int64_t customers, double *ret_peak_mb) {
  struct figures workers = {0};
  if (way != WAY_EVERYTHING) followers("stop");
  if (way == WAY_POOL) {
    processes("start", SECOND_INVOICING, NULL);
    sleep_ms(GROUP_SETTLES_MS); /* the two share the partitions */
  }
  run("VACUUM ANALYZE");
  run("CHECKPOINT");
  cpu_read(db, &workers.before);
  workers.a_second = run_all(customers, ret_peak_mb);
  cpu_read(db, &workers.after);
  workers.cpu_us = (double)cpu_spent_us(&workers.before, &workers.after, NULL) / (double)customers;
  struct mono end = mono_now();
  if (way != WAY_EVERYTHING) followers("start");
  wait_for_quiet(customers);
  workers.quiet_seconds = (double)mono_ms_since(end) / 1000;
  cpu_read(db, &workers.quiet);
  if (way == WAY_POOL) processes("stop", SECOND_INVOICING, NULL);
  return workers;
}

static void print_cpu(const struct figures *lean, const struct figures *workers, int64_t customers) {
  double quiet_us = (double)cpu_spent_us(&workers->before, &workers->quiet, NULL) / (double)customers;
  printf("\nCPU, µs an invoice | in the run | until all is quiet, %.1f s later\n---|---|---\n", workers->quiet_seconds);
  for (size_t i = 0; i < workers->quiet.count; i++) {
    const char *name = workers->quiet.classes[i].name;
    double in_run = (double)cpu_spent_us(&workers->before, &workers->after, name) / (double)customers;
    double in_all = (double)cpu_spent_us(&workers->before, &workers->quiet, name) / (double)customers;
    if (in_all >= 0.5 && strcmp(name, CPU_BENCH) != 0) printf("%s | %.1f | %.1f\n", name, in_run, in_all);
  }
  printf("all | %.1f | %.1f\nleanest SQL | %.1f |\nratio | %.2f | %.2f\n\n", workers->cpu_us, quiet_us, lean->cpu_us,
         lean->cpu_us / workers->cpu_us, lean->cpu_us / quiet_us);
}

static void measure_way(enum way way, const struct fare *fare, int64_t customers, int64_t tenants) {
  double idle_mb = resident_mb(), peak_mb = 0;
  seed(fare, customers, tenants);
  struct figures lean = measure_lean(fare, customers), workers = measure_workers(way, customers, &peak_mb);
  check(fare, customers);
  printf("| what | customers | tenants | way | leanest SQL, invoices/s | workers, invoices/s | ratio | RSS idle, MB"
         " | RSS peak, MB |\n|---|---|---|---|---|---|---|---|---|\n");
  printf("| %s | %lld | %lld | %s | %.0f | %.0f | %.2f | %.0f | %.0f |\n", fare->name, (long long)customers,
         (long long)tenants, way_names[way], lean.a_second, workers.a_second, workers.a_second / lean.a_second, idle_mb,
         peak_mb);
  print_cpu(&lean, &workers, customers);
  fflush(stdout);
}

/* The first records of a new broker take half a second, and its JVM compiles what it runs for some more: not what a
 * system that runs for weeks is measured by. */
static void warm_up(const struct fare *fare, int64_t tenants) {
  double ignored = 0;
  seed(fare, WARM_UP, tenants);
  run_all(WARM_UP, &ignored);
  wait_for_quiet(WARM_UP);
}

static void measure(const struct fare *fare, int64_t customers, int64_t tenants) {
  warm_up(fare, tenants);
  for (enum way way = WAY_BILLING; way <= WAY_EVERYTHING; way++) measure_way(way, fare, customers, tenants);
}

int main(int argc, char **argv) {
  const char *url = getenv("DATABASE_ADMIN_URL");
  if (!url) die("DATABASE_ADMIN_URL", "must be set");
  db = PQconnectdb(url);
  if (PQstatus(db) != CONNECTION_OK) die("PostgreSQL", PQerrorMessage(db));
  run("SET search_path = cloudbill; SET client_min_messages = warning");
  int64_t tenants = argc > 2 ? strtoll(argv[2], NULL, 10) : 10;
  const struct fare *plain = &fares[0], *rich = &fares[1];
  if (argc > 1) {
    measure(argc > 3 && strcmp(argv[3], rich->name) == 0 ? rich : plain, strtoll(argv[1], NULL, 10), tenants);
  } else {
    measure(plain, 20000, tenants);
    measure(plain, 100000, tenants);
    measure(rich, 20000, tenants);
  }
  PQfinish(db);
  return 0;
}
