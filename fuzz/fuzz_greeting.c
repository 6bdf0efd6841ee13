// The greeting: one verdict over all prefixes, and what was read is what would be sent.
#include "check.h"
#include "fuzz.h"
#include "zmtp/wire.h"

static int decode(struct zmtp_bytes in)
{
    struct zmtp_greeting greeting;
    return zmtp_greeting_decode(in, &greeting);
}

// Encodes what was read: all that has a meaning must come back as it came.
static void check_encoded(const uint8_t *in, const struct zmtp_greeting *greeting)
{
    uint8_t ours[ZMTP_GREETING_SIZE];
    struct zmtp_greeting again;
    zmtp_greeting_encode(greeting, ours);
    fuzz_check(zmtp_greeting_decode(zmtp_bytes_of(ours, sizeof ours), &again) ==
               ZMTP_GREETING_SIZE);
    fuzz_check(again.major == greeting->major && again.minor == greeting->minor);
    fuzz_check(again.as_server == greeting->as_server);
    fuzz_check(strcmp(again.mechanism, greeting->mechanism) == 0);

    fuzz_check(ours[0] == in[0] && memcmp(ours + 9, in + 9, 23) == 0); // 7F, version, mechanism
    fuzz_check((ours[32] != 0) == (in[32] != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct zmtp_bytes in = zmtp_bytes_of(data, size);
    const size_t looked_at = size < ZMTP_GREETING_SIZE + 2 ? size : ZMTP_GREETING_SIZE + 2;
    const int verdict = fuzz_prefixes(zmtp_bytes_of(data, looked_at), decode);

    struct zmtp_greeting greeting;
    fuzz_check(zmtp_greeting_decode(in, &greeting) == verdict);
    if (verdict > 0) {
        fuzz_check(verdict == ZMTP_GREETING_SIZE);
        fuzz_check(greeting.major >= 3);
        fuzz_check(greeting.mechanism[0] != 0 && greeting.mechanism[ZMTP_MECHANISM_SIZE] == 0);
        check_encoded(data, &greeting);
    } else if (verdict == 0) {
        fuzz_check(size < ZMTP_GREETING_SIZE);
    } else {
        fuzz_check(verdict == ZMTP_ERR_GREETING || verdict == ZMTP_ERR_VERSION ||
                   verdict == ZMTP_ERR_MECHANISM);
    }
    return 0;
}
