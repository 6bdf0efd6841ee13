#include "../base/reader.h"
#include "../base/writer.h"
#include "../wire.h"
#include "frame.h"

static bool command_name_ok(struct zmtp_bytes name)
{
    if (!zmtp__octets_ok(name) || name.size == 0 || name.size > UINT8_MAX) return false;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] < 0x21 || name.data[i] > 0x7E) return false;
    }
    return true;
}

int zmtp_command_decode(struct zmtp_bytes body, struct zmtp_command *out)
{
    if (!out || !zmtp__octets_ok(body)) return ZMTP_ERR_ARGUMENT;
    struct zmtp__reader r = zmtp__reader_of(body);
    const size_t size = (size_t)zmtp__read_be(&r, 1);
    const struct zmtp_bytes name = zmtp__read_bytes(&r, size);
    const struct zmtp_bytes data = zmtp__read_rest(&r);
    if (r.bad) return ZMTP_ERR_COMMAND;
    if (!command_name_ok(name)) return ZMTP_ERR_COMMAND;

    *out = (struct zmtp_command){.name = name, .data = data};
    return ZMTP_OK;
}

bool zmtp_command_is(const struct zmtp_command *command, const char *name)
{
    if (!command || !zmtp__octets_ok(command->name)) return false;
    return zmtp_bytes_equal(command->name, zmtp_bytes_text(name));
}

int zmtp_command_encode(const struct zmtp_command *command, uint8_t *out, size_t size)
{
    if (!command || (!out && size > 0) || !zmtp__octets_ok(command->data)) return ZMTP_ERR_ARGUMENT;
    if (!command_name_ok(command->name)) return ZMTP_ERR_ARGUMENT;
    const size_t named = 1 + command->name.size;
    if (command->data.size > (size_t)INT32_MAX - named - ZMTP_HEADER_MAX) return ZMTP_ERR_LIMIT;

    uint8_t header[ZMTP_HEADER_MAX];
    const struct zmtp_frame frame = {.size = named + command->data.size, .command = true};
    struct zmtp__writer w = zmtp__writer_of(out, size);
    zmtp__write_bytes(&w, zmtp_bytes_of(header, zmtp__frame_encode(&frame, header)));
    zmtp__write_be(&w, command->name.size, 1);
    zmtp__write_bytes(&w, command->name);
    zmtp__write_bytes(&w, command->data);
    return w.bad ? ZMTP_ERR_LIMIT : (int)w.filled;
}

int zmtp_ping_decode(struct zmtp_bytes data, struct zmtp_ping *out)
{
    if (!out || !zmtp__octets_ok(data)) return ZMTP_ERR_ARGUMENT;
    struct zmtp__reader r = zmtp__reader_of(data);
    const uint32_t ttl_ds = (uint32_t)zmtp__read_be(&r, 2);
    const struct zmtp_bytes context = zmtp__read_rest(&r);
    if (r.bad) return ZMTP_ERR_COMMAND;
    if (context.size > ZMTP_PING_CONTEXT_MAX) return ZMTP_ERR_COMMAND;

    *out = (struct zmtp_ping){.ttl_ms = ttl_ds * 100, .context = context};
    return ZMTP_OK;
}

int zmtp_pong_decode(struct zmtp_bytes data, struct zmtp_bytes *context)
{
    if (!context || !zmtp__octets_ok(data)) return ZMTP_ERR_ARGUMENT;
    if (data.size > ZMTP_PING_CONTEXT_MAX) return ZMTP_ERR_COMMAND;
    *context = data;
    return ZMTP_OK;
}

int zmtp_error_decode(struct zmtp_bytes data, struct zmtp_bytes *reason)
{
    if (!reason || !zmtp__octets_ok(data)) return ZMTP_ERR_ARGUMENT;
    struct zmtp__reader r = zmtp__reader_of(data);
    const size_t size = (size_t)zmtp__read_be(&r, 1);
    const struct zmtp_bytes text = zmtp__read_bytes(&r, size);
    if (r.bad) return ZMTP_ERR_COMMAND;
    if (r.left > 0) return ZMTP_ERR_COMMAND;

    *reason = text;
    return ZMTP_OK;
}

int zmtp_ping_encode(const struct zmtp_ping *ping, uint8_t *out, size_t size)
{
    if (!ping || !zmtp__octets_ok(ping->context)) return ZMTP_ERR_ARGUMENT;
    if (ping->context.size > ZMTP_PING_CONTEXT_MAX) return ZMTP_ERR_ARGUMENT;
    // Up, because a short TTL must not become zero, which means none.
    const uint32_t ttl_ds = ping->ttl_ms / 100 + (ping->ttl_ms % 100 > 0);

    uint8_t data[2 + ZMTP_PING_CONTEXT_MAX];
    struct zmtp__writer w = zmtp__writer_of(data, sizeof data);
    zmtp__write_be(&w, ttl_ds < UINT16_MAX ? ttl_ds : UINT16_MAX, 2);
    zmtp__write_bytes(&w, ping->context);
    const struct zmtp_command command = {zmtp_bytes_text("PING"), {data, w.filled}};
    return zmtp_command_encode(&command, out, size);
}

int zmtp_pong_encode(struct zmtp_bytes context, uint8_t *out, size_t size)
{
    if (context.size > ZMTP_PING_CONTEXT_MAX) return ZMTP_ERR_ARGUMENT;
    const struct zmtp_command command = {zmtp_bytes_text("PONG"), context};
    return zmtp_command_encode(&command, out, size);
}

int zmtp_error_encode(struct zmtp_bytes reason, uint8_t *out, size_t size)
{
    if (!zmtp__octets_ok(reason)) return ZMTP_ERR_ARGUMENT;
    if (reason.size > ZMTP_REASON_MAX) return ZMTP_ERR_ARGUMENT;
    uint8_t data[1 + ZMTP_REASON_MAX];
    struct zmtp__writer w = zmtp__writer_of(data, sizeof data);
    zmtp__write_be(&w, reason.size, 1);
    zmtp__write_bytes(&w, reason);
    const struct zmtp_command command = {zmtp_bytes_text("ERROR"), {data, w.filled}};
    return zmtp_command_encode(&command, out, size);
}
