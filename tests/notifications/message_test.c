/* Mails as bytes: headers that hold whatever a name may be, bodies that survive, addresses that are refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

enum { LONGEST_LINE = 76 };

static const struct mail PLAIN = {.from_name = "Acme Ltd",
                                  .from_address = "billing@acme.example",
                                  .to_name = "Ada",
                                  .to_address = "ada@example.org",
                                  .subject = "Invoice INV-000001",
                                  .id = "0190163d-8694-739b-aea5-966c26f8ad91",
                                  .language = "en",
                                  .date = {INT64_C(1763711219) * UTIME_SECOND},
                                  .text = "Hello\n",
                                  .html = "<p>Hello</p>\n"};

static char *text_of(void append(struct buf *, const char *, size_t), const char *text, size_t column) {
  struct buf CLEANUP(buf_release) out;
  buf_init(&out, MAIL_MAX_BYTES);
  append(&out, text, column);
  cr_assert(buf_ok(&out));
  return strdup(buf_text(&out));
}

static char *written(const struct mail *mail) {
  struct buf CLEANUP(buf_release) out;
  struct error err;
  buf_init(&out, MAIL_MAX_BYTES);
  cr_assert_eq(mail_write(mail, &out, &err), RC_OK);
  return strdup(buf_text(&out));
}

static size_t longest_line(const char *text) {
  size_t longest = 0;
  for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
    size_t length = strcspn(line, "\r\n");
    if (length > longest) longest = length;
    if (!strchr(line, '\n')) break;
  }
  return longest;
}

static size_t count_of(const char *text, const char *what) {
  size_t count = 0;
  for (const char *at = text; (at = strstr(at, what)); at++) count++;
  return count;
}

/* ---- encoded words ---- */

Test(headers, are_plain_when_short_and_ascii_and_encoded_when_not) {
  static const struct {
    const char *text, *expected;
  } rows[] = {
      {"Invoice INV-000001", "Invoice INV-000001"},
      {"", ""},
      {"  two   spaces ", "two spaces"},
      {"Grüße", "=?UTF-8?B?R3LDvMOfZQ==?="},
      {"山田太郎", "=?UTF-8?B?5bGx55Sw5aSq6YOO?="},
      {"=?UTF-8?Q?not_yours?=", "=?UTF-8?B?PT9VVEYtOD9RP25vdF95b3Vycz89?="},
      {"a\r\nBcc: b@example.org", "a Bcc: b@example.org"},
      {"a\nb\tc\x7f"
       "d",
       "a b c d"},
      {"a\xc2\x85"
       "b\u2028c\u2029d",
       "a b c d"},
      {"a\xff"
       "b",
       "=?UTF-8?B?Ye+/vWI=?="},
      {"a\xc0\xaf"
       "b",
       "=?UTF-8?B?Ye+/vWI=?="},
      {"a\xed\xa0\x80"
       "b",
       "=?UTF-8?B?Ye+/vWI=?="},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char *text = text_of(header_text_append, rows[i].text, strlen("Subject: "));
    cr_expect_str_eq(text, rows[i].expected, "row %zu: %s", i, text);
    free(text);
  }
}

Test(headers, quote_names) {
  static const struct {
    const char *name, *expected;
  } rows[] = {
      {"Ada Lovelace", "\"Ada Lovelace\""},
      {"Smith, John (\"Jack\") \\ Co", "\"Smith, John (\\\"Jack\\\") \\\\ Co\""},
      {"a\r\nTo: x@y", "\"a To: x@y\""},
      {"Ærø", "=?UTF-8?B?w4Zyw7g=?="},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char *text = text_of(header_name_append, rows[i].name, strlen("To: "));
    cr_expect_str_eq(text, rows[i].expected, "row %zu: %s", i, text);
    free(text);
  }
}

/* RFC 2047 §5 (3): a word holds whole characters. Each is 75 long at most, each line 76. */
Test(headers, fold_long_texts_between_characters) {
  static const char *const characters[] = {"x", "é", "한", "𝄞"};
  for (size_t c = 0; c < sizeof characters / sizeof characters[0]; c++)
    for (size_t count = 1; count <= 300; count++)
      for (size_t column = 4; column <= 60; column += 14) {
        struct buf CLEANUP(buf_release) name;
        buf_init(&name, MAIL_MAX_BYTES);
        for (size_t i = 0; i < count; i++) buf_text_append(&name, characters[c]);
        char *text = text_of(header_text_append, buf_text(&name), column);
        cr_assert(longest_line(text) <= LONGEST_LINE);
        cr_assert(strcspn(text, "\r") + column <= LONGEST_LINE || count <= 60);
        for (const char *word = text; strlen(characters[c]) > 1 && (word = strstr(word, "=?UTF-8?B?"));) {
          word += strlen("=?UTF-8?B?");
          size_t digits = strcspn(word, "?="), padding = strspn(word + digits, "=");
          size_t bytes = (digits + padding) / 4 * 3 - padding;
          cr_assert_eq(bytes % strlen(characters[c]), 0);
        }
        free(text);
      }
}

/* ---- quoted-printable ---- */

