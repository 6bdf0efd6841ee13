#include "../curve.h"
#include "../zmq.h"
#include "error.h"

#include <string.h>

char *zmq_z85_encode(char *to, const uint8_t *data, size_t size)
{
    if (size % 4 != 0) return zmq__fail_null(EINVAL); // whatever the others are
    if (!to || (!data && size > 0)) return zmq__fail_null(EFAULT);
    // How much room there is, the caller alone knows.
    const int result = zmtp_z85_encode(zmtp_bytes_of(data, size), to, SIZE_MAX);
    return result < 0 ? zmq__fail_null(EINVAL) : to;
}

uint8_t *zmq_z85_decode(uint8_t *to, const char *text)
{
    if (!to || !text) return zmq__fail_null(EFAULT);
    if (!*text) return zmq__fail_null(EINVAL);
    const int result = zmtp_z85_decode(zmtp_bytes_text(text), to, SIZE_MAX);
    return result < 0 ? zmq__fail_null(EINVAL) : to;
}

int zmq_curve_keypair(char *public_key, char *secret_key)
{
    const struct zmtp_crypto *crypto = zmtp_sodium();
    if (!crypto) return zmq__fail(ENOTSUP);
    if (!public_key || !secret_key) return zmq__fail(EFAULT);
    struct zmtp_key_pair pair;
    zmtp_key_generate(&pair, crypto);
    zmtp_key_encode(&pair.public_key, public_key);
    zmtp_key_encode(&pair.secret_key, secret_key);
    zmtp_wipe(&pair, sizeof pair);
    return 0;
}

int zmq_curve_public(char *public_key, const char *secret_key)
{
    const struct zmtp_crypto *crypto = zmtp_sodium();
    if (!crypto) return zmq__fail(ENOTSUP);
    if (!public_key || !secret_key) return zmq__fail(EFAULT);
    struct zmtp_key_pair pair;
    if (zmtp_key_decode(zmtp_bytes_text(secret_key), &pair.secret_key) != ZMTP_OK)
        return zmq__fail(EINVAL);
    crypto->public_of(&pair.public_key, &pair.secret_key);
    zmtp_key_encode(&pair.public_key, public_key);
    zmtp_wipe(&pair, sizeof pair);
    return 0;
}
