// The engine without an operating system: a REQ asks a REP, and all that passes between them are octets
// in memory, as they would be on a serial line or a radio. No heap, no libuv, no libsodium, no clock:
// memory comes from two arrays, and time is a number. Include <zmtp/base.h> to <zmtp/socket.h>, and link
// with libzmtp-core.a (make core), or compile the amalgamation with ZMTP_NO_UV and ZMTP_NO_HEAP.
//
// On a board printf goes, and node_move becomes a driver: it copies what the peer shows to the line, and
// what the line brought to the peer.
#include <stdio.h>
#include <string.h>
#include <zmtp/peer.h>
#include <zmtp/socket.h>

enum { MEMORY = 12 * 1024, HEARD_MAX = 512 };

// One side: a socket, its one connection, and the memory of both.
struct node {
    uint8_t memory[MEMORY];
    struct zmtp_arena arena;
    struct zmtp_socket *socket;
    struct zmtp_peer *peer;
    struct zmtp_pipe_end *end;
    struct zmtp_marks marks; // the connection's
};

static bool node_open(struct node *node, enum zmtp_socket_type type)
{
    struct zmtp_socket_config config;
    if (zmtp_arena_init(&node->arena, node->memory, sizeof node->memory) < 0) return false;
    zmtp_socket_config_init(&config, type);
    config.allocator = &node->arena.allocator;
    struct zmtp_peer_config peer = {
        .allocator = &node->arena.allocator, .type = type, .minor = 1, .room_min = HEARD_MAX};
    zmtp_peer_limits_init(&peer.limits);
    peer.limits.message_max = HEARD_MAX; // what is larger closes the connection
    if (zmtp_socket_open(&node->socket, &config) < 0) return false;
    if (zmtp_peer_open(&node->peer, &peer, 0) < 0) return false;
    // The pipe between the two is as that of a dialler: it outlives connections.
    if (zmtp_socket_attach(node->socket, true, (struct zmtp_bytes){0}, &node->end) < 0)
        return false;
    zmtp_pipe_own(node->end, &node->marks, node);
    return zmtp_peer_attach(node->peer, node->end) == ZMTP_OK;
}

static void node_close(struct node *node)
{
    zmtp_peer_close(node->peer);
    zmtp_pipe_close(node->end);
    zmtp_socket_close(node->socket);
}

// Moves what one has to say to the other. False: it had nothing to say.
static bool node_move(struct node *from, struct node *to, uint64_t now_ms)
{
    struct zmtp_bytes said;
    while (zmtp_marks_take(&from->marks))
        zmtp_peer_resume(from->peer, now_ms);
    if (zmtp_peer_peek(from->peer, &said, 1) == 0) return false;
    const struct zmtp_room room = zmtp_peer_space(to->peer);
    const size_t size = said.size < room.size ? said.size : room.size;
    if (size == 0) return false; // it wants no octets
    memcpy(room.data, said.data, size);
    zmtp_peer_commit(to->peer, size, now_ms);
    zmtp_peer_consume(from->peer, size, now_ms);
    return true;
}

static int ask(struct node *req, struct node *rep)
{
    const struct zmtp_bytes question = zmtp_bytes_text("how warm is it?");
    uint64_t now_ms = 0;
    if (zmtp_socket_send_bytes(req->socket, &question, 1) < 0) return 1;
    for (;;) {
        struct zmtp_msg msg;
        const bool moved = node_move(req, rep, now_ms);
        if (!node_move(rep, req, now_ms) && !moved) return 1; // neither has anything left to say
        now_ms++;
        zmtp_msg_init(&msg, &rep->arena.allocator);
        if (zmtp_socket_recv(rep->socket, &msg) == ZMTP_OK) {
            printf("REP heard \"%.*s\"\n", (int)zmtp_msg_bytes(&msg, 0).size,
                   (const char *)zmtp_msg_bytes(&msg, 0).data);
            zmtp_msg_fini(&msg);
            (void)zmtp_msg_append(&msg, zmtp_bytes_text("21 degrees")); // it fits into the struct
            if (zmtp_socket_send(rep->socket, &msg) < 0) return 1;
        }
        zmtp_msg_fini(&msg);
        zmtp_msg_init(&msg, &req->arena.allocator);
        const int result = zmtp_socket_recv(req->socket, &msg);
        if (result == ZMTP_OK)
            printf("REQ heard \"%.*s\"\n", (int)zmtp_msg_bytes(&msg, 0).size,
                   (const char *)zmtp_msg_bytes(&msg, 0).data);
        zmtp_msg_fini(&msg);
        if (result == ZMTP_OK) return 0;
    }
}

int main(void)
{
    static struct node req, rep; // zeroed, and off the stack
    int result = 1;
    if (node_open(&req, ZMTP_REQ) && node_open(&rep, ZMTP_REP)) result = ask(&req, &rep);
    node_close(&rep);
    node_close(&req);
    if (result != 0) fprintf(stderr, "the two did not come to an end\n");
    return result;
}
