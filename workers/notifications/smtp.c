/* Mail by libcurl's easy interface. Not by its multi interface: that one waits for the server's word on a finished mail
 * (the answer to the final dot) without giving way, so that with servers that take 100 ms to store a mail all
 * connections together make ten mails a second. Many connections are many threads here, one handle each (crew.h); the
 * handle keeps its connection from mail to mail.
 *
 * What an answer means depends on what it answers, and curl does not say: it is seen in the commands that curl sends.
 *
 * After a failure, and when a handle is freed, curl says QUIT and waits for the answer, up to two minutes and whatever
 * its timeouts are: from a server that has stopped talking none will come. So its sockets are ours, and we hang up.
 */
#include "smtp.h"

#include <ctype.h>
#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/time.h"

enum {
  CONNECT_TIMEOUT_MS = 10000,
  GOODBYE_MS = 500,
  CODE_FAILURE = 400,
  CODE_SERVICE_CLOSING = 421,
  SOCKETS_MAX = 4, /* one that is used, and those of addresses that are tried */
};

/* What the server was last told. */
enum stage { STAGE_SESSION, STAGE_SENDER, STAGE_RECIPIENT, STAGE_CONTENT };

static const struct {
  const char *command;
  enum stage stage;
} stages[] = {{"MAIL ", STAGE_SENDER}, {"RCPT ", STAGE_RECIPIENT}, {"DATA", STAGE_CONTENT}};

struct smtp {
  const struct smtp_options *options;
  CURL *curl;
  int sockets[SOCKETS_MAX]; /* open ones first */
  size_t socket_count;
  bool is_private; /* TLS */
  /* of the mail under way */
  struct mono start;
  int64_t timeout_ms;
  bool is_called_off;
  const char *message;
  size_t length, read;
  enum stage stage;
  bool has_quit; /* after a failure curl says good-bye: the answer to that is none to the mail */
  int code;      /* of the last answer since the last command; 0: none */
  char line[SMTP_TEXT_MAX];
  char curl_text[CURL_ERROR_SIZE];
};

static const char *const labels[] = {
#define X(outcome, label) [outcome] = label,
    OUTCOMES(X)
#undef X
};

const char *outcome_label(enum outcome outcome) {
  return labels[outcome];
}

void smtp_start(void) {
  CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);
  ASSERT(rc == CURLE_OK);
}

void smtp_end(void) {
  curl_global_cleanup();
}

/* ---- sockets ---- */

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  struct smtp *smtp = context;
  (void)purpose;
  if (smtp->socket_count == SOCKETS_MAX) return CURL_SOCKET_BAD;
  int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd >= 0) smtp->sockets[smtp->socket_count++] = fd;
  smtp->is_private = strncmp(smtp->options->url, "smtps:", strlen("smtps:")) == 0;
  return fd;
}

static int close_socket(void *context, curl_socket_t fd) {
  struct smtp *smtp = context;
  for (size_t i = 0; i < smtp->socket_count; i++)
    if (smtp->sockets[i] == fd) smtp->sockets[i--] = smtp->sockets[--smtp->socket_count];
  return close(fd);
}

static void hang_up(struct smtp *smtp) {
  for (size_t i = 0; i < smtp->socket_count; i++) (void)shutdown(smtp->sockets[i], SHUT_RDWR);
}

/* Not within TLS, which is curl's. */
static void say_goodbye(struct smtp *smtp) {
  static const char quit[] = "QUIT\r\n";
  for (size_t i = 0; i < smtp->socket_count && !smtp->is_private; i++) {
    struct pollfd answer = {.fd = smtp->sockets[i], .events = POLLIN};
    ssize_t sent = send(answer.fd, quit, strlen(quit), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) (void)poll(&answer, 1, GOODBYE_MS);
  }
  hang_up(smtp);
}

/* ---- what curl calls ---- */

static size_t read_message(char *buffer, size_t size, size_t count, void *context) {
  struct smtp *smtp = context;
  size_t left = smtp->length - smtp->read;
  size_t length = left < size * count ? left : size * count;
  memcpy(buffer, smtp->message + smtp->read, length);
  smtp->read += length;
  return length;
}

