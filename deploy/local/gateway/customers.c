/* Customers: a name, an address for mail, metadata, the method that invoices are paid with. */
#include "answer.h"
#include "base/assert.h"
#include "handlers.h"
#include "list.h"
#include "metadata.h"
#include "params.h"

void customer_render(struct json_writer *writer, const char *key, const struct store *store, uint32_t sequence) {
  const struct customer *customer = store_customer(store, sequence);
  char id[ID_TEXT_MAX], method[ID_TEXT_MAX];
  ASSERT(customer != NULL);
  json_put_object(writer, key);
  json_put_string(writer, "id", id_format(store, KIND_CUSTOMER, sequence, id));
  json_put_string(writer, "object", "customer");
  json_put_int(writer, "created", customer->created_s);
  json_put_string(writer, "name", customer->name);
  json_put_string(writer, "email", customer->email);
  json_put_string(writer, "description", customer->description);
  json_put_object(writer, "invoice_settings");
  json_put_string(writer, "default_payment_method",
                  customer->default_method != 0 ? id_format(store, KIND_METHOD, customer->default_method, method)
                                                : NULL);
  json_put_end(writer);
  metadata_render(writer, customer->metadata);
  json_put_int(writer, "balance", 0);
  json_put_null(writer, "currency");
  json_put_bool(writer, "delinquent", false);
  json_put_bool(writer, "livemode", false);
  json_put_end(writer);
}

static bool read_fields(struct call *call, struct customer *customer) {
  param_text(call, "name", &customer->name);
  param_text(call, "email", &customer->email);
  param_text(call, "description", &customer->description);
  return param_metadata(call, customer->metadata, &customer->metadata);
}

static bool read_default_method(struct call *call, struct customer *customer) {
  static const char NAME[] = "invoice_settings[default_payment_method]";
  const struct store *store = &call->gateway->store;
  const char *id = form_get(&call->form, NAME);
  if (id == NULL) return true;
  customer->default_method = *id != '\0' ? id_parse(store, KIND_METHOD, id) : 0;
  const struct method *method = store_method(store, customer->default_method);
  if (*id == '\0' || (method != NULL && method->customer == customer->sequence)) return true;
  answer_missing(call, NAME, "payment_method of this customer", id);
  return false;
}

static void commit(struct call *call, const struct customer *customer, const char *outcome) {
  struct change change = {.customer = *customer};
  struct json_writer writer;
  ASSERT(store_apply(&call->gateway->store, &change));
  answer_begin(call, outcome, &writer);
  customer_render(&writer, NULL, &call->gateway->store, customer->sequence);
  gateway_commit(call, &change);
}

void customers_create(struct call *call) {
  struct gateway *gateway = call->gateway;
  struct customer customer = {.created_s = call->now.us / UTIME_SECOND};
  if (!read_fields(call, &customer)) return;
  gateway_lock(gateway);
  customer.sequence = store_next(&gateway->store, KIND_CUSTOMER);
  if (!store_has_room(&gateway->store)) {
    answer_full(call);
  } else if (read_default_method(call, &customer)) {
    commit(call, &customer, "created");
  }
  gateway_unlock(gateway);
}

void customers_update(struct call *call) {
  struct gateway *gateway = call->gateway;
  gateway_lock(gateway);
  const struct customer *found = store_customer(&gateway->store, id_parse(&gateway->store, KIND_CUSTOMER, call->id));
  if (found == NULL) {
    answer_missing(call, "id", "customer", call->id);
  } else {
    struct customer customer = *found;
    if (read_fields(call, &customer) && read_default_method(call, &customer)) commit(call, &customer, "updated");
  }
  gateway_unlock(gateway);
}

void customers_get(struct call *call) {
  struct gateway *gateway = call->gateway;
  gateway_lock(gateway);
  uint32_t sequence = id_parse(&gateway->store, KIND_CUSTOMER, call->id);
  if (sequence == 0) {
    answer_missing(call, "id", "customer", call->id);
  } else {
    struct json_writer writer;
    answer_begin(call, "found", &writer);
    customer_render(&writer, NULL, &gateway->store, sequence);
  }
  gateway_unlock(gateway);
}

void customers_list(struct call *call) {
  struct gateway *gateway = call->gateway;
  gateway_lock(gateway);
  struct list list = {
      .kind = KIND_CUSTOMER, .first = store_count(&gateway->store, KIND_CUSTOMER), .render = customer_render};
  list_answer(call, &list);
  gateway_unlock(gateway);
}
