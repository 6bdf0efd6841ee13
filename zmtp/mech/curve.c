// The handshake of CURVE (RFC 26). Every field is checked, also those that libzmq skips: the padding and
// the box of HELLO, the server's key within the vouch, and that nonces never go back.
//
//     client                                      server
//     HELLO     C', Box[zeros](C'->S)         ->  is it for us?
//                                             <-  WELCOME   Box[S' + cookie](S->C')
//     INITIATE  cookie, Box[C + vouch         ->  who is it? asks its owner
//               + metadata](C'->S')           <-  READY     Box[metadata](S'->C')
//
// Between WELCOME and INITIATE the server remembers the cookie's key and a nonce, and nothing else: the
// cookie, which the client brings back, holds its transient secret.
#include <string.h>

#include "../base/reader.h"
#include "../base/writer.h"
#include "mech.h"

enum {
    CURVE_COOKIE_MS = 60000, // RFC 26, The WELCOME Command: the cookie's key lives this long
    CURVE_VERSION = 0x0100,
    CURVE_PADDING = 72,
    CURVE_LONG_NONCE = 16,
    CURVE_HELLO_BOX = ZMTP_MAC_SIZE + 64,
    CURVE_WELCOME_BOX = ZMTP_MAC_SIZE + ZMTP_KEY_SIZE + ZMTP__COOKIE_SIZE,
    CURVE_COOKIE_BOX = ZMTP_MAC_SIZE + 2 * ZMTP_KEY_SIZE,
    CURVE_VOUCH_BOX = ZMTP_MAC_SIZE + 2 * ZMTP_KEY_SIZE,
    CURVE_VOUCH = CURVE_LONG_NONCE + CURVE_VOUCH_BOX,
    CURVE_INITIATE_FIXED = ZMTP_KEY_SIZE + CURVE_VOUCH,       // before the metadata
    CURVE_METADATA_MAX = 512 + ZMTP_APPLICATION_METADATA_MAX, // of ours
    CURVE_DATA_MAX = ZMTP__COOKIE_SIZE + ZMTP_SHORT_NONCE_SIZE + ZMTP_MAC_SIZE +
                     CURVE_INITIATE_FIXED + CURVE_METADATA_MAX, // of INITIATE, the largest
};

_Static_assert(ZMTP__COOKIE_SIZE == CURVE_LONG_NONCE + CURVE_COOKIE_BOX, "a nonce and a box");

// A box being made or opened: its key, and its nonce of 24 octets.
struct curve_box {
    const struct zmtp_crypto *crypto;
    const struct zmtp_key *key;
    uint8_t nonce[ZMTP_NONCE_SIZE];
};

// |prefix| and |rest| make up the nonce.
static struct curve_box curve_box_of(const struct zmtp__mech_session *session,
                                     const struct zmtp_key *key, const char *prefix,
                                     const uint8_t *rest)
{
    struct curve_box box = {.crypto = session->security->crypto, .key = key};
    const size_t size = strlen(prefix);
    memcpy(box.nonce, prefix, size);
    memcpy(box.nonce + size, rest, sizeof box.nonce - size);
    return box;
}

// Writes the box of |plain|.
static void curve_write_box(struct zmtp__writer *w, const struct curve_box *box,
                            struct zmtp_bytes plain)
{
    uint8_t room[ZMTP_SEAL_ROOM + CURVE_INITIATE_FIXED + CURVE_METADATA_MAX];
    struct zmtp_key subkey;
    if (plain.size > sizeof room - ZMTP_SEAL_ROOM) {
        w->bad = true;
        return;
    }
    box->crypto->subkey(&subkey, box->key, box->nonce);
    box->crypto->seal(room, 0, plain, box->nonce + CURVE_LONG_NONCE, &subkey);
    const size_t unused = ZMTP_SEAL_ROOM - ZMTP_MAC_SIZE;
    zmtp__write_bytes(w, zmtp_bytes_of(room + unused, ZMTP_MAC_SIZE + plain.size));
    zmtp_wipe(&subkey, sizeof subkey);
}

