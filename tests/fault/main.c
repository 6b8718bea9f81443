/* One test at a time, whatever the machine has: each of these stops servers that the others need. */
#include <criterion/criterion.h>
#include <criterion/options.h>

int main(int argc, char **argv) {
  struct criterion_test_set *tests = criterion_initialize();
  int status = 2;
  criterion_options.jobs = 1;
  if (criterion_handle_args(argc, argv, true)) status = criterion_run_all_tests(tests) ? 0 : 1;
  criterion_finalize(tests);
  return status;
}
