// Captures that the page asks for. A capture's client stages and seals files, which a page cannot, so for each
// the daemon starts what everybody else uses: gardenctl capture, with this daemon's connection file and store.
// What it prints is kept in memory and told; it is a process of its own, and ends its capture in good order
// also when the daemon is gone.
#ifndef GARDEN_DAEMON_CAPTURES_H
#define GARDEN_DAEMON_CAPTURES_H

#include <uv.h>

#include "../value.h"
#include "source.h"

enum {
    CAPTURES_MAX = 16,             // that are told; ended ones make room
    CAPTURES_TEXT_MAX = 16 * 1024, // of what one printed, the end of it
};

struct capture_child {
    struct captures *captures;
    uint64_t id; // from 1 on; 0: there is none
    uv_process_t process;
    bool running, has_handle, stopping;
    int output; // a file without a name; -1: none
    int status; // of an ended one
    char device[SOURCE_NAME_SIZE], uri[GARDEN_URI_MAX];
};

struct captures {
    uv_loop_t *loop;
    const char *store; // null: the staging folder is no store's
    const char *connection;
    struct capture_child children[CAPTURES_MAX];
    uint64_t last_id;
};

// All that is pointed at must outlive it.
void captures_init(struct captures *captures, uv_loop_t *loop, const char *connection,
                   const char *store);
// Starts one of the source |device| as |uri|. GARDEN_ERR_ARGUMENT, _STATE (no store), _LIMIT, _SYSTEM.
int captures_start(struct captures *captures, const char *device, const char *uri, uint64_t *id,
                   struct garden_error *error);
// Asks it to stop, as Ctrl-C would. GARDEN_ERR_NOT_FOUND.
int captures_stop(struct captures *captures, uint64_t id, struct garden_error *error);
// All of them, oldest first: [{"id", "device", "uri", "state": "running", "stopping", "ended" or "failed",
// "status", "output"}], living in |arena|. What one printed begins with a whole line.
int captures_tell(const struct captures *captures, struct garden_arena *arena,
                  struct garden_value *out);
// Lets them go; those that run end their captures by themselves. Run the loop once more.
void captures_close(struct captures *captures);

#endif
