// Captures one stream: carries what a recording wants to the daemon and the answers back, follows the daemon's
// events, and waits for a daemon that went. It shows nothing; its owner is told what there is to show.
#ifndef GARDEN_TOOLS_CAPTURER_H
#define GARDEN_TOOLS_CAPTURER_H

#include <uv.h>

#include "../client.h"
#include "../store.h"
#include "complaints.h"

struct capturer {
    // Filled in by the owner.
    uv_loop_t *loop;
    struct garden_client *client;       // null while there is none; another one may take its place
    struct garden_recording *recording; // the owner's; null: nothing is captured yet
    const char *uri, *device;
    struct garden_stream_format format;
    uint64_t chunk_bytes;
    // After so much of the stream it is stopped, and the recording, which was told capturer_frames_max(), ends there to
    // the frame; 0: when the source ends, or it is asked to.
    uint64_t span_ns;
    uint64_t patience_ms; // a daemon that is dead for so long is given up
    // A line about something that went wrong or is waited for.
    void (*say)(void *user, const char *text);
    // Chunks were sealed, or (|head|) the daemon told how far it is.
    void (*moved)(void *user, bool head);
    // It ends without its manifest, which is to be told.
    void (*left)(void *user);
    void *user;
    // To be read.
    struct garden_capture_totals totals; // as last told
    char path[GARDEN_PATH_MAX];          // of the chunk that takes frames
    bool stopping, finished;
    bool gone;           // the daemon, or that which had the stream: it ended without being stopped
    int refusal;         // the code of what the daemon last refused; 0: nothing
    bool broken, losing; // it had to end early, as when its source failed; no chunk takes it
    struct garden_error error; // of the last piece of work that failed
    uint64_t started_ns;
    unsigned asking; // requests under way: it has to stay until there are none
    // Its own.
    struct garden_uuid seed; // of the requests' ids
    uv_timer_t timer;
    bool timer_open;
    int64_t heard_ms;     // when a position came last, or it was looked why none does
    int64_t dead_ms;      // when the daemon was found dead; 0: it is not
    int64_t failing_ms;   // when work on files began to fail; 0: it does not
    int64_t looked_ms;    // when it was looked whether the store is in its place
    int64_t away_ms;      // when the store was found to have been moved; 0: it is in its place
    int64_t elsewhere_ms; // when a daemon first had not the stream, which somebody has; 0: not so
    struct complaints complaints; // since frames were last captured
};

struct garden_instant capturer_now(void);
// Whether a daemon may write into the store |root|, before anything is made there: GARDEN_ERR_NOT_FOUND with words when
// it has no staging folder, which gardend wants to be there when it starts.
int capturer_check_store(const char *root, struct garden_error *error);
// A seed for the ids. GARDEN_ERR_SYSTEM: the system has no random octets.
int capturer_seed(struct capturer *capturer);
// How many frames |span_ns| is, once the format is known; 0: all there are. MIDI has no rate: the clock stops it.
uint64_t capturer_frames_max(const struct capturer *capturer);
// Begins, with a recording that is open. Ends when |finished|, which |moved| is called after.
void capturer_start(struct capturer *capturer);
// Asks the daemon to stop; |finished| comes once all is sealed.
void capturer_stop(struct capturer *capturer);
// Goes on without the daemon: what is left to do is in files, and so takes no longer than they bear.
void capturer_abandon(struct capturer *capturer);
// Goes without the manifest. Nothing is lost: what was captured waits in the store to be finished.
void capturer_leave(struct capturer *capturer);
// Does what is due.
void capturer_pump(struct capturer *capturer);
// What its owner hears of the daemon.
void capturer_on_event(struct capturer *capturer, const struct garden_message *message);
void capturer_on_state(struct capturer *capturer, enum garden_client_state state);
// A lane that connected anew: behind it may be a daemon that knows nothing of the stream.
void capturer_on_lane(struct capturer *capturer, enum garden_lane lane, bool up);
// Closes the timer; |closed| may be null. The recording stays the owner's.
void capturer_close(struct capturer *capturer, void (*closed)(uv_handle_t *handle));

#endif
