/* The tax of the k-th note on a line is the tax of all that the notes have given back by then, less what the earlier
 * ones gave: whatever the steps, the last one ends at the line's own tax. */
#include "domain/credit_note.h"

#include <string.h>

#include "base/assert.h"
#include "base/money.h"
#include "domain/apportion.h"
#include "domain/invoice.h"

static const char *const BASIS_NAMES[] = {
#define X(basis, name) [basis] = name,
    CREDIT_BASES(X)
#undef X
};

const char *credit_basis_name(enum credit_basis basis) {
  return BASIS_NAMES[basis];
}

bool credit_basis_from_name(const char *name, enum credit_basis *ret_basis) {
  for (size_t i = 0; i < sizeof BASIS_NAMES / sizeof *BASIS_NAMES; i++) {
    if (strcmp(BASIS_NAMES[i], name) != 0) continue;
    *ret_basis = (enum credit_basis)i;
    return true;
  }
  return false;
}

int64_t credit_rest(const struct creditable *line) {
  return line->amount_minor - line->credited_minor;
}

static int64_t tax_rest_of(const struct creditable *line) {
  return line->tax_minor - line->tax_credited_minor;
}

static void set_tax(struct creditable *line) {
  line->tax_wanted_minor = line->wanted_minor == 0
                               ? 0
                               : apportion_next(line->tax_minor, line->amount_minor, line->credited_minor,
                                                line->wanted_minor, line->tax_credited_minor);
}

enum rc credit_line(struct creditable *line, const char *field, struct error *err) {
  int64_t rest = credit_rest(line), wanted = line->wanted_minor;
  if (wanted == 0) return error_field(err, RC_VALIDATION, field, "must not be 0");
  if ((int128)wanted * line->amount_minor <= 0)
    return error_field(err, RC_VALIDATION, field, "must have the sign of the line's own amount");
  int64_t over = wanted < 0 ? rest - wanted : wanted - rest;
  if (over > 0) return error_field(err, RC_VALIDATION, field, "is more than what is left of the line");
  set_tax(line);
  return RC_OK;
}

void credit_whole(struct creditable *lines, size_t count) {
  for (size_t i = 0; i < count; i++) {
    lines[i].wanted_minor = credit_rest(&lines[i]);
    lines[i].tax_wanted_minor = tax_rest_of(&lines[i]);
  }
}

static int64_t sum_of(const struct creditable *lines, size_t count, int64_t (*part_of)(const struct creditable *)) {
  int64_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += part_of(&lines[i]);
  return sum;
}

static int64_t weight_of(const struct creditable *line) {
  return line->weight_minor;
}

static int64_t total_of(const struct creditable *line) {
  return line->wanted_minor + line->tax_wanted_minor;
}

static int64_t within(int64_t value, int64_t a, int64_t b) {
  int64_t low = a < b ? a : b, high = a < b ? b : a;
  return value < low ? low : value > high ? high : value;
}

static void spread(struct creditable *lines, size_t count, int64_t amount_minor) {
  int128 shares[INVOICE_LINES_MAX];
  int64_t parts[INVOICE_LINES_MAX];
  for (size_t i = 0; i < count; i++) shares[i] = (int128)lines[i].weight_minor * amount_minor;
  int64_t spread = apportion(shares, count, sum_of(lines, count, weight_of), parts);
  ASSERT(spread == amount_minor);
  for (size_t i = 0; i < count; i++) {
    lines[i].wanted_minor = parts[i];
    set_tax(&lines[i]);
  }
}

/* Where lines of both signs leave cents of an invoice, taxes rounded line by line can miss them: they are moved, none
 * beyond what its line has left, until the note is something and not more than the invoice. */
static void fit_tax(struct creditable *lines, size_t count, int64_t left_minor) {
  int64_t total = sum_of(lines, count, total_of), over = total - within(total, 1, left_minor);
  for (size_t i = 0; over != 0; i++) {
    ASSERT(i < count);
    int64_t tax = lines[i].tax_wanted_minor;
    lines[i].tax_wanted_minor = within(tax - over, 0, tax_rest_of(&lines[i]));
    over -= tax - lines[i].tax_wanted_minor;
  }
}

enum rc credit_amount(struct creditable *lines, size_t count, int64_t amount_minor, const char *field,
                      struct error *err) {
  ASSERT(count <= INVOICE_LINES_MAX);
  int64_t rest = sum_of(lines, count, credit_rest), left = rest + sum_of(lines, count, tax_rest_of);
  if (amount_minor <= 0) return error_field(err, RC_VALIDATION, field, "must be more than 0");
  if (amount_minor > rest || left <= 0)
    return error_field(err, RC_VALIDATION, field, "is more than what is left of the invoice");
  for (size_t i = 0; i < count; i++) lines[i].weight_minor = credit_rest(&lines[i]);
  if (amount_minor == rest) { /* with the tax of lines whose own amount is nothing */
    credit_whole(lines, count);
    return RC_OK;
  }
  for (size_t i = 0; i < count; i++) lines[i].weight_minor = credit_rest(&lines[i]) > 0 ? credit_rest(&lines[i]) : 0;
  spread(lines, count, amount_minor);
  if (sum_of(lines, count, total_of) <= left) return RC_OK;
  for (size_t i = 0; i < count; i++) lines[i].weight_minor = credit_rest(&lines[i]);
  spread(lines, count, amount_minor);
  fit_tax(lines, count, left);
  return RC_OK;
}

enum rc credit_sum_up(const struct creditable *lines, size_t count, int64_t left_minor, struct credit_sum *ret_sum,
                      struct error *err) {
  struct credit_sum sum = {0};
  for (size_t i = 0; i < count; i++) {
    sum.amount_minor += lines[i].wanted_minor;
    sum.tax_minor += lines[i].tax_wanted_minor;
  }
  sum.total_minor = sum.amount_minor + sum.tax_minor;
  if (sum.total_minor <= 0) return error_set(err, RC_CONFLICT, "nothing is left of the invoice to give back");
  if (sum.total_minor > left_minor) return error_set(err, RC_CONFLICT, "it is more than what is left of the invoice");
  *ret_sum = sum;
  return RC_OK;
}

void credit_claimed(struct creditable *line) {
  int64_t rest = credit_rest(line), wanted = 0;
  if (line->listed_minor > 0 && line->amount_minor > 0)
    wanted = apportion_next(line->amount_minor, line->listed_minor, 0, line->claimed_minor, 0);
  if (wanted > rest) wanted = rest;
  line->wanted_minor = wanted > 0 ? wanted : 0;
  set_tax(line);
}

struct credit_disposal credit_dispose(int64_t total_minor, const struct credit_settled *settled) {
  ASSERT(total_minor >= 0);
  int64_t applied = within(total_minor, 0, settled->due_minor), left = total_minor - applied;
  int64_t from_credit = left - within(left, 0, settled->money_minor);
  return (struct credit_disposal){
      .applied_minor = applied, .left_minor = left, .returned_minor = within(from_credit, 0, settled->credit_minor)};
}

int64_t credit_return(struct credit_use *uses, size_t count, int64_t minor) {
  int64_t over = 0;
  for (size_t i = 0; i < count; i++) {
    uses[i].returned_minor = within(minor, 0, uses[i].used_minor);
    minor -= uses[i].returned_minor;
    if (uses[i].is_over) over += uses[i].returned_minor;
  }
  return over;
}
