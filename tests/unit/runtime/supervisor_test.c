/* Workers that die, without a server: what the supervisor does about each end, and whom a death is laid to. A worker is
 * a function here; it runs in a child, and tells by its status what it saw. */
#include "runtime/supervisor.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/time.h"

TestSuite(supervisor, .timeout = 60);

#define TOPIC "cloudbill.plan.commands"
#define OTHER "cloudbill.customer.commands"

static void take(struct at_hand *hand, const char *topic, int64_t first, size_t count) {
  const struct bus_position position = {.topic = topic, .partition = 1, .offset = first + (int64_t)count};
  at_hand_take(hand, &position, 1, count);
}

static enum suspicion suspicion_of(const struct at_hand *hand, const char *topic, int64_t offset) {
  const struct message message = {.topic = topic, .partition = 1, .offset = offset};
  return at_hand_suspicion(hand, &message);
}

static bool dies_with(struct at_hand *hand, const char *topic, int64_t first, size_t count) {
  take(hand, topic, first, count);
  return at_hand_blame(hand, SIGABRT);
}

/* -- whom a death is laid to -- */

Test(supervisor, a_batch_makes_suspects_and_a_message_alone_has_two_tries) {
  struct at_hand *hand = at_hand_new();
  cr_assert(dies_with(hand, TOPIC, 10, 5));
  for (int64_t offset = 10; offset < 15; offset++) cr_expect_eq(suspicion_of(hand, TOPIC, offset), SUSPECT);
  cr_expect_eq(suspicion_of(hand, TOPIC, 15), TRUSTED);
  cr_expect_eq(suspicion_of(hand, OTHER, 12), TRUSTED);
  cr_assert(dies_with(hand, TOPIC, 12, 1));
  cr_expect_eq(suspicion_of(hand, TOPIC, 12), SUSPECT);
  cr_assert(dies_with(hand, TOPIC, 12, 1));
  cr_expect_eq(suspicion_of(hand, TOPIC, 12), CONDEMNED);
  cr_expect_eq(suspicion_of(hand, TOPIC, 11), SUSPECT);
  cr_expect_eq(suspicion_of(hand, TOPIC, 13), SUSPECT);
  cr_assert(dies_with(hand, TOPIC, 12, 1));
  cr_expect_eq(suspicion_of(hand, TOPIC, 12), UNREADABLE);
}

/* Each has its own strikes, however they come: else two would save each other for ever. Decoding runs ahead, so that
 * two of one partition can take turns, too. */
Test(supervisor, guilty_ones_that_take_turns_are_all_condemned) {
  static const struct {
    const char *topic;
    int64_t offset;
  } guilty[] = {{TOPIC, 10}, {TOPIC, 11}, {OTHER, 11}};
  enum { GUILTY = sizeof guilty / sizeof *guilty };
  struct at_hand *hand = at_hand_new();
  static const enum suspicion after[] = {SUSPECT, CONDEMNED, UNREADABLE};
  for (size_t turn = 0; turn < 3; turn++) {
    for (size_t i = 0; i < GUILTY; i++) dies_with(hand, guilty[i].topic, guilty[i].offset, 1);
    for (size_t i = 0; i < GUILTY; i++)
      cr_expect_eq(suspicion_of(hand, guilty[i].topic, guilty[i].offset), after[turn], "turn %zu, message %zu", turn,
                   i);
  }
  cr_expect_eq(suspicion_of(hand, TOPIC, 9), SUSPECT);
  cr_expect_not(at_hand_is_hopeless(hand)); /* none of them is buried yet */
  atomic_store(&hand->has_buried, true);
  cr_expect(at_hand_is_hopeless(hand));
}

Test(supervisor, what_another_message_does_takes_no_strike_away) {
  struct at_hand *hand = at_hand_new();
  for (int i = 0; i < 3; i++) dies_with(hand, TOPIC, 10, 1);
  dies_with(hand, TOPIC, 11, 1);
  cr_expect_eq(suspicion_of(hand, TOPIC, 10), UNREADABLE);
  cr_expect_eq(suspicion_of(hand, TOPIC, 11), SUSPECT);
}

