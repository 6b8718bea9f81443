/* Time zones, read by ourselves: libc's can only do one zone for the whole process. A zone is its file's transitions
 * and, after the last of them, the POSIX TZ rule of the file's footer. Everything asked of it is answered from spans:
 * stretches of time with one offset, found for an instant and walked from one to the next. */
#include "base/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"

enum {
  FILE_BYTES_MAX = 256 * 1024,
  PATH_BYTES_MAX = 512,
  BUCKETS = 128,
  OFFSET_MAX_S = 26 * 3600, /* RFC 8536: within 25:59:59 */
  DAY_S = 86400,
};

/* ---- the POSIX TZ rule ---- */

enum rule_kind { RULE_JULIAN, RULE_DAY_OF_YEAR, RULE_MONTH };

/* When in a year a change takes place; time_s from local midnight by the clock before it, -167 to 167 hours. */
struct rule {
  enum rule_kind kind;
  int day;  /* RULE_JULIAN 1-365 (Feb 29 never counts), RULE_DAY_OF_YEAR 0-365, RULE_MONTH 0 Sunday - 6 */
  int week; /* 1-5, 5 the last */
  int month;
  int32_t time_s;
};

struct footer {
  bool is_given;
  bool has_dst;
  int32_t standard_s, dst_s; /* east of UTC */
  struct rule to_dst, to_standard;
};

struct zone {
  struct zone *next;
  char name[ZONE_NAME_MAX + 1];
  size_t count;
  int64_t *times;   /* transition i happens at times[i] ... */
  int32_t *offsets; /* ... and this offset holds from then on */
  int32_t first_offset;
  struct footer footer;
};

/* A stretch of time with one offset: [start, end), seconds since 1970 in UTC. */
struct span {
  int64_t start, end;
  int32_t offset_s;
};

/* A name of three or more letters, or anything in <>. */
static bool read_name(const char **at) {
  const char *from = *at;
  if (*from == '<') {
    const char *end = strchr(from, '>');
    if (end == NULL) return false;
    *at = end + 1;
    return true;
  }
  while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z')) (*at)++;
  return *at - from >= 3;
}

static bool read_int(const char **at, int max, int *ret_number) {
  int number = 0;
  const char *from = *at;
  for (; **at >= '0' && **at <= '9'; (*at)++) {
    number = number * 10 + (**at - '0');
    if (number > max) return false;
  }
  *ret_number = number;
  return *at != from;
}

/* [+-]hh[:mm[:ss]] */
static bool read_clock(const char **at, int32_t *ret_seconds) {
  int sign = **at == '-' ? -1 : 1;
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
  if (**at == '+' || **at == '-') (*at)++;
  if (!read_int(at, 167, &hours)) return false;
  if (**at == ':') {
    (*at)++;
    if (!read_int(at, 59, &minutes)) return false;
  }
  if (**at == ':') {
    (*at)++;
    if (!read_int(at, 59, &seconds)) return false;
  }
  *ret_seconds = sign * (hours * 3600 + minutes * 60 + seconds);
  return true;
}

static bool read_month_rule(const char **at, struct rule *rule) {
  (*at)++; /* the M */
  if (!read_int(at, 12, &rule->month) || *(*at)++ != '.') return false;
  if (!read_int(at, 5, &rule->week) || *(*at)++ != '.') return false;
  return read_int(at, 6, &rule->day) && rule->month >= 1 && rule->week >= 1;
}

/* ",M3.5.0/2", ",J60", ",59/-1" */
static bool read_rule(const char **at, struct rule *ret_rule) {
  struct rule rule = {.kind = RULE_DAY_OF_YEAR, .time_s = 2 * 3600};
  if (*(*at)++ != ',') return false;
  bool ok;
  if (**at == 'M') {
    rule.kind = RULE_MONTH;
    ok = read_month_rule(at, &rule);
  } else if (**at == 'J') {
    rule.kind = RULE_JULIAN;
    (*at)++;
    ok = read_int(at, 365, &rule.day) && rule.day >= 1;
  } else {
    ok = read_int(at, 365, &rule.day);
  }
  if (ok && **at == '/') {
    (*at)++;
    ok = read_clock(at, &rule.time_s);
  }
  *ret_rule = rule;
  return ok;
}

/* POSIX writes offsets west of Greenwich. */
static bool read_offset(const char **at, int32_t *ret_east_s) {
  int32_t west_s;
  if (!read_clock(at, &west_s) || west_s > OFFSET_MAX_S || west_s < -OFFSET_MAX_S) return false;
  *ret_east_s = -west_s;
  return true;
}

