#include <stdio.h>
#include <string.h>

#include "../../curve.h"
#include "../../zmq.h"
#include "../socket.h"
#include "world.h"

enum { CABLE_HELD_MAX = 1000 };

int32_t zmtp__mock_cable_open(struct zmtp__ffi_net_socket *socket, const char *given,
                              const char *key, bool inproc)
{
    struct mock_cable *const cable = zmtp_alloc(NULL, sizeof *cable);
    if (!cable) return ZMTP_FFI_MEMORY;
    *cable = (struct mock_cable){.context = inproc ? socket->context : NULL};
    cable->sockets[0] = socket;
    strcpy(cable->given, given);
    strcpy(cable->key, key);
    const int error =
        zmtp_socket_attach(socket->core, true, socket->options.connect_routing_id, &cable->ends[0]);
    socket->options.connect_routing_id = (struct zmtp_bytes){0}; // of one connect only
    if (error < 0) {
        zmtp_free(NULL, cable, sizeof *cable);
        return zmtp__ffi_code(error);
    }
    cable->next = zmtp__mock_world.cables;
    zmtp__mock_world.cables = cable;
    return ZMTP_FFI_OK;
}

static void cable_forget(struct mock_cable *cable, int side)
{
    while (cable->held[side]) {
        struct mock_held *const held = cable->held[side];
        cable->held[side] = held->next;
        zmtp_msg_fini(&held->msg);
        zmtp_free(NULL, held, sizeof *held);
    }
    cable->held_last[side] = NULL;
    cable->held_count[side] = 0;
}

void zmtp__mock_cable_break(struct mock_cable *cable)
{
    if (!cable->name && !cable->script) return;
    if (cable->name && !cable->context) {
        zmtp__mock_tell(cable->sockets[0], ZMTP_FFI_NEWS_DISCONNECTED, 0, cable->given);
        zmtp__mock_tell(cable->sockets[1], ZMTP_FFI_NEWS_DISCONNECTED, 0, cable->name->text);
    }
    cable_forget(cable, 0);
    cable_forget(cable, 1);
    zmtp_pipe_link_down(cable->ends[0]);
    zmtp_pipe_close(cable->ends[1]);
    for (int i = 0; i < 2; i++)
        if (cable->sockets[i]) cable->sockets[i]->stirred = true;
    cable->ends[1] = NULL;
    cable->sockets[1] = NULL;
    cable->name = NULL;
    cable->script = NULL;
}

void zmtp__mock_cable_free(struct mock_cable *cable)
{
    zmtp__mock_cable_break(cable);
    if (cable->lingers) cable->lingers->lingering--;
    zmtp_pipe_close(cable->ends[0]);
    zmtp_free(NULL, cable, sizeof *cable);
}

void zmtp__mock_cable_leave(struct zmtp__ffi_net_socket *socket, int linger_ms)
{
    for (struct mock_cable *cable = zmtp__mock_world.cables; cable; cable = cable->next) {
        if (cable->sockets[1] == socket) zmtp__mock_cable_break(cable);
        if (cable->sockets[0] != socket) continue;
        cable->sockets[0] = NULL;
        cable->lingers = socket->context;
        cable->lingers->lingering++;
        cable->ends_ms = linger_ms < 0 ? UINT64_MAX : zmtp__mock_now() + (uint64_t)linger_ms;
        if (linger_ms > 0) zmtp__mock_plan(cable->ends_ms);
    }
}

// Do both speak the same mechanism, and does the client know the server?
static bool cable_trusts(const struct zmtp__ffi_net_socket *client,
                         const struct zmtp__ffi_net_socket *server)
{
    const struct zmtp_crypto *const crypto = zmtp_sodium();
    struct zmtp_key known;
    if (client->options.mechanism != server->options.mechanism) return false;
    if (client->options.mechanism == ZMQ_NULL) return true;
    // With PLAIN nobody is let in where nobody judges.
    if (client->options.mechanism != ZMQ_CURVE || !crypto) return false;
    crypto->public_of(&known, &server->options.secret_key);
    return memcmp(&known, &client->options.server_key, sizeof known) == 0;
}

static void cable_introduce(const struct zmtp__ffi_net_socket *socket, bool inproc,
                            struct zmtp_origin *out)
{
    const bool named = inproc || socket->type == ZMTP_REQ || socket->type == ZMTP_DEALER ||
                       socket->type == ZMTP_ROUTER;
    *out = (struct zmtp_origin){.type_known = true, .type = socket->type};
    if (named) out->routing_id = socket->options.routing_id;
    out->metadata = zmtp_part_bytes(&socket->options.metadata);
    if (inproc) return;
    out->remote = zmtp_bytes_text("tcp://127.0.0.1:1");
    out->address = zmtp_bytes_text("127.0.0.1");
}

