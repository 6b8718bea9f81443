/* Percentages as integers. They are written like quantities, with six decimals at most; what is left to say is where
 * they end. */
#include "domain/percent.h"

#include "base/assert.h"

enum rc percent_parse(const char *text, const char *field, int64_t *ret_micro, struct error *err) {
  struct quantity percent;
  TRY(quantity_parse(text, field, &percent, err));
  if (percent.micro < 0 || percent.micro > PERCENT_WHOLE)
    return error_field(err, RC_VALIDATION, field, "must be a percentage from 0 to 100, like 7.7");
  *ret_micro = percent.micro;
  return RC_OK;
}

const char *percent_format(int64_t micro, char text[static PERCENT_TEXT_MAX]) {
  ASSERT(micro >= 0 && micro <= PERCENT_WHOLE);
  return quantity_format((struct quantity){micro}, text);
}
