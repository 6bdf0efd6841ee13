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

// The place of the first |octet|, or the size when there is none.
static size_t endpoint_first(struct zmtp_bytes bytes, char octet)
{
    size_t i = 0;
    while (i < bytes.size && bytes.data[i] != (uint8_t)octet)
        i++;
    return i;
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

// Reads a number of at most |digits| digits, up to |max|.
static bool endpoint_number(struct zmtp_bytes text, size_t digits, uint32_t max, uint32_t *out)
{
    uint64_t number = 0;
    if (text.size == 0 || text.size > digits || !endpoint_all_of(text, endpoint_digits))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (number > max) return false;
    *out = (uint32_t)number;
    return true;
}

// Reads a tcp port; 0: any.
static int endpoint_port(struct endpoint_text *text, struct zmtp_bytes port, uint32_t *out)
{
    *out = 0;
    if (endpoint_is(port, "*")) return ZMTP_OK;
    if (port.size == 0) return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the port is missing");
    if (endpoint_number(port, 5, UINT16_MAX, out)) return ZMTP_OK;
    return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the port is not a number up to 65535");
}

static int endpoint_host(struct endpoint_text *text, struct zmtp_bytes host, struct zmtp_bytes *out)
{
    if (host.size == 0) return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the host is missing");
    if (host.data[0] == '[') {
        if (host.size < 4 || host.data[host.size - 1] != ']') {
            return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the brackets hold no address");
        }
        *out = endpoint_head(endpoint_tail(host, 1), host.size - 2);
        if (endpoint_last(*out, ':') < out->size && endpoint_all_of(*out, endpoint_address)) {
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
    *out = host;
    return ZMTP_OK;
}

// The place of the colon before a port, which none within brackets is; the size when there is none.
static size_t endpoint_colon(struct zmtp_bytes address)
{
    const size_t colon = endpoint_last(address, ':');
    const size_t bracket = endpoint_last(address, ']');
    return bracket < address.size && bracket > colon ? address.size : colon;
}

static int endpoint_source(struct endpoint_text *text, struct zmtp_bytes source,
                           struct zmtp_endpoint *out)
{
    uint32_t port = 0;
    const size_t colon = endpoint_colon(source);
    if (source.size == 0)
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the address before the ; is missing");
    int error = endpoint_host(text, endpoint_head(source, colon), &out->source);
    if (error == ZMTP_OK && colon < source.size)
        error = endpoint_port(text, endpoint_tail(source, colon + 1), &port);
    out->source_port = (uint16_t)port;
    return error;
}

static int endpoint_tcp(struct endpoint_text *text, struct zmtp_endpoint *out)
{
    const size_t end = endpoint_first(text->rest, ';');
    if (end < text->rest.size) {
        const int error = endpoint_source(text, endpoint_head(text->rest, end), out);
        if (error < 0) return error;
        text->rest = endpoint_tail(text->rest, end + 1);
    }
    const size_t colon = endpoint_colon(text->rest);
    if (colon == text->rest.size)
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the port is missing");
    int error = endpoint_host(text, endpoint_head(text->rest, colon), &out->host);
    if (error == ZMTP_OK)
        error = endpoint_port(text, endpoint_tail(text->rest, colon + 1), &out->port);
    out->port_any = out->port == 0;
    return error;
}

static int endpoint_udp(struct endpoint_text *text, struct zmtp_endpoint *out)
{
    const struct zmtp_bytes whole = text->rest;
    const int error = endpoint_tcp(text, out);
    if (error < 0) return error;
    const size_t end = endpoint_first(whole, ';');
    if (end < whole.size && endpoint_colon(endpoint_head(whole, end)) < end)
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "an interface before the ; has no port");
    return ZMTP_OK;
}

static int endpoint_vsock(struct endpoint_text *text, struct zmtp_endpoint *out)
{
    const size_t colon = endpoint_last(text->rest, ':');
    out->host = endpoint_head(text->rest, colon);
    out->cid_any = endpoint_is(out->host, "*");
    if (colon == text->rest.size)
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the port is missing");
    // The largest numbers of 32 bits mean "any" to the system.
    if (!out->cid_any && !endpoint_number(out->host, 10, UINT32_MAX - 1, &out->cid))
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT,
                             "the context id is not a number up to 4294967294, or *");
    const struct zmtp_bytes port = endpoint_tail(text->rest, colon + 1);
    if (!endpoint_is(port, "*") && !endpoint_number(port, 10, UINT32_MAX - 1, &out->port))
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT,
                             "the port is not a number up to 4294967294, or *");
    out->port_any = out->port == 0;
    return ZMTP_OK;
}

