// What the two contestants without a library share (adapter_raw.c, adapter_uv.c): endpoints as addresses,
// and ZMTP's framing of one part, of which they speak nothing else. What each message passes is inline.
#ifndef BENCH_PLAIN_H
#define BENCH_PLAIN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { PLAIN_BUFFER = 64 * 1024, PLAIN_HEADER = 9 };

union plain_address {
    struct sockaddr any;
    struct sockaddr_in tcp;
    struct sockaddr_un ipc;
};

// Before |data| of an input: without it a large message came to lie at 16 of a page, and the kernel copied it ten times slower
// (*where octets come to lie* in NOTES.md).
enum { PLAIN_APART = 2048 };

// Octets that came: |filled| of them, |at| of which were handed out.
struct plain_input {
    unsigned char *data;
    size_t at, filled, capacity;
};

// The address of tcp://127.0.0.1:PORT or ipc://PATH, and its size; the port * is any.
socklen_t plain_parse(const char *endpoint, union plain_address *out);
// |address| as others would dial it, in |size| octets of |out|.
void plain_text(const union plain_address *address, char *out, size_t size);

// Writes a frame's header of at most PLAIN_HEADER octets and returns its size.
static inline size_t plain_header_encode(unsigned char *out, size_t size)
{
    if (size <= UINT8_MAX) {
        out[0] = 0;
        out[1] = (unsigned char)size;
        return 2;
    }
    out[0] = 2;
    for (unsigned i = 0; i < 8; i++)
        out[1 + i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
    return PLAIN_HEADER;
}

void plain_input_open(struct plain_input *input);
void plain_input_close(struct plain_input *input);

// The whole frame's size, header included; 0: not known yet.
static inline size_t plain_frame(const struct plain_input *input, size_t *header)
{
    const unsigned char *const at = input->data + input->at;
    const size_t here = input->filled - input->at;
    *header = here > 0 && at[0] & 2 ? PLAIN_HEADER : 2;
    if (here < *header) return 0;
    if (*header == 2) return 2 + (size_t)at[1];
    uint64_t size = 0;
    for (unsigned i = 0; i < 8; i++)
        size = size << 8 | at[1 + i];
    return PLAIN_HEADER + (size_t)size;
}

// Whether a whole frame lies there; it is consumed, and its body is good until plain_input_space.
static inline bool plain_input_take(struct plain_input *input, const unsigned char **body,
                                    size_t *size)
{
    size_t header;
    const size_t frame = plain_frame(input, &header);
    if (frame == 0 || frame > input->filled - input->at) return false;
    *body = input->data + input->at + header;
    *size = frame - header;
    input->at += frame;
    return true;
}

// Room behind what is there for the rest of the frame that is not whole: *size octets, at least one.
unsigned char *plain_input_space(struct plain_input *input, size_t *size);

#endif