/* Who was struck the longest ago makes room. */
Test(supervisor, more_guilty_ones_than_there_is_room_for_are_forgotten_and_struck_again) {
  struct at_hand *hand = at_hand_new();
  for (int i = 0; i < 2; i++) dies_with(hand, TOPIC, 0, 1);
  for (int64_t offset = 1; offset < STRUCK_MAX; offset++) dies_with(hand, TOPIC, offset, 1);
  cr_expect_eq(suspicion_of(hand, TOPIC, 0), CONDEMNED);
  dies_with(hand, TOPIC, STRUCK_MAX, 1);
  cr_expect_eq(suspicion_of(hand, TOPIC, 0), SUSPECT);
  dies_with(hand, TOPIC, 2, 1);
  cr_expect_eq(suspicion_of(hand, TOPIC, 2), CONDEMNED);
}

Test(supervisor, nothing_at_hand_blames_nobody) {
  struct at_hand *hand = at_hand_new();
  cr_expect_not(at_hand_blame(hand, SIGABRT));
  take(hand, TOPIC, 1, 1);
  at_hand_put_down(hand);
  cr_expect_not(at_hand_blame(hand, SIGABRT));
  cr_expect_eq(suspicion_of(hand, TOPIC, 1), TRUSTED);
}

/* The next batch is read while this one is at work. */
Test(supervisor, what_is_read_is_to_blame_and_not_what_is_at_work) {
  struct at_hand *hand = at_hand_new();
  const struct message read = {.topic = OTHER, .partition = 1, .offset = 9};
  take(hand, TOPIC, 3, 1);
  at_hand_look(hand, &read);
  cr_assert(at_hand_blame(hand, SIGSEGV));
  cr_expect_eq(suspicion_of(hand, TOPIC, 3), TRUSTED);
  cr_expect_eq(suspicion_of(hand, OTHER, 9), SUSPECT);
  take(hand, TOPIC, 3, 1);
  at_hand_look(hand, &read);
  at_hand_look_away(hand);
  cr_assert(at_hand_blame(hand, SIGSEGV));
  cr_expect_eq(suspicion_of(hand, TOPIC, 3), SUSPECT);
}

Test(supervisor, suspects_are_handled_alone_and_others_between_them_together) {
  struct at_hand *hand = at_hand_new();
  struct message messages[6];
  for (int i = 0; i < 6; i++)
    messages[i] = (struct message){.topic = i < 2 ? OTHER : TOPIC, .partition = 1, .offset = 10 + i};
  cr_expect_eq(at_hand_together(hand, messages, 6), 6);
  dies_with(hand, TOPIC, 11, 3); /* 11, 12 and 13 */
  static const size_t together[] = {2, 1, 1, 2};
  for (size_t i = 0, done = 0; i < 4; done += together[i], i++)
    cr_expect_eq(at_hand_together(hand, &messages[done], 6 - done), together[i], "part %zu", i);
}

Test(supervisor, more_partitions_than_there_is_room_for_are_forgotten_and_learnt_again) {
  struct at_hand *hand = at_hand_new();
  struct bus_position position = {.topic = TOPIC, .offset = 1};
  for (; position.partition < AT_HAND_MAX + 1; position.partition++) {
    at_hand_take(hand, &position, 1, 1);
    cr_assert(at_hand_blame(hand, SIGABRT));
  }
  cr_expect_eq(hand->suspect_count, 1);
}

/* -- what the supervisor does -- */

static int run(int (*worker)(struct at_hand *hand), struct at_hand *hand) {
  int status;
  struct sigaction usual = {.sa_handler = SIG_DFL};
  sigaction(SIGSEGV, &usual, NULL); /* no report of a sanitizer: it is meant */
  if (supervise(hand, &status)) _exit(worker(hand));
  return status;
}

static int ends_well(struct at_hand *hand) {
  take(hand, TOPIC, 1, 1); /* put down too late */
  return 0;
}

static int refuses(struct at_hand *hand) {
  take(hand, TOPIC, 1, 1);
  return 2;
}

