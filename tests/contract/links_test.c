/* architecture.md §2: one name threads a command from the route to the test. Each link is looked for by that name
 * alone, and each place by itself: a row without its neighbour fails here, in both directions. */
#include <criterion/criterion.h>

#include "bus/topics.h"
#include "harness/harness.h"
#include "harness/sources.h"
#include "schema/schema.h"

/* Commands that no client sends: the platform sends them to itself. */
static const char *const internal_commands[] = {"invoice.create", "invoice.withdraw", "credit-note.create",
                                                "payment.collect", NULL};

static bool is_command(const struct message_type *type) {
  return strstr(topic_name(type->topic), ".commands") != NULL;
}

/* The handler tables of all workers, rows {"name", function, …}; what follows the brace must be a name with a dot. */
static const char **handled(const char *worker) {
  return matches(source_text(keep_text("workers/%s/main.c", worker)), "\\{\"([a-z-]+\\.[a-z_-]+)\", *handle_[a-z_]+");
}

static const char *const workers[] = {"billing-cycle", "invoicing", "payments", "notifications", NULL};

static const char **routed(void) {
  return matches(source_text("api/routes.c"), "COMMAND\\(METHOD_[A-Z]+, \"[^\"]+\",[^,]+,[ \n]*\"([^\"]+)\"\\)");
}

/* All the text of a directory's C files. */
static const char *code_below(const char *directory) {
  const char **files = source_files(directory, ".c");
  char *all = keep(1);
  for (; *files; files++) all = keep_text("%s%s", all, source_text(*files));
  return all;
}

Test(links, every_command_has_one_handler_at_the_topic_s_owner) {
  for (const struct message_type *type = MESSAGE_TYPES; type->name; type++) {
    if (!is_command(type)) continue;
    for (const char *const *worker = workers; *worker; worker++) {
      int wanted = strcmp(*worker, topic_owner(type->topic)) == 0;
      cr_expect_eq(count_of(handled(*worker), type->name), wanted, "%s in workers/%s/main.c: %d times, not %d",
                   type->name, *worker, count_of(handled(*worker), type->name), wanted);
    }
  }
}

Test(links, a_worker_handles_only_messages_that_exist_and_arrive) {
  for (const char *const *worker = workers; *worker; worker++) {
    const char *text = source_text(keep_text("workers/%s/main.c", *worker));
    const char **topics = matches(text, "(TOPIC_[A-Z_]+)");
    for (const char **name = handled(*worker); *name; name++) {
      enum topic topic = topic_of_type(*name);
      cr_assert_neq(topic, TOPIC_COUNT, "%s handles %s, which is no message", *worker, *name);
      bool subscribed = false;
#define X(id, kafka_name, owner) subscribed = subscribed || (topic == (id) && count_of(topics, #id) > 0);
      TOPICS(X)
#undef X
      cr_expect(subscribed, "%s handles %s but does not subscribe to %s", *worker, *name, topic_name(topic));
    }
  }
}

Test(links, every_command_of_clients_has_a_route) {
  const char **routes = routed();
  for (const struct message_type *type = MESSAGE_TYPES; type->name; type++) {
    if (!is_command(type)) continue;
    bool is_internal = count_of(internal_commands, type->name) > 0;
    cr_expect_eq(count_of(routes, type->name) > 0, !is_internal, "%s: %d routes", type->name,
                 count_of(routes, type->name));
  }
}

Test(links, every_route_s_command_is_a_command) {
  const char **routes = routed();
  cr_assert(routes[0], "no command was found in api/routes.c");
  for (; *routes; routes++) {
    const struct schema_source *source = schema_find(*routes);
    cr_expect(source && strcmp(source->kind, "commands") == 0, "api/routes.c: %s", *routes);
  }
}

Test(links, every_command_has_its_own_file) {
  for (const char *const *worker = workers; *worker; worker++) {
    const char *main_text = source_text(keep_text("workers/%s/main.c", *worker));
    const char **functions = matches(main_text, "\\{\"[a-z-]+\\.[a-z_-]+\", *(handle_[a-z_]+)");
    const char *code = code_below(keep_text("workers/%s", *worker));
    for (; *functions; functions++)
      cr_expect_eq(count_of(matches(code, "^enum rc (handle_[a-z_]+)\\("), *functions), 1, "workers/%s: %s", *worker,
                   *functions);
  }
}

Test(links, every_event_is_emitted_by_somebody) {
  const char *code = keep_text("%s%s", code_below("workers"), code_below("lib/runtime"));
  for (const struct message_type *type = MESSAGE_TYPES; type->name; type++)
    if (!is_command(type)) cr_expect(strstr(code, keep_text("\"%s\"", type->name)), "nobody emits %s", type->name);
}

