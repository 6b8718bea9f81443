/* The HTTP surface as data: one row for each endpoint (routes.c), and the search in it. */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include "filter.h"
#include "request.h"
#include "response.h"

enum route_kind {
  ROUTE_READ,    /* one resource from a .sql file */
  ROUTE_LIST,    /* a page of them */
  ROUTE_COMMAND, /* through Kafka */
  ROUTE_HANDLER, /* what is neither */
};

typedef enum rc route_handler(struct request *request, struct response *response, struct error *err);

/* A parameter of a path is {key} (a UUID or a code) or an id by any other name (a UUID, else 400). */
struct route {
  enum method method;
  const char *path;
  enum route_kind kind;
  const char *permission;            /* "customers:read"; "" for everyone who is logged in; NULL: public */
  const struct statement *statement; /* READ: $1.. are the path's parameters; column 0 the JSON, column 1 the version */
  const struct list *list;           /* LIST */
  const struct statement *parent;    /* LIST below a resource: finds it, else 404 */
  const char *parent_filter;         /* and the filter that its id goes to */
  const char *command;               /* COMMAND: the message's name */
  const struct statement *subject;   /* COMMAND on what {key} names: finds its id, else 404 */
  const char *partition_member;      /* of the body: the key on the topic; NULL: the subject */
  const char *fixed_body;            /* in place of the client's */
  const char *param_member;          /* COMMAND: its one member, the path's second parameter; in place of the body */
  int success;                       /* status; 0: what the worker says */
  const char *location;              /* of what a creation made: this and its id */
  route_handler *handle;
  bool refuses_cards; /* a body with a card's number in it (BILL-087) */
  bool is_unlimited;  /* health: not counted by the rate limiter */
  bool is_deprecated; /* a path of the first generation */
};

extern const struct route ROUTES[]; /* ends with a NULL path */

/* RC_NOT_FOUND; RC_METHOD_NOT_ALLOWED with the methods in ret_allow. Fills request->route and request->params. */
enum { ALLOW_MAX = 64 };
MUST_CHECK enum rc router_match(const struct route *routes, struct request *request, char ret_allow[static ALLOW_MAX],
                                struct error *err);

#endif
