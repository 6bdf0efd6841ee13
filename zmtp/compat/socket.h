// A socket of zmq.h: a pattern (socket.h of the engine), the connections of its endpoints, which an engine of
// its own keeps (engine.h), and lines to other sockets of its context, which are ferries (msg/ferry.h).
//
//     call, or watch -> lock -> core -- pipes -- connections of the engine
//                                   \-- lines (inproc.h) -- cores of other sockets
//
// What a send took has to leave although the program may not call again for an hour. So a socket has a lock,
// which each call holds, and whoever has news for a socket that nobody is in, the watch or a call on another
// socket, does its work for it: moves what waits, tells a new connection of subscriptions. Nobody waits for that
// lock but the program's own calls, and those for a moment; who finds it held leaves the news to its holder,
// which looks again when it has let go. The bell is rung for a call that waits, or when the program has asked
// for the descriptor.
//
// Sockets of types for all threads may be called by many at once, and are the same, but for the bell: those who
// wait there are told of anything that changes, each for itself (sleepers.h).
#ifndef ZMTP_COMPAT_SOCKET_H
#define ZMTP_COMPAT_SOCKET_H

#include "../msg/ferry.h"
#include "../socket/far.h"
#include "../socket/volley.h"
#include "context.h"
#include "engine.h"
#include "latch.h"
#include "message.h"
#include "options.h"
#include "sleepers.h"

enum {
    // Receives that may find something before other news are looked at: subscriptions, new peers.
    ZMQ__SOCKET_CALLS = 64,
};

struct zmq__endpoint;
struct zmq__line;
struct zmq__name;
struct zmq__monitor;
struct zmq__question;

// Messages that pass one after the other (stretch.h), of which not all is counted yet. Of whoever is inside.
struct zmq__stretch {
    struct zmtp__lane *lane; // null: there is none
    unsigned count;          // how many it was to be
    unsigned sends, recvs;   // and how many are left: to be sent, or received
    uint8_t *room;           // where the next is written to; null: it receives
    const uint8_t *begin, *at, *end;
    struct zmtp_slab *slab; // where what is received lies, and from whom it is
    struct zmtp__origin *origin;
    struct zmtp__volley volley; // of a publisher's; none of the above but |lane| and |count| is
    unsigned vain,
        rest; // how many in a row ended early, and for how many messages none begins because of that
};

// Of looks at a line for more of a stream (inproc.c): those in vain above the others, and how many are left out yet.
struct zmq__lookout {
    unsigned vain, rest;
};

struct zmq__socket {
    struct zmq__handle handle;
    unsigned generation; // of the process that opened it
    struct zmq__context *context;
    struct zmq__socket *next, *before; // of the context, under its lock
    uint64_t number;
    enum zmtp_socket_type type;
    bool safe;   // for all threads: it has |sleepers|, and never a bell
    bool strict; // what libzmq takes and should not is an error: of the flat interface
    bool asks;   // it puts one question, which is nobody's any more when it is closed
    struct zmq__options options;
    struct zmtp_socket *core; // null: closed
    struct zmtp_pool *pool;   // of what is sent
    // Connections.
    struct zmq__engine *engine;      // null: it has no such endpoint yet
    struct zmq__endpoint *endpoints; // bound and connected, the last first
    char last_endpoint[ZMTP_ENDPOINT_MAX];
    size_t abroad;                   // engine's sockets that are not freed yet
    struct zmq__question *questions; // to a ZAP handler, of those who wait to be let in
    struct zmq__monitor *monitor;    // null: nobody listens
    // Lines to other sockets.
    struct zmtp__dock dock;
    unsigned lines_left;    // new lines that are taken up before it is let go, or works anew
    atomic_uint unanswered; // new lines that others brought, and that wait for that
    struct zmq__line *lines;
    struct zmq__name *names; // bound over inproc; under the context's lock
    atomic_bool near;        // it may have some
    atomic_uint refs;        // its own, and of each line that may ring it
    // Other threads'.
    struct zmq__latch latch;           // the lock; held for ever once it is closed
    atomic_uint waiting;               // calls that sleep
    atomic_bool helpless;              // on a thread's list of those to be worked for
    struct zmq__socket *helpless_next; // of that thread
    // On the context's list of those with something to be written, under that one's lock, and who left it; null: it is not.
    struct zmq__socket *unsent_next, *unsent_before;
    const void *_Atomic unsent_by;
    // The bell; other threads ring it.
    atomic_int bell;     // an eventfd; -1: nobody has needed it
    atomic_bool rung;    // since it was last heard
    atomic_bool exposed; // the program has the descriptor, so it is to be rung for all news
    unsigned told;       // events that it was rung for since the program's last call
    unsigned shown;      // and those that were there last
    // Those who wait at one for all threads; |stirred|: something is new since they were woken.
    struct zmq__sleepers sleepers;
    bool stirred;
    // Messages that are half given or half taken.
    struct zmtp_msg sending, receiving;
    uint32_t taken; // parts of |receiving|
    struct zmq__purse purse;
    struct zmq__stretch stretch;
    struct zmtp__spin spin;
    struct zmq__lookout lookout;
    bool more;      // the last part that was given has others behind it
    bool turn;      // REQ: its request waits for the reply; REP: a request waits for its reply
    uint32_t calls; // since it last worked for nobody's sake
    // One more than had left when a large message was waited for in vain; 0: none was.
    uint64_t choked;
};

