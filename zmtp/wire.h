// The octets of ZMTP 3.0 and 3.1 (RFC 23, RFC 37): greeting, frame header, commands, metadata. Pure
// functions over bytes: no state, no allocation, no I/O. Decoders borrow their input and never keep
// it. A decoder is a pure function of a prefix: given more octets, it says the same or more.
//
// Decoders of a stream (greeting, frame) return the octets used (above zero), 0 when |in| holds too
// little to tell, or a negative zmtp_err. Decoders of a whole body (command, property, PING, ERROR)
// cannot want more: they return ZMTP_OK or a negative zmtp_err. |out| is written only on success.
//
// A null pointer, or a view of nothing that has a size, is ZMTP_ERR_ARGUMENT (or 0, false, nothing done).
#ifndef ZMTP_WIRE_H
#define ZMTP_WIRE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

// The greeting, 64 octets (RFC 37, Formal Grammar): signature 10, version 2, mechanism 20, as-server
// 1, filler 31. libzmq sends it in three stages and waits between them, so a peer sends its own
// without waiting, and judges what comes in as early as it can.
enum {
    ZMTP_GREETING_SIZE = 64,
    ZMTP_SIGNATURE_SIZE = 10,
    ZMTP_MECHANISM_SIZE = 20,
};
struct zmtp_greeting {
    uint8_t major, minor;
    char mechanism[ZMTP_MECHANISM_SIZE + 1]; // terminated
    bool as_server;
};
// A mechanism's name beyond 20 octets is cut: it has no room on the wire.
void zmtp_greeting_encode(const struct zmtp_greeting *greeting, uint8_t out[ZMTP_GREETING_SIZE]);
// Fails on the first octet that tells: ZMTP_ERR_GREETING when it is no ZMTP signature (HTTP, TLS,
// ...), ZMTP_ERR_VERSION for ZMTP 1.0 and 2.0, ZMTP_ERR_MECHANISM for a name that is empty or outside
// A-Z0-9-_.+. Any version from 3.0 on passes. Padding, filler and as-server are not judged.
int zmtp_greeting_decode(struct zmtp_bytes in, struct zmtp_greeting *out);

// Security mechanisms (RFC 37, RFC 24, RFC 26).
enum zmtp_mechanism { ZMTP_NULL, ZMTP_PLAIN, ZMTP_CURVE };
const char *zmtp_mechanism_name(enum zmtp_mechanism mechanism); // as on the wire

// A frame is ZMTP's unit on the wire: a flags octet, a size, a body.
enum { ZMTP_FLAG_MORE = 0x01, ZMTP_FLAG_LONG = 0x02, ZMTP_FLAG_COMMAND = 0x04 };
enum { ZMTP_HEADER_MAX = 9 };
struct zmtp_frame {
    uint64_t size; // body octets; at most INT64_MAX
    bool more;     // another frame of this message follows
    bool command;  // a command, never combined with more
};
// Reads a header; the body is not examined.
int zmtp_frame_decode(struct zmtp_bytes in, struct zmtp_frame *out);
// Writes the shortest header and returns its size, 2 or 9.
size_t zmtp_frame_encode(const struct zmtp_frame *frame, uint8_t out[ZMTP_HEADER_MAX]);

// A command frame's body: name-size, name, data (RFC 37, Commands). Views into |in|.
struct zmtp_command {
    struct zmtp_bytes name, data;
};
// |body| is the whole body. ZMTP_OK, or ZMTP_ERR_COMMAND unless the name has 1 to 255 printable
// octets and lies within the body.
int zmtp_command_decode(struct zmtp_bytes body, struct zmtp_command *out);
// Names of commands compare octet by octet.
bool zmtp_command_is(const struct zmtp_command *command, const char *name);

// Metadata: property after property (RFC 37, NULL Mechanism). Start with |rest| as the whole; each
// call yields one and advances. Returns 1 with a property, 0 at the end, negative when malformed.
struct zmtp_property {
    struct zmtp_bytes name, value;
};
int zmtp_property_next(struct zmtp_bytes *rest, struct zmtp_property *out);
// Names of properties compare without regard to case (RFC 37, Connection Metadata).
bool zmtp_property_is(const struct zmtp_property *property, const char *name);
// Writes one property into |out| of |size| octets. Returns the octets written, ZMTP_ERR_LIMIT when
// they would not fit, ZMTP_ERR_ARGUMENT when the name has not 1 to 255 octets or the value too many.
int zmtp_property_encode(const struct zmtp_property *property, uint8_t *out, size_t size);
// Checks the whole: well formed, at most |properties_max|, no name twice (names compare without
// regard to case), each name 1 to 255 octets of a-zA-Z0-9-_.+. ZMTP_OK or ZMTP_ERR_METADATA.
int zmtp_metadata_check(struct zmtp_bytes metadata, size_t properties_max);
// Checks properties of the application: all that, and each name begins with X-. ZMTP_ERR_LIMIT: beyond
// ZMTP_APPLICATION_METADATA_MAX octets.
int zmtp_metadata_check_application(struct zmtp_bytes metadata);
// ZMTP_OK and |value|, or ZMTP_ERR_NOT_FOUND. |name| compares without regard to case.
int zmtp_metadata_find(struct zmtp_bytes metadata, const char *name, struct zmtp_bytes *value);

