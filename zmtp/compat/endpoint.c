// Binding and connecting. Each endpoint outside of the process is a socket of the engine's own, made
// with the options of that moment, and all of them have the one core: so options that are set later count for
// later endpoints, and an endpoint ends without the others.
#include "endpoint.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "../io/conn.h"
#include "../io/listener.h"
#include "../io/udp.h"
#include "../ws/ws.h"
#include "../zap.h"
#include "../zmq.h"
#include "error.h"
#include "inproc.h"
#include "monitor.h"
#include "zap.h"

struct zmq__endpoint {
    struct zmq__endpoint *next;
    struct zmq__socket *socket;
    struct zmtp_uv_socket *uv_socket; // null: over inproc, or vain
    bool bound;
    bool vain;      // nothing comes of it
    int descriptor; // that listens, or did; 0: none
    struct zmq__text zap_domain;
    bool zap_enforced; // who cannot be judged is not let in
    char given[ZMTP_ENDPOINT_MAX];
    char text[ZMTP_ENDPOINT_MAX]; // what it came to
};

// In libzmq's words what the engine says of |endpoint|.
static int endpoint_error(int error, const struct zmtp_endpoint *where, bool bound)
{
    const bool ip = where->transport == ZMTP_TCP || where->transport == ZMTP_WS;
    if (error == ZMTP_ERR_NOT_FOUND && ip && bound) {
        // An address that is not this machine's, or a name that is no interface.
        const bool address =
            where->host.size > 0 && ((where->host.data[0] >= '0' && where->host.data[0] <= '9') ||
                                     memchr(where->host.data, ':', where->host.size));
        return address ? EADDRNOTAVAIL : ENODEV;
    }
    if (error == ZMTP_ERR_UNSUPPORTED)
        return where->transport == ZMTP_WS && !zmtp__ws_built() ? EPROTONOSUPPORT : ENOCOMPATPROTO;
    return zmq__errno_of(error);
}

static void endpoint_closed(void *user)
{
    struct zmq__socket *socket = user;
    socket->abroad--;
}

// To the monitor, of what is bound, or was to be.
static void endpoint_tell(struct zmq__socket *socket, int event, int value, const char *endpoint)
{
    const struct zmq__news news = {
        .event = (uint64_t)event, .values = {(uint64_t)value}, .endpoint = endpoint, .remote = ""};
    zmq__monitor_tell(socket, &news);
}

// The socket's engine, which it has from the first such endpoint on.
static int endpoint_go_abroad(struct zmq__socket *socket)
{
    struct zmq__loop *watch;
    if (socket->engine) return 0;
    int error = zmq__context_loop(socket->context, socket->options.affinity, &watch);
    if (error != 0) return error;
    error = zmq__engine_open(&socket->engine, socket, watch);
    if (error != 0)
        atomic_fetch_sub_explicit(&watch->load, 1, memory_order_relaxed);
    else if (socket->safe || atomic_load_explicit(&socket->exposed, memory_order_relaxed))
        zmq__engine_expose(socket->engine);
    return error;
}

static void endpoint_event(struct zmtp_uv_socket *uv_socket, const struct zmtp_event *event,
                           void *user)
{
    const struct zmq__endpoint *const endpoint = user;
    (void)uv_socket;
    const bool failed = event->kind == ZMTP_EVENT_HANDSHAKE_FAILED;
    const int flaw = failed ? zmq__zap_forget(endpoint->socket, event->peer) : 0;
    zmq__monitor_event(endpoint->socket, event, endpoint->bound, flaw);
}

// Without a ZAP handler libzmq lets in who knows the key of a CURVE server, and with NULL everybody, unless
// ZMQ_ZAP_ENFORCE_DOMAIN is set; nobody with PLAIN, as names and passwords mean nothing then. That option has CURVE without
// a domain ask nobody.
static void endpoint_authorise(struct zmtp_uv_socket *uv_socket, const struct zmtp_uv_guest *guest,
                               void *user)
{
    const struct zmq__endpoint *const endpoint = user;
    struct zmq__socket *const socket = endpoint->socket;
    const enum zmtp_mechanism mechanism = guest->credentials.mechanism;
    const bool enforced = endpoint->zap_enforced;
    const bool open = enforced && mechanism == ZMTP_CURVE && endpoint->zap_domain.size == 0;
    const struct zmtp_bytes nothing = {0};
    if (!open && zmq__inproc_bound(socket->context, ZMTP_ZAP_ENDPOINT))
        zmq__zap_ask(socket, uv_socket, guest, zmq__text_bytes(&endpoint->zap_domain));
    else if (!open && (enforced || mechanism == ZMTP_PLAIN))
        zmq__zap_refuse(socket, uv_socket, guest, EFAULT);
    else // who has gone meanwhile need not be judged
        (void)zmtp_uv_authorise(uv_socket, guest->ticket, ZMTP_VERDICT_ALLOW, nothing, nothing);
}