static bool footer_parse(const char *text, struct footer *ret_footer) {
  struct footer footer = {.is_given = text[0] != '\0'};
  const char *at = text;
  if (footer.is_given && (!read_name(&at) || !read_offset(&at, &footer.standard_s))) return false;
  if (*at != '\0') {
    footer.has_dst = true;
    footer.dst_s = footer.standard_s + 3600;
    if (!read_name(&at)) return false;
    if (*at != ',' && !read_offset(&at, &footer.dst_s)) return false;
    if (!read_rule(&at, &footer.to_dst) || !read_rule(&at, &footer.to_standard)) return false;
  }
  *ret_footer = footer;
  return *at == '\0';
}

static int64_t days_of_civil(int year, int month, int day) {
  return date_from_civil((struct civil){year, month, day}).days;
}

static int64_t rule_days(const struct rule *rule, int year) {
  switch (rule->kind) {
  case RULE_JULIAN: return days_of_civil(year, 1, 1) + rule->day - 1 + (is_leap_year(year) && rule->day >= 60 ? 1 : 0);
  case RULE_DAY_OF_YEAR: return days_of_civil(year, 1, 1) + rule->day;
  case RULE_MONTH: {
    int64_t first = days_of_civil(year, rule->month, 1);
    int first_weekday = date_weekday((struct date){(int32_t)first}) % 7; /* 0 Sunday */
    int day = 1 + (rule->day - first_weekday + 7) % 7 + (rule->week - 1) * 7;
    if (day > days_in_month(year, rule->month)) day -= 7;
    return first + day - 1;
  }
  }
  assert_failed("a rule kind", __FILE__, __LINE__);
}

/* The year that t falls in, or the nearest that a date can have. */
static int year_of(int64_t t) {
  int64_t days = t / DAY_S - (t % DAY_S < 0 ? 1 : 0);
  if (days < days_of_civil(1, 1, 1)) return 1;
  if (days > days_of_civil(9999, 12, 31)) return 9999;
  return date_to_civil((struct date){(int32_t)days}).year;
}

/* The span of the rule that holds at t: of the changes around t, in order, the last one at or before it. */
static struct span footer_span(const struct footer *footer, int64_t t) {
  if (!footer->has_dst) return (struct span){INT64_MIN, INT64_MAX, footer->standard_s};
  struct span span = {INT64_MIN, INT64_MAX, footer->standard_s};
  int64_t best_after = INT64_MAX;
  int year = year_of(t);
  for (int y = year - 1; y <= year + 1; y++) {
    if (y < 1 || y > 9999) continue;
    const struct span changes[2] = {
        {rule_days(&footer->to_dst, y) * DAY_S + footer->to_dst.time_s - footer->standard_s, 0, footer->dst_s},
        {rule_days(&footer->to_standard, y) * DAY_S + footer->to_standard.time_s - footer->dst_s, 0,
         footer->standard_s},
    };
    for (size_t i = 0; i < 2; i++) {
      const struct span *change = &changes[i];
      if (change->start > t) {
        if (change->start < best_after) best_after = change->start;
      } else if (change->start >= span.start) {
        span.start = change->start;
        span.offset_s = change->offset_s;
      }
    }
  }
  span.end = best_after;
  return span;
}

/* ---- spans ---- */

