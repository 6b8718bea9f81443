/* What a test was given lives until its process ends: everything hangs on one list, so that the leak checker, which
 * looks at the end, finds it in use. Threads of a test may ask too. */
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>

#include "base/date.h"
#include "base/time.h"
#include "base/uuid.h"
#include "harness.h"

struct kept {
  struct kept *next;
  max_align_t bytes[];
};
struct kept_json {
  struct kept_json *next;
  json_t *json;
};
static struct kept *all_kept;
static struct kept_json *all_json;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *keep(size_t bytes) {
  struct kept *kept = calloc(1, sizeof *kept + bytes);
  cr_assert_not_null(kept);
  pthread_mutex_lock(&lock);
  kept->next = all_kept;
  all_kept = kept;
  pthread_mutex_unlock(&lock);
  return kept->bytes;
}

static char *keep_format(const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, again);
  va_end(again);
  char *text = keep((size_t)length + 1);
  vsnprintf(text, (size_t)length + 1, format, arguments);
  return text;
}

char *keep_text(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = keep_format(format, arguments);
  va_end(arguments);
  return text;
}

json_t *keep_json(json_t *json) {
  struct kept_json *kept = keep(sizeof *kept);
  pthread_mutex_lock(&lock);
  *kept = (struct kept_json){all_json, json};
  all_json = kept;
  pthread_mutex_unlock(&lock);
  return json;
}

const char *setting(const char *name) {
  const char *value = getenv(name);
  cr_assert(value && *value, "%s is not set: run it with ./dev test", name);
  return value;
}

char *file_text(const char *directory, const char *name) {
  char path[PATH_MAX], *text = NULL;
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, "rbe");
  if (!file) return NULL;
  if (fseek(file, 0, SEEK_END) == 0) {
    size_t size = (size_t)ftell(file);
    rewind(file);
    text = calloc(1, size + 1);
    cr_assert_eq(fread(text, 1, size, file), size, "%s", path);
  }
  fclose(file);
  return text;
}

const char *new_id(void) {
  char text[UUID_TEXT_MAX];
  struct uuid id = uuid_new();
  return keep_text("%s", uuid_format(&id, text));
}

const char *days_ago(int days) {
  char text[DATE_TEXT_MAX];
  struct date date = {(int32_t)(utime_now().us / UTIME_DAY) - days};
  return keep_text("%s", date_format(date, text));
}

const json_t *json_node_at(const json_t *json, const char *path) {
  while (json && *path) {
    size_t length = strcspn(path, ".");
    char name[64];
    cr_assert_lt(length, sizeof name);
    memcpy(name, path, length);
    name[length] = '\0';
    json = json_is_array(json) ? json_array_get(json, strtoul(name, NULL, 10)) : json_object_get(json, name);
    path += length + (path[length] == '.');
  }
  return json;
}

const char *json_at(const json_t *json, const char *path) {
  return json_string_value(json_node_at(json, path));
}

double json_number_at(const json_t *json, const char *path) {
  const json_t *node = json_node_at(json, path);
  cr_assert(json_is_number(node), "%s is no number", path);
  return json_number_value(node);
}

int64_t stopwatch_ms(void) {
  return mono_now().ns / 1000000;
}

void wait_a_moment(void) {
  sleep_ms(WAIT_STEP_MS);
}
