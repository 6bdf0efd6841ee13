#include "monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "../io/address.h"
#include "../msg/pipe.h"
#include "../zmq.h"
#include "endpoint.h"
#include "error.h"
#include "inproc.h"

enum {
    MONITOR_HEAD = 6,      // octets of an event's number and value, in version 1
    MONITOR_PARTS_MAX = 6, // event, count, two values, two endpoints
};

static size_t monitor_values(const struct zmq__news *news)
{
    return news->event == ZMQ_EVENT_PIPES_STATS ? 2 : 1;
}

// Where it is on this side.
static const char *monitor_local(const struct zmq__news *news)
{
    if (news->local) return news->local;
    return news->dialled ? "" : news->endpoint;
}

static int monitor_send_old(const struct zmq__monitor *monitor, const struct zmq__news *news)
{
    const uint16_t event = (uint16_t)news->event;
    const uint32_t value = (uint32_t)news->values[0];
    uint8_t head[MONITOR_HEAD]; // in the machine's own order
    memcpy(head, &event, sizeof event);
    memcpy(head + sizeof event, &value, sizeof value);
    const struct zmtp_bytes parts[] = {
        zmtp_bytes_of(head, sizeof head),
        zmtp_bytes_text(news->dialled ? news->endpoint : monitor_local(news))};
    return zmq__socket_try_send(monitor->speaker, parts, 2);
}

static int monitor_send_new(const struct zmq__monitor *monitor, const struct zmq__news *news)
{
    const uint64_t count = monitor_values(news);
    const char *const remote = news->dialled ? news->endpoint : news->remote;
    struct zmtp_bytes parts[MONITOR_PARTS_MAX];
    size_t used = 0;
    parts[used++] = zmtp_bytes_of(&news->event, sizeof news->event);
    parts[used++] = zmtp_bytes_of(&count, sizeof count);
    for (size_t i = 0; i < count; i++)
        parts[used++] = zmtp_bytes_of(&news->values[i], sizeof news->values[i]);
    parts[used++] = zmtp_bytes_text(monitor_local(news));
    parts[used++] = zmtp_bytes_text(remote);
    return zmq__socket_try_send(monitor->speaker, parts, used);
}

static void monitor_send(struct zmq__monitor *monitor, const struct zmq__news *news)
{
    if (!(monitor->events & news->event)) return;
    const int error = monitor->version == ZMQ_CURRENT_EVENT_VERSION
                          ? monitor_send_old(monitor, news)
                          : monitor_send_new(monitor, news);
    if (error != 0) monitor->dropped++;
}

void zmq__monitor_tell(struct zmq__socket *socket, const struct zmq__news *news)
{
    if (socket->monitor) monitor_send(socket->monitor, news);
}

// What the socket's own close ends.
static void monitor_tell_bound(void *user, const char *endpoint, int descriptor)
{
    const struct zmq__news news = {.event = ZMQ_EVENT_CLOSED,
                                   .values = {(uint64_t)descriptor},
                                   .endpoint = endpoint,
                                   .remote = ""};
    monitor_send(user, &news);
}

void zmq__monitor_stop(struct zmq__socket *socket, bool closes)
{
    struct zmq__monitor *const monitor = socket->monitor;
    if (!monitor) return;
    socket->monitor = NULL;
    if (closes) zmq__endpoint_each_bound(socket, monitor_tell_bound, monitor);
    const struct zmq__news news = {
        .event = ZMQ_EVENT_MONITOR_STOPPED, .endpoint = "", .remote = ""};
    monitor_send(monitor, &news);
    (void)zmq_close(monitor->speaker);
    zmtp_free(zmtp_heap(), monitor, sizeof *monitor);
}

// What a monitor is asked for.
struct monitor_wish {
    const char *endpoint; // null: none
    uint64_t events;
    int version;
    enum zmtp_socket_type type;
};

