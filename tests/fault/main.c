/* One test at a time, whatever the machine has: each of these stops servers that the others need. Workers that a test
 * starts, or starts again, are missed by Kafka after two seconds instead of six: many die here. A busy machine takes
 * its time to start a server. */
#include <criterion/criterion.h>
#include <criterion/options.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  struct criterion_test_set *tests = criterion_initialize();
  int status = 2;
  criterion_options.jobs = 1;
  setenv("KAFKA_SESSION_TIMEOUT_MS", "2000", 1);
  setenv("START_SECONDS", "180", 1);
  if (criterion_handle_args(argc, argv, true)) status = criterion_run_all_tests(tests) ? 0 : 1;
  criterion_finalize(tests);
  return status;
}
