// Keeps the daemon's state in a folder (ledger.h), so that it is there again after a restart, however the
// daemon ended. A change is written before it is made and before it is answered, so a killed daemon loses
// nothing; it is synced to the disk every |sync_ms|, which is what a crash of the machine can lose, on a
// thread of libuv's pool. Snapshots are written there, too.
#ifndef GARDEN_DAEMON_KEEPER_H
#define GARDEN_DAEMON_KEEPER_H

#include <uv.h>

#include "../server.h"
#include "ledger.h"
#include "save.h"

struct keeper_config {
    uv_loop_t *loop;
    struct state *state;
    const struct garden_fs *fs; // null: the system's
    const char *folder;         // null: nothing is kept, and every call below does nothing
    uint32_t sync_ms;           // 0: each change before it is answered
    void (*on_idle)(void *user);
    // Something could not be kept although no request waits for it.
    void (*on_trouble)(const char *text, void *user);
    void *user;
};

struct keeper_snapshot;

struct keeper {
    struct keeper_config config;
    struct ledger ledger;
    struct garden_server *server;  // null: not yet, or no longer
    struct garden__record answers; // from before, for the server
    struct garden_buffer octets;
    uv_timer_t timer;
    bool has_timer;
    bool dirty; // changes are not synced
    bool syncing;
    uv_work_t sync_work;
    int sync_file, sync_result;
    struct keeper_snapshot *snapshot;   // being written; null: none
    bool snapshot_wanted;               // whatever the log's size
    uint64_t snapshot_after_ns;         // not before, as the last one failed
    uint64_t snapshots;                 // that were written
    struct transport_position playhead; // as it was kept last
    uint64_t playhead_ns;               // and when
};

// Fills the state, which must be empty, with what the folder has.
int keeper_open(struct keeper *keeper, const struct keeper_config *config,
                struct garden_error *error);
// Tells what was found.
void keeper_log(const struct keeper *keeper);
// Gives the answers of the former life to the server.
void keeper_serve(struct keeper *keeper, struct garden_server *server);

// Before a change: on a failure it must not be made. After it: it was made, or refused.
int keeper_write(struct keeper *keeper, const struct garden_shell_request *content,
                 const struct state_moment *moment, const struct garden_header *request,
                 struct garden_form form, struct garden_error *error);
void keeper_done(struct keeper *keeper, bool made);
// After the change was answered: a snapshot, if one is due, has the answers that were given so far.
void keeper_turn(struct keeper *keeper);
// The playhead moved by itself, or was stopped: kept every few seconds, or now, as far as that works.
void keeper_playhead(struct keeper *keeper, int64_t now_ns, bool now);

// Now and then. Whether somebody removed the folder: then it is made again, with all of the state, and 1 returned with
// words; negative: it cannot be. A snapshot that is due, or failed, is begun.
int keeper_look(struct keeper *keeper, struct garden_error *error);

// Whether no thread works for it. It may be closed only then.
bool keeper_idle(const struct keeper *keeper);
// Syncs what is left. Run the loop once more.
void keeper_close(struct keeper *keeper);

#endif
