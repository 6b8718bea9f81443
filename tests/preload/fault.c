/* LD_PRELOAD: makes one call to PostgreSQL, Kafka or the gateway fail, at a place that a test has armed (fault.h). The
 * failures are real ones: a connection is cut under libpq's feet, a port has no listener; only a lost answer and a full
 * queue are made up. A program that FAULT_DIRECTORY does not ask for passes through. */
#include "fault.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOBODYS_PORT = 9, PARTS_MAX = 16 };

static struct fault_board *board;
static _Thread_local char last_statement[FAULT_NAME_MAX];

#define REAL(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

__attribute__((constructor)) static void open_board(void) {
  char path[4096];
  const char *directory = getenv("FAULT_DIRECTORY"), *program = program_invocation_short_name;
  if (!directory || strncmp(program, "cloudbill-", 10) != 0) return;
  snprintf(path, sizeof path, FAULT_FILE, directory, program);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof *board) != 0) abort();
  void *mapped = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) abort();
  board = mapped;
  close(fd);
}

static struct fault_place *place_of(const char *name) {
  for (size_t i = 0; i < FAULT_PLACES_MAX; i++) {
    struct fault_place *place = &board->places[i];
    int nobody = 0;
    if (atomic_compare_exchange_strong(&place->state, &nobody, 1)) {
      snprintf(place->name, sizeof place->name, "%s", name);
      atomic_store(&place->state, 2);
      return place;
    }
    while (atomic_load(&place->state) == 1) usleep(10);
    if (strncmp(place->name, name, sizeof place->name - 1) == 0) return place;
  }
  abort();
}

/* The fault that this call is to have; it is had once. */
static enum fault take(const char *kind, const char *what) {
  char name[FAULT_NAME_MAX];
  if (!board) return FAULT_NONE;
  snprintf(name, sizeof name, "%s %s", kind, what);
  struct fault_place *place = place_of(name);
  atomic_fetch_add(&place->calls, 1);
  enum fault fault = (enum fault)atomic_exchange(&place->armed, FAULT_NONE);
  if (fault != FAULT_NONE) atomic_fetch_add(&place->fired, 1);
  return fault;
}

/* The libraries name their parameters otherwise. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

/* ---- PostgreSQL ---- */

static PGresult *cut(PGconn *connection) {
  shutdown(PQsocket(connection), SHUT_RDWR);
  return REAL(PQexec)(connection, "SELECT 1");
}

PGresult *PQexec(PGconn *connection, const char *sql) {
  bool is_commit = strcmp(sql, "COMMIT") == 0;
  enum fault fault = is_commit ? take("COMMIT after", last_statement) : FAULT_NONE;
  if (strncmp(sql, "BEGIN", 5) == 0) snprintf(last_statement, sizeof last_statement, "nothing");
  if (fault == FAULT_BEFORE) return cut(connection);
  PGresult *result = REAL(PQexec)(connection, sql);
  if (fault == FAULT_NONE) return result;
  PQclear(result);
  return cut(connection);
}

int PQsendQueryPrepared(PGconn *connection, const char *name, int count, const char *const *values, const int *lengths,
                        const int *formats, int result_format) {
  enum fault fault = take("SQL", name);
  snprintf(last_statement, sizeof last_statement, "%s", name);
  if (fault == FAULT_BEFORE) PQclear(cut(connection));
  int is_sent = REAL(PQsendQueryPrepared)(connection, name, count, values, lengths, formats, result_format);
  if (!is_sent || fault == FAULT_NONE) return is_sent;
  for (PGresult *lost; (lost = PQgetResult(connection));) PQclear(lost); /* it has happened, and nobody hears of it */
  PQclear(cut(connection));
  return is_sent;
}

/* ---- Kafka ---- */

/* The parts of a variadic call as a list, which can be passed on. */
static size_t read_parts(va_list arguments, rd_kafka_vu_t parts[static PARTS_MAX], const char **ret_topic) {
  size_t count = 0;
  for (;;) {
    rd_kafka_vtype_t type = va_arg(arguments, rd_kafka_vtype_t);
    if (type == RD_KAFKA_VTYPE_END) return count;
    if (count == PARTS_MAX) abort();
    rd_kafka_vu_t *part = &parts[count++];
    part->vtype = type;
    switch ((int)type) {
    case RD_KAFKA_VTYPE_TOPIC: part->u.cstr = *ret_topic = va_arg(arguments, const char *); break;
    case RD_KAFKA_VTYPE_PARTITION: part->u.i32 = va_arg(arguments, int32_t); break;
    case RD_KAFKA_VTYPE_MSGFLAGS: part->u.i = va_arg(arguments, int); break;
    case RD_KAFKA_VTYPE_HEADERS: part->u.headers = va_arg(arguments, rd_kafka_headers_t *); break;
    case RD_KAFKA_VTYPE_OPAQUE: part->u.ptr = va_arg(arguments, void *); break;
    case RD_KAFKA_VTYPE_KEY:
    case RD_KAFKA_VTYPE_VALUE:
      part->u.mem.ptr = va_arg(arguments, void *);
      part->u.mem.size = va_arg(arguments, size_t);
      break;
    default: abort();
    }
  }
}

rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *client, ...) {
  rd_kafka_vu_t parts[PARTS_MAX];
  const char *topic = "?";
  va_list arguments;
  va_start(arguments, client);
  size_t count = read_parts(arguments, parts, &topic);
  va_end(arguments);
  if (take("produce", topic) != FAULT_NONE) return RD_KAFKA_RESP_ERR__TRANSPORT;
  rd_kafka_error_t *error = REAL(rd_kafka_produceva)(client, parts, count);
  rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error) rd_kafka_error_destroy(error);
  return code;
}

/* ---- the gateway ---- */

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy) {
  bool fails = take("gateway", "ask") != FAULT_NONE;
  curl_easy_setopt(easy, CURLOPT_PORT, fails ? (long)NOBODYS_PORT : 0L);
  return REAL(curl_multi_add_handle)(multi, easy);
}

/* The charge is made, and nobody says so. */
CURLMsg *curl_multi_info_read(CURLM *multi, int *left) {
  static _Thread_local CURLMsg lost;
  CURLMsg *message = REAL(curl_multi_info_read)(multi, left);
  if (!message || message->msg != CURLMSG_DONE || take("gateway", "answer") == FAULT_NONE) return message;
  lost = *message;
  lost.data.result = CURLE_RECV_ERROR;
  return &lost;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
