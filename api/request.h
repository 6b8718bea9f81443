/* One HTTP request: what the client sent, checked, and who the client is. Everything in it lives in its arena and ends
 * with it. Filled step by step by server.c: head, route, body, caller. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <civetweb.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "api.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "db/db.h"

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_OPTIONS, METHOD_COUNT };

enum { REQUEST_ID_MAX = 65, ADDRESS_MAX = 48, TRACEPARENT_MAX = 56, ROUTE_PARAMS_MAX = 2, PATH_PARAM_MAX = 64 };

/* Who asks, and in which tenant. */
struct caller {
  struct uuid user, session;
  struct uuid tenant; /* that the request acts in */
  struct uuid home;   /* that the user belongs to: another one only for roles that span tenants */
  char role[24];
};

struct rate {
  int64_t limit, remaining, reset_s; /* limit 0: not counted */
};

struct request {
  const struct api *api;
  struct mg_connection *connection;
  const struct mg_request_info *http;
  struct arena *arena;
  struct redis_link *redis; /* the thread's own */
  struct mono started;
  struct utime now;
  char id[REQUEST_ID_MAX];
  char address[ADDRESS_MAX];
  char traceparent[TRACEPARENT_MAX];
  enum method method;
  bool is_head; /* HEAD is GET without the body */
  const char *path;
  const struct route *route;
  char params[ROUTE_PARAMS_MAX][PATH_PARAM_MAX + 1]; /* {id} and the like, decoded */
  const char *body;
  size_t body_length;
  struct caller caller;
  struct rate rate;
  const char *faults; /* JSON for error.details when it does not fit in struct error; or NULL */
  struct db *db;      /* borrowed from the pool while tx is open */
  struct tx tx;
};

/* Of the header `name`, NULL when absent. */
const char *request_header(const struct request *request, const char *name);
/* Request id, client's address, trace. */
void request_identify(struct request *request);
/* Address of the client: the peer's, or what trusted proxies say in X-Forwarded-For. Pure. */
void client_address(const char *peer, const char *forwarded_for, const char *trusted,
                    char ret_address[static ADDRESS_MAX]);
bool address_is_trusted(const char *address, const char *trusted);
enum method method_parse(const char *text); /* METHOD_COUNT for others; HEAD is GET */
const char *method_name(enum method method);

/* Reads the body within the settings' limits: RC_PAYLOAD_TOO_LARGE, RC_MALFORMED. */
MUST_CHECK enum rc request_read_body(struct request *request, struct error *err);
/* Takes what still comes of a body that was refused for its size, for a moment: closing while the client writes would
 * reset the connection, and the answer with it. */
void request_drain(struct request *request);
/* A JSON object, or RC_UNSUPPORTED_MEDIA_TYPE, RC_MALFORMED, RC_VALIDATION. An absent body is {}. The parsed body has
 * exact numbers (base/json_text.h); request->body becomes what is passed on. */
MUST_CHECK enum rc request_parse_body(struct request *request, json_t **ret_body, struct error *err);
/* The same for a body that is given by the route and not by the client. */
MUST_CHECK enum rc request_parse_fixed(struct request *request, const char *fixed, json_t **ret_body,
                                       struct error *err);

/* A small body of texts, checked by a table: required ones are there, nothing else is. */
struct text_field {
  const char *name;
  size_t max_length;
  const char *value; /* filled */
};
MUST_CHECK enum rc request_read_texts(struct request *request, json_t *body, struct text_field *fields, size_t count,
                                      struct error *err);

/* The versions of the resource that will do (etag.h); untouched without If-Match: any. */
MUST_CHECK enum rc request_read_if_match(const struct request *request, const char **ret_versions, struct error *err);
/* The body as it was sent, by a schema of schemas/: all its faults. RC_VALIDATION, RC_MALFORMED. */
MUST_CHECK enum rc request_check_schema(struct request *request, const char *schema, struct error *err);

/* Transactions: the request's own, in the caller's tenant or in none. The connection goes back to the pool at the end.
 */
MUST_CHECK enum rc request_begin(struct request *request, struct error *err);
MUST_CHECK enum rc request_begin_tenant(struct request *request, const struct uuid *tenant, struct error *err);
/* What is about the caller's own account happens in the caller's own tenant. */
MUST_CHECK enum rc request_return_home(struct request *request, struct error *err);
MUST_CHECK enum rc request_commit(struct request *request, struct error *err);
void request_end(struct request *request); /* rolls back what is open */

/* Faults of a request, collected: the first one's field and text become the error's, all of them its details. Past
 * FAULTS_MAX they are not kept. A text goes on from the field's name: "is required". */
enum { FAULTS_MAX = 32 };
struct faults {
  struct request *request;
  size_t count;
  struct {
    const char *field, *text;
  } list[FAULTS_MAX];
};
void fault_add(struct faults *faults, const char *field, const char *format, ...) __attribute__((format(printf, 3, 4)));
MUST_CHECK enum rc faults_end(struct faults *faults, struct error *err);

#endif
