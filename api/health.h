/* How the API is: for load balancers (status only, public) and for operators. */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include "router.h"

route_handler health_handle, livez_handle, readyz_handle, monitoring_handle;

#endif
