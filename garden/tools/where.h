// Where the daemon is: what the options of a program say of it, and what its connection file does.
#ifndef GARDEN_TOOLS_WHERE_H
#define GARDEN_TOOLS_WHERE_H

#include <getopt.h>

#include "../lanes.h"

// Where the daemon is, as the user named it; all null: its connection file in the run directory.
struct tool_where {
    const char *connection, *run_folder;
    const char *tcp; // HOST:BASE
    // CURVE: the daemon's public key, or a file with it (else that of the connection file), and a file
    // with our own keys.
    const char *server_key, *key_file;
};

// The rows of these options, for the table of a program that takes them; what they are about, for its help; and taking
// one that getopt gave: false when |option| is none of them.
enum where_option { WHERE_CONNECTION = 256, WHERE_RUN_DIR, WHERE_TCP, WHERE_SERVER_KEY, WHERE_KEY };
#define WHERE_OPTIONS                                                                              \
    {"connection", required_argument, NULL, WHERE_CONNECTION},                                     \
        {"run-dir", required_argument, NULL, WHERE_RUN_DIR},                                       \
        {"tcp", required_argument, NULL, WHERE_TCP},                                               \
        {"server-key", required_argument, NULL, WHERE_SERVER_KEY},                                 \
    {                                                                                              \
        "key", required_argument, NULL, WHERE_KEY                                                  \
    }
extern const char where_help[];
bool where_take(struct tool_where *where, int option, const char *text);

struct where {
    struct garden_endpoints endpoints;
    struct garden_uuid session; // nil: no connection file was read
    bool has_server_key, has_keys;
    struct zmtp_key server_key;
    struct zmtp_key_pair keys;
};
// Finds the daemon. GARDEN_OK; GARDEN_ERR_ARGUMENT: the words of the call are wrong; GARDEN_ERR_DEAD: there is
// no connection file, or none that can be read, so probably no daemon; GARDEN_ERR_SYSTEM: anything else.
int where_find(const struct tool_where *named, struct where *out, struct garden_error *error);
// The path of the connection file that is looked for, or "" where endpoints were named.
int where_file(const struct tool_where *named, char *out, size_t size);

#endif
