/* BILL-070: every state with every event, against the rule written down a second time. */
#include "domain/invoice.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
  enum invoice_state from;
  const char *to[4]; /* by finalize, payment, void, uncollectible; NULL: not possible */
  const char *allowed;
} LIFE[] = {
    {INVOICE_DRAFT, {"open", NULL, NULL, NULL}, "{\"allowed\":[\"finalize\"]}"},
    {INVOICE_OPEN, {NULL, "paid", "void", "uncollectible"}, "{\"allowed\":[\"payment\",\"void\",\"uncollectible\"]}"},
    {INVOICE_UNCOLLECTIBLE, {NULL, "paid", "void", NULL}, "{\"allowed\":[\"payment\",\"void\"]}"},
    {INVOICE_PAID, {NULL, NULL, NULL, NULL}, "{\"allowed\":[]}"},
    {INVOICE_VOID, {NULL, NULL, NULL, NULL}, "{\"allowed\":[]}"},
};

static const enum invoice_event EVENTS[] = {INVOICE_EVENT_FINALISE, INVOICE_EVENT_PAY, INVOICE_EVENT_VOID,
                                            INVOICE_EVENT_WRITE_OFF};

Test(invoice, bill_070_every_state_with_every_event) {
  for (size_t s = 0; s < sizeof LIFE / sizeof LIFE[0]; s++) {
    for (size_t e = 0; e < sizeof EVENTS / sizeof EVENTS[0]; e++) {
      struct error err = {0};
      enum invoice_state to = LIFE[s].from;
      enum rc rc = invoice_next(LIFE[s].from, EVENTS[e], &to, &err);
      if (LIFE[s].to[e]) {
        cr_expect_eq(rc, RC_OK);
        cr_expect_str_eq(invoice_state_name(to), LIFE[s].to[e]);
      } else {
        cr_expect_eq(rc, RC_ILLEGAL_TRANSITION, "%s by event %zu", invoice_state_name(LIFE[s].from), e);
        cr_expect_str_eq(err.details, LIFE[s].allowed);
        cr_expect_eq(to, LIFE[s].from, "untouched");
      }
    }
  }
}

Test(invoice, names_come_back) {
  enum invoice_state state;
  for (size_t s = 0; s < sizeof LIFE / sizeof LIFE[0]; s++) {
    cr_assert(invoice_state_from_name(invoice_state_name(LIFE[s].from), &state));
    cr_expect_eq(state, LIFE[s].from);
  }
  cr_expect_not(invoice_state_from_name("lost", &state));
}
