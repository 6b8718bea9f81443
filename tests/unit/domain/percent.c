/* Percentages: what is written comes back, what is none is refused. */
#include "domain/percent.h"

#include <criterion/criterion.h>

#include "../property.h"

static const struct {
  const char *text;
  int64_t micro; /* -1: refused */
} EXAMPLES[] = {
    {"0", 0},
    {"19", 19000000},
    {"7.7", 7700000},
    {"100", 100000000},
    {"100.000000", 100000000},
    {"0.000001", 1},
    {"8.875", 8875000},
    {"", -1},
    {".5", -1},
    {"5.", -1},
    {"+1", -1},
    {"-1", -1},
    {"01", -1},
    {"100.000001", -1},
    {"-0.000001", -1},
    {"101", -1},
    {"1e1", -1},
    {" 1", -1},
    {"1 ", -1},
    {"1.0000001", -1},
    {"1.0000000", -1},
    {"1000", -1},
    {"NaN", -1},
    {"99999999999999999999", -1},
    {"1.2.3", -1},
};

Test(percent, reads_what_bill_004_allows) {
  for (size_t i = 0; i < sizeof EXAMPLES / sizeof EXAMPLES[0]; i++) {
    struct error err = {0};
    int64_t micro = -1;
    enum rc rc = percent_parse(EXAMPLES[i].text, "percentage", &micro, &err);
    cr_expect_eq(micro, EXAMPLES[i].micro, "%s: %lld", EXAMPLES[i].text, (long long)micro);
    if (EXAMPLES[i].micro >= 0) continue;
    cr_expect_eq(rc, RC_VALIDATION, "%s", EXAMPLES[i].text);
    cr_expect_str_eq(err.field, "percentage");
  }
}

Test(percent, comes_back_as_written) {
  struct dice dice = dice_new();
  for (int n = 0; n < PROPERTY_CASES; n++) {
    char text[PERCENT_TEXT_MAX];
    struct error err = {0};
    int64_t micro = dice_between(&dice, 0, PERCENT_WHOLE), again = -1;
    if (n % 2) micro -= micro % PERCENT_MICRO;
    cr_assert_eq(percent_parse(percent_format(micro, text), "p", &again, &err), RC_OK, "%s", text);
    cr_assert_eq(again, micro, "%s", text);
  }
}