Test(links, every_message_is_in_a_flow_test) {
  const char *tests = code_below("tests/flow");
  for (const struct message_type *type = MESSAGE_TYPES; type->name; type++)
    cr_expect(strstr(tests, keep_text("\"%s\"", type->name)), "no test in tests/flow mentions \"%s\"", type->name);
}

/* -- SQL -- */

static const char *comment_on_top(const char *text) {
  const char *end = text;
  while (strncmp(end, "--", 2) == 0 && strchr(end, '\n')) end = strchr(end, '\n') + 1;
  return keep_text("%.*s", (int)(end - text), text);
}

Test(links, every_sql_file_begins_with_what_it_is_for) {
  static const char *const places[] = {"schemas/db",      "api/sql",           "workers",
                                       "lib/runtime/sql", "lib/invoicing/sql", "cli/sql"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    for (const char **file = source_files(places[i], ".sql"); *file; file++) {
      const char *text = source_text(*file), *header = comment_on_top(text);
      bool is_statement = strncmp(*file, "schemas/", 8) != 0;
      cr_expect_gt(strlen(header), 8, "%s has no header", *file);
      cr_expect(!is_statement || !strstr(text, "$1") || strstr(header, "$1"), "%s: its header does not name $1", *file);
    }
}

/* Whoever makes something for a customer holds it: else it could be deleted at the same moment. */
Test(links, a_worker_that_asks_for_a_living_customer_holds_it) {
  size_t count = 0;
  for (const char **file = source_files("workers", ".sql"); *file; file++) {
    const char *text = source_text(*file);
    bool asks = strstr(text, "customers") && strstr(text, "deleted_at IS NULL") && strstr(text, "SELECT");
    if (!asks) continue;
    count++;
    cr_expect(strstr(text, "FOR KEY SHARE") || strstr(text, "FOR UPDATE"), "%s", *file);
  }
  cr_expect_geq(count, 3);
}

/* A customer on a test clock lives at its time: the database's clock is for what is technical. */
Test(links, a_statement_does_not_know_what_time_it_is) {
  static const char *const places[] = {"api/sql", "workers", "lib/invoicing", "schemas/db"};
  static const char *const technical[] = {"api/sql/session_active.sql",      "api/sql/session_for_refresh.sql",
                                          "api/sql/worker_pools.sql",        "schemas/db/0001_foundation.sql",
                                          "schemas/db/0002_bus.sql",         "schemas/db/0008_resources.sql",
                                          "schemas/db/0009_test_clocks.sql", NULL};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    for (const char **file = source_files(places[i], ".sql"); *file; file++) {
      bool is_technical = false;
      for (const char *const *known = technical; *known; known++) is_technical |= strcmp(*file, *known) == 0;
      bool asks = *matches(source_text(*file), "(^|[^_])(now\\(\\)|current_date|current_timestamp|clock_timestamp)");
      cr_expect(!asks || is_technical, "%s asks the database's clock", *file);
    }
}

/* A page after something that is not there would be empty, and look like the end. */
Test(links, every_list_knows_whether_after_is_there) {
  for (const char **file = source_files("api/sql", "_list.sql"); *file; file++)
    cr_expect(strstr(source_text(*file), "$4::uuid IS NULL OR EXISTS (SELECT FROM"),
              "%s: its fourth column does not say whether $4 is there", *file);
}

/* -- openapi.yaml and asyncapi.yaml: their keys are at fixed depths -- */

/* From the head on to the next one of its kind, or to the section's end. */
static const char *part_of(const char *text, const char *head, const char *next_head) {
  const char *start = strstr(text, head);
  if (!start) return "";
  start += strlen(head);
  const char *next = strstr(start, next_head), *section = strstr(start, "\n\n");
  const char *end = next && (!section || next < section) ? next : section;
  return end ? keep_text("%.*s", (int)(end - start), start) : start;
}

static const char **yaml_methods(const char *path) {
  const char *part = part_of(source_text("schemas/openapi.yaml"), keep_text("\n  %s:\n", path), "\n  /");
  return matches(part, "^    (get|post|put|patch|delete):");
}

static const char *lower(const char *word) {
  char *text = keep_text("%s", word);
  for (char *at = text; *at; at++)
    if (*at >= 'A' && *at <= 'Z') *at = (char)(*at + 'a' - 'A');
  return text;
}

Test(links, every_route_is_in_openapi) {
  struct api_route rows[API_ROUTES_MAX];
  size_t count = api_routes(rows);
  cr_assert_gt(count, 30);
  for (size_t i = 0; i < count; i++)
    cr_expect_eq(count_of(yaml_methods(rows[i].path), lower(rows[i].method)), 1, "openapi.yaml lacks %s %s",
                 rows[i].method, rows[i].path);
}

Test(links, openapi_has_no_other_route) {
  struct api_route rows[API_ROUTES_MAX];
  size_t count = api_routes(rows);
  for (const char **path = matches(source_text("schemas/openapi.yaml"), "^  (/[^:]*):"); *path; path++)
    for (const char **method = yaml_methods(*path); *method; method++) {
      bool found = false;
      for (size_t i = 0; i < count; i++)
        found = found || (strcmp(rows[i].path, *path) == 0 && strcmp(lower(rows[i].method), *method) == 0);
      cr_expect(found, "api/routes.c lacks %s %s", *method, *path);
    }
}

/* An operation of openapi.yaml, from its method to the next one. */
static const char *operation_of(const struct api_route *route) {
  const char *path = part_of(source_text("schemas/openapi.yaml"), keep_text("\n  %s:\n", route->path), "\n  /");
  const char *start = strstr(path, keep_text("    %s:\n", lower(route->method)));
  if (!start) return "";
  const char *end = strchr(start, '\n') + 1;
  while (*end && strncmp(end, "     ", 5) == 0) end = strchr(end, '\n') ? strchr(end, '\n') + 1 : end + strlen(end);
  return keep_text("%.*s", (int)(end - start), start);
}

Test(links, openapi_says_who_may_do_what) {
  struct api_route rows[API_ROUTES_MAX];
  size_t count = api_routes(rows);
  for (size_t i = 0; i < count; i++) {
    const char *operation = operation_of(&rows[i]), *who = rows[i].permission;
    const char *said = matches(operation, "^      x-permission: '([^']*)'")[0];
    cr_expect_str_eq(said ? said : "", who ? who : "", "%s %s", rows[i].method, rows[i].path);
    cr_expect_eq(strstr(operation, "\n      security: []\n") != NULL, who == NULL, "%s %s needs %s token",
                 rows[i].method, rows[i].path, who ? "a" : "no");
  }
}

Test(links, openapi_knows_that_a_change_may_be_refused_as_outdated) {
  struct api_route rows[API_ROUTES_MAX];
  size_t count = api_routes(rows);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(rows[i].kind, "COMMAND") != 0 || !strchr(rows[i].path, '{')) continue;
    const char *operation = operation_of(&rows[i]);
    cr_expect(strstr(operation, "parameters/IfMatch'") && strstr(operation, "'412': "), "%s %s", rows[i].method,
              rows[i].path);
  }
}

