/* The workers against a reference that shares nothing with them: random lives of subscriptions over three years, on
 * test clocks. The reference, the driver and what they compare: reference.py, lives.py. */
#include "harness/harness.h"

TestSuite(model, .timeout = 600);

#define LIVES "36"

Test(model, random_lives_cost_what_the_reference_says) {
  const char *const arguments[] = {SOURCE_DIR "/tests/model/lives.py", "--lives", LIVES, NULL};
  run_program("/usr/bin/python3", arguments);
}