// What the next peer that is connected to is to be called. Of one connect only; a REP has the option, too, and no use for it.
static struct zmtp_bytes endpoint_take_name(struct zmq__socket *socket)
{
    const struct zmtp_bytes none = {0}, name = socket->options.connect_routing_id;
    socket->options.connect_routing_id = none;
    return socket->type == ZMTP_REP ? none : name;
}

static int endpoint_start(struct zmq__endpoint *endpoint, const struct zmtp_uv_config *config,
                          struct zmtp_bytes routing_id)
{
    struct zmq__socket *const socket = endpoint->socket;
    struct zmtp_uv_socket *uv_socket;
    int error = zmtp__uv_socket_open_lent(&uv_socket, socket->engine->uv, config, socket->core);
    if (error < 0) return error;
    socket->abroad++;
    uv_socket->given = socket->options.use_fd + 1;
    if (endpoint->bound)
        error = zmtp_uv_bind(uv_socket, endpoint->given);
    else if (routing_id.size > 0)
        error = zmtp_uv_connect_as(uv_socket, endpoint->given, routing_id);
    else
        error = zmtp_uv_connect(uv_socket, endpoint->given);
    if (error < 0) {
        zmtp_uv_socket_close(uv_socket, endpoint_closed, socket);
        return error;
    }
    endpoint->uv_socket = uv_socket;
    if (uv_socket->listeners) endpoint->descriptor = uv_socket->listeners->descriptor;
    strcpy(endpoint->text, endpoint->bound ? zmtp_uv_endpoint(uv_socket) : endpoint->given);
    return ZMTP_OK;
}

static int endpoint_open_far(struct zmq__socket *socket, struct zmq__endpoint *endpoint,
                             const struct zmtp_endpoint *where)
{
    struct zmtp_uv_config config;
    struct zmtp_bytes routing_id = {0};
    if (!endpoint->bound && socket->options.socks_proxy.size > 0) return ENOTSUP; // not past it
    int error = endpoint_go_abroad(socket);
    if (error != 0) return error;
    zmq__options_endpoint(&socket->options, socket->type, &config);
    config.user = endpoint;
    config.on_event = endpoint_event;
    config.on_authorise = endpoint_authorise;
    if (!config.security.server) config.on_authorise = NULL;
    if (!endpoint->bound) routing_id = endpoint_take_name(socket);
    const int result = endpoint_start(endpoint, &config, routing_id);
    zmtp_wipe(&config.security, sizeof config.security);
    error = result < 0 ? endpoint_error(result, where, endpoint->bound) : 0;
    if (error == EIO && config.transport.device[0] && if_nametoindex(config.transport.device) == 0)
        error = ENODEV; // of ZMQ_BINDTODEVICE
    if (error != 0 && endpoint->bound)
        endpoint_tell(socket, ZMQ_EVENT_BIND_FAILED, error, endpoint->given);
    zmq__socket_work(socket);
    return error;
}

static int endpoint_parse(const char *text, struct zmtp_endpoint *where)
{
    if (!text) return EINVAL;
    const int error = zmtp_endpoint_parse(text, where, NULL);
    // A scheme without anything behind it is no endpoint at all.
    const char *const colon = strstr(text, "://");
    if (error == ZMTP_ERR_TRANSPORT && (!colon || colon == text || colon[3] == '\0')) return EINVAL;
    if (error == ZMTP_ERR_ENDPOINT && strncmp(text, "ipc://", 6) == 0 &&
        strlen(text + 6) > ZMTP_IPC_PATH_MAX)
        return ENAMETOOLONG;
    return error < 0 ? zmq__errno_of(error) : 0;
}

