/* Declines and retries. The table holds the decline codes of Stripe's API, which the sandbox gateway and the payments
 * worker speak, by what a retry could change: time (soft), the customer's doing, or nothing. */
#include "domain/dunning.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

struct decline_row {
  const char *code;
  enum decline_class class;
};

/* BILL-081. Sorted by code. */
static const struct decline_row DECLINES[] = {
    {"approve_with_id", DECLINE_SOFT},
    {"authentication_not_handled", DECLINE_CUSTOMER},
    {"authentication_required", DECLINE_CUSTOMER},
    {"call_issuer", DECLINE_SOFT},
    {"card_declined", DECLINE_SOFT},
    {"card_not_supported", DECLINE_CUSTOMER},
    {"card_velocity_exceeded", DECLINE_SOFT},
    {"currency_not_supported", DECLINE_CUSTOMER},
    {"do_not_honor", DECLINE_SOFT},
    {"do_not_try_again", DECLINE_NEVER},
    {"duplicate_transaction", DECLINE_SOFT},
    {"expired_card", DECLINE_CUSTOMER},
    {"fraudulent", DECLINE_NEVER},
    {"generic_decline", DECLINE_SOFT},
    {"highest_risk_level", DECLINE_NEVER},
    {"incorrect_address", DECLINE_CUSTOMER},
    {"incorrect_cvc", DECLINE_CUSTOMER},
    {"incorrect_number", DECLINE_CUSTOMER},
    {"incorrect_pin", DECLINE_CUSTOMER},
    {"incorrect_zip", DECLINE_CUSTOMER},
    {"insufficient_funds", DECLINE_SOFT},
    {"invalid_account", DECLINE_CUSTOMER},
    {"invalid_amount", DECLINE_CUSTOMER},
    {"invalid_cvc", DECLINE_CUSTOMER},
    {"invalid_expiry_month", DECLINE_CUSTOMER},
    {"invalid_expiry_year", DECLINE_CUSTOMER},
    {"invalid_number", DECLINE_CUSTOMER},
    {"invalid_pin", DECLINE_CUSTOMER},
    {"issuer_not_available", DECLINE_SOFT},
    {"lost_card", DECLINE_NEVER},
    {"merchant_blacklist", DECLINE_NEVER},
    {"mobile_device_authentication_required", DECLINE_CUSTOMER},
    {"new_account_information_available", DECLINE_CUSTOMER},
    {"no_action_taken", DECLINE_SOFT},
    {"not_permitted", DECLINE_CUSTOMER},
    {"offline_pin_required", DECLINE_CUSTOMER},
    {"online_or_offline_pin_required", DECLINE_CUSTOMER},
    {"pickup_card", DECLINE_NEVER},
    {"pin_try_exceeded", DECLINE_CUSTOMER},
    {"processing_error", DECLINE_SOFT},
    {"reenter_transaction", DECLINE_SOFT},
    {"restricted_card", DECLINE_NEVER},
    {"revocation_of_all_authorizations", DECLINE_NEVER},
    {"revocation_of_authorization", DECLINE_NEVER},
    {"security_violation", DECLINE_SOFT},
    {"service_not_allowed", DECLINE_CUSTOMER},
    {"stolen_card", DECLINE_NEVER},
    {"stop_payment_order", DECLINE_NEVER},
    {"testmode_decline", DECLINE_CUSTOMER},
    {"transaction_not_allowed", DECLINE_CUSTOMER},
    {"try_again_later", DECLINE_SOFT},
    {"withdrawal_count_limit_exceeded", DECLINE_SOFT},
};

static int compare_code(const void *code, const void *row) {
  return strcmp(code, ((const struct decline_row *)row)->code);
}

enum decline_class decline_class_of(const char *decline_code) {
  if (decline_code == NULL) return DECLINE_SOFT;
  const struct decline_row *row =
      bsearch(decline_code, DECLINES, sizeof DECLINES / sizeof DECLINES[0], sizeof DECLINES[0], compare_code);
  return row == NULL ? DECLINE_SOFT : row->class;
}

const char *decline_class_name(enum decline_class class) {
  switch (class) {
  case DECLINE_SOFT: return "soft";
  case DECLINE_CUSTOMER: return "customer";
  case DECLINE_NEVER: return "never";
  }
  assert_failed("a decline class", __FILE__, __LINE__);
}

/* BILL-082 */
const struct dunning_schedule DUNNING_DEFAULT = {.days = {1, 3, 5, 7, 14}, .count = 5};

/* The day of attempt number `attempt`, counted from the first failure; the first charge is on day 0. */
static int attempt_day(const struct dunning_schedule *schedule, int attempt) {
  return attempt == 1 ? 0 : schedule->days[attempt - 2];
}

static int last_day(const struct dunning_schedule *schedule) {
  return schedule->count == 0 ? 0 : schedule->days[schedule->count - 1];
}

/* The instant of a later day of the schedule, seen from an attempt that was planned for `planned_day` and made now. */
static struct utime instant_of_day(int day, int planned_day, struct utime first_failure, struct utime now) {
  int64_t late_us = now.us - (first_failure.us + planned_day * UTIME_DAY);
  if (late_us <= DUNNING_LATE_MAX_MIN * INT64_C(60) * UTIME_SECOND)
    return (struct utime){first_failure.us + day * UTIME_DAY};
  return (struct utime){now.us + (day - planned_day) * UTIME_DAY};
}

struct utime dunning_end(const struct dunning_schedule *schedule, int attempts, struct utime first_failure,
                         struct utime now) {
  ASSERT(attempts >= 1 && schedule->count <= DUNNING_STEPS_MAX);
  int end = last_day(schedule);
  int planned = (size_t)attempts <= schedule->count ? attempt_day(schedule, attempts) : end;
  return instant_of_day(end, planned, first_failure, now);
}

bool dunning_next(const struct dunning_schedule *schedule, int attempts, struct utime first_failure, struct utime now,
                  struct utime *ret_next) {
  ASSERT(attempts >= 1 && schedule->count <= DUNNING_STEPS_MAX);
  if ((size_t)attempts > schedule->count) return false;
  int day = attempt_day(schedule, attempts + 1);
  int in_window = 0;
  for (int attempt = 1; attempt <= attempts; attempt++)
    in_window += attempt_day(schedule, attempt) > day - DUNNING_WINDOW_DAYS;
  if (in_window >= DUNNING_ATTEMPTS_MAX) return false;
  *ret_next = instant_of_day(day, attempt_day(schedule, attempts), first_failure, now);
  return true;
}
