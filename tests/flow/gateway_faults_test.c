/* The sandbox gateway on bad days: killed in the middle, told to misbehave, crowded, wrongly set up; and its webhooks,
 * received by a listener of the test's own. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/time.h"
#include "gateway_client.h"

static struct sandbox sandbox;

static void begin(void) {
  static const char *const settings[] = {"GATEWAY_HOLD_MS=60000", "GATEWAY_SLOW_MS=100", "GATEWAY_CONNECTIONS_MAX=32",
                                         NULL};
  curl_global_init(CURL_GLOBAL_DEFAULT);
  cr_assert(sandbox_start(&sandbox, settings));
}

static void end(void) {
  sandbox_remove(&sandbox);
}

TestSuite(gateway_faults, .init = begin, .fini = end, .timeout = 180);

static void set_faults(const char *json) {
  REPLY reply = ask(&sandbox, "POST", "/sandbox/faults", json, NULL);
  expect_status(&reply, 200);
}

/* ---- kill -9 ---- */

enum { CHARGERS = 8, CHARGES_EACH = 40, CHARGES_ALL = CHARGERS * CHARGES_EACH, KILLS = 6 };

struct charger {
  pthread_t thread;
  struct payer payer;
  int number;
  char *bodies[CHARGES_EACH]; /* what was answered before the kill */
};

static atomic_int charger_limit; /* chargers stop at a failure, and begin anew after the restart */

static void charge_again(struct charger *charger, int i) {
  char invoice[32], key[32];
  (void)snprintf(invoice, sizeof invoice, "in_%d_%d", charger->number, i);
  (void)snprintf(key, sizeof key, "key_%d_%d", charger->number, i);
  struct reply reply = charge(&sandbox, &charger->payer, invoice, key);
  if (reply.status == 200 && charger->bodies[i] == NULL) {
    charger->bodies[i] = reply.body;
    reply.body = NULL;
  } else if (reply.status == 200) {
    cr_assert_str_eq(reply.body, charger->bodies[i], "an answer outlives a kill");
    cr_assert(reply.is_replayed);
  } else {
    cr_assert_eq(reply.status, 0, "%s", reply.body);
  }
  reply_release(&reply);
}

static void *run_charger(void *context) {
  struct charger *charger = context;
  for (int i = 0; i < CHARGES_EACH && i < atomic_load(&charger_limit); i++) charge_again(charger, i);
  return NULL;
}

static void run_all(struct charger *chargers, bool is_killed_meanwhile) {
  for (int i = 0; i < CHARGERS; i++) {
    cr_assert_eq(pthread_create(&chargers[i].thread, NULL, run_charger, &chargers[i]), 0);
  }
  if (is_killed_meanwhile) {
    uint8_t noise;
    random_bytes(&noise, 1);
    sleep_ms(20 + noise);
    sandbox_kill(&sandbox);
  }
  for (int i = 0; i < CHARGERS; i++) pthread_join(chargers[i].thread, NULL);
}

Test(gateway_faults, killed_at_random_it_has_charged_each_key_once) {
  static struct charger chargers[CHARGERS];
  struct payer payer = payer_with(&sandbox, "pm_card_visa");
  for (int i = 0; i < CHARGERS; i++) chargers[i] = (struct charger){.payer = payer, .number = i};
  for (int i = 1; i <= KILLS; i++) {
    atomic_store(&charger_limit, CHARGES_EACH * i / KILLS);
    run_all(chargers, true);
    cr_assert(sandbox_start(&sandbox, NULL));
  }
  run_all(chargers, false);
  REPLY stats = ask(&sandbox, "GET", "/sandbox/stats?metadata=invoice_id", NULL, NULL);
  cr_assert_eq(int_at(&stats, "charges.succeeded"), CHARGES_ALL);
  cr_assert_eq(int_at(&stats, "succeededByMetadata.distinct"), CHARGES_ALL);
  cr_assert_eq(json_object_size(member(&stats, "succeededByMetadata.moreThanOnce")), 0);
  for (int i = 0; i < CHARGES_ALL; i++) free(chargers[i / CHARGES_EACH].bodies[i % CHARGES_EACH]);
}

