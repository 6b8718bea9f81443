/* A worker for tests/fault: it reads a topic that no other worker does, and ends as each message wants it to, for as
 * long as the file exists that the message names as its cause. A message without a cause leaves a row. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/time.h"
#include "runtime/runtime.h"
#include "sql.h"

static const enum topic topics[] = {TOPIC_PLAN_EVENTS};

static struct { char *task_cause; } settings;

static const struct setting setting_list[] = {
    {"TASK_CAUSE", SETTING_TEXT, 0, "", 0, 255, NULL, "the file for whose sake the task aborts"},
};

static bool exists(const char *path) {
  return access(path, F_OK) == 0;
}

/* -- ways to end -- */

static enum rc by_assertion(const char *cause, struct error *err) {
  (void)err;
  ASSERT(!exists(cause));
  return RC_OK;
}

/* NOLINTNEXTLINE(misc-no-recursion): until the stack ends */
static int deeper(const volatile char *above) {
  volatile char frame[4096];
  frame[0] = *above;
  return frame[0] == 0 ? 0 : deeper(frame) + frame[0];
}

static enum rc by_recursion(const char *cause, struct error *err) {
  (void)cause;
  (void)err;
  volatile char first = 1;
  return deeper(&first) == 0 ? RC_OK : RC_INVARIANT;
}

/* As the kernel does when there is no memory left. */
static enum rc by_kill(const char *cause, struct error *err) {
  (void)cause;
  (void)err;
  (void)raise(SIGKILL);
  return RC_OK;
}

static enum rc by_bug(const char *cause, struct error *err) {
  return error_set(err, RC_BUG, "met for the sake of %s", cause);
}

/* Innocent: it takes its time, and says so by a file beside the cause. */
static enum rc by_nothing(const char *cause, struct error *err) {
  (void)err;
  char reached[300];
  snprintf(reached, sizeof reached, "%s.reached", cause);
  FILE *file = fopen(reached, "we");
  if (file) fclose(file);
  while (exists(cause)) sleep_ms(10);
  return RC_OK;
}

static const struct {
  const char *name;
  enum rc (*end)(const char *cause, struct error *err);
} ways[] = {{"assertion", by_assertion},
            {"recursion", by_recursion},
            {"kill", by_kill},
            {"bug", by_bug},
            {"nothing", by_nothing}};

static enum rc stumble(json_t *body, struct error *err) {
  const char *way = NULL, *cause = NULL;
  TRY(body_text(body, "way", &way, err));
  TRY(body_text(body, "cause", &cause, err));
  for (size_t i = 0; way && cause && exists(cause) && i < sizeof ways / sizeof *ways; i++)
    if (strcmp(ways[i].name, way) == 0) return ways[i].end(cause, err);
  return RC_OK;
}

/* Writes before it stumbles: what it wrote must be gone. */
static enum rc handle(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  for (size_t i = 0; i < count; i++) {
    TRY(tx_exec(work->tx, &sql_step_insert, PARAMS(messages[i]->subject), NULL, err));
    TRY(stumble(messages[i]->json, err));
    reply(work, messages[i], 200, "step", messages[i]->subject, "{}");
  }
  return RC_OK;
}

static enum rc step(struct work *work, bool *ret_busy, struct error *err) {
  (void)work;
  (void)err;
  ASSERT(!exists(settings.task_cause));
  *ret_busy = false;
  return RC_OK;
}

static const struct handler handlers[] = {{"plan.created", handle, true}, {NULL, NULL, false}};
static const struct task tasks[] = {{.name = "stumble", .step = step, .idle_ms = 50, .own_transactions = true},
                                    {.name = NULL}};
static const struct worker worker = {.name = "stumbler",
                                     .about = "ends as its messages want it to",
                                     .topics = topics,
                                     .topic_count = sizeof topics / sizeof *topics,
                                     .handlers = handlers,
                                     .tasks = tasks,
                                     .statements = sql_statements,
                                     .settings = setting_list,
                                     .setting_count = 1,
                                     .settings_target = &settings};

int main(int argc, char **argv) {
  return worker_main(argc, argv, &worker);
}
