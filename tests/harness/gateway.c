/* The gateway as a child process. Its log goes to a file in its state directory; the port is read from there. */
#include "harness/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"

enum { READY_MS = 20000, STOP_MS = 10000, LOG_BYTES_MAX = 64 * 1024 };

/* BIN_DIR, or where the test itself is. */
static const char *binary_path(char path[static PATH_MAX]) {
  const char *directory = getenv("BIN_DIR");
  char self[PATH_MAX];
  if (directory == NULL) {
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) return NULL;
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    directory = self;
  }
  return snprintf(path, PATH_MAX, "%s/sandbox-gateway", directory) < PATH_MAX ? path : NULL;
}

static void set_all(const char *const *settings) {
  for (; settings != NULL && *settings != NULL; settings++) {
    char name[64];
    const char *equals = strchr(*settings, '=');
    if (equals == NULL || (size_t)(equals - *settings) >= sizeof name) _exit(125);
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - *settings), *settings);
    setenv(name, equals + 1, 1);
  }
}

/* The instance that tests run beside has a gateway too, and its settings are in the environment. */
static void forget_others(void) {
  for (char **entry = environ; *entry != NULL;) {
    char name[64];
    size_t length = strcspn(*entry, "=");
    if (strncmp(*entry, "GATEWAY_", 8) != 0 || length >= sizeof name) {
      entry++;
      continue;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)length, *entry);
    unsetenv(name);
    entry = environ;
  }
}

/* In the child: becomes the gateway, or exits. */
_Noreturn static void become(const char *argument, const char *const *needed, const char *const *settings, int output) {
  char path[PATH_MAX];
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == 1) _exit(126);
  forget_others();
  set_all(needed);
  set_all(settings);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (binary_path(path) != NULL) execl(path, path, argument, (char *)NULL);
  _exit(127);
}

static size_t read_log(const struct sandbox *sandbox, char *text, size_t size) {
  char path[PATH_MAX];
  (void)snprintf(path, sizeof path, "%s/log", sandbox->directory);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = pread(fd, text, size - 1, 0);
  close(fd);
  text[length > 0 ? length : 0] = '\0';
  return length > 0 ? (size_t)length : 0;
}

/* The port that this start's log tells; 0 as long as it tells none. */
static int ready_port(const struct sandbox *sandbox) {
  static char text[LOG_BYTES_MAX];
  read_log(sandbox, text, sizeof text);
  const char *ready = strstr(text, "\"gateway.ready\"");
  const char *port = ready != NULL ? strstr(ready, "\"port\":") : NULL;
  return port != NULL ? (int)strtol(port + strlen("\"port\":"), NULL, 10) : 0;
}

static bool wait_until_ready(struct sandbox *sandbox) {
  struct mono start = mono_now();
  while (mono_ms_since(start) < READY_MS) {
    sandbox->port = ready_port(sandbox);
    if (sandbox->port != 0) return true;
    int status;
    if (waitpid(sandbox->pid, &status, WNOHANG) == sandbox->pid) break;
    sleep_ms(10);
  }
  static char text[LOG_BYTES_MAX];
  read_log(sandbox, text, sizeof text);
  fprintf(stderr, "the sandbox gateway is not ready: %s\n", text);
  return false;
}

bool sandbox_start(struct sandbox *sandbox, const char *const *settings) {
  char path[PATH_MAX], port[32], directory[128];
  if (sandbox->directory[0] == '\0') {
    (void)snprintf(sandbox->directory, sizeof sandbox->directory, "/tmp/sandbox-XXXXXX");
    if (mkdtemp(sandbox->directory) == NULL) return false;
  }
  (void)snprintf(path, sizeof path, "%s/log", sandbox->directory);
  (void)snprintf(port, sizeof port, "GATEWAY_PORT=%d", sandbox->port);
  (void)snprintf(directory, sizeof directory, "GATEWAY_STATE_DIR=%s", sandbox->directory);
  const char *const needed[] = {port, directory, "GATEWAY_SECRET_KEY=" SANDBOX_KEY, NULL};
  int log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (log < 0) return false;
  sandbox->pid = fork();
  if (sandbox->pid == 0) become(NULL, needed, settings, log);
  close(log);
  if (sandbox->pid < 0 || !wait_until_ready(sandbox)) return false;
  (void)snprintf(sandbox->url, sizeof sandbox->url, "http://127.0.0.1:%d", sandbox->port);
  return true;
}

int sandbox_stop(struct sandbox *sandbox) {
  struct mono start = mono_now();
  int status = -1;
  if (sandbox->pid <= 0) return -1;
  kill(sandbox->pid, SIGTERM);
  while (mono_ms_since(start) < STOP_MS) {
    if (waitpid(sandbox->pid, &status, WNOHANG) == sandbox->pid) {
      sandbox->pid = 0;
      return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    sleep_ms(5);
  }
  sandbox_kill(sandbox);
  return -1;
}

void sandbox_kill(struct sandbox *sandbox) {
  int status;
  if (sandbox->pid <= 0) return;
  kill(sandbox->pid, SIGKILL);
  waitpid(sandbox->pid, &status, 0);
  sandbox->pid = 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place) {
  (void)status;
  (void)type;
  (void)place;
  return remove(path);
}

void sandbox_remove(struct sandbox *sandbox) {
  sandbox_kill(sandbox);
  if (sandbox->directory[0] != '\0') nftw(sandbox->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  sandbox->directory[0] = '\0';
}

int sandbox_run(const char *argument, const char *const *settings, char *ret_text, size_t size) {
  int ends[2], status;
  size_t length = 0;
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  pid_t pid = fork();
  if (pid == 0) become(argument, NULL, settings, ends[1]);
  close(ends[1]);
  for (ssize_t got; length < size - 1 && (got = read(ends[0], ret_text + length, size - 1 - length)) > 0;) {
    length += (size_t)got;
  }
  ret_text[length] = '\0';
  close(ends[0]);
  return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