static int three_digits(const char *line, size_t length) {
  if (length < 3) return 0;
  for (int i = 0; i < 3; i++)
    if (!isdigit((unsigned char)line[i])) return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/* Each line that the server says. */
static size_t keep_line(char *line, size_t size, size_t count, void *context) {
  struct smtp *smtp = context;
  size_t length = size * count;
  int code = three_digits(line, length);
  if (code == 0 || smtp->has_quit) return length;
  size_t kept = 0;
  for (size_t i = 0; i < length && kept < sizeof smtp->line - 1; i++)
    if ((unsigned char)line[i] >= 0x20 && (unsigned char)line[i] < 0x7F) smtp->line[kept++] = line[i];
  smtp->line[kept] = '\0';
  smtp->code = code;
  return length;
}

/* Each command that curl says; an AUTH among them is looked at no further than its first letters. */
static int note_command(CURL *curl, curl_infotype type, char *bytes, size_t length, void *context) {
  struct smtp *smtp = context;
  (void)curl;
  if (type != CURLINFO_HEADER_OUT) return 0;
  if (length >= strlen("STARTTLS") && strncasecmp(bytes, "STARTTLS", strlen("STARTTLS")) == 0) smtp->is_private = true;
  smtp->has_quit = length >= strlen("QUIT") && strncasecmp(bytes, "QUIT", strlen("QUIT")) == 0;
  if (smtp->has_quit) return 0;
  for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
    if (length >= strlen(stages[i].command) && strncasecmp(bytes, stages[i].command, strlen(stages[i].command)) == 0)
      smtp->stage = stages[i].stage;
  smtp->code = 0;
  return 0;
}

/* Called once a second at least, also where curl waits and its own timeouts do not count. */
static int is_over(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
  struct smtp *smtp = context;
  (void)a, (void)b, (void)c, (void)d;
  smtp->is_called_off = atomic_load(smtp->options->is_called_off);
  bool is_late = mono_ms_since(smtp->start) > smtp->timeout_ms;
  if (smtp->is_called_off || is_late) hang_up(smtp);
  return smtp->is_called_off || is_late;
}

/* ---- a connection ---- */

#define SET(option, value) ASSERT(curl_easy_setopt(curl, (option), (value)) == CURLE_OK)

static void set_security(CURL *curl, const struct smtp_options *options) {
  static const long levels[] = {
      [STARTTLS_NEVER] = CURLUSESSL_NONE, [STARTTLS_IF_OFFERED] = CURLUSESSL_TRY, [STARTTLS_REQUIRED] = CURLUSESSL_ALL};
  SET(CURLOPT_USE_SSL, levels[options->starttls]);
  if (!options->user[0]) return;
  SET(CURLOPT_USERNAME, options->user);
  SET(CURLOPT_PASSWORD, options->password);
}

struct smtp *smtp_new(const struct smtp_options *options) {
  struct smtp *smtp = calloc(1, sizeof *smtp);
  ASSERT(smtp);
  smtp->options = options;
  CURL *curl = smtp->curl = curl_easy_init();
  ASSERT(curl);
  SET(CURLOPT_URL, options->url);
  SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  SET(CURLOPT_PROXY, "");
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_UPLOAD, 1L);
  SET(CURLOPT_MAIL_FROM, options->from);
  SET(CURLOPT_CONNECTTIMEOUT_MS,
      (long)(options->timeout_ms < CONNECT_TIMEOUT_MS ? options->timeout_ms : CONNECT_TIMEOUT_MS));
  SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
  SET(CURLOPT_OPENSOCKETDATA, smtp);
  SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  SET(CURLOPT_CLOSESOCKETDATA, smtp);
  SET(CURLOPT_READFUNCTION, read_message);
  SET(CURLOPT_READDATA, smtp);
  SET(CURLOPT_HEADERFUNCTION, keep_line);
  SET(CURLOPT_HEADERDATA, smtp);
  SET(CURLOPT_VERBOSE, 1L);
  SET(CURLOPT_DEBUGFUNCTION, note_command);
  SET(CURLOPT_DEBUGDATA, smtp);
  SET(CURLOPT_NOPROGRESS, 0L);
  SET(CURLOPT_XFERINFOFUNCTION, is_over);
  SET(CURLOPT_XFERINFODATA, smtp);
  SET(CURLOPT_ERRORBUFFER, smtp->curl_text);
  set_security(curl, options);
  return smtp;
}

