/* What the mail server may say, and what is made of it: against a server in the test that says what a row wants. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crew.h"
#include "smtp.h"

enum { TIMEOUT_MS = 1500, TIMEOUT_TWICE_MS = 3000, FOREVER_MS = 30000, RECEIVED_MAX = 64 * 1024 };

/* Answers by command; NULL: the usual one. "" closes the connection, "-" says nothing, ever again. */
struct script {
  const char *greeting, *ehlo, *mail, *rcpt, *data, *dot, *quit;
  int dot_delay_ms;
  int mails_per_connection; /* then 421; 0: any number */
  int connections_max;      /* at a time, then 421 as greeting; 0: any number */
};

static struct server {
  struct script script;
  int socket;
  char url[64];
  atomic_int connections, open, mails;
  pthread_mutex_t lock;
  char received[RECEIVED_MAX]; /* the last mail as it came */
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_bool called_off;
static struct smtp_options options = {
    .user = "", .password = "", .from = "billing@acme.example", .timeout_ms = TIMEOUT_MS, .is_called_off = &called_off};

static bool say(int fd, const char *scripted, const char *usual) {
  const char *text = scripted ? scripted : usual;
  if (strcmp(text, "-") == 0) {
    sleep_ms(FOREVER_MS);
    return false;
  }
  if (text[0] == '\0') return false;
  char line[256];
  int length = snprintf(line, sizeof line, "%s\r\n", text);
  return send(fd, line, (size_t)length, MSG_NOSIGNAL) == length;
}

static bool read_line(FILE *in, char *line, size_t size) {
  return fgets(line, (int)size, in) != NULL;
}

static bool take_mail(FILE *in) {
  char line[2048], mail[RECEIVED_MAX] = "";
  size_t length = 0;
  while (read_line(in, line, sizeof line)) {
    if (strcmp(line, ".\r\n") == 0) {
      pthread_mutex_lock(&server.lock);
      memcpy(server.received, mail, length + 1);
      pthread_mutex_unlock(&server.lock);
      return true;
    }
    size_t added = strlen(line);
    if (length + added >= sizeof mail) return false;
    memcpy(mail + length, line, added + 1);
    length += added;
  }
  return false;
}

static bool talk(int fd, FILE *in, const struct script *script, bool is_full) {
  char line[2048];
  int mails = 0;
  if (!say(fd, is_full ? "421 too many connections" : script->greeting, "220 test")) return false;
  while (read_line(in, line, sizeof line)) {
    bool goes_on = true;
    if (strncmp(line, "EHLO", 4) == 0 || strncmp(line, "HELO", 4) == 0)
      goes_on = say(fd, script->ehlo, "250 test");
    else if (strncmp(line, "MAIL", 4) == 0)
      goes_on =
          say(fd, script->mails_per_connection && mails >= script->mails_per_connection ? "421 enough" : script->mail,
              "250 ok");
    else if (strncmp(line, "RCPT", 4) == 0)
      goes_on = say(fd, script->rcpt, "250 ok");
    else if (strncmp(line, "DATA", 4) == 0) {
      goes_on = say(fd, script->data, "354 go on");
      if (goes_on && !script->data) {
        goes_on = take_mail(in);
        if (script->dot_delay_ms) usleep((useconds_t)script->dot_delay_ms * 1000);
        mails++;
        atomic_fetch_add(&server.mails, 1);
        goes_on = goes_on && say(fd, script->dot, "250 taken");
      }
    } else
      goes_on = say(fd, script->quit, "250 ok");
    if (!goes_on) return false;
  }
  return true;
}

static void *connection_main(void *context) {
  bool is_full = (intptr_t)context < 0;
  int fd = (int)(is_full ? -(intptr_t)context : (intptr_t)context);
  FILE *in = fdopen(fd, "r");
  talk(fd, in, &server.script, is_full);
  atomic_fetch_sub(&server.open, 1);
  fclose(in);
  return NULL;
}

static void *server_main(void *context) {
  (void)context;
  for (int fd; (fd = accept(server.socket, NULL, NULL)) >= 0;) {
    pthread_t thread;
    atomic_fetch_add(&server.connections, 1);
    bool is_full = atomic_fetch_add(&server.open, 1) >= server.script.connections_max && server.script.connections_max;
    cr_assert_eq(pthread_create(&thread, NULL, connection_main, (void *)(intptr_t)(is_full ? -fd : fd)), 0);
    pthread_detach(thread);
  }
  return NULL;
}

static void listen_on_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  server.socket = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert_eq(bind(server.socket, (struct sockaddr *)&address, sizeof address), 0);
  cr_assert_eq(getsockname(server.socket, (struct sockaddr *)&address, &length), 0);
  snprintf(server.url, sizeof server.url, "smtp://127.0.0.1:%d", ntohs(address.sin_port));
  options.url = server.url;
}

static void start_server(const struct script *script) {
  pthread_t thread;
  server.script = *script;
  if (!server.url[0]) listen_on_loopback();
  cr_assert_eq(listen(server.socket, 64), 0);
  cr_assert_eq(pthread_create(&thread, NULL, server_main, NULL), 0);
  pthread_detach(thread);
}