// A command's data being read. Boxes in it are opened where they lie, so it is ours to change.
struct curve_data {
    uint8_t *octets;
    struct zmtp__reader reader;
};

static uint8_t *curve_read_box(struct curve_data *data, size_t size)
{
    const struct zmtp_bytes view = zmtp__read_bytes(&data->reader, size);
    return data->reader.bad ? NULL : data->octets + (view.data - data->octets);
}

// Opens |sealed| of |size| octets. What was in it follows on the place of the MAC.
static bool curve_open_box(const struct curve_box *box, uint8_t *sealed, size_t size)
{
    struct zmtp_key subkey;
    box->crypto->subkey(&subkey, box->key, box->nonce);
    const bool good = box->crypto->open(sealed + ZMTP_MAC_SIZE, sealed, size,
                                        box->nonce + CURVE_LONG_NONCE, &subkey);
    zmtp_wipe(&subkey, sizeof subkey);
    return good;
}

// The key at |octets|.
static struct zmtp_key curve_key_at(const uint8_t *octets)
{
    struct zmtp_key key;
    memcpy(key.octets, octets, sizeof key.octets);
    return key;
}

static bool curve_all_zero(struct zmtp_bytes octets)
{
    unsigned seen = 0;
    for (size_t i = 0; i < octets.size; i++)
        seen |= octets.data[i];
    return seen == 0;
}

static uint64_t curve_number(struct zmtp_bytes nonce)
{
    struct zmtp__reader r = zmtp__reader_of(nonce);
    return zmtp__read_be(&r, ZMTP_SHORT_NONCE_SIZE);
}

static void curve_short_nonce(uint64_t number, uint8_t out[ZMTP_SHORT_NONCE_SIZE])
{
    struct zmtp__writer w = zmtp__writer_of(out, ZMTP_SHORT_NONCE_SIZE);
    zmtp__write_be(&w, number, ZMTP_SHORT_NONCE_SIZE);
}

static void curve_random(const struct zmtp__mech_session *session, void *out, size_t size)
{
    const struct zmtp_crypto *const crypto = session->security->crypto;
    crypto->random(crypto->context, out, size);
}

// Ends what is said: the command |name| with what |w| holds. On success the session goes on to |next|.
static int curve_say_command(struct zmtp__mech_session *session, const char *name,
                             const struct zmtp__writer *w, enum zmtp__mech_step next, uint8_t *out,
                             size_t size)
{
    if (w->bad) return ZMTP_ERR_LIMIT;
    const struct zmtp_command command = {zmtp_bytes_text(name), {w->start, w->filled}};
    const int written = zmtp_command_encode(&command, out, size);
    if (written > 0) session->step = next;
    return written;
}

static int curve_say_hello(struct zmtp__mech_session *session, uint8_t *out, size_t size)
{
    static const uint8_t zeros[CURVE_PADDING] = {0};
    struct zmtp__curve *const curve = &session->memory.curve;
    const struct zmtp_security *const security = session->security;
    zmtp_key_generate(&curve->transient, security->crypto);
    if (!security->crypto->agree(&curve->hello_key, &security->server_key,
                                 &curve->transient.secret_key))
        return zmtp__mech_fail(session, ZMTP_ERR_KEY, "the server key is not a usable public key");

    uint8_t nonce[ZMTP_SHORT_NONCE_SIZE], data[CURVE_DATA_MAX];
    struct zmtp__writer w = zmtp__writer_of(data, sizeof data);
    curve->tx_nonce = 1;
    curve_short_nonce(curve->tx_nonce, nonce);
    const struct curve_box box =
        curve_box_of(session, &curve->hello_key, "CurveZMQHELLO---", nonce);
    zmtp__write_be(&w, CURVE_VERSION, 2);
    zmtp__write_bytes(&w, zmtp_bytes_of(zeros, CURVE_PADDING));
    zmtp__write_bytes(&w, zmtp_bytes_of(curve->transient.public_key.octets, ZMTP_KEY_SIZE));
    zmtp__write_bytes(&w, zmtp_bytes_of(nonce, sizeof nonce));
    curve_write_box(&w, &box, zmtp_bytes_of(zeros, CURVE_HELLO_BOX - ZMTP_MAC_SIZE));
    session->suspicion = "the server hung up when it saw our HELLO: most likely its key is not the "
                         "server key that we were given";
    return curve_say_command(session, "HELLO", &w, ZMTP__STEP_HEAR_WELCOME, out, size);
}

