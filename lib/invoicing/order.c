/* See order.h. Depth first, from each in the order of time: what it takes something back of comes before it. Nothing
 * takes back of what was made later, so there are no circles. */
#include "invoicing/order.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/uuid_map.h"

struct ordering {
  struct arena *arena;
  const struct invoice *invoices;
  struct uuid_map *lines; /* from what a line is to its invoice's place in `sorted` */
  struct finalising *sorted;
  bool *is_met;
  struct finalising *out;
  size_t count;
};

static struct uuid identity(struct arena *arena, const char *subscription, const struct line_name *name) {
  return UUID_DERIVE("line", subscription, name->component, name->kind,
                     arena_printf(arena, "%lld %lld %lld", (long long)name->item, (long long)name->period_index,
                                  (long long)name->revision));
}

static void add_lines(struct ordering *order, const struct invoice *invoice, size_t place) {
  for (size_t n = 0; n < invoice->line_count; n++) {
    const struct invoice_line *line = &invoice->lines[n];
    if (!line->subscription_id) continue;
    const struct line_name name = line_name(line);
    struct uuid key = identity(order->arena, line->subscription_id, &name);
    size_t at;
    uuid_map_add(order->lines, &key, place, &at);
  }
}

/* One of those met is on its way until all that it takes something back of is out. */
struct visit {
  size_t place, line;
};

/* Whether there is another invoice that must come first. */
static bool next_origin(struct ordering *order, struct visit *visit, size_t *ret_place) {
  const struct invoice *invoice = &order->invoices[order->sorted[visit->place].place];
  while (visit->line < invoice->line_count) {
    const struct invoice_line *line = &invoice->lines[visit->line++];
    if (!line->takes_back) continue;
    struct uuid key = identity(order->arena, line->subscription_id, &line->credits);
    if (uuid_map_find(order->lines, &key, ret_place) && !order->is_met[*ret_place]) return true;
  }
  return false;
}

static void put_out(struct ordering *order, struct visit *stack, size_t root) {
  size_t depth = 1, origin;
  stack[0] = (struct visit){.place = root};
  order->is_met[root] = true;
  while (depth > 0) {
    if (next_origin(order, &stack[depth - 1], &origin)) {
      order->is_met[origin] = true;
      stack[depth++] = (struct visit){.place = origin};
      continue;
    }
    struct finalising done = order->sorted[stack[--depth].place];
    if (done.at.us > order->sorted[root].at.us) done.at = order->sorted[root].at;
    order->out[order->count++] = done;
  }
}

static int compare(const void *a, const void *b) {
  const struct finalising *x = a, *y = b;
  const int64_t pairs[][2] = {{x->at.us, y->at.us}, {x->made.us, y->made.us}, {x->begins.us, y->begins.us}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (pairs[i][0] != pairs[i][1]) return pairs[i][0] < pairs[i][1] ? -1 : 1;
  return x->place < y->place ? -1 : x->place > y->place;
}

static void order_each(struct arena *arena, const struct invoice *invoices, struct finalising *each, size_t count) {
  size_t lines = 0;
  for (size_t i = 0; i < count; i++) {
    const struct invoice *invoice = &invoices[each[i].place];
    each[i].made = invoice->created;
    each[i].begins = invoice->start;
    lines += invoice->line_count;
  }
  qsort(each, count, sizeof *each, compare);
  struct ordering order = {.arena = arena, .invoices = invoices, .lines = uuid_map_new(arena, lines), .sorted = each};
  order.is_met = ARENA_ARRAY(arena, bool, count);
  order.out = ARENA_ARRAY(arena, struct finalising, count);
  for (size_t i = 0; i < count; i++) order.is_met[i] = false;
  for (size_t i = 0; i < count; i++) add_lines(&order, &invoices[each[i].place], i);
  struct visit *stack = ARENA_ARRAY(arena, struct visit, count);
  for (size_t i = 0; i < count; i++)
    if (!order.is_met[i]) put_out(&order, stack, i);
  ASSERT(order.count == count);
  for (size_t i = 0; i < count; i++) each[i] = order.out[i];
}

struct invoice *invoices_order(struct arena *arena, const struct invoice *invoices, struct finalising *each,
                               size_t count) {
  struct invoice *ordered = ARENA_ARRAY(arena, struct invoice, count);
  if (count > 1) order_each(arena, invoices, each, count);
  for (size_t i = 0; i < count; i++) ordered[i] = invoices[each[i].place];
  return ordered;
}
