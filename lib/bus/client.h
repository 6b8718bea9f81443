/* What producer, consumer and administration share: how a librdkafka client is configured and made, and what its errors
 * mean here. Private to lib/bus. */
#ifndef BUS_CLIENT_H
#define BUS_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The largest message (key, headers and value together) that passes through any client of ours: a dead letter is the
 * original with more headers, so its topic takes more than the original's. */
enum { CLIENT_MESSAGE_MAX = 2 * 1024 * 1024 };
#define CLIENT_MESSAGE_MAX_TEXT "2097152"

/* A list of these ends with a NULL name. */
struct client_setting {
  const char *name;
  const char *value;
};

/* Settings of every client, then `settings`, in a new configuration. RC_INVALID_SETTING names what was refused. */
MUST_CHECK enum rc client_conf_new(const char *brokers, const char *client_id, const struct client_setting *settings,
                                   rd_kafka_conf_t **ret_conf, struct error *err);
/* Takes conf, also on failure. */
MUST_CHECK enum rc client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret_client, struct error *err);

/* rd_kafka_destroy waits for ever when the broker has lost a topic that was in use: after some seconds it is left to
 * end by itself, since whoever frees a client is about to exit. NULL is fine. */
void client_destroy(rd_kafka_t *client, int flags);

/* What a caller must do about an error of librdkafka's: retry, give this message up, or restart. */
enum rc client_rc(rd_kafka_resp_err_t code);

/* True for ASCII that can be printed, and line feeds. */
bool client_is_ascii(const char *bytes, size_t length);
/* True for UTF-8 without NUL: what a text column and a JSON string can hold. */
bool client_is_text(const char *bytes, size_t length);

#endif
