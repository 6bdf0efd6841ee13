#include "midi.h"

#include <string.h>

enum {
    MIDI_STATUS = 0x80,
    MIDI_EXCLUSIVE = 0xF0,
    MIDI_TIME_CODE = 0xF1,
    MIDI_POSITION = 0xF2,
    MIDI_SONG = 0xF3,
    MIDI_EXCLUSIVE_END = 0xF7,
    MIDI_REAL_TIME = 0xF8,
    MIDI_PROGRAM = 0xC0,      // of one data octet, as the next
    MIDI_PRESSURE_END = 0xE0, // exclusive
};

void garden__midi_init(struct garden__midi *midi)
{
    midi->running = midi->real_time = 0;
    midi->skipping = false;
    midi->need = midi->filled = 0;
    midi->dropped = 0;
}

// Octets of a message that begins with |status|; 0: it ends with an octet of its own.
static size_t midi_size(uint8_t status)
{
    if (status == MIDI_EXCLUSIVE) return 0;
    if (status == MIDI_TIME_CODE || status == MIDI_SONG) return 2;
    if (status == MIDI_POSITION) return 3;
    if (status > MIDI_EXCLUSIVE) return 1;
    return status >= MIDI_PROGRAM && status < MIDI_PRESSURE_END ? 2 : 3;
}

static struct zmtp_bytes midi_take(struct garden__midi *midi)
{
    const struct zmtp_bytes message = zmtp_bytes_of(midi->message, midi->filled);
    midi->filled = 0;
    return message;
}

static void midi_begin(struct garden__midi *midi, uint8_t status)
{
    midi->message[0] = status;
    midi->filled = 1;
    midi->need = midi_size(status);
    midi->running = status < MIDI_EXCLUSIVE ? status : 0;
}

static void midi_drop(struct garden__midi *midi)
{
    midi->dropped += midi->filled;
    midi->filled = 0;
}

static void midi_data(struct garden__midi *midi, uint8_t octet)
{
    if (midi->filled == 0 && midi->running != 0 && !midi->skipping) midi_begin(midi, midi->running);
    if (midi->filled == sizeof midi->message) {
        midi_drop(midi);
        midi->skipping = true;
    }
    if (midi->filled == 0)
        midi->dropped++;
    else
        midi->message[midi->filled++] = octet;
}

// A status octet that is not real-time, while no exclusive message waits to be ended by it.
static void midi_status(struct garden__midi *midi, uint8_t octet)
{
    midi_drop(midi); // one that was cut off
    midi->skipping = false;
    if (octet == MIDI_EXCLUSIVE_END) { // of nothing, or of what was skipped
        midi->dropped++;
        midi->running = 0;
    } else {
        midi_begin(midi, octet);
    }
}

static bool midi_whole(const struct garden__midi *midi)
{
    return midi->filled > 0 && midi->filled == midi->need;
}

struct zmtp_bytes garden__midi_next(struct garden__midi *midi, struct zmtp_bytes *in)
{
    while (in->size > 0) {
        const uint8_t octet = in->data[0];
        const bool exclusive = midi->filled > 0 && midi->need == 0;
        // Any status but a real-time one ends it, and gets the end that it lacks. This one is then taken
        // by the next call.
        if (exclusive && octet >= MIDI_STATUS && octet < MIDI_EXCLUSIVE_END &&
            midi->filled < sizeof midi->message) {
            midi->message[midi->filled++] = MIDI_EXCLUSIVE_END;
            return midi_take(midi);
        }
        in->data++;
        in->size--;
        if (octet >= MIDI_REAL_TIME) {
            midi->real_time = octet;
            return zmtp_bytes_of(&midi->real_time, 1);
        }
        if (exclusive && octet == MIDI_EXCLUSIVE_END && midi->filled < sizeof midi->message) {
            midi->message[midi->filled++] = octet;
            return midi_take(midi);
        }
        if (octet < MIDI_STATUS)
            midi_data(midi, octet);
        else
            midi_status(midi, octet);
        if (midi_whole(midi)) return midi_take(midi);
    }
    return zmtp_bytes_of(NULL, 0);
}

void garden__midi_end(struct garden__midi *midi)
{
    midi_drop(midi);
    midi->running = 0;
    midi->skipping = false;
}

// ---- Places between messages

static bool midi_begins(uint8_t octet)
{
    return octet >= MIDI_STATUS && octet != MIDI_EXCLUSIVE_END;
}

size_t garden__midi_cut(const uint8_t *data, size_t size, size_t most)
{
    if (most >= size) return size;
    while (most > 0 && !midi_begins(data[most]))
        most--;
    return most;
}

size_t garden__midi_rest(const uint8_t *data, size_t size)
{
    size_t rest = 0;
    while (rest < size && !midi_begins(data[rest]))
        rest++;
    return rest;
}
