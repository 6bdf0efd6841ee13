// The framing of WebSocket (RFC 6455, section 5), by libwslay: payloads out of octets, octets out of
// payloads. What the frames mean is not judged here. Built without ZMTP_WITH_WSLAY there is no framing,
// and zmtp__frames_built says so.
//
// wslay keeps 4 KiB for a connection, taken from the C library's heap, not from an allocator of ours.
// It has them only while a frame is half read or half written, so an idle connection holds nothing; and
// a stranger's frames are not given to it before they are whole.
#ifndef ZMTP_WS_FRAMES_H
#define ZMTP_WS_FRAMES_H

#include "../base.h"

enum zmtp__opcode {
    ZMTP__OPCODE_CONTINUATION = 0x0,
    ZMTP__OPCODE_TEXT = 0x1,
    ZMTP__OPCODE_BINARY = 0x2,
    ZMTP__OPCODE_CLOSE = 0x8,
    ZMTP__OPCODE_PING = 0x9,
    ZMTP__OPCODE_PONG = 0xA,
};

enum {
    ZMTP__FRAMES_HEADER_MAX = 14, // of a frame
    ZMTP__FRAMES_CONTROL_MAX = 125,
    ZMTP__FRAMES_MASKS = 16, // that are made at once
};

// A part of a frame's payload, unmasked.
struct zmtp__chunk {
    unsigned opcode, reserved;
    bool final, masked;
    uint64_t size, offset;  // of the whole payload; of this part in it
    struct zmtp_bytes data; // valid until the next read; empty only when the payload is
};

struct zmtp__frames {
    void *context;        // of wslay; null: both directions are between two frames
    struct zmtp_bytes in; // what may be read
    uint64_t inside;      // octets that wslay took of frames that are not done
    uint64_t offset;      // within the payload that comes
    uint64_t sent;        // within the payload that leaves
    bool sending;         // it has not left whole
    uint8_t *out;         // where zmtp__frames_write writes
    // Octets nobody can foresee, for the masks of a client (RFC 6455, section 5.3).
    bool (*random)(uint8_t *out, size_t size);
    uint8_t masks[ZMTP__FRAMES_MASKS * 4];
    size_t masks_left;
};

bool zmtp__frames_built(void);
// |random| null: a server, which does not mask.
void zmtp__frames_init(struct zmtp__frames *frames, bool (*random)(uint8_t *out, size_t size));
void zmtp__frames_fini(struct zmtp__frames *frames);
// How many octets the payload of the frame at the beginning of |in| has, and all of the frame. 0: not
// enough is there to tell. Nothing else of it is judged.
size_t zmtp__frames_extent(struct zmtp_bytes in, uint64_t *payload, uint64_t *whole);
// Reads on in |frames->in|. 1: a chunk; 0: more octets are needed; ZMTP_ERR_FRAME: a size that is not
// in its shortest form, a control frame that is fragmented or large; ZMTP_ERR_MEMORY.
int zmtp__frames_read(struct zmtp__frames *frames, struct zmtp__chunk *out);
// Gives wslay's memory back if nothing in it is needed any more; for when a batch is written.
void zmtp__frames_rest(struct zmtp__frames *frames);
// Writes |data|, the next part of the payload of a frame of |size| octets, to |out|, which has room for
// it and ZMTP__FRAMES_HEADER_MAX more. Returns how many octets were written, or ZMTP_ERR_MEMORY,
// ZMTP_ERR_SYSTEM (no randomness). |data| is empty only when |size| is zero.
int zmtp__frames_write(struct zmtp__frames *frames, enum zmtp__opcode opcode, uint64_t size,
                       struct zmtp_bytes data, uint8_t *out);

#endif
