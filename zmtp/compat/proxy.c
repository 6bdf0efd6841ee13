#include <string.h>

#include "error.h"
#include "poll.h"
#include "socket.h"

// Messages passed on from one side before the other, and the control, have their turn.
enum { PROXY_BURST = 1000 };

// What one side took in and gave out: messages, and the octets of their parts.
struct zmq__flow {
    uint64_t in_count, in_bytes, out_count, out_bytes;
};

struct zmq__proxy {
    void *sides[2]; // frontend, backend; they may be one
    void *capture;  // null: none
    void *control;  // null: none
    struct zmq__flow flows[2];
    bool paused, over;
};

// A copy for whoever listens in.
static int proxy_capture(const struct zmq__proxy *proxy, zmq_msg_t *msg, int flags)
{
    if (!proxy->capture) return 0;
    zmq_msg_t copy;
    (void)zmq_msg_init(&copy);
    const bool sent =
        zmq_msg_copy(&copy, msg) == 0 && zmq_msg_send(&copy, proxy->capture, flags) >= 0;
    if (!sent) (void)zmq_msg_close(&copy);
    return sent ? 0 : -1;
}

// Passes on the rest of a message of which |msg| is the first part. -1: errno tells.
static int proxy_pass(struct zmq__proxy *proxy, int from, zmq_msg_t *msg)
{
    void *const source = proxy->sides[from], *const target = proxy->sides[!from];
    for (;;) {
        const int more = zmq_msg_more(msg), flags = more ? ZMQ_SNDMORE : 0;
        const size_t size = zmq_msg_size(msg);
        if (proxy_capture(proxy, msg, flags) < 0 || zmq_msg_send(msg, target, flags) < 0) return -1;
        proxy->flows[from].in_bytes += size;
        proxy->flows[!from].out_bytes += size;
        if (!more) break;
        if (zmq_msg_recv(msg, source, 0) < 0) return -1;
    }
    proxy->flows[from].in_count++;
    proxy->flows[!from].out_count++;
    return 0;
}

// ZMQ_POLLIN and ZMQ_POLLOUT of a socket; -1: errno tells.
static int proxy_events(void *handle)
{
    struct zmq__socket *socket = zmq__socket_of(handle);
    return socket ? zmq__socket_events(socket) : -1;
}

// May the other side be sent to? 1 or 0; -1: errno tells. One that is both sides may have to be received from
// first, as a REP has.
static int proxy_has_room(const struct zmq__proxy *proxy, int from)
{
    if (proxy->sides[0] == proxy->sides[1]) return 1;
    const int events = proxy_events(proxy->sides[!from]);
    return events < 0 ? -1 : events & ZMQ_POLLOUT ? 1 : 0;
}

// Passes on what one side has while the other has room. Returns how many messages, or -1.
static int proxy_forward(struct zmq__proxy *proxy, int from)
{
    zmq_msg_t msg;
    int passed = 0;
    (void)zmq_msg_init(&msg);
    while (passed >= 0 && passed < PROXY_BURST) {
        const int room = proxy_has_room(proxy, from);
        if (room < 0) passed = -1;
        if (room <= 0) break;
        if (zmq_msg_recv(&msg, proxy->sides[from], ZMQ_DONTWAIT) < 0) {
            // A side that only sends has nothing either.
            if (zmq_errno() != EAGAIN && zmq_errno() != ENOTSUP && zmq_errno() != EFSM) passed = -1;
            break;
        }
        passed = proxy_pass(proxy, from, &msg) < 0 ? -1 : passed + 1;
    }
    const int error = zmq_errno();
    (void)zmq_msg_close(&msg);
    return passed < 0 ? zmq__fail(error) : passed;
}

static int proxy_tell(const struct zmq__proxy *proxy)
{
    const struct zmq__flow *front = &proxy->flows[0], *back = &proxy->flows[1];
    const uint64_t numbers[] = {front->in_count,  front->in_bytes, front->out_count,
                                front->out_bytes, back->in_count,  back->in_bytes,
                                back->out_count,  back->out_bytes};
    const size_t count = sizeof numbers / sizeof *numbers;
    for (size_t i = 0; i < count; i++)
        if (zmq_send(proxy->control, numbers + i, sizeof *numbers,
                     i + 1 < count ? ZMQ_SNDMORE : 0) < 0)
            return -1;
    return 0;
}

