/* Arrays as tx_exec sends them; callers know db_array_* of db.h only. */
#ifndef DB_ARRAY_H
#define DB_ARRAY_H

#include <libpq-fe.h>
#include <stdbool.h>

/* The type of the elements of an array type that parameters have; 0: it is none. */
Oid db_array_element(Oid type);

struct db_value {
  const char *bytes;
  int length; /* of what is binary */
  bool is_binary;
};
/* What db_array_literal returned, for a parameter with such elements. In the array's arena. */
struct db_value db_array_value(const char *param, Oid element_type);

#endif
