// The daemon's place on this machine: the run directory with its local sockets, and the connection file, both
// held by locks. Somebody may remove them under a running daemon: then nobody new finds it, so it looks now and
// then, and makes them again.
#ifndef GARDEN_DAEMON_PLACE_H
#define GARDEN_DAEMON_PLACE_H

#include "../server.h"
#include "options.h"

enum { PLACE_LOOK_MS = 2000 };

struct place {
    const struct options *options;
    struct garden_server *server; // null: nothing was told yet
    struct garden_uuid session;   // of the server, which may be closed when the file is removed
    const struct zmtp_key *key;   // the public one of encrypted lanes; null: they are not encrypted
    int run_lock, connection_lock; // files that are held locked; below zero: not yet
    bool lost;       // something is missing that cannot be made again, here or elsewhere
    uint64_t mended; // how often something was
};

// Makes the run directory, and takes both for itself. On a failure, too, place_leave() gives back what was taken.
int place_take(struct place *place, const struct options *options, struct garden_error *error);
// Writes the connection file, of a server whose lanes are bound.
int place_tell(struct place *place, struct garden_server *server, const struct zmtp_key *key,
               struct garden_error *error);
// Whether all of it is still there: 0; 1: it was not, and is again, as |error| tells; negative: it cannot be.
int place_look(struct place *place, struct garden_error *error);
// Removes the connection file, if it is still ours, and lets both go.
void place_leave(struct place *place);

#endif
