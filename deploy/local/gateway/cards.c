/* Stripe's test cards that this gateway knows, and ours for what Stripe has none: slow and lost answers, errors,
 * limits, declines that end. Tests walk this table. */
#include "cards.h"

#include <string.h>

#include "base/assert.h"

static const struct card CARDS[] = {
    {"visa", "4242424242424242", "visa", "4242", CONDUCT_PAYS, 0, DECLINE_GENERIC},
    {"visa_debit", "4000056655665556", "visa", "5556", CONDUCT_PAYS, 0, DECLINE_GENERIC},
    {"mastercard", "5555555555554444", "mastercard", "4444", CONDUCT_PAYS, 0, DECLINE_GENERIC},
    {"amex", "378282246310005", "amex", "0005", CONDUCT_PAYS, 0, DECLINE_GENERIC},
    {"discover", "6011111111111117", "discover", "1117", CONDUCT_PAYS, 0, DECLINE_GENERIC},
    {"jcb", "3566002020360505", "jcb", "0505", CONDUCT_PAYS, 0, DECLINE_GENERIC},

    {"chargeDeclined", "4000000000000002", "visa", "0002", CONDUCT_DECLINES, 0, DECLINE_GENERIC},
    {"chargeCustomerFail", "4000000000000341", "visa", "0341", CONDUCT_DECLINES, 0, DECLINE_GENERIC},
    {"chargeDeclinedInsufficientFunds", "4000000000009995", "visa", "9995", CONDUCT_DECLINES, 0, DECLINE_FUNDS},
    {"chargeDeclinedProcessingError", "4000000000000119", "visa", "0119", CONDUCT_DECLINES, 0, DECLINE_PROCESSING},
    {"chargeDeclinedLostCard", "4000000000009987", "visa", "9987", CONDUCT_DECLINES, 0, DECLINE_LOST},
    {"chargeDeclinedStolenCard", "4000000000009979", "visa", "9979", CONDUCT_DECLINES, 0, DECLINE_STOLEN},
    {"chargeDeclinedFraudulent", "4100000000000019", "visa", "0019", CONDUCT_DECLINES, 0, DECLINE_FRAUD},
    {"chargeDeclinedExpiredCard", "4000000000000069", "visa", "0069", CONDUCT_DECLINES, 0, DECLINE_EXPIRED},
    {"chargeDeclinedIncorrectCvc", "4000000000000127", "visa", "0127", CONDUCT_DECLINES, 0, DECLINE_CVC},
    {"chargeDeclinedVelocityLimitExceeded", "4000000000006975", "visa", "6975", CONDUCT_DECLINES, 0, DECLINE_VELOCITY},
    {"chargeDeclinedDoNotHonor", NULL, "visa", "9101", CONDUCT_DECLINES, 0, DECLINE_HONOR},
    {"doNotHonor", NULL, "visa", "9102", CONDUCT_DECLINES, 0, DECLINE_HONOR},
    {"tryAgainLater", NULL, "visa", "9103", CONDUCT_DECLINES, 0, DECLINE_LATER},
    {"issuerNotAvailable", NULL, "visa", "9104", CONDUCT_DECLINES, 0, DECLINE_ISSUER},
    {"pickupCard", NULL, "visa", "9105", CONDUCT_DECLINES, 0, DECLINE_PICKUP},
    {"authenticationRequired", "4000002760003184", "visa", "3184", CONDUCT_AUTHENTICATES, 0, DECLINE_AUTHENTICATION},

    {"processing", NULL, "visa", "9200", CONDUCT_PROCESSES, 0, DECLINE_GENERIC},
    {"slow", NULL, "visa", "9201", CONDUCT_PAYS_SLOWLY, 0, DECLINE_GENERIC},
    {"noAnswerCharged", NULL, "visa", "9202", CONDUCT_PAYS_UNANSWERED, 0, DECLINE_GENERIC},
    {"noAnswerNotCharged", NULL, "visa", "9203", CONDUCT_UNANSWERED, 1, DECLINE_GENERIC},
    {"error500", NULL, "visa", "9204", CONDUCT_FAILS, 1, DECLINE_GENERIC},
    {"rateLimited", NULL, "visa", "9205", CONDUCT_LIMITED, 2, DECLINE_GENERIC},
    {"declineOnceInsufficientFunds", NULL, "visa", "9206", CONDUCT_DECLINES, 1, DECLINE_FUNDS},
    {"declineThenSucceed", NULL, "visa", "9207", CONDUCT_DECLINES, 2, DECLINE_GENERIC},
};
enum { CARD_COUNT = sizeof CARDS / sizeof CARDS[0] };

static const struct {
  const char *name, *code, *text;
} DECLINE_TABLE[] = {
#define X(id, name, code, text) {name, code, text},
    DECLINES(X)
#undef X
};

const char *conduct_text(enum conduct conduct) {
  static const char *const TEXTS[] = {
#define X(id, text) [id] = text,
      CONDUCTS(X)
#undef X
  };
  return TEXTS[conduct];
}

const char *decline_name(enum decline decline) {
  return DECLINE_TABLE[decline].name;
}
const char *decline_code(enum decline decline) {
  return DECLINE_TABLE[decline].code;
}
const char *decline_text(enum decline decline) {
  return DECLINE_TABLE[decline].text;
}

const struct card *card_at(size_t index) {
  return index < CARD_COUNT ? &CARDS[index] : NULL;
}

size_t card_index(const struct card *card) {
  ASSERT(card >= CARDS && card < CARDS + CARD_COUNT);
  return (size_t)(card - CARDS);
}

static const struct card *card_named(const char *name, size_t length) {
  for (size_t i = 0; i < CARD_COUNT; i++) {
    if (strlen(CARDS[i].name) == length && memcmp(CARDS[i].name, name, length) == 0) return &CARDS[i];
  }
  return NULL;
}

/* "_12" at the end of a name: 12, and 0 for anything else. */
static int times_suffix(const char *suffix) {
  int times = 0;
  if (*suffix++ != '_') return 0;
  for (; *suffix >= '0' && *suffix <= '9' && times <= CARD_TIMES_MAX; suffix++) times = times * 10 + (*suffix - '0');
  return *suffix == '\0' && times <= CARD_TIMES_MAX ? times : 0;
}

const struct card *card_find(const char *name, int *ret_first_times) {
  if (strncmp(name, "visa_charge", 11) == 0) name += strlen("visa_");
  const struct card *card = card_named(name, strlen(name));
  if (card != NULL) {
    *ret_first_times = card->first_times;
    return card;
  }
  const char *suffix = strrchr(name, '_');
  if (suffix == NULL || times_suffix(suffix) == 0) return NULL;
  card = card_named(name, (size_t)(suffix - name));
  if (card == NULL || card->first_times == 0) return NULL;
  *ret_first_times = times_suffix(suffix);
  return card;
}

const struct card *card_find_number(const char *digits) {
  for (size_t i = 0; i < CARD_COUNT; i++) {
    if (CARDS[i].number != NULL && strcmp(CARDS[i].number, digits) == 0) return &CARDS[i];
  }
  return NULL;
}
