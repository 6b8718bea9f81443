/* SHA-256, HMAC-SHA256 and random bytes, from libcrypto. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX_MAX = 65 };

void sha256(const void *bytes, size_t length, uint8_t ret_digest[static SHA256_BYTES]);
const char *sha256_hex(const void *bytes, size_t length, char text[static SHA256_HEX_MAX]);
void hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length,
                 uint8_t ret_mac[static SHA256_BYTES]);
const char *hex_format(const uint8_t *bytes, size_t length, char *text, size_t text_size); /* text_size > 2 × length */
/* What hex_format wrote, and nothing else: false for an odd length or what is no digit of it. */
bool hex_read(const char *text, size_t length, uint8_t *ret_bytes);
bool equal_constant_time(const void *a, const void *b, size_t length);
void random_bytes(void *ret_bytes, size_t length); /* ends the process when the kernel gives none */

#endif
