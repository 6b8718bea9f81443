/* Writes mails. Bodies are quoted-printable, so that a text can be read as it is sent; headers are plain when they are
 * short and ASCII, and else encoded words in base64, cut between characters and not within one (RFC 2047 §5). */
#include "message.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/date.h"

enum {
  MAIL_LINE_MAX = 76,    /* RFC 2045 §6.7, RFC 2047 §2 */
  PLAIN_HEADER_MAX = 60, /* a longer text goes into encoded words, which fold anywhere */
  ENCODED_WORD_MAX = 75,
  /* RFC 2047: of the bytes of one word; 45 make 60 in base64. */
  WORD_BYTES_MAX = 45,
  WORD_BYTES_MIN = 4, /* a character of UTF-8 */
};

#define WORD_START "=?UTF-8?B?"
#define WORD_END   "?="

/* ---- headers ---- */

static bool is_continuation(char c) {
  return ((unsigned char)c & 0xC0) == 0x80;
}

/* Length of the character that begins here; a byte that begins none counts alone. */
static size_t character_length(const char *text) {
  size_t length = 1;
  if ((unsigned char)*text < 0xC0) return length;
  while (length < 4 && is_continuation(text[length])) length++;
  return length;
}

/* C0 and C1 controls, DEL, and the line and paragraph separators: none of them has a place in a header. */
static bool is_control(const char *character, size_t length) {
  unsigned char first = (unsigned char)character[0];
  unsigned char second = length > 1 ? (unsigned char)character[1] : 0;
  if (length == 1) return first < 0x20 || first == 0x7F;
  if (length == 2) return first == 0xC2 && second < 0xA0;
  return length == 3 && first == 0xE2 && second == 0x80 && ((unsigned char)character[2] | 1) == 0xA9;
}

/* RFC 3629: whole, not overlong, not a surrogate, at most U+10FFFF. */
static bool is_utf8(const char *character, size_t length) {
  unsigned char first = (unsigned char)character[0];
  unsigned char second = length > 1 ? (unsigned char)character[1] : 0;
  switch (length) {
  case 1: return first < 0x80;
  case 2: return first >= 0xC2 && first <= 0xDF;
  case 3: return (first & 0xF0) == 0xE0 && !(first == 0xE0 && second < 0xA0) && !(first == 0xED && second >= 0xA0);
  case 4:
    return first >= 0xF0 && first <= 0xF4 && !(first == 0xF0 && second < 0x90) && !(first == 0xF4 && second >= 0x90);
  default: return false;
  }
}

/* One line of what can be shown: controls are spaces, spaces are single, none at the ends; what is not UTF-8 is U+FFFD.
 */
static void clean(const char *text, struct buf *out) {
  bool space = false;
  for (size_t length; *text; text += length) {
    length = character_length(text);
    if (*text == ' ' || is_control(text, length)) {
      space = true;
      continue;
    }
    if (space && out->length > 0) buf_char(out, ' ');
    space = false;
    if (is_utf8(text, length))
      buf_append(out, text, length);
    else
      buf_text_append(out, "\uFFFD");
  }
}

static bool is_plain(const char *text, size_t length) {
  if (length > PLAIN_HEADER_MAX || strstr(text, "=?")) return false;
  for (const char *c = text; *c; c++)
    if ((unsigned char)*c >= 0x80) return false;
  return true;
}

static void base64_append(struct buf *out, const char *bytes, size_t length) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < length; i += 3) {
    uint32_t group = 0;
    for (size_t j = i; j < i + 3; j++) group = group << 8 | (j < length ? (unsigned char)bytes[j] : 0);
    for (size_t j = 0; j < 4; j++) buf_char(out, i + j > length ? '=' : digits[group >> (18 - 6 * j) & 63]);
  }
}

/* How many bytes of whole characters fit into `room` bytes. */
static size_t whole_characters(const char *text, size_t room) {
  size_t length = 0;
  while (text[length]) {
    size_t next = character_length(text + length);
    if (length + next > room) break;
    length += next;
  }
  return length;
}

/* The bytes whose encoded word still fits on a line with `column` characters. */
static size_t word_room(size_t column) {
  size_t around = strlen(WORD_START WORD_END);
  size_t room = column + around < MAIL_LINE_MAX ? (MAIL_LINE_MAX - column - around) / 4 * 3 : 0;
  return room < WORD_BYTES_MAX ? room : WORD_BYTES_MAX;
}

static void encoded_words_append(struct buf *out, const char *text, size_t column) {
  while (*text) {
    size_t room = word_room(column);
    size_t length = room >= WORD_BYTES_MIN ? whole_characters(text, room) : 0;
    if (length > 0) {
      buf_text_append(out, WORD_START);
      base64_append(out, text, length);
      buf_text_append(out, WORD_END);
      text += length;
    }
    if (*text) buf_text_append(out, "\r\n ");
    column = 1;
  }
}

