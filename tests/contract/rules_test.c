/* Each billing rule is cited where it is implemented and where it is proven. What has neither yet stands here, so that
 * nobody takes it for done. */
#include "harness/harness.h"
#include "harness/sources.h"

TestSuite(rules, .timeout = 60);

#define NOT_YET true
static const struct {
  int number;
  const char *about;
  bool is_missing; /* comes with a later issue; a citation on both sides makes this row wrong */
} rules[] = {
    {1, "minor units and a currency", false},
    {2, "one rounding for a line", false},
    {3, "splits conserve", false},
    {4, "decimal amounts as text", false},
    {5, "one currency for an invoice", false},
    {10, "boundaries from the anchor", false},
    {11, "periods tile", false},
    {12, "intervals", false},
    {13, "boundaries are dates in a zone", false},
    {14, "billing anchors", false},
    {20, "proration by day and by second", false},
    {21, "the denominator is the whole period", false},
    {22, "credit what was charged", false},
    {23, "worked changes", false},
    {24, "quantity changes like prices", false},
    {25, "each line can be explained", false},
    {30, "price models", false},
    {31, "graduated", false},
    {32, "volume", false},
    {33, "package", false},
    {34, "usage: how it is aggregated", false},
    {35, "versions of plans", false},
    {36, "entitlements", false},
    {40, "order of an invoice's computation", false},
    {41, "tax", false},
    {42, "a worked invoice", false},
    {43, "credit notes", false},
    {50, "states of a subscription", false},
    {51, "creation", false},
    {52, "changes of plan", false},
    {53, "cancellation", false},
    {54, "suspension", false},
    {55, "renewal", false},
    {56, "trials", false},
    {60, "a run takes all that is due, once", false},
    {61, "one invoice for customer, currency and day", false},
    {62, "dry runs", false},
    {63, "parked subscriptions", false},
    {64, "a run adds up", false},
    {65, "nothing without a next step", false},
    {70, "states of an invoice", false},
    {71, "net terms and draft period", false},
    {72, "partial payments and overpayments", false},
    {73, "PDF", NOT_YET},
    {80, "payment intents and unknown outcomes", false},
    {81, "classes of declines", false},
    {82, "the schedule of retries", false},
    {83, "exhausted retries", false},
    {84, "past due and back", false},
    {85, "refunds", NOT_YET},
    {86, "gateway webhooks", NOT_YET},
    {87, "no card numbers", false},
    {90, "e-mail", NOT_YET},
    {91, "webhooks", NOT_YET},
    {92, "deliveries are logged", NOT_YET},
    {100, "recurring revenue", NOT_YET},
    {101, "revenue over time", NOT_YET},
};

/* All sources of the directories as one text. */
static const char *text_of(const char *const *directories) {
  static const char *const suffixes[] = {".c", ".h", ".sql", ".py"};
  char *text = NULL;
  size_t length = 0;
  FILE *stream = open_memstream(&text, &length);
  cr_assert_not_null(stream);
  for (; *directories; directories++)
    for (size_t s = 0; s < sizeof suffixes / sizeof *suffixes; s++)
      for (const char **files = source_files(*directories, suffixes[s]); *files; files++)
        if (!strstr(*files, "rules_test.c")) fputs(source_text(*files), stream);
  fclose(stream);
  const char *kept = keep_text("%s", text);
  free(text);
  return kept;
}

Test(rules, each_is_cited_where_it_is_implemented_and_where_it_is_proven) {
  const char *code = text_of((const char *const[]){"lib", "workers", "api", "schemas", NULL});
  const char *proof = text_of((const char *const[]){"tests", NULL});
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    const char *rule = keep_text("BILL-%03d", rules[i].number);
    bool in_code = strstr(code, rule), in_tests = strstr(proof, rule);
    if (rules[i].is_missing)
      cr_expect(!in_code || !in_tests, "%s (%s) is cited on both sides: it is not missing any more", rule,
                rules[i].about);
    else
      cr_expect(in_code && in_tests, "%s (%s) is not cited in %s%s%s", rule, rules[i].about, in_code ? "" : "the code",
                in_code || in_tests ? "" : " nor in ", in_tests ? "" : "the tests");
  }
}

/* "BILL-031 to BILL-033" and "BILL-010/011" are for readers; a number that stands for no rule is a slip. */
Test(rules, nobody_cites_one_that_does_not_exist) {
  const char *all = text_of((const char *const[]){"lib", "workers", "api", "schemas", "tests", NULL});
  for (const char **cited = matches(all, "BILL-([0-9]+)"); *cited; cited++) {
    bool is_known = false;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
      is_known = is_known || strcmp(*cited, keep_text("%03d", rules[i].number)) == 0;
    cr_expect(is_known, "somebody cites BILL-%s", *cited);
  }
}
