// The commands of PLAIN's handshake, either side's.
#include "fuzz.h"
#include "handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_handshake(ZMTP_PLAIN, data, size);
}
