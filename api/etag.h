/* Entity tags (RFC 9110 8.8.3). A resource's tag is its version in quotes. Pure. */
#ifndef API_ETAG_H
#define API_ETAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum { ETAGS_MAX = 16 };

const char *etag_of(struct arena *arena, const char *version);
/* If-None-Match: weak comparison; a list, or "*". */
bool etag_is_among(const char *header, const char *etag);
/* If-Match, as the versions that fit, separated by commas: the form of ce_ifmatch. NULL for "*": any will do. A weak or
 * foreign tag fits none, and becomes version 0, which nothing has. RC_VALIDATION for what is no list of tags. */
MUST_CHECK enum rc if_match_parse(const char *header, struct arena *arena, const char **ret_versions,
                                  struct error *err);

#endif
