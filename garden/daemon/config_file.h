// A configuration file: lines "name = value" with the names of the long options, and '#' for comments. A
// name without "= value", or with "= yes", is an option without an argument.
#ifndef GARDEN_DAEMON_CONFIG_FILE_H
#define GARDEN_DAEMON_CONFIG_FILE_H

#include <getopt.h>

#include "../errors.h"

// Reads the file into memory that free() takes; the entries' texts lie in it.
int config_file_read(const char *path, char **text, struct garden_error *error);

// The next entry of |*at|, which moves on, as an option of |table| and its argument (null for one that
// takes none). 1: there is one; 0: no more; negative: |error| names the line.
int config_file_next(char **at, unsigned *line, const struct option *table, const char *path,
                     const struct option **option, const char **argument,
                     struct garden_error *error);

#endif
