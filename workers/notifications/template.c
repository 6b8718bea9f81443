/* Templates are compiled once, at start, into a short list of steps; a condition is a jump over steps. So a mistake in
 * a template is found by the process that starts and not by the customer's mail, and rendering is one loop. */
#include "template.h"

#include <string.h>

#include "base/assert.h"

enum step_kind { STEP_TEXT, STEP_VARIABLE, STEP_SKIP_IF_EMPTY, STEP_SKIP };

struct step {
  enum step_kind kind;
  const char *text; /* STEP_TEXT */
  size_t length;
  enum variable variable; /* STEP_VARIABLE, STEP_SKIP_IF_EMPTY */
  size_t target;          /* of a skip */
};

struct template {
  enum escaping escaping;
  struct step *steps;
  size_t count;
};

/* ---- compiling ---- */

struct compiler {
  const char *name, *text; /* of the whole */
  enum mail_kind kind;
  struct template *template;
  size_t open[TEMPLATE_DEPTH_MAX]; /* the steps that still want a target */
  bool in_else[TEMPLATE_DEPTH_MAX];
  size_t depth;
};

struct tag {
  const char *start, *end; /* with the braces */
  const char *word;        /* what stands between, trimmed */
  size_t length;
};

static int line_of(const struct compiler *compiler, const char *at) {
  int line = 1;
  for (const char *c = compiler->text; c < at; c++) line += *c == '\n';
  return line;
}

static enum rc wrong(const struct compiler *compiler, const struct tag *tag, const char *what, struct error *err) {
  return error_set(err, RC_INVALID_SETTING, "template %s, line %d: %s: {{%.*s}}", compiler->name,
                   line_of(compiler, tag->start), what, (int)(tag->length < 80 ? tag->length : 80), tag->word);
}

static struct step *add_step(struct compiler *compiler, enum step_kind kind) {
  struct step *step = &compiler->template->steps[compiler->template->count++];
  *step = (struct step){.kind = kind};
  return step;
}

