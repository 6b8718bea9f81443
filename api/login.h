/* Sessions: how they begin, go on and end. Written synchronously, with an audit row in the same transaction. */
#ifndef API_LOGIN_H
#define API_LOGIN_H

#include "router.h"

route_handler login_handle, refresh_handle, logout_handle, me_handle;

#endif
