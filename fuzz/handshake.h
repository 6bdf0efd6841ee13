// Drives one side of a handshake with commands out of the input: 2 octets of size, then a body, again
// and again. The first octet chooses the side. The cryptography is a mock whose boxes anybody can make,
// so that the input reaches what lies behind them.
#ifndef FUZZ_HANDSHAKE_H
#define FUZZ_HANDSHAKE_H

#include "check.h"
#include "zmtp/mech/mech.h"

enum { FUZZ_SAY_MAX = 2048, FUZZ_BODY_MAX = 4096 };

static inline void fuzz_random(void *context, uint8_t *out, size_t size)
{
    (void)context;
    memset(out, 0x5A, size);
}

static inline void fuzz_public_of(struct zmtp_key *out, const struct zmtp_key *secret_key)
{
    *out = *secret_key;
}

static inline bool fuzz_agree(struct zmtp_key *out, const struct zmtp_key *theirs,
                              const struct zmtp_key *ours)
{
    for (size_t i = 0; i < ZMTP_KEY_SIZE; i++)
        out->octets[i] = theirs->octets[i] ^ ours->octets[i];
    return !zmtp_key_is_zero(theirs);
}

static inline void fuzz_subkey(struct zmtp_key *out, const struct zmtp_key *key,
                               const uint8_t prefix[16])
{
    (void)prefix;
    *out = *key;
}

// A box is 16 octets of M and then what is in it.
static inline void fuzz_seal(uint8_t *at, size_t head, struct zmtp_bytes rest,
                             const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE],
                             const struct zmtp_key *subkey)
{
    (void)nonce;
    (void)subkey;
    memset(at + ZMTP_SEAL_ROOM - ZMTP_MAC_SIZE, 'M', ZMTP_MAC_SIZE);
    if (rest.size > 0) memcpy(at + ZMTP_SEAL_ROOM + head, rest.data, rest.size);
}

static inline bool fuzz_open(uint8_t *out, uint8_t *box, size_t size,
                             const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE],
                             const struct zmtp_key *subkey)
{
    (void)nonce;
    (void)subkey;
    fuzz_check(size >= ZMTP_MAC_SIZE);
    for (size_t i = 0; i < ZMTP_MAC_SIZE; i++)
        if (box[i] != 'M') return false;
    memmove(out, box + ZMTP_MAC_SIZE, size - ZMTP_MAC_SIZE);
    return true;
}

// Says all that is due; what is said is one command frame.
static inline void fuzz_say(struct zmtp__mech_session *session)
{
    uint8_t out[FUZZ_SAY_MAX];
    for (;;) {
        const int said = session->mech->say(session, out, sizeof out);
        fuzz_check(said <= (int)sizeof out);
        if (said <= 0) return;
        struct zmtp_frame frame;
        const int header = zmtp_frame_decode(zmtp_bytes_of(out, (size_t)said), &frame);
        fuzz_check(header > 0 && frame.command && (size_t)header + frame.size == (size_t)said);
    }
}

// A body in a block of exactly its size. What the session says of it lies within it, or is constant.
static inline int fuzz_hear(struct zmtp__mech_session *session, struct zmtp_bytes body)
{
    uint8_t *const block = malloc(body.size > 0 ? body.size : 1);
    fuzz_check(block != NULL);
    if (body.size > 0) memcpy(block, body.data, body.size);
    const bool heard = session->heard;
    const int result = session->mech->hear(session, block, body.size, 1000);
    fuzz_check(result <= 0);
    if (result == ZMTP_OK && session->heard && !heard)
        fuzz_check(fuzz_is_within(session->theirs, zmtp_bytes_of(block, body.size)));
    if (result == ZMTP_OK && session->asking) {
        uint8_t out[FUZZ_SAY_MAX];
        fuzz_check(session->mech->say(session, out, sizeof out) == 0);
        zmtp__mech_allow(session);
    }
    free(block);
    return result;
}

// Traffic once the handshake is done: whatever opens is a payload within its box.
static inline void fuzz_traffic(struct zmtp__seal *seal, struct zmtp_bytes body)
{
    uint8_t *const block = malloc(body.size > 0 ? body.size : 1);
    fuzz_check(block != NULL);
    if (body.size > 0) memcpy(block, body.data, body.size);
    const uint64_t before = seal->rx_nonce;
    uint8_t *const out = block + (body.size > ZMTP__SEAL_PAYLOAD ? ZMTP__SEAL_PAYLOAD : 0);
    const int64_t opened = zmtp__seal_open(seal, block, body.size, out);
    if (opened >= 0) {
        fuzz_check(opened >= 1 && (size_t)opened + ZMTP__SEAL_PAYLOAD == body.size);
        fuzz_check(out[0] <= 2 && seal->rx_nonce > before);
    }
    free(block);
}

static inline int fuzz_handshake(enum zmtp_mechanism mechanism, const uint8_t *data, size_t size)
{
    static const struct zmtp_crypto mock = {
        .random = fuzz_random,
        .public_of = fuzz_public_of,
        .agree = fuzz_agree,
        .subkey = fuzz_subkey,
        .seal = fuzz_seal,
        .open = fuzz_open,
    };
    if (size < 1) return 0;
    struct zmtp_security security = {.mechanism = mechanism,
                                     .server = data[0] & 1,
                                     .username = zmtp_bytes_text("user"),
                                     .password = zmtp_bytes_text("word"),
                                     .crypto = &mock};
    memset(&security.keys, data[0] & 1 ? 'S' : 'C', sizeof security.keys);
    memset(&security.server_key, 'S', sizeof security.server_key);
    struct zmtp__mech_session session;
    struct zmtp__seal seal = {.rx_nonce = 0};
    fuzz_check(zmtp__mech_init(&session, &security, zmtp_bytes_text("")) == ZMTP_OK);
    fuzz_say(&session);
    bool sealed = false;
    for (size_t at = 1; at + 2 <= size;) {
        const size_t wanted = (size_t)data[at] << 8 | data[at + 1];
        at += 2;
        const size_t body = wanted < size - at ? wanted : size - at;
        const struct zmtp_bytes view = {data + at, body};
        at += body;
        if (sealed)
            fuzz_traffic(&seal, view);
        else if (fuzz_hear(&session, view) < 0)
            break;
        fuzz_say(&session);
        if (!sealed && session.mech->done(&session) && session.mech->seal) {
            session.mech->seal(&session, &seal);
            sealed = true;
        }
    }
    zmtp__mech_fini(&session);
    return 0;
}

#endif
