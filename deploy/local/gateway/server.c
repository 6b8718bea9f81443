/* What civetweb leaves to its user: which requests are well-formed (it accepts several Content-Lengths, and junk in
 * them), how large a body may be and how long it may take, how many connections there are, and what a lost answer is.
 *
 * Connections past GATEWAY_CONNECTIONS_MAX get 429 for /v1 from threads kept in reserve, so that the sandbox's own
 * surface answers even when every other thread is held. */
#include "server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "answer.h"
#include "base/assert.h"
#include "base/log.h"
#include "serve.h"

enum {
  BODY_MAX = 64 * 1024,
  HEADERS_MAX = 64,
  ANSWER_MAX = 512 * 1024 * 1024, /* the sandbox's lists; an answer of /v1 is a few kilobytes */
  ANSWER_KEPT = 256 * 1024,       /* a larger buffer is not kept for the next request */
  BODY_DEADLINE_MS = 10000,
  THREADS_IN_RESERVE = 16,
  DRAIN_MS = 1200,
  HEAD_MAX = 1024,
};

struct server {
  struct gateway *gateway;
  struct mg_context *context;
  int port;
  atomic_int connections;
  atomic_int in_flight;
  atomic_bool is_stopping;
  atomic_ullong calls;
};

/* Of one thread: memory that its requests use one after the other. */
struct worker {
  struct arena arena;
  struct buf in, body, out;
};

static void *worker_new(const struct mg_context *context, int thread_type) {
  (void)context;
  if (thread_type != 1) return NULL;
  struct worker *worker = calloc(1, sizeof *worker);
  ASSERT(worker != NULL);
  arena_init(&worker->arena, CALL_ARENA_MAX);
  buf_init(&worker->in, BODY_MAX);
  buf_init(&worker->body, ANSWER_MAX);
  buf_init(&worker->out, ANSWER_MAX + HEAD_MAX);
  return worker;
}

static void worker_free(const struct mg_context *context, int thread_type, void *pointer) {
  struct worker *worker = pointer;
  (void)context;
  (void)thread_type;
  if (worker == NULL) return;
  arena_release(&worker->arena);
  buf_release(&worker->in);
  buf_release(&worker->body);
  buf_release(&worker->out);
  free(worker);
}

static void worker_rest(struct worker *worker) {
  arena_reset(&worker->arena);
  if (worker->body.capacity > ANSWER_KEPT) buf_release(&worker->body);
  if (worker->out.capacity > ANSWER_KEPT) buf_release(&worker->out);
}

static int connection_opened(const struct mg_connection *conn, void **ret_context) {
  struct server *server = mg_get_user_data(mg_get_context(conn));
  (void)ret_context;
  atomic_fetch_add(&server->connections, 1);
  return 0;
}

static void connection_closed(const struct mg_connection *conn) {
  struct server *server = mg_get_user_data(mg_get_context(conn));
  atomic_fetch_sub(&server->connections, 1);
}

static const char *status_text(int status) {
  switch (status) {
  case 200: return "OK";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 402: return "Payment Required";
  case 404: return "Not Found";
  case 409: return "Conflict";
  case 413: return "Content Too Large";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 500: return "Internal Server Error";
  case 503: return "Service Unavailable";
  default: return "Status";
  }
}

/* ---- reading ---- */

/* The only value of a header; NULL when it is not there. Sets *ret_is_repeated when it comes more than once. */
static const char *header_once(const struct mg_request_info *info, const char *name, bool *ret_is_repeated) {
  const char *value = NULL;
  for (int i = 0; i < info->num_headers; i++) {
    if (strcasecmp(info->http_headers[i].name, name) != 0) continue;
    if (value != NULL) *ret_is_repeated = true;
    value = info->http_headers[i].value;
  }
  return value;
}

/* Digits and nothing else; -1 for anything else or past BODY_MAX + 1. */
static long body_length(const char *text) {
  long length = 0;
  if (*text == '\0') return -1;
  for (; isdigit((unsigned char)*text); text++) {
    length = length * 10 + (*text - '0');
    if (length > BODY_MAX) length = BODY_MAX + 1;
  }
  return *text == '\0' ? length : -1;
}

