// What is of ZMTP 1.0 and 2.0 alone: the version that octets tell, their greetings, the header of 1.0.
#include "check.h"
#include "fuzz.h"
#include "zmtp/wire/old.h"

static int decode_version(struct zmtp_bytes in)
{
    const enum zmtp__version version = zmtp__version_detect(in);
    return version == ZMTP__VERSION_UNKNOWN || version == ZMTP__VERSION_SIGNED ? 0
                                                                               : -1 - (int)version;
}

static int decode_greeting1(struct zmtp_bytes in)
{
    struct zmtp__old_greeting greeting;
    const int used = zmtp__greeting1_decode(in, &greeting);
    if (used <= 0) return used;
    fuzz_check(!greeting.type_known && greeting.identity.size <= UINT8_MAX);
    fuzz_check(fuzz_is_within(greeting.identity, zmtp_bytes_of(in.data, (size_t)used)));
    return used;
}

static int decode_greeting2(struct zmtp_bytes in)
{
    struct zmtp__old_greeting greeting;
    const int used = zmtp__greeting2_decode(in, &greeting);
    if (used <= 0) return used;
    fuzz_check(greeting.type_known && zmtp__old_has_type(greeting.type));
    fuzz_check(fuzz_is_within(greeting.identity, zmtp_bytes_of(in.data, (size_t)used)));
    return used;
}

static int decode_header(struct zmtp_bytes in)
{
    struct zmtp_frame frame;
    const int header = zmtp__frame1_decode(in, &frame);
    if (header <= 0) return header;
    fuzz_check(!frame.command);
    if (zmtp__frame1_is_void(header)) return header;
    // What we write of it says the same, and is no longer.
    uint8_t out[ZMTP__HEADER1_MAX];
    struct zmtp_frame again;
    const size_t size = zmtp__frame1_encode(&frame, out);
    fuzz_check(size <= (size_t)header && size == zmtp__frame1_header((size_t)frame.size));
    fuzz_check(zmtp__frame1_decode(zmtp_bytes_of(out, size), &again) == (int)size);
    fuzz_check(again.size == frame.size && again.more == frame.more);
    return header;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct zmtp_bytes in = {data, size < 600 ? size : 600}; // each prefix costs
    (void)fuzz_prefixes(in, decode_version);
    (void)fuzz_prefixes(in, decode_greeting1);
    (void)fuzz_prefixes(in, decode_greeting2);
    (void)fuzz_prefixes(in, decode_header);
    return 0;
}
