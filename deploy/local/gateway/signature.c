/* The signature of a webhook, as Stripe's libraries check it. */
#include "base/assert.h"
#include "base/digest.h"
#include "sender.h"

const char *signature_format(const char *secret, int64_t now_s, const struct buf *body,
                             char text[static SIGNATURE_TEXT_MAX]) {
  CLEANUP(buf_release) struct buf signed_text;
  uint8_t mac[SHA256_BYTES];
  char hex[SHA256_HEX_MAX];
  buf_init(&signed_text, SIGNED_BODY_MAX);
  buf_printf(&signed_text, "%lld.", (long long)now_s);
  buf_append(&signed_text, buf_text(body), body->length);
  ASSERT(buf_ok(&signed_text));
  hmac_sha256(secret, strlen(secret), signed_text.bytes, signed_text.length, mac);
  (void)snprintf(text, SIGNATURE_TEXT_MAX, "t=%lld,v1=%s", (long long)now_s,
                 hex_format(mac, sizeof mac, hex, sizeof hex));
  return text;
}
