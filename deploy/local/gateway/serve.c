/* The order of checks is Stripe's: the API key, the URL, the parameters, the Idempotency-Key, then the work. What is
 * answered before the work begins is not kept for the key. */
#include "serve.h"

#include "answer.h"
#include "authorization.h"
#include "base/assert.h"
#include "params.h"
#include "routes.h"

static bool is_api(const struct call *call) {
  return strncmp(call->path, "/v1/", 4) == 0;
}
static bool is_post(const struct call *call) {
  return strcmp(call->method, "POST") == 0;
}

static bool check_authorization(struct call *call, const char *authorization) {
  if (is_authorized(authorization, call->gateway->settings->secret_key)) return true;
  answer_error(call, 401, "invalid_request_error", NULL, NULL, "%s",
               authorization == NULL ? "No API key was given: send it as Authorization: Bearer."
                                     : "The API key is not GATEWAY_SECRET_KEY.");
  return false;
}

static bool read_form(struct call *call, const struct route *route, const struct incoming *incoming) {
  struct error err;
  if (route->params == NULL) {
    call->form.pairs = NULL; /* the handler reads the text itself */
    call->text = incoming->text;
    call->text_length = incoming->length;
    return true;
  }
  if (form_parse(call->arena, incoming->text, incoming->length, &call->form, &err) != RC_OK) {
    answer_invalid_error(call, &err);
    return false;
  }
  return params_are_known(call, route->params);
}

/* False when a fault has answered the call. *ret_is_lost: the work is to be done and its answer lost. */
static bool pass_faults(struct call *call, bool *ret_is_lost) {
  struct faults *faults = &call->gateway->faults;
  if (faults_get(faults, FAULT_SILENT) != 0) {
    faults_wait_for_voice(faults);
    answer_nothing(call, 0, "fault: silent");
    return false;
  }
  if (!faults_sleep(faults, faults_get(faults, FAULT_LATENCY))) {
    answer_nothing(call, 0, "stopping");
    return false;
  }
  enum fault fault = is_post(call) ? faults_next(faults) : FAULT_COUNT;
  if (fault == FAULT_FAIL) answer_error(call, 500, "api_error", NULL, NULL, "The sandbox fails, as it was told to.");
  if (fault == FAULT_DROP) answer_nothing(call, 0, "fault: dropped");
  if (fault == FAULT_LIMIT) {
    answer_error(call, 429, "invalid_request_error", "rate_limit", NULL, "Too many requests, as the sandbox was told.");
    call->retry_after_s = 1;
  }
  *ret_is_lost = fault == FAULT_LOSE;
  return fault == FAULT_COUNT || fault == FAULT_LOSE;
}

static void replay(struct call *call, const struct key_entry *entry) {
  buf_clear(call->body);
  journal_read(&call->gateway->journal, entry->answer, call->body);
  call->status = entry->status;
  call->is_replay = true;
  answer_outcome(call, "replayed");
  atomic_fetch_add(&call->gateway->replays, 1);
}

/* True when the work is this call's to do, and the key's, if it has one, is running. */
static bool begin_key(struct call *call) {
  struct gateway *gateway = call->gateway;
  struct key_entry entry;
  if (call->key == NULL) return true;
  call->key_hash = key_hash_text(call->key);
  call->request_hash = key_hash_request(call->arena, call->method, call->path, &call->form);
  gateway_lock(gateway);
  enum key_verdict verdict = keys_begin(&gateway->keys, call->key_hash, call->request_hash, &entry);
  gateway_unlock(gateway);
  switch (verdict) {
  case KEY_IS_NEW: return true;
  case KEY_IS_OLD: replay(call, &entry); return false;
  case KEY_IS_RUNNING:
    answer_error(call, 409, "idempotency_error", "idempotency_key_in_use", NULL,
                 "Another request with this Idempotency-Key is still running.");
    return false;
  case KEY_IS_OTHERS:
    answer_error(call, 400, "idempotency_error", NULL, NULL,
                 "This Idempotency-Key was first used for another request: other parameters, or another URL.");
    return false;
  case KEY_NO_ROOM: answer_full(call); return false;
  }
  assert_failed("a key's verdict", __FILE__, __LINE__);
}

/* After the work: an answer that was not committed is kept if it is a judgement, and else the key is free again. */
static void end_key(struct call *call) {
  struct gateway *gateway = call->gateway;
  if (call->key == NULL || call->is_committed) return;
  gateway_lock(gateway);
  if (call->is_judged) {
    gateway_commit(call, &(struct change){.attempt = 0});
  } else {
    keys_forget(&gateway->keys, call->key_hash);
  }
  gateway_unlock(gateway);
}

static void work(struct call *call, const struct route *route) {
  bool is_lost = false;
  if (!pass_faults(call, &is_lost)) return;
  if (!is_post(call)) call->key = NULL;
  if (begin_key(call)) {
    route->handler(call);
    end_key(call);
  }
  if (is_lost) answer_nothing(call, 0, "fault: answer lost");
}

static void answer_call(struct call *call, const struct incoming *incoming) {
  char id[ROUTE_ID_MAX];
  if (is_api(call) && !check_authorization(call, incoming->authorization)) return;
  const struct route *route = route_find(call->method, call->path, id);
  if (route == NULL) {
    answer_error(call, 404, "invalid_request_error", NULL, NULL, "Unrecognized request URL (%s: %s).", call->method,
                 call->path);
    return;
  }
  call->id = arena_strdup(call->arena, id);
  if (!read_form(call, route, incoming)) return;
  if (is_api(call)) {
    work(call, route);
  } else {
    call->key = NULL;
    route->handler(call);
  }
}

void serve(struct call *call, const struct incoming *incoming) {
  struct gateway *gateway = call->gateway;
  answer_call(call, incoming);
  ASSERT(call->is_silent || call->status != 0);
  /* What a reader has seen must be as safe as what a writer has done. */
  journal_wait(&gateway->journal, call->position != 0 ? call->position : journal_end(&gateway->journal));
  if (is_api(call)) {
    requests_add(&gateway->requests, call->now, call->method, call->path, call->key, call->is_silent ? 0 : call->status,
                 call->outcome);
  }
}
