#include <assert.h>
#include <string.h>

#include "../base/reader.h"
#include "../base/writer.h"
#include "../wire.h"

void zmtp_greeting_encode(const struct zmtp_greeting *greeting, uint8_t out[ZMTP_GREETING_SIZE])
{
    if (!greeting || !out) return;
    const char *const end = memchr(greeting->mechanism, 0, ZMTP_MECHANISM_SIZE);
    const size_t size = end ? (size_t)(end - greeting->mechanism) : ZMTP_MECHANISM_SIZE;

    memset(out, 0, ZMTP_GREETING_SIZE); // padding and filler
    struct zmtp__writer w = zmtp__writer_of(out, ZMTP_GREETING_SIZE);
    zmtp__write_be(&w, 0xFF, 1);
    (void)zmtp__write_space(&w, 8); // padding, zero already
    zmtp__write_be(&w, 0x7F, 1);
    zmtp__write_be(&w, greeting->major, 1);
    zmtp__write_be(&w, greeting->minor, 1);
    zmtp__write_bytes(&w, zmtp_bytes_of(greeting->mechanism, size));
    (void)zmtp__write_space(&w, ZMTP_MECHANISM_SIZE - size);
    zmtp__write_be(&w, greeting->as_server, 1);
    assert(!w.bad);
}

// What to make of a first octet other than FF. ZMTP 1.0 begins with an identity frame: a length, then
// flags, which are zero. Nothing else that is likely here (HTTP, TLS, SSH) has a zero there.
static int greeting_refuse_unsigned(struct zmtp__reader *r)
{
    const uint64_t flags = zmtp__read_be(r, 1);
    if (r->bad) return 0;
    return flags == 0 ? ZMTP_ERR_VERSION : ZMTP_ERR_GREETING;
}

static bool greeting_is_mechanism_octet(uint8_t octet)
{
    if (octet >= 'A' && octet <= 'Z') return true;
    if (octet >= '0' && octet <= '9') return true;
    return octet == '-' || octet == '_' || octet == '.' || octet == '+';
}

// Reads as much of the mechanism as there is: a bad octet is bad even if the rest is still to come.
static int greeting_read_mechanism(struct zmtp__reader *r, char out[ZMTP_MECHANISM_SIZE + 1])
{
    memset(out, 0, ZMTP_MECHANISM_SIZE + 1);
    bool ended = false;
    for (size_t i = 0; i < ZMTP_MECHANISM_SIZE; i++) {
        const uint8_t octet = (uint8_t)zmtp__read_be(r, 1);
        if (r->bad) return 0;
        if (octet == 0 && i == 0) return ZMTP_ERR_MECHANISM;
        if (octet == 0) ended = true;
        if (octet != 0 && (ended || !greeting_is_mechanism_octet(octet))) {
            return ZMTP_ERR_MECHANISM;
        }
        out[i] = (char)octet;
    }
    return ZMTP_MECHANISM_SIZE;
}

int zmtp_greeting_decode(struct zmtp_bytes in, struct zmtp_greeting *out)
{
    if (!out || !zmtp__octets_ok(in)) return ZMTP_ERR_ARGUMENT;
    struct zmtp__reader r = zmtp__reader_of(in);
    const uint64_t first = zmtp__read_be(&r, 1);
    if (r.bad) return 0;
    if (first != 0xFF) return greeting_refuse_unsigned(&r);

    (void)zmtp__read_bytes(&r, 8); // padding is not significant
    const uint64_t last = zmtp__read_be(&r, 1);
    if (r.bad) return 0;
    // RFC 37, Backwards Interoperability: an even octet here is ZMTP 1.0 with a long identity.
    if ((last & 1) == 0) return ZMTP_ERR_VERSION;
    if (last != 0x7F) return ZMTP_ERR_GREETING;

    struct zmtp_greeting greeting = {0};
    greeting.major = (uint8_t)zmtp__read_be(&r, 1);
    if (r.bad) return 0;
    if (greeting.major < 3) return ZMTP_ERR_VERSION;
    greeting.minor = (uint8_t)zmtp__read_be(&r, 1);

    const int used = greeting_read_mechanism(&r, greeting.mechanism);
    if (used <= 0) return used;
    greeting.as_server = zmtp__read_be(&r, 1) != 0;
    (void)zmtp__read_bytes(&r, 31); // the filler
    if (r.bad) return 0;

    *out = greeting;
    return ZMTP_GREETING_SIZE;
}

const char *zmtp_mechanism_name(enum zmtp_mechanism mechanism)
{
    switch (mechanism) {
    case ZMTP_NULL:
        return "NULL";
    case ZMTP_PLAIN:
        return "PLAIN";
    case ZMTP_CURVE:
        return "CURVE";
    }
    return "?";
}