static int monitor_start(struct zmq__socket *socket, const struct monitor_wish *wish)
{
    int error;
    struct zmq__monitor *monitor = zmtp_alloc(zmtp_heap(), sizeof *monitor);
    if (!monitor) return ENOMEM;
    *monitor = (struct zmq__monitor){.version = wish->version, .events = wish->events};
    monitor->speaker = zmq__socket_open(socket->context, wish->type, &error);
    if (monitor->speaker) {
        monitor->speaker->options.linger = 0; // whoever never listens keeps no context from ending
        if (zmq_bind(monitor->speaker, wish->endpoint) == 0) {
            socket->monitor = monitor;
            return 0;
        }
        error = zmq_errno();
        (void)zmq_close(monitor->speaker);
    }
    zmtp_free(zmtp_heap(), monitor, sizeof *monitor);
    return error;
}

static int monitor_check_endpoint(const char *endpoint)
{
    struct zmtp_endpoint where;
    const int error = zmtp_endpoint_parse(endpoint, &where, NULL);
    if (error == ZMTP_ERR_ENDPOINT) return EINVAL;
    return error < 0 || where.transport != ZMTP_INPROC ? EPROTONOSUPPORT : 0;
}

static int monitor_change(void *handle, const struct monitor_wish *wish)
{
    const int error = wish->endpoint ? monitor_check_endpoint(wish->endpoint) : 0;
    if (error != 0) return zmq__fail(error);
    struct zmq__socket *socket = zmq__socket_enter(handle);
    if (!socket) return -1;
    zmq__monitor_stop(socket, false); // a second call takes the place of the first
    return zmq__socket_result(socket, wish->endpoint ? monitor_start(socket, wish) : 0);
}

int zmq_socket_monitor(void *handle, const char *endpoint, int events)
{
    const struct monitor_wish wish = {.endpoint = endpoint,
                                      .events = (uint64_t)events,
                                      .version = ZMQ_CURRENT_EVENT_VERSION,
                                      .type = ZMTP_PAIR};
    if (!zmq__socket_of(handle)) return -1;
    if (events & ~ZMQ_EVENT_ALL) return zmq__fail(EINVAL);
    return monitor_change(handle, &wish);
}

int zmq_socket_monitor_versioned(void *handle, const char *endpoint, uint64_t events, int version,
                                 int type)
{
    const struct monitor_wish wish = {.endpoint = endpoint,
                                      .events = events,
                                      .version = version,
                                      .type = (enum zmtp_socket_type)type};
    if (!zmq__socket_of(handle)) return -1;
    if (version != ZMQ_CURRENT_EVENT_VERSION && version != ZMQ_CURRENT_EVENT_VERSION_DRAFT)
        return zmq__fail(EINVAL);
    if (version == ZMQ_CURRENT_EVENT_VERSION && events >> 16 != 0) return zmq__fail(EINVAL);
    if (endpoint && type != ZMQ_PAIR && type != ZMQ_PUB && type != ZMQ_PUSH)
        return zmq__fail(EINVAL);
    return monitor_change(handle, &wish);
}

static void monitor_tell_pipe(struct zmq__socket *socket, struct zmq__news *news,
                              const struct zmtp_pipe_end *end)
{
    news->event = ZMQ_EVENT_PIPES_STATS;
    news->values[0] = zmtp__queue_count(end->in); // with what has crossed and was not received
    news->values[1] = end->out->count;
    monitor_send(socket->monitor, news);
    socket->monitor->told++;
}

static void monitor_tell_far(void *user, const char *endpoint, bool bound,
                             const struct zmtp_pipe_end *end)
{
    struct zmq__socket *const socket = user;
    const struct zmtp_origin *const origin = zmtp_pipe_link(end->other)->origin;
    char remote[ZMTP_ENDPOINT_MAX] = "";
    if (origin && origin->remote.size > 0 && origin->remote.size < sizeof remote)
        memcpy(remote, origin->remote.data, origin->remote.size);
    struct zmq__news news = {.endpoint = endpoint, .remote = remote, .dialled = !bound};
    monitor_tell_pipe(socket, &news, end);
}

