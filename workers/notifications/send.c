/* Delivers notifications in three steps, as a charge is made:
 *
 *   (a) one transaction claims due rows: `sending`, the attempt's number and row, and until when they are ours;
 *   (b) the mails are delivered outside of any transaction, many at a time (crew.h);
 *   (c) one transaction records what came of them: sent, with notification.sent; to be tried again, and when; or
 * failed, with notification.failed.
 *
 * A process that dies between (a) and (c) leaves rows whose time runs out, and another claims them: the mail goes out
 * at least once, and if twice, then with the same Message-ID, which is the notification's id. What (c) could not record
 * since the database is away stays here and is recorded first when it is back.
 *
 * A server that is away stops the claiming, not the mails: after a pause (retry.h) one mail is tried, and when it goes
 * through, all go. */
#include "send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "compose.h"
#include "crew.h"
#include "report.h"
#include "retry.h"
#include "sql.h"

enum {
  CLAIMS_PER_THREAD = 16, /* mails that are ours at a time: enough that no thread waits for the database */
  RECORDS_PER_THREAD = 8, /* and that are recorded together, unless no more are under way or COLLECT_WAIT_MS goes by */
  COLLECT_WAIT_MS = 100,
  CLAIM_PAUSE_MS = 100,    /* after a claim that found less than it wanted */
  LEASE_SLACK_MS = 3000,   /* a delivery is ended up to a second late */
  STOP_PATIENCE_MS = 5000, /* of the ten seconds that a process has to end */
};

/* How long the server has been away, as this process sees it. */
struct outage {
  int64_t failures;  /* in a row; 0: it is there */
  struct mono since; /* the last of them */
  char answer[SMTP_TEXT_MAX];
};

static struct sender {
  struct smtp_options smtp;
  const struct mail_settings *settings;
  atomic_bool called_off;
  struct outage outage;
  struct delivery *back; /* came back, not recorded yet; outlives a step when the database is away */
} sender;

/* ---- settings ---- */

/* A password goes over no line that others can read, unless somebody said so. */
static enum starttls starttls_of(const struct mail_settings *settings) {
  if (strcmp(settings->smtp_tls, "none") == 0) return STARTTLS_NEVER;
  bool is_required = strcmp(settings->smtp_tls, "required") == 0 || settings->smtp_user[0];
  return is_required ? STARTTLS_REQUIRED : STARTTLS_IF_OFFERED;
}

enum rc send_start(const struct mail_settings *settings, struct error *err) {
  static const char plain[] = "smtp://", tls[] = "smtps://";
  const char *url = settings->smtp_url;
  struct error why;
  bool is_plain = strncmp(url, plain, strlen(plain)) == 0 && url[strlen(plain)];
  if (!is_plain && (strncmp(url, tls, strlen(tls)) != 0 || !url[strlen(tls)]))
    return error_field(err, RC_INVALID_SETTING, "SMTP_URL", "SMTP_URL must be smtp://host:port or smtps://host:port");
  if (email_check(settings->mail_from, "MAIL_FROM", &why) != RC_OK)
    return error_field(err, RC_INVALID_SETTING, "MAIL_FROM", "MAIL_FROM must be an address: %s", why.text);
  sender.settings = settings;
  sender.smtp = (struct smtp_options){
      .url = url,
      .user = settings->smtp_user,
      .password = settings->smtp_password,
      .from = settings->mail_from,
      .starttls = starttls_of(settings),
      .timeout_ms = settings->timeout_ms,
      .is_called_off = &sender.called_off,
  };
  return RC_OK;
}

/* Of a claim: a mail may wait for its turn as long as its delivery may take, and not longer. */
static int64_t lease_ms(void) {
  return 2 * sender.settings->timeout_ms + LEASE_SLACK_MS;
}

static struct mono mono_after(struct mono start, int64_t ms) {
  return (struct mono){start.ns + ms * 1000000};
}

/* ---- the server that is away ---- */

static bool is_pausing(const struct outage *outage) {
  return outage->failures > 0 && mono_ms_since(outage->since) < retry_outage_ms(outage->failures);
}

static void note_lost(struct outage *outage) {
  outage->failures++;
  outage->since = mono_now();
  metric_set("mail_server_reachable", "", 0);
  LOG(LOG_WARN, "mail_server.away", LOG_TEXT("answer", outage->answer), LOG_INT("failures", outage->failures),
      LOG_INT("wait_ms", retry_outage_ms(outage->failures)));
}

