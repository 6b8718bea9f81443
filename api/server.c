/* One handler for everything. civetweb has a thread for each connection and lets connections beyond its threads wait
 * without a word; so there are some more threads than connections are allowed, and these say 503 at once. */
#include "server.h"

#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "base/assert.h"
#include "base/log.h"
#include "command.h"
#include "cors.h"
#include "doorman.h"
#include "guard.h"
#include "limiter.h"
#include "read.h"
#include "redis.h"
#include "router.h"
#include "runtime/metrics.h"

enum {
  SPARE_THREADS = 8,
  ARENA_BYTES_MAX = 64 * 1024 * 1024,
  NUMBER_TEXT_MAX = 24,
  DRAIN_STEP_MS = 20,
  READ_TIMEOUT_MS = 5000,
  KEEP_ALIVE_MS = 15000
};

struct server {
  const struct api *api;
  struct mg_context *http;
  atomic_int connections, in_flight;
};

/* What a thread keeps from request to request. */
struct thread {
  struct arena arena;
  struct redis_link *redis;
};

/* ---- one request ---- */

/* Of a path's parameters all are ids but {key}, which may be a code. */
static enum rc check_params(const struct request *request, struct error *err) {
  const char *open = strchr(request->route->path, '{');
  struct uuid ignored;
  for (size_t i = 0; open; i++, open = strchr(open + 1, '{')) {
    char name[PATH_PARAM_MAX];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(open + 1, "}"), open + 1);
    if (strcmp(name, "key") != 0 && !uuid_parse(request->params[i], &ignored))
      return error_field(err, RC_VALIDATION, name, "%s must be a UUID", name);
  }
  return RC_OK;
}

static enum rc run(struct request *request, struct response *response, struct error *err) {
  const struct route *route = request->route;
  switch (route->kind) {
  case ROUTE_READ: return read_handle(request, response, err);
  case ROUTE_LIST: return list_handle(request, response, err);
  case ROUTE_COMMAND: return command_handle(request, response, err);
  case ROUTE_HANDLER: return route->handle(request, response, err);
  }
  return error_set(err, RC_BUG, "a route of no kind");
}

/* The order of refusal: framing, (429), 401, 403, body and query, 404, and what the business says. */
static enum rc serve(struct request *request, struct response *response, struct error *err) {
  char allow[ALLOW_MAX];
  TRY(guard_check(request->http, request->api->settings.body_bytes_max, err));
  enum rc found = router_match(ROUTES, request, allow, err);
  if (found == RC_METHOD_NOT_ALLOWED) response_header(response, "Allow", arena_strdup(request->arena, allow));
  if (found == RC_METHOD_NOT_ALLOWED && request->method == METHOD_OPTIONS) return cors_preflight(request, response);
  if (found == RC_OK && !request->route->is_unlimited) TRY(limiter_count_request(request, err));
  TRY(request_read_body(request, err));
  if (found != RC_OK) return found;
  if (request->route->permission) TRY(auth_check(request, request->route->permission, err));
  TRY(check_params(request, err));
  return run(request, response, err);
}

/* Nobody's id is not worth a line's room. */
static const char *id_text(const struct uuid *id, char text[static UUID_TEXT_MAX]) {
  return uuid_is_nil(id) ? "" : uuid_format(id, text);
}

/* Probes come every second and say nothing: they are logged for who looks for them. */
static enum log_level level_of(const struct request *request, const struct response *response) {
  if (request->route && request->route->is_unlimited) return LOG_DEBUG;
  return response->status >= 500 ? LOG_ERROR : LOG_INFO;
}

static void log_request(const struct request *request, const struct response *response, const char *reason) {
  char tenant[UUID_TEXT_MAX], user[UUID_TEXT_MAX];
  LOG(level_of(request, response), "http.request", LOG_TEXT("method", request->http->request_method),
      LOG_TEXT("route", request->route ? request->route->path : "-"), LOG_INT("status", response->status),
      LOG_INT("us", (mono_now().ns - request->started.ns) / 1000),
      LOG_TEXT("tenant", id_text(&request->caller.tenant, tenant)),
      LOG_TEXT("user", id_text(&request->caller.user, user)), LOG_TEXT("reason", reason));
}

