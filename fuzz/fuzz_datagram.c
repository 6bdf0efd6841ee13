// Datagrams of a RADIO: what was read lies in the input, in order, and makes it up again. Monotony
// is not asked for, as a datagram is whole or nothing.
#include "check.h"
#include "fuzz.h"
#include "zmtp/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *const block = malloc(size > 0 ? size : 1); // of this size, so that an overrun is seen
    fuzz_check(block != NULL);
    if (size > 0) memcpy(block, data, size);
    const struct zmtp_bytes in = {block, size};
    struct zmtp_datagram datagram;
    const int result = zmtp_datagram_decode(in, &datagram);
    if (result == ZMTP_OK) {
        fuzz_check(fuzz_is_within(datagram.group, in) && fuzz_is_within(datagram.body, in));
        fuzz_check(size == 1 + datagram.group.size + datagram.body.size);
        fuzz_check(block[0] == datagram.group.size);
        fuzz_check_equal(datagram.group, zmtp_bytes_of(block + 1, datagram.group.size));
        fuzz_check_equal(datagram.body,
                         zmtp_bytes_of(block + 1 + datagram.group.size, datagram.body.size));
    } else {
        fuzz_check(result == ZMTP_ERR_FRAME);
        fuzz_check(size == 0 || block[0] > size - 1);
    }
    free(block);
    return 0;
}
