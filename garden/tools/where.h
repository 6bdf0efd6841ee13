// Where the daemon is: what the options of a program say of it, and what its connection file does.
#ifndef GARDEN_TOOLS_WHERE_H
#define GARDEN_TOOLS_WHERE_H

#include "../lanes.h"

// Where the daemon is, as the user named it; all null: its connection file in the run directory.
struct tool_where {
    const char *connection, *run_folder;
    const char *tcp; // HOST:BASE
    // CURVE: the daemon's public key, or a file with it (else that of the connection file), and a file
    // with our own keys.
    const char *server_key, *key_file;
};

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
