/* Which message ends the process. What the loop has at hand stands in memory that outlives it (supervisor.h): when a
 * worker has died, its death is laid to what was at hand, and the next worker asks what to do about each message.
 *
 *   several messages were at hand   from then on each of them is handled alone, in a transaction of its own
 *   one message was at hand         a strike; the second condemns it: it is not handled again, but buried
 *
 * So a message that ends the process does it three times at most, and one that happened to be at hand when somebody
 * killed the worker is not buried for it. A worker that has never handled a message has standing for one burial only:
 * where every message ends the process it is the program that is at fault. Internal to lib/runtime. The loop writes
 * while a worker lives, the supervisor when it is dead: there is no lock. */
#ifndef RUNTIME_AT_HAND_H
#define RUNTIME_AT_HAND_H

#include <stdatomic.h>

#include "bus/bus.h"

/* Of one poll there are no more messages than BATCH_MAX may say, so there are no more partitions either. */
enum { AT_HAND_MAX = 5000, LAST_WORDS_MAX = 192, STRIKES_MAX = 2, STRUCK_MAX = 64 };
enum { IN_VAIN_MAX = 10 }; /* deaths without a message handled between them */

enum suspicion {
  TRUSTED,
  SUSPECT,    /* handled alone */
  CONDEMNED,  /* not handled any more */
  UNREADABLE, /* not even decoded: it ended the process on its way into the dead letters as well */
};

/* How a worker ended: as waitpid tells it, and what it could still say. */
struct death {
  int status;
  char last_words[LAST_WORDS_MAX];
};

/* A message that was alone at hand when a worker died. */
struct struck {
  struct bus_position at; /* its own; the topic is of the table: at one address in each worker of a supervisor */
  int strikes;            /* 0: none */
  int struck_at;          /* the number of the last of these deaths */
  struct death death;     /* the last one */
};

struct at_hand {
  /* written by the worker */
  struct bus_position positions[AT_HAND_MAX]; /* as a batch has them: one past the last message of each partition */
  _Atomic size_t position_count;              /* 0: nothing is at hand */
  size_t message_count;
  struct bus_position looked_at; /* counts alone, whatever else is at hand */
  atomic_bool is_looking;
  atomic_bool is_here;    /* a signal that ends the process met the loop's thread */
  atomic_bool has_worked; /* a handler has handled a message since the last death */
  atomic_bool has_buried; /* a condemned message is among the dead letters */
  char last_words[LAST_WORDS_MAX];
  /* written by the supervisor */
  struct bus_position suspects[AT_HAND_MAX]; /* what lies before them is handled alone */
  size_t suspect_count;
  struct struck struck[STRUCK_MAX];
  int deaths, deaths_in_vain; /* in all; since a message was handled */
  int condemned;              /* messages */
  bool has_ever_worked;
  /* the last one: */
  struct death death;
  struct bus_position first; /* of what was at hand: */
  size_t first_of;           /* so many messages */
};

/* Empty, in memory that a process shares with its children; it stays until they all have ended. */
struct at_hand *at_hand_new(void);

/* -- the worker -- */
void at_hand_take(struct at_hand *hand, const struct bus_position *positions, size_t position_count,
                  size_t message_count);
void at_hand_put_down(struct at_hand *hand);
/* One message is read, while others may be at hand. */
void at_hand_look(struct at_hand *hand, const struct message *message);
void at_hand_look_away(struct at_hand *hand);
enum suspicion at_hand_suspicion(const struct at_hand *hand, const struct message *message);
/* How many of these messages of one poll, at least one, may be handled in one transaction. */
size_t at_hand_together(const struct at_hand *hand, const struct message *messages, size_t count);
/* Why a condemned message is not handled. */
void at_hand_explain(const struct at_hand *hand, const struct message *message, struct error *ret_why);

/* -- the supervisor -- */
/* Nothing that was at hand has to do with it. */
void at_hand_drop(struct at_hand *hand);
/* A worker died, as waitpid tells it. False: nothing was at hand, no message is to blame. */
bool at_hand_blame(struct at_hand *hand, int status);

/* It is not the messages that are at fault, but the program: to go on would bury one after the other. */
bool at_hand_is_hopeless(const struct at_hand *hand);

/* "signal 6 (Aborted): x > 0 at lib/…", "exit status 1: …"; cut to the size. */
void death_describe(const struct death *death, char *ret_text, size_t size);

#endif
