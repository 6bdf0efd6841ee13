// The in-memory network: sockets, the names that they are bound to, and cables between them. All of it is under one
// lock. A cable has the other ends of two pipes, one of each socket's, and carries messages from one to the other as
// a connection would, unless the script wants them lost or late.
#ifndef ZMTP_FFI_MOCK_WORLD_H
#define ZMTP_FFI_MOCK_WORLD_H

#include "../../compat/options.h"
#include "../../msg/pipe.h"
#include "../net.h"

struct mock_cable;
struct mock_script;

struct zmtp__ffi_net_context {
    struct zmq__context_options options;
    int linger_ms; // -1: not shut yet
    size_t sockets, lingering;
};

struct zmtp__ffi_net_monitor {
    struct zmtp__ffi_net_socket *socket; // null: it has gone, or another took this one's place
    int32_t wanted;
    struct zmtp__ffi_net_news *news; // a ring
    size_t head, count;
    int bell;
};

// What a socket is bound to.
struct mock_name {
    struct mock_name *next;
    struct zmtp__ffi_net_socket *socket;
    const struct zmtp__ffi_net_context *context; // of inproc; null: everybody's
    uint64_t cut_until_ms;
    char given[ZMTP_ENDPOINT_MAX], text[ZMTP_ENDPOINT_MAX], key[ZMTP_ENDPOINT_MAX];
};

struct zmtp__ffi_net_socket {
    struct zmtp__ffi_net_socket *next;
    struct zmtp__ffi_net_context *context;
    struct zmtp_socket *core;
    enum zmtp_socket_type type;
    struct zmq__options options;
    struct zmtp__ffi_net_monitor *monitor;
    char last_endpoint[ZMTP_ENDPOINT_MAX];
    int bell;     // -1: nobody asked for it
    bool stirred; // since its bell was rung last
    // The script.
    int32_t loss_per_mille, drop, delay_ms;
    uint64_t random, lost;
};

// A message on its way, the first first.
struct mock_held {
    struct mock_held *next;
    struct zmtp_msg msg;
    uint64_t due_ms;
    bool command;
};

struct mock_cable {
    struct mock_cable *next;
    // Of whom the dialler was, which has closed; null: it has not.
    struct zmtp__ffi_net_context *lingers;
    struct zmtp__ffi_net_socket *sockets[2]; // the dialler, and who is bound; null: not there
    struct zmtp_pipe_end *ends[2];
    struct mock_name *name;           // null: not connected
    const struct mock_script *script; // or it answers
    struct mock_held *held[2], *held_last[2];
    size_t held_count[2];
    uint64_t ends_ms;
    char given[ZMTP_ENDPOINT_MAX], key[ZMTP_ENDPOINT_MAX];
    const struct zmtp__ffi_net_context *context; // of inproc
};

// What all have, under the lock.
struct mock_world {
    struct zmtp__ffi_net_socket *sockets;
    struct mock_name *names;
    struct mock_cable *cables;
    uint32_t numbers; // given for ports and paths
};
extern struct mock_world zmtp__mock_world;
void zmtp__mock_lock(void);
void zmtp__mock_unlock(void);
uint64_t zmtp__mock_now(void);
// Carries what can be carried, until nothing moves; and rings.
void zmtp__mock_run(void);
void zmtp__mock_ring(void);
// There is, or will be, something to be done at a time: a thread does it if nobody else comes.
void zmtp__mock_plan(uint64_t due_ms);

// cable.c: one that leads from |socket| to where |key| is.
int32_t zmtp__mock_cable_open(struct zmtp__ffi_net_socket *socket, const char *given,
                              const char *key, bool inproc);
// True: something moved. |*gone|: it is over, and is freed.
bool zmtp__mock_cable_work(struct mock_cable *cable, bool *gone);
void zmtp__mock_cable_break(struct mock_cable *cable);
void zmtp__mock_cable_free(struct mock_cable *cable);
// The socket closes: cables that it dialled linger, others break.
void zmtp__mock_cable_leave(struct zmtp__ffi_net_socket *socket, int linger_ms);

// monitor.c
void zmtp__mock_tell(struct zmtp__ffi_net_socket *socket, int32_t news, uint32_t value,
                     const char *endpoint);

// script.c: one for |key|; null: nobody answers there. And what it answers to the last part of a message: false: nothing.
const struct mock_script *zmtp__mock_script_find(const char *key);
bool zmtp__mock_script_answer(const struct mock_script *script, struct zmtp_bytes request,
                              struct zmtp_bytes *reply);
// What an endpoint is known by, whoever writes it how; a code.
int32_t zmtp__mock_key(const char *endpoint, struct zmtp_endpoint *where, char *key);

#endif
