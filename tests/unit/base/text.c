#include "base/text.h"

#include <criterion/criterion.h>
#include <string.h>

/* A field of six bytes: five and the end. */
static const struct {
  const char *text, *copy;
} CUTS[] = {
    {"", ""},
    {"abcde", "abcde"},
    {"abcdef", "abcde"},
    {"abc\xc3\xa9", "abc\xc3\xa9"},
    {"abcd\xc3\xa9", "abcd"},
    {"abcd\xe2\x82\xac", "abcd"},
    {"abc\xe2\x82\xac", "abc"},
    {"ab\xe2\x82\xac!", "ab\xe2\x82\xac"},
    {"ab\xf0\x9f\x98\x80", "ab"},
    {"a\xf0\x9f\x98\x80zz", "a\xf0\x9f\x98\x80"},
    {"\x80\x80\x80\x80\x80\x80\x80", ""}, /* no UTF-8: nothing is a beginning */
};

Test(text, is_cut_between_characters) {
  for (size_t i = 0; i < sizeof CUTS / sizeof CUTS[0]; i++) {
    char field[6];
    memset(field, '#', sizeof field);
    text_copy_cut(field, sizeof field, CUTS[i].text);
    cr_expect_str_eq(field, CUTS[i].copy, "row %zu", i);
  }
}
