/* Lists: which filters and sort orders a resource has, and what a query string asks for. Pure. */
#ifndef API_FILTER_H
#define API_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "db/statement.h"

enum filter_type { FILTER_UUID, FILTER_CHOICE, FILTER_TEXT, FILTER_SEARCH, FILTER_DATE, FILTER_TIME, FILTER_CURRENCY };

struct filter {
  const char *name;
  enum filter_type type;
  const char *choices; /* FILTER_CHOICE: separated by spaces */
};

enum { FILTERS_MAX = 8, SORTS_MAX = 6, QUERY_MEMBERS_MAX = 24, QUERY_VALUE_MAX = 256 };
enum { LIST_LIMIT_DEFAULT = 20, LIST_LIMIT_MAX = 100, LIST_PAGE_MAX = 1000 };

/* A list's statement takes $1 sort, $2 limit, $3 offset, $4 after (an id), and its filters from $5 on in this order; it
 * returns one row: total, id of the last item, items as a JSON array, whether `after` is there. The first of `sorts` is
 * the default, and the one (with its reverse) that `after` works with. */
struct list {
  const struct statement *statement;
  struct filter filters[FILTERS_MAX]; /* ends with a NULL name */
  const char *sorts[SORTS_MAX];       /* names; "-name" is the reverse */
};

struct list_query {
  int64_t page, limit;
  const char *sort, *after;
  const char *values[FILTERS_MAX]; /* by filter; NULL: any */
};

/* One fault in a query string; a function collects them. */
typedef void fault_sink(void *context, const char *field, const char *text);

/* Reads a query string (NULL is empty). What is wrong goes to the sink, and the result is then not to be used. */
void list_query_parse(const struct list *list, const char *text, struct arena *arena, struct list_query *ret_query,
                      fault_sink *sink, void *context);

/* Decodes %XX and, in query strings, '+'. NULL when it is broken, holds %00 or a control character, or is not UTF-8. */
const char *url_decode(struct arena *arena, const char *text, size_t length, bool plus_is_space);

#endif
