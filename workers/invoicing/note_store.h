/* Writing a credit note that was decided. */
#ifndef INVOICING_NOTE_STORE_H
#define INVOICING_NOTE_STORE_H

#include "invoice_events.h"
#include "invoicing/note.h"

/* Writes note, ledger and credit, settles the invoice, and tells. */
MUST_CHECK enum rc note_store(struct work *work, struct note *note, const struct message *cause, struct error *err);

#endif