// Where the host and the port of a ws endpoint end: at its path, which may be missing.
static size_t endpoint_path_begin(struct zmtp_bytes rest)
{
    const uint8_t *const slash = rest.size > 0 ? memchr(rest.data, '/', rest.size) : NULL;
    return slash ? (size_t)(slash - rest.data) : rest.size;
}

// A path goes into a request as it is, so it has only octets that need no escape there.
static int endpoint_ws_path(struct endpoint_text *text, struct zmtp_bytes path,
                            struct zmtp_endpoint *out)
{
    out->path = path.size > 0 ? path : zmtp_bytes_text("/");
    if (path.size > ZMTP_WS_PATH_MAX) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "the path is longer than 128 octets");
    }
    for (size_t i = 0; i < path.size; i++) {
        const uint8_t octet = path.data[i];
        if (octet <= ' ' || octet >= 0x7F || octet == '?' || octet == '#') {
            return endpoint_fail(text, ZMTP_ERR_ENDPOINT,
                                 "the path has an octet that must be written as %XX");
        }
    }
    return ZMTP_OK;
}

// RFC 45, Handshake: as in its example the port may be missing; that of HTTP is meant then. What is missing
// is spelled when the endpoint is told, and then it must still be one.
static int endpoint_ws(struct endpoint_text *text, struct zmtp_endpoint *out)
{
    static const char scheme[] = "ws://", port[] = ":80";
    const struct zmtp_bytes whole = text->rest;
    const size_t begin = endpoint_path_begin(whole);
    const int error = endpoint_ws_path(text, endpoint_tail(whole, begin), out);
    if (error < 0) return error;
    text->rest = endpoint_head(whole, begin);
    const bool has_port = endpoint_colon(text->rest) < text->rest.size;
    const size_t spelled =
        sizeof scheme - 1 + begin + (has_port ? 0 : sizeof port - 1) + out->path.size;
    if (spelled >= ZMTP_ENDPOINT_MAX) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT,
                             "with its port and path the endpoint is longer than 255 octets");
    }
    if (has_port) return endpoint_tcp(text, out);
    out->port = 80;
    return endpoint_host(text, text->rest, &out->host);
}

static int endpoint_ipc(struct endpoint_text *text, struct zmtp_endpoint *out)
{
    out->path = text->rest;
    out->path_any = endpoint_is(out->path, "*");
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
    if (endpoint_scheme(text, "vsock://")) {
        out->transport = ZMTP_VSOCK;
        return endpoint_vsock(text, out);
    }
    if (endpoint_scheme(text, "ws://")) {
        out->transport = ZMTP_WS;
        return endpoint_ws(text, out);
    }
    if (endpoint_scheme(text, "udp://")) {
        out->transport = ZMTP_UDP;
        return endpoint_udp(text, out);
    }
    const size_t colon = strcspn((const char *)text->rest.data, ":");
    if (colon == 0 || strncmp((const char *)text->rest.data + colon, "://", 3) != 0) {
        return endpoint_fail(text, ZMTP_ERR_ENDPOINT, "there is no transport before \"://\"");
    }
    return endpoint_fail(text, ZMTP_ERR_TRANSPORT,
                         "the transport is none of tcp, ipc, inproc, vsock, ws, udp");
}

int zmtp_endpoint_parse(const char *text, struct zmtp_endpoint *out, const char **why)
{
    struct endpoint_text reading = {.why = "the endpoint is missing or longer than 255 octets"};
    struct zmtp_endpoint endpoint = {0};
    int error = ZMTP_ERR_ENDPOINT;
    if (!out) return ZMTP_ERR_ARGUMENT;
    if (text && text[0] && memchr(text, 0, ZMTP_ENDPOINT_MAX)) {
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