static void note_answer(struct outage *outage, const struct smtp_answer *answer) {
  switch (answer->outcome) {
  case DELIVERED:
  case DEFERRED:
  case REFUSED:
    if (outage->failures > 0) LOG(LOG_INFO, "mail_server.back", LOG_INT("failures", outage->failures));
    outage->failures = 0;
    metric_set("mail_server_reachable", "", 1);
    return;
  case UNREACHABLE: snprintf(outage->answer, sizeof outage->answer, "%s", answer->text); return;
  case CALLED_OFF:
  case NOT_BEGUN:
  case DROPPED: return;
  }
}

/* ---- (a) claim ---- */

static struct delivery *delivery_new(const PGresult *rows, int row) {
  struct delivery *delivery = calloc(1, sizeof *delivery);
  ASSERT(delivery);
  delivery->tenant = row_uuid(rows, row, 0);
  delivery->id = row_uuid(rows, row, 1);
  delivery->attempt = row_int(rows, row, 6);
  delivery->deferrals = row_int(rows, row, 7);
  snprintf(delivery->recipient, sizeof delivery->recipient, "%s", row_text(rows, row, 4));
  buf_init(&delivery->message, MAIL_MAX_BYTES);
  return delivery;
}

static void decide_unasked(struct delivery *delivery, enum outcome outcome, const char *why) {
  delivery->answer.outcome = outcome;
  snprintf(delivery->answer.text, sizeof delivery->answer.text, "%s", why);
}

/* Columns of notification_claim.sql. A mail that cannot be made is refused before anybody is asked, and what a mail was
 * to ask for may have been withdrawn while it waited. */
static struct delivery *make_delivery(const PGresult *rows, int row, struct arena *arena) {
  struct delivery *delivery = delivery_new(rows, row);
  const struct notification notification = {.id = delivery->id,
                                            .template = row_text(rows, row, 2),
                                            .locale = row_text(rows, row, 3),
                                            .recipient = row_text(rows, row, 4),
                                            .variables = row_text(rows, row, 5),
                                            .created_at = row_utime(rows, row, 8)};
  struct error why;
  if (compose_mail(&notification, sender.settings->mail_from, arena, &delivery->message, &why) != RC_OK)
    decide_unasked(delivery, REFUSED, why.text);
  if (row_bool(rows, row, 9)) decide_unasked(delivery, DROPPED, "the invoice is void");
  return delivery;
}

static void keep_back(struct delivery *delivery) {
  delivery->next = sender.back;
  sender.back = delivery;
}

static bool can_be_sent(const struct delivery *delivery) {
  return delivery->answer.outcome != REFUSED && delivery->answer.outcome != DROPPED;
}

/* One claiming, delivering and recording until nothing is due. */
struct round {
  struct work *work;
  struct crew *crew;
  size_t capacity; /* mails that may wait for a thread */
  struct mono claimed_at;
  size_t wanted, claimed; /* of the last claim; wanted 0: there was none */
  struct mono stopping_since;
};

static enum rc claim(struct round *round, struct error *err) {
  struct work *work = round->work;
  size_t wanted = round->capacity - crew_waiting(round->crew);
  struct mono begin_before = mono_after(mono_now(), sender.settings->timeout_ms);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(work_begin(work, err));
  TRY(tx_exec(work->tx, &sql_notification_claim,
              PARAMS(db_utime(work->arena, work->now), db_utime(work->arena, utime_add_ms(work->now, lease_ms())),
                     db_int(work->arena, (int64_t)wanted)),
              &rows, err));
  TRY(work_commit(work, err));
  round->wanted = wanted;
  round->claimed = (size_t)row_count(rows);
  round->claimed_at = mono_now();
  for (int r = 0; r < row_count(rows); r++) {
    struct delivery *delivery = make_delivery(rows, r, work->arena);
    delivery->begin_before = begin_before;
    if (can_be_sent(delivery))
      crew_hand_over(round->crew, delivery);
    else
      keep_back(delivery);
  }
  return RC_OK;
}

/* While the server is away, one mail is a question. */
static bool is_probe(const struct round *round) {
  return round->capacity == 1;
}

