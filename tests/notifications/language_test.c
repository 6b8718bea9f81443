/* Amounts and dates as each language writes them; back-offs. */
#include <criterion/criterion.h>
#include <string.h>

#include "language.h"
#include "retry.h"
#include "smtp.h"

#define DAY_MS    INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)
enum { ARENA_MAX = 1024 * 1024 };

static struct arena arena;

static void init_arena(void) {
  arena_init(&arena, ARENA_MAX);
}
static void release_arena(void) {
  arena_release(&arena);
}
TestSuite(languages, .init = init_arena, .fini = release_arena);

Test(languages, are_found_by_locale_and_fall_back_to_english) {
  static const char *const rows[][2] = {{"en", "en"},    {"de", "de"},         {"de-AT", "de"}, {"DE_ch.UTF-8", "de"},
                                        {"en-US", "en"}, {"deu", "en"},        {"ja", "en"},    {"", "en"},
                                        {"d", "en"},     {"den-Latn-CA", "en"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    cr_expect_str_eq(language_find(rows[i][0])->code, rows[i][1], "%s", rows[i][0]);
}

Test(languages, write_amounts_in_the_currencys_digits) {
  static const struct {
    const char *locale, *currency;
    int64_t minor;
    const char *expected;
  } rows[] = {
      {"en", "USD", 9900, "USD 99.00"},
      {"en", "USD", 0, "USD 0.00"},
      {"en", "USD", 123456789, "USD 1,234,567.89"},
      {"en", "USD", -123450, "USD -1,234.50"},
      {"en", "JPY", 12000, "JPY 12,000"},
      {"en", "JPY", 999, "JPY 999"},
      {"en", "KWD", 1234567, "KWD 1,234.567"},
      {"de", "EUR", 123450, "1.234,50 EUR"},
      {"de", "JPY", 1000000, "1.000.000 JPY"},
      {"de", "EUR", -5, "-0,05 EUR"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    cr_expect_str_eq(
        language_amount(language_find(rows[i].locale), rows[i].minor, currency_find(rows[i].currency), &arena),
        rows[i].expected);
}

Test(languages, write_dates_that_nobody_misreads) {
  struct date date = date_from_civil((struct civil){2026, 3, 1});
  cr_expect_str_eq(language_date(language_find("en"), date, &arena), "1 March 2026");
  cr_expect_str_eq(language_date(language_find("de"), date, &arena), "1. März 2026");
}

Test(retries, of_one_mail_double_and_end_after_five_days) {
  int64_t delay_ms, total_ms = 0, deferrals = 1;
  cr_assert(retry_after_deferral(1, &delay_ms));
  cr_expect_eq(delay_ms, 60000);
  cr_assert(retry_after_deferral(4, &delay_ms));
  cr_expect_eq(delay_ms, 8 * MINUTE_MS);
  cr_assert(retry_after_deferral(20, &delay_ms));
  cr_expect_eq(delay_ms, 360 * MINUTE_MS);
  for (; retry_after_deferral(deferrals, &delay_ms); deferrals++) total_ms += delay_ms;
  cr_expect_eq(deferrals, DEFERRALS_MAX);
  cr_expect(total_ms >= 5 * DAY_MS && total_ms <= 5 * DAY_MS + DAY_MS / 4);
}

Test(retries, of_a_server_that_is_away_come_every_minute_at_least) {
  static const int64_t expected[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
  for (int64_t i = 0; i < 8; i++) cr_expect_eq(retry_outage_ms(i + 1), expected[i]);
  cr_expect_eq(retry_outage_ms(INT64_MAX), 60000);
}

Test(smtp_codes, are_told_without_the_words) {
  static const char *const rows[][2] = {
      {"550 5.1.1 <ada@example.org> unknown", "550 5.1.1"},
      {"550-5.7.26 not you", "550 5.7.26"},
      {"451 try later", "451"},
      {"250", "250"},
      {"554", "554"},
      {"554 1.2.3.4 is listed", "554 1.2.3.4"},
      {"connection refused", ""},
      {"", ""},
      {"55", ""},
  };
  char code[SMTP_CODE_MAX];
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    cr_expect_str_eq(smtp_code(rows[i][0], code), rows[i][1], "%s", rows[i][0]);
}
