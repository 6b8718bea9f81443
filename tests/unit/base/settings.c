/* Settings from the environment: what is taken, what is refused and in which words, and the two help texts. */
#include "base/settings.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

struct config {
  char *name;
  char *password;
  int64_t batch;
  bool is_fast;
  char *broker;
  char *level;
  char *relay;
};

static const struct setting TABLE[] = {
    {"T_NAME", SETTING_TEXT, offsetof(struct config, name), NULL, 2, 8, NULL, "who | what"},
    {"T_PASSWORD", SETTING_SECRET, offsetof(struct config, password), "default-secret", 8, 0, NULL, "the key"},
    {"T_BATCH", SETTING_INT, offsetof(struct config, batch), "500", -5, 1000, NULL, "messages at once"},
    {"T_FAST", SETTING_BOOL, offsetof(struct config, is_fast), "false", 0, 0, NULL, "hurry"},
    {"T_BROKER", SETTING_ADDRESS, offsetof(struct config, broker), "127.0.0.1:9092", 0, 0, NULL, "where"},
    {"T_LEVEL", SETTING_CHOICE, offsetof(struct config, level), "info", 0, 0, "debug info warn", "how much"},
    {"T_RELAY", SETTING_ADDRESS, offsetof(struct config, relay), "", 0, 0, NULL, "not used by default"},
};
enum { COUNT = sizeof TABLE / sizeof TABLE[0] };

static void name_given(void) {
  (void)setenv("T_NAME", "given", 1);
}

Test(settings, defaults_fill_what_the_environment_does_not, .init = name_given) {
  struct config config = {0};
  struct error err = {.text = ""};
  cr_assert_eq(settings_load(TABLE, COUNT, &config, &err), RC_OK, "%s", err.text);
  cr_expect_str_eq(config.name, "given");
  cr_expect_str_eq(config.password, "default-secret");
  cr_expect_eq(config.batch, 500);
  cr_expect_not(config.is_fast);
  cr_expect_str_eq(config.broker, "127.0.0.1:9092");
  cr_expect_str_eq(config.level, "info");
  cr_expect_str_eq(config.relay, "");
}

Test(settings, values_of_each_type_are_taken, .init = name_given) {
  static const struct {
    const char *name, *value;
  } CASES[] = {
      {"T_NAME", "ab"},
      {"T_NAME", "abcdefgh"},
      {"T_PASSWORD", "12345678"},
      {"T_BATCH", "-5"},
      {"T_BATCH", "0"},
      {"T_BATCH", "1000"},
      {"T_FAST", "true"},
      {"T_FAST", "1"},
      {"T_FAST", "false"},
      {"T_FAST", "0"},
      {"T_BROKER", "kafka:9092"},
      {"T_BROKER", "[::1]:1"},
      {"T_BROKER", "a.b-c:0"},
      {"T_BROKER", "host:65535"},
      {"T_LEVEL", "debug"},
      {"T_LEVEL", "warn"},
      {"T_RELAY", "mail:25"},
      {"T_BATCH", ""},
      {"T_LEVEL", ""},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct config config = {0};
    struct error err = {.text = ""};
    (void)setenv(CASES[i].name, CASES[i].value, 1);
    cr_expect_eq(settings_load(TABLE, COUNT, &config, &err), RC_OK, "%s=%s: %s", CASES[i].name, CASES[i].value,
                 err.text);
    (void)unsetenv(CASES[i].name);
    name_given();
  }
}

Test(settings, each_type_is_stored, .init = name_given) {
  struct config config = {0};
  struct error err = {.text = ""};
  (void)setenv("T_FAST", "1", 1);
  (void)setenv("T_BATCH", "-5", 1);
  (void)setenv("T_LEVEL", "warn", 1);
  cr_assert_eq(settings_load(TABLE, COUNT, &config, &err), RC_OK, "%s", err.text);
  cr_expect(config.is_fast);
  cr_expect_eq(config.batch, -5);
  cr_expect_str_eq(config.level, "warn");
}