static bool should_claim(const struct round *round) {
  if (work_is_stopping(round->work) || crew_is_halted(round->crew)) return false;
  if (round->wanted == 0) return true;
  if (is_probe(round) || crew_waiting(round->crew) > round->capacity / 2) return false;
  return round->claimed == round->wanted || mono_ms_since(round->claimed_at) >= CLAIM_PAUSE_MS;
}

/* ---- (c) record ---- */

/* What becomes of a mail: its status, when it is tried next, and a reason that names nobody. */
struct verdict_on_mail {
  const char *status;
  int64_t delay_ms; /* of "pending" */
  int64_t deferrals;
  const char *reason; /* NULL: none */
};

static struct verdict_on_mail deferred(const struct delivery *delivery, struct arena *arena) {
  char code[SMTP_CODE_MAX];
  struct verdict_on_mail verdict = {.status = "pending", .deferrals = delivery->deferrals + 1};
  const char *said = smtp_code(delivery->answer.text, code)[0] ? code : "no clear answer";
  verdict.reason = arena_printf(arena, "put off by the mail server: %s", said);
  if (retry_after_deferral(verdict.deferrals, &verdict.delay_ms)) return verdict;
  verdict.status = "failed";
  verdict.reason = arena_printf(arena, "put off by the mail server for five days: %s", said);
  return verdict;
}

static const char *refusal_reason(const struct delivery *delivery, struct arena *arena) {
  char code[SMTP_CODE_MAX];
  if (!smtp_code(delivery->answer.text, code)[0]) return arena_strdup(arena, delivery->answer.text); /* our own words */
  return arena_printf(arena, "refused by the mail server: %s", code);
}

static struct verdict_on_mail judge(const struct delivery *delivery, struct arena *arena) {
  struct verdict_on_mail same = {.status = "pending", .deferrals = delivery->deferrals};
  switch (delivery->answer.outcome) {
  case DELIVERED: return (struct verdict_on_mail){.status = "sent", .deferrals = delivery->deferrals};
  case REFUSED:
    return (struct verdict_on_mail){
        .status = "failed", .deferrals = delivery->deferrals, .reason = refusal_reason(delivery, arena)};
  case DEFERRED: return deferred(delivery, arena);
  case DROPPED:
    return (struct verdict_on_mail){
        .status = "dropped", .deferrals = delivery->deferrals, .reason = delivery->answer.text};
  case UNREACHABLE:
    same.delay_ms = retry_outage_ms(sender.outage.failures + 1);
    same.reason = "the mail server cannot be reached";
    return same;
  case CALLED_OFF:
  case NOT_BEGUN: return same;
  }
  assert_failed("an outcome", __FILE__, __LINE__);
}

static void report_ended(struct work *work, const PGresult *rows) {
  for (int r = 0; r < row_count(rows); r++)
    report_emit(work, &(struct report){.tenant = row_uuid(rows, r, 0),
                                       .id = row_uuid(rows, r, 1),
                                       .event_id = row_uuid(rows, r, 2),
                                       .template = row_text(rows, r, 3),
                                       .customer = row_uuid(rows, r, 4),
                                       .version = row_int(rows, r, 5),
                                       .reason = row_text(rows, r, 7),
                                       .is_dropped = strcmp(row_text(rows, r, 6), "dropped") == 0});
}

static enum rc record_attempts(struct work *work, struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *tenants = db_array_new(arena), *ids = db_array_new(arena), *attempts = db_array_new(arena);
  struct db_array *statuses = db_array_new(arena), *times = db_array_new(arena), *deferrals = db_array_new(arena);
  struct db_array *reasons = db_array_new(arena), *answers = db_array_new(arena), *durations = db_array_new(arena);
  for (const struct delivery *d = sender.back; d; d = d->next) {
    if (d->answer.outcome == NOT_BEGUN) continue;
    struct verdict_on_mail verdict = judge(d, arena);
    bool is_pending = strcmp(verdict.status, "pending") == 0;
    db_array_uuid(tenants, &d->tenant);
    db_array_uuid(ids, &d->id);
    db_array_int(attempts, d->attempt);
    db_array_text(statuses, verdict.status);
    db_array_text(times, is_pending ? db_utime(arena, utime_add_ms(work->now, verdict.delay_ms)) : NULL);
    db_array_int(deferrals, verdict.deferrals);
    db_array_text(reasons, verdict.reason);
    db_array_text(answers, d->answer.text);
    db_array_int(durations, d->duration_ms);
  }
  if (db_array_count(ids) == 0) return RC_OK;
  PGresult CLEANUP(db_result_release) *ended = NULL;
  TRY(tx_exec(work->tx, &sql_notification_record,
              PARAMS(db_utime(arena, work->now), db_array_literal(tenants), db_array_literal(ids),
                     db_array_literal(attempts), db_array_literal(statuses), db_array_literal(times),
                     db_array_literal(deferrals), db_array_literal(reasons), db_array_literal(answers),
                     db_array_literal(durations)),
              &ended, err));
  report_ended(work, ended);
  return RC_OK;
}