// Makes S' and puts its secret, and the client's C', into the cookie.
static void curve_write_cookie(struct zmtp__writer *w, struct zmtp__mech_session *session,
                               const struct zmtp_key *transient_secret)
{
    struct zmtp__curve *const curve = &session->memory.curve;
    uint8_t nonce[CURVE_LONG_NONCE], plain[2 * ZMTP_KEY_SIZE];
    curve_random(session, curve->cookie_key.octets, ZMTP_KEY_SIZE);
    curve_random(session, nonce, sizeof nonce);
    memcpy(plain, curve->theirs.octets, ZMTP_KEY_SIZE);
    memcpy(plain + ZMTP_KEY_SIZE, transient_secret->octets, ZMTP_KEY_SIZE);
    const struct curve_box box = curve_box_of(session, &curve->cookie_key, "COOKIE--", nonce);
    zmtp__write_bytes(w, zmtp_bytes_of(nonce, sizeof nonce));
    curve_write_box(w, &box, zmtp_bytes_of(plain, sizeof plain));
    zmtp_wipe(plain, sizeof plain);
}

static int curve_say_welcome(struct zmtp__mech_session *session, uint8_t *out, size_t size)
{
    struct zmtp__curve *const curve = &session->memory.curve;
    struct zmtp_key_pair transient;
    zmtp_key_generate(&transient, session->security->crypto);
    uint8_t plain[ZMTP_KEY_SIZE + ZMTP__COOKIE_SIZE], nonce[CURVE_LONG_NONCE];
    struct zmtp__writer inner = zmtp__writer_of(plain, sizeof plain);
    zmtp__write_bytes(&inner, zmtp_bytes_of(transient.public_key.octets, ZMTP_KEY_SIZE));
    curve_write_cookie(&inner, session, &transient.secret_key);
    zmtp_wipe(&transient, sizeof transient);

    uint8_t data[CURVE_DATA_MAX];
    struct zmtp__writer w = zmtp__writer_of(data, sizeof data);
    curve_random(session, nonce, sizeof nonce);
    const struct curve_box box = curve_box_of(session, &curve->hello_key, "WELCOME-", nonce);
    zmtp__write_bytes(&w, zmtp_bytes_of(nonce, sizeof nonce));
    curve_write_box(&w, &box, zmtp_bytes_of(plain, inner.filled));
    // All that has to be known later is in the cookie.
    zmtp_wipe(&curve->theirs, sizeof curve->theirs);
    zmtp_wipe(&curve->hello_key, sizeof curve->hello_key);
    return curve_say_command(session, "WELCOME", &w, ZMTP__STEP_HEAR_INITIATE, out, size);
}

// The vouch: C', and which server it is meant for, sealed by C.
static int curve_write_vouch(struct zmtp__writer *w, struct zmtp__mech_session *session)
{
    const struct zmtp__curve *const curve = &session->memory.curve;
    const struct zmtp_security *const security = session->security;
    struct zmtp_key key;
    if (!security->crypto->agree(&key, &curve->theirs, &security->keys.secret_key))
        return zmtp__mech_fail(session, ZMTP_ERR_KEY, "the server's key of this connection is bad");
    uint8_t nonce[CURVE_LONG_NONCE], plain[2 * ZMTP_KEY_SIZE];
    curve_random(session, nonce, sizeof nonce);
    memcpy(plain, curve->transient.public_key.octets, ZMTP_KEY_SIZE);
    memcpy(plain + ZMTP_KEY_SIZE, security->server_key.octets, ZMTP_KEY_SIZE);
    const struct curve_box box = curve_box_of(session, &key, "VOUCH---", nonce);
    zmtp__write_bytes(w, zmtp_bytes_of(nonce, sizeof nonce));
    curve_write_box(w, &box, zmtp_bytes_of(plain, sizeof plain));
    zmtp_wipe(&key, sizeof key);
    return ZMTP_OK;
}

