// net.h over the in-memory network.
#include "../net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../socket/alter.h"
#include "../../zmq.h"
#include "../socket.h"
#include "world.h"

enum { NET_FIRST_PORT = 49152, NET_PORTS = 16384 };

int32_t zmtp__ffi_net_context_open(struct zmtp__ffi_net_context **out)
{
    struct zmtp__ffi_net_context *const context = zmtp_alloc(NULL, sizeof *context);
    if (!context) return ZMTP_FFI_MEMORY;
    *context = (struct zmtp__ffi_net_context){.linger_ms = -1};
    context->options.io_threads = ZMQ_IO_THREADS_DFLT;
    context->options.max_sockets = ZMQ_MAX_SOCKETS_DFLT;
    *out = context;
    return ZMTP_FFI_OK;
}

int32_t zmtp__ffi_net_context_set(struct zmtp__ffi_net_context *context, int32_t option, int value)
{
    int *at = &context->options.io_threads, least = 0, most = INT32_MAX;
    if (option == ZMTP_FFI_CONTEXT_MAX_SOCKETS) {
        at = &context->options.max_sockets;
        least = 1;
        most = UINT16_MAX;
    } else if (option == ZMTP_FFI_CONTEXT_IPV6) {
        at = &context->options.ipv6;
        most = 1;
    }
    if (value < least || value > most) return ZMTP_FFI_ARGUMENT;
    zmtp__mock_lock();
    *at = value;
    zmtp__mock_unlock();
    return ZMTP_FFI_OK;
}

int32_t zmtp__ffi_net_context_get(struct zmtp__ffi_net_context *context, int32_t option)
{
    zmtp__mock_lock();
    const struct zmq__context_options options = context->options;
    zmtp__mock_unlock();
    if (option == ZMTP_FFI_CONTEXT_IO_THREADS) return options.io_threads;
    if (option == ZMTP_FFI_CONTEXT_MAX_SOCKETS) return options.max_sockets;
    return option == ZMTP_FFI_CONTEXT_IPV6 ? options.ipv6 : ZMTP_FFI_NOT_FOUND;
}

void zmtp__ffi_net_context_shut(struct zmtp__ffi_net_context *context, int linger_ms)
{
    zmtp__mock_lock();
    context->linger_ms = linger_ms;
    for (struct zmtp__ffi_net_socket *socket = zmtp__mock_world.sockets; socket;
         socket = socket->next)
        if (socket->context == context && socket->bell >= 0) (void)eventfd_write(socket->bell, 1);
    zmtp__mock_unlock();
}

bool zmtp__ffi_net_context_idle(struct zmtp__ffi_net_context *context)
{
    zmtp__mock_lock();
    zmtp__mock_run();
    zmtp__mock_ring();
    const bool idle = context->sockets == 0 && context->lingering == 0;
    zmtp__mock_unlock();
    return idle;
}

void zmtp__ffi_net_context_close(struct zmtp__ffi_net_context *context)
{
    zmtp__mock_lock();
    for (struct mock_cable *cable = zmtp__mock_world.cables; cable; cable = cable->next)
        if (cable->lingers == context) cable->lingers = NULL;
    zmtp__mock_unlock();
    zmtp_free(NULL, context, sizeof *context);
}

int32_t zmtp__ffi_net_socket_open(struct zmtp__ffi_net_socket **out,
                                  struct zmtp__ffi_net_context *context, int32_t type)
{
    struct zmtp_socket_config config;
    struct zmtp__ffi_net_socket *const socket = zmtp_alloc(NULL, sizeof *socket);
    if (!socket) return ZMTP_FFI_MEMORY;
    *socket = (struct zmtp__ffi_net_socket){
        .context = context, .type = (enum zmtp_socket_type)type, .bell = -1};
    zmtp__mock_lock();
    zmq__options_init(&socket->options, socket->type, &context->options);
    zmq__options_pattern(&socket->options, socket->type, &config);
    int32_t code = context->linger_ms >= 0 ? ZMTP_FFI_CLOSED : ZMTP_FFI_OK;
    if (context->sockets >= (size_t)context->options.max_sockets) code = ZMTP_FFI_LIMIT;
    if (code == ZMTP_FFI_OK) code = zmtp__ffi_code(zmtp_socket_open(&socket->core, &config));
    if (code == ZMTP_FFI_OK) {
        context->sockets++;
        socket->next = zmtp__mock_world.sockets;
        zmtp__mock_world.sockets = socket;
    }
    zmtp__mock_unlock();
    if (code == ZMTP_FFI_OK) {
        *out = socket;
        return code;
    }
    zmq__options_fini(&socket->options);
    zmtp_free(NULL, socket, sizeof *socket);
    return code;
}

