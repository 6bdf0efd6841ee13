// The other ceiling: a plain stream of libuv's, as an event loop's program would have it without any library
// for messages. Frames are encoded into a buffer; uv_try_write takes what it can when the buffer is full or the
// program waits, uv_write the rest. What comes is parsed where it lies, within the read callback.
#include "adapter.h"
#include "bench.h"
#include "plain.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

// Encoded frames: those that are filled, and those of a write that is under way.
struct output {
    unsigned char *data;
    size_t used, capacity;
};

union uv_any_stream {
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct adapter {
    uv_loop_t loop;
    union uv_any_stream listener, peer;
    bool listens, connected, reading, writing;
    uv_connect_t connecting;
    uv_write_t write;
    struct plain_input in;
    struct output filling, leaving;
    bool (*on_message)(void *context, const unsigned char *data, size_t size);
    void *context;
    char endpoint[256];
};

static void stream_check(const char *what, int status)
{
    if (status < 0) bench_die(what, uv_strerror(status));
}

const char *adapter_library(void)
{
    static char text[32];
    (void)snprintf(text, sizeof text, "libuv %s", uv_version_string());
    return text;
}

struct adapter_home *adapter_home_open(void)
{
    return NULL;
}

void adapter_home_close(struct adapter_home *home)
{
    (void)home;
}

struct adapter *adapter_open(struct adapter_home *home, const struct adapter_wish *wish)
{
    (void)home;
    if (wish->security != ADAPTER_NULL) bench_die("security", "there is none without a library");
    struct adapter *const a = calloc(1, sizeof *a);
    if (!a) bench_die("adapter", "no memory");
    stream_check("loop", uv_loop_init(&a->loop));
    a->loop.data = a;
    plain_input_open(&a->in);
    return a;
}

static void stream_init(struct adapter *a, union uv_any_stream *stream, bool tcp)
{
    stream_check("stream", tcp ? uv_tcp_init(&a->loop, &stream->tcp)
                               : uv_pipe_init(&a->loop, &stream->pipe, 0));
    stream->stream.data = a;
}

// Hands out what is there while somebody takes it.
static void stream_parse(struct adapter *a)
{
    const unsigned char *body;
    size_t size;
    while (a->on_message && plain_input_take(&a->in, &body, &size))
        if (!a->on_message(a->context, body, size)) a->on_message = NULL;
}

static void stream_on_space(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct adapter *const a = handle->data;
    size_t size;
    (void)wanted;
    out->base = (char *)plain_input_space(&a->in, &size);
    out->len = size;
}

static void stream_flush(struct adapter *a);

static void stream_pause(struct adapter *a)
{
    (void)uv_read_stop(&a->peer.stream); // it never fails
    a->reading = false;
}

static void stream_on_read(uv_stream_t *stream, ssize_t came, const uv_buf_t *buffer)
{
    struct adapter *const a = stream->data;
    (void)buffer;
    if (came == UV_EOF) {
        if (a->on_message) bench_die("read", "the other side is gone");
        stream_pause(a);
        return;
    }
    stream_check("read", (int)came);
    a->in.filled += (size_t)came;
    stream_parse(a);
    stream_flush(a);
    // Nobody takes what came: it waits here, and the rest in the kernel.
    if (!a->on_message && a->in.filled > a->in.at) stream_pause(a);
}

static void stream_read(struct adapter *a)
{
    if (!a->connected || a->reading) return;
    stream_check("read", uv_read_start(&a->peer.stream, stream_on_space, stream_on_read));
    a->reading = true;
}

static void stream_connected(struct adapter *a)
{
    a->connected = true;
    if (a->peer.stream.type == UV_TCP) stream_check("TCP_NODELAY", uv_tcp_nodelay(&a->peer.tcp, 1));
    stream_read(a);
    stream_flush(a);
}

static void stream_on_peer(uv_stream_t *listener, int status)
{
    struct adapter *const a = listener->data;
    stream_check("listen", status);
    stream_init(a, &a->peer, listener->type == UV_TCP);
    stream_check("accept", uv_accept(listener, &a->peer.stream));
    stream_connected(a);
}

static void stream_on_connect(uv_connect_t *request, int status)
{
    struct adapter *const a = request->handle->data;
    stream_check("connect", status);
    stream_connected(a);
}

static void stream_turn(struct adapter *a)
{
    (void)uv_run(&a->loop, UV_RUN_ONCE); // says only if handles remain
}

static void stream_name(struct adapter *a, union plain_address *address, const char *endpoint)
{
    int size = sizeof *address;
    if (a->listener.stream.type == UV_TCP) {
        stream_check("name", uv_tcp_getsockname(&a->listener.tcp, &address->any, &size));
        plain_text(address, a->endpoint, sizeof a->endpoint);
    } else {
        (void)snprintf(a->endpoint, sizeof a->endpoint, "%s", endpoint);
    }
}

const char *adapter_bind(struct adapter *a, const char *endpoint)
{
    union plain_address address;
    (void)plain_parse(endpoint, &address);
    const bool tcp = address.any.sa_family == AF_INET;
    stream_init(a, &a->listener, tcp);
    a->listens = true;
    stream_check(endpoint, tcp ? uv_tcp_bind(&a->listener.tcp, &address.any, 0)
                               : uv_pipe_bind(&a->listener.pipe, address.ipc.sun_path));
    stream_check(endpoint, uv_listen(&a->listener.stream, 1, stream_on_peer));
    stream_name(a, &address, endpoint);
    return a->endpoint;
}

void adapter_connect(struct adapter *a, const char *endpoint)
{
    union plain_address address;
    (void)plain_parse(endpoint, &address);
    const bool tcp = address.any.sa_family == AF_INET;
    stream_init(a, &a->peer, tcp);
    if (tcp)
        stream_check(endpoint,
                     uv_tcp_connect(&a->connecting, &a->peer.tcp, &address.any, stream_on_connect));
    else
        uv_pipe_connect(&a->connecting, &a->peer.pipe, address.ipc.sun_path, stream_on_connect);
}

static void stream_on_written(uv_write_t *request, int status)
{
    struct adapter *const a = request->handle->data;
    stream_check("write", status);
    a->writing = false;
    a->leaving.used = 0;
    stream_flush(a);
}

// Gives the kernel what it takes at once, and the rest to a write; one is under way at a time.
static void stream_flush(struct adapter *a)
{
    if (!a->connected || a->writing || a->filling.used == 0) return;
    uv_buf_t all = uv_buf_init((char *)a->filling.data, (unsigned)a->filling.used);
    const int taken = uv_try_write(&a->peer.stream, &all, 1);
    if (taken < 0 && taken != UV_EAGAIN) stream_check("write", taken);
    const size_t left = a->filling.used - (size_t)(taken > 0 ? taken : 0);
    if (left > 0) {
        const struct output spare = a->leaving;
        a->leaving = a->filling;
        a->filling = spare;
        all = uv_buf_init((char *)a->leaving.data + (a->leaving.used - left), (unsigned)left);
        stream_check("write", uv_write(&a->write, &a->peer.stream, &all, 1, stream_on_written));
        a->writing = true;
    }
    a->filling.used = 0;
}

static void output_reserve(struct output *output, size_t size)
{
    const size_t needed = output->used + size;
    if (needed <= output->capacity) return;
    output->capacity = needed > PLAIN_BUFFER ? needed : PLAIN_BUFFER;
    output->data = realloc(output->data, output->capacity);
    if (!output->data) bench_die("frames", "no memory");
}

void adapter_subscribe(struct adapter *adapter, const void *topic, size_t size)
{
    (void)adapter;
    (void)topic;
    (void)size;
    bench_die("subscribe", "there is nothing of the kind without a library");
}

// Within |on_message| the frames stay here until the callback is over, however many.
void adapter_send(struct adapter *a, const void *data, size_t size)
{
    if (!a->on_message && a->filling.used + PLAIN_HEADER + size > PLAIN_BUFFER) {
        stream_flush(a);
        while (!a->connected || a->writing)
            stream_turn(a);
    }
    output_reserve(&a->filling, PLAIN_HEADER + size);
    a->filling.used += plain_header_encode(a->filling.data + a->filling.used, size);
    memcpy(a->filling.data + a->filling.used, data, size);
    a->filling.used += size;
}

void adapter_receive(struct adapter *a,
                     bool (*on_message)(void *context, const unsigned char *data, size_t size),
                     void *context)
{
    a->on_message = on_message;
    a->context = context;
    stream_flush(a);
    stream_parse(a);
    stream_flush(a);
    if (a->on_message) stream_read(a);
    while (a->on_message)
        stream_turn(a);
}

void adapter_idle(struct adapter *a, unsigned milliseconds)
{
    (void)a;
    (void)milliseconds; // nothing waits for anything
}

void adapter_close(struct adapter *a)
{
    stream_flush(a);
    while (a->writing || !a->connected)
        stream_turn(a);
    uv_close((uv_handle_t *)&a->peer.stream, NULL);
    if (a->listens) uv_close((uv_handle_t *)&a->listener.stream, NULL);
    if (uv_run(&a->loop, UV_RUN_DEFAULT) != 0 || uv_loop_close(&a->loop) != 0)
        bench_die("close", "something is still open");
    plain_input_close(&a->in);
    free(a->filling.data);
    free(a->leaving.data);
    free(a);
}