static int curve_say_initiate(struct zmtp__mech_session *session, uint8_t *out, size_t size)
{
    struct zmtp__curve *const curve = &session->memory.curve;
    uint8_t plain[CURVE_INITIATE_FIXED + CURVE_METADATA_MAX];
    struct zmtp__writer inner = zmtp__writer_of(plain, sizeof plain);
    zmtp__write_bytes(&inner,
                      zmtp_bytes_of(session->security->keys.public_key.octets, ZMTP_KEY_SIZE));
    const int result = curve_write_vouch(&inner, session);
    if (result < 0) return result;
    zmtp__write_bytes(&inner, session->ours);
    if (inner.bad) return ZMTP_ERR_LIMIT;

    uint8_t nonce[ZMTP_SHORT_NONCE_SIZE], data[CURVE_DATA_MAX];
    struct zmtp__writer w = zmtp__writer_of(data, sizeof data);
    curve_short_nonce(++curve->tx_nonce, nonce);
    const struct curve_box box =
        curve_box_of(session, &curve->traffic_key, "CurveZMQINITIATE", nonce);
    zmtp__write_bytes(&w, zmtp_bytes_of(curve->cookie, sizeof curve->cookie));
    zmtp__write_bytes(&w, zmtp_bytes_of(nonce, sizeof nonce));
    curve_write_box(&w, &box, zmtp_bytes_of(plain, inner.filled));
    return curve_say_command(session, "INITIATE", &w, ZMTP__STEP_HEAR_READY, out, size);
}

static int curve_say_ready(struct zmtp__mech_session *session, uint8_t *out, size_t size)
{
    struct zmtp__curve *const curve = &session->memory.curve;
    uint8_t nonce[ZMTP_SHORT_NONCE_SIZE], data[CURVE_DATA_MAX];
    struct zmtp__writer w = zmtp__writer_of(data, sizeof data);
    curve->tx_nonce = 1;
    curve_short_nonce(curve->tx_nonce, nonce);
    const struct curve_box box =
        curve_box_of(session, &curve->traffic_key, "CurveZMQREADY---", nonce);
    zmtp__write_bytes(&w, zmtp_bytes_of(nonce, sizeof nonce));
    curve_write_box(&w, &box, session->ours);
    return curve_say_command(session, "READY", &w, ZMTP__STEP_DONE, out, size);
}

static int curve_say(struct zmtp__mech_session *session, uint8_t *out, size_t size)
{
    if (session->asking) return 0;
    switch (session->step) {
    case ZMTP__STEP_SAY_HELLO:
        return curve_say_hello(session, out, size);
    case ZMTP__STEP_SAY_WELCOME:
        return curve_say_welcome(session, out, size);
    case ZMTP__STEP_SAY_INITIATE:
        return curve_say_initiate(session, out, size);
    case ZMTP__STEP_SAY_READY:
        return curve_say_ready(session, out, size);
    case ZMTP__STEP_HEAR_HELLO:
    case ZMTP__STEP_HEAR_WELCOME:
    case ZMTP__STEP_HEAR_INITIATE:
    case ZMTP__STEP_HEAR_READY:
    case ZMTP__STEP_DONE:
        break;
    }
    return 0;
}

