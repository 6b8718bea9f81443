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

static const struct {
  const char *text;
  bool is_blank;
} BLANKS[] = {
    {"", true},
    {" ", true},
    {"\t\r\n ", true},
    {"\u00a0", true},
    {"\u3000 \u2003", true},
    {"\u200b\u200d\ufeff", true},
    {"\u00ad", true},
    {"\u2060", true},
    {"a", false},
    {"  a", false},
    {"\u3000\u5c71\u3000", false},
    {"\u00e9", false},
    {"\u2010", false}, /* a hyphen */
    {"\u3001", false},
    {"\xC2", false}, /* half a character */
    {"\xE2\x80", false},
};

Test(text, of_blanks_alone_cannot_be_seen) {
  for (size_t i = 0; i < sizeof BLANKS / sizeof BLANKS[0]; i++)
    cr_expect_eq(text_is_blank(BLANKS[i].text), BLANKS[i].is_blank, "row %zu", i);
}
