/* Threads that deliver mails, each with a connection of its own. Mails are handed over and come back with an answer;
 * nobody waits for a slow one but the thread that has it. The owner is one thread. */
#ifndef NOTIFICATIONS_CREW_H
#define NOTIFICATIONS_CREW_H

#include "base/buf.h"
#include "base/time.h"
#include "base/uuid.h"
#include "message.h"
#include "smtp.h"

/* One mail on its way. */
struct delivery {
  struct delivery *next;
  struct uuid tenant, id;
  int64_t attempt, deferrals;
  struct mono begin_before; /* past it the mail may be somebody else's: do not begin any more */
  char recipient[EMAIL_MAX + 1];
  struct buf message;
  struct smtp_answer answer;
  int64_t duration_ms;
};

void delivery_free(struct delivery *delivery);
void deliveries_free(struct delivery *list);

struct crew;

/* Up to `threads` of them start as mails come. The options must stay. */
struct crew *crew_new(const struct smtp_options *options, size_t threads);
/* Waits for what is under way; whatever was not collected is freed. */
void crew_free(struct crew *crew);
void crew_release(struct crew **crew);
void crew_hand_over(struct crew *crew, struct delivery *delivery);
/* Those that came back, in a list that is the caller's. Waits up to wait_ms for `enough` of them, or for all. */
struct delivery *crew_collect(struct crew *crew, size_t enough, int wait_ms);
size_t crew_load(struct crew *crew);    /* handed over and not collected */
size_t crew_waiting(struct crew *crew); /* of these: not begun */
/* From now on nothing begins: what waits, and what is handed over, comes back as NOT_BEGUN. */
void crew_halt(struct crew *crew);
bool crew_is_halted(struct crew *crew);
/* It halted by itself: every thread found the server unreachable. */
bool crew_has_lost_server(struct crew *crew);

#endif