static struct zmq__endpoint *endpoint_find(const struct zmq__socket *socket, const char *text,
                                           bool bound)
{
    struct zmq__endpoint *endpoint = socket->endpoints;
    while (endpoint && (endpoint->bound != bound ||
                        (strcmp(endpoint->given, text) != 0 && strcmp(endpoint->text, text) != 0)))
        endpoint = endpoint->next;
    return endpoint;
}

// Types of which a second connection to the same place is none.
static bool endpoint_once(enum zmtp_socket_type type)
{
    return type == ZMTP_DEALER || type == ZMTP_SUB || type == ZMTP_PUB || type == ZMTP_REQ;
}

// Datagrams are for three types, each in its direction, and a DGRAM is for nothing else.
static bool endpoint_fits(enum zmtp_socket_type type, enum zmtp_transport transport, bool bound)
{
    if (transport != ZMTP_UDP) return type != ZMTP_DGRAM;
    return bound ? type == ZMTP_DISH || type == ZMTP_DGRAM : type == ZMTP_RADIO;
}

static bool endpoint_has_scheme(const char *text, const char *scheme)
{
    return strncmp(text, scheme, strlen(scheme)) == 0;
}

// Transports that are not here, but that libzmq has, for publishers and their subscribers: others are told that first.
static bool endpoint_multicast(const char *text)
{
    return endpoint_has_scheme(text, "pgm://") || endpoint_has_scheme(text, "epgm://") ||
           endpoint_has_scheme(text, "norm://");
}

static bool endpoint_publishes(enum zmtp_socket_type type)
{
    return type == ZMTP_PUB || type == ZMTP_SUB || type == ZMTP_XPUB || type == ZMTP_XSUB;
}

static int endpoint_open(struct zmq__socket *socket, const char *text, bool bound)
{
    struct zmtp_endpoint where;
    int error = endpoint_parse(text, &where);
    if (error == EPROTONOSUPPORT && endpoint_multicast(text) && !endpoint_publishes(socket->type))
        return ENOCOMPATPROTO;
    if (error != 0) return error;
    if (!endpoint_fits(socket->type, where.transport, bound)) return ENOCOMPATPROTO;
    if (!bound && endpoint_once(socket->type) && where.transport != ZMTP_INPROC &&
        endpoint_find(socket, text, false))
        return 0;
    struct zmq__endpoint *endpoint = zmtp_alloc(zmtp_heap(), sizeof *endpoint);
    if (!endpoint) return ENOMEM;
    *endpoint = (struct zmq__endpoint){.socket = socket, .bound = bound};
    endpoint->zap_domain = socket->options.zap_domain;
    endpoint->zap_enforced = socket->options.zap_enforce;
    strcpy(endpoint->given, text); // the parser checked the size
    strcpy(endpoint->text, text);
    if (where.transport != ZMTP_INPROC)
        error = endpoint_open_far(socket, endpoint, &where);
    else
        error = bound ? zmq__inproc_bind(socket, text)
                      : zmq__inproc_connect(socket, text, endpoint_take_name(socket));
    // Who has a peer takes no other, and yet libzmq's connects; but with ZMQ_IMMEDIATE the first that is there would be its
    // peer, so here it is an error that the first that was dialled is.
    const bool waits = socket->options.immediate && where.transport != ZMTP_INPROC;
    endpoint->vain =
        !bound && socket->type == ZMTP_PAIR && error == EADDRINUSE && !socket->strict && !waits;
    if (error != 0 && !endpoint->vain) {
        zmtp_free(zmtp_heap(), endpoint, sizeof *endpoint);
        return error;
    }
    // What was chosen has the name of what came of it alone.
    if (bound && (where.port_any || where.path_any)) strcpy(endpoint->given, endpoint->text);
    strcpy(socket->last_endpoint, endpoint->text);
    endpoint->next = socket->endpoints;
    socket->endpoints = endpoint;
    zmq__socket_work(socket);
    return 0;
}

// The one that is over is the caller's.
static void endpoint_unlist(struct zmq__socket *socket, struct zmq__endpoint *endpoint)
{
    struct zmq__endpoint **at = &socket->endpoints;
    while (*at != endpoint)
        at = &(*at)->next;
    *at = endpoint->next;
}

