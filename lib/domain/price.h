/* What a price component costs (BILL-030 to BILL-033): exact rational arithmetic, and one rounding half away from zero
 * at the very end (BILL-002, BILL-021).
 *
 * Magnitudes: amounts are summed up in units of 10^-20 of the currency's unit, fine enough for a price of 12 decimals ×
 * a quantity of 6, ÷ 100 for a rate in percent. A whole period's charge is at most MONEY_MAX minor units, which is
 * 10^35 in these units, and 128 bits hold 1.7 × 10^38. A product that 128 bits cannot hold is far above that: both are
 * "too large". A share's `whole` is at most PRICE_SHARE_WHOLE_MAX, 126 years in seconds. */
#ifndef DOMAIN_PRICE_H
#define DOMAIN_PRICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/error.h"
#include "base/money.h"

/* What an amount is worked out from.
 *   flat        unitPrice, whatever the quantity
 *   per_unit    unitPrice × what of the quantity is not free
 *   graduated   each tier's unitPrice × the part of the quantity within it, + flatFee of each tier reached; the first
 *               one is reached by a quantity of 0 (BILL-031)
 *   volume      unitPrice × the quantity + flatFee, of the one tier that the quantity lies in (BILL-032)
 *   package     unitPrice × packages begun by what of the quantity is not free (BILL-033)
 *   percentage  rate percent of the quantity, which is a sum of amounts, + perEventFee × events */
#define PRICE_MODELS(X)           \
  X(PRICE_FLAT, "flat")           \
  X(PRICE_PER_UNIT, "per_unit")   \
  X(PRICE_GRADUATED, "graduated") \
  X(PRICE_VOLUME, "volume")       \
  X(PRICE_PACKAGE, "package")     \
  X(PRICE_PERCENTAGE, "percentage")

enum price_model {
#define X(model, name) model,
  PRICE_MODELS(X)
#undef X
};

enum price_timing { PRICE_ADVANCE, PRICE_ARREARS };

const char *price_model_name(enum price_model model);
MUST_CHECK bool price_model_from_name(const char *name, enum price_model *ret_model);
const char *price_timing_name(enum price_timing timing); /* "advance", "arrears" */
MUST_CHECK bool price_timing_from_name(const char *name, enum price_timing *ret_timing);

/* The members that a model takes; all of them are required but free_units and per_event_fee. */
struct price_members {
  bool unit_price, tiers, package_size, free_units, rate, per_event_fee;
};
const struct price_members *price_model_members(enum price_model model);

enum { PRICE_TIERS_MAX = 100, PRICE_COMPONENTS_MAX = 20, PRICE_CODE_MAX = 64, PRICE_PARTS_MAX = PRICE_TIERS_MAX };

/* Quantities above the previous tier's up_to, up to this one's, both as they are: 10.5 lies in the tier above 10. */
struct price_tier {
  bool is_last;          /* without an end; up_to is then not looked at */
  struct quantity up_to; /* included */
  struct decimal unit_price, flat_fee;
};

/* What a model does not use is zero, or NULL. The texts and the tiers are borrowed. */
struct price_component {
  const char *code; /* unique in its plan and currency; "base" for a bare price */
  enum price_model model;
  enum price_timing timing;
  struct decimal unit_price;      /* flat, per_unit, package */
  const struct price_tier *tiers; /* graduated, volume */
  size_t tier_count;
  struct quantity package_size; /* package */
  struct quantity free_units;   /* per_unit, package */
  struct decimal rate;          /* percentage: in percent */
  struct decimal per_event_fee; /* percentage */
  const char *metric;           /* of a charge for usage; NULL: the subscription's quantity */
  const char *tax_code;         /* NULL: the default */
};

/* Days or seconds of what is charged, of those of the full period (BILL-020, BILL-021); {1, 1} is the whole.
 * 0 <= part <= whole, whole >= 1. */
struct price_share {
  int64_t part, whole;
};
#define PRICE_SHARE_WHOLE     ((struct price_share){1, 1})
#define PRICE_SHARE_WHOLE_MAX INT64_C(4000000000)

/* A component as somebody wrote it: RC_VALIDATION naming what is wrong below `path` ("components[2]" gives
 * "components[2].tiers[1].upTo"). Nothing may be negative; tiers are 1 to PRICE_TIERS_MAX, end at rising quantities
 * above 0, and the last, and no other, is without end, so that gaps and overlaps cannot be; a package holds more than
 * nothing; what the model does not take must be zero; a percentage has a metric, and what has a metric is charged in
 * arrears. Everything below takes a component that passes. */
MUST_CHECK enum rc price_component_check(const struct price_component *component, const char *path, struct error *err);

/* round(price of `quantity`, with `events` for a percentage × share), in minor units. A quantity below 0 (corrections
 * of usage may sum to one) and an amount beyond MONEY_MAX are RC_VALIDATION naming "quantity" and "amount". */
MUST_CHECK enum rc price_charge(const struct price_component *component, struct quantity quantity, int64_t events,
                                struct price_share share, const struct currency *currency, int64_t *ret_minor,
                                struct error *err);

/* How an amount came about (BILL-025): the same computation, written down. */
enum price_part_kind {
  PRICE_PART_FLAT,     /* unit_price, once */
  PRICE_PART_UNITS,    /* unit_price × quantity + flat_fee */
  PRICE_PART_PACKAGES, /* unit_price × count */
  PRICE_PART_RATE,     /* unit_price percent of quantity */
  PRICE_PART_EVENTS,   /* unit_price × count */
};

struct price_part {
  enum price_part_kind kind;
  size_t tier; /* index; 0 for models without tiers */
  struct quantity quantity;
  int64_t count; /* packages begun, or events */
  struct decimal unit_price, flat_fee;
  int128 cost; /* exactly, in 10^-20 of the unit */
};

enum { PRICE_SUM_DECIMALS = 20 };

struct price_explanation {
  struct quantity quantity; /* as asked */
  struct quantity free;     /* of it, without charge */
  size_t part_count;
  struct price_part parts[PRICE_PARTS_MAX];
  int128 sum; /* of the whole period, in 10^-20 of the unit: fixed_format(sum, PRICE_SUM_DECIMALS, text) */
  struct price_share share;
  int64_t amount_minor; /* round(sum × share) */
};

MUST_CHECK enum rc price_explain(const struct price_component *component, struct quantity quantity, int64_t events,
                                 struct price_share share, const struct currency *currency,
                                 struct price_explanation *ret_explanation, struct error *err);

/* round(quantity × unit price), of either sign: a line written by hand. RC_VALIDATION naming `field` beyond MONEY_MAX.
 */
MUST_CHECK enum rc price_product(struct quantity quantity, struct decimal unit_price, const struct currency *currency,
                                 const char *field, int64_t *ret_minor, struct error *err);

/* What lifts a period's recurring and usage charges to the minimum that was agreed on (BILL-030), a short period's to
 * its share (BILL-021): max(0, round(minimum × share) - charged). */
MUST_CHECK enum rc price_true_up(int64_t minimum_minor, struct price_share share, int64_t charged_minor,
                                 int64_t *ret_minor, struct error *err);

#endif