Test(gateway_faults, killed_while_it_holds_an_answer_it_knows_the_charge) {
  struct payer payer = payer_with(&sandbox, "pm_card_noAnswerCharged");
  char body[400];
  (void)snprintf(body, sizeof body, "amount=5&currency=usd&customer=%s&payment_method=%s&confirm=true", payer.customer,
                 payer.method);
  REPLY held = ask_within(&sandbox, "POST", "/v1/payment_intents", body, "k", 500);
  cr_assert_eq(held.status, 0);
  sandbox_kill(&sandbox);
  cr_assert(sandbox_start(&sandbox, NULL));
  REPLY again = ask(&sandbox, "POST", "/v1/payment_intents", body, "k");
  expect_text(&again, "status", "succeeded");
  cr_assert(again.is_replayed);
  cr_assert_eq(charges_succeeded(&sandbox), 1);
}

Test(gateway_faults, everything_is_the_same_after_a_restart) {
  struct payer payer = payer_with(&sandbox, "pm_card_declineThenSucceed_2");
  struct payer visa = payer_with(&sandbox, "pm_card_visa");
  REPLY declined = charge(&sandbox, &payer, "in_1", NULL), paid = charge(&sandbox, &visa, "in_2", NULL);
  expect_status(&declined, 402);
  char body[160], path[128];
  (void)snprintf(body, sizeof body, "payment_intent=%s&amount=5&reason=duplicate", text_at(&paid, "id"));
  REPLY refunded = ask(&sandbox, "POST", "/v1/refunds", body, NULL);
  static const char *const PATHS[] = {"/v1/payment_intents?limit=100",
                                      "/v1/charges?limit=100",
                                      "/v1/refunds",
                                      "/v1/customers",
                                      "/sandbox/charges",
                                      "/sandbox/requests"};
  struct reply before[6];
  for (size_t i = 0; i < 6; i++) before[i] = ask(&sandbox, "GET", PATHS[i], NULL, NULL);
  sandbox_kill(&sandbox);
  cr_assert(sandbox_start(&sandbox, NULL));
  for (size_t i = 0; i < 5; i++) {
    REPLY after = ask(&sandbox, "GET", PATHS[i], NULL, NULL);
    cr_assert_str_eq(after.body, before[i].body, "%s", PATHS[i]);
  }
  REPLY requests = ask(&sandbox, "GET", "/sandbox/requests", NULL, NULL);
  expect_text(&requests, "data.0.path", "/v1/customers");
  for (size_t i = 0; i < 6; i++) reply_release(&before[i]);
  REPLY second = charge(&sandbox, &payer, "in_1", NULL), third = charge(&sandbox, &payer, "in_1", NULL);
  expect_status(&second, 402);
  expect_status(&third, 200);
  (void)snprintf(path, sizeof path, "/v1/refunds/%s", text_at(&refunded, "id"));
  REPLY found = ask(&sandbox, "GET", path, NULL, NULL);
  expect_text(&found, "reason", "duplicate");
}

Test(gateway_faults, a_second_gateway_on_the_same_state_is_refused) {
  char directory[128], text[1024];
  (void)snprintf(directory, sizeof directory, "GATEWAY_STATE_DIR=%s", sandbox.directory);
  const char *const settings[] = {directory, "GATEWAY_SECRET_KEY=" SANDBOX_KEY, "GATEWAY_PORT=0", NULL};
  cr_assert_eq(sandbox_run(NULL, settings, text, sizeof text), 1);
  cr_assert_not_null(strstr(text, "GATEWAY_STATE_DIR"), "%s", text);
}

/* ---- faults ---- */

