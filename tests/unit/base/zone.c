/* Zones against libc's reading of the same database, against known instants, and against files that are not what they
 * should be. Each test is a process of its own, so TZ and TZDIR may be set at will. */
#include "base/zone.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "unit/property.h"

enum { NAMES_MAX = 1000, FILE_MAX = 65536, DAY_S = 86400 };

static const struct zone *zone_of(const char *name) {
  const struct zone *zone = NULL;
  struct error err = {.text = ""};
  cr_assert_eq(zone_find(name, "timeZone", &zone, &err), RC_OK, "%s: %s", name, err.text);
  return zone;
}

static struct date day(const char *text) {
  struct date date = {0};
  struct error err;
  cr_assert_eq(date_parse(text, "date", &date, &err), RC_OK, "%s", text);
  return date;
}

/* ---- known instants: BILL-013 ---- */

Test(zone, midnight_is_where_the_rule_says) {
  static const struct {
    const char *zone, *date, *midnight;
  } CASES[] = {
      {"UTC", "2026-11-21", "2026-11-21T00:00:00.000Z"},
      {"UTC", "0001-01-01", "0001-01-01T00:00:00.000Z"},
      {"Asia/Kathmandu", "2026-11-21", "2026-11-20T18:15:00.000Z"},
      {"Africa/Monrovia", "1971-06-01", "1971-06-01T00:44:30.000Z"},
      {"Australia/Lord_Howe", "2024-01-01", "2023-12-31T13:00:00.000Z"},
      {"Australia/Lord_Howe", "2024-07-01", "2024-06-30T13:30:00.000Z"},
      {"Europe/Dublin", "2024-01-01", "2024-01-01T00:00:00.000Z"},
      {"Europe/Dublin", "2024-07-01", "2024-06-30T23:00:00.000Z"},
      /* it does not exist: the first instant of the date */
      {"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z"},
      {"Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00.000Z"},
      {"Africa/Cairo", "2023-04-28", "2023-04-27T22:00:00.000Z"},
      {"America/Havana", "2024-03-10", "2024-03-10T05:00:00.000Z"},
      /* it comes twice: the earlier */
      {"America/Havana", "2024-11-03", "2024-11-03T04:00:00.000Z"},
      {"Asia/Amman", "2021-10-29", "2021-10-28T21:00:00.000Z"},
      {"Atlantic/Azores", "2024-10-27", "2024-10-27T00:00:00.000Z"},
      /* the clock goes back from midnight into the day before: midnight comes once, an hour later */
      {"America/Sao_Paulo", "2019-02-17", "2019-02-17T03:00:00.000Z"},
      {"Asia/Beirut", "2022-10-30", "2022-10-29T22:00:00.000Z"},
      /* a date that the zone skipped begins where the next one does */
      {"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00.000Z"},
      {"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z"},
      {"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00.000Z"},
      {"Pacific/Apia", "2012-01-01", "2011-12-31T10:00:00.000Z"},
      {"Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00:00.000Z"},
      {"Pacific/Kwajalein", "1993-08-22", "1993-08-21T12:00:00.000Z"},
      /* by the footer */
      {"Europe/Berlin", "2090-01-01", "2089-12-31T23:00:00.000Z"},
      {"Europe/Berlin", "2090-07-01", "2090-06-30T22:00:00.000Z"},
      {"America/Nuuk", "2090-01-01", "2090-01-01T02:00:00.000Z"},
      {"America/Nuuk", "2090-07-01", "2090-07-01T01:00:00.000Z"},
      {"Australia/Sydney", "2090-01-01", "2089-12-31T13:00:00.000Z"},
      {"Australia/Sydney", "2090-07-01", "2090-06-30T14:00:00.000Z"},
      {"Africa/Cairo", "2090-04-28", "2090-04-27T22:00:00.000Z"},
      {"Asia/Kolkata", "9999-12-31", "9999-12-30T18:30:00.000Z"},
      {"Europe/Berlin", "9999-12-31", "9999-12-30T23:00:00.000Z"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[UTIME_TEXT_MAX];
    struct utime midnight = zone_midnight(zone_of(CASES[i].zone), day(CASES[i].date));
    cr_expect_str_eq(utime_format(midnight, text), CASES[i].midnight, "%s %s: %s", CASES[i].zone, CASES[i].date, text);
  }
}

Test(zone, the_local_date_changes_with_the_zone) {
  static const struct {
    const char *zone, *instant, *date;
  } CASES[] = {
      {"UTC", "1969-12-31T23:59:59.999999Z", "1969-12-31"},
      {"UTC", "1970-01-01T00:00:00Z", "1970-01-01"},
      {"Asia/Tokyo", "2026-11-21T14:59:59.999Z", "2026-11-21"},
      {"Asia/Tokyo", "2026-11-21T15:00:00Z", "2026-11-22"},
      {"America/New_York", "2026-11-21T04:59:59Z", "2026-11-20"},
      {"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29"},
      {"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31"},
      {"Pacific/Kiritimati", "2026-01-01T10:00:00Z", "2026-01-02"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[DATE_TEXT_MAX];
    struct utime at;
    struct error err;
    cr_assert_eq(utime_parse(CASES[i].instant, "at", &at, &err), RC_OK);
    cr_expect_str_eq(date_format(zone_date(zone_of(CASES[i].zone), at), text), CASES[i].date, "row %zu", i);
  }
}

/* ---- against libc ---- */

static char names[NAMES_MAX][ZONE_NAME_MAX + 1];

/* The names in the database's own list. */
static size_t read_names(void) {
  char line[512];
  size_t count = 0;
  FILE *table = fopen("/usr/share/zoneinfo/zone1970.tab", "r");
  cr_assert_not_null(table);
  while (fgets(line, sizeof line, table) != NULL && count < NAMES_MAX) {
    if (line[0] != '#' && sscanf(line, "%*s %*s %64s", names[count]) == 1) count++;
  }
  (void)fclose(table);
  cr_assert_gt(count, 200);
  return count;
}

static void libc_uses(const char *tz) {
  (void)setenv("TZ", tz, 1);
  tzset();
}

static int64_t libc_offset_s(int64_t t) {
  struct tm tm;
  time_t seconds = (time_t)t;
  cr_assert_not_null(localtime_r(&seconds, &tm));
  return tm.tm_gmtoff;
}

static int64_t our_offset_s(const struct zone *zone, int64_t t) {
  return zone_offset_s(zone, (struct utime){t * UTIME_SECOND});
}

/* The first second at or after the date's midnight by libc's clock: a quarter of an hour at a time, then by halving. */
static int64_t libc_midnight(struct date date) {
  int64_t local = (int64_t)date.days * DAY_S;
  int64_t t = local - 27 * 3600L;
  while (t + libc_offset_s(t) < local) t += 900;
  int64_t before = t - 900;
  while (t - before > 1) {
    int64_t middle = before + (t - before) / 2;
    if (middle + libc_offset_s(middle) < local) {
      before = middle;
    } else {
      t = middle;
    }
  }
  return t;
}

Test(zone, offsets_agree_with_libc_in_every_zone) {
  struct dice dice = dice_new();
  size_t count = read_names();
  int64_t first = (int64_t)day("1900-01-01").days * DAY_S;
  int64_t last = (int64_t)day("2400-12-31").days * DAY_S;
  for (size_t i = 0; i < count; i++) {
    const struct zone *zone = zone_of(names[i]);
    libc_uses(names[i]);
    cr_expect_str_eq(zone_name(zone), names[i]);
    for (int j = 0; j < 500; j++) {
      int64_t t = dice_between(&dice, first, j % 2 == 0 ? last : (int64_t)UINT32_MAX / 2);
      cr_assert_eq(our_offset_s(zone, t), libc_offset_s(t), "%s at %lld", names[i], (long long)t);
    }
  }
}

Test(zone, offsets_agree_with_libc_to_the_second_around_each_change) {
  size_t count = read_names();
  int64_t first = (int64_t)day("2010-01-01").days * DAY_S;
  int64_t last = (int64_t)day("2045-12-31").days * DAY_S;
  for (size_t i = 0; i < count; i += 3) {
    const struct zone *zone = zone_of(names[i]);
    libc_uses(names[i]);
    for (int64_t t = first; t < last; t += 7L * DAY_S) {
      int64_t low = t;
      int64_t high = t + 7L * DAY_S;
      int64_t offset = our_offset_s(zone, low);
      cr_assert_eq(offset, libc_offset_s(low), "%s at %lld", names[i], (long long)low);
      if (our_offset_s(zone, high) == offset) continue;
      while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        *(our_offset_s(zone, middle) == offset ? &low : &high) = middle;
      }
      cr_assert_eq(libc_offset_s(low), offset, "%s at %lld", names[i], (long long)low);
      cr_assert_eq(libc_offset_s(high), our_offset_s(zone, high), "%s at %lld", names[i], (long long)high);
    }
  }
}

Test(zone, midnights_agree_with_libc_on_the_days_of_changes) {
  size_t count = read_names();
  for (size_t i = 0; i < count; i++) {
    const struct zone *zone = zone_of(names[i]);
    libc_uses(names[i]);
    for (struct date date = day("1985-01-01"), last = day("2045-12-31"); date.days < last.days; date.days++) {
      int64_t midnight = zone_midnight(zone, date).us / UTIME_SECOND;
      int64_t day_before = midnight - DAY_S;
      bool is_plain = zone_midnight(zone, (struct date){date.days + 1}).us / UTIME_SECOND - midnight == DAY_S &&
                      our_offset_s(zone, day_before) == our_offset_s(zone, midnight + DAY_S);
      if (!is_plain) cr_assert_eq(midnight, libc_midnight(date), "%s on day %d", names[i], date.days);
    }
  }
}

Test(zone, midnight_is_on_its_date_and_the_second_before_is_not) {
  struct dice dice = dice_new();
  size_t count = read_names();
  for (int i = 0; i < PROPERTY_CASES * 5; i++) {
    const struct zone *zone = zone_of(names[dice_between(&dice, 0, (int64_t)count - 1)]);
    struct date date = {(int32_t)dice_between(&dice, -30000, 100000)};
    struct utime midnight = zone_midnight(zone, date);
    struct utime next = zone_midnight(zone, (struct date){date.days + 1});
    bool is_skipped = midnight.us == next.us;
    cr_assert_leq(midnight.us, next.us, "%s on day %d", zone_name(zone), date.days);
    cr_assert_eq(zone_date(zone, midnight).days, date.days + (is_skipped ? 1 : 0), "%s on day %d", zone_name(zone),
                 date.days);
    cr_assert_lt(zone_date(zone, (struct utime){midnight.us - 1}).days, date.days, "%s on day %d", zone_name(zone),
                 date.days);
  }
}

/* ---- names ---- */

Test(zone, a_zone_is_read_once) {
  cr_expect_eq(zone_of("Europe/Berlin"), zone_of("Europe/Berlin"));
  cr_expect_neq(zone_of("Europe/Berlin"), zone_of("Europe/Paris"));
}

Test(zone, what_is_no_zone_is_refused_by_field) {
  static char too_long[ZONE_NAME_MAX + 2];
  memset(too_long, 'a', sizeof too_long - 1);
  const char *const cases[] = {
      "",
      "Europe/Atlantis",
      "Europe",
      "europe/berlin",
      "/etc/passwd",
      "../../etc/passwd",
      "Europe/../UTC",
      "Europe/Berlin ",
      "Europe\\Berlin",
      "zone1970.tab",
      "Europe/Berlin/",
      "UTC\n",
      too_long,
      "tzdata.zi",
      "localtime",
      "posixrules",
      "Factory",
      "posix/Europe/Berlin",
      "right/Europe/Berlin",
      "Europe/Berl\xC3\xADn",
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct zone *zone = NULL;
    struct error err = {.code = RC_OK};
    cr_expect_eq(zone_find(cases[i], "timeZone", &zone, &err), RC_VALIDATION, "\"%s\"", cases[i]);
    cr_expect_str_eq(err.field, "timeZone");
    cr_expect_null(zone);
  }
}

static void *find_all(void *found) {
  static const char *const NAMES[] = {"Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC", "Pacific/Apia"};
  const struct zone **zones = found;
  for (int round = 0; round < 200; round++) {
    for (size_t i = 0; i < 5; i++) zones[i] = zone_of(NAMES[i]);
  }
  return NULL;
}

Test(zone, threads_find_the_same_zones) {
  enum { THREADS = 8 };
  static const struct zone *zones[THREADS][5];
  pthread_t threads[THREADS];
  for (size_t i = 0; i < THREADS; i++) cr_assert_eq(pthread_create(&threads[i], NULL, find_all, zones[i]), 0);
  for (size_t i = 0; i < THREADS; i++) cr_assert_eq(pthread_join(threads[i], NULL), 0);
  for (size_t i = 1; i < THREADS; i++) cr_expect_eq(memcmp(zones[0], zones[i], sizeof zones[0]), 0);
}

/* ---- files of our own ---- */

static char directory[] = "/tmp/cloudbill-zone-XXXXXX";

static void own_directory(void) {
  cr_assert_not_null(mkdtemp(directory));
  (void)setenv("TZDIR", directory, 1);
}

static void write_zone(const char *name, const void *bytes, size_t length) {
  char path[256];
  (void)snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, "w");
  cr_assert_not_null(file);
  cr_assert_eq(fwrite(bytes, 1, length, file), length);
  cr_assert_eq(fclose(file), 0);
}

