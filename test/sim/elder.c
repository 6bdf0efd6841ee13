#include "elder.h"

#include <assert.h>
#include <string.h>

static void elder_put_out(struct elder *elder, const void *octets, size_t size)
{
    assert(size <= ELDER_OUT - elder->out_size);
    if (size > 0) memcpy(elder->out + elder->out_size, octets, size);
    elder->out_size += size;
}

static void elder_put_in(struct elder *elder, const void *octets, size_t size)
{
    assert(size <= ELDER_IN - elder->in_size);
    if (size > 0) memcpy(elder->in + elder->in_size, octets, size);
    elder->in_size += size;
}

void elder_init(struct elder *elder, uint8_t version, enum zmtp_socket_type type,
                enum zmtp_socket_type server_type, struct zmtp_bytes routing_id)
{
    *elder = (struct elder){
        .version = version, .type = type, .server_type = server_type, .routing_id = routing_id};
    elder->said.muted = version == 1 && (type == ZMTP_SUB || type == ZMTP_XSUB);
    const uint8_t size = (uint8_t)routing_id.size;
    if (version == 1) {
        const uint8_t header[] = {(uint8_t)(size + 1), 0};
        elder_put_out(elder, header, sizeof header);
        elder_put_out(elder, routing_id.data, size);
    } else {
        const uint8_t signature[] = {0xFF, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(size + 1), 0x7F};
        elder_put_out(elder, signature, sizeof signature);
    }
}

// What the peer is told instead of the old greeting: one of 3.0, and a READY.
static void elder_tell_greeting(struct elder *elder)
{
    const struct zmtp_greeting greeting = {.major = 3, .minor = 0, .mechanism = "NULL"};
    uint8_t octets[ZMTP_GREETING_SIZE + 64], metadata[48];
    zmtp_greeting_encode(&greeting, octets);
    const struct zmtp_property type = {zmtp_bytes_text("Socket-Type"),
                                       zmtp_bytes_text(zmtp_socket_type_name(elder->server_type))};
    const int filled = zmtp_property_encode(&type, metadata, sizeof metadata);
    const struct zmtp_command ready = {zmtp_bytes_text("READY"),
                                       zmtp_bytes_of(metadata, (size_t)filled)};
    const int size = zmtp_command_encode(&ready, octets + ZMTP_GREETING_SIZE, 64);
    elder_put_in(elder, octets, ZMTP_GREETING_SIZE + (size_t)size);
    elder->greeted = true;
    // A publisher of 1.0 publishes everything, so this one hears that everything is wanted.
    const uint8_t everything[] = {0, 1, 1};
    if (elder->version != 1 || (elder->type != ZMTP_PUB && elder->type != ZMTP_XPUB)) return;
    elder_put_in(elder, everything, sizeof everything);
    elder->injected++;
}

// One octet of the other side's greeting.
static void elder_hear_greeting(struct elder *elder, uint8_t octet)
{
    const uint8_t *const g = elder->greeting;
    assert(elder->greeting_size < sizeof elder->greeting);
    elder->greeting[elder->greeting_size++] = octet;
    const size_t size = elder->greeting_size;
    if (elder->version == 1) {
        // A frame with a long length.
        if (size >= 10 && size == 9u + g[8]) elder_tell_greeting(elder);
        return;
    }
    const uint8_t revision[] = {1, (uint8_t)elder->type};
    const uint8_t identity[] = {0, (uint8_t)elder->routing_id.size};
    if (size == 10) elder_put_out(elder, revision, sizeof revision);
    if (size == 12) {
        elder_put_out(elder, identity, sizeof identity);
        elder_put_out(elder, elder->routing_id.data, elder->routing_id.size);
    }
    if (size >= 14 && size == 14u + g[13]) elder_tell_greeting(elder);
}

static uint64_t elder_number(const uint8_t *at)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | at[i];
    return number;
}

