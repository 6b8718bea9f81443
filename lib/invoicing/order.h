/* The order in which invoices are finalised. */
#ifndef INVOICING_ORDER_H
#define INVOICING_ORDER_H

#include "invoicing/invoice.h"

/* One to be finalised, its time, and its place in an array. */
struct finalising {
  struct utime at;
  size_t place;
  struct utime made, begins; /* filled in by invoices_order */
};

/* The invoices, and `each` of them, by their time; of one time, as they were made. But what an invoice takes back of
 * another (BILL-022) must be known first: that one comes before it, at its time if its own is later. */
struct invoice *invoices_order(struct arena *arena, const struct invoice *invoices, struct finalising *each,
                               size_t count);

#endif