Test(settings, a_wrong_value_is_told_in_one_line_that_names_it) {
  static const struct {
    const char *name, *value, *text;
  } CASES[] = {
      {"T_NAME", NULL, "T_NAME must be given"},
      {"T_NAME", "", "T_NAME must be given"},
      {"T_NAME", "a", "T_NAME must have at least 2 bytes"},
      {"T_NAME", "abcdefghi", "T_NAME must have at most 8 bytes"},
      {"T_PASSWORD", "short", "T_PASSWORD must have at least 8 bytes"},
      {"T_BATCH", "1001", "T_BATCH must be a number from -5 to 1000, not \"1001\""},
      {"T_BATCH", "-6", "T_BATCH must be a number from -5 to 1000, not \"-6\""},
      {"T_BATCH", "5x", "T_BATCH must be a number from -5 to 1000, not \"5x\""},
      {"T_BATCH", " 5", "T_BATCH must be a number from -5 to 1000, not \" 5\""},
      {"T_BATCH", "+5", "T_BATCH must be a number from -5 to 1000, not \"+5\""},
      {"T_BATCH", "--5", "T_BATCH must be a number from -5 to 1000, not \"--5\""},
      {"T_BATCH", "1e2", "T_BATCH must be a number from -5 to 1000, not \"1e2\""},
      {"T_BATCH", "99999999999999999999", "T_BATCH must be a number from -5 to 1000, not \"99999999999999999999\""},
      {"T_BATCH", "5\n6", "T_BATCH must be a number from -5 to 1000, not \"5?6\""},
      {"T_FAST", "yes", "T_FAST must be true or false, not \"yes\""},
      {"T_FAST", "TRUE", "T_FAST must be true or false, not \"TRUE\""},
      {"T_BROKER", "kafka", "T_BROKER must be an address like host:port, not \"kafka\""},
      {"T_BROKER", ":9092", "T_BROKER must be an address like host:port, not \":9092\""},
      {"T_BROKER", "kafka:", "T_BROKER must be an address like host:port, not \"kafka:\""},
      {"T_BROKER", "kafka:65536", "T_BROKER must be an address like host:port, not \"kafka:65536\""},
      {"T_BROKER", "kafka:-1", "T_BROKER must be an address like host:port, not \"kafka:-1\""},
      {"T_BROKER", "::1:80", "T_BROKER must be an address like host:port, not \"::1:80\""},
      {"T_BROKER", "a b:80", "T_BROKER must be an address like host:port, not \"a b:80\""},
      {"T_BROKER", "http://a:80", "T_BROKER must be an address like host:port, not \"http://a:80\""},
      {"T_LEVEL", "inf", "T_LEVEL must be one of: debug info warn, not \"inf\""},
      {"T_LEVEL", "debug info", "T_LEVEL must be one of: debug info warn, not \"debug info\""},
      {"T_LEVEL", "ebug", "T_LEVEL must be one of: debug info warn, not \"ebug\""},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct config config = {0};
    struct error err = {.code = RC_OK};
    name_given();
    (void)unsetenv(CASES[i].name);
    if (CASES[i].value != NULL) (void)setenv(CASES[i].name, CASES[i].value, 1);
    cr_expect_eq(settings_load(TABLE, COUNT, &config, &err), RC_INVALID_SETTING, "%s", CASES[i].text);
    cr_expect_str_eq(err.text, CASES[i].text);
    cr_expect_str_eq(err.field, CASES[i].name);
    cr_expect_null(strchr(err.text, '\n'));
    (void)unsetenv(CASES[i].name);
  }
}

Test(settings, a_text_has_a_longest_length_even_without_one, .init = name_given) {
  static char value[5000];
  struct config config = {0};
  struct error err = {.text = ""};
  memset(value, 'x', sizeof value - 1);
  (void)setenv("T_PASSWORD", value, 1);
  cr_expect_eq(settings_load(TABLE, COUNT, &config, &err), RC_INVALID_SETTING);
  cr_expect_str_eq(err.text, "T_PASSWORD must have at most 4096 bytes");
}

Test(settings, a_wrong_default_is_found_as_well, .init = name_given) {
  static const struct setting WRONG[] = {{"T_X", SETTING_INT, 0, "many", 0, 9, NULL, ""}};
  int64_t x;
  struct error err = {.text = ""};
  cr_expect_eq(settings_load(WRONG, 1, &x, &err), RC_INVALID_SETTING);
  cr_expect_str_eq(err.text, "T_X must be a number from 0 to 9, not \"many\"");
}

static bool help(const char *argument) {
  char program[] = "p";
  char copy[32];
  char *argv[] = {program, copy, NULL};
  (void)snprintf(copy, sizeof copy, "%s", argument);
  return settings_help(TABLE, COUNT, "cloudbill-x", "does x", 2, argv);
}

static void printed(char *text, size_t size) {
  (void)fflush(stdout);
  FILE *redirected = cr_get_redirected_stdout();
  size_t length = fread(text, 1, size - 1, redirected);
  text[length] = '\0';
}

Test(settings, without_an_argument_there_is_no_help) {
  char program[] = "p";
  char *argv[] = {program, NULL};
  cr_expect_not(settings_help(TABLE, COUNT, "cloudbill-x", "does x", 1, argv));
  cr_expect_not(help("--helpful"));
  cr_expect_not(help("help"));
}

Test(settings, help_is_a_table_without_secrets, .init = cr_redirect_stdout) {
  char text[8192];
  cr_expect(help("--help"));
  printed(text, sizeof text);
  cr_expect_str_eq(text, "cloudbill-x: does x\n"
                         "\n"
                         "Settings, from the environment:\n"
                         "  T_NAME      text             (required)      who | what\n"
                         "  T_PASSWORD  secret           (hidden)        the key\n"
                         "  T_BATCH     -5 to 1000       500             messages at once\n"
                         "  T_FAST      true, false      false           hurry\n"
                         "  T_BROKER    host:port        127.0.0.1:9092  where\n"
                         "  T_LEVEL     debug info warn  info            how much\n"
                         "  T_RELAY     host:port        (none)          not used by default\n");
}

Test(settings, help_in_markdown_is_for_the_docs, .init = cr_redirect_stdout) {
  char text[8192];
  cr_expect(help("--help=markdown"));
  printed(text, sizeof text);
  cr_expect_str_eq(text, "## cloudbill-x\n"
                         "\n"
                         "does x\n"
                         "\n"
                         "| Setting | Type | Default | Meaning |\n"
                         "|---|---|---|---|\n"
                         "| `T_NAME` | text | (required) | who \\| what |\n"
                         "| `T_PASSWORD` | secret | (hidden) | the key |\n"
                         "| `T_BATCH` | -5 to 1000 | 500 | messages at once |\n"
                         "| `T_FAST` | true, false | false | hurry |\n"
                         "| `T_BROKER` | host:port | 127.0.0.1:9092 | where |\n"
                         "| `T_LEVEL` | debug info warn | info | how much |\n"
                         "| `T_RELAY` | host:port | (none) | not used by default |\n");
}
