/* Reading: one resource, or a page of them, as JSON that PostgreSQL made. */
#ifndef API_READ_H
#define API_READ_H

#include "router.h"

/* For rows of kind ROUTE_READ and ROUTE_LIST, after auth_check. */
route_handler read_handle, list_handle;

#endif
