/* PATCH /api/settings: what a tenant has set for all that it makes from now on. */
#ifndef API_SETTINGS_H
#define API_SETTINGS_H

#include "router.h"

route_handler settings_handle;

#endif
