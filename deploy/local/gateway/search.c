/* GET /v1/payment_intents/search with one clause, metadata['key']:'value': how a client finds a payment whose answer it
 * lost. Stripe's search lags behind by up to a minute; this one does not. */
#include "answer.h"
#include "handlers.h"
#include "metadata.h"
#include "params.h"

enum { SEARCH_SLICE = 5000, SEARCH_LIMIT = 100 };

struct clause {
  char key[METADATA_KEY_MAX + 1];
  char value[METADATA_VALUE_MAX + 1];
};

/* Reads one quoted text, either quote, without escapes. Returns what follows it, or NULL. */
static const char *read_quoted(const char *at, char *ret_text, size_t size) {
  char quote = *at;
  if (quote != '\'' && quote != '"') return NULL;
  const char *end = strchr(++at, quote);
  if (end == NULL || (size_t)(end - at) >= size) return NULL;
  memcpy(ret_text, at, (size_t)(end - at));
  ret_text[end - at] = '\0';
  return end + 1;
}

static bool read_clause(const char *query, struct clause *ret_clause) {
  if (strncmp(query, "metadata[", 9) != 0) return false;
  const char *at = read_quoted(query + 9, ret_clause->key, sizeof ret_clause->key);
  if (at == NULL || strncmp(at, "]:", 2) != 0) return false;
  at = read_quoted(at + 2, ret_clause->value, sizeof ret_clause->value);
  return at != NULL && *at == '\0';
}

static bool fits(const struct intent *intent, const struct clause *clause) {
  const char *value = metadata_get(intent->metadata, clause->key);
  return value != NULL && strcmp(value, clause->value) == 0;
}

/* Newest first, in slices, so that charging goes on meanwhile. Returns whether there are more than `limit`. */
static bool render_found(struct call *call, const struct clause *clause, int64_t limit, struct json_writer *writer) {
  struct gateway *gateway = call->gateway;
  int64_t found = 0;
  gateway_lock(gateway);
  uint32_t sequence = store_count(&gateway->store, KIND_INTENT);
  while (sequence > 0 && found <= limit) {
    for (int i = 0; i < SEARCH_SLICE && sequence > 0 && found <= limit; i++, sequence--) {
      const struct intent *intent = store_intent(&gateway->store, sequence);
      if (!fits(intent, clause)) continue;
      if (found++ < limit) intent_render(writer, NULL, &gateway->store, intent, NULL);
    }
    gateway_unlock(gateway);
    gateway_lock(gateway);
  }
  gateway_unlock(gateway);
  return found > limit;
}

void intents_search(struct call *call) {
  const char *query = form_get(&call->form, "query");
  struct clause clause;
  int64_t limit = 10;
  struct json_writer writer;
  if (!param_int(call, "limit", 1, SEARCH_LIMIT, &limit)) return;
  if (query == NULL || !read_clause(query, &clause)) {
    answer_invalid(call, NULL, "query", "The sandbox knows one clause: metadata['key']:'value'");
    return;
  }
  answer_begin(call, "found", &writer);
  json_put_object(&writer, NULL);
  json_put_string(&writer, "object", "search_result");
  json_put_string(&writer, "url", call->path);
  json_put_array(&writer, "data");
  bool has_more = render_found(call, &clause, limit, &writer);
  json_put_end(&writer);
  json_put_bool(&writer, "has_more", has_more);
  json_put_null(&writer, "next_page");
  json_put_end(&writer);
}