static void count_request(const struct request *request, const struct response *response) {
  char labels[160];
  snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\",status=\"%dxx\"", method_name(request->method),
           request->route ? request->route->path : "-", response->status / 100);
  metric_add("http_requests_total", labels, 1);
  metric_add("http_request_microseconds_total", labels, (mono_now().ns - request->started.ns) / 1000);
}

/* A request whose framing was wrong leaves the connection in a state that nobody knows. */
static bool must_close(const struct server *server, enum rc rc) {
  static const enum rc broken[] = {RC_MALFORMED, RC_PAYLOAD_TOO_LARGE, RC_URI_TOO_LONG, RC_HEADERS_TOO_LARGE};
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
    if (rc == broken[i]) return true;
  return atomic_load(&server->api->is_draining);
}

static void answer(struct server *server, struct thread *thread, struct mg_connection *connection) {
  const struct mg_request_info *http = mg_get_request_info(connection);
  struct request request = {.api = server->api,
                            .connection = connection,
                            .http = http,
                            .arena = &thread->arena,
                            .redis = thread->redis,
                            .started = mono_now(),
                            .now = utime_now(),
                            .method = method_parse(http->request_method),
                            .is_head = strcmp(http->request_method, "HEAD") == 0,
                            .path = guard_path(http) ? guard_path(http) : ""};
  struct response response = {0};
  struct error err = {.code = RC_OK};
  enum rc rc;
  request_identify(&request);
  log_context(request.id, request.traceparent);
  cors_headers(&request, &response);
  if (atomic_load(&server->connections) > server->api->settings.connections_max)
    rc = error_set(&err, RC_UNAVAILABLE, "too many connections"), response.close = true;
  else if (request.method == METHOD_COUNT)
    rc = error_set(&err, RC_METHOD_NOT_ALLOWED, NULL);
  else
    rc = serve(&request, &response, &err);
  request_end(&request);
  if (rc != RC_OK && !response.is_sent) response_error(&response, &request, &err);
  response.close = response.close || must_close(server, rc);
  if (!response.is_sent) response_send(&response, &request);
  if (rc == RC_PAYLOAD_TOO_LARGE) request_drain(&request);
  log_request(&request, &response, rc != RC_OK && response.status >= 500 ? err.text : "");
  if (request.method != METHOD_COUNT) count_request(&request, &response);
  response_release(&response);
}

/* ---- civetweb ---- */

static int on_request(struct mg_connection *connection, void *context) {
  struct server *server = context;
  struct thread *thread = mg_get_thread_pointer(connection);
  atomic_fetch_add(&server->in_flight, 1);
  answer(server, thread, connection);
  arena_reset(&thread->arena);
  log_context(NULL, NULL);
  atomic_fetch_sub(&server->in_flight, 1);
  return 200; /* handled; the real status has been sent */
}

/* What civetweb refuses by itself: a head that it cannot read. */
static int on_error(struct mg_connection *connection, int status, const char *message) {
  char body[256], now[UTIME_TEXT_MAX];
  (void)message;
  enum { TOO_LARGE = 413 }; /* of a head that does not end within HEAD_BYTES_MAX */
  enum rc code = status == 500 ? RC_BUG : status == TOO_LARGE ? RC_HEADERS_TOO_LARGE : RC_MALFORMED;
  status = error_http_status(code); /* a negative length (411), HTTP/2.0 (505): malformed, too */
  snprintf(body, sizeof body, "{\"success\":false,\"error\":{\"code\":\"%s\",\"message\":\"%s\"},\"timestamp\":\"%s\"}",
           error_name(code), error_text(code), utime_format(utime_now(), now));
  mg_disable_connection_keep_alive(connection);
  mg_printf(connection,
            "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n"
            "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n%s",
            status, mg_get_response_code_text(connection, status), strlen(body), body);
  return 0;
}

static struct server *server_of(const struct mg_connection *connection) {
  return mg_get_user_data(mg_get_context(connection));
}

static int on_connection(const struct mg_connection *connection, void **ignored) {
  (void)ignored;
  atomic_fetch_add(&server_of(connection)->connections, 1);
  return 0;
}

