#include "frame.h"

int zmtp_frame_decode(struct zmtp_bytes in, struct zmtp_frame *out)
{
    return zmtp__frame_decode(in, out);
}

size_t zmtp_frame_encode(const struct zmtp_frame *frame, uint8_t out[ZMTP_HEADER_MAX])
{
    return zmtp__frame_encode(frame, out);
}
