/* The gateway over HTTP: many questions at a time on kept connections (curl multi). Not thread-safe: one for each task.
 * It opens connections to the configured address only: no redirects, no proxy, http and https alone. */
#ifndef PAYMENTS_GATEWAY_H
#define PAYMENTS_GATEWAY_H

#include "answer.h"
#include "base/error.h"

struct gateway;

struct gateway_options {
  const char *url; /* "https://api.stripe.com" */
  const char *secret_key;
  int64_t timeout_ms; /* for one question, connecting included */
  size_t concurrency; /* questions under way at most */
};

MUST_CHECK enum rc gateway_new(const struct gateway_options *options, struct gateway **ret_gateway, struct error *err);
void gateway_free(struct gateway *gateway); /* forgets what is under way */

/* Room for another question? */
/* Begins to ask; `opaque` comes back with the answer. Asserts that there is room. */
void gateway_ask(struct gateway *gateway, const struct gateway_question *question, void *opaque);

struct gateway_result {
  void *opaque;
  struct gateway_answer answer;
};
/* Waits up to timeout_ms for the first answer and a few ms more for others; returns how many there are. */
size_t gateway_wait(struct gateway *gateway, int timeout_ms, struct gateway_result *ret_results, size_t max);

#endif
