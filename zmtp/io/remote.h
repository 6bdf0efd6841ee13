// A socket whose patterns run on another thread than its connections: for interfaces whose calls may come
// from threads that run no loop and must not wait for one. The socket's core belongs to the thread that
// calls; connections belong to a loop; between each connection, or dialled endpoint, and the core is a
// ferry. The loop's thread makes a pipe and hands its one end to the connection, as zmtp_socket_attach
// does for a core of its own; the core's thread finds the other shore at its dock and attaches a pipe
// of the core's to it. Neither takes a lock or waits for the other.
//
//     connection | pipe | shore  ====  shore | pipe | lane of the core
//     loop's thread                    the thread that calls
//
// The core's thread, whenever it is called or has been rung:
//
//     zmtp__remote_work(remote)
//     ... zmtp_socket_send, zmtp_socket_recv; zmtp__remote_work after the last ...
//     if (zmtp__remote_sleep(remote)) sleep until rung
//
// It closes the core with zmtp__remote_close, which takes no time: what was sent is with the loop then. From
// there on |remote| is the loop's, which lets what came too late be refused (zmtp__remote_work), and frees
// it when it is over.
#ifndef ZMTP_IO_REMOTE_H
#define ZMTP_IO_REMOTE_H

#include "../socket/far.h"
#include "harbour.h"

// What the two threads share.
struct remote_line;

struct zmtp__remote {
    struct zmtp_socket *core;                  // the core's thread's alone; null: closed
    struct zmtp__dock dock;                    // where that finds its shores
    void (*ring)(struct zmtp__remote *remote); // wakes it; called on the loop's thread
    struct zmtp__harbour *harbour;             // the loop's; one reference
    struct remote_line *lines;                 // those that the core has; the core's thread's
    atomic_size_t shores;                      // of both threads, not closed yet
};

// Takes |core|, for connections of |uv|, which has a harbour (zmtp_uv_join). |ring| must bear to be called
// after the core has closed.
void zmtp__remote_init(struct zmtp__remote *remote, struct zmtp_socket *core, struct zmtp_uv *uv,
                       void (*ring)(struct zmtp__remote *remote));
bool zmtp__remote_over(const struct zmtp__remote *remote); // no shore is left
void zmtp__remote_fini(struct zmtp__remote *remote);       // when it is

// Who comes: a connection of the engine's socket with this number, or an endpoint that it dials.
struct zmtp__remote_visit {
    uint64_t number;
    bool dialled;
    struct zmtp_bytes routing_id;
};

// On the loop's thread: a pipe for a connection, or a dialled endpoint. |*end| is the caller's, and like
// one of zmtp_socket_attach. That the core refuses it (its routing id is taken, a PAIR has its peer) is
// found later: the pipe's other end closes. Limits are |config|'s. ZMTP_ERR_MEMORY.
int zmtp__remote_attach(struct zmtp__remote *remote, const struct zmtp_socket_config *config,
                        const struct zmtp__remote_visit *visit, struct zmtp_pipe_end **end);

// On the core's thread: lets all shores with news work, and attaches those that are new.
void zmtp__remote_work(struct zmtp__remote *remote);
// The core parts with all that came of the engine's socket |number|, which has closed: what was sent is with
// the loop then, what came in and was not received is dropped.
void zmtp__remote_part(struct zmtp__remote *remote, uint64_t number);
// The shore's end of the pipe of what the engine's socket |number| dials; null: it is not attached.
const struct zmtp_pipe_end *zmtp__remote_dialled(const struct zmtp__remote *remote,
                                                 uint64_t number);
// Calls |each| for every line: the engine's socket it came of, and the shore's end of its pipe.
void zmtp__remote_each(const struct zmtp__remote *remote,
                       void (*each)(void *user, uint64_t number, const struct zmtp_pipe_end *end),
                       void *user);
// The core's limits are others now.
void zmtp__remote_alter(struct zmtp__remote *remote);
// From now on the loop rings. False: there is more to do, or something waits for memory; then work again,
// in the second case (zmtp__dock_hungry) after a while.
bool zmtp__remote_sleep(struct zmtp__remote *remote);
void zmtp__remote_close(struct zmtp__remote *remote);

#endif
