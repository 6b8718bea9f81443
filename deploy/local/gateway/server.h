/* HTTP, by civetweb: one thread for each connection, 127.0.0.1 only. */
#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include "gateway.h"

struct server;

MUST_CHECK enum rc server_start(struct gateway *gateway, struct server **ret_server, struct error *err);
int server_port(const struct server *server);
/* Wakes who sleeps, lets who works finish, closes everything. */
void server_stop(struct server *server);

#endif
