/* Tells the API instance that waits that a command's outcome is stored: PUBLISH on Redis. A hint and nothing more: the
 * outcome is in PostgreSQL, and without Redis the API polls. Never fails; thread-safe. */
#ifndef RUNTIME_ANNOUNCE_H
#define RUNTIME_ANNOUNCE_H

#include <stddef.h>

#include "base/uuid.h"

struct announcer;

struct announcement {
  const char *channel;
  struct uuid command_id;
};

struct announcer *announcer_new(const char *address); /* "host:port"; connects when first needed */
void announcer_free(struct announcer *announcer);
void announce(struct announcer *announcer, const struct announcement *announcements, size_t count);

#endif
