// A certificate: whatever keys are read are those that would be written.
#include "check.h"
#include "fuzz.h"
#include "zmtp/curve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zmtp_key_file file, back;
    char text[1024];
    const int result = zmtp_key_file_decode(zmtp_bytes_of(data, size), &file);
    if (result != ZMTP_OK) {
        fuzz_check(result == ZMTP_ERR_ARGUMENT);
        return 0;
    }
    fuzz_check(file.has_public);
    fuzz_check(file.has_secret || zmtp_key_is_zero(&file.keys.secret_key));
    const int written = zmtp_key_file_encode(&file.keys, file.has_secret, text, sizeof text);
    fuzz_check(written > 0);
    fuzz_check(zmtp_key_file_decode(zmtp_bytes_of(text, (size_t)written), &back) == ZMTP_OK);
    fuzz_check(back.has_secret == file.has_secret);
    fuzz_check(zmtp_key_equal(&back.keys.public_key, &file.keys.public_key));
    fuzz_check(zmtp_key_equal(&back.keys.secret_key, &file.keys.secret_key));
    return 0;
}