static const char MAIL[] = "Subject: x\r\n\r\n.dot\r\n..\r\nend\r\n";

static struct smtp_answer deliver_one(void) {
  struct smtp_answer answer;
  struct smtp *smtp = smtp_new(&options);
  smtp_deliver(smtp, "ada@example.org", MAIL, strlen(MAIL), &answer);
  smtp_free(smtp);
  return answer;
}

TestSuite(smtp, .init = smtp_start, .fini = smtp_end, .timeout = 60);

Test(smtp, answers_mean_what_they_answer) {
  static const struct {
    struct script script;
    enum outcome expected;
    const char *text;
  } rows[] = {
      {{0}, DELIVERED, "250 taken"},
      {{.greeting = "554 no service"}, UNREACHABLE, "554 no service"},
      {{.greeting = ""}, UNREACHABLE, ""},
      {{.greeting = "-"}, UNREACHABLE, ""},
      {{.ehlo = "550 who are you"}, UNREACHABLE, "550 who are you"},
      {{.mail = "550 not from you"}, UNREACHABLE, "550 not from you"},
      {{.mail = "451 not now"}, UNREACHABLE, "451 not now"},
      {{.mail = ""}, UNREACHABLE, ""},
      {{.rcpt = "550 5.1.1 <ada@example.org> unknown"}, REFUSED, "550 5.1.1 <ada@example.org> unknown"},
      {{.rcpt = "450 4.2.0 greylisted"}, DEFERRED, "450 4.2.0 greylisted"},
      {{.rcpt = "421 going down"}, UNREACHABLE, "421 going down"},
      {{.rcpt = ""}, DEFERRED, ""},
      {{.rcpt = "-"}, DEFERRED, ""},
      {{.data = "554 no"}, REFUSED, "554 no"},
      {{.data = "452 disk full"}, DEFERRED, "452 disk full"},
      {{.dot = "550 5.7.1 spam"}, REFUSED, "550 5.7.1 spam"},
      {{.dot = "451 later"}, DEFERRED, "451 later"},
      {{.dot = ""}, DEFERRED, ""},
      {{.dot = "-"}, DEFERRED, ""},
  };
  start_server(&(struct script){0});
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    server.script = rows[i].script;
    struct mono start = mono_now();
    struct smtp_answer answer = deliver_one();
    cr_expect_eq(answer.outcome, rows[i].expected, "row %zu: %s, %s", i, outcome_label(answer.outcome), answer.text);
    cr_expect(strstr(answer.text, rows[i].text) == answer.text && answer.text[0], "row %zu: %s", i, answer.text);
    cr_expect(mono_ms_since(start) < TIMEOUT_TWICE_MS, "row %zu: %lld ms", i, (long long)mono_ms_since(start));
  }
}

Test(smtp, dots_are_stuffed_and_the_mail_arrives_as_it_was) {
  start_server(&(struct script){0});
  cr_assert_eq(deliver_one().outcome, DELIVERED);
  cr_expect_str_eq(server.received, "Subject: x\r\n\r\n..dot\r\n...\r\nend\r\n");
}

Test(smtp, nobody_listens) {
  listen_on_loopback(); /* bound, not listening: refused */
  struct smtp_answer answer = deliver_one();
  cr_expect_eq(answer.outcome, UNREACHABLE);
  cr_expect(answer.text[0]);
}

Test(smtp, a_connection_is_kept_and_its_end_is_no_failure) {
  start_server(&(struct script){.mails_per_connection = 3});
  struct smtp *smtp = smtp_new(&options);
  struct smtp_answer answer;
  for (int i = 0; i < 10; i++) {
    smtp_deliver(smtp, "ada@example.org", MAIL, strlen(MAIL), &answer);
    cr_assert_eq(answer.outcome, DELIVERED, "mail %d: %s", i, answer.text);
  }
  cr_expect_eq(atomic_load(&server.mails), 10);
  cr_expect_eq(atomic_load(&server.connections), 4);
  smtp_free(smtp);
}

/* The time of a mail is its own, however old its connection is. */
Test(smtp, time_is_counted_anew_for_each_mail) {
  start_server(&(struct script){.dot_delay_ms = TIMEOUT_MS * 6 / 10});
  struct smtp *smtp = smtp_new(&options);
  struct smtp_answer answer;
  for (int i = 0; i < 3; i++) {
    smtp_deliver(smtp, "ada@example.org", MAIL, strlen(MAIL), &answer);
    cr_assert_eq(answer.outcome, DELIVERED, "mail %d: %s", i, answer.text);
  }
  cr_expect_eq(atomic_load(&server.connections), 1);
  server.script.dot_delay_ms = 3 * TIMEOUT_MS;
  struct mono start = mono_now();
  smtp_deliver(smtp, "ada@example.org", MAIL, strlen(MAIL), &answer);
  cr_expect_eq(answer.outcome, DEFERRED);
  cr_expect(mono_ms_since(start) >= TIMEOUT_MS - 100 && mono_ms_since(start) < TIMEOUT_TWICE_MS);
  smtp_free(smtp);
}