// What was sent has the time that the option says now.
static void endpoint_hang_up(struct zmq__socket *socket, const struct zmq__endpoint *endpoint)
{
    const int linger = socket->options.linger;
    zmq__zap_leave(socket, endpoint->uv_socket);
    endpoint->uv_socket->config.linger_ms = linger < 0 ? UINT32_MAX : (uint32_t)linger;
    zmtp_uv_socket_close(endpoint->uv_socket, endpoint_closed, socket);
}

static void endpoint_end(struct zmq__socket *socket, struct zmq__endpoint *endpoint)
{
    if (endpoint->uv_socket) {
        if (endpoint->bound)
            endpoint_tell(socket, ZMQ_EVENT_CLOSED, endpoint->descriptor, endpoint->text);
        endpoint_hang_up(socket, endpoint);
    } else if (endpoint->vain) {
        // There is nothing to end.
    } else if (endpoint->bound) {
        (void)zmq__inproc_unbind(socket, endpoint->given); // it is there
    } else {
        (void)zmq__inproc_disconnect(socket, endpoint->given); // or has ended by itself
    }
    endpoint_unlist(socket, endpoint);
    zmtp_free(zmtp_heap(), endpoint, sizeof *endpoint);
    zmq__socket_work(socket);
}

// An errno if |text| can be the name of none of |socket|'s.
static int endpoint_check_name(const struct zmq__socket *socket, const char *text)
{
    struct zmtp_endpoint where;
    const int error = endpoint_parse(text, &where);
    const enum zmtp_socket_type type = socket->type;
    const char *const colon = text ? strstr(text, "://") : NULL;
    if (!colon || colon == text || colon[3] == '\0') return error;
    // What is behind a scheme that is known has only not to be there.
    if (endpoint_has_scheme(text, "udp://"))
        return type == ZMTP_RADIO || type == ZMTP_DISH || type == ZMTP_DGRAM ? 0 : ENOCOMPATPROTO;
    if (endpoint_multicast(text)) return endpoint_publishes(type) ? 0 : ENOCOMPATPROTO;
    if (endpoint_has_scheme(text, "tipc://")) return 0;
    return error == EPROTONOSUPPORT ? error : 0;
}

int zmq__endpoint_close(struct zmq__socket *socket, const char *text, bool bound)
{
    const int error = endpoint_check_name(socket, text);
    if (error != 0) return error;
    zmq__socket_work(socket);
    struct zmq__endpoint *const endpoint = endpoint_find(socket, text, bound);
    if (!endpoint) return ENOENT;
    endpoint_end(socket, endpoint);
    return 0;
}

// As with libzmq, it is the same for what is bound and what is connected: all of that name go; but of one that is bound
// over inproc that alone.
static int endpoint_close_all(struct zmq__socket *socket, const char *text)
{
    const int error = endpoint_check_name(socket, text);
    if (error != 0) return error;
    zmq__socket_work(socket);
    struct zmq__endpoint *endpoint;
    int count = 0;
    while ((endpoint = endpoint_find(socket, text, true))) {
        const bool near = !endpoint->uv_socket;
        endpoint_end(socket, endpoint);
        count++;
        if (near) return 0;
    }
    while ((endpoint = endpoint_find(socket, text, false))) {
        endpoint_end(socket, endpoint);
        count++;
    }
    return count > 0 ? 0 : ENOENT;
}

int zmq__endpoint_connect_peer(struct zmq__socket *socket, const char *text, uint32_t *number)
{
    const int error = endpoint_open(socket, text, false);
    if (error != 0) return error;
    const struct zmtp_pipe_end *end =
        socket->endpoints->uv_socket
            ? socket->endpoints->uv_socket->conns->end // it has dialled once, and no more
            : zmq__inproc_dialled(socket, text);
    *number = end ? zmtp_socket_peer_id(socket->core, end) : 0;
    if (*number != 0) return 0;
    endpoint_end(socket, socket->endpoints);
    return ENOMEM; // the connection waits for memory
}

