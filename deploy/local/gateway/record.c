/* Fields of each object are one table: it is written and read by the same rows, so the two cannot drift apart. Cards
 * and statuses are written by name, so that the tables of cards and statuses may change their order. */
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "cards.h"
#include "metadata.h"
#include "store.h"

enum field_type {
  FIELD_U32,
  FIELD_I64,
  FIELD_U16,
  FIELD_U64,
  FIELD_BOOL,
  FIELD_TEXT,
  FIELD_CURRENCY,
  FIELD_CARD,
  FIELD_STATUS,
  FIELD_METADATA
};

struct field {
  int kind; /* enum kind, or KIND_COUNT for what belongs to no object */
  const char *name;
  enum field_type type;
  size_t offset;
};

#define FIELD(kind, object, member, type) \
  { kind, #object "." #member, type, offsetof(struct change, object.member) }
static const struct field FIELDS[] = {
    FIELD(KIND_CUSTOMER, customer, sequence, FIELD_U32),
    FIELD(KIND_CUSTOMER, customer, default_method, FIELD_U32),
    FIELD(KIND_CUSTOMER, customer, created_s, FIELD_I64),
    FIELD(KIND_CUSTOMER, customer, name, FIELD_TEXT),
    FIELD(KIND_CUSTOMER, customer, email, FIELD_TEXT),
    FIELD(KIND_CUSTOMER, customer, description, FIELD_TEXT),
    FIELD(KIND_CUSTOMER, customer, metadata, FIELD_METADATA),
    FIELD(KIND_METHOD, method, sequence, FIELD_U32),
    FIELD(KIND_METHOD, method, customer, FIELD_U32),
    FIELD(KIND_METHOD, method, created_s, FIELD_I64),
    FIELD(KIND_METHOD, method, card, FIELD_CARD),
    FIELD(KIND_METHOD, method, first_times, FIELD_U16),
    FIELD(KIND_METHOD, method, is_detached, FIELD_BOOL),
    FIELD(KIND_INTENT, intent, sequence, FIELD_U32),
    FIELD(KIND_INTENT, intent, customer, FIELD_U32),
    FIELD(KIND_INTENT, intent, method, FIELD_U32),
    FIELD(KIND_INTENT, intent, failed_method, FIELD_U32),
    FIELD(KIND_INTENT, intent, latest_charge, FIELD_U32),
    FIELD(KIND_INTENT, intent, attempts, FIELD_U32),
    FIELD(KIND_INTENT, intent, created_s, FIELD_I64),
    FIELD(KIND_INTENT, intent, canceled_s, FIELD_I64),
    FIELD(KIND_INTENT, intent, amount, FIELD_I64),
    FIELD(KIND_INTENT, intent, currency, FIELD_CURRENCY),
    FIELD(KIND_INTENT, intent, status, FIELD_STATUS),
    FIELD(KIND_INTENT, intent, is_off_session, FIELD_BOOL),
    FIELD(KIND_INTENT, intent, description, FIELD_TEXT),
    FIELD(KIND_INTENT, intent, metadata, FIELD_METADATA),
    FIELD(KIND_CHARGE, charge, sequence, FIELD_U32),
    FIELD(KIND_CHARGE, charge, intent, FIELD_U32),
    FIELD(KIND_CHARGE, charge, method, FIELD_U32),
    FIELD(KIND_CHARGE, charge, previous, FIELD_U32),
    FIELD(KIND_CHARGE, charge, is_paid, FIELD_BOOL),
    FIELD(KIND_CHARGE, charge, created_s, FIELD_I64),
    FIELD(KIND_CHARGE, charge, amount, FIELD_I64),
    FIELD(KIND_CHARGE, charge, refunded, FIELD_I64),
    FIELD(KIND_REFUND, refund, sequence, FIELD_U32),
    FIELD(KIND_REFUND, refund, charge, FIELD_U32),
    FIELD(KIND_REFUND, refund, created_s, FIELD_I64),
    FIELD(KIND_REFUND, refund, amount, FIELD_I64),
    FIELD(KIND_REFUND, refund, reason, FIELD_TEXT),
    FIELD(KIND_REFUND, refund, metadata, FIELD_METADATA),
    {KIND_COUNT, "attempt", FIELD_U64, offsetof(struct change, attempt)},
};
enum { FIELD_COUNT = sizeof FIELDS / sizeof FIELDS[0] };

/* Metadata is written beside its object's field as "pi.metadata[invoice_id]". */
static void add_metadata(struct buf *out, const char *field, const char *metadata) {
  char name[FORM_NAME_MAX];
  const char *key, *value;
  while (metadata_next(&metadata, &key, &value)) {
    (void)snprintf(name, sizeof name, "%s[%s]", field, key);
    form_add(out, name, value);
  }
}

static void add_number(struct buf *out, const char *name, int64_t value) {
  if (value != 0) form_add_int(out, name, value);
}

static void add_hex(struct buf *out, const char *name, uint64_t value) {
  char digits[24];
  (void)snprintf(digits, sizeof digits, "%016llx", (unsigned long long)value);
  if (value != 0) form_add(out, name, digits);
}

static void add_text(struct buf *out, const char *name, const char *text) {
  if (text != NULL) form_add(out, name, text);
}

/* What is zero or absent is left out, and read back as such. */
static void encode_field(const struct field *field, const struct change *change, struct buf *out) {
  const void *at = (const char *)change + field->offset;
  switch (field->type) {
  case FIELD_U32: add_number(out, field->name, *(const uint32_t *)at); return;
  case FIELD_I64: add_number(out, field->name, *(const int64_t *)at); return;
  case FIELD_U16: add_number(out, field->name, *(const uint16_t *)at); return;
  case FIELD_U64: add_hex(out, field->name, *(const uint64_t *)at); return;
  case FIELD_BOOL: add_number(out, field->name, *(const bool *)at); return;
  case FIELD_TEXT: add_text(out, field->name, *(const char *const *)at); return;
  case FIELD_CURRENCY: form_add(out, field->name, at); return;
  case FIELD_CARD: form_add(out, field->name, card_at(*(const uint16_t *)at)->name); return;
  case FIELD_STATUS: form_add(out, field->name, intent_status_name(*(const enum intent_status *)at)); return;
  case FIELD_METADATA: add_metadata(out, field->name, *(const char *const *)at); return;
  }
}

static uint32_t sequence_of(const struct change *change, int kind) {
  const uint32_t sequences[KIND_COUNT + 1] = {
      [KIND_CUSTOMER] = change->customer.sequence, [KIND_METHOD] = change->method.sequence,
      [KIND_INTENT] = change->intent.sequence,     [KIND_CHARGE] = change->charge.sequence,
      [KIND_REFUND] = change->refund.sequence,     [KIND_COUNT] = 1,
  };
  return sequences[kind];
}

void record_encode(const struct record *record, struct buf *out) {
  char hash[KEY_HASH_HEX_MAX];
  form_add_int(out, "at", record->at.us);
  form_add(out, "method", record->method);
  form_add(out, "path", record->path);
  form_add_int(out, "status", record->status);
  form_add(out, "outcome", record->outcome);
  if (record->key != NULL) {
    form_add(out, "key", record->key);
    form_add(out, "request", key_hash_format(record->request_hash, hash));
  }
  for (size_t i = 0; i < FIELD_COUNT; i++) {
    if (sequence_of(&record->change, FIELDS[i].kind) != 0) encode_field(&FIELDS[i], &record->change, out);
  }
}

static bool decode_number(const char *text, int64_t most, int64_t *ret_value) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < 0 || value > most) return false;
  *ret_value = value;
  return true;
}

