// The endpoints of a socket: which part of this folder serves which transport.
#include <string.h>

#include "../msg/pipe.h"
#include "../ws/ws.h"
#include "asker.h"
#include "conn.h"
#include "crossing.h"
#include "dialler.h"
#include "guard.h"
#include "inproc.h"
#include "listener.h"
#include "udp.h"

// Reads |text|, or says why it cannot be read.
static int uv_endpoint_parse(struct zmtp_uv_socket *socket, const char *text,
                             struct zmtp_endpoint *out)
{
    const char *why = "";
    int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    zmtp__uv_socket_hush(socket);
    error = zmtp_endpoint_parse(text, out, &why);
    if (error == ZMTP_OK) return ZMTP_OK;
    if (!text || !text[0]) return zmtp__uv_socket_fail(socket, error, "%s", why);
    return zmtp__uv_socket_fail(socket, error, "%.300s: %s", text, why);
}

// The words for |error| that nobody has said better.
static int uv_endpoint_result(struct zmtp_uv_socket *socket, const char *text, int error)
{
    if (error == ZMTP_OK || socket->error == error) return error;
    return zmtp__uv_socket_fail(socket, error, "%s: %s", text, zmtp_err_text(error));
}

// Two sockets of one process have no octets between them, and those of ws are HTTP's.
static int uv_endpoint_check_stream(struct zmtp_uv_socket *socket, const char *text,
                                    const struct zmtp_endpoint *endpoint)
{
    if (endpoint->transport == ZMTP_INPROC || endpoint->transport == ZMTP_WS)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_UNSUPPORTED,
                                    "%s: a STREAM is for octets from outside, over tcp or ipc",
                                    text);
    return ZMTP_OK;
}

// Datagrams are for those who can do without some, in the direction that they go; and nothing seals
// them.
static int uv_endpoint_check_udp(struct zmtp_uv_socket *socket, const char *text, bool bind)
{
    const enum zmtp_socket_type type = socket->config.socket.type;
    if (type != ZMTP_RADIO && type != ZMTP_DISH && type != ZMTP_DGRAM)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_UNSUPPORTED,
                                    "%s: udp is for RADIO, DISH and DGRAM, and this is a %s", text,
                                    zmtp_socket_type_name(type));
    if (bind ? type == ZMTP_RADIO : type == ZMTP_DISH)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_UNSUPPORTED,
                                    "%s: over udp a RADIO connects and a DISH binds", text);
    if (socket->config.security.mechanism != ZMTP_NULL)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_UNSUPPORTED,
                                    "%s: no mechanism protects datagrams: use tcp, or none", text);
    return ZMTP_OK;
}

// Reads |text| and looks whether a socket of this type can be there.
static int uv_endpoint_judge(struct zmtp_uv_socket *socket, const char *text, bool bind,
                             struct zmtp_endpoint *out)
{
    const int error = uv_endpoint_parse(socket, text, out);
    if (error < 0) return error;
    if (out->transport == ZMTP_WS && !zmtp__ws_built())
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_UNSUPPORTED,
                                    "%s: this libzmtp was built without WebSocket: build it with "
                                    "make WS=1, which needs libwslay",
                                    text);
    if (out->transport == ZMTP_UDP) return uv_endpoint_check_udp(socket, text, bind);
    if (socket->config.socket.type == ZMTP_DGRAM)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_UNSUPPORTED, "%s: a DGRAM is for udp", text);
    if (socket->config.socket.type == ZMTP_STREAM)
        return uv_endpoint_check_stream(socket, text, out);
    return ZMTP_OK;
}

int zmtp_uv_bind(struct zmtp_uv_socket *socket, const char *endpoint)
{
    struct zmtp_endpoint parsed;
    int error = uv_endpoint_judge(socket, endpoint, true, &parsed);
    if (error < 0) return error;
    if (parsed.transport == ZMTP_INPROC)
        error = zmtp__inproc_bind(socket, endpoint);
    else if (parsed.transport == ZMTP_UDP)
        error = zmtp__udp_bind(socket, endpoint, &parsed);
    else if (parsed.source.size > 0)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_ENDPOINT,
                                    "%s: only a dial has an address to come from, before a ;",
                                    endpoint);
    else
        error = zmtp__listener_open(socket, endpoint, &parsed);
    if (zmtp__guard_domain(socket->guard)) zmtp__asker_prepare(socket->uv);
    return uv_endpoint_result(socket, endpoint, error);
}

