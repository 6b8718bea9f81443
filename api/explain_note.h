/* GET /api/billing/credit-notes/{id}/items/{itemId}/explain (BILL-025, BILL-043): what a line of a credit note follows
 * from, each step, and whether computing it again comes to what is stored: its amount and its tax. */
#ifndef API_EXPLAIN_NOTE_H
#define API_EXPLAIN_NOTE_H

#include "router.h"

route_handler explain_note_handle;

#endif
