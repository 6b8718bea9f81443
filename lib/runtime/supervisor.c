/* See supervisor.h. The supervisor waits for signals, all of them blocked: it has no handler and no thread. */
#include "runtime/supervisor.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"

enum {
  WRONG_SETTING = 2, /* the exit status of a worker that refuses to start */
  PAUSE_MS = 50,     /* before the next worker; twice as long each time in vain */
  PAUSE_MAX_MS = 1600,
  OTHER_STACK_BYTES = 64 * 1024,
};

/* Signals by which a program ends itself. The thread that meets one of them says so. */
static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
enum { CRASHES = sizeof crashes / sizeof *crashes };

/* -- the child -- */

static struct at_hand *the_hand; /* what the signal handler reaches */
static struct sigaction actions_before[NSIG];

/* Says who it was and dies of the same signal, by the handler that was there before (a sanitizer's, or none): a fault
 * happens again when its instruction does, what was sent is sent again. Another thread whose stack has run out does not
 * come here, and has nothing to say either. */
static void on_crash(int signal, siginfo_t *info, void *context) {
  (void)context;
  if (gettid() == getpid()) atomic_store(&the_hand->is_here, true);
  sigaction(signal, &actions_before[signal], NULL);
  if (info->si_code <= 0) (void)raise(signal);
}

/* For the loop's thread, so that on_crash can run when the stack has none left. A sanitizer has given it one. */
static void use_other_stack(void) {
  static char other_stack[OTHER_STACK_BYTES];
  const stack_t other = {.ss_sp = other_stack, .ss_size = sizeof other_stack};
  stack_t before;
  if (sigaltstack(NULL, &before) == 0 && before.ss_flags & SS_DISABLE) sigaltstack(&other, NULL);
}

static void become_worker(struct at_hand *hand, pid_t supervisor, const sigset_t *mask) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) _exit(1); /* it went before we had asked for that */
  the_hand = hand;
  use_other_stack();
  struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  for (size_t i = 0; i < CRASHES; i++) sigaction(crashes[i], &action, &actions_before[crashes[i]]);
  assert_keep_words(hand->last_words, sizeof hand->last_words);
  sigprocmask(SIG_SETMASK, mask, NULL);
}

/* -- the supervisor -- */

/* Pages of programs and libraries that nobody writes: what it touches of them again is read again. */
static int forget_code(struct dl_phdr_info *object, size_t size, void *context) {
  (void)size;
  (void)context;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    uintptr_t begin = object->dlpi_addr + part->p_vaddr, end = begin + part->p_memsz;
    if (part->p_type != PT_LOAD || part->p_flags & PF_W) continue;
    begin &= ~(page - 1);
    (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
  }
  return 0;
}

static sigset_t stop_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

static sigset_t all_signals(void) {
  sigset_t set = stop_signals();
  sigaddset(&set, SIGCHLD);
  return set;
}

/* The child's end as waitpid tells it; what is asked of us meanwhile is asked of the child. */
static int await_end(pid_t child, bool *stopping) {
  const sigset_t all = all_signals();
  int status = 0;
  while (waitpid(child, &status, WNOHANG) != child) {
    int signal = sigwaitinfo(&all, NULL);
    if (signal != SIGTERM && signal != SIGINT) continue;
    *stopping = true;
    kill(child, signal);
  }
  return status;
}

/* False when the process is asked to stop meanwhile. */
static bool pause_after(int deaths_in_vain) {
  const sigset_t stops = stop_signals();
  int64_t ms = PAUSE_MS;
  for (int i = 1; i < deaths_in_vain && ms < PAUSE_MAX_MS; i++) ms *= 2;
  struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  return sigtimedwait(&stops, NULL, &pause) < 0;
}

static bool is_death(int status) {
  return WIFSIGNALED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != WRONG_SETTING);
}

/* Another thread than the loop's has ended the process: no message did. */
static bool is_elsewhere(const struct at_hand *hand, int status) {
  bool is_crash = false;
  for (size_t i = 0; i < CRASHES; i++) is_crash |= WIFSIGNALED(status) && WTERMSIG(status) == crashes[i];
  return is_crash && !atomic_load(&hand->is_here);
}

/* The next worker can do better; else it is said here, for nobody comes who could. */
static bool is_worth_another(struct at_hand *hand, int status) {
  char how[ERROR_TEXT_MAX];
  if (is_elsewhere(hand, status)) at_hand_drop(hand);
  bool is_laid = at_hand_blame(hand, status);
  if (is_laid && !at_hand_is_hopeless(hand)) return true;
  death_describe(&hand->death, how, sizeof how);
  LOG(LOG_ERROR, "worker.not_restarted", LOG_TEXT("how", how), LOG_INT("deaths", hand->deaths),
      LOG_INT("deaths_in_vain", hand->deaths_in_vain),
      LOG_TEXT("why", is_laid ? "no message can be handled" : "no message did it"));
  return false;
}

/* Who is asked to stop before it can listen, ends of that: it has stopped. */
static int exit_status_of(int status, bool stopping) {
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  bool is_asked = stopping && (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT);
  return is_asked ? 0 : 128 + WTERMSIG(status);
}

bool supervise(struct at_hand *hand, int *ret_status) {
  const sigset_t all = all_signals();
  sigset_t before;
  struct sigaction usual = {.sa_handler = SIG_DFL};
  sigaction(SIGCHLD, &usual, NULL); /* ignored, children would vanish unseen */
  sigprocmask(SIG_BLOCK, &all, &before);
  for (pid_t supervisor = getpid();;) {
    bool stopping = false;
    atomic_store(&hand->is_here, false);
    pid_t child = fork();
    if (child == 0) {
      become_worker(hand, supervisor, &before);
      return true;
    }
    if (child < 0) LOG(LOG_ERROR, "worker.no_fork", LOG_TEXT("reason", strerror(errno)));
    dl_iterate_phdr(forget_code, NULL); /* loading left 6 MB, which every figure would count twice */
    int status = child < 0 ? W_EXITCODE(1, 0) : await_end(child, &stopping);
    if (!stopping && is_death(status) && is_worth_another(hand, status)) {
      if (pause_after(hand->deaths_in_vain)) continue;
      status = 0;
    }
    *ret_status = exit_status_of(status, stopping);
    return false;
  }
}
