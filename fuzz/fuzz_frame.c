// A stream of frames: each header gets one verdict over all its prefixes and encodes back.
#include "check.h"
#include "fuzz.h"
#include "zmtp/wire.h"

static int decode(struct zmtp_bytes in)
{
    struct zmtp_frame frame;
    return zmtp_frame_decode(in, &frame);
}

static void check_encoded(struct zmtp_bytes header, const struct zmtp_frame *frame)
{
    uint8_t ours[ZMTP_HEADER_MAX];
    const size_t size = zmtp_frame_encode(frame, ours);
    struct zmtp_frame again;
    fuzz_check(zmtp_frame_decode(zmtp_bytes_of(ours, size), &again) == (int)size);
    fuzz_check(again.size == frame->size);
    fuzz_check(again.more == frame->more && again.command == frame->command);

    // Only the long form of a small size has a shorter form to come back in.
    const bool longer_than_needed = header.size == ZMTP_HEADER_MAX && frame->size <= UINT8_MAX;
    fuzz_check(size == (longer_than_needed ? 2 : header.size));
    if (!longer_than_needed) fuzz_check_equal(zmtp_bytes_of(ours, size), header);
}

// Reads one frame off |rest|. False at the end of what can be read.
static bool step(struct zmtp_bytes *rest)
{
    const size_t looked_at = rest->size < ZMTP_HEADER_MAX + 1 ? rest->size : ZMTP_HEADER_MAX + 1;
    const int verdict = fuzz_prefixes(zmtp_bytes_of(rest->data, looked_at), decode);

    struct zmtp_frame frame;
    fuzz_check(zmtp_frame_decode(*rest, &frame) == verdict);
    fuzz_check(verdict >= 0 || verdict == ZMTP_ERR_FRAME);
    fuzz_check(verdict != 0 || rest->size < ZMTP_HEADER_MAX);
    if (verdict <= 0) return false;

    const struct zmtp_bytes header = zmtp_bytes_of(rest->data, (size_t)verdict);
    fuzz_check(frame.size <= INT64_MAX);
    fuzz_check(!(frame.more && frame.command));
    check_encoded(header, &frame);

    *rest = zmtp_bytes_of(rest->data + header.size, rest->size - header.size);
    if (frame.size > rest->size) return false; // its body is still to come
    *rest = zmtp_bytes_of(rest->data + frame.size, rest->size - (size_t)frame.size);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zmtp_bytes rest = zmtp_bytes_of(data, size);
    while (step(&rest)) {}
    return 0;
}
