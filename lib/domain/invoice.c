/* The table of an invoice's life. A draft is numbered and fixed by finalising it; paid and void are the end. */
#include "domain/invoice.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/json_text.h"

static const char *const STATE_NAMES[] = {
#define X(state, name) [state] = name,
    INVOICE_STATES(X)
#undef X
};

static const char *const EVENT_NAMES[] = {
#define X(event, name) [event] = name,
    INVOICE_EVENTS(X)
#undef X
};

enum {
  STATE_COUNT = sizeof STATE_NAMES / sizeof STATE_NAMES[0],
  EVENT_COUNT = sizeof EVENT_NAMES / sizeof EVENT_NAMES[0],
};

/* BILL-070 */
static const struct {
  enum invoice_state from;
  enum invoice_event event;
  enum invoice_state to;
} TRANSITIONS[] = {
    {INVOICE_DRAFT, INVOICE_EVENT_FINALISE, INVOICE_OPEN},
    {INVOICE_OPEN, INVOICE_EVENT_PAY, INVOICE_PAID},
    {INVOICE_OPEN, INVOICE_EVENT_VOID, INVOICE_VOID},
    {INVOICE_OPEN, INVOICE_EVENT_WRITE_OFF, INVOICE_UNCOLLECTIBLE},
    {INVOICE_UNCOLLECTIBLE, INVOICE_EVENT_PAY, INVOICE_PAID},
    {INVOICE_UNCOLLECTIBLE, INVOICE_EVENT_VOID, INVOICE_VOID},
};
enum { TRANSITION_COUNT = sizeof TRANSITIONS / sizeof TRANSITIONS[0] };

const char *invoice_state_name(enum invoice_state state) {
  ASSERT((size_t)state < STATE_COUNT);
  return STATE_NAMES[state];
}

bool invoice_state_from_name(const char *name, enum invoice_state *ret_state) {
  for (size_t i = 0; i < STATE_COUNT; i++) {
    if (strcmp(STATE_NAMES[i], name) != 0) continue;
    *ret_state = (enum invoice_state)i;
    return true;
  }
  return false;
}

/* The answer to what is not in the table, with what would have led somewhere. */
enum rc invoice_refuse(enum invoice_state from, const char *what, struct error *err) {
  enum rc rc =
      error_set(err, RC_ILLEGAL_TRANSITION, "%s is not possible while the invoice is %s", what, STATE_NAMES[from]);
  struct buf details CLEANUP(buf_release);
  struct json_writer writer;
  buf_init(&details, ERROR_DETAILS_MAX);
  json_writer_init(&writer, &details);
  json_put_object(&writer, NULL);
  json_put_array(&writer, "allowed");
  for (size_t i = 0; i < TRANSITION_COUNT; i++)
    if (TRANSITIONS[i].from == from) json_put_string(&writer, NULL, EVENT_NAMES[TRANSITIONS[i].event]);
  json_put_end(&writer);
  json_put_end(&writer);
  (void)snprintf(err->details, sizeof err->details, "%s", buf_text(&details));
  return rc;
}

enum rc invoice_next(enum invoice_state from, enum invoice_event event, enum invoice_state *ret_to, struct error *err) {
  ASSERT((size_t)from < STATE_COUNT && (size_t)event < EVENT_COUNT);
  for (size_t i = 0; i < TRANSITION_COUNT; i++) {
    if (TRANSITIONS[i].from != from || TRANSITIONS[i].event != event) continue;
    *ret_to = TRANSITIONS[i].to;
    return RC_OK;
  }
  return invoice_refuse(from, EVENT_NAMES[event], err);
}