static void add_text(struct compiler *compiler, const char *start, const char *end) {
  if (start == end) return;
  struct step *step = add_step(compiler, STEP_TEXT);
  step->text = start;
  step->length = (size_t)(end - start);
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static bool starts_with(const struct tag *tag, const char *prefix) {
  return tag->length >= strlen(prefix) && memcmp(tag->word, prefix, strlen(prefix)) == 0;
}

static bool is_word(const struct tag *tag, const char *word) {
  return tag->length == strlen(word) && memcmp(tag->word, word, tag->length) == 0;
}

static enum rc find_variable(const struct compiler *compiler, const struct tag *tag, size_t skip,
                             enum variable *ret_variable, struct error *err) {
  while (skip < tag->length && is_blank(tag->word[skip])) skip++;
  enum variable variable = variable_find(compiler->kind, tag->word + skip, tag->length - skip);
  if (variable == VARIABLE_COUNT) return wrong(compiler, tag, "unknown variable", err);
  *ret_variable = variable;
  return RC_OK;
}

static enum rc compile_if(struct compiler *compiler, const struct tag *tag, struct error *err) {
  enum variable variable = VARIABLE_COUNT;
  if (compiler->depth == TEMPLATE_DEPTH_MAX) return wrong(compiler, tag, "nested too deep", err);
  TRY(find_variable(compiler, tag, strlen("#if "), &variable, err));
  compiler->in_else[compiler->depth] = false;
  compiler->open[compiler->depth++] = compiler->template->count;
  add_step(compiler, STEP_SKIP_IF_EMPTY)->variable = variable;
  return RC_OK;
}

static enum rc compile_else(struct compiler *compiler, const struct tag *tag, struct error *err) {
  if (compiler->depth == 0 || compiler->in_else[compiler->depth - 1])
    return wrong(compiler, tag, "there is no {{#if}} for it", err);
  size_t condition = compiler->open[compiler->depth - 1];
  compiler->open[compiler->depth - 1] = compiler->template->count;
  compiler->in_else[compiler->depth - 1] = true;
  (void)add_step(compiler, STEP_SKIP);
  compiler->template->steps[condition].target = compiler->template->count;
  return RC_OK;
}

static enum rc compile_end(struct compiler *compiler, const struct tag *tag, struct error *err) {
  if (compiler->depth == 0) return wrong(compiler, tag, "there is no {{#if}} for it", err);
  compiler->template->steps[compiler->open[--compiler->depth]].target = compiler->template->count;
  return RC_OK;
}

static enum rc compile_tag(struct compiler *compiler, const struct tag *tag, struct error *err) {
  if (starts_with(tag, "#if ")) return compile_if(compiler, tag, err);
  if (is_word(tag, "else")) return compile_else(compiler, tag, err);
  if (is_word(tag, "/if")) return compile_end(compiler, tag, err);
  enum variable variable = VARIABLE_COUNT;
  TRY(find_variable(compiler, tag, 0, &variable, err));
  add_step(compiler, STEP_VARIABLE)->variable = variable;
  return RC_OK;
}

/* The next tag at or after `at`; *ret_found false at the end of the text. */
static enum rc next_tag(const struct compiler *compiler, const char *at, struct tag *ret_tag, bool *ret_found,
                        struct error *err) {
  struct tag tag = {.start = strstr(at, "{{")};
  *ret_found = false;
  if (!tag.start) return RC_OK;
  const char *close = strstr(tag.start, "}}");
  tag.word = tag.start + 2;
  tag.length = close ? (size_t)(close - tag.word) : strcspn(tag.word, "\n");
  if (!close) return wrong(compiler, &tag, "not closed", err);
  for (; tag.length && is_blank(*tag.word); tag.word++) tag.length--;
  while (tag.length && is_blank(tag.word[tag.length - 1])) tag.length--;
  tag.end = close + 2;
  *ret_found = true;
  *ret_tag = tag;
  return RC_OK;
}

/* A tag of a condition that is alone on its line takes the whole line with it. */
static void widen_to_line(const struct compiler *compiler, struct tag *tag) {
  if (!starts_with(tag, "#") && !starts_with(tag, "/") && !is_word(tag, "else")) return;
  const char *start = tag->start;
  const char *end = tag->end;
  while (start > compiler->text && is_blank(start[-1])) start--;
  while (is_blank(*end)) end++;
  if ((start > compiler->text && start[-1] != '\n') || (*end != '\n' && *end != '\0')) return;
  tag->start = start;
  tag->end = *end ? end + 1 : end;
}

/* Each tag makes a step, and so does the text before it and after the last. */
static size_t steps_needed(const char *text) {
  size_t tags = 0;
  for (const char *at = text; (at = strstr(at, "{{")); at += 2) tags++;
  return 2 * tags + 1;
}

enum rc template_compile(struct arena *arena, const char *name, const char *text, enum mail_kind kind,
                         enum escaping escaping, const struct template **ret_template, struct error *err) {
  struct template *template = ARENA_NEW(arena, struct template);
  template->escaping = escaping;
  template->steps = ARENA_ARRAY(arena, struct step, steps_needed(text));
  struct compiler compiler = {.name = name, .text = text, .kind = kind, .template = template};
  struct tag tag = {.start = text};
  const char *at = text;
  for (bool found;;) {
    TRY(next_tag(&compiler, at, &tag, &found, err));
    if (!found) break;
    struct tag line = tag;
    widen_to_line(&compiler, &line);
    add_text(&compiler, at, line.start);
    TRY(compile_tag(&compiler, &tag, err));
    at = line.end;
  }
  add_text(&compiler, at, at + strlen(at));
  if (compiler.depth > 0) return wrong(&compiler, &tag, "an {{#if}} is not closed; the last tag is", err);
  *ret_template = template;
  return RC_OK;
}

/* ---- rendering ---- */

static void append_html(struct buf *out, const char *text) {
  for (; *text; text++) {
    switch (*text) {
    case '&': buf_text_append(out, "&amp;"); break;
    case '<': buf_text_append(out, "&lt;"); break;
    case '>': buf_text_append(out, "&gt;"); break;
    case '"': buf_text_append(out, "&quot;"); break;
    case '\'': buf_text_append(out, "&#39;"); break;
    default: buf_char(out, *text);
    }
  }
}

static void append_value(struct buf *out, enum escaping escaping, const char *text) {
  switch (escaping) {
  case ESCAPE_NOTHING: buf_text_append(out, text); return;
  case ESCAPE_HTML: append_html(out, text); return;
  }
}

void template_render(const struct template *template, const struct mail_values *values, struct buf *out) {
  for (size_t i = 0; i < template->count;) {
    const struct step *step = &template->steps[i++];
    const char *value = values->text[step->variable] ? values->text[step->variable] : "";
    switch (step->kind) {
    case STEP_TEXT: buf_append(out, step->text, step->length); break;
    case STEP_VARIABLE: append_value(out, template->escaping, value); break;
    case STEP_SKIP_IF_EMPTY:
      if (!value[0]) i = step->target;
      break;
    case STEP_SKIP: i = step->target; break;
    }
  }
}
