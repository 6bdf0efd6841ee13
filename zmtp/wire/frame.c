#include "frame.h"
#include "../base/reader.h"

int zmtp_frame_decode(struct zmtp_bytes in, struct zmtp_frame *out)
{
    if (!out || !zmtp__octets_ok(in)) return ZMTP_ERR_ARGUMENT;
    return zmtp__frame_decode(in, out);
}

size_t zmtp_frame_encode(const struct zmtp_frame *frame, uint8_t out[ZMTP_HEADER_MAX])
{
    if (!frame || !out) return 0;
    return zmtp__frame_encode(frame, out);
}