Test(smtp, good_bye_is_said_and_not_waited_for_long) {
  start_server(&(struct script){.quit = "-"});
  struct smtp *smtp = smtp_new(&options);
  struct smtp_answer answer;
  smtp_deliver(smtp, "ada@example.org", MAIL, strlen(MAIL), &answer);
  cr_assert_eq(answer.outcome, DELIVERED);
  struct mono start = mono_now();
  smtp_free(smtp);
  cr_expect(mono_ms_since(start) < 1500, "%lld ms", (long long)mono_ms_since(start));
}

static void *call_off_soon(void *context) {
  (void)context;
  sleep_ms(300);
  atomic_store(&called_off, true);
  return NULL;
}

Test(smtp, is_called_off_within_a_second_or_so) {
  static const struct script rows[] = {{.greeting = "-"}, {.rcpt = "-"}, {.dot = "-"}};
  options.timeout_ms = 60000;
  start_server(&rows[0]);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    pthread_t thread;
    server.script = rows[i];
    atomic_store(&called_off, false);
    cr_assert_eq(pthread_create(&thread, NULL, call_off_soon, NULL), 0);
    struct mono start = mono_now();
    cr_expect_eq(deliver_one().outcome, CALLED_OFF, "row %zu", i);
    cr_expect(mono_ms_since(start) < 3000, "row %zu: %lld ms", i, (long long)mono_ms_since(start));
    pthread_join(thread, NULL);
  }
}

/* ---- many at a time ---- */

static void hand_over(struct crew *crew, int count) {
  for (int i = 0; i < count; i++) {
    struct delivery *delivery = calloc(1, sizeof *delivery);
    cr_assert(delivery);
    delivery->begin_before = (struct mono){mono_now().ns + INT64_C(60000000000)};
    snprintf(delivery->recipient, sizeof delivery->recipient, "c%d@example.org", i);
    buf_init(&delivery->message, 4096);
    buf_text_append(&delivery->message, MAIL);
    crew_hand_over(crew, delivery);
  }
}

struct count {
  int delivered, unreachable, not_begun, other;
};

static struct count collect_all(struct crew *crew) {
  struct count count = {0};
  while (crew_load(crew) > 0) {
    struct delivery *list = crew_collect(crew, 1000, 100);
    for (const struct delivery *d = list; d; d = d->next) {
      count.delivered += d->answer.outcome == DELIVERED;
      count.unreachable += d->answer.outcome == UNREACHABLE;
      count.not_begun += d->answer.outcome == NOT_BEGUN;
      count.other +=
          d->answer.outcome != DELIVERED && d->answer.outcome != UNREACHABLE && d->answer.outcome != NOT_BEGUN;
    }
    deliveries_free(list);
  }
  return count;
}

Test(smtp, slow_servers_are_waited_for_by_many_at_a_time) {
  start_server(&(struct script){.dot_delay_ms = 100});
  struct crew CLEANUP(crew_release) *crew = crew_new(&options, 16);
  struct mono start = mono_now();
  hand_over(crew, 64);
  cr_expect_eq(collect_all(crew).delivered, 64);
  cr_expect(mono_ms_since(start) < 2000, "%lld ms: one after the other would be 6400", (long long)mono_ms_since(start));
  cr_expect_eq(atomic_load(&server.connections), 16);
}

Test(smtp, a_crew_of_one_mail_is_one_connection) {
  start_server(&(struct script){0});
  struct crew CLEANUP(crew_release) *crew = crew_new(&options, 16);
  hand_over(crew, 1);
  cr_expect_eq(collect_all(crew).delivered, 1);
  cr_expect_eq(atomic_load(&server.connections), 1);
}

Test(smtp, a_server_that_takes_few_connections_is_served_by_few) {
  start_server(&(struct script){.connections_max = 3, .dot_delay_ms = 20});
  struct crew CLEANUP(crew_release) *crew = crew_new(&options, 8);
  hand_over(crew, 60);
  struct count count = collect_all(crew);
  cr_expect_eq(count.delivered + count.unreachable, 60);
  cr_expect(count.unreachable <= 7 && count.delivered >= 53, "%d delivered", count.delivered);
  cr_expect_not(crew_has_lost_server(crew));
}

Test(smtp, a_server_that_is_away_halts_the_crew) {
  listen_on_loopback();
  struct crew CLEANUP(crew_release) *crew = crew_new(&options, 4);
  hand_over(crew, 100);
  struct count count = collect_all(crew);
  cr_expect(count.unreachable <= 4 && count.unreachable >= 1);
  cr_expect_eq(count.unreachable + count.not_begun, 100);
  cr_expect(crew_has_lost_server(crew));
}

Test(smtp, a_halted_crew_begins_nothing) {
  start_server(&(struct script){.dot_delay_ms = 200});
  struct crew CLEANUP(crew_release) *crew = crew_new(&options, 2);
  hand_over(crew, 10);
  sleep_ms(100);
  crew_halt(crew);
  hand_over(crew, 5);
  struct count count = collect_all(crew);
  cr_expect_eq(count.delivered, 2);
  cr_expect_eq(count.not_begun, 13);
  cr_expect_not(crew_has_lost_server(crew));
}
