/* The same worker, unchanged, against localstripe (PyPI), another imitation of Stripe: by configuration alone. Skipped
 * when it is not installed; LOCALSTRIPE_PYTHON names an interpreter that has it. It knows neither Idempotency-Key nor
 * off_session declines, so what is tested is that the two understand each other. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "stage.h"

TestSuite(localstripe, .timeout = 120);

enum { ANSWER_MAX = 1024 * 1024 };

struct localstripe {
  pid_t pid;
  char url[64];
};

static pid_t run_python(const char *const *arguments) {
  const char *given = getenv("LOCALSTRIPE_PYTHON");
  const char *python = given ? given : "python3";
  pid_t pid = fork();
  cr_assert_geq(pid, 0);
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
  unsetenv("LD_PRELOAD");
  execlp(python, python, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], (char *)NULL);
  _exit(127);
}

static bool is_installed(void) {
  int status;
  pid_t pid = run_python((const char *const[]){"-c", "import localstripe", NULL, NULL, NULL});
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int free_port(void) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  close(fd);
  return ntohs(address.sin6_port);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
  buf_append(context, bytes, size * count);
  return size * count;
}

/* NULL when it does not answer. */
static json_t *ask(const struct localstripe *localstripe, const char *path, const char *form) {
  struct buf CLEANUP(buf_release) body;
  char url[256];
  CURL *easy = curl_easy_init();
  buf_init(&body, ANSWER_MAX);
  (void)snprintf(url, sizeof url, "%s%s", localstripe->url, path);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_USERPWD, SANDBOX_KEY ":");
  if (form) curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
  CURLcode code = curl_easy_perform(easy);
  curl_easy_cleanup(easy);
  return code == CURLE_OK ? json_loadb(buf_text(&body), body.length, 0, NULL) : NULL;
}

static bool answers(const struct localstripe *localstripe) {
  json_t *json = ask(localstripe, "/v1/customers", NULL);
  json_decref(json);
  return json != NULL;
}

static void localstripe_start(struct localstripe *localstripe) {
  char port[16];
  if (!is_installed()) cr_skip_test("localstripe is not installed (pip install localstripe; LOCALSTRIPE_PYTHON)");
  (void)snprintf(port, sizeof port, "%d", free_port());
  (void)snprintf(localstripe->url, sizeof localstripe->url, "http://127.0.0.1:%s", port);
  localstripe->pid = run_python((const char *const[]){"-m", "localstripe", "--port", port, "--from-scratch"});
  WAIT_FOR(answers(localstripe), "localstripe");
}

static void localstripe_stop(struct localstripe *localstripe) {
  kill(localstripe->pid, SIGKILL);
  waitpid(localstripe->pid, NULL, 0);
}

/* A payment method that a browser would have made of a card, with the gateway and not with us. */
static const char *card(const struct localstripe *localstripe, const char *number) {
  static char id[128];
  char form[256];
  (void)snprintf(form, sizeof form, "type=card&card[number]=%s&card[exp_month]=12&card[exp_year]=2034&card[cvc]=123",
                 number);
  json_t *method = ask(localstripe, "/v1/payment_methods", form);
  cr_assert_not_null(json_string_value(json_object_get(method, "id")));
  (void)snprintf(id, sizeof id, "%s", json_string_value(json_object_get(method, "id")));
  json_decref(method);
  return id;
}

static int64_t count_of(struct stage *stage, const char *table, const char *condition) {
  return sql_int(stage, "SELECT count(*) FROM %s WHERE tenant_id = $1 AND %s", table, condition);
}

Test(localstripe, is_spoken_to_like_any_other_gateway) {
  static struct stage stage;
  struct localstripe localstripe = {0};
  localstripe_start(&localstripe);
  stage_no_gateway(&stage);
  stage.gateway_url = localstripe.url;
  worker_start(&stage, 0);

  const char *paid = payment_with(&stage, "pm_card_visa");
  WAIT_FOR(strcmp(status_of(&stage, paid), "succeeded") == 0, "a charge");
  cr_expect_eq(count_of(&stage, "invoices", "status = 'paid'"), 1);
  cr_expect_str_eq(sql_text(&stage, "SELECT last4 FROM payment_methods WHERE tenant_id = $1"), "4242");
  json_t *intents = ask(&localstripe, "/v1/payment_intents", NULL);
  const json_t *intent = json_array_get(json_object_get(intents, "data"), 0);
  cr_expect_eq(json_array_size(json_object_get(intents, "data")), 1);
  cr_expect_eq(json_integer_value(json_object_get(intent, "amount")), 9900);
  cr_expect_str_eq(json_string_value(json_object_get(json_object_get(intent, "metadata"), "payment_id")), paid);
  json_decref(intents);

  const char *declined = payment_with(&stage, "pm_card_chargeCustomerFail");
  WAIT_FOR(sql_text(&stage, "SELECT failure_code FROM payments WHERE tenant_id = $1 AND id = '%s'", declined) != NULL,
           "a decline");
  cr_expect_str_eq(status_of(&stage, declined), "pending");
  cr_expect_str_eq(sql_text(&stage, "SELECT decline_class FROM payments WHERE tenant_id = $1 AND id = '%s'", declined),
                   "soft");

  const char *authenticated = payment_with(&stage, card(&localstripe, "4000002760003184"));
  WAIT_FOR(strcmp(status_of(&stage, authenticated), "requires_action") == 0, "an authentication");

  (void)method_new(&stage, customer_new(&stage), "pm_card_visa_chargeDeclined");
  WAIT_FOR(count_of(&stage, "commands", "error_code = 'PAYMENT_DECLINED' AND http_status = 402") == 1, "a refusal");
  cr_expect_str_eq(
      sql_text(&stage,
               "SELECT error_details::json->>'declineCode' FROM commands WHERE tenant_id = $1 AND status = 'failed'"),
      "card_declined");
  (void)method_new(&stage, customer_new(&stage), "pm_there_is_none");
  WAIT_FOR(count_of(&stage, "commands", "error_code = 'VALIDATION_ERROR' AND error_field = 'token'") == 1, "a refusal");
  localstripe_stop(&localstripe);
}