static bool cable_meet(struct mock_cable *cable, struct mock_name *name)
{
    struct zmtp__ffi_net_socket *const dialler = cable->sockets[0], *const binder = name->socket;
    struct zmtp_origin origins[2];
    if (!zmtp_socket_types_match(dialler->type, binder->type)) return false;
    if (!cable->context && !cable_trusts(dialler, binder)) return false;
    cable_introduce(dialler, cable->context, &origins[0]);
    cable_introduce(binder, cable->context, &origins[1]);
    if (zmtp_socket_attach(binder->core, false, origins[0].routing_id, &cable->ends[1]) < 0)
        return false;
    if (zmtp_pipe_link_up(cable->ends[1], &origins[0]) < 0 ||
        zmtp_pipe_link_up(cable->ends[0], &origins[1]) < 0) {
        zmtp_pipe_link_down(cable->ends[0]);
        zmtp_pipe_close(cable->ends[1]);
        cable->ends[1] = NULL;
        return false;
    }
    cable->sockets[1] = binder;
    cable->name = name;
    if (cable->context) return true;
    zmtp__mock_tell(dialler, ZMTP_FFI_NEWS_CONNECTED, 0, cable->given);
    zmtp__mock_tell(binder, ZMTP_FFI_NEWS_ACCEPTED, 0, name->text);
    zmtp__mock_tell(dialler, ZMTP_FFI_NEWS_HANDSHAKE_SUCCEEDED, 0, cable->given);
    zmtp__mock_tell(binder, ZMTP_FFI_NEWS_HANDSHAKE_SUCCEEDED, 0, name->text);
    return true;
}

// Somebody who answers by a script is a REP to a REQ, and a ROUTER to a DEALER.
static bool cable_meet_script(struct mock_cable *cable, const struct mock_script *script)
{
    const enum zmtp_socket_type type = cable->sockets[0]->type;
    struct zmtp_origin origin = {.type_known = true,
                                 .type = type == ZMTP_REQ ? ZMTP_REP : ZMTP_ROUTER};
    if (type != ZMTP_REQ && type != ZMTP_DEALER) return false;
    if (zmtp_pipe_link_up(cable->ends[0], &origin) < 0) return false;
    cable->script = script;
    return true;
}

static bool cable_connect(struct mock_cable *cable)
{
    struct mock_name *name = zmtp__mock_world.names;
    while (name && (name->context != cable->context || strcmp(name->key, cable->key) != 0))
        name = name->next;
    if (!cable->sockets[0]) return false;
    if (name && zmtp__mock_now() < name->cut_until_ms) {
        zmtp__mock_plan(name->cut_until_ms);
        return false;
    }
    if (name) return cable_meet(cable, name);
    const struct mock_script *const script = zmtp__mock_script_find(cable->key);
    return script && cable_meet_script(cable, script);
}

static bool cable_hold(struct mock_cable *cable, int from, struct zmtp_msg *msg, bool command)
{
    const struct zmtp__ffi_net_socket *const sender = cable->sockets[from];
    struct mock_held *const held = zmtp_alloc(NULL, sizeof *held);
    if (!held) return false;
    *held = (struct mock_held){.command = command};
    if (sender && sender->delay_ms > 0)
        held->due_ms = zmtp__mock_now() + (uint64_t)sender->delay_ms;
    zmtp_msg_init(&held->msg, NULL);
    zmtp_msg_move(&held->msg, msg);
    if (cable->held_last[from])
        cable->held_last[from]->next = held;
    else
        cable->held[from] = held;
    cable->held_last[from] = held;
    cable->held_count[from]++;
    return true;
}

// Copies the first message of the queue. False: no memory.
static bool cable_read(const struct zmtp__queue *queue, struct zmtp_msg *msg, bool *command)
{
    struct zmtp__queue_part part = {.at = NULL};
    *command = false;
    while (zmtp__queue_next_part(queue, &part)) {
        if (zmtp_msg_append(msg, part.body) < 0) return false;
        *command = part.command;
    }
    return true;
}

static bool cable_loses(struct zmtp__ffi_net_socket *sender)
{
    if (!sender) return false;
    if (sender->drop > 0) {
        sender->drop--;
        return true;
    }
    if (sender->loss_per_mille == 0) return false;
    sender->random ^= sender->random << 13;
    sender->random ^= sender->random >> 7;
    sender->random ^= sender->random << 17;
    return sender->random % 1000 < (uint64_t)sender->loss_per_mille;
}

