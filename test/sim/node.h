// A node is a socket with its connections, as io/ would drive them on a real loop: octets move when
// a link has some or has room, a peer or a socket is called when its mark says so, and never otherwise.
// So a wake-up that is lost shows as a node that stands still for ever.
#ifndef TEST_SIM_NODE_H
#define TEST_SIM_NODE_H

#include "elder.h"
#include "link.h"
#include "post.h"
#include "thread.h"
#include "zmtp/peer.h"
#include "zmtp/socket.h"

enum { NODE_CONNECTIONS = 16, NODE_BREAKS = 256 };

struct node;

struct connection {
    struct node *node;
    struct link *link; // null: none now
    size_t side;
    struct zmtp_peer *peer; // null: none now
    struct elder *elder;    // null: it speaks for itself
    uint64_t judged_ms;     // when its credentials will be; UINT64_MAX: nobody asks
    struct zmtp_pipe_end *end;
    unsigned interest; // what it wanted when it was last looked at
    bool broken;       // it was told that its link broke
    bool dialled;
    uint64_t dial_ms; // a dialler's next try; UINT64_MAX: not now
    struct zmtp_backoff backoff;
};

struct node {
    struct world *world;
    size_t index;
    struct node *server; // null: this is one
    struct zmtp_socket_config config;
    struct zmtp_peer_limits limits;
    struct zmtp_security security;
    uint8_t minor;              // of the 3.x that it speaks
    uint8_t metadata[16];       // of |config|
    uint8_t elder;              // a client: 1 or 2 when it speaks that version
    bool old_versions;          // it serves those
    struct zmtp_socket *socket; // null: closed
    struct zmtp_marks marks;    // of its connections' ends
    struct connection *connections[NODE_CONNECTIONS];
    struct post *post; // null: it has no datagrams instead
    size_t post_count; // of nodes that have
    struct post_box box;
    bool threaded; // it has crossings instead
    struct thread thread;
    bool dials_anew; // a STREAM: its user has closed the connection, and wants another
    bool app_due;    // something changed since the app last looked
    uint64_t messages_out, messages_in; // of connections that are over
    // A client: how many messages had left whenever a connection of its one pipe ended.
    uint64_t breaks[NODE_BREAKS];
    size_t break_count;
    struct zmtp_socket_counters counters; // the socket's last, once it is closed
    uint64_t queued_in, queued_out;
};

int node_open(struct node *node);
// Begins to dial the server.
int node_dial(struct node *node);
// SERVER and PEER: the number of whoever its first connection dials; 0: there is none.
uint32_t node_peer_id(const struct node *node);
// Lets everything that can be done now be done. True when something was.
bool node_work(struct node *node);
// Lets the socket see what its pipes brought.
bool node_process(struct node *node);
bool node_is_marked(const struct node *node);   // there is something for the next node_work
uint64_t node_next_ms(const struct node *node); // when it wants to be called again
// Closes the socket; what it sent is still delivered.
void node_close(struct node *node);
bool node_is_over(const struct node *node); // closed, and every connection is gone
// Every connection that it has or dials for is past its handshake.
bool node_is_connected(const struct node *node);
// For the end: drops whatever is left. Once for each, and then a |last| time.
void node_fini(struct node *node, bool last);

// Messages that left and came with all connections so far, and what waits in the pipes.
uint64_t node_messages_out(const struct node *node);
uint64_t node_messages_in(const struct node *node);
void node_count_queued(struct node *node); // into queued_in and queued_out
// Tells in the trace how each connection stands.
void node_trace(const struct node *node);

#endif
