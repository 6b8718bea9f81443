/* Runs a row's statement in the transaction that auth_check left open, in the caller's tenant: row-level security makes
 * another tenant's row one that is not there. */
#include "read.h"

#include <string.h>

#include "base/assert.h"
#include "csv.h"
#include "etag.h"
#include "sql.h"

enum { LIST_PARAMS_MAX = 4 + FILTERS_MAX, CSV_PAGE_BYTES_MAX = 64 * 1024 * 1024 };
enum { LIST_TOTAL, LIST_NEXT, LIST_ITEMS, LIST_AFTER_IS_KNOWN }; /* columns of a list's statement */

static void answer_resource(struct request *request, struct response *response, const PGresult *found) {
  if (PQnfields(found) < 2 || row_is_null(found, 0, 1)) { /* what changes without a version has no tag */
    response_data(response, 200, row_text(found, 0, 0), NULL);
    return;
  }
  const char *etag = etag_of(request->arena, row_text(found, 0, 1));
  const char *known = request_header(request, "If-None-Match");
  if (known && etag_is_among(known, etag))
    response->status = 304;
  else
    response_data(response, 200, row_text(found, 0, 0), NULL);
  response_header(response, "ETag", etag);
}

enum rc read_handle(struct request *request, struct response *response, struct error *err) {
  const char *params[ROUTE_PARAMS_MAX];
  int count = 0;
  while (count < ROUTE_PARAMS_MAX && request->params[count][0]) params[count] = request->params[count], count++;
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(tx_exec(&request->tx, request->route->statement, params, count, &found, err));
  TRY(request_commit(request, err));
  if (row_count(found) == 0) return error_set(err, RC_NOT_FOUND, NULL);
  answer_resource(request, response, found);
  return RC_OK;
}

/* ---- lists ---- */

static void sink_fault(void *context, const char *field, const char *text) {
  fault_add(context, field, "%s", text);
}

/* The resource that the path goes through exists, and its id becomes a filter. */
static enum rc bind_parent(struct request *request, struct list_query *query, struct error *err) {
  const struct route *route = request->route;
  if (!route->parent) return RC_OK;
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(tx_exec(&request->tx, route->parent, PARAMS(request->params[0]), &found, err));
  if (row_count(found) == 0) return error_set(err, RC_NOT_FOUND, NULL);
  for (size_t i = 0; i < FILTERS_MAX && route->list->filters[i].name; i++) {
    if (strcmp(route->list->filters[i].name, route->parent_filter) != 0) continue;
    query->values[i] = request->params[0];
    return RC_OK;
  }
  ASSERT(!"parent_filter names a filter of the list");
  return RC_OK;
}

/* What people type is looked for as it stands: LIKE's own signs are escaped. */
static const char *pattern_of(struct arena *arena, const char *text) {
  char *pattern = arena_alloc(arena, 2 * strlen(text) + 3), *to = pattern;
  *to++ = '%';
  for (const char *at = text; *at; at++) {
    if (strchr("%_\\", *at)) *to++ = '\\';
    *to++ = *at;
  }
  *to = '%';
  return pattern;
}

static int list_params(struct request *request, const struct list_query *query,
                       const char *params[static LIST_PARAMS_MAX]) {
  struct arena *arena = request->arena;
  const struct list *list = request->route->list;
  int count = 0;
  params[count++] = query->sort;
  params[count++] = db_int(arena, query->limit);
  params[count++] = db_int(arena, (query->page - 1) * query->limit);
  params[count++] = query->after;
  for (size_t i = 0; i < FILTERS_MAX && list->filters[i].name; i++) {
    const char *value = query->values[i];
    params[count++] = value && list->filters[i].type == FILTER_SEARCH ? pattern_of(arena, value) : value;
  }
  return count;
}

