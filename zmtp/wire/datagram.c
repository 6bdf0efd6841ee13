#include "../base/reader.h"
#include "../wire.h"

int zmtp_datagram_decode(struct zmtp_bytes in, struct zmtp_datagram *out)
{
    if (!out || !zmtp__octets_ok(in)) return ZMTP_ERR_ARGUMENT;
    struct zmtp__reader r = zmtp__reader_of(in);
    const struct zmtp_bytes group = zmtp__read_bytes(&r, (size_t)zmtp__read_be(&r, 1));
    const struct zmtp_bytes body = zmtp__read_rest(&r);
    if (r.bad) return ZMTP_ERR_FRAME;
    *out = (struct zmtp_datagram){.group = group, .body = body};
    return ZMTP_OK;
}
