// The command line.
#ifndef GARDEN_DAEMON_OPTIONS_H
#define GARDEN_DAEMON_OPTIONS_H

#include "../lanes.h"
#include "flow.h"
#include "log.h"

enum { OPTIONS_SOURCES_MAX = 16, OPTIONS_PATH_SIZE = 1024, OPTIONS_TOKEN_SIZE = 130 };

struct options {
    struct garden_endpoints endpoints;
    char run_folder[OPTIONS_PATH_SIZE];
    char connection_file[OPTIONS_PATH_SIZE];
    char staging[OPTIONS_PATH_SIZE];
    char state[OPTIONS_PATH_SIZE]; // "": nothing is kept
    uint32_t state_sync_ms;
    bool staging_is_ours; // below the run directory: made when missing
    struct source_spec sources[OPTIONS_SOURCES_MAX];
    size_t source_count;
    enum flow_pace pace;
    bool topics;
    uint32_t ring_ms, position_ms;
    uint32_t priority;             // of the threads that play; 0: none
    uint32_t query_ms, query_rows; // what a query may take, and tell
    enum log_time log_time;
    int ready_fd;                 // -1: none
    const char *key_file, *allow; // CURVE; null: none, everybody
    const char *advertise;  // the host that the connection file has; null: the one listened on
    const char *http;       // where to serve HTTP; null: nowhere
    const char *http_host;  // what else it is called by; null: nothing
    const char *http_token; // what who asks there must show; null: nothing. Of |token_text|
    bool no_page;
    char token_text[OPTIONS_TOKEN_SIZE];
    char *file_text; // of the configuration file, which paths and sources refer to; null: none
    int argc;        // what it was read from, to be read again
    char **argv;
};

enum { OPTIONS_USAGE = 2 }; // the exit status where no time will mend the options

// Fills |out|. Returns -1 to go on, or the exit status after having said all: help, version, or what
// was wrong.
int options_read(int argc, char **argv, struct options *out);

// Reads the same command line again, and the configuration file as it is now. What can change while the
// daemon runs is changed in |options|; of the rest, what differs is told in the log. False: something is
// wrong, has been told, and nothing has changed.
bool options_reload(struct options *options);

#endif
