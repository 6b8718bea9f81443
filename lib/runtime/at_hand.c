/* The bookkeeping of at_hand.h. A worker may die between any two stores: what is at hand is there when its count is. */
#include "runtime/at_hand.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/assert.h"

struct at_hand *at_hand_new(void) {
  /* cppcheck-suppress invalidFunctionArg; -1: of no file */
  struct at_hand *hand = mmap(NULL, sizeof *hand, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT(hand != MAP_FAILED);
  return hand;
}

void at_hand_take(struct at_hand *hand, const struct bus_position *positions, size_t position_count,
                  size_t message_count) {
  ASSERT(position_count > 0 && position_count <= AT_HAND_MAX && position_count <= message_count);
  at_hand_put_down(hand);
  memcpy(hand->positions, positions, position_count * sizeof *positions);
  hand->message_count = message_count;
  atomic_store(&hand->position_count, position_count);
}

void at_hand_put_down(struct at_hand *hand) {
  atomic_store(&hand->position_count, 0);
}

void at_hand_look(struct at_hand *hand, const struct message *message) {
  hand->looked_at = (struct bus_position){message->topic, message->partition, message->offset + 1};
  atomic_store(&hand->is_looking, true);
}

void at_hand_look_away(struct at_hand *hand) {
  atomic_store(&hand->is_looking, false);
}

/* suspect_count: it is not suspected. */
static size_t find_suspect(const struct at_hand *hand, const char *topic, int32_t partition) {
  size_t i = 0;
  while (i < hand->suspect_count &&
         (hand->suspects[i].partition != partition || strcmp(hand->suspects[i].topic, topic) != 0))
    i++;
  return i;
}

enum suspicion at_hand_suspicion(const struct at_hand *hand, const struct message *message) {
  size_t found = find_suspect(hand, message->topic, message->partition);
  const struct suspect *suspect = &hand->suspects[found];
  if (found == hand->suspect_count || message->offset > suspect->last) return TRUSTED;
  if (message->offset != suspect->offset || suspect->strikes < STRIKES_MAX) return SUSPECT;
  return suspect->strikes == STRIKES_MAX ? CONDEMNED : UNREADABLE;
}

size_t at_hand_together(const struct at_hand *hand, const struct message *messages, size_t count) {
  size_t together = 0;
  while (together < count && at_hand_suspicion(hand, &messages[together]) == TRUSTED) together++;
  return together > 0 ? together : 1;
}

void death_describe(const struct death *death, char *ret_text, size_t size) {
  const char *colon = death->last_words[0] ? ": " : "";
  if (WIFSIGNALED(death->status))
    snprintf(ret_text, size, "signal %d (%s)%s%s", WTERMSIG(death->status), strsignal(WTERMSIG(death->status)), colon,
             death->last_words);
  else
    snprintf(ret_text, size, "exit status %d%s%s", WEXITSTATUS(death->status), colon, death->last_words);
}

void at_hand_explain(const struct at_hand *hand, const struct message *message, struct error *ret_why) {
  char death[ERROR_TEXT_MAX];
  size_t found = find_suspect(hand, message->topic, message->partition);
  ASSERT(found < hand->suspect_count && hand->suspects[found].offset == message->offset);
  death_describe(&hand->suspects[found].death, death, sizeof death);
  error_set(ret_why, RC_BUG, "the worker ended while it handled this message: %s", death);
}

/* -- after a death -- */

/* When there is no room for another one, all are forgotten: who is guilty will be met again. */
static struct suspect *suspect_find_or_make(struct at_hand *hand, const struct bus_position *position) {
  size_t found = find_suspect(hand, position->topic, position->partition);
  if (found < hand->suspect_count) return &hand->suspects[found];
  if (hand->suspect_count == AT_HAND_MAX) hand->suspect_count = 0;
  struct suspect *suspect = &hand->suspects[hand->suspect_count++];
  *suspect = (struct suspect){.topic = position->topic, .partition = position->partition, .last = -1, .offset = -1};
  return suspect;
}

static void strike(struct suspect *suspect, int64_t offset, const struct death *death) {
  suspect->strikes = suspect->offset == offset ? suspect->strikes + 1 : 1;
  suspect->offset = offset;
  suspect->death = *death;
}

bool at_hand_blame(struct at_hand *hand, int status) {
  if (atomic_exchange(&hand->is_looking, false)) at_hand_take(hand, &hand->looked_at, 1, 1);
  size_t position_count = atomic_load(&hand->position_count);
  if (position_count == 0 || atomic_load(&hand->is_elsewhere)) return false;
  hand->death.status = status;
  memcpy(hand->death.last_words, hand->last_words, sizeof hand->last_words);
  hand->first = hand->positions[0];
  hand->first_of = hand->message_count;
  for (size_t i = 0; i < position_count; i++) {
    struct suspect *suspect = suspect_find_or_make(hand, &hand->positions[i]);
    int64_t last = hand->positions[i].offset - 1;
    if (suspect->last < last) suspect->last = last;
    if (hand->message_count == 1) strike(suspect, last, &hand->death);
  }
  hand->deaths++;
  hand->deaths_in_vain = atomic_exchange(&hand->has_worked, false) ? 1 : hand->deaths_in_vain + 1;
  hand->last_words[0] = '\0';
  at_hand_put_down(hand);
  return true;
}