// |text| as the parser wants it. libzmq reads a port as atoi does: zeros may come before it, and anything behind one that
// is to be bound, as a slash or the end of a line.
static const char *endpoint_plain(const struct zmq__socket *socket, const char *text, bool bound,
                                  char plain[ZMTP_ENDPOINT_MAX])
{
    if (socket->strict || !text || !endpoint_has_scheme(text, "tcp://") ||
        strlen(text) >= ZMTP_ENDPOINT_MAX)
        return text;
    const char *const colon = strrchr(text + strlen("tcp://"), ':');
    if (!colon) return text;
    const char *const port = colon + 1 + strspn(colon + 1, "0");
    const size_t digits = strspn(port, "0123456789");
    if (digits == 0 || (port[digits] != '\0' && !bound)) return text;
    const size_t before = (size_t)(colon + 1 - text);
    memcpy(plain, text, before);
    memcpy(plain + before, port, digits);
    plain[before + digits] = '\0';
    return plain;
}

static int endpoint_call(void *handle, const char *text, bool bound)
{
    char plain[ZMTP_ENDPOINT_MAX];
    struct zmq__socket *socket = zmq__socket_enter(handle);
    if (!socket) return -1;
    text = endpoint_plain(socket, text, bound, plain);
    return zmq__socket_result(socket, endpoint_open(socket, text, bound));
}

int zmq_bind(void *handle, const char *endpoint)
{
    return endpoint_call(handle, endpoint, true);
}

int zmq_connect(void *handle, const char *endpoint)
{
    return endpoint_call(handle, endpoint, false);
}

int zmq_unbind(void *handle, const char *endpoint)
{
    char plain[ZMTP_ENDPOINT_MAX];
    struct zmq__socket *socket = zmq__socket_enter(handle);
    if (!socket) return -1;
    endpoint = endpoint_plain(socket, endpoint, true, plain);
    return zmq__socket_result(socket, endpoint_close_all(socket, endpoint));
}

int zmq_disconnect(void *handle, const char *endpoint)
{
    return zmq_unbind(handle, endpoint);
}

void zmq__endpoint_each(const struct zmq__socket *socket,
                        void (*each)(void *user, const char *endpoint, bool bound,
                                     const struct zmtp_pipe_end *end),
                        void *user)
{
    for (const struct zmq__endpoint *endpoint = socket->endpoints; endpoint;
         endpoint = endpoint->next) {
        if (!endpoint->uv_socket) continue;
        for (const struct zmtp__conn *conn = endpoint->uv_socket->conns; conn; conn = conn->next)
            if (conn->end) each(user, endpoint->text, endpoint->bound, conn->end);
        for (const struct zmtp__udp *udp = endpoint->uv_socket->udps; udp; udp = udp->next)
            if (udp->end) each(user, endpoint->text, endpoint->bound, udp->end);
    }
}

void zmq__endpoint_each_bound(const struct zmq__socket *socket,
                              void (*each)(void *user, const char *text, int descriptor),
                              void *user)
{
    for (const struct zmq__endpoint *at = socket->endpoints; at; at = at->next)
        if (at->bound && at->uv_socket) each(user, at->text, at->descriptor);
}

void zmq__endpoint_alter(struct zmq__socket *socket)
{
    struct zmtp__far_facts facts;
    zmtp__far_facts_of(zmtp_socket_config(socket->core), &facts);
    if (facts.conflate) return; // its last message has room always
    for (struct zmq__endpoint *endpoint = socket->endpoints; endpoint; endpoint = endpoint->next) {
        if (!endpoint->uv_socket) continue;
        for (struct zmtp__conn *conn = endpoint->uv_socket->conns; conn; conn = conn->next)
            if (conn->end) zmtp__far_settle_own(conn->end, &facts);
    }
}

void zmq__endpoint_bereave(struct zmq__socket *socket)
{
    for (struct zmq__endpoint *endpoint = socket->endpoints; endpoint; endpoint = endpoint->next)
        if (endpoint->uv_socket) zmtp__uv_socket_bereave(endpoint->uv_socket);
}

void zmq__endpoint_leave(struct zmq__socket *socket)
{
    while (socket->endpoints) {
        struct zmq__endpoint *const endpoint = socket->endpoints;
        socket->endpoints = endpoint->next;
        if (endpoint->uv_socket) endpoint_hang_up(socket, endpoint);
        zmtp_free(zmtp_heap(), endpoint, sizeof *endpoint);
    }
}
