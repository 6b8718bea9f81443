/* A wrong setting ends a program at once, with status 2 and one line that names it. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/harness.h"

TestSuite(settings, .timeout = 60);

enum { SAID_MAX = 8192 };

static const struct {
  const char *program, *setting, *value; /* NULL: not given */
} cases[] = {
    {"cloudbill-api", "DATABASE_URL", NULL},
    {"cloudbill-api", "DATABASE_URL", "postgresql://[half"},
    {"cloudbill-api", "HTTP_ADDRESS", "everywhere"},
    {"cloudbill-api", "HTTP_ADDRESS", "192.0.2.1:80"},
    {"cloudbill-api", "INTERNAL_ADDRESS", "192.0.2.1:80"},
    {"cloudbill-api", "REDIS_ADDRESS", "localhost"},
    {"cloudbill-api", "JWT_SECRET", "short"},
    {"cloudbill-api", "RATE_LIMIT_PER_MINUTE", "many"},
    {"cloudbill-api", "LOG_LEVEL", "loud"},
    {"cloudbill-billing-cycle", "DATABASE_URL", NULL},
    {"cloudbill-billing-cycle", "DATABASE_URL", "postgresql://[half"},
    {"cloudbill-billing-cycle", "KAFKA_BROKERS", NULL},
    {"cloudbill-billing-cycle", "BATCH_MAX", "0"},
    {"cloudbill-billing-cycle", "KAFKA_SESSION_TIMEOUT_MS", "999"},
    {"cloudbill-invoicing", "INTERNAL_ADDRESS", "192.0.2.1:80"},
    {"cloudbill-invoicing", "LOG_LEVEL", "loud"},
    {"cloudbill-payments", "GATEWAY_URL", "ftp://gateway"},
    {"cloudbill-payments", "GATEWAY_SECRET_KEY", NULL},
    {"cloudbill-payments", "ATTEMPT_DEADLINE_MS", "1000"},
    {"cloudbill-payments", "REDIS_ADDRESS", "redis://localhost"},
    {"cloudbill-notifications", "SMTP_URL", "http://mail"},
    {"cloudbill-notifications", "MAIL_FROM", "nobody"},
    {"cloudbill-notifications", "INSTANCE", "a name that is longer than a name of an instance may be"},
    {"sandbox-gateway", "GATEWAY_PORT", "70000"},
    {"sandbox-gateway", "GATEWAY_STATE_DIR", NULL},
    {"cloudbill", "DATABASE_ADMIN_URL", NULL},
};

/* What the programs need, whether or not the one under test does; then the wrong one. */
static void set_environment(const char *program, const char *name, const char *value) {
  bool is_api = strcmp(program, "cloudbill-api") == 0;
  setenv("DATABASE_URL", setting(is_api ? "API_DATABASE_URL" : "WORKER_DATABASE_URL"), 1);
  setenv("INTERNAL_ADDRESS", "127.0.0.1:0", 1);
  setenv("HTTP_ADDRESS", "127.0.0.1:0", 1);
  setenv("GATEWAY_PORT", "0", 1);
  setenv("GATEWAY_STATE_DIR", setting("RUN_DIR"), 1);
  if (value)
    setenv(name, value, 1);
  else
    unsetenv(name);
}

/* Its exit status, and what it said on standard error. */
static int run(const char *program, const char *name, const char *value, char said[static SAID_MAX]) {
  const char *path = keep_text("%s/%s", setting("BIN_DIR"), program);
  int ends[2], status = 0;
  cr_assert_eq(pipe(ends), 0);
  pid_t child = fork();
  cr_assert_geq(child, 0);
  if (child == 0) {
    set_environment(program, name, value);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    alarm(20);
    execl(path, path, strcmp(program, "cloudbill") == 0 ? "migrate" : NULL, NULL);
    _exit(127);
  }
  close(ends[1]);
  size_t used = 0;
  ssize_t got;
  while (used < SAID_MAX - 1 && (got = read(ends[0], said + used, SAID_MAX - 1 - used)) > 0) used += (size_t)got;
  said[used] = '\0';
  close(ends[0]);
  cr_assert_eq(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* An address is tried late, when the log has begun. */
static int lines_for_people(const char *said) {
  int lines = 0;
  for (const char *line = said; *line; line += strcspn(line, "\n") + 1) {
    lines += *line != '{';
    if (!strchr(line, '\n')) break;
  }
  return lines;
}

Test(settings, a_wrong_one_is_named_in_one_line) {
  char said[SAID_MAX];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int status = run(cases[i].program, cases[i].setting, cases[i].value, said);
    const char *what = keep_text("%s with %s=%s", cases[i].program, cases[i].setting, cases[i].value);
    cr_expect_eq(status, 2, "%s ended with %d: %.200s", what, status, said);
    cr_expect_not_null(strstr(said, cases[i].setting), "%s: %.200s", what, said);
    cr_expect_eq(lines_for_people(said), 1, "%s: %.200s", what, said);
  }
}
