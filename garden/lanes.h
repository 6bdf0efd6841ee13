// The five lanes between a client and a daemon: their endpoints, and the connection file by which a
// client is told of them.
#ifndef GARDEN_LANES_H
#define GARDEN_LANES_H

#include <zmtp/curve.h>

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

// In the order of the ports of a tcp garden.
enum garden_lane {
    GARDEN_LANE_CONTROL,
    GARDEN_LANE_SHELL,
    GARDEN_LANE_IOPUB,
    GARDEN_LANE_HEARTBEAT,
    GARDEN_LANE_QUERY,
    GARDEN_LANES
};
const char *garden_lane_name(enum garden_lane lane); // "control", ..., "hb", "query"

enum { GARDEN_ENDPOINT_SIZE = 256 }; // with the terminator
struct garden_endpoints {
    char of[GARDEN_LANES][GARDEN_ENDPOINT_SIZE];
};
// ipc://<folder>/<lane>. GARDEN_ERR_RANGE when a path would be too long for a socket's name (107).
int garden_endpoints_local(struct garden_endpoints *out, const char *folder);
// ipc:///tmp/chaosgarden-<lane>: where peers without a run directory look.
void garden_endpoints_plain(struct garden_endpoints *out);
// tcp://host:base .. base + 4; base 0: each lane picks a port.
int garden_endpoints_tcp(struct garden_endpoints *out, const char *host, uint16_t base);
// inproc://<prefix>-<lane>
int garden_endpoints_inproc(struct garden_endpoints *out, const char *prefix);

// The run directory: $XDG_RUNTIME_DIR/garden, or /tmp/garden-<uid> where there is none.
int garden_run_folder(char *out, size_t size);
// Makes it with mode 0700, or checks that it is ours and nobody else's.
int garden_run_folder_make(const char *folder, struct garden_error *error);

// What a daemon that listens tells in its connection file, a JSON object of mode 0600.
struct garden_connection {
    struct garden_endpoints endpoints;
    struct garden_uuid session; // new with each start of the daemon
    int64_t pid;
    bool has_server_key; // the lanes are encrypted (CURVE)
    struct zmtp_key server_key;
};
// Written to a temporary file and renamed: a reader sees all of it or nothing. Local endpoints of relative paths are
// written with the working directory before them, where that fits into a socket's name.
int garden_connection_write(const char *path, const struct garden_connection *connection,
                            struct garden_error *error);
int garden_connection_read(const char *path, struct garden_connection *out,
                           struct garden_error *error);

#ifdef __cplusplus
}
#endif
#endif
