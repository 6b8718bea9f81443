/* Programs of the instance: started, ended and killed by the script that ./dev uses too. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

enum { OUTPUT_MAX = 65536 };

/* Runs it with standard output in `output`; standard error is the test's. */
static int run(const char *const *argv, char output[static OUTPUT_MAX]) {
  int ends[2];
  cr_assert_eq(pipe(ends), 0);
  pid_t child = fork();
  cr_assert_geq(child, 0);
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
  }
  close(ends[1]);
  size_t used = 0;
  ssize_t got;
  while (used < OUTPUT_MAX - 1 && (got = read(ends[0], output + used, OUTPUT_MAX - 1 - used)) > 0) used += (size_t)got;
  close(ends[0]);
  output[used] = '\0';
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *run_program(const char *program, const char *const *arguments) {
  const char *argv[32] = {*program == '/' ? program : keep_text("%s/%s", setting("BIN_DIR"), program)};
  char *output = keep(OUTPUT_MAX);
  for (size_t i = 0; arguments[i]; i++) {
    cr_assert_lt(i, 30);
    argv[i + 1] = arguments[i];
  }
  int status = run(argv, output);
  cr_assert_eq(status, 0, "%s %s ended with %d: %s", program, arguments[0] ? arguments[0] : "", status, output);
  size_t length = strlen(output);
  if (length > 0 && output[length - 1] == '\n') output[length - 1] = '\0';
  return output;
}

void process_do(const char *verb, const char *processes) {
  const char *argv[16] = {setting("PROCESS_HELPER"), verb};
  char *output = keep(OUTPUT_MAX), *rest = keep_text("%s", processes);
  for (size_t i = 2; (argv[i] = strsep(&rest, " ")); i++) cr_assert_lt(i, 14);
  int status = run(argv, output);
  cr_assert_eq(status, 0, "process.sh %s %s ended with %d: %s", verb, processes, status, output);
}

void process_hold(const char *process, bool is_alone) {
  int fd = open(keep_text("%s/%s.hold", setting("RUN_DIR"), process), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  cr_assert_geq(fd, 0);
  cr_assert_eq(flock(fd, is_alone ? LOCK_EX : LOCK_SH), 0); /* until the test's own process ends */
}
