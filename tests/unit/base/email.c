/* Addresses, by hand: each row one way to be wrong. */
#include "base/email.h"

#include <criterion/criterion.h>

Test(email, an_address_is_one_that_mail_can_reach) {
  static const struct {
    const char *address;
    bool is_good;
  } rows[] = {
      {"ada@example.org", true},
      {"a.b+c_d'e@sub.example-shop.co.uk", true},
      {"root@localhost", true},
      {"..odd..@docomo.example", true},
      {"", false},
      {"ada", false},
      {"@example.org", false},
      {"ada@", false},
      {"ada@example..org", false},
      {"ada@.org", false},
      {"ada@example.org.", false},
      {"ada@-example.org", false},
      {"ada@exa mple.org", false},
      {"a b@example.org", false},
      {"a@b@example.org", false},
      {"ada@example.org\r\nBcc: b@example.org", false},
      {"ada@example.org>\r\nDATA", false},
      {"<ada@example.org>", false},
      {"\"a b\"@example.org", false},
      {"ada,bob@example.org", false},
      {"jürgen@example.org", false},
      {"juergen@müller.example", false},
      {"0123456789012345678901234567890123456789012345678901234567890123@example.org", true},
      {"01234567890123456789012345678901234567890123456789012345678901234@example.org", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct error err;
    cr_expect_eq(email_check(rows[i].address, "email", &err) == RC_OK, rows[i].is_good, "row %zu: %s", i,
                 rows[i].address);
  }
}

Test(email, a_domain_follows_the_last_at) {
  cr_expect_str_eq(email_domain("ada@example.org"), "example.org");
}
