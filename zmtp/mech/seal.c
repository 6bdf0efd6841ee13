#include "seal.h"

#include <string.h>

#include "../base/reader.h"
#include "../base/writer.h"
#include "../wire/frame.h"

static const uint8_t seal_name[ZMTP__SEAL_NAME_SIZE] = {7, 'M', 'E', 'S', 'S', 'A', 'G', 'E'};

_Static_assert((int)ZMTP__SEAL_PAYLOAD == (int)ZMTP_SEAL_ROOM,
               "name, nonce and MAC are the room to seal in");

static const uint8_t *seal_prefix(bool from_server)
{
    return (const uint8_t *)(from_server ? "CurveZMQMESSAGES" : "CurveZMQMESSAGEC");
}

void zmtp__seal_init(struct zmtp__seal *seal, const struct zmtp_crypto *crypto,
                     const struct zmtp_key *key, bool server, uint64_t tx_nonce, uint64_t rx_nonce)
{
    *seal = (struct zmtp__seal){.crypto = crypto, .tx_nonce = tx_nonce, .rx_nonce = rx_nonce};
    crypto->subkey(&seal->tx_key, key, seal_prefix(server));
    crypto->subkey(&seal->rx_key, key, seal_prefix(!server));
}

int zmtp__seal_frame(struct zmtp__seal *seal, const struct zmtp_frame *frame,
                     struct zmtp_bytes body, uint8_t *out)
{
    if (seal->tx_nonce == UINT64_MAX) return ZMTP_ERR_LIMIT;
    uint8_t nonce[ZMTP_SHORT_NONCE_SIZE];
    struct zmtp__writer w = zmtp__writer_of(nonce, sizeof nonce);
    zmtp__write_be(&w, ++seal->tx_nonce, sizeof nonce);

    const struct zmtp_frame outer = {.size = body.size + ZMTP__SEAL_OVERHEAD};
    uint8_t *const message = out + zmtp__frame_encode(&outer, out);
    uint8_t *const payload = message + ZMTP__SEAL_PAYLOAD;
    payload[0] =
        (uint8_t)((frame->more ? ZMTP__SEAL_MORE : 0) | (frame->command ? ZMTP__SEAL_COMMAND : 0));
    seal->crypto->seal(message, 1, body, nonce, &seal->tx_key);
    memcpy(message, seal_name, sizeof seal_name);
    memcpy(message + sizeof seal_name, nonce, sizeof nonce);
    return ZMTP_OK;
}

int64_t zmtp__seal_open(struct zmtp__seal *seal, uint8_t *message, size_t size, uint8_t *out)
{
    if (size < ZMTP__SEAL_OVERHEAD) return ZMTP_ERR_COMMAND;
    if (memcmp(message, seal_name, sizeof seal_name) != 0) return ZMTP_ERR_COMMAND;
    const uint8_t *const nonce = message + sizeof seal_name;
    struct zmtp__reader r = zmtp__reader_of(zmtp_bytes_of(nonce, ZMTP_SHORT_NONCE_SIZE));
    const uint64_t number = zmtp__read_be(&r, ZMTP_SHORT_NONCE_SIZE);
    if (number <= seal->rx_nonce) return ZMTP_ERR_REPLAY;

    const size_t before = sizeof seal_name + ZMTP_SHORT_NONCE_SIZE;
    if (!seal->crypto->open(out, message + before, size - before, nonce, &seal->rx_key))
        return ZMTP_ERR_KEY;
    seal->rx_nonce = number; // only now: nobody else could have used it
    if (out[0] > ZMTP__SEAL_COMMAND) return ZMTP_ERR_FRAME; // MORE on a command too
    return (int64_t)(size - ZMTP__SEAL_PAYLOAD);
}
