/* See explained.h. An amount that cannot be computed again, or comes to something else, is a fault of ours or of
 * somebody who wrote in the database: it is shown, counted and logged. */
#include "explained.h"

#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "base/log.h"
#include "runtime/metrics.h"

enum { ANSWER_MAX = 8 * 1024 * 1024, EXACT_MAX = 2 * 1024 * 1024 };

struct part part_begin(struct arena *arena, const struct currency *currency, const char *name, int64_t stored_minor) {
  return (struct part){.name = name, .stored_minor = stored_minor, .steps = {.arena = arena, .currency = currency}};
}

struct part part_end(struct part part, enum rc rc, int64_t computed_minor, const struct error *why) {
  part.is_computed = rc == RC_OK;
  if (part.is_computed) part.computed_minor = computed_minor;
  part.matches = part.is_computed && computed_minor == part.stored_minor;
  if (!part.is_computed) part.problem = arena_strdup(part.steps.arena, why->text);
  return part;
}

enum rc explained_load_json(const char *text, json_t **ret_json, struct error *err) {
  struct buf CLEANUP(buf_release) exact;
  buf_init(&exact, EXACT_MAX);
  TRY(json_exact(text, strlen(text), &exact, err));
  *ret_json = json_loads(buf_text(&exact), 0, NULL);
  return *ret_json ? RC_OK : error_set(err, RC_BUG, "stored JSON cannot be read");
}

static void put_rules(struct json_writer *json, const char *rules) {
  json_put_array(json, "rules");
  for (const char *at = rules; *at;) {
    size_t length = strcspn(at, " ");
    json_put_string_n(json, NULL, at, length);
    at += length + (at[length] == ' ');
  }
  json_put_end(json);
}

static void put_step(struct json_writer *json, const struct explanation_step *step) {
  json_put_object(json, NULL);
  json_put_string(json, "step", step->name);
  put_rules(json, step->rules);
  json_put_string(json, "text", step->text);
  json_put_string(json, "expression", step->expression);
  json_put_string(json, "result", step->result);
  json_put_string(json, "rounding", step->is_rounded ? "half away from zero" : NULL);
  json_put_end(json);
}

static void put_part(struct json_writer *json, const struct part *part) {
  const struct currency *currency = part->steps.currency;
  char money[MONEY_TEXT_MAX];
  json_put_object(json, NULL);
  json_put_string(json, "part", part->name);
  json_put_string(json, "stored", money_format(part->stored_minor, currency, money));
  json_put_string(json, "computed", part->is_computed ? money_format(part->computed_minor, currency, money) : NULL);
  json_put_bool(json, "matches", part->matches);
  json_put_string(json, "problem", part->problem);
  json_put_array(json, "steps");
  for (size_t i = 0; i < part->steps.count; i++) put_step(json, &part->steps.steps[i]);
  json_put_end(json);
  json_put_end(json);
}

static void report(const struct request *request, const struct part *part) {
  metric_add("explain_mismatches_total", "", 1);
  LOG(LOG_ERROR, "explain.mismatch", LOG_TEXT("document", request->params[0]), LOG_TEXT("item", request->params[1]),
      LOG_TEXT("part", part->name), LOG_TEXT("problem", part->problem));
}

void explained_answer(const struct request *request, struct response *response, const char *head,
                      const struct part *parts, size_t count) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  bool matches = true;
  buf_init(&text, ANSWER_MAX);
  json_writer_init(&json, &text);
  json_put_array(&json, NULL);
  for (size_t i = 0; i < count; i++) {
    put_part(&json, &parts[i]);
    matches = matches && parts[i].matches;
    if (!parts[i].matches) report(request, &parts[i]);
  }
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  int members = (int)strlen(head) - 1; /* without the closing brace */
  response_data(response, 200,
                arena_printf(request->arena, "%.*s,\"matches\":%s,\"parts\":%s}", members, head,
                             matches ? "true" : "false", buf_text(&text)),
                NULL);
}
