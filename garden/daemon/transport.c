#include "transport.h"

#include <math.h>

#include "../core/error.h"

enum { TRANSPORT_TEMPO = 120 };

void transport_init(struct transport *transport)
{
    *transport = (struct transport){.tempo = TRANSPORT_TEMPO};
}

bool transport_beat_ok(double beat)
{
    return isfinite(beat) && beat >= 0 && beat <= TRANSPORT_BEAT_MAX;
}

struct transport_position transport_position(const struct transport *transport, int64_t now_ns)
{
    struct transport_position position = {transport->beat, transport->second};
    if (!transport->playing || now_ns <= transport->at_ns) return position;
    const double passed = (double)(now_ns - transport->at_ns) / 1e9;
    position.beat += passed * transport->tempo / 60.0;
    position.second += passed;
    if (position.beat > TRANSPORT_BEAT_MAX) position.beat = TRANSPORT_BEAT_MAX;
    return position;
}

// Ends the piece that the position was integrated over and begins the next.
static void transport_settle(struct transport *transport, int64_t now_ns)
{
    const struct transport_position position = transport_position(transport, now_ns);
    transport->beat = position.beat;
    transport->second = position.second;
    if (now_ns > transport->at_ns) transport->at_ns = now_ns;
}

static int transport_set_playing(struct transport *transport, int64_t now_ns, bool playing,
                                 struct changes *changes)
{
    if (transport->playing == playing) return GARDEN_OK;
    if (!changes_reserve(changes, 1)) return GARDEN_ERR_MEMORY;
    const struct garden_event event = {.kind = playing ? GARDEN_EVENT_PLAYBACK_STARTED
                                                       : GARDEN_EVENT_PLAYBACK_STOPPED};
    transport_settle(transport, now_ns);
    transport->playing = playing;
    changes_add(changes, &event);
    return GARDEN_OK;
}

int transport_play(struct transport *transport, int64_t now_ns, struct changes *changes)
{
    return transport_set_playing(transport, now_ns, true, changes);
}

int transport_pause(struct transport *transport, int64_t now_ns, struct changes *changes)
{
    return transport_set_playing(transport, now_ns, false, changes);
}

static void transport_move(struct transport *transport, int64_t now_ns, double beat)
{
    transport_settle(transport, now_ns);
    transport->beat = transport->swept = beat;
    transport->second = beat * 60.0 / transport->tempo;
}

int transport_stop(struct transport *transport, int64_t now_ns, struct changes *changes)
{
    const int result = transport_set_playing(transport, now_ns, false, changes);
    if (result == GARDEN_OK) transport_move(transport, now_ns, 0);
    return result;
}

int transport_seek(struct transport *transport, int64_t now_ns, double beat,
                   struct garden_error *error)
{
    if (!transport_beat_ok(beat))
        return garden__fail(error, GARDEN_ERR_RANGE, "a beat must be from 0 to %.0f",
                            TRANSPORT_BEAT_MAX);
    transport_move(transport, now_ns, beat);
    return GARDEN_OK;
}

int transport_restore(struct transport *transport, int64_t now_ns, double beat, double second,
                      struct garden_error *error)
{
    const int result = transport_seek(transport, now_ns, beat, error);
    if (result == GARDEN_OK && isfinite(second) && second >= 0) transport->second = second;
    return result;
}

int transport_set_tempo(struct transport *transport, int64_t now_ns, double tempo,
                        struct garden_error *error)
{
    // Written so that a NaN fails it, too.
    if (!(tempo > 0 && tempo <= TRANSPORT_TEMPO_MAX))
        return garden__fail(error, GARDEN_ERR_RANGE,
                            "a tempo must be above 0 and at most %.0f beats a minute",
                            TRANSPORT_TEMPO_MAX);
    transport_settle(transport, now_ns);
    transport->tempo = tempo;
    return GARDEN_OK;
}

bool transport_sweep(struct transport *transport, int64_t now_ns, double *from, double *to)
{
    if (!transport->playing) return false;
    *from = transport->swept;
    *to = transport_position(transport, now_ns).beat;
    transport->swept = *to;
    return true;
}
