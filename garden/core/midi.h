// Whole messages out of a stream of MIDI 1.0 octets, and the places between them.
//
// What comes out is plain: each message begins with its own status octet (running status is written
// out), no real-time message lies inside another (it goes before), and a system exclusive one has its end. So any chunk can be read without
// the one before it, a lost message changes no other, and a place between two messages can be found by
// looking at single octets.
#ifndef GARDEN_CORE_MIDI_H
#define GARDEN_CORE_MIDI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmtp/base.h>

// A system exclusive message above this is dropped and counted: senders of more split it themselves.
enum { GARDEN__MIDI_MESSAGE_MAX = 65536 };

struct garden__midi {
    uint8_t running;   // status that data octets go on with; 0: none
    uint8_t real_time; // the last such message
    bool skipping;     // inside a system exclusive message that is too large
    size_t need;       // octets of the message under way; 0: until its end
    size_t filled;     // of it in |message|; 0: none is under way
    uint64_t dropped;  // octets so far that were part of no whole message
    uint8_t message[GARDEN__MIDI_MESSAGE_MAX];
};

void garden__midi_init(struct garden__midi *midi);
// Takes octets off the front of |in| up to the end of a message, which is returned and lives until the
// next call; empty: more is needed. What was dropped meanwhile came before that message.
struct zmtp_bytes garden__midi_next(struct garden__midi *midi, struct zmtp_bytes *in);
// No more octets come: drops what is under way.
void garden__midi_end(struct garden__midi *midi);

// For octets as above, of which |data| begins and ends between two messages. The largest number of whole
// messages' octets that is at most |most|; 0: not even the first fits.
size_t garden__midi_cut(const uint8_t *data, size_t size, size_t most);
// How many of the first octets belong to a message that began before them.
size_t garden__midi_rest(const uint8_t *data, size_t size);

#endif