static bool path_is_plain(const char *path) {
  return path != NULL && strlen(path) < CALL_PATH_MAX &&
         path[strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_-.")] == '\0';
}

static bool key_is_plain(const char *key) {
  size_t length = strlen(key);
  if (length == 0 || length > KEY_TEXT_MAX) return false;
  for (size_t i = 0; i < length; i++) {
    if (key[i] < ' ' || key[i] > '~') return false;
  }
  return true;
}

/* False when the body does not come in time. */
static bool read_body(struct mg_connection *conn, long length, struct buf *in) {
  struct mono start = mono_now();
  char chunk[4096];
  buf_clear(in);
  while ((long)in->length < length) {
    long left = length - (long)in->length;
    int got = mg_read(conn, chunk, left < (long)sizeof chunk ? (size_t)left : sizeof chunk);
    if (got <= 0 || mono_ms_since(start) > BODY_DEADLINE_MS) return false;
    buf_append(in, chunk, (size_t)got);
  }
  return true;
}

enum reading { READ_OK, READ_REFUSED, READ_BROKEN };

/* Fills the call and what comes with it. READ_REFUSED: the call is answered; READ_BROKEN: nobody listens. */
static enum reading read_call(struct mg_connection *conn, struct worker *worker, struct call *call,
                              struct incoming *ret_incoming) {
  const struct mg_request_info *info = mg_get_request_info(conn);
  bool is_repeated = false;
  const char *length_text = header_once(info, "Content-Length", &is_repeated);
  const char *chunked = header_once(info, "Transfer-Encoding", &is_repeated);
  const char *key = header_once(info, "Idempotency-Key", &is_repeated);
  const char *authorization = header_once(info, "Authorization", &is_repeated);
  long length = length_text != NULL ? body_length(length_text) : 0;
  if (info->num_headers >= HEADERS_MAX) { /* civetweb drops what comes after them, perhaps the key */
    answer_error(call, 431, "invalid_request_error", NULL, NULL, "There are %d headers or more.", HEADERS_MAX);
    return READ_REFUSED;
  }
  if (!path_is_plain(info->local_uri_raw) || is_repeated || chunked != NULL || length < 0) {
    answer_invalid(call, NULL, NULL, "The request is malformed: path, repeated header, Content-Length or encoding.");
    return READ_REFUSED;
  }
  call->path = info->local_uri_raw;
  if (length > BODY_MAX) {
    answer_error(call, 413, "invalid_request_error", NULL, NULL, "The body is longer than %d bytes.", BODY_MAX);
    return READ_REFUSED;
  }
  if (key != NULL && !key_is_plain(key)) {
    answer_invalid(call, NULL, "Idempotency-Key", "An Idempotency-Key is 1 to %d printable characters.", KEY_TEXT_MAX);
    return READ_REFUSED;
  }
  if (!read_body(conn, length, &worker->in)) return READ_BROKEN;
  call->key = key;
  bool is_post = strcmp(info->request_method, "POST") == 0;
  const char *query = info->query_string != NULL ? info->query_string : "";
  *ret_incoming = (struct incoming){
      .authorization = authorization,
      .text = is_post ? buf_text(&worker->in) : query,
      .length = is_post ? worker->in.length : strlen(query),
  };
  return READ_OK;
}

/* ---- writing ---- */

static void write_answer(struct mg_connection *conn, struct server *server, struct worker *worker,
                         const struct call *call, bool is_last) {
  struct buf *out = &worker->out;
  buf_clear(out);
  buf_printf(out, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n", call->status,
             status_text(call->status), call->body->length);
  buf_printf(out, "Request-Id: req_%s%08llx\r\n", server->gateway->store.salt,
             (unsigned long long)atomic_fetch_add(&server->calls, 1));
  if (call->key != NULL) buf_printf(out, "Idempotency-Key: %s\r\n", call->key);
  if (call->is_replay) buf_text_append(out, "Idempotent-Replayed: true\r\n");
  if (call->retry_after_s != 0) buf_printf(out, "Retry-After: %d\r\n", call->retry_after_s);
  buf_text_append(out, is_last ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
  buf_append(out, buf_text(call->body), call->body->length);
  ASSERT(buf_ok(out));
  mg_write(conn, out->bytes, out->length);
}

static bool is_crowded(struct server *server, const struct mg_request_info *info) {
  return atomic_load(&server->connections) > server->gateway->settings->connections_max &&
         info->local_uri_raw != NULL && strncmp(info->local_uri_raw, "/v1/", 4) == 0;
}

/* True when the connection must end. */
static bool handle(struct mg_connection *conn, struct server *server, struct worker *worker, struct call *call) {
  struct incoming incoming;
  bool is_last = atomic_load(&server->is_stopping);
  switch (read_call(conn, worker, call, &incoming)) {
  case READ_OK: break;
  case READ_BROKEN: return true;
  case READ_REFUSED: write_answer(conn, server, worker, call, true); return true;
  }
  if (is_crowded(server, mg_get_request_info(conn))) {
    answer_error(call, 429, "invalid_request_error", "rate_limit", NULL,
                 "Too many connections: GATEWAY_CONNECTIONS_MAX is reached.");
    call->retry_after_s = 1;
    is_last = true;
  } else {
    serve(call, &incoming);
  }
  if (call->is_silent) {
    faults_sleep(&server->gateway->faults, call->hold_ms);
    return true;
  }
  write_answer(conn, server, worker, call, is_last);
  return is_last;
}

static int handle_request(struct mg_connection *conn, void *context) {
  struct server *server = context;
  struct worker *worker = mg_get_thread_pointer(conn);
  const struct mg_request_info *info = mg_get_request_info(conn);
  struct call call = {
      .gateway = server->gateway,
      .arena = &worker->arena,
      .method = info->request_method,
      .path = "",
      .id = "",
      .now = utime_now(),
      .body = &worker->body,
  };
  atomic_fetch_add(&server->in_flight, 1);
  buf_clear(&worker->body);
  bool is_last = handle(conn, server, worker, &call);
  if (is_last) mg_disable_connection_keep_alive(conn);
  worker_rest(worker);
  atomic_fetch_sub(&server->in_flight, 1);
  return call.status != 0 ? call.status : 500;
}

static int log_message(const struct mg_connection *conn, const char *message) {
  (void)conn;
  LOG(LOG_DEBUG, "civetweb", LOG_TEXT("message", message));
  return 1;
}

/* ---- life ---- */

static enum rc find_port(struct server *server, struct error *err) {
  struct mg_server_port port;
  if (mg_get_server_ports(server->context, 1, &port) != 1) return error_set(err, RC_UNAVAILABLE, "no port is bound");
  server->port = port.port;
  return RC_OK;
}

enum rc server_start(struct gateway *gateway, struct server **ret_server, struct error *err) {
  const struct settings *settings = gateway->settings;
  char port[48], threads[32];
  (void)snprintf(port, sizeof port, "127.0.0.1:%lld", (long long)settings->port);
  (void)snprintf(threads, sizeof threads, "%lld", (long long)settings->connections_max + THREADS_IN_RESERVE);
  const char *options[] = {"listening_ports",
                           port,
                           "num_threads",
                           threads,
                           "enable_keep_alive",
                           "yes",
                           "tcp_nodelay",
                           "1",
                           "keep_alive_timeout_ms",
                           "60000",
                           "request_timeout_ms",
                           "10000",
                           "decode_url",
                           "no",
                           "access_control_allow_origin",
                           "",
                           "max_request_size",
                           "16384",
                           "connection_queue",
                           "256",
                           NULL};
  struct mg_callbacks callbacks = {.log_message = log_message,
                                   .init_thread = worker_new,
                                   .exit_thread = worker_free,
                                   .init_connection = connection_opened,
                                   .connection_closed = connection_closed};
  struct server *server = calloc(1, sizeof *server);
  ASSERT(server != NULL);
  server->gateway = gateway;
  mg_init_library(0);
  server->context = mg_start(&callbacks, server, options);
  if (server->context == NULL) {
    free(server);
    return error_set(err, RC_UNAVAILABLE, "GATEWAY_PORT: cannot listen on %s", port);
  }
  mg_set_request_handler(server->context, "**", handle_request, server);
  *ret_server = server;
  return find_port(server, err);
}

int server_port(const struct server *server) {
  return server->port;
}

/* civetweb looks at its stop flag every two seconds; a socket that was shut down wakes it. It has no call that gives
 * its sockets, but they are the ones whose own end is our port. */
static void shut_sockets(int port) {
  DIR *directory = opendir("/proc/self/fd");
  if (directory == NULL) return;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    struct sockaddr_in address = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    int fd = (int)strtol(entry->d_name, NULL, 10);
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 || address.sin_family != AF_INET) continue;
    if (ntohs(address.sin_port) == port) shutdown(fd, SHUT_RDWR);
  }
  closedir(directory);
}

void server_stop(struct server *server) {
  struct mono start = mono_now();
  atomic_store(&server->is_stopping, true);
  faults_stop(&server->gateway->faults);
  while (atomic_load(&server->in_flight) > 0 && mono_ms_since(start) < DRAIN_MS) sleep_ms(5);
  shut_sockets(server->port);
  mg_stop(server->context);
  mg_exit_library();
  free(server);
}
