/* The task that delivers notifications. */
#ifndef NOTIFICATIONS_SEND_H
#define NOTIFICATIONS_SEND_H

#include "runtime/runtime.h"

struct mail_settings {
  char *smtp_url, *smtp_user, *smtp_password, *smtp_tls, *mail_from;
  int64_t concurrency, timeout_ms;
};

/* Once, before the task runs; the settings must stay. RC_INVALID_SETTING naming the wrong one. */
MUST_CHECK enum rc send_start(const struct mail_settings *settings, struct error *err);

/* With own transactions. Returns when there is nothing due, the server is away, or the process stops. */
task_function send_due_mails;

#endif
