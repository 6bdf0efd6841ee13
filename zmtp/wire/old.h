// The octets of ZMTP 1.0 (RFC 13) and 2.0 (RFC 15), as far as they differ from those of 3.x: how one
// finds out which version a peer speaks, the two greetings, and the frame header of 1.0. That of 2.0 is
// the one of 3.x, without commands. Pure functions over bytes, with the results of wire.h.
#ifndef ZMTP_WIRE_OLD_H
#define ZMTP_WIRE_OLD_H

#include "../wire.h"

// What the first octets of a peer tell (RFC 37, Backwards Interoperability). With more octets it says
// the same or more.
enum zmtp__version {
    ZMTP__VERSION_UNKNOWN, // too little came
    ZMTP__VERSION_SIGNED,  // 2.0 or later, which its next octet tells
    ZMTP__VERSION_1_0,
    ZMTP__VERSION_2_0,
    ZMTP__VERSION_OTHER, // 3.x, or nothing that we know: zmtp_greeting_decode judges it
};
enum zmtp__version zmtp__version_detect(struct zmtp_bytes in);

// Our signature towards peers of any version. To one of 1.0 it is the header of the frame that holds our
// identity, whose octets then follow.
void zmtp__old_signature_encode(size_t identity_size, uint8_t out[ZMTP_SIGNATURE_SIZE]);

// A whole greeting of 1.0 or 2.0. |identity| is a view of at most 255 octets.
struct zmtp__old_greeting {
    bool type_known; // 1.0 tells none
    enum zmtp_socket_type type;
    struct zmtp_bytes identity;
};
// ZMTP_ERR_ROUTING_ID when the identity is longer, ZMTP_ERR_GREETING when an empty frame (of 1.0) or one
// with flags (of 2.0) stands for it, ZMTP_ERR_SOCKET_TYPE.
int zmtp__greeting1_decode(struct zmtp_bytes in, struct zmtp__old_greeting *out);
int zmtp__greeting2_decode(struct zmtp_bytes in, struct zmtp__old_greeting *out);
// What follows our signature and our version in a greeting of 2.0: our type and the header of the frame
// with our identity, whose octets then follow. XPUB and XSUB look like PUB and SUB.
enum { ZMTP__GREETING2_REST = 3 };
void zmtp__greeting2_encode(enum zmtp_socket_type type, uint8_t identity_size,
                            uint8_t out[ZMTP__GREETING2_REST]);
// Types beyond XSUB are younger than 2.0, and it has no number for them.
static inline bool zmtp__old_has_type(enum zmtp_socket_type type)
{
    return (unsigned)type <= ZMTP_XSUB;
}

// The frame header of 1.0: a length that counts the flags, too, then the flags. A length of zero is no
// frame and has no flags; it is to be skipped (RFC 13, The Framing Layer). Returns its octets: 2 or 10,
// but an odd number, 1 or 9, when it is such a void.
enum { ZMTP__HEADER1_MAX = 10 };
int zmtp__frame1_decode(struct zmtp_bytes in, struct zmtp_frame *out);
static inline bool zmtp__frame1_is_void(int header)
{
    return header & 1;
}
// Writes the shortest header and returns its octets, which are as many as |zmtp__frame1_header| says.
// The frame must not be a command.
size_t zmtp__frame1_encode(const struct zmtp_frame *frame, uint8_t out[ZMTP__HEADER1_MAX]);
static inline size_t zmtp__frame1_header(size_t body_size)
{
    return body_size < UINT8_MAX - 1 ? 2 : ZMTP__HEADER1_MAX;
}

#endif