static bool decode_card(const char *name, uint16_t *ret_card) {
  int times;
  const struct card *card = card_find(name, &times);
  if (card == NULL) return false;
  *ret_card = (uint16_t)card_index(card);
  return true;
}

static bool decode_status(const char *name, enum intent_status *ret_status) {
  for (int i = 0; i < INTENT_STATUS_COUNT; i++) {
    if (strcmp(intent_status_name((enum intent_status)i), name) == 0) {
      *ret_status = (enum intent_status)i;
      return true;
    }
  }
  return false;
}

static bool decode_field(const struct field *field, const char *text, struct change *change) {
  void *at = (char *)change + field->offset;
  int64_t number = 0;
  switch (field->type) {
  case FIELD_U32:
    if (!decode_number(text, UINT32_MAX, &number)) return false;
    *(uint32_t *)at = (uint32_t)number;
    return true;
  case FIELD_I64: return decode_number(text, INT64_MAX, at);
  case FIELD_U16:
    if (!decode_number(text, UINT16_MAX, &number)) return false;
    *(uint16_t *)at = (uint16_t)number;
    return true;
  case FIELD_U64: *(uint64_t *)at = strtoull(text, NULL, 16); return true;
  case FIELD_BOOL: *(bool *)at = strcmp(text, "1") == 0; return true;
  case FIELD_TEXT: *(const char **)at = text; return true;
  case FIELD_CURRENCY: (void)snprintf(at, sizeof change->intent.currency, "%s", text); return true;
  case FIELD_CARD: return decode_card(text, at);
  case FIELD_STATUS: return decode_status(text, at);
  case FIELD_METADATA: return false;
  }
  return false;
}

