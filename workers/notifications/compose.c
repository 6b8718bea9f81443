/* From a row to a message: its templates in its language with its variables. The same row makes the same bytes. */
#include "compose.h"

#include "catalogue.h"
#include "message.h"

struct rendered {
  struct buf subject, text, html;
};

static void rendered_init(struct rendered *rendered) {
  buf_init(&rendered->subject, MAIL_MAX_BYTES);
  buf_init(&rendered->text, MAIL_MAX_BYTES);
  buf_init(&rendered->html, MAIL_MAX_BYTES);
}

static void rendered_release(struct rendered *rendered) {
  buf_release(&rendered->subject);
  buf_release(&rendered->text);
  buf_release(&rendered->html);
}

static enum rc render(enum mail_kind kind, const struct language *language, const struct mail_values *values,
                      struct rendered *out, struct error *err) {
  catalogue_subject(kind, language, values, &out->subject);
  catalogue_text(kind, language, values, &out->text);
  catalogue_html(kind, language, values, &out->html);
  if (!buf_ok(&out->subject) || !buf_ok(&out->text) || !buf_ok(&out->html))
    return error_set(err, RC_INVARIANT, "the mail is longer than %d bytes", MAIL_MAX_BYTES);
  return RC_OK;
}

enum rc compose_mail(const struct notification *notification, const char *from_address, struct arena *arena,
                     struct buf *out, struct error *err) {
  enum mail_kind kind;
  struct mail_values values;
  if (!mail_kind_from_name(notification->template, &kind))
    return error_set(err, RC_INVARIANT, "there is no template of this name");
  TRY(values_read(kind, notification->variables, arena, &values, err));
  const struct language *language = language_find(notification->locale);
  struct rendered CLEANUP(rendered_release) rendered;
  rendered_init(&rendered);
  TRY(render(kind, language, &values, &rendered, err));
  char id[UUID_TEXT_MAX];
  const struct mail mail = {.from_name = values.text[VAR_SELLER_NAME],
                            .from_address = from_address,
                            .to_name = values.text[VAR_CUSTOMER_NAME],
                            .to_address = notification->recipient,
                            .reply_to = values.text[VAR_SELLER_EMAIL],
                            .subject = buf_text(&rendered.subject),
                            .id = uuid_format(&notification->id, id),
                            .language = language->code,
                            .date = notification->created_at,
                            .text = buf_text(&rendered.text),
                            .html = buf_text(&rendered.html)};
  return mail_write(&mail, out, err);
}
