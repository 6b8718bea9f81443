/* cloudbill: what an operator does by hand. One row for each command. */
#include <stdbool.h>
#include <string.h>

#include "cli.h"

static const struct {
  const char *words[2];
  int (*run)(int argc, char **argv);
  const char *help;
} commands[] = {
    {{"migrate", NULL}, command_migrate, "bring the database and Kafka's topics to this version"},
    {{"tenant", "create"},
     command_tenant_create,
     "--name N --admin-email E --admin-password P [--currency USD] [--time-zone UTC] [--mode live|test] "
     "[--billing-schedule off|hourly|HOUR]"},
    {{"dlq", NULL}, command_dlq, "list [--tenant ID] | show ID | replay ID | drop ID: dead letters"},
};

const char *option(int argc, char **argv, const char *name, const char *default_value) {
  for (int i = 0; i + 1 < argc; i++)
    if (strcmp(argv[i], name) == 0) return argv[i + 1];
  return default_value;
}

const char *environment(const char *name) {
  const char *value = getenv(name);
  if (value && *value) return value;
  fprintf(stderr, "cloudbill: %s: must be set\n", name);
  return NULL;
}

static int usage(FILE *out, int status) {
  fprintf(out, "cloudbill %s, for operators. The database is DATABASE_ADMIN_URL, the broker KAFKA_BROKERS.\n\n",
          CLOUDBILL_VERSION);
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
    fprintf(out, "  cloudbill %s%s%s  %s\n", commands[i].words[0], commands[i].words[1] ? " " : "",
            commands[i].words[1] ? commands[i].words[1] : "", commands[i].help);
  return status;
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--help") == 0) return usage(stdout, 0);
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    int words = commands[i].words[1] ? 2 : 1;
    bool fits = argc > words;
    for (int w = 0; fits && w < words; w++) fits = strcmp(argv[1 + w], commands[i].words[w]) == 0;
    if (fits) return commands[i].run(argc - 1 - words, argv + 1 + words);
  }
  return usage(stderr, 2);
}
