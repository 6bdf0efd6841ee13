// The cryptography of CURVE through libsodium's public functions. This is the one file that knows it.
//
// A box of NaCl (crypto_box, crypto_secretbox) is XSalsa20 and Poly1305: HSalsa20 of the key and the
// nonce's first 16 octets gives a subkey; Salsa20 with that and the nonce's last 8 octets gives a
// stream, whose first 32 octets are the key of the MAC and whose rest is added to the message. Taken
// apart like this, the subkey is computed once for a connection, and one call over [32 zeros | message]
// gives the MAC's key and the box at once, which Salsa20's vectors reward.
//
// With ZMTP_NO_SODIUM (make SODIUM=0) there is none, and CURVE needs a table of the program's own.
#include "../curve.h"

#ifdef ZMTP_NO_SODIUM

const struct zmtp_crypto *zmtp_sodium(void)
{
    return NULL;
}

#else

#include <sodium.h>
#include <string.h>

enum {
    SODIUM_BLOCK = 64,
    // Up to here a box is opened in one call, into a place of our own, as its octets must not be shown
    // before its MAC is known to be right.
    SODIUM_SMALL = 1024,
};

_Static_assert(crypto_box_BEFORENMBYTES == ZMTP_KEY_SIZE, "the shared key is a key");
_Static_assert(crypto_box_NONCEBYTES == ZMTP_NONCE_SIZE, "NaCl's nonce");
_Static_assert(crypto_box_MACBYTES == ZMTP_MAC_SIZE, "NaCl's MAC");
_Static_assert(crypto_onetimeauth_poly1305_KEYBYTES == ZMTP_SEAL_ROOM,
               "the MAC's key fits the room");
_Static_assert(crypto_stream_salsa20_NONCEBYTES == ZMTP_SHORT_NONCE_SIZE, "Salsa20's nonce");

static void sodium_random(void *context, uint8_t *out, size_t size)
{
    (void)context;
    randombytes_buf(out, size);
}

static void sodium_public_of(struct zmtp_key *out, const struct zmtp_key *secret_key)
{
    (void)crypto_scalarmult_base(out->octets, secret_key->octets); // fails for no secret key
}

static bool sodium_agree(struct zmtp_key *out, const struct zmtp_key *their_public,
                         const struct zmtp_key *our_secret)
{
    return crypto_box_beforenm(out->octets, their_public->octets, our_secret->octets) == 0;
}

static void sodium_subkey(struct zmtp_key *out, const struct zmtp_key *key,
                          const uint8_t prefix[16])
{
    (void)crypto_core_hsalsa20(out->octets, prefix, key->octets, NULL); // never fails
}

static void sodium_seal(uint8_t *at, size_t size, const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE],
                        const struct zmtp_key *subkey)
{
    uint8_t mac_key[ZMTP_SEAL_ROOM];
    memset(at, 0, ZMTP_SEAL_ROOM);
    (void)crypto_stream_salsa20_xor(at, at, ZMTP_SEAL_ROOM + size, nonce, subkey->octets);
    memcpy(mac_key, at, sizeof mac_key);
    (void)crypto_onetimeauth_poly1305(at + ZMTP_SEAL_ROOM - ZMTP_MAC_SIZE, at + ZMTP_SEAL_ROOM,
                                      size, mac_key);
    sodium_memzero(mac_key, sizeof mac_key);
}

static bool sodium_open_small(uint8_t *out, const uint8_t *box, size_t size,
                              const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE],
                              const struct zmtp_key *subkey)
{
    uint8_t plain[ZMTP_SEAL_ROOM + SODIUM_SMALL];
    const uint8_t *const sealed = box + ZMTP_MAC_SIZE;
    const size_t used = ZMTP_SEAL_ROOM + size;
    memset(plain, 0, ZMTP_SEAL_ROOM);
    memcpy(plain + ZMTP_SEAL_ROOM, sealed, size);
    (void)crypto_stream_salsa20_xor(plain, plain, used, nonce, subkey->octets);
    const bool good = crypto_onetimeauth_poly1305_verify(box, sealed, size, plain) == 0;
    if (good) memcpy(out, plain + ZMTP_SEAL_ROOM, size);
    sodium_memzero(plain, used);
    return good;
}

static bool sodium_open_large(uint8_t *out, uint8_t *box, size_t size,
                              const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE],
                              const struct zmtp_key *subkey)
{
    enum { FIRST = SODIUM_BLOCK - ZMTP_SEAL_ROOM }; // octets of the message in the first block
    uint8_t block[SODIUM_BLOCK];
    uint8_t *const sealed = box + ZMTP_MAC_SIZE;
    (void)crypto_stream_salsa20(block, sizeof block, nonce, subkey->octets);
    const bool good = crypto_onetimeauth_poly1305_verify(box, sealed, size, block) == 0;
    if (good) {
        for (size_t i = 0; i < FIRST; i++)
            sealed[i] ^= block[ZMTP_SEAL_ROOM + i];
        (void)crypto_stream_salsa20_xor_ic(sealed + FIRST, sealed + FIRST, size - FIRST, nonce, 1,
                                           subkey->octets);
        if (out != sealed) memmove(out, sealed, size);
    }
    sodium_memzero(block, sizeof block);
    return good;
}

static bool sodium_open(uint8_t *out, uint8_t *box, size_t size,
                        const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE], const struct zmtp_key *subkey)
{
    if (size < ZMTP_MAC_SIZE) return false;
    size -= ZMTP_MAC_SIZE;
    return size <= SODIUM_SMALL ? sodium_open_small(out, box, size, nonce, subkey)
                                : sodium_open_large(out, box, size, nonce, subkey);
}

const struct zmtp_crypto *zmtp_sodium(void)
{
    static const struct zmtp_crypto sodium = {
        .random = sodium_random,
        .public_of = sodium_public_of,
        .agree = sodium_agree,
        .subkey = sodium_subkey,
        .seal = sodium_seal,
        .open = sodium_open,
    };
    return sodium_init() < 0 ? NULL : &sodium;
}

#endif
