/* invoicing: finalises invoices. Numbers without a gap, lines with their provenance, the ledger, the event. */
#include "handlers.h"
#include "invoicing/ground.h"
#include "sql.h"

static const enum topic topics[] = {TOPIC_INVOICE_COMMANDS};

static const struct handler handlers[] = {
    {"invoice.create", handle_invoice_create, true},
    {"invoice.draft", handle_invoice_draft, false},
    {"invoice.add_item", handle_invoice_add_item, false},
    {"invoice.finalise", handle_invoice_finalise, false},
    {"invoice.delete", handle_invoice_delete, false},
    {"invoice.void", handle_invoice_void, false},
    {"invoice.write_off", handle_invoice_write_off, false},
    {"invoice.send", handle_invoice_send, false},
    {"invoice.withdraw", handle_invoice_withdraw, false},
    {"credit.grant", handle_credit_grant, false},
    {"credit-note.issue", handle_credit_note_issue, false},
    {"credit-note.create", handle_credit_note_create, false},
    {NULL, NULL, false},
};

static const struct task tasks[] = {
    {"finalise", task_finalise, .idle_ms = 200, .on_clocks = true},
    {"expire-credit", task_expire_credit, .idle_ms = 1000, .on_clocks = true},
    {.name = NULL},
};

static const struct worker worker = {
    .name = "invoicing",
    .about = "finalises invoices: numbers, lines, ledger",
    .topics = topics,
    .topic_count = sizeof topics / sizeof topics[0],
    .handlers = handlers,
    .tasks = tasks,
    .statements = sql_statements,
    .layer_statements = invoicing_sql_statements,
};

int main(int argc, char **argv) {
  return worker_main(argc, argv, &worker);
}
