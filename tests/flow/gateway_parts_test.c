/* The parts of the sandbox gateway that need no process: forms, metadata, cards, keys, journal lines, signatures. They
 * are compiled into this file, because a program is no library. */
#include <criterion/criterion.h>

/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "../../deploy/local/gateway/authorization.c"
#include "../../deploy/local/gateway/cards.c"
#include "../../deploy/local/gateway/counts.c"
#include "../../deploy/local/gateway/form.c"
#include "../../deploy/local/gateway/idempotency.c"
#include "../../deploy/local/gateway/journal.c"
#include "../../deploy/local/gateway/metadata.c"
#include "../../deploy/local/gateway/record.c"
#include "../../deploy/local/gateway/signature.c"
#include "../../deploy/local/gateway/store.c"
/* NOLINTEND(bugprone-suspicious-include) */

enum { TEST_ARENA_MAX = 8388608 };

TestSuite(gateway_parts, .timeout = 60);

static struct form parsed(struct arena *arena, const char *text) {
  struct form form;
  struct error err;
  cr_assert_eq(form_parse(arena, text, strlen(text), &form, &err), RC_OK, "%s", text);
  return form;
}

#define ARENA __attribute__((cleanup(arena_release))) struct arena
static struct arena new_arena(void) {
  struct arena arena;
  arena_init(&arena, TEST_ARENA_MAX);
  return arena;
}

Test(gateway_parts, form_values_are_decoded_and_names_keep_their_brackets) {
  ARENA arena = new_arena();
  struct form form = parsed(&arena, "amount=5&metadata%5Ba%5D=b+c%26d&empty=&flag&&expand[]=x&amount=7");
  cr_assert_eq(form.count, 6);
  cr_assert_str_eq(form_get(&form, "metadata[a]"), "b c&d");
  cr_assert_str_eq(form_get(&form, "empty"), "");
  cr_assert_str_eq(form_get(&form, "flag"), "");
  cr_assert_str_eq(form_get(&form, "amount"), "7", "the last one counts");
  cr_assert_null(form_get(&form, "metadata"));
}

Test(gateway_parts, form_refuses_what_is_no_form) {
  static const char *const BAD[] = {"a=%",      "a=%4",        "a=%zz",          "a=%00", "%ff=1",
                                    "a=%c0%80", "a=%ed%a0%80", "a=%f5%80%80%80", "=1",    "a=%e2%82"};
  for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
    ARENA arena = new_arena();
    struct form form;
    struct error err;
    cr_assert_neq(form_parse(&arena, BAD[i], strlen(BAD[i]), &form, &err), RC_OK, "%s", BAD[i]);
  }
}

Test(gateway_parts, form_has_limits) {
  ARENA arena = new_arena();
  struct form form;
  struct error err;
  static char text[FORM_VALUE_MAX + 64];
  memset(text, 'a', sizeof text);
  for (int i = 0; i < 5; i++) text[i] = "name="[i];
  cr_assert_eq(form_parse(&arena, text, 5 + FORM_VALUE_MAX, &form, &err), RC_OK);
  cr_assert_eq(form_parse(&arena, text, 6 + FORM_VALUE_MAX, &form, &err), RC_VALIDATION);
  cr_assert_str_eq(err.field, "name");
  memset(text, '&', FORM_PAIRS_MAX);
  cr_assert_eq(form_parse(&arena, text, FORM_PAIRS_MAX, &form, &err), RC_VALIDATION);
}

Test(gateway_parts, what_is_written_as_a_form_is_read_the_same) {
  ARENA arena = new_arena();
  CLEANUP(buf_release) struct buf out;
  static const char *const VALUES[] = {"", "a b+c", "100% & more = ü\t\n", "Ω🙂", "a[b]"};
  buf_init(&out, 4096);
  for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++)
    form_add(&out, VALUES[i][0] ? VALUES[i] : "n", VALUES[i]);
  cr_assert_null(strpbrk(out.bytes, "\t\n "), "nothing that would end a journal line");
  struct form form = parsed(&arena, out.bytes);
  for (size_t i = 0; i < form.count; i++) cr_assert_str_eq(form.pairs[i].value, VALUES[i]);
}

/* xorshift64*: the same sequence for the same seed. */
static uint64_t next_random(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(0x2545F4914F6CDD1D);
}

