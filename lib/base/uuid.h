/* Ids. New things get UUIDv7 (RFC 9562: ordered by time); what must come out the same for the same input (a command
 * with an Idempotency-Key, the message made from another message) gets a UUIDv8 derived by SHA-256. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uuid {
  uint8_t bytes[16];
};

enum { UUID_TEXT_MAX = 37 };

struct uuid uuid_new(void); /* v7, monotonic within the process, thread-safe */
/* The first 16 bytes of SHA-256 over the parts (each preceded by its length), marked as v8. */
struct uuid uuid_derive(const char *const *parts, size_t count);
#define UUID_DERIVE(...) \
  uuid_derive((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
const char *uuid_format(const struct uuid *id, char text[static UUID_TEXT_MAX]);
bool uuid_parse(const char *text, struct uuid *ret_id); /* 8-4-4-4-12 hex, either case, nothing else */
bool uuid_equal(const struct uuid *a, const struct uuid *b);
int uuid_compare(const struct uuid *a, const struct uuid *b);
bool uuid_is_nil(const struct uuid *id);
extern const struct uuid UUID_NIL;

#endif
