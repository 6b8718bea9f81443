/* Published vectors: FIPS 180-4, RFC 4231. */
#include "base/digest.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <string.h>

Test(digest, sha256_of_known_texts) {
  static const struct {
    const char *text, *hex;
  } CASES[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[SHA256_HEX_MAX];
    cr_expect_str_eq(sha256_hex(CASES[i].text, strlen(CASES[i].text), text), CASES[i].hex);
  }
}

Test(digest, hmac_of_known_texts) {
  uint8_t long_key[131];
  memset(long_key, 0xaa, sizeof long_key);
  const struct {
    const void *key;
    size_t key_length;
    const char *text, *hex;
  } cases[] = {
      {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20, "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", 4, "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {long_key, sizeof long_key, "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {NULL, 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t mac[SHA256_BYTES];
    char text[SHA256_HEX_MAX];
    hmac_sha256(cases[i].key, cases[i].key_length, cases[i].text, strlen(cases[i].text), mac);
    cr_expect_str_eq(hex_format(mac, sizeof mac, text, sizeof text), cases[i].hex, "row %zu", i);
  }
}

Test(digest, hex_writes_two_digits_a_byte) {
  static const uint8_t BYTES[] = {0x00, 0x0f, 0xa0, 0xff};
  char text[9];
  cr_expect_str_eq(hex_format(BYTES, 4, text, sizeof text), "000fa0ff");
  cr_expect_str_eq(hex_format(BYTES, 0, text, sizeof text), "");
}

Test(digest, hex_without_room_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  char text[8];
  (void)hex_format((const uint8_t *)"abcd", 4, text, sizeof text);
}

Test(digest, equal_in_constant_time) {
  cr_expect(equal_constant_time("abc", "abc", 3));
  cr_expect_not(equal_constant_time("abc", "abd", 3));
  cr_expect(equal_constant_time("abc", "abd", 2));
  cr_expect(equal_constant_time("", "", 0));
}

Test(digest, random_bytes_differ_and_fill_what_was_asked_for) {
  enum { BYTES = 100000 };
  static uint8_t a[BYTES + 1];
  static uint8_t b[BYTES];
  random_bytes(a, BYTES);
  random_bytes(b, BYTES);
  cr_expect_neq(memcmp(a, b, BYTES), 0);
  cr_expect_eq(a[BYTES], 0, "not a byte more");
  size_t seen[256] = {0};
  for (size_t i = 0; i < BYTES; i++) seen[a[i]]++;
  for (size_t i = 0; i < 256; i++) cr_expect_gt(seen[i], 0, "byte %zu never came", i);
  random_bytes(a, 0);
}

Test(digest, hex_is_read_as_it_is_written) {
  uint8_t bytes[256], read[256];
  char text[513];
  for (int i = 0; i < 256; i++) bytes[i] = (uint8_t)i;
  hex_format(bytes, sizeof bytes, text, sizeof text);
  cr_expect(hex_read(text, 512, read));
  cr_expect_arr_eq(read, bytes, sizeof bytes);
  cr_expect(hex_read("", 0, read));
  cr_expect_not(hex_read("0", 1, read), "half a byte");
  cr_expect_not(hex_read("0G", 2, read));
  cr_expect_not(hex_read("AB", 2, read), "hex_format writes small letters");
  cr_expect_not(hex_read("0\0", 2, read));
}
