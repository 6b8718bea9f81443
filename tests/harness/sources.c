/* Sources as text. */
#include "sources.h"

#include <dirent.h>
#include <regex.h>

#include "harness/harness.h"

enum { LIST_MAX = 4000 };

const char *source_text(const char *path) {
  char *text = file_text(SOURCE_DIR, path);
  cr_assert_not_null(text, "%s is missing", path);
  const char *kept = keep_text("%s", text);
  free(text);
  return kept;
}

const char **matches(const char *text, const char *expression) {
  const char **list = keep(sizeof *list * LIST_MAX);
  size_t count = 0;
  regex_t compiled;
  regmatch_t found[2];
  cr_assert_eq(regcomp(&compiled, expression, REG_EXTENDED | REG_NEWLINE), 0, "%s", expression);
  for (const char *at = text; regexec(&compiled, at, 2, found, at == text ? 0 : REG_NOTBOL) == 0;
       at += found[0].rm_eo) {
    cr_assert_lt(count, LIST_MAX - 1);
    list[count++] = keep_text("%.*s", (int)(found[1].rm_eo - found[1].rm_so), at + found[1].rm_so);
  }
  regfree(&compiled);
  return list;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree of sources */
static void collect(const char *directory, const char *suffix, const char **list, size_t *count) {
  DIR *opened = opendir(keep_text("%s/%s", SOURCE_DIR, directory));
  if (!opened) return;
  for (const struct dirent *entry; (entry = readdir(opened));) {
    if (entry->d_name[0] == '.') continue;
    const char *path = keep_text("%s/%s", directory, entry->d_name);
    size_t length = strlen(path), tail = strlen(suffix);
    if (entry->d_type == DT_DIR)
      collect(path, suffix, list, count);
    else if (length > tail && strcmp(path + length - tail, suffix) == 0 && *count < LIST_MAX - 1)
      list[(*count)++] = path;
  }
  closedir(opened);
}

const char **source_files(const char *directory, const char *suffix) {
  const char **list = keep(sizeof *list * LIST_MAX);
  size_t count = 0;
  collect(directory, suffix, list, &count);
  return list;
}

/* What follows the path: "who", PUBLIC or ANYONE. */
static const char *permission_in(const char *row) {
  const char *who = matches(row, "\"[^\"]+\",[ \n]*([^,]+)")[0];
  cr_assert_not_null(who, "%s", row);
  if (strcmp(who, "PUBLIC") == 0) return NULL;
  return strcmp(who, "ANYONE") == 0 ? "" : matches(who, "\"([^\"]+)\"")[0];
}

size_t api_routes(struct api_route ret_routes[static API_ROUTES_MAX]) {
  static const char expression[] =
      "\\{((LIST|READ)\\(\"[^\"]+\",[ \n]*[^,]+|(COMMAND|HANDLER)\\(METHOD_[A-Z]+, \"[^\"]+\",[ \n]*[^,]+,[ \n]*[^)]+)";
  size_t count = 0;
  for (const char **row = matches(source_text("api/routes.c"), expression); *row; row++) {
    const char **method = matches(*row, "METHOD_([A-Z]+)");
    cr_assert_lt(count, API_ROUTES_MAX);
    ret_routes[count++] = (struct api_route){.kind = matches(*row, "^([A-Z]+)")[0],
                                             .method = method[0] ? method[0] : "GET",
                                             .path = matches(*row, "\"([^\"]+)\"")[0],
                                             .permission = permission_in(*row),
                                             .command = matches(*row, "\"([a-z-]+\\.[a-z_-]+)\"$")[0]};
  }
  return count;
}

int count_of(const char *const *list, const char *word) {
  int count = 0;
  for (; *list; list++)
    if (strcmp(*list, word) == 0) count++;
  return count;
}
