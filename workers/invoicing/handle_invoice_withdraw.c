/* invoice.withdraw, from billing-cycle: what the invoice is for never came about (BILL-051). Whatever has become of it
 * in the meantime, nothing is owed on it afterwards and nothing that was paid is lost: what is open becomes void, and
 * what was paid, all or part of it, is given back by a credit note as account credit. A draft it never is. */
#include "handlers.h"
#include "note_store.h"

/* Nothing when nothing is left: the command came twice, or the invoice was one of nothing. */
static enum rc give_back(struct work *work, const struct message *command, const char *reason, struct error *err) {
  struct note *note;
  struct error nothing;
  TRY(note_open(work, &command->tenant, command->subject, NULL, &note, err));
  note->id = UUID_DERIVE("invoice.withdraw", command->subject);
  note->id_text = db_uuid(work->arena, &note->id);
  note->reason = reason;
  note->disposition = "credit";
  note->basis = CREDIT_WHOLE;
  credit_whole(note->lines, note->line_count);
  return note_sum_up(note, &nothing) == RC_OK ? note_store(work, note, command, err) : RC_OK;
}

enum rc handle_invoice_withdraw(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct invoice_facts facts;
  const char *reason;
  TRY(body_text(command->json, "reason", &reason, err));
  TRY(invoice_facts_load(work, &command->tenant, command->subject, GROUND_TO_STORE, &facts, err));
  switch (facts.state) {
  case INVOICE_VOID: return RC_OK;
  case INVOICE_PAID: return give_back(work, command, reason, err);
  case INVOICE_DRAFT:
  case INVOICE_OPEN:
  case INVOICE_UNCOLLECTIBLE: break;
  }
  return facts.paid_minor > 0 ? give_back(work, command, reason, err) : invoice_void(work, &facts, command, err);
}