static void remove_zone(const char *name) {
  char path[256];
  (void)snprintf(path, sizeof path, "%s/%s", directory, name);
  (void)unlink(path);
}

static void no_own_directory(void) {
  static const char *const NAMES[] = {"X", "Berlin"};
  for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) remove_zone(NAMES[i]);
  (void)rmdir(directory);
}

static enum rc find(const char *name) {
  const struct zone *zone;
  struct error err;
  return zone_find(name, "timeZone", &zone, &err);
}

/* A version 2 file without transitions: one type at the given offset, and a footer. */
static void write_footer_zone(const char *name, int32_t offset_s, const char *footer) {
  struct buf file CLEANUP(buf_release);
  buf_init(&file, FILE_MAX);
  for (int block = 0; block < 2; block++) {
    static const uint8_t COUNTS[24] = {[19] = 1, [23] = 4}; /* one type, four characters */
    uint32_t bits = (uint32_t)offset_s;
    const uint8_t type[6] = {(uint8_t)(bits >> 24), (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits, 0, 0};
    buf_append(&file, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    buf_append(&file, COUNTS, sizeof COUNTS);
    buf_append(&file, type, sizeof type);
    buf_append(&file, "ABC\0", 4);
  }
  buf_printf(&file, "\n%s\n", footer);
  write_zone(name, file.bytes, file.length);
}

Test(zone, footers_mean_what_they_mean_to_libc, .init = own_directory, .fini = no_own_directory) {
  static const char *const FOOTERS[] = {
      "UTC0",
      "CET-1CEST,M3.5.0,M10.5.0/3",
      "EST5EDT,M3.2.0,M11.1.0",
      "<+0530>-5:30",
      "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
      "IST-2IDT,M3.4.4/26,M10.5.0",
      "EET-2EEST,M3.4.4/50,M10.4.4/50",
      "IST-1GMT0,M10.5.0,M3.5.0/1",
      "AEST-10AEDT,M10.1.0,M4.1.0/3",
      "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
      "AAA3BBB,J60/0,J300/0",
      "AAA3BBB,J59/0,J60/12",
      "AAA3BBB,59/1,299/-24",
      "AAA3BBB1:30:15,J1/5,J365/4",
      "AAA-12BBB,M2.1.1/-167,M11.5.6/167",
  };
  struct dice dice = dice_new();
  for (size_t i = 0; i < sizeof FOOTERS / sizeof FOOTERS[0]; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "F%zu", i);
    write_footer_zone(name, 0, FOOTERS[i]);
    const struct zone *zone = zone_of(name);
    remove_zone(name);
    libc_uses(FOOTERS[i]);
    for (int j = 0; j < 20000; j++) {
      int64_t t = dice_between(&dice, DAY_S * 400L, INT64_C(16725225600)); /* 1971 to 2500 */
      cr_assert_eq(our_offset_s(zone, t), libc_offset_s(t), "%s at %lld", FOOTERS[i], (long long)t);
    }
  }
}

Test(zone, summer_all_year_long, .init = own_directory, .fini = no_own_directory) {
  struct dice dice = dice_new();
  write_footer_zone("X", 0, "XXX3EDT4,0/0,J365/23"); /* RFC 8536, section 3.3.1 */
  const struct zone *zone = zone_of("X");
  for (int i = 0; i < PROPERTY_CASES; i++)
    cr_assert_eq(our_offset_s(zone, dice_between(&dice, 0, INT64_C(16725225600))), -14400);
}

Test(zone, without_a_footer_the_last_offset_goes_on, .init = own_directory, .fini = no_own_directory) {
  write_footer_zone("X", -3600, "");
  cr_expect_eq(our_offset_s(zone_of("X"), INT64_C(16725225600)), -3600);
  cr_expect_eq(zone_midnight(zone_of("X"), (struct date){0}).us, 3600 * UTIME_SECOND);
}

Test(zone, the_outermost_years_have_midnights_by_a_footer, .init = own_directory, .fini = no_own_directory) {
  write_footer_zone("X", 0, "CET-1CEST,M3.5.0,M10.5.0/3");
  const struct zone *zone = zone_of("X");
  cr_expect_eq(zone_midnight(zone, day("0001-01-01")).us, day("0001-01-01").days * UTIME_DAY - 3600 * UTIME_SECOND);
  cr_expect_eq(zone_midnight(zone, day("9999-12-31")).us, day("9999-12-31").days * UTIME_DAY - 3600 * UTIME_SECOND);
  (void)zone_offset_s(zone, (struct utime){INT64_MIN});
  (void)zone_offset_s(zone, (struct utime){INT64_MAX});
}

Test(zone, a_bad_footer_makes_a_bad_file, .init = own_directory, .fini = no_own_directory) {
  static const char *const FOOTERS[] = {
      "CET",
      "C-1",
      "<CET-1",
      "CET-1CEST",
      "CET-1CEST,M3.5.0",
      "CET-1CEST,M3.5.0,M10.5.0/3x",
      "CET-1CEST,M13.5.0,M10.5.0",
      "CET-1CEST,M3.6.0,M10.5.0",
      "CET-1CEST,M3.0.0,M10.5.0",
      "CET-1CEST,M0.1.0,M10.5.0",
      "CET-1CEST,M3.5.7,M10.5.0",
      "CET-1CEST,M3.5,M10.5.0",
      "CET-1CEST,M3",
      "CET-1CEST,J0,J300",
      "CET-1CEST,J366,J300",
      "CET-1CEST,366,300",
      "CET-1CEST,,",
      "CET-1CEST;M3.5.0,M10.5.0",
      "CET-1CEST,M3.5.0/168,M10.5.0",
      "CET-1CEST,M3.5.0/1:60,M10.5.0",
      "CET-1CEST,M3.5.0/1:0:60,M10.5.0",
      "CET-99",
      "CET-1:",
      "CET-1CE,M3.5.0,M10.5.0",
      "CET-1CEST-99,M3.5.0,M10.5.0",
      "\n",
  };
  for (size_t i = 0; i < sizeof FOOTERS / sizeof FOOTERS[0]; i++) {
    write_footer_zone("X", 0, FOOTERS[i]);
    cr_expect_eq(find("X"), RC_VALIDATION, "%s", FOOTERS[i]);
  }
}

static size_t read_berlin(uint8_t bytes[static FILE_MAX]) {
  FILE *file = fopen("/usr/share/zoneinfo/Europe/Berlin", "r");
  cr_assert_not_null(file);
  size_t length = fread(bytes, 1, FILE_MAX, file);
  (void)fclose(file);
  cr_assert_gt(length, 500);
  return length;
}

Test(zone, a_file_cut_anywhere_is_refused, .init = own_directory, .fini = no_own_directory) {
  static uint8_t bytes[FILE_MAX];
  size_t length = read_berlin(bytes);
  for (size_t cut = 0; cut < length; cut++) {
    write_zone("Berlin", bytes, cut);
    cr_assert_eq(find("Berlin"), RC_VALIDATION, "cut at %zu of %zu", cut, length);
  }
  write_zone("Berlin", bytes, length);
  cr_expect_eq(find("Berlin"), RC_OK);
}

Test(zone, an_old_or_foreign_file_is_refused, .init = own_directory, .fini = no_own_directory) {
  static uint8_t bytes[FILE_MAX];
  static const struct {
    const char *what;
    size_t at;
    uint8_t byte;
  } CASES[] = {{"the magic", 0, 'X'}, {"version 1", 4, 0}, {"leap seconds", 31, 1}, {"a type too few", 39, 0}};
  size_t length = read_berlin(bytes);
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    uint8_t kept = bytes[CASES[i].at];
    bytes[CASES[i].at] = CASES[i].byte;
    write_zone("Berlin", bytes, length);
    cr_expect_eq(find("Berlin"), RC_VALIDATION, "%s", CASES[i].what);
    bytes[CASES[i].at] = kept;
  }
}

