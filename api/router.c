/* Matches a path against the rows, segment by segment. The table is short and is searched from the top: a row with a
 * fixed segment must stand before one that has a parameter in its place. */
#include "router.h"

#include <string.h>

/* The next segment of *path, which is moved behind it; its length. */
static size_t segment(const char **path, const char **ret_start) {
  if (**path == '/') (*path)++;
  *ret_start = *path;
  size_t length = strcspn(*path, "/");
  *path += length;
  return length;
}

static bool is_parameter(const char *text, size_t length) {
  return length > 2 && text[0] == '{';
}

/* Whether the path has the row's shape; the values of parameters go to starts and lengths. */
static bool matches(const char *pattern, const char *path, const char *starts[static ROUTE_PARAMS_MAX],
                    size_t lengths[static ROUTE_PARAMS_MAX]) {
  size_t params = 0;
  while (*pattern && *path) {
    const char *expected, *given;
    size_t expected_length = segment(&pattern, &expected), given_length = segment(&path, &given);
    if (is_parameter(expected, expected_length) && given_length > 0) {
      starts[params] = given;
      lengths[params++] = given_length;
    } else if (expected_length != given_length || memcmp(expected, given, given_length) != 0) {
      return false;
    }
  }
  return *pattern == '\0' && *path == '\0';
}

static void allow(char text[static ALLOW_MAX], enum method method) {
  size_t used = strlen(text);
  snprintf(text + used, ALLOW_MAX - used, "%s%s", used ? ", " : "", method_name(method));
}

static enum rc take_params(struct request *request, const char *const *starts, const size_t *lengths,
                           struct error *err) {
  for (size_t i = 0; i < ROUTE_PARAMS_MAX && starts[i]; i++) {
    const char *value = url_decode(request->arena, starts[i], lengths[i], false);
    if (!value) return error_field(err, RC_VALIDATION, "path", "path is not properly encoded");
    if (strlen(value) > PATH_PARAM_MAX) return error_set(err, RC_NOT_FOUND, NULL);
    memcpy(request->params[i], value, strlen(value) + 1);
  }
  return RC_OK;
}

enum rc router_match(const struct route *routes, struct request *request, char ret_allow[static ALLOW_MAX],
                     struct error *err) {
  ret_allow[0] = '\0';
  for (const struct route *route = routes; route->path; route++) {
    const char *starts[ROUTE_PARAMS_MAX] = {NULL};
    size_t lengths[ROUTE_PARAMS_MAX] = {0};
    if (!matches(route->path, request->path, starts, lengths)) continue;
    if (route->method == request->method) {
      request->route = route;
      ret_allow[0] = '\0';
      return take_params(request, starts, lengths, err);
    }
    allow(ret_allow, route->method);
    if (route->method == METHOD_GET) snprintf(ret_allow + strlen(ret_allow), ALLOW_MAX - strlen(ret_allow), ", HEAD");
  }
  return error_set(err, ret_allow[0] ? RC_METHOD_NOT_ALLOWED : RC_NOT_FOUND, NULL);
}