static int fails_idle(struct at_hand *hand) {
  (void)hand;
  return 1;
}

static int aborts_idle(struct at_hand *hand) {
  (void)hand;
  abort();
}

/* In another thread than the one that has a message at hand. */
static int dies_elsewhere(struct at_hand *hand, void *(*die)(void *context)) {
  pthread_t thread;
  take(hand, TOPIC, 1, 1);
  pthread_create(&thread, NULL, die, NULL);
  pthread_join(thread, NULL);
  return 0;
}

static void *abort_here(void *context) {
  (void)context;
  abort();
}

static int aborts_elsewhere(struct at_hand *hand) {
  return dies_elsewhere(hand, abort_here);
}

/* NOLINTNEXTLINE(misc-no-recursion): until the stack ends */
static int deeper(const volatile char *above) {
  volatile char frame[4096];
  frame[0] = *above;
  return frame[0] == 0 ? 0 : deeper(frame) + frame[0];
}

/* As threads are without a sanitizer: on_crash cannot run where no stack is left. */
static void *recurse_here(void *context) {
  const stack_t none = {.ss_flags = SS_DISABLE};
  volatile char first = 1;
  sigaltstack(&none, NULL);
  return deeper(&first) == 0 ? context : NULL;
}

static int runs_out_of_stack_elsewhere(struct at_hand *hand) {
  return dies_elsewhere(hand, recurse_here);
}

Test(supervisor, an_end_that_no_message_made_is_its_own_end) {
  static const struct {
    int (*worker)(struct at_hand *hand);
    int status;
  } ends[] = {{ends_well, 0},
              {refuses, 2},
              {fails_idle, 1},
              {aborts_idle, 128 + SIGABRT},
              {aborts_elsewhere, 128 + SIGABRT},
              {runs_out_of_stack_elsewhere, 128 + SIGSEGV}};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    struct at_hand *hand = at_hand_new();
    cr_expect_eq(run(ends[i].worker, hand), ends[i].status, "end %zu", i);
    cr_expect_eq(hand->deaths, 0, "end %zu", i);
  }
}

/* A batch, then its third message, by three kinds of death; the fourth worker knows what to bury, and why. */
static int stumbles(struct at_hand *hand) {
  struct error why;
  const struct message guilty = {.topic = TOPIC, .partition = 1, .offset = 12};
  switch (hand->deaths) {
  case 0:
    take(hand, TOPIC, 10, 5);
    raise(SIGKILL);
    break;
  case 1: take(hand, TOPIC, 12, 1); return 1;
  case 2:
    take(hand, TOPIC, 12, 1);
    ASSERT(guilty.offset == 11);
    break;
  default: break;
  }
  if (at_hand_suspicion(hand, &guilty) != CONDEMNED) return 90;
  at_hand_explain(hand, &guilty, &why);
  return strstr(why.text, "signal 6 (Aborted): guilty.offset == 11 at ") ? 0 : 91;
}

Test(supervisor, starts_the_next_worker_with_what_is_known) {
  struct at_hand *hand = at_hand_new();
  cr_expect_eq(run(stumbles, hand), 0);
  cr_expect_eq(hand->deaths, 3);
  cr_expect_eq(hand->first.offset, 13);
}

/* The stack of the loop's thread ends: its message is at fault. */
static int runs_out_of_stack(struct at_hand *hand) {
  volatile char first = 1;
  if (hand->deaths == 1) return 0;
  take(hand, TOPIC, 1, 1);
  return deeper(&first);
}

Test(supervisor, lays_the_end_of_the_stack_to_the_message_at_hand) {
  struct at_hand *hand = at_hand_new();
  cr_expect_eq(run(runs_out_of_stack, hand), 0);
  cr_expect_eq(hand->deaths, 1);
  cr_expect_eq(hand->death.status, SIGSEGV);
}

/* Each time at another message: it is the program that is broken, and whoever started it must see that. */
static int dies_at_each(struct at_hand *hand) {
  if (hand->deaths == 1) atomic_store(&hand->has_worked, true);
  take(hand, TOPIC, hand->deaths, 1);
  return 70;
}