Test(zone, a_damaged_file_is_refused_or_harmless, .init = own_directory, .fini = no_own_directory) {
  static uint8_t bytes[FILE_MAX];
  struct dice dice = dice_new();
  size_t length = read_berlin(bytes);
  for (int i = 0; i < 2000; i++) {
    char name[16];
    size_t at = (size_t)dice_between(&dice, 0, (int64_t)length - 1);
    uint8_t kept = bytes[at];
    bytes[at] = (uint8_t)dice_between(&dice, 0, 255);
    (void)snprintf(name, sizeof name, "D%d", i);
    write_zone(name, bytes, length);
    if (find(name) == RC_OK) {
      const struct zone *zone = zone_of(name);
      for (int32_t days = -40000; days < 60000; days += 500) (void)zone_midnight(zone, (struct date){days});
    }
    remove_zone(name);
    bytes[at] = kept;
  }
}

Test(zone, a_file_that_is_too_large_is_refused, .init = own_directory, .fini = no_own_directory) {
  static uint8_t bytes[300 * 1024] = "TZif2";
  write_zone("X", bytes, sizeof bytes);
  cr_expect_eq(find("X"), RC_VALIDATION);
}

Test(zone, no_file_left_to_open_is_a_reason_to_try_again) {
  const struct zone *zone;
  struct error err = {.code = RC_OK};
  struct rlimit files;
  cr_assert_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
  rlim_t most = files.rlim_cur;
  files.rlim_cur = 0;
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
  enum rc rc = zone_find("Europe/Rome", "timeZone", &zone, &err);
  files.rlim_cur = most;
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
  cr_expect_eq(rc, RC_UNAVAILABLE);
  cr_expect_eq(error_verdict(err.code), VERDICT_RETRY);
  cr_expect_eq(find("Europe/Rome"), RC_OK);
}

Test(zone, a_directory_with_too_long_a_name_holds_no_zones) {
  static char path[600];
  memset(path, '/', sizeof path - 1);
  (void)setenv("TZDIR", path, 1);
  cr_expect_eq(find("UTC"), RC_VALIDATION);
}