static int curve_hear_hello(struct zmtp__mech_session *session, struct curve_data *data,
                            uint64_t now_ms)
{
    struct zmtp__curve *const curve = &session->memory.curve;
    const struct zmtp_security *const security = session->security;
    struct zmtp__reader *const r = &data->reader;
    const uint64_t version = zmtp__read_be(r, 2);
    const struct zmtp_bytes padding = zmtp__read_bytes(r, CURVE_PADDING);
    const struct zmtp_bytes theirs = zmtp__read_bytes(r, ZMTP_KEY_SIZE);
    const struct zmtp_bytes nonce = zmtp__read_bytes(r, ZMTP_SHORT_NONCE_SIZE);
    uint8_t *const sealed = curve_read_box(data, CURVE_HELLO_BOX);
    if (r->bad || r->left > 0)
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND, "the client's HELLO is malformed");
    if (version != CURVE_VERSION)
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND,
                               "the client speaks another version of CURVE than 1.0");
    if (!curve_all_zero(padding))
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND, "the client's HELLO is malformed");

    curve->theirs = curve_key_at(theirs.data);
    if (!security->crypto->agree(&curve->hello_key, &curve->theirs, &security->keys.secret_key))
        return zmtp__mech_fail(session, ZMTP_ERR_KEY, "the client's key of this connection is bad");
    const struct curve_box box =
        curve_box_of(session, &curve->hello_key, "CurveZMQHELLO---", nonce.data);
    if (!curve_open_box(&box, sealed, CURVE_HELLO_BOX))
        return zmtp__mech_fail(session, ZMTP_ERR_KEY,
                               "server key mismatch: the client was given another key than ours");
    if (!curve_all_zero(zmtp_bytes_of(sealed + ZMTP_MAC_SIZE, CURVE_HELLO_BOX - ZMTP_MAC_SIZE)))
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND, "the client's HELLO is malformed");
    curve->rx_nonce = curve_number(nonce);
    session->deadline_ms = now_ms + CURVE_COOKIE_MS;
    session->step = ZMTP__STEP_SAY_WELCOME;
    return ZMTP_OK;
}

static int curve_hear_welcome(struct zmtp__mech_session *session, struct curve_data *data)
{
    struct zmtp__curve *const curve = &session->memory.curve;
    struct zmtp__reader *const r = &data->reader;
    const struct zmtp_bytes nonce = zmtp__read_bytes(r, CURVE_LONG_NONCE);
    uint8_t *const sealed = curve_read_box(data, CURVE_WELCOME_BOX);
    if (r->bad || r->left > 0)
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND, "the server's WELCOME is malformed");

    const struct curve_box box = curve_box_of(session, &curve->hello_key, "WELCOME-", nonce.data);
    if (!curve_open_box(&box, sealed, CURVE_WELCOME_BOX))
        return zmtp__mech_fail(
            session, ZMTP_ERR_KEY,
            "server key mismatch: the server has another key than we were given");
    const uint8_t *const plain = sealed + ZMTP_MAC_SIZE;
    curve->theirs = curve_key_at(plain);
    memcpy(curve->cookie, plain + ZMTP_KEY_SIZE, sizeof curve->cookie);
    if (!session->security->crypto->agree(&curve->traffic_key, &curve->theirs,
                                          &curve->transient.secret_key))
        return zmtp__mech_fail(session, ZMTP_ERR_KEY, "the server's key of this connection is bad");
    session->suspicion =
        "the server hung up when it saw our key: most likely it allows others only";
    session->step = ZMTP__STEP_SAY_INITIATE;
    return ZMTP_OK;
}

// Opens the cookie, which only we can have made; then its key is of no more use. |theirs| is C', and
// |ours| the secret of S'.
static int curve_take_cookie(struct zmtp__mech_session *session, const struct zmtp_bytes nonce,
                             uint8_t *sealed, struct zmtp_key *theirs, struct zmtp_key *ours)
{
    struct zmtp__curve *const curve = &session->memory.curve;
    const struct curve_box box = curve_box_of(session, &curve->cookie_key, "COOKIE--", nonce.data);
    const bool good = curve_open_box(&box, sealed, CURVE_COOKIE_BOX);
    zmtp_wipe(&curve->cookie_key, sizeof curve->cookie_key);
    session->deadline_ms = UINT64_MAX;
    if (!good) return zmtp__mech_fail(session, ZMTP_ERR_KEY, "the client's cookie is not ours");
    *theirs = curve_key_at(sealed + ZMTP_MAC_SIZE);
    *ours = curve_key_at(sealed + ZMTP_MAC_SIZE + ZMTP_KEY_SIZE);
    zmtp_wipe(sealed, CURVE_COOKIE_BOX);
    return ZMTP_OK;
}

