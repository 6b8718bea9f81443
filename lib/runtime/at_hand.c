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

static bool is_at(const struct bus_position *position, const char *topic, int32_t partition) {
  return position->partition == partition && strcmp(position->topic, topic) == 0;
}

/* suspect_count: nothing of this partition is suspected. */
static size_t find_suspect(const struct at_hand *hand, const char *topic, int32_t partition) {
  size_t i = 0;
  while (i < hand->suspect_count && !is_at(&hand->suspects[i], topic, partition)) i++;
  return i;
}

/* STRUCK_MAX: it was never alone at hand at a death. */
static size_t find_struck(const struct at_hand *hand, const char *topic, int32_t partition, int64_t offset) {
  size_t i = 0;
  while (i < STRUCK_MAX && (hand->struck[i].strikes == 0 || hand->struck[i].at.offset != offset ||
                            !is_at(&hand->struck[i].at, topic, partition)))
    i++;
  return i;
}

enum suspicion at_hand_suspicion(const struct at_hand *hand, const struct message *message) {
  size_t suspect = find_suspect(hand, message->topic, message->partition);
  if (suspect == hand->suspect_count || message->offset >= hand->suspects[suspect].offset) return TRUSTED;
  size_t struck = find_struck(hand, message->topic, message->partition, message->offset);
  if (struck == STRUCK_MAX || hand->struck[struck].strikes < STRIKES_MAX) return SUSPECT;
  return hand->struck[struck].strikes == STRIKES_MAX ? CONDEMNED : UNREADABLE;
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
  size_t struck = find_struck(hand, message->topic, message->partition, message->offset);
  ASSERT(struck < STRUCK_MAX);
  death_describe(&hand->struck[struck].death, death, sizeof death);
  error_set(ret_why, RC_BUG, "the worker ended while it handled this message: %s", death);
}

/* -- after a death -- */

void at_hand_drop(struct at_hand *hand) {
  at_hand_look_away(hand);
  at_hand_put_down(hand);
}

/* When there is no room for another one, all are forgotten: who is guilty will be met again. */
static void suspect(struct at_hand *hand, const struct bus_position *position) {
  size_t found = find_suspect(hand, position->topic, position->partition);
  if (found < hand->suspect_count) {
    if (hand->suspects[found].offset < position->offset) hand->suspects[found].offset = position->offset;
    return;
  }
  if (hand->suspect_count == AT_HAND_MAX) hand->suspect_count = 0;
  hand->suspects[hand->suspect_count++] = *position;
}

/* When there is no room for another one, that is forgotten which was struck the longest ago: it is buried by now, or
 * will be struck again and counts from one. */
static struct struck *struck_make(struct at_hand *hand, const struct bus_position *at) {
  struct struck *oldest = hand->struck;
  for (struct struck *other = hand->struck; other < hand->struck + STRUCK_MAX; other++)
    if (other->struck_at < oldest->struck_at) oldest = other;
  *oldest = (struct struck){.at = *at};
  return oldest;
}

static void strike(struct at_hand *hand, const struct bus_position *position) {
  const struct bus_position at = {position->topic, position->partition, position->offset - 1};
  size_t found = find_struck(hand, at.topic, at.partition, at.offset);
  struct struck *struck = found < STRUCK_MAX ? &hand->struck[found] : struck_make(hand, &at);
  struck->struck_at = hand->deaths;
  struck->death = hand->death;
  if (++struck->strikes == STRIKES_MAX) hand->condemned++;
}

static void count_death(struct at_hand *hand) {
  bool has_worked = atomic_exchange(&hand->has_worked, false);
  hand->deaths++;
  hand->deaths_in_vain = has_worked ? 1 : hand->deaths_in_vain + 1;
  hand->has_ever_worked |= has_worked;
  hand->first = hand->positions[0];
  hand->first_of = hand->message_count;
}

bool at_hand_blame(struct at_hand *hand, int status) {
  hand->death.status = status;
  memcpy(hand->death.last_words, hand->last_words, sizeof hand->last_words);
  hand->last_words[0] = '\0';
  if (atomic_exchange(&hand->is_looking, false)) at_hand_take(hand, &hand->looked_at, 1, 1);
  size_t position_count = atomic_load(&hand->position_count);
  if (position_count == 0) return false;
  count_death(hand);
  for (size_t i = 0; i < position_count; i++) suspect(hand, &hand->positions[i]);
  if (hand->message_count == 1) strike(hand, hand->positions);
  at_hand_put_down(hand);
  return true;
}

bool at_hand_is_hopeless(const struct at_hand *hand) {
  if (hand->deaths_in_vain >= IN_VAIN_MAX) return true;
  return !hand->has_ever_worked && hand->condemned > 1 && atomic_load(&hand->has_buried);
}
