/* The template language, its start-up checks, and the templates that the program has. */
#include <criterion/criterion.h>
#include <string.h>

#include "catalogue.h"
#include "template.h"

enum { ARENA_MAX = 16 * 1024 * 1024, RENDERED_MAX = 1024 * 1024 };

static struct arena arena;

static void init_arena(void) {
  arena_init(&arena, ARENA_MAX);
}
static void release_arena(void) {
  arena_release(&arena);
}
TestSuite(templates, .init = init_arena, .fini = release_arena);
TestSuite(variables, .init = init_arena, .fini = release_arena);

static const char *rendered(const char *text, enum escaping escaping, const struct mail_values *values) {
  const struct template *template;
  struct error err;
  struct buf CLEANUP(buf_release) out;
  buf_init(&out, RENDERED_MAX);
  cr_assert_eq(template_compile(&arena, "test", text, MAIL_INVOICE, escaping, &template, &err), RC_OK, "%s", err.text);
  template_render(template, values, &out);
  return arena_strdup(&arena, buf_text(&out));
}

Test(templates, put_variables_and_choose_parts) {
  static const struct {
    const char *template, *expected;
  } rows[] = {
      {"", ""},
      {"no tags", "no tags"},
      {"{{customerName}}", "Ada"},
      {"{{ customerName }}!", "Ada!"},
      {"a{{amountDue}}b", "ab"},
      {"{{#if customerName}}yes{{else}}no{{/if}}", "yes"},
      {"{{#if amountDue}}yes{{else}}no{{/if}}", "no"},
      {"{{#if amountDue}}yes{{/if}}.", "."},
      {"{{#if customerName}}{{#if amountDue}}1{{else}}2{{/if}}{{else}}3{{/if}}", "2"},
      {"{{#if amountDue}}1{{else}}{{#if customerName}}2{{/if}}{{/if}}", "2"},
      /* a tag alone on its line takes the line with it; others leave it as it is */
      {"a\n{{#if customerName}}\nb\n{{/if}}\nc\n", "a\nb\nc\n"},
      {"a\n  {{#if amountDue}}  \nb\n  {{else}}\nB\n {{/if}}", "a\nB\n"},
      {"a {{#if customerName}}\nb{{/if}}\n", "a \nb\n"},
      {"{{customerName}}\n{{customerName}}\n", "Ada\nAda\n"},
      {"}} { {", "}} { {"},
  };
  const struct mail_values values = {.text = {[VAR_CUSTOMER_NAME] = "Ada", [VAR_AMOUNT_DUE] = ""}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    cr_expect_str_eq(rendered(rows[i].template, ESCAPE_NOTHING, &values), rows[i].expected, "row %zu", i);
}

Test(templates, escape_html_and_values_only_once) {
  const struct mail_values values = {.text = {[VAR_CUSTOMER_NAME] = "<b>\"O'Neill\" & {{sellerName}}</b>"}};
  cr_expect_str_eq(rendered("<i title=\"{{customerName}}\">&amp;</i>", ESCAPE_HTML, &values),
                   "<i title=\"&lt;b&gt;&quot;O&#39;Neill&quot; &amp; {{sellerName}}&lt;/b&gt;\">&amp;</i>");
  cr_expect_str_eq(rendered("{{customerName}}", ESCAPE_NOTHING, &values), "<b>\"O'Neill\" & {{sellerName}}</b>");
}

Test(templates, with_mistakes_are_told_at_start) {
  static const struct {
    const char *template, *told;
  } rows[] = {
      {"a\nb {{nosuch}}", "test, line 2: unknown variable: {{nosuch}}"},
      {"{{retryDate}}", "unknown variable"}, /* of another kind of mail */
      {"{{}}", "unknown variable"},
      {"{{#if nosuch}}{{/if}}", "unknown variable"},
      {"{{#unless amount}}{{/unless}}", "unknown variable"},
      {"{{customerName", "not closed"},
      {"{{#if amount}}", "not closed"},
      {"{{/if}}", "no {{#if}}"},
      {"{{else}}", "no {{#if}}"},
      {"{{#if amount}}{{else}}{{else}}{{/if}}", "no {{#if}}"},
      {"{{#if amount}}{{#if amount}}{{#if amount}}{{#if amount}}{{#if amount}}{{#if amount}}{{#if amount}}{{#if "
       "amount}}"
       "{{#if amount}}",
       "nested too deep"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct template *template;
    struct error err = {0};
    cr_expect_eq(template_compile(&arena, "test", rows[i].template, MAIL_INVOICE, ESCAPE_HTML, &template, &err),
                 RC_INVALID_SETTING, "row %zu", i);
    cr_expect(strstr(err.text, rows[i].told), "row %zu: %s", i, err.text);
  }
}

/* Each template of the program, with all variables and with none. */
Test(templates, of_the_program_are_complete) {
  struct error err;
  cr_assert_eq(catalogue_load(&err), RC_OK, "%s", err.text);
  struct mail_values all, none = {0};
  for (enum variable v = 0; v < VARIABLE_COUNT; v++) all.text[v] = "<&>";
  for (enum mail_kind kind = 0; kind < MAIL_KIND_COUNT; kind++)
    for (size_t l = 0; l < LANGUAGE_COUNT; l++) {
      struct buf CLEANUP(buf_release) subject, text, html;
      buf_init(&subject, RENDERED_MAX);
      buf_init(&text, RENDERED_MAX);
      buf_init(&html, RENDERED_MAX);
      catalogue_subject(kind, &LANGUAGES[l], &all, &subject);
      catalogue_text(kind, &LANGUAGES[l], &all, &text);
      catalogue_html(kind, &LANGUAGES[l], &all, &html);
      catalogue_html(kind, &LANGUAGES[l], &none, &html);
      cr_expect(buf_ok(&subject) && buf_ok(&text) && buf_ok(&html));
      cr_expect(subject.length > 10 && !strchr(buf_text(&subject), '\n'));
      cr_expect(strstr(buf_text(&text), "<&>") && !strstr(buf_text(&text), "{{"));
      cr_expect(strstr(buf_text(&html), "&lt;&amp;&gt;") && !strstr(buf_text(&html), "<&>"));
      cr_expect(strstr(buf_text(&html), arena_printf(&arena, "<html lang=\"%s\">", LANGUAGES[l].code)));
    }
  catalogue_release();
}

Test(variables, come_back_from_json_as_they_were) {
  struct mail_values values = {.text = {[VAR_CUSTOMER_NAME] = "Ünal \"Ü\" \\ \n <b>", [VAR_AMOUNT] = "USD 1.00"}};
  struct mail_values back = {0};
  struct error err;
  struct buf CLEANUP(buf_release) json;
  buf_init(&json, 4096);
  values_write(MAIL_INVOICE, &values, &json);
  cr_assert_eq(values_read(MAIL_INVOICE, buf_text(&json), &arena, &back, &err), RC_OK);
  cr_expect_str_eq(back.text[VAR_CUSTOMER_NAME], values.text[VAR_CUSTOMER_NAME]);
  cr_expect_str_eq(back.text[VAR_AMOUNT], "USD 1.00");
  cr_expect_null(back.text[VAR_AMOUNT_DUE]);
}

Test(variables, of_yesterday_do_no_harm) {
  struct mail_values values;
  struct error err;
  cr_assert_eq(values_read(MAIL_INVOICE, "{\"amount\":\"1\",\"gone\":\"x\",\"dueDate\":7,\"retryDate\":\"y\"}", &arena,
                           &values, &err),
               RC_OK);
  cr_expect_str_eq(values.text[VAR_AMOUNT], "1");
  cr_expect_null(values.text[VAR_DUE_DATE]);
  cr_expect_null(values.text[VAR_RETRY_DATE]);
  cr_expect_eq(values_read(MAIL_INVOICE, "[]", &arena, &values, &err), RC_INVARIANT);
  cr_expect_eq(values_read(MAIL_INVOICE, "{", &arena, &values, &err), RC_INVARIANT);
}