// Does C stand behind C', and does it mean us? |at| is C and its vouch.
static bool curve_check_vouch(struct zmtp__mech_session *session, uint8_t *at,
                              const struct zmtp_key *theirs, const struct zmtp_key *ours)
{
    struct zmtp_credentials *const credentials = &session->credentials;
    const struct zmtp_security *const security = session->security;
    struct zmtp_key key;
    credentials->mechanism = ZMTP_CURVE;
    credentials->public_key = curve_key_at(at);
    if (!security->crypto->agree(&key, &credentials->public_key, ours)) return false;
    uint8_t *const sealed = at + ZMTP_KEY_SIZE + CURVE_LONG_NONCE;
    const struct curve_box box = curve_box_of(session, &key, "VOUCH---", at + ZMTP_KEY_SIZE);
    const bool good = curve_open_box(&box, sealed, CURVE_VOUCH_BOX);
    zmtp_wipe(&key, sizeof key);
    if (!good) return false;
    const struct zmtp_key vouched = curve_key_at(sealed + ZMTP_MAC_SIZE);
    const struct zmtp_key meant = curve_key_at(sealed + ZMTP_MAC_SIZE + ZMTP_KEY_SIZE);
    return zmtp_key_equal(&vouched, theirs) && zmtp_key_equal(&meant, &security->keys.public_key);
}

// Opens the box of INITIATE, and finds out who sent it.
static int curve_open_initiate(struct zmtp__mech_session *session, struct zmtp_bytes nonce,
                               uint8_t *sealed, size_t size, const struct zmtp_key *theirs,
                               const struct zmtp_key *ours)
{
    struct zmtp__curve *const curve = &session->memory.curve;
    if (!session->security->crypto->agree(&curve->traffic_key, theirs, ours))
        return zmtp__mech_fail(session, ZMTP_ERR_KEY, "the client's key of this connection is bad");
    const struct curve_box box =
        curve_box_of(session, &curve->traffic_key, "CurveZMQINITIATE", nonce.data);
    if (!curve_open_box(&box, sealed, size))
        return zmtp__mech_fail(session, ZMTP_ERR_KEY,
                               "the client's INITIATE was changed on its way");
    if (!curve_check_vouch(session, sealed + ZMTP_MAC_SIZE, theirs, ours))
        return zmtp__mech_fail(session, ZMTP_ERR_KEY,
                               "the client's vouch is not its own, or not for us");
    const size_t before = ZMTP_MAC_SIZE + CURVE_INITIATE_FIXED;
    session->theirs = (struct zmtp_bytes){sealed + before, size - before};
    return ZMTP_OK;
}

static int curve_hear_initiate(struct zmtp__mech_session *session, struct curve_data *data,
                               uint64_t now_ms)
{
    struct zmtp__curve *const curve = &session->memory.curve;
    struct zmtp__reader *const r = &data->reader;
    const struct zmtp_bytes cookie_nonce = zmtp__read_bytes(r, CURVE_LONG_NONCE);
    uint8_t *const cookie = curve_read_box(data, CURVE_COOKIE_BOX);
    const struct zmtp_bytes nonce = zmtp__read_bytes(r, ZMTP_SHORT_NONCE_SIZE);
    const size_t size = r->left;
    uint8_t *const sealed = curve_read_box(data, size);
    if (r->bad || size < ZMTP_MAC_SIZE + CURVE_INITIATE_FIXED)
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND, "the client's INITIATE is malformed");
    if (now_ms >= session->deadline_ms)
        return zmtp__mech_fail(session, ZMTP_ERR_HANDSHAKE_TIMEOUT,
                               "the client came back later than a minute after WELCOME");
    if (curve_number(nonce) <= curve->rx_nonce)
        return zmtp__mech_fail(session, ZMTP_ERR_REPLAY, "the client's nonce does not go up");

    struct zmtp_key theirs, ours;
    int result = curve_take_cookie(session, cookie_nonce, cookie, &theirs, &ours);
    if (result < 0) return result;
    result = curve_open_initiate(session, nonce, sealed, size, &theirs, &ours);
    zmtp_wipe(&ours, sizeof ours);
    if (result < 0) return result;
    curve->rx_nonce = curve_number(nonce);
    session->heard = true;
    session->asking = true;
    session->step = ZMTP__STEP_SAY_READY;
    return ZMTP_OK;
}

