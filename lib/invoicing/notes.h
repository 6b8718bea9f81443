/* credit-note.create (BILL-053): what billing takes back of a subscription's lines becomes credit notes on the invoices
 * that they are on, and what is more than one invoice has room for goes to the next older one (BILL-043). Where a note
 * by hand or a void came first, lines have less left than is claimed: the difference was charged after all, and is
 * given back of the true-up that was worked out without it (BILL-030; what it is for credits on invoices: landing.h).
 * Decided here, for the command and for its preview; written by invoicing. */
#ifndef INVOICING_NOTES_H
#define INVOICING_NOTES_H

#include "invoicing/note.h"

enum { NOTES_OLDER_MAX = 200 }; /* as invoices_older.sql */

/* A line to be taken back. */
struct note_claim {
  struct line_name line;
  int64_t amount_minor; /* as listed: before discount, with a tax that is in the price */
};

struct note_request {
  struct uuid tenant;
  const char *note_id, *subscription_id, *reason, *disposition; /* note_id: what the ids of the notes come from */
  const struct currency *currency;
  struct note_claim *claims;
  size_t count;
  struct note_claim
      *true_up; /* the last of the claims; NULL: none is. Its amount is known when that of the others is */
};
/* Reads and checks the command; texts are the body's. */
MUST_CHECK enum rc note_request_read(struct arena *arena, const struct message *command,
                                     struct note_request *ret_request, struct error *err);

/* Where a claimed line was invoiced. */
struct claimed {
  const char *invoice_id;
  struct utime created; /* of the invoice; 0: it is being made now */
  int64_t line;
  const struct note_claim *claim;
};

struct notes {
  struct claimed *claimed; /* of one invoice together, the newest first */
  size_t claimed_count;
  struct note **at; /* in the order in which they are to be stored */
  size_t count;
  int64_t unplaced_minor; /* no invoice had room for it */
};

/* Whether notes of the command are stored: then it came twice. */
MUST_CHECK enum rc notes_known(struct work *work, const struct note_request *request, bool *ret_is_known,
                               struct error *err);
/* Finds the claimed lines; what came to nothing has none. `ahead`: of a preview, else NULL. */
MUST_CHECK enum rc notes_find(struct work *work, const struct note_request *request, const struct ahead *ahead,
                              struct notes *ret_notes, struct error *err);
/* Claims of the true-up what the others are more than their lines have left; a true-up of which nothing is claimed is
 * not among the claimed any more. Under the locks of their invoices, unless it is for a preview. */
MUST_CHECK enum rc notes_claim_true_up(struct work *work, const struct note_request *request, struct notes *notes,
                                       struct error *err);
/* Decides, once the drafts among the claimed are finalised: notes are on what has a number. */
MUST_CHECK enum rc notes_decide(struct work *work, const struct note_request *request, const struct ahead *ahead,
                                struct notes *notes, struct error *err);

#endif