Test(gateway_faults, a_silent_gateway_does_nothing_until_it_speaks_again) {
  struct payer payer = payer_with(&sandbox, "pm_card_visa");
  char body[400];
  (void)snprintf(body, sizeof body, "amount=5&currency=usd&customer=%s&payment_method=%s&confirm=true", payer.customer,
                 payer.method);
  set_faults("{\"silent\":true}");
  for (int i = 0; i < 3; i++) {
    REPLY silence = ask_within(&sandbox, "POST", "/v1/payment_intents", body, "k", 200);
    cr_assert_eq(silence.status, 0);
  }
  cr_assert_eq(charges_succeeded(&sandbox), 0);
  REPLY off = ask(&sandbox, "DELETE", "/sandbox/faults", NULL, NULL);
  cr_assert_eq(int_at(&off, "silent"), 0);
  REPLY reply = ask(&sandbox, "POST", "/v1/payment_intents", body, "k");
  expect_status(&reply, 200);
  cr_assert_not(reply.is_replayed);
  cr_assert_eq(charges_succeeded(&sandbox), 1);
}

/* Charges one after the other with a key each, and then again: what the first and the second time say. */
struct faulty {
  const char *faults;
  long first[3], second[3];
  int charged_at_first;
};

Test(gateway_faults, counted_faults_hit_the_next_requests) {
  static const struct faulty ROWS[] = {
      {"{\"fail_next\":2}", {500, 500, 200}, {200, 200, 200}, 1},
      {"{\"fail_next\":1,\"after\":1}", {200, 500, 200}, {200, 200, 200}, 2},
      {"{\"drop_next\":2}", {0, 0, 200}, {200, 200, 200}, 1},
      {"{\"lose_next\":2}", {0, 0, 200}, {200, 200, 200}, 3},
      {"{\"rate_limit_next\":1,\"lose_next\":1}", {0, 429, 200}, {200, 200, 200}, 2},
  };
  struct payer payer = payer_with(&sandbox, "pm_card_visa");
  for (size_t row = 0; row < sizeof ROWS / sizeof ROWS[0]; row++) {
    json_int_t before = charges_succeeded(&sandbox);
    set_faults(ROWS[row].faults);
    for (int time = 0; time < 2; time++) {
      for (int i = 0; i < 3; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "key_%zu_%d", row, i);
        REPLY reply = charge(&sandbox, &payer, key, key);
        expect_status(&reply, time == 0 ? ROWS[row].first[i] : ROWS[row].second[i]);
      }
      cr_assert_eq(charges_succeeded(&sandbox) - before, time == 0 ? ROWS[row].charged_at_first : 3, "%s",
                   ROWS[row].faults);
    }
  }
}

Test(gateway_faults, latency_is_added) {
  set_faults("{\"latency_ms\":300}");
  struct mono start = mono_now();
  REPLY reply = ask(&sandbox, "GET", "/v1/customers", NULL, NULL);
  expect_status(&reply, 200);
  cr_assert_geq(mono_ms_since(start), 300);
}

static void *hold_one(void *context) {
  struct payer *payer = context;
  REPLY reply = charge(&sandbox, payer, "in_1", NULL);
  cr_assert_eq(reply.status, 0);
  return NULL;
}