// Why |endpoint| can be bound but not dialled; null: it can.
static const char *uv_endpoint_undialled(const struct zmtp_endpoint *endpoint)
{
    const bool ip = endpoint->transport == ZMTP_TCP || endpoint->transport == ZMTP_WS ||
                    endpoint->transport == ZMTP_UDP;
    if (endpoint->port_any) return "a dial needs the port that the other side is bound to";
    if (endpoint->path_any) return "a dial needs the path that the other side is bound to";
    if (endpoint->cid_any) return "* can be bound, a dial needs a context id";
    if (ip && zmtp_bytes_equal(endpoint->host, zmtp_bytes_text("*")))
        return "* can be bound, a dial needs a host";
    return NULL;
}

// A dial; |routing_id| is what the socket calls the other side, or empty.
static int uv_endpoint_connect(struct zmtp_uv_socket *socket, const char *endpoint,
                               struct zmtp_bytes routing_id)
{
    struct zmtp_endpoint parsed;
    int error = uv_endpoint_judge(socket, endpoint, false, &parsed);
    if (error < 0) return error;
    const char *const why = uv_endpoint_undialled(&parsed);
    if (why) return zmtp__uv_socket_fail(socket, ZMTP_ERR_ENDPOINT, "%s: %s", endpoint, why);
    if (parsed.transport == ZMTP_INPROC && routing_id.size > 0)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_UNSUPPORTED,
                                    "%s: over inproc each side says itself what it is called",
                                    endpoint);
    if (parsed.transport == ZMTP_INPROC)
        error = zmtp__inproc_connect(socket, endpoint);
    else if (parsed.transport == ZMTP_UDP)
        error = zmtp__udp_connect(socket, endpoint);
    else
        error = zmtp__dialler_open(socket, endpoint, routing_id);
    return uv_endpoint_result(socket, endpoint, error);
}

int zmtp_uv_connect(struct zmtp_uv_socket *socket, const char *endpoint)
{
    return uv_endpoint_connect(socket, endpoint, (struct zmtp_bytes){0});
}

int zmtp_uv_connect_as(struct zmtp_uv_socket *socket, const char *endpoint,
                       struct zmtp_bytes routing_id)
{
    const int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    const enum zmtp_socket_type type = socket->config.socket.type;
    if (routing_id.size == 0 || !routing_id.data)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_ARGUMENT, "the routing id is missing");
    if (type != ZMTP_ROUTER && type != ZMTP_STREAM)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_UNSUPPORTED,
                                    "a %s does not name its peers; ROUTER and STREAM do",
                                    zmtp_socket_type_name(type));
    return uv_endpoint_connect(socket, endpoint, routing_id);
}

int zmtp_uv_connect_peer(struct zmtp_uv_socket *socket, const char *endpoint, uint32_t *routing_id)
{
    int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    if (!routing_id)
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_ARGUMENT,
                                    "there is no place for the number of the peer");
    const enum zmtp_socket_type type = socket->config.socket.type;
    if (type != ZMTP_SERVER && type != ZMTP_PEER && type != ZMTP_STREAM)
        return zmtp__uv_socket_fail(
            socket, ZMTP_ERR_UNSUPPORTED,
            "a %s has no numbers for its peers; SERVER, PEER and STREAM have",
            zmtp_socket_type_name(type));
    error = zmtp_uv_connect(socket, endpoint);
    if (error < 0) return error;
    // What was made last is the first of its list.
    const struct zmtp__inproc_link *link = socket->uv->links;
    const bool inproc = link && link->dialler == socket && strcmp(link->endpoint, endpoint) == 0;
    if (inproc && !link->binder && !link->crossing) {
        (void)zmtp__inproc_disconnect(socket, endpoint); // it was just made
        return zmtp__uv_socket_fail(socket, ZMTP_ERR_NOT_FOUND, "%s is not bound yet", endpoint);
    }
    const struct zmtp_pipe_end *end = inproc ? link->ends[0] : socket->conns->end;
    if (inproc && link->crossing) end = link->crossing->end;
    *routing_id = zmtp_socket_peer_id(socket->core, end);
    return ZMTP_OK;
}

