/* What invoicing does with each message. */
#ifndef INVOICING_HANDLERS_H
#define INVOICING_HANDLERS_H

#include "runtime/runtime.h"

handler_function handle_invoice_create;
task_function task_finalise; /* drafts whose time has come */

#endif
