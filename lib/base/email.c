/* Addresses that plain SMTP can carry: no quotes, no comments, no domain literals, ASCII only. */
#include "base/email.h"

#include <stdbool.h>
#include <string.h>

#include "base/assert.h"

enum { LOCAL_PART_MAX = 64, DOMAIN_LABEL_MAX = 63 }; /* RFC 5321 4.5.3.1 */

static bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_local_part(const char *start, size_t length) {
  if (length == 0 || length > LOCAL_PART_MAX) return false;
  for (size_t i = 0; i < length; i++)
    if (!is_letter_or_digit(start[i]) && !(start[i] && strchr(".!#$%&'*+-/=?^_`{|}~", start[i]))) return false;
  return true;
}

static bool is_label(const char *start, size_t length) {
  if (length == 0 || length > DOMAIN_LABEL_MAX || start[0] == '-' || start[length - 1] == '-') return false;
  for (size_t i = 0; i < length; i++)
    if (!is_letter_or_digit(start[i]) && start[i] != '-') return false;
  return true;
}

static bool is_domain(const char *domain) {
  for (;;) {
    size_t length = strcspn(domain, ".");
    if (!is_label(domain, length)) return false;
    if (domain[length] == '\0') return true;
    domain += length + 1;
  }
}

const char *email_domain(const char *address) {
  const char *at = strrchr(address, '@');
  ASSERT(at);
  return at + 1;
}

enum rc email_check(const char *address, const char *field, struct error *err) {
  if (!address[0]) return error_field(err, RC_VALIDATION, field, "there is no e-mail address");
  if (strlen(address) > EMAIL_MAX) return error_field(err, RC_VALIDATION, field, "the e-mail address is too long");
  for (const char *c = address; *c; c++)
    if ((unsigned char)*c >= 0x80)
      return error_field(err, RC_VALIDATION, field, "the e-mail address is not ASCII: SMTPUTF8 is not supported");
  const char *at = strrchr(address, '@');
  if (!at || !is_local_part(address, (size_t)(at - address)) || !is_domain(at + 1))
    return error_field(err, RC_VALIDATION, field, "the e-mail address is malformed");
  return RC_OK;
}