static int uv_endpoint_unknown(struct zmtp_uv_socket *socket, const char *endpoint)
{
    return zmtp__uv_socket_fail(socket, ZMTP_ERR_NOT_FOUND, "%s is no endpoint of this socket",
                                endpoint);
}

int zmtp_uv_unbind(struct zmtp_uv_socket *socket, const char *endpoint)
{
    struct zmtp_endpoint parsed;
    const int error = uv_endpoint_parse(socket, endpoint, &parsed);
    if (error < 0) return error;
    if (zmtp__inproc_unbind(socket, endpoint) == ZMTP_OK) return ZMTP_OK;
    if (zmtp__udp_unbind(socket, endpoint) == ZMTP_OK) return ZMTP_OK;
    for (struct zmtp__listener *listener = socket->listeners; listener; listener = listener->next) {
        if (strcmp(listener->given, endpoint) != 0 && strcmp(listener->endpoint, endpoint) != 0)
            continue;
        zmtp__listener_close(listener);
        return ZMTP_OK;
    }
    return uv_endpoint_unknown(socket, endpoint);
}

int zmtp_uv_disconnect(struct zmtp_uv_socket *socket, const char *endpoint)
{
    struct zmtp_endpoint parsed;
    const int error = uv_endpoint_parse(socket, endpoint, &parsed);
    if (error < 0) return error;
    if (zmtp__inproc_disconnect(socket, endpoint) == ZMTP_OK) return ZMTP_OK;
    if (zmtp__udp_disconnect(socket, endpoint) == ZMTP_OK) return ZMTP_OK;
    for (struct zmtp__conn *conn = socket->conns; conn; conn = conn->next) {
        if (!conn->dialler || conn->leaving || !conn->end) continue;
        if (strcmp(conn->dialler->endpoint, endpoint) != 0) continue;
        // The socket lets go; what it sent stays readable for the connection.
        if (socket->core) zmtp_socket_detach(socket->core, conn->end->other);
        zmtp__conn_leave(conn, zmtp__uv_socket_patience(socket, zmtp__engine_now(socket->uv)));
        return ZMTP_OK;
    }
    return uv_endpoint_unknown(socket, endpoint);
}

void zmtp_uv_each_peer(struct zmtp_uv_socket *socket,
                       void (*each)(void *context, const struct zmtp_uv_peer *peer), void *context)
{
    if (!socket || !each || !zmtp__engine_enter(socket->uv)) return;
    socket->uv->calling++;
    for (const struct zmtp__conn *conn = socket->conns; conn; conn = conn->next) {
        if (conn->state == ZMTP__CONN_GONE) continue;
        struct zmtp_uv_peer peer = {.number = conn->number,
                                    .endpoint = zmtp__conn_endpoint(conn),
                                    .remote = conn->remote,
                                    .process = conn->process,
                                    .dialled = conn->dialler != NULL,
                                    .connected = conn->peer != NULL};
        peer.counters.round_trip_ms = UINT32_MAX;
        if (conn->peer) {
            peer.state = zmtp_peer_state(conn->peer);
            peer.counters = zmtp_peer_counters(conn->peer);
            if (conn->up) peer.facts = zmtp__conn_facts(conn);
        }
        if (conn->end) peer.depth = zmtp_pipe_depth(conn->end);
        (void)zmtp_socket_flow(socket->core, conn->end, &peer.flow); // or it stays zero
        each(context, &peer);
    }
    zmtp__udp_each_peer(socket, each, context);
    zmtp__inproc_each_peer(socket, each, context);
    socket->uv->calling--;
}