Test(gateway_parts, whatever_a_form_parses_to_is_written_and_read_the_same) {
  static const char *const PIECES[] = {"a",   "=",   "=",      "&", "&",    "+", "[x]", "%20",
                                       "%26", "%3d", "%C3%A4", "ä", "🙂", "%", "%F0", "\xC3"};
  uint64_t seed, read = 0;
  random_bytes(&seed, sizeof seed);
  cr_log_info("seed %llu", (unsigned long long)seed);
  seed |= 1;
  for (int round = 0; round < 20000; round++) {
    ARENA arena = new_arena();
    CLEANUP(buf_release) struct buf again;
    char text[64] = "";
    struct form form;
    struct error err;
    for (uint64_t left = next_random(&seed) % 12; left > 0; left--) {
      const char *piece = PIECES[next_random(&seed) % (sizeof PIECES / sizeof PIECES[0])];
      (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s", piece);
    }
    if (form_parse(&arena, text, strlen(text), &form, &err) != RC_OK) continue;
    buf_init(&again, 4096);
    for (size_t i = 0; i < form.count; i++) form_add(&again, form.pairs[i].name, form.pairs[i].value);
    struct form second = parsed(&arena, buf_text(&again));
    cr_assert_eq(second.count, form.count);
    for (size_t i = 0; i < form.count; i++, read++) {
      cr_assert_str_eq(second.pairs[i].name, form.pairs[i].name);
      cr_assert_str_eq(second.pairs[i].value, form.pairs[i].value);
    }
  }
  cr_assert_gt(read, 1000);
}

Test(gateway_parts, metadata_is_merged_and_emptied) {
  ARENA arena = new_arena();
  struct error err;
  const char *before = NULL, *after = NULL, *none = "x";
  struct form first = parsed(&arena, "metadata[a]=1&metadata[b]=2&other=3");
  struct form second = parsed(&arena, "metadata[a]=&metadata[c]=4&metadata[b]=5");
  struct form last = parsed(&arena, "metadata[b]=&metadata[c]=");
  cr_assert_eq(metadata_merge(&arena, NULL, &first, "metadata", &before, &err), RC_OK);
  cr_assert_eq(metadata_merge(&arena, before, &second, "metadata", &after, &err), RC_OK);
  cr_assert_eq(metadata_merge(&arena, after, &last, "metadata", &none, &err), RC_OK);
  cr_assert_null(metadata_get(after, "a"));
  cr_assert_str_eq(metadata_get(after, "b"), "5");
  cr_assert_str_eq(metadata_get(after, "c"), "4");
  cr_assert_eq(metadata_bytes(after), strlen("b.5.c.4.") + 1);
  cr_assert_null(none);
}

Test(gateway_parts, metadata_has_stripes_limits) {
  static const char *const BAD[] = {"metadata[]=1", "metadata[a][b]=1", "metadata[a=1",
                                    "metadata[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]=1"};
  struct error err;
  const char *metadata;
  for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
    ARENA arena = new_arena();
    struct form form = parsed(&arena, BAD[i]);
    cr_assert_eq(metadata_merge(&arena, NULL, &form, "metadata", &metadata, &err), RC_VALIDATION, "%s", BAD[i]);
  }
}

Test(gateway_parts, cards_have_names_of_their_own) {
  for (size_t i = 0; card_at(i) != NULL; i++) {
    int times = -1;
    cr_assert_eq(card_find(card_at(i)->name, &times), card_at(i));
    cr_assert_eq(times, card_at(i)->first_times);
    cr_assert_eq(strlen(card_at(i)->last4), 4);
    if (card_at(i)->number != NULL) cr_assert_eq(card_find_number(card_at(i)->number), card_at(i));
  }
}

Test(gateway_parts, cards_that_misbehave_a_few_times_take_another_number) {
  int times = 0;
  cr_assert_str_eq(card_find("declineThenSucceed_7", &times)->name, "declineThenSucceed");
  cr_assert_eq(times, 7);
  cr_assert_str_eq(card_find("visa_chargeDeclinedLostCard", &times)->name, "chargeDeclinedLostCard");
  static const char *const NONE[] = {"",     "visa_3", "declineThenSucceed_",    "declineThenSucceed_0", "error500_1x",
                                     "nope", "Visa",   "declineThenSucceed_1001"};
  for (size_t i = 0; i < sizeof NONE / sizeof NONE[0]; i++) cr_assert_null(card_find(NONE[i], &times), "%s", NONE[i]);
}

