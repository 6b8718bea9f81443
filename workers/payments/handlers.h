/* What the payments worker does with messages, and on its own. */
#ifndef PAYMENTS_HANDLERS_H
#define PAYMENTS_HANDLERS_H

#include "runtime/runtime.h"

handler_function handle_invoice_finalised, handle_payment_collect, handle_invoice_pay, handle_payment_method_create;
handler_function handle_invoice_settled; /* invoice.paid, .voided, .uncollectible */
task_function task_setup, task_charge;

#endif
