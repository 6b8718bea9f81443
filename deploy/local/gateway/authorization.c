/* Both forms that Stripe's clients use. */
#include "authorization.h"

#include <string.h>
#include <strings.h>

#include "base/digest.h"

enum { USER_MAX = 256 };

static int base64_value(char c) {
  static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c != '\0' ? strchr(LETTERS, c) : NULL;
  return at != NULL ? (int)(at - LETTERS) : -1;
}

/* Decodes up to the ':' that ends the user. False when there is none. */
static bool basic_user(const char *text, char ret_user[static USER_MAX]) {
  unsigned bits = 0;
  int count = 0;
  size_t length = 0;
  for (; base64_value(*text) >= 0 && length < USER_MAX; text++) {
    bits = bits << 6 | (unsigned)base64_value(*text);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    char c = (char)(bits >> count & 0xFF);
    if (c == ':') {
      ret_user[length] = '\0';
      return true;
    }
    ret_user[length++] = c;
  }
  return false;
}

static bool is_key(const char *given, const char *wanted) {
  size_t length = strlen(wanted);
  return strlen(given) == length && equal_constant_time(given, wanted, length);
}

bool is_authorized(const char *authorization, const char *secret_key) {
  char user[USER_MAX];
  if (authorization == NULL) return false;
  if (strncasecmp(authorization, "Bearer ", 7) == 0) return is_key(authorization + 7, secret_key);
  if (strncasecmp(authorization, "Basic ", 6) != 0) return false;
  return basic_user(authorization + 6, user) && is_key(user, secret_key);
}