/* The number of transitions at or before t. */
static size_t transitions_until(const struct zone *zone, int64_t t) {
  size_t low = 0;
  size_t high = zone->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (zone->times[middle] <= t) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static struct span span_at(const struct zone *zone, int64_t t) {
  size_t before = transitions_until(zone, t);
  if (before == zone->count && zone->footer.is_given) {
    struct span span = footer_span(&zone->footer, t);
    if (zone->count > 0 && span.start < zone->times[zone->count - 1]) span.start = zone->times[zone->count - 1];
    return span;
  }
  return (struct span){
      .start = before > 0 ? zone->times[before - 1] : INT64_MIN,
      .end = before < zone->count ? zone->times[before] : INT64_MAX,
      .offset_s = before > 0 ? zone->offsets[before - 1] : zone->first_offset,
  };
}

static int64_t floor_seconds(struct utime t) {
  return t.us / UTIME_SECOND - (t.us % UTIME_SECOND < 0 ? 1 : 0);
}

const char *zone_name(const struct zone *zone) {
  return zone->name;
}

int32_t zone_offset_s(const struct zone *zone, struct utime at) {
  return span_at(zone, floor_seconds(at)).offset_s;
}

struct date zone_date(const struct zone *zone, struct utime at) {
  int64_t local = floor_seconds(at) + zone_offset_s(zone, at);
  return (struct date){(int32_t)(local / DAY_S - (local % DAY_S < 0 ? 1 : 0))};
}

/* BILL-013: the first instant whose local time is at or after the date's midnight. That is midnight where it exists,
 * the earlier one where it comes twice, and where it was left out the end of the gap, be it an hour or a day. */
struct utime zone_midnight(const struct zone *zone, struct date date) {
  int64_t local = (int64_t)date.days * DAY_S;
  struct span span = span_at(zone, local - OFFSET_MAX_S);
  for (;;) {
    int64_t t = local - span.offset_s;
    if (t < span.start) t = span.start;
    if (t < span.end) return (struct utime){t * UTIME_SECOND};
    span = span_at(zone, span.end);
  }
}

/* ---- TZif files (RFC 8536) ---- */

struct tzif_header {
  char version;
  size_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

enum { HEADER_BYTES = 44, TYPE_BYTES = 6 };

static uint64_t big_endian(const uint8_t *bytes, size_t length) {
  uint64_t value = 0;
  for (size_t i = 0; i < length; i++) value = value << 8 | bytes[i];
  return value;
}

static bool read_header(const uint8_t *bytes, size_t length, struct tzif_header *ret_header) {
  if (length < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0) return false;
  *ret_header = (struct tzif_header){
      .version = (char)bytes[4],
      .isutcnt = big_endian(bytes + 20, 4),
      .isstdcnt = big_endian(bytes + 24, 4),
      .leapcnt = big_endian(bytes + 28, 4),
      .timecnt = big_endian(bytes + 32, 4),
      .typecnt = big_endian(bytes + 36, 4),
      .charcnt = big_endian(bytes + 40, 4),
  };
  return true;
}

/* The size of a block without its header; counts are 32 bits wide, so this does not overflow. */
static size_t block_bytes(const struct tzif_header *header, size_t time_bytes) {
  return header->timecnt * time_bytes + header->timecnt + header->typecnt * TYPE_BYTES + header->charcnt +
         header->leapcnt * (time_bytes + 4) + header->isstdcnt + header->isutcnt;
}

/* The block of 64-bit times: transitions and types. Times must ascend, types exist. */
static bool read_block(struct zone *zone, const struct tzif_header *header, const uint8_t *bytes) {
  const uint8_t *times = bytes;
  const uint8_t *indexes = times + header->timecnt * 8;
  const uint8_t *types = indexes + header->timecnt;
  zone->count = header->timecnt;
  zone->times = calloc(zone->count + 1, sizeof zone->times[0]);
  zone->offsets = calloc(zone->count + 1, sizeof zone->offsets[0]);
  if (zone->times == NULL || zone->offsets == NULL) return false;
  zone->first_offset = (int32_t)(uint32_t)big_endian(types, 4);
  for (size_t i = 0; i < zone->count; i++) {
    if (indexes[i] >= header->typecnt) return false;
    zone->times[i] = (int64_t)big_endian(times + i * 8, 8);
    zone->offsets[i] = (int32_t)(uint32_t)big_endian(types + (size_t)indexes[i] * TYPE_BYTES, 4);
    if (i > 0 && zone->times[i] <= zone->times[i - 1]) return false;
    if (zone->offsets[i] > OFFSET_MAX_S || zone->offsets[i] < -OFFSET_MAX_S) return false;
  }
  return zone->first_offset <= OFFSET_MAX_S && zone->first_offset >= -OFFSET_MAX_S;
}

/* The footer is the rest of the file: a line between two newlines. */
static bool read_footer(struct zone *zone, const uint8_t *bytes, size_t length) {
  char text[128];
  if (length < 2 || length - 2 >= sizeof text || bytes[0] != '\n' || bytes[length - 1] != '\n') return false;
  memcpy(text, bytes + 1, length - 2);
  text[length - 2] = '\0';
  return footer_parse(text, &zone->footer);
}

static bool zone_parse(struct zone *zone, const uint8_t *bytes, size_t length) {
  struct tzif_header first;
  struct tzif_header header;
  if (!read_header(bytes, length, &first) || first.version < '2') return false;
  size_t at = HEADER_BYTES + block_bytes(&first, 4);
  if (at > length || !read_header(bytes + at, length - at, &header)) return false;
  at += HEADER_BYTES;
  size_t size = block_bytes(&header, 8);
  if (header.leapcnt != 0 || header.typecnt == 0 || size > length - at) return false;
  return read_block(zone, &header, bytes + at) && read_footer(zone, bytes + at + size, length - at - size);
}

/* ---- files and the cache ---- */

/* Files beside the zones: what this machine's own is (another one has another), what has none yet, and the same zones
 * once more, with leap seconds and without. */
static bool is_beside_zones(const char *name) {
  static const char *const FILES[] = {"localtime", "posixrules", "Factory"}, *const FOLDERS[] = {"posix/", "right/"};
  for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
    if (strcmp(name, FILES[i]) == 0) return true;
  for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
    if (strncmp(name, FOLDERS[i], strlen(FOLDERS[i])) == 0) return true;
  return false;
}

static bool is_name(const char *name) {
  static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
  size_t length = strlen(name);
  return length > 0 && length <= ZONE_NAME_MAX && name[0] != '/' && strspn(name, ALLOWED) == length &&
         !is_beside_zones(name);
}

static void close_file(const int *fd) {
  if (*fd >= 0) (void)close(*fd);
}

static void free_bytes(uint8_t **bytes) {
  free(*bytes);
}

static void zone_free(struct zone *zone) {
  free(zone->times);
  free(zone->offsets);
  free(zone);
}

/* Reads a whole file of at most FILE_BYTES_MAX. False with errno. */
static bool read_file(const char *path, uint8_t *bytes, size_t *ret_length) {
  int fd __attribute__((cleanup(close_file))) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) return false;
  errno = ENOENT;
  /* cppcheck-suppress resourceLeak ; closed by its cleanup attribute */
  if (!S_ISREG(status.st_mode)) return false;
  size_t length = 0;
  while (length < FILE_BYTES_MAX) {
    ssize_t got = read(fd, bytes + length, FILE_BYTES_MAX - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    length += (size_t)got;
  }
  *ret_length = length;
  return true;
}

/* What errno says of opening the file: that there is no such zone, or that the world is short of something. */
static enum rc cannot_open(const char *field, struct error *err) {
  bool is_shortage = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO;
  if (is_shortage) return error_set(err, RC_UNAVAILABLE, "the time zones cannot be read: %s", strerrordesc_np(errno));
  return error_field(err, RC_VALIDATION, field, "there is no such time zone");
}

static enum rc zone_load(const char *name, const char *field, struct zone **ret_zone, struct error *err) {
  char path[PATH_BYTES_MAX];
  size_t length = 0;
  const char *directory = getenv("TZDIR");
  if (directory == NULL || directory[0] == '\0') directory = "/usr/share/zoneinfo";
  int written = snprintf(path, sizeof path, "%s/%s", directory, name);
  if (written < 0 || (size_t)written >= sizeof path)
    return error_field(err, RC_VALIDATION, field, "there is no such time zone");

  uint8_t *bytes CLEANUP(free_bytes) = malloc(FILE_BYTES_MAX);
  struct zone *zone = calloc(1, sizeof *zone);
  ASSERT(bytes != NULL && zone != NULL);
  (void)snprintf(zone->name, sizeof zone->name, "%s", name);
  if (!read_file(path, bytes, &length)) {
    enum rc rc = cannot_open(field, err);
    zone_free(zone);
    return rc;
  }
  if (!zone_parse(zone, bytes, length)) {
    zone_free(zone);
    return error_field(err, RC_VALIDATION, field, "there is no such time zone");
  }
  *ret_zone = zone;
  return RC_OK;
}

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct zone *cache[BUCKETS];

static struct zone **bucket_of(const char *name) {
  uint32_t hash = 2166136261U; /* FNV-1a */
  for (; *name != '\0'; name++) hash = (hash ^ (uint8_t)*name) * 16777619U;
  return &cache[hash % BUCKETS];
}

enum rc zone_find(const char *name, const char *field, const struct zone **ret_zone, struct error *err) {
  if (!is_name(name)) return error_field(err, RC_VALIDATION, field, "there is no such time zone");
  enum rc rc = RC_OK;
  pthread_mutex_lock(&cache_mutex);
  struct zone **bucket = bucket_of(name);
  struct zone *zone = *bucket;
  while (zone != NULL && strcmp(zone->name, name) != 0) zone = zone->next;
  if (zone == NULL) {
    rc = zone_load(name, field, &zone, err);
    if (rc == RC_OK) {
      ASSERT(zone != NULL);
      zone->next = *bucket;
      *bucket = zone;
    }
  }
  pthread_mutex_unlock(&cache_mutex);
  if (rc == RC_OK) *ret_zone = zone;
  return rc;
}
