/* From a request to an answer, without HTTP's bytes: who asks, which route, which faults, which key. */
#ifndef GATEWAY_SERVE_H
#define GATEWAY_SERVE_H

#include "gateway.h"

struct incoming {
  const char *authorization; /* the header, or NULL */
  const char *text;          /* a GET's query, a POST's body */
  size_t length;
};

/* The call has its method, path, key, time and memory. When this returns, what the answer says is on the disk. */
void serve(struct call *call, const struct incoming *incoming);

#endif
