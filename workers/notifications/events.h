/* Events that a customer is told about: each makes one notification, ever. */
#ifndef NOTIFICATIONS_EVENTS_H
#define NOTIFICATIONS_EVENTS_H

#include "runtime/runtime.h"

handler_function handle_invoice_finalised;
handler_function handle_payment_succeeded;
handler_function handle_payment_failed; /* payment.failed, payment.action_required */

#endif
