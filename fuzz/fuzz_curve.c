// The commands of CURVE's handshake, either side's, and the traffic after it.
#include "fuzz.h"
#include "handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_handshake(ZMTP_CURVE, data, size);
}
