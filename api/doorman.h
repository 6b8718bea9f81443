/* Who may come in: how many connections one address may have open, so that somebody who opens many and says nothing
 * holds up himself and nobody else (health checks among them). civetweb hands out no socket and asks nobody when it
 * accepts one; so its accept() is ours (doorman.c), and the sockets are known by their peer. One for the process.
 * Thread-safe. */
#ifndef API_DOORMAN_H
#define API_DOORMAN_H

#include <stdbool.h>
#include <stdint.h>

enum { DOORMAN_CONNECTIONS_MAX = 8192 };

/* Guards the listener on this port from now on. per_address 0: no limit. trusted: proxies' addresses, which speak for
 * many (request.h). The text lives as long as the process. */
void doorman_start(uint16_t port, int64_t per_address, const char *trusted);
/* The connection of this peer is about to be closed. */
void doorman_leave(const char *address, int port);
/* Writes to a connection that is still open, past civetweb; what does not go out at once is lost. */
void doorman_tell(const char *address, int port, const char *text);

#endif
