// A loop with an engine, a folder for ipc paths, a watchdog, and nodes: sockets that note what
// happens to them. For tests of zmtp/io.
#ifndef TEST_SUPPORT_WORLD_H
#define TEST_SUPPORT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zmtp/zmtp.h"

enum { WORLD_TEXT = 512, WORLD_KINDS = ZMTP_EVENTS };

struct world {
    uv_loop_t loop;
    struct zmtp_budget budget; // its balance is checked by world_close
    struct zmtp_uv *uv;
    uv_timer_t watchdog;
    bool expired, closed;
    int names;
    char folder[64];
};

struct node {
    struct world *world;
    struct zmtp_uv_config config; // change it between node_init and node_open
    struct zmtp_uv_socket *socket;
    bool closed;
    size_t received, readable, writable;
    char last[WORLD_TEXT]; // the last message, its parts joined by '|'
    unsigned events[WORLD_KINDS];
    int errors[WORLD_KINDS]; // of the last event of a kind
    char reasons[WORLD_KINDS][WORLD_TEXT];
    uint32_t retry_ms;
    void (*act)(struct node *node, struct zmtp_msg *msg); // on each message
    void (*note)(struct node *node, const struct zmtp_event *event);
    void (*room)(struct node *node); // on_writable
    void *other;                     // the test's own
    size_t count;
};

void world_open(struct world *world);
// Closes the engine and checks that nothing is left: memory, handles, files.
void world_close(struct world *world);
// One turn of the loop; fails the test when it takes too long in all.
void world_turn(struct world *world);
#define WORLD_UNTIL(world, condition)                                                              \
    while (!(condition))                                                                           \
    world_turn(world)
// Turns until |ms| have passed, for what must not happen.
void world_rest(struct world *world, uint64_t ms);

// The number behind |name| in |text|, as in statistics; fails the test when there is none.
uint64_t world_number(const char *text, const char *name);

// An endpoint that nobody has; tcp with a port that was free a moment ago.
void world_endpoint(struct world *world, enum zmtp_transport transport,
                    char out[ZMTP_ENDPOINT_MAX]);
// A plain connection to a tcp or ipc endpoint, that blocks; the caller closes it.
int world_dial(const char *endpoint);
// Has this machine IPv6? Tests that need it and find none skip, or leave that part out.
bool world_has_ipv6(void);
// A plain tcp listener; |endpoint| is told. And a plain socket of udp, which does not block.
int world_listen(char endpoint[ZMTP_ENDPOINT_MAX]);
int world_datagrams(char endpoint[ZMTP_ENDPOINT_MAX]);

void node_init(struct node *node, struct world *world, enum zmtp_socket_type type);
void node_open(struct node *node);      // after node_init; messages are taken by callback
void node_open_pull(struct node *node); // the test takes them itself
void node_start(struct node *node, struct world *world, enum zmtp_socket_type type); // both
void node_bind(struct node *node, const char *endpoint);
void node_connect(struct node *node, const char *endpoint);
int node_try(struct node *node, const char *text); // parts divided by '|'
void node_send(struct node *node, const char *text);
void node_close(struct node *node); // and waits for it
void node_text(const struct zmtp_msg *msg, char out[WORLD_TEXT]);

#endif