// One octet of a header of 3.0 that we say. True: |out| has the old one, of |*size| octets.
static bool elder_header_to_old(struct elder *elder, uint8_t octet, uint8_t out[10], size_t *size)
{
    struct elder_way *way = &elder->said;
    struct zmtp_frame frame;
    way->header[way->header_size++] = octet;
    const int used = zmtp_frame_decode(zmtp_bytes_of(way->header, way->header_size), &frame);
    if (used == 0) return false;
    assert(used > 0);
    way->body_left = frame.size;
    if (way->muted && !frame.more) way->lost++;
    *size = way->header_size;
    memcpy(out, way->header, *size);
    way->header_size = 0;
    if (elder->version == 2) return true;
    const uint64_t length = frame.size + 1;
    *size = 0;
    if (length >= 255) {
        out[(*size)++] = 0xFF;
        for (unsigned i = 0; i < 8; i++)
            out[(*size)++] = (uint8_t)(length >> (56 - 8 * i));
    } else {
        out[(*size)++] = (uint8_t)length;
    }
    out[(*size)++] = frame.more;
    return true;
}

// And the other way round.
static bool elder_header_to_new(struct elder *elder, uint8_t octet, uint8_t out[10], size_t *size)
{
    struct elder_way *way = &elder->heard;
    way->header[way->header_size++] = octet;
    if (elder->version == 2) {
        struct zmtp_frame frame;
        const int used = zmtp_frame_decode(zmtp_bytes_of(way->header, way->header_size), &frame);
        assert(used >= 0 && (used == 0 || !frame.command));
        if (used == 0) return false;
        way->body_left = frame.size;
        memcpy(out, way->header, way->header_size);
        *size = way->header_size;
    } else {
        const bool is_long = way->header[0] == 0xFF;
        if (way->header_size < (is_long ? 10u : 2u)) return false;
        const uint64_t length = is_long ? elder_number(way->header + 1) : way->header[0];
        assert(length > 0);
        way->body_left = length - 1;
        const struct zmtp_frame frame = {.size = length - 1,
                                         .more = way->header[way->header_size - 1] & 1};
        *size = zmtp_frame_encode(&frame, out);
    }
    way->header_size = 0;
    return true;
}

// The greeting and READY of 3.0 are swallowed: the old ones were said. Returns their octets here.
static size_t elder_skip(struct elder *elder, struct zmtp_bytes octets)
{
    size_t at = 0;
    for (; at < octets.size && !elder->ready_skipped; at++) {
        if (elder->skipped < ZMTP_GREETING_SIZE) {
            elder->skipped++;
            continue;
        }
        struct elder_way *way = &elder->said;
        if (way->body_left > 0) {
            elder->ready_skipped = --way->body_left == 0;
            continue;
        }
        struct zmtp_frame frame;
        way->header[way->header_size++] = octets.data[at];
        if (zmtp_frame_decode(zmtp_bytes_of(way->header, way->header_size), &frame) == 0) continue;
        way->body_left = frame.size;
        way->header_size = 0;
    }
    return at;
}

size_t elder_say(struct elder *elder, struct zmtp_bytes octets)
{
    size_t at = elder_skip(elder, octets);
    struct elder_way *way = &elder->said;
    while (at < octets.size && ELDER_OUT - elder->out_size >= 128) {
        uint8_t header[10];
        size_t size = 0;
        if (way->body_left > 0) {
            way->body_left--;
            if (!way->muted) elder_put_out(elder, octets.data + at, 1);
        } else if (elder_header_to_old(elder, octets.data[at], header, &size) && !way->muted) {
            elder_put_out(elder, header, size);
        }
        at++;
    }
    return at;
}

void elder_hear(struct elder *elder, struct zmtp_bytes octets)
{
    for (size_t i = 0; i < octets.size; i++) {
        uint8_t header[10];
        size_t size;
        if (!elder->greeted) {
            elder_hear_greeting(elder, octets.data[i]);
        } else if (elder->heard.body_left > 0) {
            elder->heard.body_left--;
            elder_put_in(elder, octets.data + i, 1);
        } else if (elder_header_to_new(elder, octets.data[i], header, &size)) {
            elder_put_in(elder, header, size);
        }
    }
}

void elder_wrote(struct elder *elder, size_t size)
{
    elder->out_size -= size;
    memmove(elder->out, elder->out + size, elder->out_size);
}

void elder_read(struct elder *elder, size_t size)
{
    elder->in_size -= size;
    memmove(elder->in, elder->in + size, elder->in_size);
}
