/* One SQL statement from a .sql file, embedded by CMake (cmake/embed_sql.cmake). */
#ifndef DB_STATEMENT_H
#define DB_STATEMENT_H

struct statement {
  const char *name; /* of the file with its owner, and of the prepared statement */
  const char *text;
};

#endif
