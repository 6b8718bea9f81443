/* What can be asked of the gateway: one handler for each row of the route table (routes.c), by noun; and how an object
 * looks in JSON. Renderers want the lock; handlers take it. */
#ifndef GATEWAY_HANDLERS_H
#define GATEWAY_HANDLERS_H

#include "base/json_text.h"
#include "gateway.h"

void customers_create(struct call *call);
void customers_get(struct call *call);
void customers_update(struct call *call);
void customers_list(struct call *call);
void customer_render(struct json_writer *writer, const char *key, const struct store *store, uint32_t sequence);

void methods_create(struct call *call);
void methods_get(struct call *call);
void methods_attach(struct call *call);
void methods_detach(struct call *call);
void methods_list(struct call *call);
void method_render(struct json_writer *writer, const char *key, const struct store *store, const struct method *method);

void intents_create(struct call *call);
void intents_get(struct call *call);
void intents_list(struct call *call);
void intents_search(struct call *call);
void intents_confirm(struct call *call);
void intents_cancel(struct call *call);
void intents_settle(struct call *call);
/* Expands what the call asks for; call may be NULL. */
void intent_render(struct json_writer *writer, const char *key, const struct store *store, const struct intent *intent,
                   const struct call *call);

void charges_get(struct call *call);
void charges_list(struct call *call);
void charge_render(struct json_writer *writer, const char *key, const struct store *store, uint32_t sequence);

void refunds_create(struct call *call);
void refunds_get(struct call *call);
void refunds_list(struct call *call);
void refund_render(struct json_writer *writer, const char *key, const struct store *store, uint32_t sequence);

void sandbox_charges(struct call *call);
void sandbox_requests(struct call *call);
void sandbox_stats(struct call *call);
void sandbox_faults_get(struct call *call);
void sandbox_faults_set(struct call *call);
void sandbox_faults_clear(struct call *call);
void sandbox_cards(struct call *call);
void sandbox_ready(struct call *call);

#endif
