/* The answer: a status, some headers, a body in the envelope that all answers share. */
#ifndef API_RESPONSE_H
#define API_RESPONSE_H

#include "base/buf.h"
#include "request.h"

enum { RESPONSE_HEADERS_MAX = 12, RESPONSE_BODY_MAX = 16 * 1024 * 1024 };

struct response {
  int status;
  bool close;   /* the connection */
  bool is_sent; /* it went out piece by piece */
  const char *content_type;
  struct buf body;
  size_t header_count;
  struct {
    const char *name, *value;
  } headers[RESPONSE_HEADERS_MAX];
};

/* Values must live as long as the request. */
void response_header(struct response *response, const char *name, const char *value);
/* {"success":true,"data":<json>,"message"?,"timestamp"}. json NULL: "data":null. 204 gets no body. */
void response_data(struct response *response, int status, const char *json, const char *message);
struct page {
  int64_t page, limit, total;
  const char *next; /* id to go on after, or NULL */
};
void response_page(struct response *response, const char *items, const struct page *page);
/* {"success":false,"error":{…},"timestamp"} */
void response_error(struct response *response, const struct request *request, const struct error *err);
/* A business error as a worker stored it; field and details may be NULL. */
struct stored_error {
  int status;
  const char *code, *text, *field, *details;
};
void response_stored_error(struct response *response, const struct stored_error *error);
/* Writes it out in one piece. False when the client has gone. */
bool response_send(struct response *response, const struct request *request);
/* An answer whose length nobody knows: the head, then pieces, then the end. In chunks (HTTP/1.1), or until the
 * connection is closed. Once it has begun nothing else can be said: what goes wrong then cuts it off. False when the
 * client has gone. */
bool response_stream_begin(struct response *response, const struct request *request, const char *content_type);
bool response_stream_write(const struct request *request, const struct buf *piece);
void response_stream_end(struct response *response, const struct request *request, bool is_whole);
void response_release(struct response *response);

#endif