static int curve_hear_ready(struct zmtp__mech_session *session, struct curve_data *data)
{
    struct zmtp__curve *const curve = &session->memory.curve;
    struct zmtp__reader *const r = &data->reader;
    const struct zmtp_bytes nonce = zmtp__read_bytes(r, ZMTP_SHORT_NONCE_SIZE);
    const size_t size = r->left;
    uint8_t *const sealed = curve_read_box(data, size);
    if (r->bad || size < ZMTP_MAC_SIZE)
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND, "the server's READY is malformed");

    const struct curve_box box =
        curve_box_of(session, &curve->traffic_key, "CurveZMQREADY---", nonce.data);
    if (!curve_open_box(&box, sealed, size))
        return zmtp__mech_fail(session, ZMTP_ERR_KEY, "the server's READY was changed on its way");
    curve->rx_nonce = curve_number(nonce);
    session->suspicion = NULL;
    session->theirs = (struct zmtp_bytes){sealed + ZMTP_MAC_SIZE, size - ZMTP_MAC_SIZE};
    session->heard = true;
    session->step = ZMTP__STEP_DONE;
    return ZMTP_OK;
}

static int curve_hear(struct zmtp__mech_session *session, uint8_t *body, size_t size,
                      uint64_t now_ms)
{
    struct zmtp_command command;
    const int result = zmtp_command_decode(zmtp_bytes_of(body, size), &command);
    if (result < 0) return result;
    struct curve_data data = {.octets = body + (size - command.data.size),
                              .reader = zmtp__reader_of(command.data)};
    const bool client = !session->security->server;
    if (client && zmtp_command_is(&command, "HELLO"))
        return zmtp__mech_fail(session, ZMTP_ERR_COMMAND,
                               "both sides are CURVE clients: one must be the server");
    // RFC 26: the server may say ERROR instead of WELCOME or READY, the client never.
    if (client && zmtp_command_is(&command, "ERROR"))
        return zmtp__mech_hear_error(session, &command);
    if (session->step == ZMTP__STEP_HEAR_HELLO && zmtp_command_is(&command, "HELLO"))
        return curve_hear_hello(session, &data, now_ms);
    if (session->step == ZMTP__STEP_HEAR_WELCOME && zmtp_command_is(&command, "WELCOME"))
        return curve_hear_welcome(session, &data);
    if (session->step == ZMTP__STEP_HEAR_INITIATE && zmtp_command_is(&command, "INITIATE"))
        return curve_hear_initiate(session, &data, now_ms);
    if (session->step == ZMTP__STEP_HEAR_READY && zmtp_command_is(&command, "READY"))
        return curve_hear_ready(session, &data);
    return zmtp__mech_fail(session, ZMTP_ERR_COMMAND,
                           "a command came that is not due in this handshake of CURVE");
}

static bool curve_done(const struct zmtp__mech_session *session)
{
    return session->step == ZMTP__STEP_DONE;
}

static void curve_seal(const struct zmtp__mech_session *session, struct zmtp__seal *out)
{
    const struct zmtp__curve *const curve = &session->memory.curve;
    zmtp__seal_init(out, session->security->crypto, &curve->traffic_key, session->security->server,
                    curve->tx_nonce, curve->rx_nonce);
}

const struct zmtp__mech zmtp__mech_curve = {
    .name = "CURVE",
    .say = curve_say,
    .hear = curve_hear,
    .done = curve_done,
    .seal = curve_seal,
};
