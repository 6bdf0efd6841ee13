// Numbered MIDI messages, by which a test sees exactly what came through.
#include <string.h>

#include "../core/error.h"
#include "driver.h"

enum {
    MIDI_COUNTER_CYCLE = 1024, // after so many messages the sizes repeat
    MIDI_COUNTER_LONGEST = 128,
};

struct midi_counter {
    uint64_t next, count; // messages
};

// Mostly notes; among them messages of one and two octets, and each sixteenth is a system exclusive one of
// growing length. |out| has room for MIDI_COUNTER_LONGEST.
static size_t midi_counter_message(uint64_t number, uint8_t *out)
{
    const uint8_t low = number & 127, middle = number >> 7 & 127, high = number >> 14 & 127;
    switch (number % 16) {
    case 3:
        out[0] = (uint8_t)(0xC0 | (middle & 15));
        out[1] = low;
        return 2;
    case 7:
        out[0] = 0xF8;
        return 1;
    case 15: {
        const size_t padding = number / 16 % 64;
        const uint8_t head[] = {0xF0, 0x7D, low, middle, high};
        memcpy(out, head, sizeof head);
        memset(out + sizeof head, low, padding);
        out[sizeof head + padding] = 0xF7;
        return sizeof head + padding + 1;
    }
    default:
        out[0] = (uint8_t)(0x90 | (high & 15));
        out[1] = low;
        out[2] = middle;
        return 3;
    }
}

static uint64_t midi_counter_octets(uint64_t count)
{
    uint8_t message[MIDI_COUNTER_LONGEST];
    uint64_t cycle = 0, rest = 0;
    for (uint64_t i = 0; i < MIDI_COUNTER_CYCLE; i++) {
        const size_t size = midi_counter_message(i, message);
        cycle += size;
        if (i < count % MIDI_COUNTER_CYCLE) rest += size;
    }
    return count / MIDI_COUNTER_CYCLE * cycle + rest;
}

static int midi_counter_open(void **out, const struct source_spec *spec, struct source_info *info,
                             struct garden_error *error)
{
    struct midi_counter *counter = zmtp_alloc(NULL, sizeof *counter);
    if (!counter) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source");
    *counter = (struct midi_counter){.count = spec->frames};
    *info = (struct source_info){.kind = GARDEN_STREAM_MIDI,
                                 .rate = spec->rate,
                                 .channels = 1,
                                 .frames = spec->frames == SOURCE_ENDLESS
                                               ? SOURCE_ENDLESS
                                               : midi_counter_octets(spec->frames)};
    *out = counter;
    return GARDEN_OK;
}

static void midi_counter_close(void *device)
{
    zmtp_free(NULL, device, sizeof(struct midi_counter));
}

static bool midi_counter_rewind(void *device)
{
    struct midi_counter *counter = device;
    counter->next = 0;
    return true;
}

static bool midi_counter_ended(const void *device)
{
    const struct midi_counter *counter = device;
    return counter->next == counter->count;
}

static size_t midi_counter_read(void *device, uint8_t *out, size_t wanted)
{
    struct midi_counter *counter = device;
    size_t filled = 0;
    while (counter->next < counter->count) {
        uint8_t message[MIDI_COUNTER_LONGEST];
        const size_t size = midi_counter_message(counter->next, message);
        if (filled > 0 && filled + size > wanted) break;
        memcpy(out + filled, message, size);
        filled += size;
        counter->next++;
    }
    return filled;
}

const struct driver driver_midi_counter = {.open = midi_counter_open,
                                           .close = midi_counter_close,
                                           .rewind = midi_counter_rewind,
                                           .read_midi = midi_counter_read,
                                           .ended = midi_counter_ended};