static void monitor_tell_near(void *user, const char *name, const struct zmtp_pipe_end *end,
                              bool dialled)
{
    struct zmq__news news = {.endpoint = name, .remote = "", .dialled = dialled};
    monitor_tell_pipe(user, &news, end);
}

int zmq_socket_monitor_pipes_stats(void *handle)
{
    struct zmq__socket *socket = zmq__socket_enter(handle);
    int error = 0;
    if (!socket) return -1;
    struct zmq__monitor *const monitor = socket->monitor;
    if (!monitor || !(monitor->events & ZMQ_EVENT_PIPES_STATS)) error = EINVAL;
    if (error == 0) {
        zmq__socket_work(socket);
        monitor->told = 0;
        zmq__endpoint_each(socket, monitor_tell_far, socket);
        zmq__inproc_each(socket, monitor_tell_near, socket);
        if (monitor->told == 0) error = EAGAIN; // there is none
    }
    return zmq__socket_result(socket, error);
}

// The number of RFC 27 with which an authoriser turned away who came: the engine's words begin with it.
static uint64_t monitor_denial(struct zmtp_bytes reason)
{
    static const char words[] = "denied by authoriser: ";
    static const struct {
        const char *digits;
        enum zmtp_verdict verdict;
    } denials[] = {{"300", ZMTP_VERDICT_LATER}, {"500", ZMTP_VERDICT_BROKEN}};
    const size_t size = sizeof words - 1;
    if (reason.size < size + 3 || memcmp(reason.data, words, size) != 0) return ZMTP_VERDICT_DENY;
    for (size_t i = 0; i < sizeof denials / sizeof denials[0]; i++)
        if (memcmp(reason.data + size, denials[i].digits, 3) == 0) return denials[i].verdict;
    return ZMTP_VERDICT_DENY;
}

static bool monitor_says(struct zmtp_bytes reason, const char *words)
{
    const size_t size = strlen(words);
    for (size_t at = 0; at + size <= reason.size; at++)
        if (memcmp(reason.data + at, words, size) == 0) return true;
    return false;
}

// A command that was not due, or one of a mechanism that was not as it should be: the engine's words name it.
static uint64_t monitor_command_flaw(struct zmtp_bytes reason)
{
    static const struct {
        const char *words;
        uint64_t value;
    } flaws[] = {
        {"HELLO is malformed", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO},
        {"WELCOME is malformed", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME},
        {"INITIATE is malformed", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE},
        {"READY is malformed", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY},
        {"ERROR is malformed", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR},
        {"another version of CURVE", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO},
    };
    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++)
        if (monitor_says(reason, flaws[i].words)) return flaws[i].value;
    return ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND;
}

// Why a handshake failed, in the numbers of zmq.h.
static uint64_t monitor_failure(const struct zmtp_event *event, uint64_t *value)
{
    *value = ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED;
    switch (event->error) {
    case ZMTP_ERR_MECHANISM:
        *value = ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH;
        return ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    case ZMTP_ERR_KEY:
    case ZMTP_ERR_REPLAY:
        *value = ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC;
        return ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    case ZMTP_ERR_METADATA:
        *value = ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA;
        return ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    case ZMTP_ERR_COMMAND:
        *value = monitor_command_flaw(event->reason);
        return ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    case ZMTP_ERR_FRAME:
        return ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    case ZMTP_ERR_DENIED:
    case ZMTP_ERR_PEER:
        *value = monitor_denial(event->reason);
        return ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    case ZMTP_ERR_EOF:
        *value = EPIPE;
        return ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    default:
        *value = (uint64_t)zmq__errno_of(event->error);
        return ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    }
}

