/* A buffer that grows to its maximum and then fails for good. */
#include "base/buf.h"

#include <criterion/criterion.h>
#include <string.h>

Test(buf, starts_empty_and_ok) {
  struct buf buf CLEANUP(buf_release);
  buf_init(&buf, 10);
  cr_expect(buf_ok(&buf));
  cr_expect_str_eq(buf_text(&buf), "");
  cr_expect_eq(buf.length, 0);
}

Test(buf, room_for_nothing_is_terminated) {
  struct buf buf CLEANUP(buf_release);
  buf_init(&buf, 100);
  cr_assert(buf_reserve(&buf, 10));
  cr_expect_str_eq(buf_text(&buf), "");
}

Test(buf, each_append_adds_and_terminates) {
  struct buf buf CLEANUP(buf_release);
  buf_init(&buf, 1000);
  buf_text_append(&buf, "a");
  buf_append(&buf, "bcd", 2);
  buf_append(&buf, NULL, 0);
  buf_char(&buf, '-');
  buf_printf(&buf, "%d %s", 42, "x");
  cr_expect_str_eq(buf_text(&buf), "abc-42 x");
  cr_expect_eq(buf.length, 8);
}

Test(buf, bytes_may_be_nul) {
  struct buf buf CLEANUP(buf_release);
  buf_init(&buf, 10);
  buf_append(&buf, "a\0b", 3);
  cr_expect_eq(buf.length, 3);
  cr_expect_eq(memcmp(buf.bytes, "a\0b", 4), 0);
}

Test(buf, holds_exactly_its_maximum) {
  struct buf buf CLEANUP(buf_release);
  buf_init(&buf, 5);
  buf_text_append(&buf, "12345");
  cr_expect(buf_ok(&buf));
  cr_expect_str_eq(buf_text(&buf), "12345");
  buf_append(&buf, "", 0);
  cr_expect(buf_ok(&buf));
  buf_char(&buf, '6');
  cr_expect_not(buf_ok(&buf));
  cr_expect_str_eq(buf_text(&buf), "");
}

Test(buf, once_failed_appends_do_nothing_until_cleared) {
  struct buf buf CLEANUP(buf_release);
  buf_init(&buf, 3);
  buf_printf(&buf, "%s", "too long");
  buf_char(&buf, 'a');
  cr_expect_not(buf_ok(&buf));
  cr_expect_eq(buf.length, 0);
  buf_clear(&buf);
  cr_expect(buf_ok(&buf));
  buf_text_append(&buf, "abc");
  cr_expect_str_eq(buf_text(&buf), "abc");
}

Test(buf, clear_forgets_and_keeps_the_memory) {
  struct buf buf CLEANUP(buf_release);
  buf_init(&buf, 100000);
  for (int i = 0; i < 5000; i++) buf_text_append(&buf, "0123456789");
  size_t capacity = buf.capacity;
  cr_expect_eq(buf.length, 50000);
  cr_expect_leq(capacity, 100001);
  buf_clear(&buf);
  cr_expect_eq(buf.capacity, capacity);
  cr_expect_str_eq(buf_text(&buf), "");
}

Test(buf, a_long_printf_grows_it_at_once) {
  struct buf buf CLEANUP(buf_release);
  buf_init(&buf, 5000);
  buf_printf(&buf, "%4000d", 7);
  cr_expect_eq(buf.length, 4000);
  cr_expect_eq(buf.bytes[3999], '7');
}

Test(buf, releasing_nothing_is_fine) {
  struct buf zeroed = {0};
  buf_release(NULL);
  buf_release(&zeroed);
  cr_expect_str_eq(buf_text(&zeroed), "");
  cr_expect(buf_ok(&zeroed));
}
