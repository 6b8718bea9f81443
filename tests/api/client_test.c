/* What a head says of the client: address, preferences, origin, method. */
#include "command.h"
#include "cors.h"
#include "parts.h"

TestSuite(client);

static const struct {
  const char *peer, *forwarded_for, *trusted, *address;
} addresses[] = {
    {"9.9.9.9", NULL, "", "9.9.9.9"},
    {"9.9.9.9", "1.2.3.4", "", "9.9.9.9"}, /* anybody may write it */
    {"9.9.9.9", "1.2.3.4", "10.0.0.0/8", "9.9.9.9"},
    {"10.1.1.1", "1.2.3.4", "10.0.0.0/8", "1.2.3.4"},
    {"10.1.1.1", "6.6.6.6, 1.2.3.4", "10.0.0.0/8", "1.2.3.4"}, /* what stands left of a stranger is a claim */
    {"10.1.1.1", "1.2.3.4, 10.2.2.2", "10.0.0.0/8", "1.2.3.4"},
    {"10.1.1.1", "10.3.3.3, 10.2.2.2", "10.0.0.0/8", "10.3.3.3"},
    {"127.0.0.1", "1.2.3.4", "10.0.0.1 127.0.0.1", "1.2.3.4"},
    {"127.0.0.1", "1.2.3.4", "10.0.0.1,127.0.0.1/32", "1.2.3.4"},
    {"127.0.0.1", "not an address", "127.0.0.1", "127.0.0.1"},
    {"127.0.0.1", "", "127.0.0.1", "127.0.0.1"},
    {"127.0.0.1", ",,", "127.0.0.1", "127.0.0.1"},
    {"10.1.1.1", "1.2.3.4", "0.0.0.0/0", "1.2.3.4"},
    {"10.1.1.1", "1.2.3.4", "10.1.1.1/33", "10.1.1.1"},
};

Test(client, the_address_comes_from_trusted_proxies_alone) {
  for (size_t i = 0; i < ROWS(addresses); i++) {
    char address[ADDRESS_MAX];
    client_address(addresses[i].peer, addresses[i].forwarded_for, addresses[i].trusted, address);
    cr_expect_str_eq(address, addresses[i].address, "row %zu: %s", i, address);
  }
}

static const struct {
  const char *header;
  int64_t wait_s;
  bool is_async;
} preferences[] = {
    {"", WAIT_DEFAULT_S, false},
    {"respond-async", WAIT_DEFAULT_S, true},
    {"Respond-Async, wait=10", 10, true},
    {"wait=10", 10, false},
    {"wait=0", 0, false},
    {"wait=31", WAIT_MAX_S, false},
    {"wait=9999", WAIT_MAX_S, false},
    {"wait=-1", WAIT_DEFAULT_S, false},
    {"wait=1x", WAIT_DEFAULT_S, false},
    {"wait=", WAIT_DEFAULT_S, false},
    {"wait=3, wait=7", 3, false}, /* RFC 7240 2: the first counts */
    {"handling=lenient; foo=\"bar\", wait=4", 4, false},
    {"respond-async; q=1", WAIT_DEFAULT_S, true},
    {",,;;, ,", WAIT_DEFAULT_S, false},
};

Test(client, preferences_are_read_and_never_refused) {
  for (size_t i = 0; i < ROWS(preferences); i++) {
    struct preference preference = {.wait_s = WAIT_DEFAULT_S};
    preference_parse(preferences[i].header, &preference);
    cr_expect_eq(preference.wait_s, preferences[i].wait_s, "%s", preferences[i].header);
    cr_expect_eq(preference.is_async, preferences[i].is_async, "%s", preferences[i].header);
  }
}

Test(client, an_origin_is_allowed_as_a_whole_or_not) {
  static const char origins[] = "https://a.example https://b.example:8443";
  cr_expect(origin_is_allowed("https://a.example", origins));
  cr_expect(origin_is_allowed("https://b.example:8443", origins));
  cr_expect_not(origin_is_allowed("https://b.example", origins));
  cr_expect_not(origin_is_allowed("https://a.example.evil.example", origins));
  cr_expect_not(origin_is_allowed("https://a", origins));
  cr_expect_not(origin_is_allowed("null", origins));
  cr_expect_not(origin_is_allowed("", origins));
  cr_expect_not(origin_is_allowed("https://a.example", ""));
}

Test(client, head_is_get_and_strangers_are_no_method) {
  cr_expect_eq(method_parse("HEAD"), METHOD_GET);
  cr_expect_eq(method_parse("PATCH"), METHOD_PATCH);
  cr_expect_eq(method_parse("get"), METHOD_COUNT);
  cr_expect_eq(method_parse("TRACE"), METHOD_COUNT);
}