Test(gateway_faults, it_stops_at_once_with_answers_held) {
  pthread_t threads[4];
  struct payer payer = payer_with(&sandbox, "pm_card_noAnswerCharged");
  for (int i = 0; i < 4; i++) cr_assert_eq(pthread_create(&threads[i], NULL, hold_one, &payer), 0);
  while (charges_succeeded(&sandbox) < 4) sleep_ms(20);
  struct mono start = mono_now();
  cr_assert_eq(sandbox_stop(&sandbox), 0);
  cr_assert_lt(mono_ms_since(start), 2000);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

/* ---- connections ---- */

static int connect_raw(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  return fd;
}

/* Sends bytes as they are, and returns the status of what comes back; 0 for a closed connection. */
static long send_raw(int fd, const char *bytes) {
  char answer[512];
  struct pollfd readable = {.fd = fd, .events = POLLIN};
  cr_assert_eq(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
  if (poll(&readable, 1, 15000) != 1) return -1;
  ssize_t length = read(fd, answer, sizeof answer - 1);
  if (length <= 0) return 0;
  answer[length] = '\0';
  return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? strtol(answer + 9, NULL, 10) : -1;
}

Test(gateway_faults, a_crowd_is_told_so_and_the_sandbox_still_answers) {
  enum { CROWD = 36 }; /* GATEWAY_CONNECTIONS_MAX is 32 */
  int fds[CROWD], told = 0;
  for (int i = 0; i < CROWD; i++) {
    fds[i] = connect_raw(sandbox.port);
    long status = send_raw(fds[i], "GET /v1/customers HTTP/1.1\r\nHost: x\r\n"
                                   "Authorization: Bearer " SANDBOX_KEY "\r\n\r\n");
    cr_assert(status == 200 || status == 429, "%ld", status);
    told += status == 429;
  }
  cr_assert_eq(told, CROWD - 32);
  REPLY stats = ask(&sandbox, "GET", "/sandbox/stats", NULL, NULL);
  expect_status(&stats, 200);
  for (int i = 0; i < CROWD; i++) close(fds[i]);
}

Test(gateway_faults, requests_that_two_would_read_differently_are_refused) {
  static const struct {
    const char *bytes;
    long status;
  } ROWS[] = {
      {"GET /v1/customers HTTP/1.1\r\nHost: x\r\n\r\n", 401},
      {"GET /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_live_x\r\n\r\n", 401},
      {"POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
      {"POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\na", 400},
      {"POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\na", 411},
      {"POST /v1/customers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413},
      {"POST /v1/customers HTTP/1.1\r\nHost: x\r\nIdempotency-Key: \r\nContent-Length: 0\r\n\r\n", 400},
      {"POST /v1/customers HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: "
       "0\r\n\r\n",
       400},
      {"GET /v1/customers%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200},
  };
  for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
    int fd = connect_raw(sandbox.port);
    cr_assert_eq(send_raw(fd, ROWS[i].bytes), ROWS[i].status, "%s", ROWS[i].bytes);
    close(fd);
  }
}

Test(gateway_faults, more_headers_than_are_read_are_refused) {
  CLEANUP(buf_release) struct buf request;
  buf_init(&request, 8192);
  buf_text_append(&request, "GET /readyz HTTP/1.1\r\nHost: x\r\n");
  for (int i = 0; i < 70; i++) buf_printf(&request, "X-%d: y\r\n", i);
  buf_text_append(&request, "\r\n");
  int fd = connect_raw(sandbox.port);
  cr_assert_eq(send_raw(fd, buf_text(&request)), 431);
  close(fd);
}

/* ---- settings ---- */

Test(gateway_faults, a_wrong_setting_is_one_line_that_names_it) {
  static const struct {
    const char *settings[4];
    const char *named;
  } ROWS[] = {
      {{"GATEWAY_STATE_DIR=/tmp/x"}, "GATEWAY_SECRET_KEY"},
      {{"GATEWAY_SECRET_KEY=sk_test_x"}, "GATEWAY_STATE_DIR"},
      {{"GATEWAY_SECRET_KEY=sk_test_x", "GATEWAY_STATE_DIR=/tmp/x", "GATEWAY_PORT=70000"}, "GATEWAY_PORT"},
      {{"GATEWAY_SECRET_KEY=short", "GATEWAY_STATE_DIR=/tmp/x"}, "GATEWAY_SECRET_KEY"},
      {{"GATEWAY_SECRET_KEY=sk_test_x", "GATEWAY_STATE_DIR=/tmp/x", "GATEWAY_WEBHOOK_URL=http://x"},
       "GATEWAY_WEBHOOK_SECRET"},
      {{"GATEWAY_SECRET_KEY=sk_test_x", "GATEWAY_STATE_DIR=/tmp/x", "LOG_LEVEL=loud"}, "LOG_LEVEL"},
  };
  for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
    char text[2048];
    cr_assert_eq(sandbox_run(NULL, ROWS[i].settings, text, sizeof text), 2, "%s", text);
    cr_assert_not_null(strstr(text, ROWS[i].named), "%s", text);
    cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1, "one line: %s", text);
  }
  char text[8192];
  cr_assert_eq(sandbox_run("--help=markdown", NULL, text, sizeof text), 0);
  cr_assert_not_null(strstr(text, "| `GATEWAY_HOLD_MS` |"));
}

/* ---- webhooks ---- */

enum { EVENTS_MAX = 64, WEBHOOK_REQUEST_MAX = 16384 };

/* A listener: counts what it gets, refuses the first `refusals`. */
static struct {
  pthread_t thread;
  int fd, port;
  atomic_int count, refusals, bad;
  char types[EVENTS_MAX][64], ids[EVENTS_MAX][64];
} listener;

/* True when the header's HMAC is that of the body. */
static bool signature_is_right(const char *request, const char *body) {
  const char *header = strcasestr(request, "Stripe-Signature: t=");
  char time[32], mac[SHA256_HEX_MAX], expected[SHA256_HEX_MAX];
  uint8_t digest[SHA256_BYTES];
  if (header == NULL || sscanf(header + 18, "t=%31[0-9],v1=%64[0-9a-f]", time, mac) != 2) return false;
  CLEANUP(buf_release) struct buf text;
  buf_init(&text, WEBHOOK_REQUEST_MAX);
  buf_printf(&text, "%s.%s", time, body);
  hmac_sha256("whsec_test", strlen("whsec_test"), text.bytes, text.length, digest);
  return strcmp(mac, hex_format(digest, sizeof digest, expected, sizeof expected)) == 0;
}

static void note_event(const char *body) {
  json_t *event = json_loads(body, 0, NULL);
  int at = atomic_load(&listener.count);
  if (event == NULL || at >= EVENTS_MAX) return;
  (void)snprintf(listener.types[at], sizeof listener.types[at], "%s",
                 json_string_value(json_object_get(event, "type")));
  (void)snprintf(listener.ids[at], sizeof listener.ids[at], "%s", json_string_value(json_object_get(event, "id")));
  json_decref(event);
  atomic_fetch_add(&listener.count, 1);
}

/* Reads one request to the end of its body. */
static const char *read_request(int fd, char request[static WEBHOOK_REQUEST_MAX]) {
  size_t length = 0;
  for (;;) {
    ssize_t got = read(fd, request + length, WEBHOOK_REQUEST_MAX - 1 - length);
    if (got <= 0) return NULL;
    length += (size_t)got;
    request[length] = '\0';
    const char *end = strstr(request, "\r\n\r\n"), *announced = strcasestr(request, "Content-Length: ");
    if (end != NULL && announced != NULL && strlen(end + 4) >= strtoul(announced + 16, NULL, 10)) return end + 4;
  }
}

static void *listen_for_events(void *context) {
  static char request[WEBHOOK_REQUEST_MAX];
  (void)context;
  for (int fd; (fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(fd)) {
    const char *body = read_request(fd, request);
    if (body == NULL) continue;
    bool is_refused = atomic_fetch_sub(&listener.refusals, 1) > 0;
    if (!signature_is_right(request, body)) atomic_fetch_add(&listener.bad, 1);
    const char *answer = is_refused ? "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                                    : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    if (!is_refused) note_event(body);
    if (write(fd, answer, strlen(answer)) < 0) continue;
  }
  return NULL;
}

static void begin_webhooks(void) {
  static char url[64];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  listener.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert_eq(bind(listener.fd, (struct sockaddr *)&address, sizeof address), 0);
  cr_assert_eq(listen(listener.fd, 64), 0);
  cr_assert_eq(getsockname(listener.fd, (struct sockaddr *)&address, &length), 0);
  cr_assert_eq(pthread_create(&listener.thread, NULL, listen_for_events, NULL), 0);
  (void)snprintf(url, sizeof url, "GATEWAY_WEBHOOK_URL=http://127.0.0.1:%d/hook", ntohs(address.sin_port));
  const char *const settings[] = {url, "GATEWAY_WEBHOOK_SECRET=whsec_test", NULL};
  cr_assert(sandbox_start(&sandbox, settings));
}

static void end_webhooks(void) {
  int status = sandbox_stop(&sandbox);
  sandbox_remove(&sandbox);
  shutdown(listener.fd, SHUT_RDWR);
  pthread_join(listener.thread, NULL);
  close(listener.fd);
  cr_assert_eq(status, 0);
}

TestSuite(gateway_webhooks, .init = begin_webhooks, .fini = end_webhooks, .timeout = 120);

static void wait_for_events(int count) {
  struct mono start = mono_now();
  while (atomic_load(&listener.count) < count && mono_ms_since(start) < 20000) sleep_ms(10);
  cr_assert_geq(atomic_load(&listener.count), count);
}

static int count_type(const char *type) {
  int count = 0;
  for (int i = 0; i < atomic_load(&listener.count); i++) count += strcmp(listener.types[i], type) == 0;
  return count;
}

Test(gateway_webhooks, events_are_signed_and_tried_again) {
  atomic_store(&listener.refusals, 2);
  struct payer visa = payer_with(&sandbox, "pm_card_visa"), poor = payer_with(&sandbox, "pm_card_chargeDeclined");
  REPLY paid = charge(&sandbox, &visa, "in_1", NULL), declined = charge(&sandbox, &poor, "in_2", NULL);
  expect_status(&declined, 402);
  char body[128];
  (void)snprintf(body, sizeof body, "charge=%s", text_at(&paid, "latest_charge"));
  REPLY refunded = ask(&sandbox, "POST", "/v1/refunds", body, NULL);
  expect_status(&refunded, 200);
  wait_for_events(3);
  cr_assert_eq(count_type("payment_intent.succeeded"), 1);
  cr_assert_eq(count_type("payment_intent.payment_failed"), 1);
  cr_assert_eq(count_type("charge.refunded"), 1);
  cr_assert_eq(atomic_load(&listener.bad), 0);
  REPLY stats = ask(&sandbox, "GET", "/sandbox/stats", NULL, NULL);
  cr_assert_eq(int_at(&stats, "webhooks.failedTries"), 2);
}

Test(gateway_webhooks, copies_have_the_same_id_and_late_ones_come_last) {
  struct payer visa = payer_with(&sandbox, "pm_card_visa"), poor = payer_with(&sandbox, "pm_card_chargeDeclined");
  REPLY faults = ask(&sandbox, "POST", "/sandbox/faults", "{\"webhook_copies\":1,\"webhook_disorder\":true}", NULL);
  expect_status(&faults, 200);
  REPLY first = charge(&sandbox, &visa, "in_1", NULL), second = charge(&sandbox, &poor, "in_2", NULL);
  expect_status(&first, 200);
  expect_status(&second, 402);
  wait_for_events(4);
  cr_assert_str_eq(listener.types[0], "payment_intent.payment_failed", "the second comes first");
  cr_assert_str_eq(listener.ids[0], listener.ids[1]);
  cr_assert_str_eq(listener.ids[2], listener.ids[3]);
  cr_assert_str_neq(listener.ids[0], listener.ids[2]);
}

Test(gateway_webhooks, a_bad_signature_can_be_asked_for) {
  struct payer visa = payer_with(&sandbox, "pm_card_visa");
  REPLY faults = ask(&sandbox, "POST", "/sandbox/faults", "{\"webhook_bad_signature\":true}", NULL);
  REPLY paid = charge(&sandbox, &visa, "in_1", NULL);
  expect_status(&faults, 200);
  expect_status(&paid, 200);
  wait_for_events(1);
  cr_assert_eq(atomic_load(&listener.bad), 1);
}
