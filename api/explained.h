/* What an explanation is answered with (BILL-025): the stored amounts, each computed again, and the steps. */
#ifndef API_EXPLAINED_H
#define API_EXPLAINED_H

#include "domain/explain.h"
#include "response.h"

/* One amount: what it comes to now. */
struct part {
  const char *name;
  struct explanation steps;
  int64_t stored_minor, computed_minor;
  bool is_computed, matches;
  const char *problem; /* why it cannot be computed, or what else does not match; NULL */
};
struct part part_begin(struct arena *arena, const struct currency *currency, const char *name, int64_t stored_minor);
/* rc, why: of computing it. */
struct part part_end(struct part part, enum rc rc, int64_t computed_minor, const struct error *why);

/* A stored JSON text, with exact numbers. */
MUST_CHECK enum rc explained_load_json(const char *text, json_t **ret_json, struct error *err);
/* Answers with `head`, an object, and the parts; what does not match is counted and logged. */
void explained_answer(const struct request *request, struct response *response, const char *head,
                      const struct part *parts, size_t count);

#endif
