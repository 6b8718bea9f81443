/* Query strings of lists. Everything unknown, repeated or out of range is a fault, and all faults are told at once. */
#include "filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/money.h"
#include "base/time.h"
#include "base/uuid.h"

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Length of the UTF-8 sequence at text, 0 when there is none (overlong forms and surrogates among them). */
static size_t utf8_length(const unsigned char *text, size_t left) {
  static const struct {
    unsigned char first, last, second_least, second_most;
    size_t length;
  } forms[] = {{0x20, 0x7E, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
               {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
               {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    if (text[0] < forms[i].first || text[0] > forms[i].last || forms[i].length > left) continue;
    if (forms[i].length > 1 && (text[1] < forms[i].second_least || text[1] > forms[i].second_most)) continue;
    for (size_t k = 2; k < forms[i].length; k++)
      if ((text[k] & 0xC0) != 0x80) return 0;
    return forms[i].length;
  }
  return 0;
}

static bool is_printable_utf8(const char *text, size_t length) {
  const unsigned char *bytes = (const unsigned char *)text;
  for (size_t at = 0; at < length;) {
    size_t step = utf8_length(bytes + at, length - at);
    if (step == 0) return false;
    at += step;
  }
  return true;
}

const char *url_decode(struct arena *arena, const char *text, size_t length, bool plus_is_space) {
  char *decoded = arena_alloc(arena, length + 1);
  size_t at = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '+' && plus_is_space) {
      decoded[at++] = ' ';
    } else if (text[i] == '%') {
      int high = i + 2 < length ? hex_digit(text[i + 1]) : -1, low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return NULL;
      decoded[at++] = (char)(high * 16 + low);
      i += 2;
    } else {
      decoded[at++] = text[i];
    }
  }
  return is_printable_utf8(decoded, at) ? decoded : NULL;
}

/* ---- values ---- */

static bool is_word_of(const char *words, const char *value) {
  size_t length = strlen(value);
  if (length == 0 || strchr(value, ' ')) return false;
  for (const char *word = words; word; word = strchr(word, ' ')) {
    word += word[0] == ' ';
    if (strncmp(word, value, length) == 0 && (word[length] == ' ' || word[length] == '\0')) return true;
  }
  return false;
}

/* A day, or an instant as PostgreSQL reads it whatever its offset was (PostgreSQL's go up to 15:59). A '+' that nobody
 * encoded arrives as a space: in front of an offset it can be nothing else. NULL when it is neither. */
static const char *read_time(const char *value, struct arena *arena) {
  enum { OFFSET_LENGTH = 6 }; /* +02:00 */
  struct error ignored;
  struct date date;
  struct utime time;
  char text[UTIME_TEXT_MAX], *copy = arena_strdup(arena, value);
  size_t length = strlen(copy);
  if (date_parse(value, "", &date, &ignored) == RC_OK) return value;
  if (length > OFFSET_LENGTH && copy[length - OFFSET_LENGTH] == ' ') copy[length - OFFSET_LENGTH] = '+';
  if (utime_parse(copy, "", &time, &ignored) != RC_OK) return NULL;
  return arena_strdup(arena, utime_format_us(time, text));
}

/* What is wrong with a value, or NULL. */
static const char *value_fault(const struct filter *filter, const char *value, struct arena *arena) {
  struct error ignored;
  struct uuid id;
  struct date date;
  switch (filter->type) {
  case FILTER_UUID: return uuid_parse(value, &id) ? NULL : "must be a UUID";
  case FILTER_CHOICE:
    return is_word_of(filter->choices, value) ? NULL : arena_printf(arena, "must be one of %s", filter->choices);
  case FILTER_SEARCH:
  case FILTER_TEXT: return value[0] ? NULL : "must not be empty";
  case FILTER_DATE: return date_parse(value, filter->name, &date, &ignored) == RC_OK ? NULL : "must be a date";
  case FILTER_TIME: return read_time(value, arena) ? NULL : "must be a date or an RFC 3339 time";
  case FILTER_CURRENCY: return currency_find(value) ? NULL : "must be an ISO 4217 currency";
  }
  return NULL;
}

static bool parse_number(const char *text, int64_t least, int64_t most, int64_t *ret_number) {
  size_t length = strlen(text);
  if (length == 0 || length > 9 || strspn(text, "0123456789") != length) return false;
  int64_t number = strtoll(text, NULL, 10);
  if (number < least || number > most) return false;
  *ret_number = number;
  return true;
}

/* ---- the query ---- */

struct parse {
  const struct list *list;
  struct arena *arena;
  struct list_query *query;
  fault_sink *sink;
  void *context;
  const char *seen[QUERY_MEMBERS_MAX];
  size_t seen_count;
};

static void fault(struct parse *parse, const char *field, const char *text) {
  parse->sink(parse->context, field, text);
}

static bool sort_is_known(const struct list *list, const char *sort) {
  const char *name = sort[0] == '-' ? sort + 1 : sort;
  for (size_t i = 0; i < SORTS_MAX && list->sorts[i]; i++) {
    const char *known = list->sorts[i][0] == '-' ? list->sorts[i] + 1 : list->sorts[i];
    if (strcmp(known, name) == 0) return true;
  }
  return false;
}

static bool parse_habit(struct parse *parse, const char *name, const char *value) {
  struct list_query *query = parse->query;
  struct uuid id;
  if (strcmp(name, "page") == 0) {
    if (!parse_number(value, 1, LIST_PAGE_MAX, &query->page))
      fault(parse, name, "must be a number from 1 to 1000; use after=<id> to go on from there");
  } else if (strcmp(name, "limit") == 0) {
    if (!parse_number(value, 1, LIST_LIMIT_MAX, &query->limit)) fault(parse, name, "must be a number from 1 to 100");
  } else if (strcmp(name, "sort") == 0) {
    query->sort = value;
    if (!sort_is_known(parse->list, value)) fault(parse, name, "is not a field that this list can be sorted by");
  } else if (strcmp(name, "after") == 0) {
    query->after = value;
    if (!uuid_parse(value, &id)) fault(parse, name, "must be a UUID");
  } else {
    return false;
  }
  return true;
}

static void parse_member(struct parse *parse, const char *name, const char *value) {
  for (size_t i = 0; i < parse->seen_count; i++)
    if (strcmp(parse->seen[i], name) == 0) return fault(parse, name, "is given twice");
  if (parse->seen_count == QUERY_MEMBERS_MAX) return fault(parse, name, "is one parameter too many");
  parse->seen[parse->seen_count++] = name;
  if (strlen(value) > QUERY_VALUE_MAX) return fault(parse, name, "is too long");
  if (parse_habit(parse, name, value)) return;
  for (size_t i = 0; i < FILTERS_MAX && parse->list->filters[i].name; i++) {
    const struct filter *filter = &parse->list->filters[i];
    if (strcmp(filter->name, name) != 0) continue;
    const char *wrong = value_fault(filter, value, parse->arena);
    if (wrong) return fault(parse, name, wrong);
    parse->query->values[i] = filter->type == FILTER_TIME ? read_time(value, parse->arena) : value;
    return;
  }
  fault(parse, name, "is not a parameter of this list");
}

/* `after` continues the list's own order, forwards or backwards, and no other. */
static void check_after(struct parse *parse) {
  const struct list_query *query = parse->query;
  const char *own = parse->list->sorts[0];
  const char *name = own[0] == '-' ? own + 1 : own;
  const char *asked = query->sort[0] == '-' ? query->sort + 1 : query->sort;
  if (query->after && strcmp(name, asked) != 0)
    fault(parse, "after", arena_printf(parse->arena, "works with sort=%s or -%s only", name, name));
  if (query->after && query->page != 1) fault(parse, "page", "cannot be combined with after");
}

void list_query_parse(const struct list *list, const char *text, struct arena *arena, struct list_query *ret_query,
                      fault_sink *sink, void *context) {
  *ret_query = (struct list_query){.page = 1, .limit = LIST_LIMIT_DEFAULT, .sort = list->sorts[0]};
  struct parse parse = {.list = list, .arena = arena, .query = ret_query, .sink = sink, .context = context};
  for (const char *at = text ? text : ""; *at;) {
    size_t length = strcspn(at, "&");
    const char *equals = memchr(at, '=', length);
    size_t name_length = equals ? (size_t)(equals - at) : length;
    if (length > 0) {
      const char *name = url_decode(arena, at, name_length, true);
      const char *value = equals ? url_decode(arena, equals + 1, length - name_length - 1, true) : "";
      if (!name || !value)
        fault(&parse, name ? name : "query", "is not properly encoded");
      else
        parse_member(&parse, name, value);
    }
    at += length + (at[length] == '&');
  }
  check_after(&parse);
}
