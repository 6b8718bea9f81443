/* The operator's commands. Each returns the exit status. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int command_migrate(int argc, char **argv);
int command_tenant_create(int argc, char **argv);
int command_dlq(int argc, char **argv);

/* The value of "--name value" among the arguments, or default_value (NULL: there is none). */
const char *option(int argc, char **argv, const char *name, const char *default_value);
/* A setting of the environment; prints the one line that names it and returns NULL when it is missing. */
const char *environment(const char *name);

#endif
