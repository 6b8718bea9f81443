/* invoice.paid, .voided, .uncollectible: what waits to be charged for such an invoice is cancelled at once, whoever
 * settled it and by what, and with it ends what the subscription is past due for (BILL-084). What is owed says the
 * invoice's row, so that an event that comes late, or again, does no harm. A charge that is under way is let be: its
 * answer finds the invoice settled (decision.c), and money that comes in is the customer's credit. */
#include "decision.h"
#include "handlers.h"
#include "record.h"
#include "resume.h"
#include "rows.h"

/* For an invoice that was given up nothing is tried again by itself; what is due for the first time is somebody's word.
 */
static bool is_over(const struct situation *situation) {
  const struct payment *payment = &situation->payment;
  bool is_first_try =
      payment->status == PAYMENT_PENDING && payment->cycle_attempts == 0 && payment->first_failure.us == 0;
  return !is_owed(situation) || (situation->is_given_up && !is_first_try);
}

static enum rc load(struct work *work, struct message *const *messages, size_t count, struct situation **ret_situations,
                    size_t *ret_count, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *invoices = db_array_new(work->arena);
  struct payment_ref *refs;
  for (size_t i = 0; i < count; i++) {
    struct uuid invoice;
    bool is_there;
    TRY(body_uuid(messages[i]->json, "invoiceId", &invoice, &is_there, err));
    if (!is_there) return error_set(err, RC_BAD_MESSAGE, "invoiceId is needed");
    db_array_uuid(tenants, &messages[i]->tenant);
    db_array_uuid(invoices, &invoice);
  }
  TRY(payments_lock_waiting(work, tenants, invoices, &refs, ret_count, err));
  return situations_load(work, refs, *ret_count, ret_situations, ret_count, err);
}

enum rc handle_invoice_settled(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  struct situation *situations = NULL;
  size_t waiting = 0, over = 0, settled = 0;
  TRY(load(work, messages, count, &situations, &waiting, err));
  struct situation *cancelled = ARENA_ARRAY(work->arena, struct situation, waiting);
  struct situation *moot = ARENA_ARRAY(work->arena, struct situation, waiting);
  struct conclusion *conclusions = ARENA_ARRAY(work->arena, struct conclusion, waiting);
  for (size_t i = 0; i < waiting; i++) {
    if (!is_over(&situations[i])) continue;
    if (!is_owed(&situations[i]))
      moot[settled++] = situations[i]; /* what was given up may be asked for by its letter */
    conclusions[over] = conclude_unasked(&situations[i], STEP_CANCEL, work->now);
    cancelled[over++] = situations[i];
  }
  TRY(conclusions_record(work, cancelled, conclusions, over, err));
  return payments_drop_letters(work, moot, settled, err);
}
