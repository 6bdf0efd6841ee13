// Keys, and what a connection's security must consist of.
#include <assert.h>
#include <string.h>

#include "../base/reader.h"
#include "../curve.h"

// Who reads it at each call cannot know what it is, and so leaves no write out for want of a reader.
static void *(*const volatile key_fill)(void *memory, int octet, size_t size) = memset;

void zmtp_wipe(void *memory, size_t size)
{
    if (memory && size > 0) (void)key_fill(memory, 0, size); // it returns what it was given
}

void zmtp_key_generate(struct zmtp_key_pair *out, const struct zmtp_crypto *crypto)
{
    if (!out || !crypto) return;
    crypto->random(crypto->context, out->secret_key.octets, ZMTP_KEY_SIZE);
    crypto->public_of(&out->public_key, &out->secret_key);
}

void zmtp_key_encode(const struct zmtp_key *key, char out[ZMTP_KEY_TEXT_SIZE])
{
    if (!key || !out) return;
    const int size =
        zmtp_z85_encode(zmtp_bytes_of(key->octets, ZMTP_KEY_SIZE), out, ZMTP_KEY_TEXT_SIZE);
    assert(size == ZMTP_KEY_TEXT_SIZE - 1);
    (void)size;
}

int zmtp_key_decode(struct zmtp_bytes text, struct zmtp_key *out)
{
    if (!out || !zmtp__octets_ok(text)) return ZMTP_ERR_ARGUMENT;
    struct zmtp_key key;
    if (text.size != ZMTP_KEY_TEXT_SIZE - 1) return ZMTP_ERR_ARGUMENT;
    const int result = zmtp_z85_decode(text, key.octets, ZMTP_KEY_SIZE);
    if (result >= 0) *out = key;
    zmtp_wipe(&key, sizeof key); // also what was read of a secret one before its flaw
    return result < 0 ? ZMTP_ERR_ARGUMENT : ZMTP_OK;
}

bool zmtp_key_equal(const struct zmtp_key *a, const struct zmtp_key *b)
{
    if (!a || !b) return false;
    unsigned differs = 0;
    for (size_t i = 0; i < ZMTP_KEY_SIZE; i++)
        differs |= a->octets[i] ^ (unsigned)b->octets[i];
    return differs == 0;
}

bool zmtp_key_is_zero(const struct zmtp_key *key)
{
    return !key || zmtp_key_equal(key, &(struct zmtp_key){{0}});
}

static const char *security_check_curve(const struct zmtp_security *security)
{
    struct zmtp_key derived;
    if (!security->crypto)
        return "CURVE needs a table of cryptographic functions: zmtp_sodium(), which is null in a "
               "build without libsodium (SODIUM=0, ZMTP_NO_SODIUM)";
    if (zmtp_key_is_zero(&security->keys.secret_key) &&
        !zmtp_key_is_zero(&security->keys.public_key))
        return "CURVE needs a pair of keys, and this is the public one alone: load the certificate "
               "whose name ends in _secret";
    if (zmtp_key_is_zero(&security->keys.secret_key))
        return "CURVE needs a pair of keys: zmtp_key_generate() or zmtp_key_file_load()";
    security->crypto->public_of(&derived, &security->keys.secret_key);
    if (!zmtp_key_equal(&derived, &security->keys.public_key))
        return "the public key does not belong to the secret key";
    if (!security->server && zmtp_key_is_zero(&security->server_key))
        return "a CURVE client needs the public key of its server";
    return NULL;
}

static const char *security_check_plain(const struct zmtp_security *security)
{
    if (!zmtp__octets_ok(security->username)) return "a username has a size and no octets";
    if (!zmtp__octets_ok(security->password)) return "a password has a size and no octets";
    if (security->username.size > UINT8_MAX) return "a username has at most 255 octets";
    if (security->password.size > UINT8_MAX) return "a password has at most 255 octets";
    return NULL;
}

int zmtp_security_check(const struct zmtp_security *security, const char **why)
{
    const char *wrong = "the mechanism is none of NULL, PLAIN and CURVE";
    if (!security) {
        if (why) *why = "there is no security";
        return ZMTP_ERR_ARGUMENT;
    }
    switch (security->mechanism) {
    case ZMTP_NULL:
        wrong = NULL;
        break;
    case ZMTP_PLAIN:
        wrong = security_check_plain(security);
        break;
    case ZMTP_CURVE:
        wrong = security_check_curve(security);
        break;
    }
    if (why && wrong) *why = wrong;
    return wrong ? ZMTP_ERR_ARGUMENT : ZMTP_OK;
}