Test(gateway_parts, requests_are_the_same_in_any_order_of_parameters) {
  ARENA arena = new_arena();
  struct form one = parsed(&arena, "a=1&b=2"), two = parsed(&arena, "b=2&a=1"), other = parsed(&arena, "a=1&b=3");
  struct key_hash first = key_hash_request(&arena, "POST", "/v1/x", &one);
  struct key_hash second = key_hash_request(&arena, "POST", "/v1/x", &two);
  struct key_hash third = key_hash_request(&arena, "POST", "/v1/x", &other);
  struct key_hash fourth = key_hash_request(&arena, "POST", "/v1/y", &one);
  cr_assert_eq(memcmp(&first, &second, sizeof first), 0);
  cr_assert_neq(memcmp(&first, &third, sizeof first), 0);
  cr_assert_neq(memcmp(&first, &fourth, sizeof first), 0);
}

Test(gateway_parts, keys_run_then_answer_or_are_forgotten) {
  struct keys keys;
  struct key_entry entry;
  struct key_hash key = key_hash_text("k"), request = key_hash_text("r"), other = key_hash_text("o");
  keys_init(&keys, 2);
  cr_assert_eq(keys_begin(&keys, key, request, &entry), KEY_IS_NEW);
  cr_assert_eq(keys_begin(&keys, key, request, &entry), KEY_IS_RUNNING);
  cr_assert_eq(keys_begin(&keys, key, other, &entry), KEY_IS_OTHERS);
  keys_forget(&keys, key);
  cr_assert_eq(keys_begin(&keys, key, other, &entry), KEY_IS_NEW, "a forgotten key is anybody's");
  keys_finish(&keys, key, 402, (struct journal_place){10, 20});
  cr_assert_eq(keys_begin(&keys, key, request, &entry), KEY_IS_OTHERS);
  cr_assert_eq(keys_begin(&keys, key, other, &entry), KEY_IS_OLD);
  cr_assert(entry.status == 402 && entry.answer.offset == 10 && entry.answer.length == 20);
  cr_assert_eq(keys_begin(&keys, request, request, &entry), KEY_IS_NEW);
  cr_assert_eq(keys_begin(&keys, other, other, &entry), KEY_NO_ROOM);
  keys_release(&keys);
}

Test(gateway_parts, a_hundred_thousand_keys_are_found_again) {
  struct keys keys;
  struct key_entry entry;
  char text[32];
  keys_init(&keys, 200000);
  for (int i = 0; i < 100000; i++) {
    (void)snprintf(text, sizeof text, "key-%d", i);
    struct key_hash key = key_hash_text(text);
    cr_assert_eq(keys_begin(&keys, key, key, &entry), KEY_IS_NEW);
    if (i % 3 == 0) {
      keys_forget(&keys, key);
    } else {
      keys_finish(&keys, key, 200, (struct journal_place){(uint64_t)i, 1});
    }
  }
  for (int i = 0; i < 100000; i++) {
    (void)snprintf(text, sizeof text, "key-%d", i);
    struct key_hash key = key_hash_text(text);
    cr_assert_eq(keys_begin(&keys, key, key, &entry), i % 3 == 0 ? KEY_IS_NEW : KEY_IS_OLD);
    if (i % 3 != 0) cr_assert_eq(entry.answer.offset, (uint64_t)i);
  }
  keys_release(&keys);
}

Test(gateway_parts, counts_count) {
  struct counts counts;
  counts_init(&counts);
  for (int i = 0; i < 30000; i++) counts_add(&counts, hash_bytes(&(int){i % 10000}, sizeof i));
  for (int i = 0; i < 10000; i++) cr_assert_eq(counts_get(&counts, hash_bytes(&i, sizeof i)), 3);
  cr_assert_eq(counts_get(&counts, hash_bytes("x", 1)), 0);
  counts_release(&counts);
}

static struct change full_change(void) {
  int times;
  return (struct change){
      .customer =
          {.sequence = 3, .default_method = 4, .created_s = 5, .name = "Ö & Co = %", .metadata = "k\0v w\0y\0\t\0"},
      .method = {.sequence = 6,
                 .customer = 3,
                 .card = (uint16_t)card_index(card_find("error500", &times)),
                 .first_times = 9},
      .intent = {.sequence = 7,
                 .status = INTENT_REQUIRES_ACTION,
                 .currency = "kwd",
                 .amount = 99999999,
                 .is_off_session = true,
                 .metadata = "invoice_id\0in_1\0"},
      .charge = {.sequence = 8, .intent = 7, .previous = 2, .is_paid = true, .amount = 99999999, .refunded = 1},
      .refund = {.sequence = 9, .charge = 8, .amount = 1, .reason = "duplicate"},
      .attempt = UINT64_MAX,
  };
}