// PING and PONG data (RFC 37, Connection Heartbeating).
enum { ZMTP_PING_CONTEXT_MAX = 16 };
struct zmtp_ping {
    uint32_t ttl_ms;           // on the wire in tenths of a second, 0: none
    struct zmtp_bytes context; // at most 16 octets
};
// ZMTP_ERR_COMMAND unless there is a whole TTL and a context of at most 16 octets.
int zmtp_ping_decode(struct zmtp_bytes data, struct zmtp_ping *out);
// PONG's data is the context alone; the same limit holds.
int zmtp_pong_decode(struct zmtp_bytes data, struct zmtp_bytes *context);

// ERROR's reason: ZMTP_ERR_COMMAND unless length-prefixed, whole and without trailing octets. Its
// octets are the peer's: escape them before they are shown.
enum { ZMTP_REASON_MAX = 255 };
int zmtp_error_decode(struct zmtp_bytes data, struct zmtp_bytes *reason);

// Encoders write whole frames, header included, into |out| of |size| octets, and return the octets
// written, ZMTP_ERR_LIMIT when they would not fit, or ZMTP_ERR_ARGUMENT for a name, context or
// reason that the protocol has no room for. A TTL is rounded up to a tenth of a second and stops at
// 6553.5 s, the most that the wire can say; note that libzmq misreads a TTL above 65.5 s.
int zmtp_command_encode(const struct zmtp_command *command, uint8_t *out, size_t size);
int zmtp_ping_encode(const struct zmtp_ping *ping, uint8_t *out, size_t size);
int zmtp_pong_encode(struct zmtp_bytes context, uint8_t *out, size_t size);
int zmtp_error_encode(struct zmtp_bytes reason, uint8_t *out, size_t size);

// What a RADIO sends over udp, as libzmq does (it is in no RFC): the group's size as one octet, the
// group, and the body, which is what is left.
struct zmtp_datagram {
    struct zmtp_bytes group, body;
};
// Reads a whole datagram; |out| has views of |in|. ZMTP_ERR_FRAME: it is shorter than the group.
int zmtp_datagram_decode(struct zmtp_bytes in, struct zmtp_datagram *out);

// Z85 (RFC 32): octets as printable text, five characters for four octets. Encode ends the text with a
// zero octet. Both return what they wrote, without that zero; ZMTP_ERR_ARGUMENT when the input's size
// is no multiple or it holds a character or a number that Z85 has not, after which |out| is
// undefined; ZMTP_ERR_LIMIT when |size| is too small. How long they take, and where they look, tells nothing of the octets.
int zmtp_z85_encode(struct zmtp_bytes octets, char *out, size_t size);
int zmtp_z85_decode(struct zmtp_bytes text, uint8_t *out, size_t size);

// Socket types by their names on the wire (RFC 37, Socket-Type Property).
enum zmtp_socket_type {
    ZMTP_PAIR,
    ZMTP_PUB,
    ZMTP_SUB,
    ZMTP_REQ,
    ZMTP_REP,
    ZMTP_DEALER,
    ZMTP_ROUTER,
    ZMTP_PULL,
    ZMTP_PUSH,
    ZMTP_XPUB,
    ZMTP_XSUB,
    ZMTP_STREAM, // never on the wire
    ZMTP_SERVER,
    ZMTP_CLIENT,
    ZMTP_RADIO,
    ZMTP_DISH,
    ZMTP_GATHER,
    ZMTP_SCATTER,
    ZMTP_DGRAM, // never on the wire
    ZMTP_PEER,
    ZMTP_CHANNEL,
    ZMTP_SOCKET_TYPES // how many there are
};
// Never null: a value that is no socket type is called "?".
const char *zmtp_socket_type_name(enum zmtp_socket_type type);
// ZMTP_OK or ZMTP_ERR_NOT_FOUND; upper case only, and never STREAM or DGRAM.
int zmtp_socket_type_parse(struct zmtp_bytes name, enum zmtp_socket_type *out);
// May these two speak to each other (RFC 37, Socket-Type Property)?
bool zmtp_socket_types_match(enum zmtp_socket_type ours, enum zmtp_socket_type theirs);

#ifdef __cplusplus
}
#endif
#endif
