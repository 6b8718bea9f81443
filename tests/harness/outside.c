/* What reached the world outside: mails in the sink's folder, charges in the gateway's memory. */
#include <dirent.h>
#include <strings.h>
#include <time.h>

#include "harness.h"

/* -- mails -- */

enum { MAIL_AGE_MAX_S = 900 }; /* older than any test runs */

static const char *next_line(const char *line) {
  const char *end = strchr(line, '\n');
  return end ? end + 1 : NULL;
}

/* The value of a header of the mail, unfolded; NULL when it has none. */
static const char *mail_header(const char *text, const char *name) {
  size_t length = strlen(name);
  for (const char *line = text; line && *line != '\r' && *line != '\n' && *line; line = next_line(line)) {
    if (strncasecmp(line, name, length) != 0 || line[length] != ':') continue;
    const char *value = line + length + 1 + strspn(line + length + 1, " ");
    char *whole = keep_text("%.*s", (int)strcspn(value, "\r\n"), value);
    for (const char *next = strchr(value, '\n'); next && (next[1] == ' ' || next[1] == '\t');
         next = strchr(next + 1, '\n'))
      whole = keep_text("%s%.*s", whole, (int)strcspn(next + 1, "\r\n"), next + 1);
    return whole;
  }
  return NULL;
}

static bool is_delivered_to(const char *text, const char *address) {
  char line[512];
  snprintf(line, sizeof line, "\nDelivered-To: %s\r\n", address);
  return strstr(text, line) != NULL;
}

static void add_mail(struct mails *mails, const char *text, const char *file) {
  const char *id = mail_header(text, "Message-ID");
  cr_assert_not_null(id, "%s has no Message-ID", file);
  for (size_t i = 0; i < mails->count; i++)
    if (strcmp(mails->at[i].message_id, id) == 0) {
      mails->at[i].copies++;
      return;
    }
  struct mail *more = keep(sizeof *more * (mails->count + 1));
  if (mails->count) memcpy(more, mails->at, sizeof *more * mails->count);
  more[mails->count++] = (struct mail){id, mail_header(text, "Subject"), text, 1};
  mails->at = more;
}

/* Names begin with the time of arrival in nanoseconds. */
static bool is_recent(const char *name) {
  return strtoll(name, NULL, 10) / 1000000000 >= time(NULL) - MAIL_AGE_MAX_S;
}

struct mails mails_for(const char *address) {
  struct mails mails = {0};
  const char *folder = setting("MAIL_DIR");
  DIR *directory = opendir(folder);
  cr_assert_not_null(directory, "%s", folder);
  for (const struct dirent *entry; (entry = readdir(directory));) {
    const char *suffix = strrchr(entry->d_name, '.');
    if (entry->d_name[0] == '.' || !suffix || strcmp(suffix, ".eml") != 0 || !is_recent(entry->d_name)) continue;
    char *text = file_text(folder, entry->d_name);
    if (text && is_delivered_to(text, address)) add_mail(&mails, keep_text("%s", text), entry->d_name);
    free(text); /* others' mails are many */
  }
  closedir(directory);
  return mails;
}

/* -- the gateway -- */

const json_t *gateway_charges(const char *invoice_id) {
  const char *url =
      keep_text("%s/sandbox/charges?metadata[invoice_id]=%s&limit=1000", setting("GATEWAY_URL"), invoice_id);
  struct answer answer = http_request("GET", url, NULL, NULL, NULL);
  cr_assert_eq(answer.status, 200, "%s: %d %s", url, answer.status, answer.text);
  return json_object_get(answer.json, "data");
}

int gateway_paid(const char *invoice_id) {
  int paid = 0;
  size_t index;
  const json_t *charge;
  json_array_foreach(gateway_charges(invoice_id), index,
                     charge) if (strcmp(json_at(charge, "status"), "succeeded") == 0) paid++;
  return paid;
}