/* A DELETE has no body. */
Test(links, openapi_takes_each_command_s_body_from_its_schema) {
  struct api_route rows[API_ROUTES_MAX];
  size_t count = api_routes(rows);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(rows[i].kind, "COMMAND") != 0 || strcmp(rows[i].method, "DELETE") == 0) continue;
    cr_expect(strstr(operation_of(&rows[i]), keep_text("'commands/%s.json'", rows[i].command)),
              "%s %s does not refer to commands/%s.json", rows[i].method, rows[i].path, rows[i].command);
  }
}

Test(links, asyncapi_has_every_topic_and_no_other) {
  const char **channels = matches(source_text("schemas/asyncapi.yaml"), "^    address: (cloudbill[a-z.-]+)$");
  size_t count = 0;
  while (channels[count]) count++;
  cr_expect_eq(count, (size_t)2 * TOPIC_COUNT);
  for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
    cr_expect_eq(count_of(channels, topic_name(topic)), 1, "%s", topic_name(topic));
    cr_expect_eq(count_of(channels, keep_text("%s" DLQ_SUFFIX, topic_name(topic))), 1, "%s.dlq", topic_name(topic));
  }
}

/* The message's entry names its topic's channel and its schema. */
Test(links, asyncapi_has_every_message_at_its_topic) {
  const char *text = source_text("schemas/asyncapi.yaml");
  for (const struct message_type *type = MESSAGE_TYPES; type->name; type++) {
    const char *part = part_of(text, keep_text("\n    address: %s\n", topic_name(type->topic)), "\n    address: ");
    cr_expect(strstr(part, keep_text("#/components/messages/%s'", type->name)), "%s is not in %s", type->name,
              topic_name(type->topic));
    cr_expect(strstr(text, keep_text("%s/%s.json", is_command(type) ? "commands" : "events", type->name)), "%s",
              type->name);
  }
}
