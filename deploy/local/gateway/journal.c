/* Group commit: appending copies a line into a buffer under a short lock; the first who waits takes the buffer, writes
 * and syncs it alone, and wakes everybody whose line was in it. Those who came meanwhile elect the next one. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "counts.h"

enum { HASH_DIGITS = 16 };

static enum rc failed(struct error *err, const char *what, const char *path) {
  return error_set(err, RC_UNAVAILABLE, "GATEWAY_STATE_DIR: cannot %s %s: %s", what, path, strerror(errno));
}

static bool line_is_whole(const char *line, size_t length) {
  char digits[HASH_DIGITS + 1];
  if (length < HASH_DIGITS + 2 || line[HASH_DIGITS] != ' ') return false;
  uint64_t hash = hash_bytes(line + HASH_DIGITS + 1, length - HASH_DIGITS - 1);
  (void)snprintf(digits, sizeof digits, "%016llx", (unsigned long long)hash);
  return memcmp(digits, line, HASH_DIGITS) == 0;
}

/* Returns the end of the last whole line; UINT64_MAX when the reader refused one. */
static uint64_t read_lines(const char *text, size_t length, journal_reader *reader, void *context) {
  const char *line = text, *end = text + length;
  while (line < end) {
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    if (newline == NULL || !line_is_whole(line, (size_t)(newline - line))) break;
    const char *fields = line + HASH_DIGITS + 1;
    const char *tab = memchr(fields, '\t', (size_t)(newline - fields));
    const char *fields_end = tab != NULL ? tab : newline;
    struct journal_place answer = {0, 0};
    if (tab != NULL) answer = (struct journal_place){(uint64_t)(tab + 1 - text), (uint32_t)(newline - tab - 1)};
    if (!reader(context, fields, (size_t)(fields_end - fields), answer)) return UINT64_MAX;
    line = newline + 1;
  }
  return (uint64_t)(line - text);
}

static enum rc replay(struct journal *journal, const char *path, journal_reader *reader, void *context,
                      struct error *err) {
  struct stat status;
  if (fstat(journal->fd, &status) != 0) return failed(err, "look at", path);
  size_t length = (size_t)status.st_size;
  if (length == 0) return RC_OK;
  char *text = mmap(NULL, length, PROT_READ, MAP_PRIVATE, journal->fd, 0);
  if (text == MAP_FAILED) return failed(err, "read", path);
  uint64_t whole = read_lines(text, length, reader, context);
  munmap(text, length);
  if (whole == UINT64_MAX) {
    return error_set(err, RC_UNAVAILABLE, "GATEWAY_STATE_DIR: %s has a line that does not follow from the others",
                     path);
  }
  if (whole < length) {
    LOG(LOG_WARN, "journal.torn_tail", LOG_INT("bytes", length - whole));
    if (ftruncate(journal->fd, (off_t)whole) != 0) return failed(err, "cut", path);
  }
  journal->end = journal->durable = whole;
  return RC_OK;
}

enum rc journal_open(struct journal *journal, const char *directory, bool is_synced, size_t pending_max,
                     journal_reader *reader, void *context, struct error *err) {
  char path[JOURNAL_PATH_MAX];
  *journal = (struct journal){.fd = -1, .is_synced = is_synced};
  pthread_mutex_init(&journal->lock, NULL);
  pthread_cond_init(&journal->written, NULL);
  buf_init(&journal->pending, pending_max);
  buf_init(&journal->writing, pending_max);

  if (mkdir(directory, 0700) != 0 && errno != EEXIST) return failed(err, "make", directory);
  if ((size_t)snprintf(path, sizeof path, "%s/journal", directory) >= sizeof path) {
    return error_set(err, RC_UNAVAILABLE, "GATEWAY_STATE_DIR: the path is too long");
  }
  journal->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (journal->fd < 0) return failed(err, "open", path);
  if (flock(journal->fd, LOCK_EX | LOCK_NB) != 0) return failed(err, "lock (another gateway has it?)", path);
  return replay(journal, path, reader, context, err);
}

