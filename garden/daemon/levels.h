// How loud a stream is, for who watches it: of each captured run of |step| frames the least and the greatest
// sample of all channels, and of each channel its peak since that was last told. It looks at the octets that
// the chunks get, on the I/O thread, and not at the source: what was not captured has no level.
#ifndef GARDEN_DAEMON_LEVELS_H
#define GARDEN_DAEMON_LEVELS_H

#include "../capture.h"

enum {
    // That one report holds: when more come before it is fetched, each two become one, so that all that was
    // captured is told, if coarsely. Even, for that.
    LEVELS_STEPS_MAX = 64,
    LEVELS_CHANNELS_MAX = 8,   // whose peaks are told
    LEVELS_STEPS_A_SECOND = 50 // enough for a waveform, and a few hundred octets a second
};

// In thousandths of full scale; a float may be beyond it.
struct levels_report {
    uint64_t first;  // of the frames that are captured: where the steps begin
    uint64_t frames; // that they are of: the next report begins behind them
    uint64_t step;   // frames, of which the last step may have fewer; 0: nothing is told
    size_t count;
    int16_t least[LEVELS_STEPS_MAX], greatest[LEVELS_STEPS_MAX];
    size_t channel_count;
    int16_t peaks[LEVELS_CHANNELS_MAX];
};

struct levels {
    struct garden_stream_format format;
    uint32_t frame_size, step, filled; // frames of a step, and those of the one that is not over
    float least, greatest;             // of these
    uint64_t merged, part; // steps that are one of the report's; those in the last, 0: all
    float peaks[LEVELS_CHANNELS_MAX];
    struct levels_report report;
};

// MIDI has none.
void levels_init(struct levels *levels, const struct garden_stream_format *format);
// Whole frames that a chunk got.
void levels_add(struct levels *levels, const uint8_t *octets, uint64_t size);
// What came since the last time.
void levels_take(struct levels *levels, struct levels_report *out);

#endif
