// Endpoints: the views lie in the text, and what was read, written out anew, is read as the same.
#include <stdio.h>

#include "check.h"
#include "fuzz.h"

static bool is_address(struct zmtp_bytes host)
{
    return host.size > 0 && memchr(host.data, ':', host.size) != NULL;
}

// Writes |endpoint| as text. A port of any form is written as "*".
static void write_out(const struct zmtp_endpoint *endpoint, char out[2 * ZMTP_ENDPOINT_MAX])
{
    const int host_size = (int)endpoint->host.size, path_size = (int)endpoint->path.size;
    const char *const host = (const char *)endpoint->host.data;
    const char *const path = (const char *)endpoint->path.data;
    const size_t room = 2 * ZMTP_ENDPOINT_MAX;
    char port[8] = "*";
    int size = 0;
    switch (endpoint->transport) {
    case ZMTP_TCP:
        if (!endpoint->port_any) (void)snprintf(port, sizeof port, "%u", endpoint->port);
        size = snprintf(out, room, is_address(endpoint->host) ? "tcp://[%.*s]:%s" : "tcp://%.*s:%s",
                        host_size, host, port);
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
    fuzz_check_equal(a->host, b->host);
    fuzz_check_equal(a->path, b->path);
}

static void check_read(const char *text, const struct zmtp_endpoint *endpoint)
{
    const struct zmtp_bytes whole = zmtp_bytes_text(text);
    fuzz_check(whole.size < ZMTP_ENDPOINT_MAX);
    fuzz_check(fuzz_is_within(endpoint->host, whole) && fuzz_is_within(endpoint->path, whole));
    fuzz_check((endpoint->transport == ZMTP_TCP) == (endpoint->host.size > 0));
    fuzz_check((endpoint->transport == ZMTP_TCP) == (endpoint->path.size == 0));
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
