/* The workers against a reference that shares nothing with them: random lives of subscriptions over three years, on
 * test clocks. The reference, the driver and what they compare: reference.py, books.py, lives.py. Here the same lives
 * are lived each time, so that a change is to blame for what fails; TEST_SEED asks for others. */
#include <stdlib.h>

#include "harness/harness.h"

TestSuite(model, .timeout = 600);

static const char PROGRAM[] = SOURCE_DIR "/tests/model/lives.py", LIVES[] = "36", USUAL_SEED[] = "20000";

Test(model, random_lives_cost_what_the_reference_says) {
  const char *seed = getenv("TEST_SEED");
  const char *const arguments[] = {
      PROGRAM, "--lives", LIVES, "--clocks", "6", "--each", "6", "--seed", seed ? seed : USUAL_SEED, NULL};
  run_program("/usr/bin/python3", arguments);
}