// The first message that |from| has sent sets out, or is lost. False: not now.
static bool cable_take(struct mock_cable *cable, int from)
{
    struct zmtp_pipe_end *const end = cable->ends[from];
    struct zmtp__ffi_net_socket *const sender = cable->sockets[from];
    struct zmtp_msg msg;
    bool command;
    if (!end || end->in->count == 0 || cable->held_count[from] >= CABLE_HELD_MAX) return false;
    // Without a delay it waits with who sent it while there is no room for it.
    const bool late = sender && sender->delay_ms > 0;
    struct zmtp_pipe_end *const to = cable->ends[1 - from];
    if (!late && (cable->held[from] || (to && !zmtp__pipe_writable(to)))) return false;
    zmtp_msg_init(&msg, NULL);
    if (!cable_read(end->in, &msg, &command)) {
        zmtp_msg_fini(&msg);
        return false;
    }
    if (!command && cable_loses(sender)) {
        sender->lost++;
        zmtp_msg_fini(&msg);
        zmtp_socket_lose(sender->core, end, ZMTP_DROP_PEER_GONE);
        return true;
    }
    const bool held = cable_hold(cable, from, &msg, command);
    zmtp_msg_fini(&msg);
    if (!held) return false;
    zmtp__queue_drop(end->in);
    zmtp__pipe_consumed(end);
    if (sender) sender->stirred = true;
    return true;
}

static bool cable_write(struct zmtp_pipe_end *end, const struct mock_held *held)
{
    struct zmtp__queue *const queue = end->out;
    if (end->other->closed) return true; // to nobody
    if (!zmtp__pipe_writable(end)) return false;
    zmtp__queue_begin(queue);
    for (uint32_t i = 0; i < held->msg.count; i++) {
        unsigned flags = i + 1 < held->msg.count ? ZMTP_FLAG_MORE : 0;
        if (held->command) flags = ZMTP_FLAG_COMMAND;
        if (zmtp__queue_put(queue, zmtp_msg_bytes(&held->msg, i), NULL, flags) < 0) return false;
    }
    zmtp__queue_end(queue, 1);
    zmtp__pipe_published(end);
    return true;
}

// A script hears a request and has its reply set out, in the same envelope. False: no memory.
static bool cable_answer(struct mock_cable *cable, const struct mock_held *held)
{
    struct zmtp_bytes reply;
    struct zmtp_msg msg;
    if (held->command || held->msg.count == 0) return true;
    const uint32_t last = held->msg.count - 1;
    if (!zmtp__mock_script_answer(cable->script, zmtp_msg_bytes(&held->msg, last), &reply))
        return true;
    zmtp_msg_init(&msg, NULL);
    bool done = true;
    for (uint32_t i = 0; i < last && done; i++)
        done = zmtp_msg_append(&msg, zmtp_msg_bytes(&held->msg, i)) == ZMTP_OK;
    done = done && zmtp_msg_append(&msg, reply) == ZMTP_OK && cable_hold(cable, 1, &msg, false);
    zmtp_msg_fini(&msg);
    return done;
}

// The first message on its way arrives. False: not now.
static bool cable_arrive(struct mock_cable *cable, int from)
{
    struct mock_held *const held = cable->held[from];
    struct zmtp_pipe_end *const end = cable->ends[1 - from];
    if (!held) return false;
    if (held->due_ms > zmtp__mock_now()) {
        zmtp__mock_plan(held->due_ms);
        return false;
    }
    const bool arrived =
        from == 0 && cable->script ? cable_answer(cable, held) : end && cable_write(end, held);
    if (!arrived) return false;
    if (cable->sockets[1 - from]) cable->sockets[1 - from]->stirred = true;
    cable->held[from] = held->next;
    if (!held->next) cable->held_last[from] = NULL;
    cable->held_count[from]--;
    zmtp_msg_fini(&held->msg);
    zmtp_free(NULL, held, sizeof *held);
    return true;
}

static bool cable_over(const struct mock_cable *cable)
{
    if (cable->sockets[0]) return false;
    const bool empty = !cable->ends[0]->in->count && !cable->held[0];
    return empty || zmtp__mock_now() >= cable->ends_ms;
}

bool zmtp__mock_cable_work(struct mock_cable *cable, bool *gone)
{
    bool moved = false;
    *gone = cable_over(cable);
    if (*gone) {
        zmtp__mock_cable_free(cable);
        return true;
    }
    // Who is bound has let go of it.
    if (cable->ends[1] && cable->ends[1]->other->closed && cable->ends[1]->in->count == 0)
        zmtp__mock_cable_break(cable);
    if (!cable->name && !cable->script) moved = cable_connect(cable);
    if (!cable->name && !cable->script) return false;
    for (int from = 0; from < 2; from++) {
        while (cable_take(cable, from))
            moved = true;
        while (cable_arrive(cable, from))
            moved = true;
        while (cable_take(cable, from))
            moved = true; // now that nothing is in its way
    }
    return moved;
}