// The event of zmq.h that one of the engine's is; 0: none.
static uint64_t monitor_translate(const struct zmtp_event *event, uint64_t *value)
{
    *value = event->descriptor >= 0 ? (uint64_t)event->descriptor : 0;
    switch (event->kind) {
    case ZMTP_EVENT_LISTENING:
        return ZMQ_EVENT_LISTENING;
    case ZMTP_EVENT_ACCEPTED:
        return ZMQ_EVENT_ACCEPTED;
    case ZMTP_EVENT_CONNECTING:
        *value = EINPROGRESS;
        // Over ipc the system answers at once.
        return strncmp(event->endpoint, "ipc:", 4) == 0 ? 0 : ZMQ_EVENT_CONNECT_DELAYED;
    case ZMTP_EVENT_CONNECTED:
        return ZMQ_EVENT_CONNECTED;
    case ZMTP_EVENT_HANDSHAKE_DONE:
        *value = 0;
        return ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    case ZMTP_EVENT_HANDSHAKE_FAILED:
        return monitor_failure(event, value);
    case ZMTP_EVENT_CLOSED:
        return ZMQ_EVENT_DISCONNECTED;
    case ZMTP_EVENT_DIAL_FAILED:
    case ZMTP_EVENT_STOPPED:
        return ZMQ_EVENT_CLOSED;
    case ZMTP_EVENT_RETRY:
        *value = event->retry_ms;
        return ZMQ_EVENT_CONNECT_RETRIED;
    case ZMTP_EVENT_REFUSED:
    case ZMTP_EVENT_ACCEPT_PAUSED:
        *value = (uint64_t)zmq__errno_of(event->error);
        return ZMQ_EVENT_ACCEPT_FAILED;
    case ZMTP_EVENT_GAVE_UP:
    case ZMTP_EVENT_DROPPED:
    case ZMTP_EVENT_REQUEST_FAILED:
    case ZMTP_EVENTS:
        break;
    }
    return 0;
}

// The address of a connection over tcp at this side, while it has one. False: it has none.
static bool monitor_find_local(const struct zmtp_event *event, char *text, size_t size)
{
    struct zmtp__address address = {.size = sizeof address.at};
    const bool connected =
        event->kind == ZMTP_EVENT_ACCEPTED || event->kind == ZMTP_EVENT_CONNECTED ||
        event->kind == ZMTP_EVENT_HANDSHAKE_DONE || event->kind == ZMTP_EVENT_HANDSHAKE_FAILED ||
        event->kind == ZMTP_EVENT_CLOSED;
    if (!connected || event->descriptor < 0 || strncmp(event->endpoint, "tcp:", 4) != 0)
        return false;
    if (getsockname(event->descriptor, (struct sockaddr *)&address.at, &address.size) < 0)
        return false;
    zmtp__address_text(&address, text, size);
    return text[0] != '\0';
}

void zmq__monitor_event(struct zmq__socket *socket, const struct zmtp_event *event, bool bound,
                        int flaw)
{
    struct zmq__news news = {
        .endpoint = event->endpoint, .remote = event->remote, .dialled = !bound};
    char local[ZMTP__ADDRESS_TEXT_MAX];
    if (!socket->monitor) return;
    if (monitor_find_local(event, local, sizeof local)) news.local = local;
    news.event = monitor_translate(event, &news.values[0]);
    if (news.event == 0) return;
    if (flaw != 0) {
        news.event = flaw >= ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED
                         ? ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                         : ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
        news.values[0] = (uint64_t)flaw;
    }
    zmq__monitor_tell(socket, &news);
    if (event->kind != ZMTP_EVENT_HANDSHAKE_FAILED) return;
    news.event = ZMQ_EVENT_DISCONNECTED;
    news.values[0] = event->descriptor >= 0 ? (uint64_t)event->descriptor : 0;
    zmq__monitor_tell(socket, &news);
}
