// The cryptography of CURVE through libsodium's public functions. This is the one file that knows it.
//
// A box of NaCl (crypto_box, crypto_secretbox) is XSalsa20 and Poly1305: HSalsa20 of the key and the
// nonce's first 16 octets gives a subkey; Salsa20 with that and the nonce's last 8 octets gives a
// stream, whose first 32 octets are the key of the MAC and whose rest is added to the message. Taken
// apart like this, the subkey is computed once for a connection, and one call over [32 zeros | message]
// gives the MAC's key and the box at once, which Salsa20's vectors reward (sodium_filled).
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
    SODIUM_BLOCK = 64, // of Salsa20
    SODIUM_HALF = 256, // what its vectors make in about the time of one block
    SODIUM_GROUP = 512,
    SODIUM_ROOM = 3 * SODIUM_GROUP, // of small boxes, which are filled up
    // Up to here a box is opened in one call, into a place of our own, as its octets must not be shown
    // before its MAC is known to be right.
    SODIUM_SMALL = SODIUM_ROOM - ZMTP_SEAL_ROOM,
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

// How many octets Salsa20 should be asked for to get |size|.
//
// With AVX2 libsodium makes 512 octets, or 256, in about the time that it takes for one block of 64 (199,
// 195 and 166 ns where this was measured), but only where a call has so many left; the rest goes block by
// block. So a rest of two blocks or more is filled up: a box of 64 octets is sealed in 240 ns instead of
// 380, one of 300 in 310 instead of 615. Without AVX2 that would cost more than it gives.
static size_t sodium_filled(size_t size)
{
    const size_t rest = size % SODIUM_GROUP;
    if (rest <= SODIUM_BLOCK || !sodium_runtime_has_avx2()) return size;
    return size - rest + (rest <= SODIUM_HALF ? SODIUM_HALF : SODIUM_GROUP);
}

// Adds the stream from its |block|th block on to |size| octets of |from|, which is |at| or apart from it.
static void sodium_add_stream(uint8_t *at, const uint8_t *from, size_t size, uint64_t block,
                              const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE],
                              const struct zmtp_key *subkey)
{
    uint8_t group[SODIUM_GROUP];
    const size_t filled = sodium_filled(size);
    const size_t rest = filled > size ? size % SODIUM_GROUP : 0, direct = size - rest;
    if (direct > 0)
        (void)crypto_stream_salsa20_xor_ic(at, from, direct, nonce, block, subkey->octets);
    if (rest == 0) return;
    memcpy(group, from + direct, rest);
    memset(group + rest, 0, filled - size);
    (void)crypto_stream_salsa20_xor_ic(group, group, filled - direct, nonce,
                                       block + direct / SODIUM_BLOCK, subkey->octets);
    memcpy(at + direct, group, rest);
    sodium_memzero(group, filled - direct);
}

// A small box apart from where it lies: the MAC's key, then |size| octets of |from| with the stream added,
// then what was filled up. Returns the octets of |out| that are to be wiped.
static size_t sodium_small(uint8_t out[SODIUM_ROOM], const uint8_t *from, size_t size,
                           const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE],
                           const struct zmtp_key *subkey)
{
    const size_t used = ZMTP_SEAL_ROOM + size, filled = sodium_filled(used);
    memset(out, 0, ZMTP_SEAL_ROOM);
    if (size > 0) memcpy(out + ZMTP_SEAL_ROOM, from, size);
    memset(out + used, 0, filled - used);
    (void)crypto_stream_salsa20_xor(out, out, filled, nonce, subkey->octets);
    return filled;
}

static void sodium_seal_small(uint8_t *at, size_t head, struct zmtp_bytes rest,
                              const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE],
                              const struct zmtp_key *subkey)
{
    uint8_t room[SODIUM_ROOM];
    uint8_t *const box = room + ZMTP_SEAL_ROOM, *const out = at + ZMTP_SEAL_ROOM;
    const size_t size = head + rest.size;
    if (rest.size > 0) memcpy(out + head, rest.data, rest.size);
    const size_t used = sodium_small(room, out, size, nonce, subkey);
    (void)crypto_onetimeauth_poly1305(out - ZMTP_MAC_SIZE, box, size, room);
    if (size > 0) memcpy(out, box, size);
    sodium_memzero(room, used);
}

// What fills the group that the room and the head begin is copied to them, and the rest sealed from where it lies.
static void sodium_seal_large(uint8_t *at, size_t head, struct zmtp_bytes rest,
                              const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE],
                              const struct zmtp_key *subkey)
{
    uint8_t mac_key[ZMTP_SEAL_ROOM];
    const size_t begun = ZMTP_SEAL_ROOM + head, size = head + rest.size;
    const size_t missing = (SODIUM_GROUP - begun % SODIUM_GROUP) % SODIUM_GROUP;
    const size_t copied = missing < rest.size ? missing : rest.size, left = rest.size - copied;
    const size_t groups = begun + copied;
    memset(at, 0, ZMTP_SEAL_ROOM);
    if (copied > 0) memcpy(at + begun, rest.data, copied);
    sodium_add_stream(at, at, groups, 0, nonce, subkey);
    if (left > 0)
        sodium_add_stream(at + groups, rest.data + copied, left, groups / SODIUM_BLOCK, nonce,
                          subkey);
    memcpy(mac_key, at, sizeof mac_key);
    (void)crypto_onetimeauth_poly1305(at + ZMTP_SEAL_ROOM - ZMTP_MAC_SIZE, at + ZMTP_SEAL_ROOM,
                                      size, mac_key);
    sodium_memzero(mac_key, sizeof mac_key);
}

static void sodium_seal(uint8_t *at, size_t head, struct zmtp_bytes rest,
                        const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE], const struct zmtp_key *subkey)
{
    if (ZMTP_SEAL_ROOM + head + rest.size <= SODIUM_GROUP)
        sodium_seal_small(at, head, rest, nonce, subkey);
    else
        sodium_seal_large(at, head, rest, nonce, subkey);
}

static bool sodium_open_small(uint8_t *out, const uint8_t *box, size_t size,
                              const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE],
                              const struct zmtp_key *subkey)
{
    uint8_t room[SODIUM_ROOM];
    const uint8_t *const sealed = box + ZMTP_MAC_SIZE;
    const size_t used = sodium_small(room, sealed, size, nonce, subkey);
    const bool good = crypto_onetimeauth_poly1305_verify(box, sealed, size, room) == 0;
    if (good && size > 0) memcpy(out, room + ZMTP_SEAL_ROOM, size);
    sodium_memzero(room, used);
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
        sodium_add_stream(sealed + FIRST, sealed + FIRST, size - FIRST, 1, nonce, subkey);
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
