/* What an answer has in common with all others: status, error object, outcome. */
#include "answer.h"

#include <stdarg.h>

void answer_outcome(struct call *call, const char *outcome) {
  (void)snprintf(call->outcome, sizeof call->outcome, "%s", outcome);
}

void answer_begin(struct call *call, const char *outcome, struct json_writer *ret_writer) {
  buf_clear(call->body);
  call->status = 200;
  answer_outcome(call, outcome);
  json_writer_init(ret_writer, call->body);
}

void answer_error_begin(struct call *call, int status, const char *type, const char *code, const char *param,
                        const char *text, struct json_writer *ret_writer) {
  answer_begin(call, code != NULL ? code : type, ret_writer);
  call->status = status;
  json_put_object(ret_writer, NULL);
  json_put_object(ret_writer, "error");
  json_put_string(ret_writer, "type", type);
  if (code != NULL) json_put_string(ret_writer, "code", code);
  if (param != NULL) json_put_string(ret_writer, "param", param);
  json_put_string(ret_writer, "message", text);
}

static void error_answer(struct call *call, int status, const char *type, const char *code, const char *param,
                         const char *format, va_list arguments) {
  char text[ERROR_TEXT_MAX];
  struct json_writer writer;
  (void)vsnprintf(text, sizeof text, format, arguments);
  answer_error_begin(call, status, type, code, param, text, &writer);
  json_put_end(&writer);
  json_put_end(&writer);
}

void answer_error(struct call *call, int status, const char *type, const char *code, const char *param,
                  const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  error_answer(call, status, type, code, param, format, arguments);
  va_end(arguments);
}

void answer_invalid(struct call *call, const char *code, const char *param, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  error_answer(call, 400, "invalid_request_error", code, param, format, arguments);
  va_end(arguments);
}

void answer_invalid_error(struct call *call, const struct error *err) {
  answer_invalid(call, NULL, err->field[0] != '\0' ? err->field : NULL, "%s", err->text);
}

void answer_refused(struct call *call, const char *code, const char *param, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  error_answer(call, 400, "invalid_request_error", code, param, format, arguments);
  va_end(arguments);
  call->is_judged = true;
}

void answer_missing(struct call *call, const char *param, const char *what, const char *id) {
  answer_error(call, 404, "invalid_request_error", "resource_missing", param, "No such %s: '%s'", what, id);
  call->is_judged = true;
}

void answer_full(struct call *call) {
  answer_error(call, 503, "api_error", NULL, NULL, "The sandbox keeps no more: GATEWAY_KEPT_MAX is reached.");
}

void answer_nothing(struct call *call, int64_t hold_ms, const char *outcome) {
  answer_outcome(call, outcome);
  call->is_silent = true;
  call->hold_ms = hold_ms;
}
