/* The journal: one file of lines, each a request that changed something, with the answer it got. A line is
 *   <16 hex digits: hash of the rest> <fields, a form>\t<answer, JSON>\n
 * and is on the disk before its answer leaves (group commit: whoever waits first writes for all).
 *
 * A journal that cannot be written ends the process: what it has in memory is then ahead of the truth, and nobody has
 * been told. Thread-safe after journal_open. */
#ifndef GATEWAY_JOURNAL_H
#define GATEWAY_JOURNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum { JOURNAL_LINE_MAX = 512 * 1024, JOURNAL_PATH_MAX = 1024 };

struct journal {
  int fd;
  bool is_synced; /* fdatasync before an answer */
  pthread_mutex_t lock;
  pthread_cond_t written;
  struct buf pending; /* appended, not yet handed to the kernel */
  struct buf writing;
  bool is_writing;
  uint64_t end;     /* where the next line begins */
  uint64_t durable; /* everything before it is safe */
  uint64_t syncs;
};

struct journal_place {
  uint64_t offset;
  uint32_t length;
};

/* Given each whole line in order, and the place of its answer. False ends the reading with an error. */
typedef bool journal_reader(void *context, const char *fields, size_t length, struct journal_place answer);

/* Opens `directory`/journal, makes both when missing, locks it against a second gateway, reads every whole line, cuts
 * off a torn tail. RC_UNAVAILABLE names what is wrong. `pending_max` bounds what waits for the disk. */
MUST_CHECK enum rc journal_open(struct journal *journal, const char *directory, bool is_synced, size_t pending_max,
                                journal_reader *reader, void *context, struct error *err);
void journal_close(struct journal *journal); /* writes what waits */

/* Where the answer will be read from; the line is not safe until journal_wait(journal_end()). */
struct journal_place journal_append(struct journal *journal, const struct buf *fields, const struct buf *answer);
uint64_t journal_end(struct journal *journal);
void journal_wait(struct journal *journal, uint64_t position);
/* Reads an answer back into `out`; waits until it is written. */
void journal_read(struct journal *journal, struct journal_place place, struct buf *out);

#endif
