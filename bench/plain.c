#include "plain.h"

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

socklen_t plain_parse(const char *endpoint, union plain_address *out)
{
    *out = (union plain_address){.any = {0}};
    if (strncmp(endpoint, "tcp://127.0.0.1:", 16) == 0) {
        out->tcp.sin_family = AF_INET;
        out->tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        out->tcp.sin_port = htons((uint16_t)strtoul(endpoint + 16, NULL, 10)); // "*" is 0
        return sizeof out->tcp;
    }
    if (strncmp(endpoint, "ipc://", 6) != 0 || strlen(endpoint + 6) >= sizeof out->ipc.sun_path)
        bench_die(endpoint, "neither tcp://127.0.0.1:PORT nor ipc://PATH");
    out->ipc.sun_family = AF_UNIX;
    memcpy(out->ipc.sun_path, endpoint + 6, strlen(endpoint + 6) + 1);
    return sizeof out->ipc;
}

void plain_text(const union plain_address *address, char *out, size_t size)
{
    if (address->any.sa_family == AF_UNIX)
        (void)snprintf(out, size, "ipc://%s", address->ipc.sun_path);
    else
        (void)snprintf(out, size, "tcp://127.0.0.1:%u", (unsigned)ntohs(address->tcp.sin_port));
}

static void plain_input_grow(struct plain_input *input, size_t capacity)
{
    unsigned char *const old = input->data ? input->data - PLAIN_APART : NULL;
    unsigned char *const block = realloc(old, PLAIN_APART + capacity);
    if (!block) bench_die("octets that came", "no memory");
    input->data = block + PLAIN_APART;
    input->capacity = capacity;
}

void plain_input_open(struct plain_input *input)
{
    *input = (struct plain_input){0};
    plain_input_grow(input, PLAIN_BUFFER);
}

void plain_input_close(struct plain_input *input)
{
    free(input->data - PLAIN_APART);
}

unsigned char *plain_input_space(struct plain_input *input, size_t *size)
{
    size_t header;
    const size_t frame = plain_frame(input, &header), here = input->filled - input->at;
    if (here > 0) memmove(input->data, input->data + input->at, here);
    input->at = 0;
    input->filled = here;
    if (frame > input->capacity) plain_input_grow(input, frame);
    // Of a large frame no more than it has, so that nothing behind it is to be moved.
    const size_t end = frame > PLAIN_BUFFER ? frame : input->capacity;
    *size = end - here;
    return input->data + here;
}
