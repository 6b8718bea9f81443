/* What invoicing does with each message. */
#ifndef INVOICING_HANDLERS_H
#define INVOICING_HANDLERS_H

#include "runtime/runtime.h"

handler_function handle_invoice_create;
handler_function handle_invoice_draft, handle_invoice_add_item, handle_invoice_finalise, handle_invoice_delete;
handler_function handle_invoice_void, handle_invoice_write_off, handle_invoice_send;
handler_function handle_invoice_withdraw;
handler_function handle_credit_grant, handle_credit_note_issue, handle_credit_note_create;
task_function task_expire_credit;
task_function task_finalise; /* drafts whose time has come */

#endif