// Null, and errno says ENOTSOCK (it is none, or closed) or ETERM (its context ends, or is the parent's).
struct zmq__socket *zmq__socket_of(void *handle);
// The same, and takes the lock. All calls below that say so want it held.
struct zmq__socket *zmq__socket_enter(void *handle);
// What is left of entering when the lock was taken by itself (quick.h).
void zmq__socket_begin(struct zmq__socket *socket);
// Another one's side of a line is brought to |socket|. Where too many wait there, leaving the caller's own socket
// takes as long as it takes to work them off.
void zmq__socket_bring_line(struct zmq__socket *socket);
// Inside. Nothing is left of the message that a general function gave before.
void zmq__socket_forget(struct zmq__socket *socket);
// Lets go of it, when all is done that other threads have brought. Then works for others whom the call rang.
void zmq__socket_leave(struct zmq__socket *socket);
// The same for a call that has the lock, or has slipped in (|seat|), and has not entered (quick.h).
void zmq__socket_leave_working(struct zmq__socket *socket, struct zmq__seat *seat);
// Another thread brought something while this one let go of the lock by itself (quick.h): it works for the socket, if
// nobody else is inside. Who is looks for what was brought afterwards.
void zmq__socket_come_back(struct zmq__socket *socket);
// Leaves, and tells the error, if it is one: 0 or -1.
int zmq__socket_result(struct zmq__socket *socket, int error);
// A socket of the library's own; as zmq_socket, but counted among no program's.
struct zmq__socket *zmq__socket_open(struct zmq__context *context, enum zmtp_socket_type type,
                                     int *error);
// One that was just opened, and which no other thread knows, has a bell even if it is for all threads: its user sees
// to it that those who wait hear it (ffi/wait.h).
void zmq__socket_give_bell(struct zmq__socket *socket);
// The descriptor that has news when a look at the events is worth it. -1: errno tells; EINVAL: it is for all
// threads, and each poll watches with a descriptor of its own.
int zmq__socket_fd(struct zmq__socket *socket);
// ZMQ_POLLIN and ZMQ_POLLOUT, after it has worked. -1: errno tells.
int zmq__socket_events(struct zmq__socket *socket);
// Inside.
unsigned zmq__socket_found(struct zmq__socket *socket); // as events
int zmq__socket_expose(struct zmq__socket *socket);     // as fd
// Inside. Sees to all news, whether or not it was rung.
void zmq__socket_work(struct zmq__socket *socket);
// Inside. The same amid a stream of receives, where others are looked to as well, but not all the time.
void zmq__socket_work_amid(struct zmq__socket *socket);
// Is it too soon for that? Then as many calls as that again may come before.
bool zmq__socket_goes_on(struct zmq__socket *socket);
// Inside. The same if there are any, at the price of a look.
void zmq__socket_look(struct zmq__socket *socket);
// On any thread, which may be inside of another of the context's: what was sent is written, if nobody else is inside.
void zmq__socket_write(struct zmq__socket *socket);
// On the watch's thread: runs the engine and does the socket's work, if nobody else is inside. False: somebody is.
bool zmq__socket_visit(struct zmq__socket *socket);
// The same: after the program's close nothing is left of its connections.
void zmq__socket_gone(struct zmq__socket *socket);
// A call is about to wait for one of |events| here, and for more elsewhere: it looks at both descriptors (-1:
// none) for |*timeout_ms| at most, and then rises. 0; EAGAIN: look again at once; ETERM and others: it must not wait.
// Of the three, only after the first it has to rise.
int zmq__socket_doze(struct zmq__socket *socket, unsigned events, int fds[2], int *timeout_ms);
void zmq__socket_rise(struct zmq__socket *socket);
// Inside, but not while it sleeps. Until it is rung, or until |deadline_ms| (UINT64_MAX: for ever), or for a signal. 0: try again; EAGAIN:
// the time is over; EINTR, ETERM, EMFILE; ENOTSOCK: another thread closes it.
int zmq__socket_wait(struct zmq__socket *socket, uint64_t deadline_ms);
// The same, and looks for new events for a while before, if that has been worth it lately.
int zmq__socket_await(struct zmq__socket *socket, uint64_t deadline_ms);
uint64_t zmq__socket_deadline(int timeout_ms); // of a wait that begins now; -1: for ever
// Inside. The patterns go by the options as they are now. An errno.
int zmq__socket_apply(struct zmq__socket *socket);
// On any thread: there is news for it. Who is inside of another socket works for it later, when it leaves.
void zmq__socket_ring(struct zmq__socket *socket);
// The same of messages that have come: if no call waits for them, and the program does not watch the descriptor, the next
// call finds them.
void zmq__socket_knock(struct zmq__socket *socket);
// Inside. Works now for those whom this call has rung, and not only when it leaves.
void zmq__socket_help(struct zmq__socket *socket);
void zmq__socket_ref(struct zmq__socket *socket);
void zmq__socket_unref(struct zmq__socket *socket);
// Who is to give back what this thread lets go of now and was lent (loan.h): of the context of whose socket it is
// inside, or the one that it brought. Null: the thread itself, as it holds no lock.
struct zmq__reaper *zmq__socket_reaper(void);
void zmq__socket_bring_reaper(struct zmq__reaper *reaper); // for a thread of the context's own
bool zmq__socket_by_program(void);                         // is this thread none of those?

// transfer.c: sends a whole message without waiting, from any thread; for the library's own sockets. An errno.
int zmq__socket_try_send(struct zmq__socket *socket, const struct zmtp_bytes *parts, size_t count);
// The same, of a whole message that has come, into |msg|, which is empty.
int zmq__socket_try_recv(struct zmq__socket *socket, struct zmtp_msg *msg);

#endif
