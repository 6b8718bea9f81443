/* JSON trees in an arena. A received message is some fifty small pieces; taking and giving back each alone is a quarter
 * of what a worker does with it. */
#ifndef RUNTIME_JSON_ARENA_H
#define RUNTIME_JSON_ARENA_H

#include "base/arena.h"

/* Once, before anything uses jansson. */
void json_arena_install(void);
/* What jansson allocates in this thread from now on lives as long as the arena, until NULL is given. json_decref is
 * right in either case; what outlives the arena must not have been made in between. */
void json_arena_use(struct arena *arena);

#endif
