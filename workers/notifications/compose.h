/* Makes the mail of a stored notification. */
#ifndef NOTIFICATIONS_COMPOSE_H
#define NOTIFICATIONS_COMPOSE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"

/* As the table has it; texts are the caller's. */
struct notification {
  struct uuid id;
  const char *template, *locale, *recipient, *variables;
  struct utime created_at; /* the mail's date: however often it is sent, it is the same mail */
};

/* Appends the message to out. RC_VALIDATION or RC_INVARIANT with the reason why it can never be sent. */
MUST_CHECK enum rc compose_mail(const struct notification *notification, const char *from_address, struct arena *arena,
                                struct buf *out, struct error *err);

#endif
