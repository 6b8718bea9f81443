/* A sandbox gateway of a test's own: a process, a state directory below /tmp, a free port. It dies with the test. */
#ifndef HARNESS_GATEWAY_H
#define HARNESS_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SANDBOX_KEY "sk_test_sandbox"

struct sandbox {
  pid_t pid;
  int port; /* the first start takes a free one, later starts the same */
  char directory[64];
  char url[64]; /* http://127.0.0.1:port */
};

/* Starts build/…/bin/sandbox-gateway with these settings ("NAME=value", NULL at the end; NULL for none) beside what
 * every test needs, and returns when it is ready. A second start of the same struct finds what the first one left.
 * False, with the gateway's last words on stderr, when it does not become ready. */
bool sandbox_start(struct sandbox *sandbox, const char *const *settings);
int sandbox_stop(struct sandbox *sandbox);    /* SIGTERM; returns its exit status, -1 if it did not end by itself */
void sandbox_kill(struct sandbox *sandbox);   /* SIGKILL; what it kept stays */
void sandbox_remove(struct sandbox *sandbox); /* ends it and deletes what it kept */
/* Runs it to its end and returns its exit status; `ret_text` gets what it said. `argument` may be NULL. */
int sandbox_run(const char *argument, const char *const *settings, char *ret_text, size_t size);

#endif