// Frees the name, and breaks what came of it.
static void net_free_name(struct mock_name **at)
{
    struct mock_name *const name = *at;
    for (struct mock_cable *cable = zmtp__mock_world.cables; cable; cable = cable->next)
        if (cable->name == name) zmtp__mock_cable_break(cable);
    *at = name->next;
    zmtp_free(NULL, name, sizeof *name);
}

void zmtp__ffi_net_socket_close(struct zmtp__ffi_net_socket *socket)
{
    zmtp__mock_lock();
    const int own_ms = socket->options.linger, linger_ms = socket->context->linger_ms;
    zmtp__mock_tell(socket, ZMTP_FFI_NEWS_MONITOR_STOPPED, 0, "");
    if (socket->monitor) socket->monitor->socket = NULL;
    for (struct mock_name **at = &zmtp__mock_world.names; *at;)
        if ((*at)->socket == socket)
            net_free_name(at);
        else
            at = &(*at)->next;
    zmtp__mock_cable_leave(socket, linger_ms >= 0 ? linger_ms : own_ms);
    struct zmtp__ffi_net_socket **at = &zmtp__mock_world.sockets;
    while (*at != socket)
        at = &(*at)->next;
    *at = socket->next;
    socket->context->sockets--;
    zmtp_socket_close(socket->core);
    zmtp__mock_run();
    zmtp__mock_ring();
    zmtp__mock_unlock();
    if (socket->bell >= 0) close(socket->bell);
    zmq__options_fini(&socket->options);
    zmtp_free(NULL, socket, sizeof *socket);
}

struct zmtp_socket *zmtp__ffi_net_enter(struct zmtp__ffi_net_socket *socket)
{
    zmtp__mock_lock();
    if (socket->context->linger_ms < 0) return socket->core;
    zmtp__mock_unlock();
    return NULL;
}

void zmtp__ffi_net_leave(struct zmtp__ffi_net_socket *socket)
{
    (void)socket;
    zmtp__mock_run();
    zmtp__mock_ring();
    zmtp__mock_unlock();
}

void zmtp__ffi_net_look(struct zmtp__ffi_net_socket *socket)
{
    (void)socket;
    zmtp__mock_run();
}

void zmtp__ffi_net_work(struct zmtp__ffi_net_socket *socket)
{
    eventfd_t rings;
    if (socket->bell >= 0) (void)eventfd_read(socket->bell, &rings);
    zmtp__mock_run();
    socket->stirred = false; // whoever works looks, too
}

int32_t zmtp__ffi_net_descriptor(struct zmtp__ffi_net_socket *socket)
{
    int32_t code = ZMTP_FFI_CLOSED;
    if (!zmtp__ffi_net_enter(socket)) return code;
    if (socket->bell < 0) socket->bell = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    code = socket->bell < 0 ? ZMTP_FFI_DESCRIPTORS : socket->bell;
    zmtp__ffi_net_leave(socket);
    return code;
}

void zmtp__ffi_net_ring(struct zmtp__ffi_net_socket *socket)
{
    zmtp__mock_lock();
    if (socket->bell >= 0) (void)eventfd_write(socket->bell, 1);
    zmtp__mock_unlock();
}

int32_t zmtp__mock_key(const char *endpoint, struct zmtp_endpoint *where, char *key)
{
    static const char *const schemes[] = {"tcp", "ipc", "inproc", "vsock", "ws", "udp"};
    const int error = zmtp_endpoint_parse(endpoint, where, NULL);
    const char *const colon = strstr(endpoint, "://");
    if (error == ZMTP_ERR_TRANSPORT && (!colon || colon == endpoint || colon[3] == '\0'))
        return ZMTP_FFI_ENDPOINT;
    if (error < 0) return zmtp__ffi_code(error);
    if (where->transport == ZMTP_IPC || where->transport == ZMTP_INPROC)
        strcpy(key, endpoint); // the parser has checked the size
    else
        snprintf(key, ZMTP_ENDPOINT_MAX, "%s:%u", schemes[where->transport], (unsigned)where->port);
    return ZMTP_FFI_OK;
}

