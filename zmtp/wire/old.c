#include "old.h"

#include <assert.h>

#include "../base/reader.h"
#include "../base/writer.h"
#include "frame.h"

enum { OLD_REVISION = 1, OLD_REVISION_LAST = 2 }; // RFC 37 has both for 2.0; RFC 15 only the first

enum zmtp__version zmtp__version_detect(struct zmtp_bytes in)
{
    struct zmtp__reader r = zmtp__reader_of(in);
    const uint64_t first = zmtp__read_be(&r, 1);
    if (r.bad) return ZMTP__VERSION_UNKNOWN;
    if (first != 0xFF) return ZMTP__VERSION_1_0; // a short length
    (void)zmtp__read_bytes(&r, 8);               // padding, or a length
    const uint64_t last = zmtp__read_be(&r, 1);
    if (r.bad) return ZMTP__VERSION_UNKNOWN;
    if ((last & 1) == 0) return ZMTP__VERSION_1_0; // flags behind a long length
    if (last != 0x7F) return ZMTP__VERSION_OTHER;
    const uint64_t revision = zmtp__read_be(&r, 1);
    if (r.bad) return ZMTP__VERSION_SIGNED;
    const bool old = revision >= OLD_REVISION && revision <= OLD_REVISION_LAST;
    return old ? ZMTP__VERSION_2_0 : ZMTP__VERSION_OTHER;
}

void zmtp__old_signature_encode(size_t identity_size, uint8_t out[ZMTP_SIGNATURE_SIZE])
{
    struct zmtp__writer w = zmtp__writer_of(out, ZMTP_SIGNATURE_SIZE);
    zmtp__write_be(&w, 0xFF, 1);
    zmtp__write_be(&w, identity_size + 1, 8);
    zmtp__write_be(&w, 0x7F, 1);
    assert(!w.bad);
}

int zmtp__greeting1_decode(struct zmtp_bytes in, struct zmtp__old_greeting *out)
{
    // RFC 13, The Connection Layer: the flags of this frame mean nothing.
    struct zmtp_frame frame;
    const int header = zmtp__frame1_decode(in, &frame);
    if (header <= 0) return header;
    if (zmtp__frame1_is_void(header)) return ZMTP_ERR_GREETING;
    if (frame.size > UINT8_MAX) return ZMTP_ERR_ROUTING_ID;
    if (frame.size > in.size - (size_t)header) return 0;
    *out = (struct zmtp__old_greeting){.identity =
                                           zmtp_bytes_of(in.data + header, (size_t)frame.size)};
    return header + (int)frame.size;
}

int zmtp__greeting2_decode(struct zmtp_bytes in, struct zmtp__old_greeting *out)
{
    struct zmtp__reader r = zmtp__reader_of(in);
    (void)zmtp__read_bytes(&r, ZMTP_SIGNATURE_SIZE + 1); // and the version: both judged before
    const uint64_t type = zmtp__read_be(&r, 1);
    if (r.bad) return 0;
    // XPUB and XSUB should look like PUB and SUB, but libzmq sends their own numbers.
    if (type > ZMTP_XSUB) return ZMTP_ERR_SOCKET_TYPE;
    const uint64_t flags = zmtp__read_be(&r, 1);
    if (r.bad) return 0;
    if (flags != 0) return ZMTP_ERR_GREETING; // RFC 15, Formal Grammar: a short and final frame
    const size_t size = (size_t)zmtp__read_be(&r, 1);
    const struct zmtp_bytes identity = zmtp__read_bytes(&r, size);
    if (r.bad) return 0;
    *out = (struct zmtp__old_greeting){
        .type_known = true, .type = (enum zmtp_socket_type)type, .identity = identity};
    return ZMTP_SIGNATURE_SIZE + 1 + ZMTP__GREETING2_REST + (int)size;
}

void zmtp__greeting2_encode(enum zmtp_socket_type type, uint8_t identity_size,
                            uint8_t out[ZMTP__GREETING2_REST])
{
    assert(zmtp__old_has_type(type));
    if (type == ZMTP_XPUB) type = ZMTP_PUB;
    if (type == ZMTP_XSUB) type = ZMTP_SUB;
    out[0] = (uint8_t)type;
    out[1] = 0;
    out[2] = identity_size;
}

int zmtp__frame1_decode(struct zmtp_bytes in, struct zmtp_frame *out)
{
    struct zmtp__reader r = zmtp__reader_of(in);
    const uint64_t first = zmtp__read_be(&r, 1);
    const bool is_long = first == 0xFF;
    const uint64_t length = is_long ? zmtp__read_be(&r, 8) : first;
    if (r.bad) return 0;
    if (length > INT64_MAX) return ZMTP_ERR_FRAME;
    if (length == 0) {
        *out = (struct zmtp_frame){0};
        return is_long ? 9 : 1;
    }
    const uint64_t flags = zmtp__read_be(&r, 1);
    if (r.bad) return 0;
    // RFC 13, The Framing Layer: the other bits should be zero, which says nothing of a frame that has
    // them.
    *out = (struct zmtp_frame){.size = length - 1, .more = flags & ZMTP_FLAG_MORE};
    return is_long ? ZMTP__HEADER1_MAX : 2;
}

size_t zmtp__frame1_encode(const struct zmtp_frame *frame, uint8_t out[ZMTP__HEADER1_MAX])
{
    assert(!frame->command);
    struct zmtp__writer w = zmtp__writer_of(out, ZMTP__HEADER1_MAX);
    const bool is_long = frame->size >= UINT8_MAX - 1;
    if (is_long) zmtp__write_be(&w, 0xFF, 1);
    zmtp__write_be(&w, frame->size + 1, is_long ? 8 : 1);
    zmtp__write_be(&w, frame->more ? ZMTP_FLAG_MORE : 0, 1);
    assert(!w.bad);
    return w.filled;
}