static bool proxy_says(zmq_msg_t *msg, const char *word)
{
    return zmtp_bytes_equal(zmtp_bytes_of(zmq_msg_data(msg), zmq_msg_size(msg)),
                            zmtp_bytes_text(word));
}

// What nobody knows is passed over, where libzmq would end the program.
static int proxy_obey(struct zmq__proxy *proxy, zmq_msg_t *msg)
{
    if (proxy_capture(proxy, msg, zmq_msg_more(msg) ? ZMQ_SNDMORE : 0) < 0) return -1;
    if (proxy_says(msg, "STATISTICS")) return proxy_tell(proxy);
    if (proxy_says(msg, "PAUSE")) proxy->paused = true;
    if (proxy_says(msg, "RESUME")) proxy->paused = false;
    if (proxy_says(msg, "TERMINATE")) proxy->over = true;
    int type = 0;
    size_t size = sizeof type;
    if (zmq_msg_more(msg) || zmq_getsockopt(proxy->control, ZMQ_TYPE, &type, &size) < 0 ||
        type != ZMQ_REP)
        return 0;
    return zmq_send(proxy->control, NULL, 0, 0) < 0 ? -1 : 0; // whoever asks has to be answered
}

// Returns how many commands there were, or -1.
static int proxy_listen(struct zmq__proxy *proxy)
{
    if (!proxy->control) return 0;
    zmq_msg_t msg;
    (void)zmq_msg_init(&msg);
    int result = 0;
    if (zmq_msg_recv(&msg, proxy->control, ZMQ_DONTWAIT) >= 0)
        result = proxy_obey(proxy, &msg) < 0 ? -1 : 1;
    else if (zmq_errno() != EAGAIN)
        result = -1;
    const int error = zmq_errno();
    (void)zmq_msg_close(&msg);
    return result < 0 ? zmq__fail(error) : result;
}

// Waits for what would let something be passed on: input where there is none, room where input waits. Each side
// is looked at once: news that come between two looks would be waited for by neither.
static int proxy_wait(const struct zmq__proxy *proxy)
{
    zmq_pollitem_t items[3] = {0};
    int count = 0, found[2];
    const bool one = proxy->sides[0] == proxy->sides[1];
    for (int side = 0; side < 2; side++) {
        found[side] = proxy_events(proxy->sides[side]);
        if (found[side] < 0) return -1;
    }
    for (int side = 0; side < (one ? 1 : 2) && !proxy->paused; side++) {
        const int here = found[side], there = found[!side];
        if (here & ZMQ_POLLIN && there & ZMQ_POLLOUT && !one) return 0; // it has come just now
        int events = here & ZMQ_POLLIN && !one ? 0 : ZMQ_POLLIN;
        if (there & ZMQ_POLLIN && !(here & ZMQ_POLLOUT) && !one) events |= ZMQ_POLLOUT;
        items[count++] = (zmq_pollitem_t){.socket = proxy->sides[side], .events = (short)events};
    }
    if (proxy->control)
        items[count++] = (zmq_pollitem_t){.socket = proxy->control, .events = ZMQ_POLLIN};
    return zmq_poll(items, (int)count, -1);
}

static int proxy_step(struct zmq__proxy *proxy)
{
    const int commands = proxy_listen(proxy);
    if (commands < 0 || proxy->over) return commands;
    int passed = commands;
    for (int side = 0; side < 2 && !proxy->paused; side++) {
        if (side == 1 && proxy->sides[1] == proxy->sides[0]) break;
        const int count = proxy_forward(proxy, side);
        if (count < 0) return -1;
        passed += count;
    }
    return passed > 0 ? 0 : proxy_wait(proxy);
}

int zmq_proxy_steerable(void *frontend, void *backend, void *capture, void *control)
{
    if (!frontend || !backend) return zmq__fail(EFAULT);
    if (!zmq__socket_of(frontend) || !zmq__socket_of(backend)) return -1;
    if (capture && !zmq__socket_of(capture)) return -1;
    if (control && !zmq__socket_of(control)) return -1;
    struct zmq__proxy proxy = {
        .sides = {frontend, backend}, .capture = capture, .control = control};
    while (!proxy.over)
        if (proxy_step(&proxy) < 0) return -1;
    return 0;
}

int zmq_proxy(void *frontend, void *backend, void *capture)
{
    return zmq_proxy_steerable(frontend, backend, capture, NULL);
}

int zmq_device(int type, void *frontend, void *backend)
{
    (void)type; // it never made a difference
    return zmq_proxy(frontend, backend, NULL);
}
