/* Three read-only pages on civetweb. /livez answers as long as the process runs; /readyz asks the process; /metrics is
 * Prometheus's text. */
#include "runtime/health.h"

#include <civetweb.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "runtime/metrics.h"

enum { METRICS_TEXT_MAX = 256 * 1024 };

struct health_server {
  struct mg_context *http;
  health_is_ready *is_ready;
  void *context;
};

static int answer(struct mg_connection *connection, int status, const char *type, const char *body) {
  mg_printf(connection,
            "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
            "Connection: close\r\n\r\n%s",
            status, status == 200 ? "OK" : "Service Unavailable", type, strlen(body), body);
  return status;
}

static int handle_livez(struct mg_connection *connection, void *context) {
  (void)context;
  return answer(connection, 200, "text/plain", "ok\n");
}

static int handle_readyz(struct mg_connection *connection, void *context) {
  const struct health_server *server = context;
  char reason[256] = "not ready";
  if (server->is_ready(server->context, reason, sizeof reason)) return answer(connection, 200, "text/plain", "ok\n");
  char body[300];
  snprintf(body, sizeof body, "%s\n", reason);
  return answer(connection, 503, "text/plain", body);
}

static int handle_metrics(struct mg_connection *connection, void *context) {
  (void)context;
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, METRICS_TEXT_MAX);
  metrics_write(&text);
  return answer(connection, 200, "text/plain; version=0.0.4", buf_text(&text));
}

static int begin_request(struct mg_connection *connection) {
  const struct mg_request_info *request = mg_get_request_info(connection);
  struct health_server *server = request->user_data;
  static const struct {
    const char *path;
    mg_request_handler handle;
  } pages[] = {{"/livez", handle_livez}, {"/readyz", handle_readyz}, {"/metrics", handle_metrics}};
  for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
    if (strcmp(request->local_uri, pages[i].path) == 0) return pages[i].handle(connection, server);
  mg_printf(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  return 404;
}

enum rc health_start(const char *address, health_is_ready *is_ready, void *context, struct health_server **ret_server,
                     struct error *err) {
  struct health_server *server = calloc(1, sizeof *server);
  ASSERT(server);
  *server = (struct health_server){.is_ready = is_ready, .context = context};
  mg_init_library(0);
  const char *options[] = {"listening_ports",
                           address,
                           "num_threads",
                           "2",
                           "request_timeout_ms",
                           "5000",
                           "access_control_allow_origin",
                           "",
                           NULL};
  struct mg_callbacks callbacks = {.begin_request = begin_request};
  server->http = mg_start(&callbacks, server, options);
  if (!server->http) {
    free(server);
    return error_field(err, RC_INVALID_SETTING, "INTERNAL_ADDRESS", "cannot listen on %s", address);
  }
  *ret_server = server;
  return RC_OK;
}

void health_stop(struct health_server *server) {
  if (!server) return;
  mg_stop(server->http);
  free(server);
}