/* Fields come in the table's order: the search begins after the one found before. */
static const struct field *field_find(const char *name, size_t *cursor) {
  for (size_t tried = 0; tried < FIELD_COUNT; tried++) {
    const struct field *field = &FIELDS[*cursor];
    *cursor = (*cursor + 1) % FIELD_COUNT;
    if (strcmp(field->name, name) == 0) return field;
  }
  return NULL;
}

/* Members beside the objects. False when the name is none of them. */
static bool decode_head(const struct form_pair *pair, struct record *record) {
  int64_t number = 0;
  const struct {
    const char *name, **text;
  } texts[] = {{"salt", &record->salt},
               {"method", &record->method},
               {"path", &record->path},
               {"outcome", &record->outcome},
               {"key", &record->key}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    if (strcmp(pair->name, texts[i].name) != 0) continue;
    *texts[i].text = pair->value;
    return true;
  }
  if (strcmp(pair->name, "at") == 0) return decode_number(pair->value, INT64_MAX, &record->at.us);
  if (strcmp(pair->name, "request") == 0) return key_hash_parse(pair->value, &record->request_hash);
  if (strcmp(pair->name, "version") == 0) return strcmp(pair->value, "1") == 0;
  if (strcmp(pair->name, "status") != 0 || !decode_number(pair->value, 999, &number)) return false;
  record->status = (int)number;
  return true;
}

static bool decode_metadata(struct arena *arena, const struct form *form, struct change *change) {
  struct error err;
  for (size_t i = 0; i < FIELD_COUNT; i++) {
    if (FIELDS[i].type != FIELD_METADATA || sequence_of(change, FIELDS[i].kind) == 0) continue;
    const char **at = (const char **)(void *)((char *)change + FIELDS[i].offset);
    if (metadata_merge(arena, NULL, form, FIELDS[i].name, at, &err) != RC_OK) return false;
  }
  return true;
}

bool record_decode(struct arena *arena, const struct form *form, struct record *ret_record) {
  struct record record = {.salt = NULL};
  size_t cursor = 0;
  for (size_t i = 0; i < form->count; i++) {
    const struct form_pair *pair = &form->pairs[i];
    bool is_object = strchr(pair->name, '.') != NULL || strcmp(pair->name, "attempt") == 0;
    if (!is_object) {
      if (!decode_head(pair, &record)) return false;
    } else if (strchr(pair->name, '[') == NULL) {
      const struct field *field = field_find(pair->name, &cursor);
      if (field == NULL || !decode_field(field, pair->value, &record.change)) return false;
    }
  }
  if (record.salt != NULL && strlen(record.salt) != STORE_SALT_LENGTH) return false;
  if (!decode_metadata(arena, form, &record.change)) return false;
  *ret_record = record;
  return true;
}
