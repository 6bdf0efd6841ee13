// A tape: what went over the lanes, with its time, in a file that can be read as far as it got however its
// writer ended. This is the format and nothing else: no I/O, no clock.
//
//   tape    = "GRDNTAP1" *record
//   record  = size (u32, of the body)  kind (u8)  lane (u8)  direction (u8)  zero (u8)  peer (u32)
//             time (u64, nanoseconds since the tape began)  body  check (8 octets: the first of the
//             BLAKE2b-256 of the record before it)
// Numbers are little-endian. The first record is a head, whose body is a JSON object with "version" and
// "started_at"; a message's body is the message as it was on the wire, without its way back or topic; an
// end has no body, and tells that nothing was cut off.
#ifndef GARDEN_TAPE_H
#define GARDEN_TAPE_H

#include "lanes.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

enum garden_tape_kind { GARDEN_TAPE_HEAD = 1, GARDEN_TAPE_MESSAGE, GARDEN_TAPE_END };

enum {
    GARDEN_TAPE_MAGIC_SIZE = 8,
    GARDEN_TAPE_FRAME_SIZE = 28, // what a record has beside its body
    GARDEN_TAPE_BODY_MAX = GARDEN_OCTETS_MAX,
};

struct garden_tape_record {
    enum garden_tape_kind kind;
    enum garden_lane lane;
    bool from_daemon;
    uint32_t
        peer; // which client of the lane, from 1 in the order in which they came; 0: all of them
    uint64_t time_ns;
    struct zmtp_bytes body; // borrowed
};

// What stands before the first record.
extern const char garden_tape_magic[GARDEN_TAPE_MAGIC_SIZE + 1];
// Appends a record. GARDEN_ERR_LIMIT beyond GARDEN_TAPE_BODY_MAX; on failure |out| is what it was.
int garden_tape_encode(const struct garden_tape_record *record, struct garden_buffer *out);
// Reads a record from the start of |in|. Returns its size, or 0 when |in| holds too little of it, as at a
// tape's end that was cut off. GARDEN_ERR_FORMAT or GARDEN_ERR_LIMIT: it is none; GARDEN_ERR_CORRUPT: its
// octets are not those that were written. |out| is written only on success.
int64_t garden_tape_decode(struct zmtp_bytes in, struct garden_tape_record *out);

#ifdef __cplusplus
}
#endif
#endif
