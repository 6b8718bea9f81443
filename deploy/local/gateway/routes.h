/* The gateway's whole HTTP surface. */
#ifndef GATEWAY_ROUTES_H
#define GATEWAY_ROUTES_H

#include "gateway.h"

struct route {
  const char *method;
  const char *path;   /* one "{id}" at most */
  const char *params; /* known parameters by their root; NULL: the handler checks */
  void (*handler)(struct call *call);
};

enum { ROUTE_ID_MAX = 64 };

const struct route *route_at(size_t index); /* NULL past the end */
/* NULL: no such route. ret_id gets what stands for {id}, or "". */
const struct route *route_find(const char *method, const char *path, char ret_id[static ROUTE_ID_MAX]);

#endif
