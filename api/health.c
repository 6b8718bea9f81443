/* /livez: the process runs. /readyz: it can do its work now. /health: the same, with a word for Redis.
 * /api/monitoring/health: all services, the workers by the heartbeats that they leave in the database. */
#include "health.h"

#include "base/json_text.h"
#include "base/memory.h"
#include "dependencies.h"
#include "sql.h"

enum { REASON_MAX = 128, SERVICES_MAX = 64, JSON_MAX = 256 * 1024 };

enum rc livez_handle(struct request *request, struct response *response, struct error *err) {
  (void)request, (void)err;
  response_data(response, 200, "{\"status\":\"ok\"}", NULL);
  return RC_OK;
}

enum rc readyz_handle(struct request *request, struct response *response, struct error *err) {
  char reason[REASON_MAX];
  if (atomic_load(&request->api->is_draining)) return error_set(err, RC_UNAVAILABLE, NULL);
  if (!dependencies_are_ready(request->api->dependencies, reason, sizeof reason))
    return error_set(err, RC_UNAVAILABLE, "%s", reason);
  response_data(response, 200, "{\"status\":\"ready\"}", NULL);
  return RC_OK;
}

enum rc health_handle(struct request *request, struct response *response, struct error *err) {
  char reason[REASON_MAX];
  if (!dependencies_are_ready(request->api->dependencies, reason, sizeof reason))
    return error_set(err, RC_UNAVAILABLE, "%s", reason);
  bool is_redis_up = dependency_state(request->api->dependencies, DEPENDENCY_REDIS).is_up;
  response_data(response, 200, is_redis_up ? "{\"status\":\"healthy\"}" : "{\"status\":\"degraded\"}", NULL);
  return RC_OK;
}

/* ---- monitoring ---- */

struct service_tally {
  int64_t up, total;
};

static void put_service(struct json_writer *writer, struct service_tally *tally, const char *name, bool is_up) {
  tally->total++;
  tally->up += is_up;
  json_put_object(writer, NULL);
  json_put_string(writer, "name", name);
  json_put_string(writer, "status", is_up ? "up" : "down");
}

static void put_dependencies(struct json_writer *writer, struct service_tally *tally, struct dependencies *checked) {
  for (enum dependency which = 0; which < DEPENDENCY_COUNT; which++) {
    struct dependency_state state = dependency_state(checked, which);
    put_service(writer, tally, dependency_name(which), state.is_up);
    json_put_int(writer, "responseTimeMs", state.response_us / 1000);
    json_put_end(writer);
  }
}

static void put_worker(struct json_writer *writer, struct service_tally *tally, const PGresult *found, int row) {
  put_service(writer, tally, row_text(found, row, 0), row_bool(found, row, 1));
  json_put_string(writer, "version", row_text(found, row, 2));
  json_put_int(writer, "uptimeSeconds", row_int(found, row, 3));
  json_put_int(writer, "memoryBytes", row_int(found, row, 4));
  json_put_object(writer, "details");
  json_put_int(writer, "instances", row_int(found, row, 5));
  json_put_string(writer, "lastProgressAt", row_text(found, row, 6));
  json_put_end(writer);
  json_put_end(writer);
}

static void put_ourselves(struct json_writer *writer, struct service_tally *tally, const struct api *api) {
  put_service(writer, tally, "api", true);
  json_put_string(writer, "version", api->version);
  json_put_int(writer, "uptimeSeconds", mono_ms_since(api->started) / 1000);
  json_put_int(writer, "memoryBytes", memory_resident_bytes());
  json_put_end(writer);
}

static const char *status_of(const struct service_tally *tally) {
  return tally->up == tally->total ? "healthy" : tally->up * 2 >= tally->total ? "degraded" : "unhealthy";
}

enum rc monitoring_handle(struct request *request, struct response *response, struct error *err) {
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(tx_exec(&request->tx, &sql_worker_pools, NO_PARAMS, &found, err));
  TRY(request_commit(request, err));
  struct service_tally tally = {0};
  struct buf CLEANUP(buf_release) services;
  struct json_writer writer;
  buf_init(&services, JSON_MAX);
  json_writer_init(&writer, &services);
  json_put_array(&writer, NULL);
  put_ourselves(&writer, &tally, request->api);
  put_dependencies(&writer, &tally, request->api->dependencies);
  for (int row = 0; row < row_count(found) && row < SERVICES_MAX; row++) put_worker(&writer, &tally, found, row);
  json_put_end(&writer);
  response_data(response, 200,
                arena_printf(request->arena,
                             "{\"status\":\"%s\",\"servicesUp\":%lld,\"totalServices\":%lld,\"healthPercentage\":%lld,"
                             "\"services\":%s}",
                             status_of(&tally), (long long)tally.up, (long long)tally.total,
                             (long long)(100 * tally.up / tally.total), buf_text(&services)),
                NULL);
  return RC_OK;
}
