/* Faults of a kind that compilers let pass and readers overlook. */
#include <criterion/criterion.h>

#include "harness/harness.h"
#include "harness/sources.h"

/* What CLEANUP releases at the end of its block is declared without a value only where it is begun (its address is
 * taken) before the next TRY or return. */
Test(sources, begin_what_they_release_before_they_may_return) {
  static const char *const places[] = {"lib", "workers", "api", "cli"};
  size_t looked_at = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    for (const char **file = source_files(places[i], ".c"); *file; file++, looked_at++) {
      const char **found = matches(source_text(*file), "CLEANUP\\([a-z_]+\\) ([a-z]+);([^&}]|\n)*(TRY\\(|return )");
      cr_expect_null(*found, "%s: %s", *file, *found);
    }
  }
  cr_expect_gt(looked_at, 200);
}
