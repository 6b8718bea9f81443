/* The test cards: one table. A card is named by its payment method ("pm_card_visa"), its token ("tok_visa") or, for the
 * well-known ones, its test number. */
#ifndef GATEWAY_CARDS_H
#define GATEWAY_CARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a card does when it is charged. Of the last four a client learns nothing certain: asking again with the same
 * Idempotency-Key tells the truth, or does the work that was not done. */
#define CONDUCTS(X)                                                                                        \
  X(CONDUCT_PAYS, "pays")                                                                                  \
  X(CONDUCT_DECLINES, "declines")                                                                          \
  X(CONDUCT_AUTHENTICATES, "off session declines; on session requires_action, until settled")              \
  X(CONDUCT_PROCESSES, "stays processing, until settled")                                                  \
  X(CONDUCT_PAYS_SLOWLY, "pays after GATEWAY_SLOW_MS")                                                     \
  X(CONDUCT_PAYS_UNANSWERED, "pays, holds the answer for GATEWAY_HOLD_MS, closes without a byte")          \
  X(CONDUCT_UNANSWERED, "does nothing, holds for GATEWAY_HOLD_MS, closes without a byte; forgets the key") \
  X(CONDUCT_FAILS, "does nothing, answers 500; forgets the key")                                           \
  X(CONDUCT_LIMITED, "does nothing, answers 429 with Retry-After; forgets the key")

enum conduct {
#define X(id, text) id,
  CONDUCTS(X)
#undef X
};

const char *conduct_text(enum conduct conduct);

/* Why a card declines: name, Stripe's error code, text. The name is Stripe's decline_code. */
#define DECLINES(X)                                                                                                 \
  X(DECLINE_GENERIC, "generic_decline", "card_declined", "The bank declined the charge without a reason.")          \
  X(DECLINE_FUNDS, "insufficient_funds", "card_declined", "The account behind the card has too little money.")      \
  X(DECLINE_PROCESSING, "processing_error", "processing_error", "The charge failed on its way; it may work later.") \
  X(DECLINE_LOST, "lost_card", "card_declined", "The card was reported lost.")                                      \
  X(DECLINE_STOLEN, "stolen_card", "card_declined", "The card was reported stolen.")                                \
  X(DECLINE_FRAUD, "fraudulent", "card_declined", "The charge is taken for fraud.")                                 \
  X(DECLINE_EXPIRED, "expired_card", "expired_card", "The card has expired.")                                       \
  X(DECLINE_CVC, "incorrect_cvc", "incorrect_cvc", "The security code is wrong.")                                   \
  X(DECLINE_HONOR, "do_not_honor", "card_declined", "The bank does not honour the charge.")                         \
  X(DECLINE_LATER, "try_again_later", "card_declined", "The bank asks to try again later.")                         \
  X(DECLINE_ISSUER, "issuer_not_available", "card_declined", "The card's bank cannot be reached.")                  \
  X(DECLINE_PICKUP, "pickup_card", "card_declined", "The card must not be used any more.")                          \
  X(DECLINE_VELOCITY, "card_velocity_exceeded", "card_declined", "The card's limit of charges is used up.")         \
  X(DECLINE_AUTHENTICATION, "authentication_required", "authentication_required",                                   \
    "The cardholder has to authenticate this charge.")

enum decline {
#define X(id, name, code, text) id,
  DECLINES(X)
#undef X
      DECLINE_COUNT
};

const char *decline_name(enum decline decline);
const char *decline_code(enum decline decline);
const char *decline_text(enum decline decline);

struct card {
  const char *name;
  const char *number; /* NULL: only by name */
  const char *brand;
  const char *last4;
  enum conduct conduct;
  int first_times; /* so many attempts of one payment go that way, then the card pays; 0: all of them */
  enum decline decline;
};

enum { CARD_EXPIRY_MONTH = 12, CARD_EXPIRY_YEAR = 2034, CARD_TIMES_MAX = 1000 };

const struct card *card_at(size_t index); /* NULL past the end */
size_t card_index(const struct card *card);
/* By what follows "pm_card_" or "tok_". A card that misbehaves a few times takes another number as a suffix:
 * "declineThenSucceed_3". Stripe's "visa_chargeDeclined…" are the same as "chargeDeclined…". NULL: there is none. */
const struct card *card_find(const char *name, int *ret_first_times);
const struct card *card_find_number(const char *digits);

#endif