/* In the open transaction, which it ends. */
static enum rc fetch_page(struct request *request, const struct list_query *query, PGresult **ret_page,
                          struct error *err) {
  const char *params[LIST_PARAMS_MAX];
  PGresult CLEANUP(db_result_release) *found = NULL;
  int count = list_params(request, query, params);
  TRY(tx_exec(&request->tx, &sql_plan_each_time, NO_PARAMS, NULL, err));
  TRY(tx_exec(&request->tx, request->route->list->statement, params, count, &found, err));
  TRY(request_commit(request, err));
  ASSERT(row_count(found) == 1);
  if (PQnfields(found) > LIST_AFTER_IS_KNOWN && !row_bool(found, 0, LIST_AFTER_IS_KNOWN))
    return error_field(err, RC_VALIDATION, "after", "after must be the id of something in this list");
  *ret_page = found;
  found = NULL;
  return RC_OK;
}

/* ---- as CSV: page by page, each in a transaction of its own, so that a slow reader holds no connection ---- */

static enum rc check_order(const struct list *list, const struct list_query *query, struct error *err) {
  const char *own = list->sorts[0] + (list->sorts[0][0] == '-'), *asked = query->sort + (query->sort[0] == '-');
  if (strcmp(own, asked) == 0) return RC_OK;
  return error_field(err, RC_VALIDATION, "sort", "sort: as CSV this list comes by %s or -%s only", own, own);
}

static const char *file_name(struct request *request) {
  const char *name = strrchr(request->route->path, '/') + 1;
  return arena_printf(request->arena, "attachment; filename=\"%s.csv\"", name);
}

static enum rc write_pages(struct request *request, struct list_query *query, PGresult *page, struct error *err) {
  struct csv csv = {.arena = request->arena};
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, CSV_PAGE_BYTES_MAX);
  for (;;) {
    PGresult CLEANUP(db_result_release) *shown = page;
    TRY(csv_write_page(&csv, row_text(shown, 0, LIST_ITEMS), &text, err));
    if (!response_stream_write(request, &text)) return error_set(err, RC_UNAVAILABLE, "the client has gone");
    if (row_is_null(shown, 0, LIST_NEXT) || request->is_head) return RC_OK;
    query->after = arena_strdup(request->arena, row_text(shown, 0, LIST_NEXT));
    buf_clear(&text);
    TRY(request_begin_tenant(request, &request->caller.tenant, err));
    TRY(fetch_page(request, query, &page, err));
  }
}

static enum rc stream_list(struct request *request, struct response *response, struct list_query *query,
                           struct error *err) {
  PGresult *page = NULL;
  query->page = 1;
  query->limit = LIST_LIMIT_MAX;
  TRY(check_order(request->route->list, query, err));
  TRY(fetch_page(request, query, &page, err));
  response_header(response, "Content-Disposition", file_name(request));
  if (!response_stream_begin(response, request, "text/csv; charset=utf-8; header=present")) {
    PQclear(page);
    return error_set(err, RC_UNAVAILABLE, "the client has gone");
  }
  enum rc rc = write_pages(request, query, page, err);
  response_stream_end(response, request, rc == RC_OK);
  return rc;
}

enum rc list_handle(struct request *request, struct response *response, struct error *err) {
  struct list_query query;
  struct faults faults = {.request = request};
  PGresult CLEANUP(db_result_release) *found = NULL;
  list_query_parse(request->route->list, request->http->query_string, request->arena, &query, sink_fault, &faults);
  TRY(faults_end(&faults, err));
  TRY(bind_parent(request, &query, err));
  response_header(response, "Vary", "Accept");
  if (csv_is_accepted(request_header(request, "Accept"))) return stream_list(request, response, &query, err);
  TRY(fetch_page(request, &query, &found, err));
  struct page page = {.page = query.page, .limit = query.limit, .total = row_int(found, 0, LIST_TOTAL)};
  page.next = row_text(found, 0, LIST_NEXT);
  response_page(response, row_text(found, 0, LIST_ITEMS), &page);
  return RC_OK;
}