static enum rc release_unbegun(struct work *work, struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *tenants = db_array_new(arena), *ids = db_array_new(arena), *attempts = db_array_new(arena);
  for (const struct delivery *d = sender.back; d; d = d->next) {
    if (d->answer.outcome != NOT_BEGUN) continue;
    db_array_uuid(tenants, &d->tenant);
    db_array_uuid(ids, &d->id);
    db_array_int(attempts, d->attempt);
  }
  if (db_array_count(ids) == 0) return RC_OK;
  return tx_exec(
      work->tx, &sql_notification_release,
      PARAMS(db_utime(arena, work->now), db_array_literal(tenants), db_array_literal(ids), db_array_literal(attempts)),
      NULL, err);
}

static void count_outcomes(const struct delivery *list) {
  for (const struct delivery *d = list; d; d = d->next) metric_add("mails_total", outcome_label(d->answer.outcome), 1);
}

/* Everything that came back, in one transaction. */
static enum rc record(struct work *work, struct error *err) {
  if (!sender.back) return RC_OK;
  TRY(work_begin(work, err));
  TRY(record_attempts(work, err));
  TRY(release_unbegun(work, err));
  TRY(work_commit(work, err));
  count_outcomes(sender.back);
  deliveries_free(sender.back);
  sender.back = NULL;
  return RC_OK;
}

/* ---- (b) deliver ---- */

static void collect(struct crew *crew) {
  struct delivery *list =
      crew_collect(crew, RECORDS_PER_THREAD * (size_t)sender.settings->concurrency, COLLECT_WAIT_MS);
  while (list) {
    struct delivery *next = list->next;
    note_answer(&sender.outage, &list->answer);
    keep_back(list);
    list = next;
  }
}

/* Nothing begins any more. What is under way may end, but a process that stops does not wait for long. */
static void wind_down(struct round *round) {
  crew_halt(round->crew);
  if (!work_is_stopping(round->work)) return;
  if (round->stopping_since.ns == 0) round->stopping_since = mono_now();
  if (mono_ms_since(round->stopping_since) > STOP_PATIENCE_MS) atomic_store(&sender.called_off, true);
}

static enum rc run(struct round *round, struct error *err) {
  do {
    if (work_is_stopping(round->work)) wind_down(round);
    if (should_claim(round)) TRY(claim(round, err));
    collect(round->crew);
    TRY(record(round->work, err));
  } while (crew_load(round->crew) > 0 || should_claim(round));
  return RC_OK;
}

/* The database is away: the mails that are under way end, and are kept until it is back. */
static void finish(struct round *round) {
  work_rollback(round->work);
  while (crew_load(round->crew) > 0) {
    wind_down(round);
    collect(round->crew);
  }
}

enum rc send_due_mails(struct work *work, bool *ret_busy, struct error *err) {
  TRY(record(work, err));
  if (is_pausing(&sender.outage)) return RC_OK;
  size_t threads = (size_t)sender.settings->concurrency;
  struct crew CLEANUP(crew_release) *crew = crew_new(&sender.smtp, threads);
  bool was_away = sender.outage.failures > 0;
  struct round round = {.work = work, .crew = crew, .capacity = was_away ? 1 : CLAIMS_PER_THREAD * threads};
  enum rc rc = run(&round, err);
  if (rc != RC_OK) finish(&round);
  if (crew_has_lost_server(crew)) note_lost(&sender.outage);
  *ret_busy = was_away && sender.outage.failures == 0;
  return rc;
}