// The network is this machine, and has its addresses only.
static bool net_is_here(struct zmtp_bytes host)
{
    const bool number = host.size > 0 && host.data[0] >= '0' && host.data[0] <= '9';
    if (!number) return true;
    return (host.size > 4 && memcmp(host.data, "127.", 4) == 0) ||
           zmtp_bytes_equal(host, zmtp_bytes_text("0.0.0.0"));
}

// The whole endpoint, with a port or path that nobody has.
static void net_resolve(const char *given, const struct zmtp_endpoint *where, char *text)
{
    const unsigned number = zmtp__mock_world.numbers;
    if (where->transport == ZMTP_IPC && where->path_any) {
        snprintf(text, ZMTP_ENDPOINT_MAX, "ipc:///mock/%u", number);
    } else if (where->port_any) {
        const char *const colon = strrchr(given, ':');
        const char *const path = strchr(colon, '/');
        snprintf(text, ZMTP_ENDPOINT_MAX, "%.*s:%u%s", (int)(colon - given), given,
                 NET_FIRST_PORT + number % NET_PORTS, path ? path : "");
    } else {
        strcpy(text, given);
    }
}

static struct mock_name *net_find(const struct zmtp__ffi_net_context *context, const char *key)
{
    struct mock_name *name = zmtp__mock_world.names;
    while (name && (name->context != context || strcmp(name->key, key) != 0))
        name = name->next;
    return name;
}

static int32_t net_bind(struct zmtp__ffi_net_socket *socket, const char *given,
                        struct zmtp_endpoint *where)
{
    const bool any = where->port_any || (where->transport == ZMTP_IPC && where->path_any);
    const bool inproc = where->transport == ZMTP_INPROC;
    if (!net_is_here(where->host)) return ZMTP_FFI_NOT_FOUND;
    struct mock_name *const name = zmtp_alloc(NULL, sizeof *name);
    if (!name) return ZMTP_FFI_MEMORY;
    *name = (struct mock_name){.socket = socket, .context = inproc ? socket->context : NULL};
    strcpy(name->given, given);
    for (int tries = 0; tries < NET_PORTS; tries++) {
        if (any) zmtp__mock_world.numbers++;
        net_resolve(given, where, name->text);
        (void)zmtp__mock_key(name->text, where, name->key); // as good as what was given
        if (!net_find(name->context, name->key) || !any) break;
    }
    if (net_find(name->context, name->key)) {
        zmtp__mock_tell(socket, ZMTP_FFI_NEWS_BIND_FAILED, EADDRINUSE, given);
        zmtp_free(NULL, name, sizeof *name);
        return ZMTP_FFI_IN_USE;
    }
    name->next = zmtp__mock_world.names;
    zmtp__mock_world.names = name;
    strcpy(socket->last_endpoint, name->text);
    if (!inproc) zmtp__mock_tell(socket, ZMTP_FFI_NEWS_LISTENING, 0, name->text);
    return ZMTP_FFI_OK;
}

static struct mock_cable **net_find_cable(const struct zmtp__ffi_net_socket *socket,
                                          const char *given)
{
    struct mock_cable **at = &zmtp__mock_world.cables;
    while (*at && ((*at)->sockets[0] != socket || strcmp((*at)->given, given) != 0))
        at = &(*at)->next;
    return at;
}

static int32_t net_connect(struct zmtp__ffi_net_socket *socket, const char *given,
                           const struct zmtp_endpoint *where, const char *key)
{
    const bool once = socket->type == ZMTP_DEALER || socket->type == ZMTP_SUB ||
                      socket->type == ZMTP_PUB || socket->type == ZMTP_REQ;
    const bool inproc = where->transport == ZMTP_INPROC;
    if (where->port_any || where->path_any) return ZMTP_FFI_ENDPOINT;
    if (once && !inproc && *net_find_cable(socket, given)) return ZMTP_FFI_OK;
    const int32_t code = zmtp__mock_cable_open(socket, given, key, inproc);
    if (code < 0) return code;
    strcpy(socket->last_endpoint, given);
    if (!inproc) zmtp__mock_tell(socket, ZMTP_FFI_NEWS_CONNECT_DELAYED, EINPROGRESS, given);
    return ZMTP_FFI_OK;
}

