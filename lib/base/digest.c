/* Hashes by libcrypto's one-shot functions, random bytes by the kernel. None of them can fail for a reason that a
 * caller could do something about, so none of them returns an error. */
#include "base/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include "base/assert.h"

void sha256(const void *bytes, size_t length, uint8_t ret_digest[static SHA256_BYTES]) {
  unsigned digest_length = 0;
  int ok = EVP_Digest(bytes, length, ret_digest, &digest_length, EVP_sha256(), NULL);
  ASSERT(ok == 1 && digest_length == SHA256_BYTES);
}

const char *sha256_hex(const void *bytes, size_t length, char text[static SHA256_HEX_MAX]) {
  uint8_t digest[SHA256_BYTES];
  sha256(bytes, length, digest);
  return hex_format(digest, sizeof digest, text, SHA256_HEX_MAX);
}

void hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length,
                 uint8_t ret_mac[static SHA256_BYTES]) {
  ASSERT(key_length <= INT32_MAX);
  unsigned mac_length = 0;
  /* HMAC takes a NULL key for "the key of before": give it an empty one instead. */
  const uint8_t *mac =
      HMAC(EVP_sha256(), key_length == 0 ? "" : key, (int)key_length, bytes, length, ret_mac, &mac_length);
  ASSERT(mac != NULL && mac_length == SHA256_BYTES);
}

const char *hex_format(const uint8_t *bytes, size_t length, char *text, size_t text_size) {
  static const char DIGITS[] = "0123456789abcdef";
  ASSERT(text_size > 0 && length <= (text_size - 1) / 2);
  for (size_t i = 0; i < length; i++) {
    text[2 * i] = DIGITS[bytes[i] >> 4];
    text[2 * i + 1] = DIGITS[bytes[i] & 15];
  }
  text[2 * length] = '\0';
  return text;
}

/* 16 for what is no digit of hex_format's. */
static unsigned digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return (unsigned)(digit - '0');
  return digit >= 'a' && digit <= 'f' ? (unsigned)(digit - 'a') + 10 : 16;
}

bool hex_read(const char *text, size_t length, uint8_t *ret_bytes) {
  if (length % 2 != 0) return false;
  for (size_t i = 0; i < length / 2; i++) {
    unsigned high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
    if (high > 15 || low > 15) return false;
    ret_bytes[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

bool equal_constant_time(const void *a, const void *b, size_t length) {
  return CRYPTO_memcmp(a, b, length) == 0;
}

void random_bytes(void *ret_bytes, size_t length) {
  uint8_t *at = ret_bytes;
  while (length > 0) {
    ssize_t got = getrandom(at, length, 0);
    if (got < 0 && errno == EINTR) continue;
    ASSERT(got > 0);
    at += got;
    length -= (size_t)got;
  }
}
