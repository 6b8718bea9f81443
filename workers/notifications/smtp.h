/* A connection to the mail server, kept open for one mail after the other. Each is one thread's. */
#ifndef NOTIFICATIONS_SMTP_H
#define NOTIFICATIONS_SMTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How an attempt ended, and its label in metrics.
 * DELIVERED    the server has taken the mail upon itself.
 * DEFERRED     not now, this mail: a 4xx, or no clear answer once the recipient had been named. It may have arrived.
 * REFUSED      never, this mail: a 5xx to the recipient or to what is written.
 * UNREACHABLE  no mail at all, now: no connection, no session, or the server will not take mail from us. Whatever comes
 *              before the recipient is named is about the server and our settings, and no mail's fault.
 * CALLED_OFF   the process stops, and could not wait for the answer. It may have arrived.
 * NOT_BEGUN    the process stops, or the server is away: nothing was tried.
 * DROPPED      there is nothing to say any more: its invoice is void. Nothing was tried. */
#define OUTCOMES(X)                         \
  X(DELIVERED, "outcome=\"delivered\"")     \
  X(DEFERRED, "outcome=\"deferred\"")       \
  X(REFUSED, "outcome=\"refused\"")         \
  X(UNREACHABLE, "outcome=\"unreachable\"") \
  X(CALLED_OFF, "outcome=\"called_off\"")   \
  X(NOT_BEGUN, "outcome=\"not_begun\"")     \
  X(DROPPED, "outcome=\"dropped\"")

enum outcome {
#define X(outcome, label) outcome,
  OUTCOMES(X)
#undef X
};
const char *outcome_label(enum outcome outcome);

enum { SMTP_TEXT_MAX = 512 };

struct smtp_answer {
  enum outcome outcome;
  char text[SMTP_TEXT_MAX]; /* the server's last line ("550 5.1.1 …"), or why there was none; may name the recipient */
};

enum starttls { STARTTLS_NEVER, STARTTLS_IF_OFFERED, STARTTLS_REQUIRED };

struct smtp_options {
  const char *url;                  /* smtp:// or smtps:// */
  const char *user, *password;      /* "": no authentication */
  const char *from;                 /* address of the envelope */
  enum starttls starttls;           /* with smtp:// */
  int64_t timeout_ms;               /* for one mail, from the connection to the last answer; up to a second more */
  const atomic_bool *is_called_off; /* true: give up within a second */
};

struct smtp;

void smtp_start(void); /* once, before any thread; smtp_end after the last */
void smtp_end(void);
struct smtp *smtp_new(const struct smtp_options *options); /* the options must stay */
void smtp_free(struct smtp *smtp);
void smtp_deliver(struct smtp *smtp, const char *recipient, const char *message, size_t length,
                  struct smtp_answer *ret_answer);

/* "550 5.1.1" of an answer's text: without the words, which may name people. "" when there is no code. */
enum { SMTP_CODE_MAX = 24 };
const char *smtp_code(const char *text, char code[static SMTP_CODE_MAX]);

#endif
