/* invoice.finalised: an automatic invoice gets its payment. The event says which invoice; what is owed says its row, so
 * that an event that comes late, or again, does no harm. */
#include <string.h>

#include "handlers.h"
#include "open.h"

static enum rc decode(const struct message *message, struct invoice_ref *ret_invoice, bool *ret_is_automatic,
                      struct error *err) {
  const char *collection;
  bool is_there;
  ret_invoice->tenant = message->tenant;
  TRY(body_uuid(message->json, "invoiceId", &ret_invoice->invoice, &is_there, err));
  TRY(body_text(message->json, "collection", &collection, err));
  if (!is_there || !collection) return error_set(err, RC_BAD_MESSAGE, "invoiceId and collection are needed");
  *ret_is_automatic = strcmp(collection, "automatic") == 0;
  return RC_OK;
}

enum rc handle_invoice_finalised(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  struct invoice_ref *invoices = ARENA_ARRAY(work->arena, struct invoice_ref, count);
  size_t automatic = 0;
  for (size_t i = 0; i < count; i++) {
    bool is_automatic = false;
    TRY(decode(messages[i], &invoices[automatic], &is_automatic, err));
    automatic += is_automatic;
  }
  return payments_open(work, invoices, automatic, false, err);
}
