/* What everybody who makes or reads an invoice must agree on. */
#ifndef DOMAIN_INVOICE_H
#define DOMAIN_INVOICE_H

/* Lines of one invoice. More of one customer, currency and day go on a second one: the command that carries them must
 * fit into a message. */
enum { INVOICE_LINES_MAX = 250 };

#endif