Test(supervisor, gives_up_after_ten_deaths_without_a_message_handled) {
  struct at_hand *hand = at_hand_new();
  cr_expect_eq(run(dies_at_each, hand), 70);
  cr_expect_eq(hand->deaths, 1 + 10);
}

/* The loop's part: what is condemned is buried, then the next one is at hand. Each ends the process, but the third. */
static int buries(struct at_hand *hand) {
  int64_t offset = 0;
  for (; suspicion_of(hand, TOPIC, offset) >= CONDEMNED; offset++) atomic_store(&hand->has_buried, true);
  if (offset == 2) return 0;
  take(hand, TOPIC, offset, 1);
  return 70;
}

static int works_and_buries(struct at_hand *hand) {
  if (hand->deaths == 1) atomic_store(&hand->has_worked, true);
  return buries(hand);
}

Test(supervisor, buries_one_message_only_for_a_worker_that_never_handled_any) {
  struct at_hand *hand = at_hand_new();
  cr_expect_eq(run(buries, hand), 70);
  cr_expect_eq(hand->deaths, 2 * STRIKES_MAX);
  cr_expect_eq(suspicion_of(hand, TOPIC, 1), CONDEMNED); /* the next supervisor does not know it */
  hand = at_hand_new();
  cr_expect_eq(run(works_and_buries, hand), 0);
}

/* -- signals, and its own death -- */

/* Says who it is when it is there, and ends with the signal that asks it to. */
static int serves(int pipe_end) {
  sigset_t asked;
  int signal = 0;
  pid_t self = getpid();
  sigemptyset(&asked);
  sigaddset(&asked, SIGTERM);
  sigaddset(&asked, SIGINT);
  sigprocmask(SIG_BLOCK, &asked, NULL);
  if (write(pipe_end, &self, sizeof self) != sizeof self) return 99;
  sigwait(&asked, &signal);
  return signal;
}

/* As a worker is before it listens. */
static int begins(int pipe_end) {
  pid_t self = getpid();
  if (write(pipe_end, &self, sizeof self) != sizeof self) return 99;
  pause();
  return 98;
}

struct pair {
  pid_t supervisor, worker;
};

static struct pair start(int (*worker)(int pipe_end), int pipe_ends[static 2]) {
  struct pair pair = {0};
  cr_assert_eq(pipe(pipe_ends), 0);
  pair.supervisor = fork();
  if (pair.supervisor == 0) {
    int status;
    _exit(supervise(at_hand_new(), &status) ? worker(pipe_ends[1]) : status);
  }
  close(pipe_ends[1]);
  cr_assert_eq(read(pipe_ends[0], &pair.worker, sizeof pair.worker), (ssize_t)sizeof pair.worker);
  cr_assert_neq(pair.worker, pair.supervisor);
  return pair;
}

static int wait_for(pid_t pid) {
  int status = 0;
  cr_assert_eq(waitpid(pid, &status, 0), pid);
  return status;
}

Test(supervisor, passes_on_what_asks_it_to_stop) {
  static const int signals[] = {SIGTERM, SIGINT};
  for (size_t i = 0; i < 2; i++) {
    int ends[2];
    struct pair pair = start(serves, ends);
    kill(pair.supervisor, signals[i]);
    int status = wait_for(pair.supervisor);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == signals[i], "%d", status);
    close(ends[0]);
  }
}

Test(supervisor, asked_to_stop_before_its_worker_listens_has_stopped) {
  int ends[2];
  struct pair pair = start(begins, ends);
  kill(pair.supervisor, SIGTERM);
  int status = wait_for(pair.supervisor);
  cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
  close(ends[0]);
}

/* The worker holds the other end of the pipe: it ends when the worker has. */
Test(supervisor, takes_its_worker_along_when_it_is_killed) {
  int ends[2];
  char byte;
  struct pair pair = start(serves, ends);
  kill(pair.supervisor, SIGKILL);
  wait_for(pair.supervisor);
  cr_expect_eq(read(ends[0], &byte, 1), 0);
  close(ends[0]);
}