/* A target that is no path of ours, and not a proxy's business: civetweb drops it without a word. */
static bool is_unanswered(const struct mg_request_info *http) {
  return http->request_uri && http->request_uri[0] != '/' && !http->local_uri;
}

static void on_close(const struct mg_connection *connection) {
  static const char foreign[] =
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
  const struct mg_request_info *peer = mg_get_request_info(connection);
  if (peer && is_unanswered(peer)) doorman_tell(peer->remote_addr, peer->remote_port, foreign);
  if (peer) doorman_leave(peer->remote_addr, peer->remote_port);
  atomic_fetch_sub(&server_of(connection)->connections, 1);
}

static void *on_thread(const struct mg_context *context, int type) {
  struct server *server = mg_get_user_data(context);
  enum { WORKER = 1 };
  if (type != WORKER) return NULL;
  struct thread *thread = calloc(1, sizeof *thread);
  ASSERT(thread);
  arena_init(&thread->arena, ARENA_BYTES_MAX);
  thread->redis = redis_link_new(server->api->redis);
  return thread;
}

static void on_thread_end(const struct mg_context *context, int type, void *pointer) {
  (void)context, (void)type;
  struct thread *thread = pointer;
  if (!thread) return;
  arena_release(&thread->arena);
  redis_link_free(thread->redis);
  free(thread);
}

static int on_log(const struct mg_connection *connection, const char *message) {
  (void)connection;
  LOG(LOG_DEBUG, "civetweb", LOG_TEXT("message", message));
  return 1;
}

/* One address must leave threads to the others, however few there are. */
static void post_doorman(const struct settings *settings) {
  int64_t share = (settings->connections_max * 3 + 3) / 4, limit = settings->connections_per_address_max;
  const char *port = strrchr(settings->http_address, ':') + 1;
  doorman_start((uint16_t)strtol(port, NULL, 10), limit > share ? share : limit, settings->trusted_proxies);
}

enum rc server_start(const struct api *api, struct server **ret_server, struct error *err) {
  struct server *server = calloc(1, sizeof *server);
  ASSERT(server);
  server->api = api;
  char threads[NUMBER_TEXT_MAX], head_bytes[NUMBER_TEXT_MAX], timeout[NUMBER_TEXT_MAX], keep_alive[NUMBER_TEXT_MAX];
  snprintf(threads, sizeof threads, "%lld", (long long)api->settings.connections_max + SPARE_THREADS);
  snprintf(head_bytes, sizeof head_bytes, "%d", HEAD_BYTES_MAX);
  snprintf(timeout, sizeof timeout, "%d", READ_TIMEOUT_MS);
  snprintf(keep_alive, sizeof keep_alive, "%d", KEEP_ALIVE_MS);
  const char *options[] = {"listening_ports",
                           api->settings.http_address,
                           "num_threads",
                           threads,
                           "max_request_size",
                           head_bytes,
                           "request_timeout_ms",
                           timeout,
                           "enable_keep_alive",
                           "yes",
                           "keep_alive_timeout_ms",
                           keep_alive,
                           "tcp_nodelay",
                           "1",
                           "decode_url",
                           "no",
                           "enable_auth_domain_check", /* else it drops absolute targets without a word */
                           "no",
                           "access_control_allow_origin",
                           "", /* else it answers preflights by itself */
                           NULL};
  post_doorman(&api->settings);
  const struct mg_callbacks callbacks = {.http_error = on_error,
                                         .init_connection = on_connection,
                                         .connection_close = on_close,
                                         .init_thread = on_thread,
                                         .exit_thread = on_thread_end,
                                         .log_message = on_log};
  server->http = mg_start(&callbacks, server, options);
  if (!server->http) {
    free(server);
    return error_field(err, RC_INVALID_SETTING, "HTTP_ADDRESS", "HTTP_ADDRESS: cannot listen on %s",
                       api->settings.http_address);
  }
  mg_set_request_handler(server->http, "**", on_request, server);
  *ret_server = server;
  return RC_OK;
}

void server_stop(struct server *server, int64_t drain_ms) {
  struct mono began = mono_now();
  if (!server) return;
  while (atomic_load(&server->in_flight) > 0 && mono_ms_since(began) < drain_ms) sleep_ms(DRAIN_STEP_MS);
  mg_stop(server->http);
  free(server);
}
