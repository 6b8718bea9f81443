/* GET /api/billing/invoices/{id}/items/{item}/explain (BILL-025): what a line was computed from, each step, and whether
 * computing it again comes to what is stored: its price, its share of the discount, its tax. */
#ifndef API_EXPLAIN_H
#define API_EXPLAIN_H

#include "router.h"

route_handler explain_handle;

#endif
