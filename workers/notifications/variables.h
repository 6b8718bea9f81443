/* What a mail can say. Each kind of mail has its variables, and its templates may name those and no other: they are
 * checked when the process starts. Values are texts that are ready to be read, in the language of the mail; an empty
 * one is false in {{#if}}. They are kept with the notification, so that the mail says tomorrow what it would have said
 * now. */
#ifndef NOTIFICATIONS_VARIABLES_H
#define NOTIFICATIONS_VARIABLES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

/* kind, its name in the database and in the names of its templates */
#define MAIL_KINDS(X)        \
  X(MAIL_INVOICE, "invoice") \
  X(MAIL_RECEIPT, "receipt") \
  X(MAIL_PAYMENT_FAILED, "payment_failed")

enum mail_kind {
#define X(kind, name) kind,
  MAIL_KINDS(X)
#undef X
      MAIL_KIND_COUNT
};

enum {
  IN_INVOICE = 1 << MAIL_INVOICE,
  IN_RECEIPT = 1 << MAIL_RECEIPT,
  IN_PAYMENT_FAILED = 1 << MAIL_PAYMENT_FAILED,
  IN_CARD_MAILS = IN_RECEIPT | IN_PAYMENT_FAILED,
  IN_ALL = IN_INVOICE | IN_CARD_MAILS
};

/* variable, its name in templates and in notifications.variables, the kinds of mail that have it */
#define VARIABLES(X)                                                                                             \
  X(VAR_CUSTOMER_NAME, "customerName", IN_ALL)                                                                   \
  X(VAR_SELLER_NAME, "sellerName", IN_ALL)                                                                       \
  X(VAR_SELLER_EMAIL, "sellerEmail", IN_ALL) /* where answers go, if the seller gave an address */               \
  X(VAR_INVOICE_NUMBER, "invoiceNumber", IN_ALL)                                                                 \
  X(VAR_AMOUNT, "amount", IN_ALL)            /* the invoice's total; what was paid; what could not be charged */ \
  X(VAR_AMOUNT_DUE, "amountDue", IN_INVOICE) /* empty: nothing is */                                             \
  X(VAR_AUTOMATIC, "automatic", IN_INVOICE)  /* what is due will be charged, the customer need do nothing */     \
  X(VAR_ISSUE_DATE, "issueDate", IN_INVOICE)                                                                     \
  X(VAR_DUE_DATE, "dueDate", IN_INVOICE)                                                                         \
  X(VAR_PAID_DATE, "paidDate", IN_RECEIPT)                                                                       \
  X(VAR_TRANSACTION, "transaction", IN_RECEIPT)                                                                  \
  X(VAR_CARD_BRAND, "cardBrand", IN_CARD_MAILS)                                                                  \
  X(VAR_CARD_LAST4, "cardLast4", IN_CARD_MAILS)                                                                  \
  X(VAR_RETRY_DATE, "retryDate", IN_PAYMENT_FAILED) /* empty: a new payment method is needed */                  \
  X(VAR_NO_FUNDS, "noFunds", IN_PAYMENT_FAILED)     /* reasons that one may tell: at most one of them is set */  \
  X(VAR_CARD_EXPIRED, "cardExpired", IN_PAYMENT_FAILED)                                                          \
  X(VAR_NOT_CONFIRMED, "notConfirmed", IN_PAYMENT_FAILED)

enum variable {
#define X(variable, name, kinds) variable,
  VARIABLES(X)
#undef X
      VARIABLE_COUNT
};

/* NULL is empty. */
struct mail_values {
  const char *text[VARIABLE_COUNT];
};

const char *mail_kind_name(enum mail_kind kind);
MUST_CHECK bool mail_kind_from_name(const char *name, enum mail_kind *ret_kind);
/* By a name that need not end in NUL; VARIABLE_COUNT for a name that this kind of mail does not have. */
enum variable variable_find(enum mail_kind kind, const char *name, size_t length);

/* As JSON: the variables that the kind of mail has and that are not empty. */
void values_write(enum mail_kind kind, const struct mail_values *values, struct buf *out);
/* Reads it back into the arena. RC_INVARIANT when it is not such an object; names that are unknown now are left out. */
MUST_CHECK enum rc values_read(enum mail_kind kind, const char *json, struct arena *arena,
                               struct mail_values *ret_values, struct error *err);

#endif
