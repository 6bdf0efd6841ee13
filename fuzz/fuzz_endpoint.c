// Endpoints: the views lie in the text, and what was read, written out anew, is read as the same.
#include <stdio.h>

#include <string.h>

#include "check.h"
#include "fuzz.h"

static bool is_address(struct zmtp_bytes host)
{
    return host.size > 0 && memchr(host.data, ':', host.size) != NULL;
}

// Writes a host and a port after |out|; 0: no port, or "*" where |any|.
static int write_address(char *out, size_t room, struct zmtp_bytes host, uint32_t port, bool any)
{
    char digits[16] = "";
    if (port > 0) (void)snprintf(digits, sizeof digits, ":%u", port);
    return snprintf(out, room, is_address(host) ? "[%.*s]%s" : "%.*s%s", (int)host.size,
                    (const char *)host.data, port == 0 && any ? ":*" : digits);
}

static int write_ip(const struct zmtp_endpoint *endpoint, char *out, size_t room)
{
    static const char *const schemes[] = {
        [ZMTP_TCP] = "tcp://", [ZMTP_WS] = "ws://", [ZMTP_UDP] = "udp://"};
    int size = snprintf(out, room, "%s", schemes[endpoint->transport]);
    if (endpoint->source.size > 0) {
        size += write_address(out + size, room - (size_t)size, endpoint->source,
                              endpoint->source_port, false);
        size += snprintf(out + size, room - (size_t)size, ";");
    }
    return size + write_address(out + size, room - (size_t)size, endpoint->host, endpoint->port,
                                endpoint->port_any);
}

// Writes |endpoint| as text. A port of any form is written as "*".
static void write_out(const struct zmtp_endpoint *endpoint, char out[2 * ZMTP_ENDPOINT_MAX])
{
    const int path_size = (int)endpoint->path.size;
    const char *const path = (const char *)endpoint->path.data;
    const size_t room = 2 * ZMTP_ENDPOINT_MAX;
    int size = 0;
    switch (endpoint->transport) {
    case ZMTP_TCP:
    case ZMTP_UDP:
        size = write_ip(endpoint, out, room);
        break;
    case ZMTP_VSOCK:
        size = endpoint->cid_any ? snprintf(out, room, "vsock://*")
                                 : snprintf(out, room, "vsock://%u", endpoint->cid);
        size += endpoint->port_any
                    ? snprintf(out + size, room - (size_t)size, ":*")
                    : snprintf(out + size, room - (size_t)size, ":%u", endpoint->port);
        break;
    case ZMTP_WS:
        size = write_ip(endpoint, out, room);
        size += snprintf(out + size, room - (size_t)size, "%.*s", path_size, path);
        break;
    case ZMTP_IPC:
        size = snprintf(out, room, "ipc://%s%.*s", endpoint->abstract ? "@" : "", path_size, path);
        break;
    case ZMTP_INPROC:
        size = snprintf(out, room, "inproc://%.*s", path_size, path);
        break;
    }
    fuzz_check(size > 0 && (size_t)size < room);
}

static void check_same(const struct zmtp_endpoint *a, const struct zmtp_endpoint *b)
{
    fuzz_check(a->transport == b->transport);
    fuzz_check(a->port == b->port && a->port_any == b->port_any && a->abstract == b->abstract);
    fuzz_check(a->path_any == b->path_any && a->cid_any == b->cid_any && a->cid == b->cid);
    fuzz_check(a->source_port == b->source_port);
    // Of a number of a vsock only the value is told again, not its zeros.
    if (a->transport != ZMTP_VSOCK) fuzz_check_equal(a->host, b->host);
    fuzz_check_equal(a->source, b->source);
    fuzz_check_equal(a->path, b->path);
}

static void check_read(const char *text, const struct zmtp_endpoint *endpoint)
{
    const struct zmtp_bytes whole = zmtp_bytes_text(text);
    fuzz_check(whole.size < ZMTP_ENDPOINT_MAX);
    const bool web = endpoint->transport == ZMTP_WS;
    fuzz_check(fuzz_is_within(endpoint->host, whole));
    fuzz_check(fuzz_is_within(endpoint->path, whole) ||
               (web && zmtp_bytes_equal(endpoint->path, zmtp_bytes_text("/"))));
    fuzz_check(!web || (endpoint->path.data[0] == '/' && endpoint->path.size <= ZMTP_WS_PATH_MAX));
    fuzz_check(fuzz_is_within(endpoint->source, whole));
    const bool ip = endpoint->transport == ZMTP_TCP || endpoint->transport == ZMTP_UDP;
    const bool has_host = ip || endpoint->transport == ZMTP_VSOCK;
    fuzz_check((has_host || web) == (endpoint->host.size > 0));
    fuzz_check(has_host == (endpoint->path.size == 0));
    fuzz_check(ip || web || endpoint->source.size == 0);
    fuzz_check(endpoint->source.size > 0 || endpoint->source_port == 0);
    fuzz_check(endpoint->transport == ZMTP_VSOCK || endpoint->port <= UINT16_MAX);
    fuzz_check(!endpoint->port_any || endpoint->port == 0);

    char again[2 * ZMTP_ENDPOINT_MAX];
    struct zmtp_endpoint second;
    write_out(endpoint, again);
    fuzz_check(zmtp_endpoint_parse(again, &second, NULL) == ZMTP_OK);
    check_same(endpoint, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const text = malloc(size + 1);
    fuzz_check(text != NULL);
    if (size > 0) memcpy(text, data, size);
    text[size] = 0;

    struct zmtp_endpoint endpoint;
    const char *why = NULL;
    const int result = zmtp_endpoint_parse(text, &endpoint, &why);
    if (result == ZMTP_OK) {
        fuzz_check(why == NULL);
        check_read(text, &endpoint);
    } else {
        fuzz_check(result == ZMTP_ERR_ENDPOINT || result == ZMTP_ERR_TRANSPORT);
        fuzz_check(why != NULL && why[0] != 0);
    }
    free(text);
    return 0;
}