static void append_quoted(struct buf *out, const char *text) {
  buf_char(out, '"');
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') buf_char(out, '\\');
    buf_char(out, *text);
  }
  buf_char(out, '"');
}

static void append_header_text(struct buf *out, const char *text, size_t column,
                               void plain(struct buf *, const char *)) {
  struct buf CLEANUP(buf_release) cleaned = {0};
  buf_init(&cleaned, MAIL_MAX_BYTES);
  clean(text, &cleaned);
  if (is_plain(buf_text(&cleaned), cleaned.length))
    plain(out, buf_text(&cleaned));
  else
    encoded_words_append(out, buf_text(&cleaned), column);
}

void header_text_append(struct buf *out, const char *text, size_t column) {
  append_header_text(out, text, column, buf_text_append);
}

void header_name_append(struct buf *out, const char *name, size_t column) {
  append_header_text(out, name, column, append_quoted);
}

static void mailbox_header(struct buf *out, const char *header, const char *name, const char *address) {
  buf_printf(out, "%s: ", header);
  if (name && name[0]) {
    header_name_append(out, name, strlen(header) + 2);
    buf_text_append(out, "\r\n ");
  }
  buf_printf(out, "<%s>\r\n", address);
}

static void date_header(struct buf *out, struct utime t) {
  static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int64_t day = t.us / UTIME_DAY - (t.us % UTIME_DAY < 0);
  int second = (int)((t.us - day * UTIME_DAY) / UTIME_SECOND);
  struct date date = {(int32_t)day};
  struct civil civil = date_to_civil(date);
  buf_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n", days[date_weekday(date) - 1], civil.day,
             months[civil.month - 1], civil.year, second / 3600, second / 60 % 60, second % 60);
}

static void headers(struct buf *out, const struct mail *mail) {
  mailbox_header(out, "From", mail->from_name, mail->from_address);
  mailbox_header(out, "To", mail->to_name, mail->to_address);
  if (mail->reply_to) mailbox_header(out, "Reply-To", NULL, mail->reply_to);
  buf_text_append(out, "Subject: ");
  header_text_append(out, mail->subject, strlen("Subject: "));
  buf_text_append(out, "\r\n");
  date_header(out, mail->date);
  buf_printf(out, "Message-ID: <%s@%s>\r\n", mail->id, email_domain(mail->from_address));
  buf_printf(out, "Auto-Submitted: auto-generated\r\nContent-Language: %s\r\nMIME-Version: 1.0\r\n", mail->language);
}

/* ---- bodies ---- */

/* RFC 2045 §6.7: everything but printable ASCII, '=' among it, and blanks at the end of a line are written as =XX. */
static bool stands_for_itself(const char *c) {
  if (*c == ' ' || *c == '\t') return c[1] != '\n' && c[1] != '\r' && c[1] != '\0';
  return *c > ' ' && *c <= '~' && *c != '=';
}

void quoted_printable_append(struct buf *out, const char *text) {
  size_t column = 0;
  for (; *text; text++) {
    if (*text == '\r' && text[1] == '\n') continue;
    if (*text == '\n') {
      buf_text_append(out, "\r\n");
      column = 0;
      continue;
    }
    size_t width = stands_for_itself(text) ? 1 : 3;
    if (column + width > MAIL_LINE_MAX - 1) { /* room for the = that says: the line goes on */
      buf_text_append(out, "=\r\n");
      column = 0;
    }
    if (width == 1)
      buf_char(out, *text);
    else
      buf_printf(out, "=%02X", (unsigned)(unsigned char)*text);
    column += width;
  }
}

/* "=_" cannot come out of quoted-printable, so no body holds a boundary. */
static void part(struct buf *out, const struct mail *mail, const char *type, const char *text) {
  buf_printf(out, "--=_%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
             mail->id, type);
  quoted_printable_append(out, text);
  buf_text_append(out, "\r\n");
}

enum rc mail_write(const struct mail *mail, struct buf *out, struct error *err) {
  TRY(email_check(mail->from_address, "from", err));
  TRY(email_check(mail->to_address, "to", err));
  if (mail->reply_to) TRY(email_check(mail->reply_to, "replyTo", err));
  headers(out, mail);
  buf_printf(out, "Content-Type: multipart/alternative;\r\n boundary=\"=_%s\"\r\n\r\n", mail->id);
  part(out, mail, "text/plain", mail->text);
  part(out, mail, "text/html", mail->html);
  buf_printf(out, "--=_%s--\r\n", mail->id);
  if (!buf_ok(out)) return error_set(err, RC_INVARIANT, "the mail is longer than %zu bytes", out->max);
  return RC_OK;
}
