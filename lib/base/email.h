/* E-mail addresses: one check for those who take them and for those who write to them, so that nobody is registered
 * whom no mail can reach. */
#ifndef BASE_EMAIL_H
#define BASE_EMAIL_H

#include "base/error.h"

enum { EMAIL_MAX = 254 }; /* RFC 5321 4.5.3.1.3 */

/* RC_VALIDATION naming the field when an address is not one that plain SMTP can carry. */
MUST_CHECK enum rc email_check(const char *address, const char *field, struct error *err);
/* The part after the @ of a checked address. */
const char *email_domain(const char *address);

#endif
