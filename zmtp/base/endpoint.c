#include <string.h>

#include "../base.h"

// The octets of a port, of a host's name, and of an IPv6 address with its scope.
static const char endpoint_digits[] = "0123456789";
static const char endpoint_name[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
static const char endpoint_address[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:%";

// What an endpoint's text is read with: what is left of it, and what was wrong with it.
struct endpoint_text {
    struct zmtp_bytes rest;
    const char *why;
};

static int endpoint_fail(struct endpoint_text *text, int error, const char *why)
{
    text->why = why;
    return error;
}

// The octets before |index|, and those from it on.
static struct zmtp_bytes endpoint_head(struct zmtp_bytes bytes, size_t index)
{
    return (struct zmtp_bytes){bytes.data, index};
}

static struct zmtp_bytes endpoint_tail(struct zmtp_bytes bytes, size_t index)
{
    return (struct zmtp_bytes){bytes.data + index, bytes.size - index};
}

// The place of the last |octet|, or the size when there is none.
static size_t endpoint_last(struct zmtp_bytes bytes, char octet)
{
    for (size_t i = bytes.size; i > 0; i--) {
        if (bytes.data[i - 1] == (uint8_t)octet) return i - 1;
    }
    return bytes.size;
}

static bool endpoint_is(struct zmtp_bytes bytes, const char *text)
{
    return zmtp_bytes_equal(bytes, zmtp_bytes_text(text));
}

static bool endpoint_all_of(struct zmtp_bytes bytes, const char *allowed)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] == 0 || !strchr(allowed, bytes.data[i])) return false;
    }
    return true;
}

static int endpoint_port(struct endpoint_text *text, struct zmtp_bytes port,
                         struct zmtp_endpoint *out)
{
    if (endpoint_is(port, "*")) {
        out->port_any = true;
        return ZMTP_OK;
    }
    if (port.size == 0) return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the port is missing");
    if (port.size > 5 || !endpoint_all_of(port, endpoint_digits)) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the port is not a number up to 65535");
    }
    uint32_t number = 0;
    for (size_t i = 0; i < port.size; i++) {
        number = number * 10 + (uint32_t)(port.data[i] - '0');
    }
    if (number > UINT16_MAX) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the port is not a number up to 65535");
    }
    out->port = (uint16_t)number;
    out->port_any = number == 0;
    return ZMTP_OK;
}

static int endpoint_host(struct endpoint_text *text, struct zmtp_bytes host,
                         struct zmtp_endpoint *out)
{
    if (host.size == 0) return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the host is missing");
    if (host.data[0] == '[') {
        if (host.size < 4 || host.data[host.size - 1] != ']') {
            return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the brackets hold no address");
        }
        out->host = endpoint_head(endpoint_tail(host, 1), host.size - 2);
        if (endpoint_last(out->host, ':') < out->host.size &&
            endpoint_all_of(out->host, endpoint_address)) {
            return ZMTP_OK;
        }
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the brackets hold no IPv6 address");
    }
    if (endpoint_last(host, ':') < host.size) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "an IPv6 address needs brackets");
    }
    if (!endpoint_is(host, "*") && !endpoint_all_of(host, endpoint_name)) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the host has an octet that no name has");
    }
    out->host = host;
    return ZMTP_OK;
}

static int endpoint_tcp(struct endpoint_text *text, struct zmtp_endpoint *out)
{
    const size_t colon = endpoint_last(text->rest, ':');
    const size_t bracket = endpoint_last(text->rest, ']');
    if (colon == text->rest.size || (bracket < text->rest.size && bracket > colon)) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the port is missing");
    }
    const int error = endpoint_host(text, endpoint_head(text->rest, colon), out);
    if (error < 0) return error;
    return endpoint_port(text, endpoint_tail(text->rest, colon + 1), out);
}

static int endpoint_ipc(struct endpoint_text *text, struct zmtp_endpoint *out)
{
    out->path = text->rest;
    if (out->path.size > 0 && out->path.data[0] == '@') {
        out->abstract = true;
        out->path = endpoint_tail(out->path, 1);
    }
    if (out->path.size == 0) return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the path is missing");
    if (out->path.size > ZMTP_IPC_PATH_MAX) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the path is longer than 107 octets");
    }
    return ZMTP_OK;
}

static int endpoint_inproc(struct endpoint_text *text, struct zmtp_endpoint *out)
{
    if (text->rest.size == 0) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the name is missing");
    }
    out->path = text->rest;
    return ZMTP_OK;
}

// Moves |text| behind |scheme| when it begins with it.
static bool endpoint_scheme(struct endpoint_text *text, const char *scheme)
{
    const size_t size = strlen(scheme);
    if (text->rest.size < size || memcmp(text->rest.data, scheme, size) != 0) return false;
    text->rest = endpoint_tail(text->rest, size);
    return true;
}

static int endpoint_read(struct endpoint_text *text, struct zmtp_endpoint *out)
{
    if (endpoint_scheme(text, "tcp://")) {
        out->transport = ZMTP_TCP;
        return endpoint_tcp(text, out);
    }
    if (endpoint_scheme(text, "ipc://")) {
        out->transport = ZMTP_IPC;
        return endpoint_ipc(text, out);
    }
    if (endpoint_scheme(text, "inproc://")) {
        out->transport = ZMTP_INPROC;
        return endpoint_inproc(text, out);
    }
    const size_t colon = strcspn((const char *)text->rest.data, ":");
    if (colon == 0 || strncmp((const char *)text->rest.data + colon, "://", 3) != 0) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "there is no transport before \"://\"");
    }
    return endpoint_fail(text, ZMTP_ERR_TRANSPORT, "the transport is none of tcp, ipc, inproc");
}

int zmtp_endpoint_parse(const char *text, struct zmtp_endpoint *out, const char **why)
{
    struct endpoint_text reading = {.why = "the endpoint is missing or longer than 255 octets"};
    struct zmtp_endpoint endpoint = {0};
    int error = ZMTP_ERR_ENDPOINT;
    if (text && memchr(text, 0, ZMTP_ENDPOINT_MAX)) {
        reading.rest = zmtp_bytes_text(text);
        error = endpoint_read(&reading, &endpoint);
    }
    if (error < 0) {
        if (why) *why = reading.why;
        return error;
    }
    *out = endpoint;
    return ZMTP_OK;
}
