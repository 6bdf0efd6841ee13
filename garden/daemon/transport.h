// The playhead. Time is an argument: nanoseconds of a clock that never jumps. The position is
// integrated piece by piece, so that a change of tempo turns the speed and never the position.
#ifndef GARDEN_DAEMON_TRANSPORT_H
#define GARDEN_DAEMON_TRANSPORT_H

#include "changes.h"

// Beyond this a double no longer tells neighbouring samples apart.
#define TRANSPORT_BEAT_MAX 1e9
#define TRANSPORT_TEMPO_MAX 1000.0

struct transport {
    bool playing;
    double tempo;        // beats a minute
    double beat, second; // at |at_ns|; a seek counts its seconds by the tempo of that time
    double swept;        // up to here the playhead's way was handed out
    int64_t at_ns;
};
void transport_init(struct transport *transport);

// Whether |beat| is a place on the timeline.
bool transport_beat_ok(double beat);

// Each is legal at any time; only what changes something adds an event. GARDEN_ERR_MEMORY.
int transport_play(struct transport *transport, int64_t now_ns, struct changes *changes);
int transport_pause(struct transport *transport, int64_t now_ns, struct changes *changes);
// Also rewinds.
int transport_stop(struct transport *transport, int64_t now_ns, struct changes *changes);
// GARDEN_ERR_RANGE unless the beat is in [0, TRANSPORT_BEAT_MAX], the tempo in (0, 1000].
int transport_seek(struct transport *transport, int64_t now_ns, double beat,
                   struct garden_error *error);
// The same with the second that the playhead had there, which depends on the tempos on its way.
int transport_restore(struct transport *transport, int64_t now_ns, double beat, double second,
                      struct garden_error *error);
int transport_set_tempo(struct transport *transport, int64_t now_ns, double tempo,
                        struct garden_error *error);

struct transport_position {
    double beat, second;
};
struct transport_position transport_position(const struct transport *transport, int64_t now_ns);

// The way from where the last sweep or seek ended to the position now. Nothing lies on it unless it
// plays: then false.
bool transport_sweep(struct transport *transport, int64_t now_ns, double *from, double *to);

#endif
