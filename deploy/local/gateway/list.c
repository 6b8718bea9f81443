/* Sequences grow with time, so a list is a walk from a sequence downwards. */
#include "list.h"

#include "answer.h"
#include "params.h"

static uint32_t older(const struct list *list, const struct store *store, uint32_t sequence) {
  return list->older != NULL ? list->older(store, sequence) : sequence - 1;
}

/* From `sequence` on, the newest that the list has; 0 for none. */
static uint32_t match(const struct list *list, const struct store *store, uint32_t sequence) {
  while (sequence != 0 && list->has != NULL && !list->has(store, list->filter, sequence)) {
    sequence = older(list, store, sequence);
  }
  return sequence;
}

void list_answer(struct call *call, const struct list *list) {
  const struct store *store = &call->gateway->store;
  int64_t limit = 10;
  if (!param_int(call, "limit", 1, 100, &limit)) return;
  uint32_t sequence = list->first;
  const char *after = form_get(&call->form, "starting_after");
  if (after != NULL) {
    uint32_t start = id_parse(store, list->kind, after);
    if (start == 0) {
      answer_missing(call, "starting_after", kind_name(list->kind), after);
      return;
    }
    sequence = older(list, store, start);
  }

  struct json_writer writer;
  answer_begin(call, "listed", &writer);
  json_put_object(&writer, NULL);
  json_put_string(&writer, "object", "list");
  json_put_string(&writer, "url", call->path);
  json_put_array(&writer, "data");
  for (sequence = match(list, store, sequence); sequence != 0 && limit > 0; limit--) {
    list->render(&writer, NULL, store, sequence);
    sequence = match(list, store, older(list, store, sequence));
  }
  json_put_end(&writer);
  json_put_bool(&writer, "has_more", sequence != 0);
  json_put_end(&writer);
}
