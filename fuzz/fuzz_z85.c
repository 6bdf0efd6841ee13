// Z85: what decodes is what would be encoded, and whatever was encoded decodes.
#include "check.h"
#include "fuzz.h"
#include "zmtp/wire.h"

enum { IN_MAX = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t octets[IN_MAX];
    char text[IN_MAX / 4 * 5 + 1];
    if (size > IN_MAX) return 0;
    const struct zmtp_bytes in = {data, size};

    const int decoded = zmtp_z85_decode(in, octets, sizeof octets);
    fuzz_check(decoded == ZMTP_ERR_ARGUMENT || (size % 5 == 0 && (size_t)decoded == size / 5 * 4));
    if (decoded >= 0) {
        const int encoded =
            zmtp_z85_encode(zmtp_bytes_of(octets, (size_t)decoded), text, sizeof text);
        fuzz_check_equal(zmtp_bytes_of(text, (size_t)encoded), in);
    }
    const int encoded = zmtp_z85_encode(in, text, sizeof text);
    fuzz_check(size % 4 == 0 ? (size_t)encoded == size / 4 * 5 : encoded == ZMTP_ERR_ARGUMENT);
    if (encoded >= 0) {
        const int back =
            zmtp_z85_decode(zmtp_bytes_of(text, (size_t)encoded), octets, sizeof octets);
        fuzz_check_equal(zmtp_bytes_of(octets, (size_t)back), in);
    }
    return 0;
}