void smtp_free(struct smtp *smtp) {
  if (!smtp) return;
  say_goodbye(smtp);
  curl_easy_cleanup(smtp->curl);
  free(smtp);
}

/* ---- a mail ---- */

static enum outcome outcome_of(const struct smtp *smtp, CURLcode rc) {
  if (rc == CURLE_OK) return DELIVERED;
  if (smtp->is_called_off) return CALLED_OFF;
  if (smtp->stage < STAGE_RECIPIENT || smtp->code == CODE_SERVICE_CLOSING) return UNREACHABLE;
  return smtp->code / 100 == 5 ? REFUSED : DEFERRED;
}

static CURLcode try_once(struct smtp *smtp, struct curl_slist *recipient, int64_t timeout_ms) {
  CURL *curl = smtp->curl;
  smtp->read = 0;
  smtp->is_called_off = false;
  smtp->start = mono_now();
  smtp->timeout_ms = timeout_ms;
  smtp->stage = STAGE_SESSION;
  smtp->has_quit = false;
  smtp->code = 0;
  smtp->line[0] = smtp->curl_text[0] = '\0';
  SET(CURLOPT_MAIL_RCPT, recipient);
  SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)smtp->length);
  SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
  return curl_easy_perform(curl);
}

/* A connection that was kept may be at its end: closed in the meantime, or good for so many mails and no more. */
static bool was_kept(const struct smtp *smtp) {
  long connections = 0;
  CURLcode rc = curl_easy_getinfo(smtp->curl, CURLINFO_NUM_CONNECTS, &connections);
  return rc == CURLE_OK && connections == 0;
}

static CURLcode try_again_if_kept(struct smtp *smtp, struct curl_slist *recipient, CURLcode rc, int64_t left_ms) {
  bool again = outcome_of(smtp, rc) == UNREACHABLE && was_kept(smtp) && left_ms > 0;
  return again ? try_once(smtp, recipient, left_ms) : rc;
}

void smtp_deliver(struct smtp *smtp, const char *recipient, const char *message, size_t length,
                  struct smtp_answer *ret_answer) {
  struct mono start = mono_now();
  struct curl_slist *recipients = curl_slist_append(NULL, recipient);
  ASSERT(recipients);
  smtp->message = message;
  smtp->length = length;
  CURLcode rc = try_once(smtp, recipients, smtp->options->timeout_ms);
  rc = try_again_if_kept(smtp, recipients, rc, smtp->options->timeout_ms - mono_ms_since(start));
  ret_answer->outcome = outcome_of(smtp, rc);
  const char *why = smtp->curl_text[0] ? smtp->curl_text : curl_easy_strerror(rc);
  if (rc == CURLE_ABORTED_BY_CALLBACK) why = smtp->is_called_off ? "called off" : "no answer in time";
  bool has_answered = smtp->code && (rc == CURLE_OK || smtp->code >= CODE_FAILURE);
  snprintf(ret_answer->text, sizeof ret_answer->text, "%s", has_answered ? smtp->line : why);
  curl_slist_free_all(recipients);
}

/* RFC 3463: class.subject.detail after the code, when the server speaks it. */
const char *smtp_code(const char *text, char code[static SMTP_CODE_MAX]) {
  code[0] = '\0';
  if (three_digits(text, strlen(text)) == 0) return code;
  size_t length = 3;
  if (text[3] == ' ' || text[3] == '-') {
    size_t enhanced = strspn(text + 4, "0123456789.");
    if (enhanced >= strlen("5.1.1") && enhanced <= strlen("5.100.100")) length = 4 + enhanced;
  }
  snprintf(code, SMTP_CODE_MAX, "%.*s", (int)length, text);
  if (length > 3) code[3] = ' ';
  return code;
}