Test(quoted_printable, is_rfc_2045) {
  static const struct {
    const char *text, *expected;
  } rows[] = {
      {"", ""},
      {"plain\n", "plain\r\n"},
      {"a\r\nb\n", "a\r\nb\r\n"},
      {"1 = 1", "1 =3D 1"},
      {"€", "=E2=82=AC"},
      {"blank \nat end\t\n", "blank=20\r\nat end=09\r\n"},
      {"last ", "last=20"},
      {".dot\n", ".dot\r\n"},
      {"a\rb", "a=0Db"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct buf CLEANUP(buf_release) out;
    buf_init(&out, MAIL_MAX_BYTES);
    quoted_printable_append(&out, rows[i].text);
    cr_expect_str_eq(buf_text(&out), rows[i].expected, "row %zu: %s", i, buf_text(&out));
  }
}

Test(quoted_printable, breaks_long_lines_softly_and_no_escape_in_two) {
  for (size_t length = 70; length < 240; length++) {
    struct buf CLEANUP(buf_release) text, out;
    buf_init(&text, MAIL_MAX_BYTES);
    buf_init(&out, MAIL_MAX_BYTES);
    for (size_t i = 0; i < length; i++) buf_text_append(&text, i % 7 == 3 ? "ü" : "x");
    quoted_printable_append(&out, buf_text(&text));
    cr_assert(longest_line(buf_text(&out)) <= LONGEST_LINE);
    for (const char *at = buf_text(&out); (at = strchr(at, '=')); at++)
      cr_assert(at[1] == '\r' || strspn(at + 1, "0123456789ABCDEF") >= 2);
  }
}

/* ---- the whole ---- */

Test(mails, have_the_headers_that_they_need) {
  static const char *const headers[] = {
      "From: \"Acme Ltd\"\r\n <billing@acme.example>\r\n",
      "To: \"Ada\"\r\n <ada@example.org>\r\n",
      "Subject: Invoice INV-000001\r\n",
      "Date: Fri, 21 Nov 2025 07:46:59 +0000\r\n",
      "Message-ID: <0190163d-8694-739b-aea5-966c26f8ad91@acme.example>\r\n",
      "Auto-Submitted: auto-generated\r\n",
      "MIME-Version: 1.0\r\n",
      "Content-Type: multipart/alternative;\r\n",
  };
  char *mail = written(&PLAIN);
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) cr_expect(strstr(mail, headers[i]), "%s", headers[i]);
  cr_expect_not(strstr(mail, "Reply-To:"));
  cr_expect_eq(count_of(mail, "Content-Transfer-Encoding: quoted-printable\r\n"), 2);
  cr_expect(strstr(mail, "text/plain") < strstr(mail, "text/html"), "the best part is the last (RFC 2046 §5.1.4)");
  free(mail);
}

Test(mails, take_no_header_from_anybody) {
  struct mail mail = PLAIN;
  mail.to_name = mail.from_name = mail.subject = "x\r\nBcc: victim@example.org\r\n\r\n<script>";
  char *text = written(&mail);
  cr_expect_eq(count_of(text, "\nBcc:"), 0);
  cr_expect_eq(count_of(text, "\nSubject:"), 1);
  char *body = strstr(text, "\r\n\r\n");
  cr_expect(body > strstr(text, "boundary="), "no header ends the headers early");
  free(text);
}

Test(mails, hold_their_boundary_once_for_each_part_whatever_they_say) {
  struct mail mail = PLAIN;
  mail.text = "--=_0190163d-8694-739b-aea5-966c26f8ad91--\n.\nQUIT\n";
  char *text = written(&mail);
  cr_expect_eq(count_of(text, "--=_0190163d-8694-739b-aea5-966c26f8ad91"), 3);
  free(text);
}

Test(mails, have_short_lines_and_crlf_only) {
  struct buf CLEANUP(buf_release) name;
  buf_init(&name, MAIL_MAX_BYTES);
  for (int i = 0; i < 66; i++) buf_text_append(&name, "김𝄞a");
  struct mail mail = PLAIN;
  mail.to_name = mail.from_name = mail.subject = mail.text = mail.html = buf_text(&name);
  char *text = written(&mail);
  cr_expect(longest_line(text) <= LONGEST_LINE + 2, "%zu", longest_line(text));
  cr_expect_eq(count_of(text, "\n"), count_of(text, "\r\n"));
  cr_expect_eq(count_of(text, "\r"), count_of(text, "\r\n"));
  free(text);
}

Test(mails, refuse_addresses_that_would_break_out) {
  struct mail mail = PLAIN;
  struct buf CLEANUP(buf_release) out;
  struct error err;
  buf_init(&out, MAIL_MAX_BYTES);
  mail.to_address = "a@example.org>\r\nBcc: <b@example.org";
  cr_assert_eq(mail_write(&mail, &out, &err), RC_VALIDATION);
  cr_expect_str_eq(err.field, "to");
  mail = PLAIN;
  mail.reply_to = "nobody";
  cr_assert_eq(mail_write(&mail, &out, &err), RC_VALIDATION);
  cr_expect_str_eq(err.field, "replyTo");
}

Test(mails, are_refused_when_too_long) {
  struct mail mail = PLAIN;
  struct buf CLEANUP(buf_release) out;
  struct error err;
  buf_init(&out, 400);
  cr_assert_eq(mail_write(&mail, &out, &err), RC_INVARIANT);
}