static int32_t net_unbind(struct zmtp__ffi_net_socket *socket, const char *text)
{
    struct mock_name **at = &zmtp__mock_world.names;
    while (*at && ((*at)->socket != socket ||
                   (strcmp((*at)->given, text) != 0 && strcmp((*at)->text, text) != 0)))
        at = &(*at)->next;
    if (!*at) return ZMTP_FFI_NOT_FOUND;
    if (!(*at)->context) zmtp__mock_tell(socket, ZMTP_FFI_NEWS_CLOSED, 0, (*at)->text);
    net_free_name(at);
    return ZMTP_FFI_OK;
}

static int32_t net_disconnect(struct zmtp__ffi_net_socket *socket, const char *text)
{
    struct mock_cable **const at = net_find_cable(socket, text);
    struct mock_cable *const cable = *at;
    if (!cable) return ZMTP_FFI_NOT_FOUND;
    *at = cable->next;
    zmtp__mock_cable_free(cable);
    return ZMTP_FFI_OK;
}

int32_t zmtp__ffi_net_endpoint(struct zmtp__ffi_net_socket *socket, enum zmtp__ffi_net_call call,
                               const char *endpoint)
{
    struct zmtp_endpoint where;
    char key[ZMTP_ENDPOINT_MAX];
    int32_t code = zmtp__mock_key(endpoint, &where, key);
    if (code < 0) return code;
    if (where.transport == ZMTP_UDP) return ZMTP_FFI_UNSUPPORTED;
    if (!zmtp__ffi_net_enter(socket)) return ZMTP_FFI_CLOSED;
    switch (call) {
    case ZMTP__FFI_NET_BIND:
        code = net_bind(socket, endpoint, &where);
        break;
    case ZMTP__FFI_NET_CONNECT:
        code = net_connect(socket, endpoint, &where, key);
        break;
    case ZMTP__FFI_NET_UNBIND:
        code = net_unbind(socket, endpoint);
        break;
    case ZMTP__FFI_NET_DISCONNECT:
        code = net_disconnect(socket, endpoint);
        break;
    }
    zmtp__ffi_net_leave(socket);
    return code;
}

int32_t zmtp__ffi_net_connect_peer(struct zmtp__ffi_net_socket *socket, const char *endpoint,
                                   uint32_t *number)
{
    struct zmtp_endpoint where;
    char key[ZMTP_ENDPOINT_MAX];
    int32_t code = zmtp__mock_key(endpoint, &where, key);
    if (code < 0) return code;
    if (where.transport == ZMTP_UDP) return ZMTP_FFI_UNSUPPORTED;
    if (!zmtp__ffi_net_enter(socket)) return ZMTP_FFI_CLOSED;
    code = net_connect(socket, endpoint, &where, key);
    // The last cable made is the first.
    if (code >= 0) *number = zmtp_socket_peer_id(socket->core, zmtp__mock_world.cables->ends[0]);
    zmtp__ffi_net_leave(socket);
    return code;
}

static int32_t net_code(int error)
{
    if (error == 0) return ZMTP_FFI_OK;
    return error == ENOMEM ? ZMTP_FFI_MEMORY : ZMTP_FFI_ARGUMENT;
}

int32_t zmtp__ffi_net_set(struct zmtp__ffi_net_socket *socket, int32_t option, const void *value,
                          size_t size)
{
    struct zmtp_socket_config config;
    bool alive;
    if (!zmtp__ffi_net_enter(socket)) return ZMTP_FFI_CLOSED;
    int32_t code =
        net_code(zmq__options_set(&socket->options, socket->type, option, value, size, &alive));
    if (code == ZMTP_FFI_OK && alive) {
        zmq__options_pattern(&socket->options, socket->type, &config);
        code = zmtp__ffi_code(zmtp__socket_alter(socket->core, &config));
    }
    zmtp__ffi_net_leave(socket);
    return code;
}

int32_t zmtp__ffi_net_get(struct zmtp__ffi_net_socket *socket, int32_t option, void *value,
                          size_t *size)
{
    if (!zmtp__ffi_net_enter(socket)) return ZMTP_FFI_CLOSED;
    int32_t code = ZMTP_FFI_OK;
    if (option == ZMTP_FFI_OPTION_LAST_ENDPOINT) {
        *size = strlen(socket->last_endpoint) + 1;
        memcpy(value, socket->last_endpoint, *size);
    } else {
        code = net_code(zmq__options_get(&socket->options, socket->type, option, value, size));
    }
    zmtp__ffi_net_leave(socket);
    return code;
}
