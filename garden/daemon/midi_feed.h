// What all sources of MIDI share: octets of wherever they come from become whole messages, and those that
// are part of none are counted.
#ifndef GARDEN_DAEMON_MIDI_FEED_H
#define GARDEN_DAEMON_MIDI_FEED_H

#include "../core/midi.h"

enum { MIDI_FEED_BUFFER = 4096 };

struct midi_feed {
    struct garden__midi midi;
    struct zmtp_bytes in;   // of |buffer|, not yet looked at
    struct zmtp_bytes held; // a message that was too long for the last read
    uint64_t told;          // of the octets that the parser dropped
    uint64_t lost;          // before what the last read gave
    bool over;              // no more octets come
    uint8_t buffer[MIDI_FEED_BUFFER];
};

enum { MIDI_FEED_END = -1, MIDI_FEED_NOTHING = 0 };

void midi_feed_init(struct midi_feed *feed);
// As driver.h's read_midi. |fetch| puts octets into |out| and returns how many, or one of the above. |lost|
// is set: to be asked after each read.
size_t midi_feed_read(struct midi_feed *feed, uint8_t *out, size_t wanted,
                      int (*fetch)(void *context, uint8_t *out, size_t size), void *context);
// Octets were lost before they came here, and with them the rest of the message under way.
void midi_feed_lose(struct midi_feed *feed, uint64_t count);
bool midi_feed_ended(const struct midi_feed *feed);

#endif