_Noreturn static void give_up(const char *what) {
  LOG(LOG_ERROR, "journal.failed", LOG_TEXT("doing", what), LOG_TEXT("error", strerror(errno)));
  _exit(1);
}

static void write_out(struct journal *journal, const struct buf *lines) {
  for (size_t done = 0; done < lines->length;) {
    ssize_t wrote = write(journal->fd, lines->bytes + done, lines->length - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) give_up("write");
    done += (size_t)wrote;
  }
  if (journal->is_synced && fdatasync(journal->fd) != 0) give_up("sync");
}

struct journal_place journal_append(struct journal *journal, const struct buf *fields, const struct buf *answer) {
  pthread_mutex_lock(&journal->lock);
  struct buf *pending = &journal->pending;
  size_t start = pending->length;
  buf_printf(pending, "%0*d ", HASH_DIGITS, 0);
  buf_append(pending, buf_text(fields), fields->length);
  buf_char(pending, '\t');
  buf_append(pending, buf_text(answer), answer->length);
  ASSERT(buf_ok(pending));

  size_t hashed = start + HASH_DIGITS + 1;
  char digits[HASH_DIGITS + 1];
  uint64_t hash = hash_bytes(pending->bytes + hashed, pending->length - hashed);
  (void)snprintf(digits, sizeof digits, "%016llx", (unsigned long long)hash);
  memcpy(pending->bytes + start, digits, HASH_DIGITS);
  buf_char(pending, '\n');
  ASSERT(buf_ok(pending));

  size_t line_length = pending->length - start;
  struct journal_place place = {journal->end + line_length - 1 - answer->length, (uint32_t)answer->length};
  journal->end += line_length;
  pthread_mutex_unlock(&journal->lock);
  return place;
}

uint64_t journal_end(struct journal *journal) {
  pthread_mutex_lock(&journal->lock);
  uint64_t end = journal->end;
  pthread_mutex_unlock(&journal->lock);
  return end;
}

/* The caller holds the lock and is the only writer; the lock is open while the disk works. */
static void write_pending(struct journal *journal) {
  struct buf lines = journal->pending;
  journal->pending = journal->writing;
  journal->writing = lines;
  uint64_t end = journal->end;
  journal->is_writing = true;
  pthread_mutex_unlock(&journal->lock);
  write_out(journal, &lines);
  pthread_mutex_lock(&journal->lock);
  buf_clear(&journal->writing);
  journal->is_writing = false;
  journal->durable = end;
  journal->syncs++;
  pthread_cond_broadcast(&journal->written);
}

void journal_wait(struct journal *journal, uint64_t position) {
  pthread_mutex_lock(&journal->lock);
  while (journal->durable < position) {
    if (journal->is_writing) {
      pthread_cond_wait(&journal->written, &journal->lock);
    } else {
      write_pending(journal);
    }
  }
  pthread_mutex_unlock(&journal->lock);
}

void journal_read(struct journal *journal, struct journal_place place, struct buf *out) {
  journal_wait(journal, place.offset + place.length);
  char chunk[4096];
  for (uint32_t done = 0; done < place.length;) {
    size_t want = place.length - done < sizeof chunk ? place.length - done : sizeof chunk;
    ssize_t got = pread(journal->fd, chunk, want, (off_t)(place.offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) give_up("read");
    buf_append(out, chunk, (size_t)got);
    done += (uint32_t)got;
  }
}

void journal_close(struct journal *journal) {
  if (journal->fd >= 0) {
    journal_wait(journal, journal_end(journal));
    close(journal->fd);
  }
  buf_release(&journal->pending);
  buf_release(&journal->writing);
  pthread_cond_destroy(&journal->written);
  pthread_mutex_destroy(&journal->lock);
}