Test(gateway_parts, a_journal_line_reads_as_it_was_written) {
  ARENA arena = new_arena();
  CLEANUP(buf_release) struct buf first, second;
  struct record record = {.at = {1795249852655336},
                          .method = "POST",
                          .path = "/v1/x",
                          .key = "k & 1",
                          .status = 402,
                          .request_hash = key_hash_text("r"),
                          .outcome = "insufficient_funds",
                          .change = full_change()};
  struct record again;
  buf_init(&first, RECORD_FIELDS_MAX);
  buf_init(&second, RECORD_FIELDS_MAX);
  record_encode(&record, &first);
  struct form form = parsed(&arena, first.bytes);
  cr_assert(record_decode(&arena, &form, &again));
  record_encode(&again, &second);
  cr_assert_str_eq(first.bytes, second.bytes);
  cr_assert_str_eq(again.change.customer.name, "Ö & Co = %");
  cr_assert_str_eq(metadata_get(again.change.customer.metadata, "y"), "\t");
  cr_assert_str_eq(metadata_get(again.change.intent.metadata, "invoice_id"), "in_1");
  cr_assert_eq(again.change.attempt, UINT64_MAX);
  cr_assert_eq(again.change.charge.previous, 2);
}

Test(gateway_parts, a_journal_line_of_others_is_refused) {
  static const char *const BAD[] = {"nope=1",           "intent.nope=1", "intent.status=odd",
                                    "method.card=none", "version=2",     "charge.amount=-1",
                                    "status=1000",      "request=xy",    "salt=short"};
  for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
    ARENA arena = new_arena();
    struct form form = parsed(&arena, BAD[i]);
    struct record record;
    cr_assert_not(record_decode(&arena, &form, &record), "%s", BAD[i]);
  }
}

static bool count_lines(void *context, const char *fields, size_t length, struct journal_place answer) {
  int *lines = context;
  cr_assert(length == 3 && memcmp(fields, "a=1", 3) == 0 && answer.length == 2);
  ++*lines;
  return true;
}

Test(gateway_parts, a_torn_journal_keeps_its_whole_lines) {
  char directory[] = "/tmp/journal-XXXXXX", path[64];
  cr_assert_not_null(mkdtemp(directory));
  (void)snprintf(path, sizeof path, "%s/journal", directory);
  CLEANUP(buf_release) struct buf fields, answer;
  buf_init(&fields, 100);
  buf_init(&answer, 100);
  buf_text_append(&fields, "a=1");
  buf_text_append(&answer, "{}");
  struct journal journal;
  struct error err;
  int lines = 0;
  log_init("test", "", LOG_ERROR);
  cr_assert_eq(journal_open(&journal, directory, true, 10000, count_lines, &lines, &err), RC_OK, "%s", err.text);
  for (int i = 0; i < 3; i++) journal_append(&journal, &fields, &answer);
  uint64_t end = journal_end(&journal);
  journal_close(&journal);

  for (uint64_t cut = end; cut-- > 0;) {
    cr_assert_eq(truncate(path, (off_t)cut), 0);
    lines = 0;
    cr_assert_eq(journal_open(&journal, directory, true, 10000, count_lines, &lines, &err), RC_OK);
    cr_assert_eq(lines, (int)(cut * 3 / end));
    cr_assert_eq(journal_end(&journal), (uint64_t)lines * (end / 3), "the torn tail is cut off");
    journal_close(&journal);
  }
  unlink(path);
  rmdir(directory);
}

Test(gateway_parts, the_api_key_comes_as_bearer_or_as_basic_user) {
  cr_assert(is_authorized("Bearer sk_test_sandbox", "sk_test_sandbox"));
  cr_assert(is_authorized("Basic c2tfdGVzdF9zYW5kYm94Og==", "sk_test_sandbox"));
  static const char *const BAD[] = {"Bearer sk_test_sandbo",      "Bearer ",    "sk_test_sandbox",
                                    "Basic c2tfdGVzdF9zYW5kYm94", "Basic !!!!", "Bearer sk_test_sandbox "};
  for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) cr_assert_not(is_authorized(BAD[i], "sk_test_sandbox"));
  cr_assert_not(is_authorized(NULL, "sk_test_sandbox"));
}

/* printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test */
Test(gateway_parts, a_signature_is_the_hmac_of_time_and_body) {
  CLEANUP(buf_release) struct buf body;
  char text[SIGNATURE_TEXT_MAX];
  buf_init(&body, 100);
  buf_text_append(&body, "{\"a\":1}");
  cr_assert_str_eq(signature_format("whsec_test", 1700000000, &body, text),
                   "t=1700000000,v1=38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789");
}
