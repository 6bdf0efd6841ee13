// libzmtp on libuv: sockets with endpoints, on the caller's uv_loop_t. No thread is started but those, 16 at
// most, that wait for name servers and do nothing else; they hold up neither the loop nor its end. All
// calls belong to the loop's thread, but for those that say "from any thread", of mailboxes, trays and shared names; a
// message that was received may be passed to other threads, and released there, also after the engine has
// closed (msg.h). Callbacks come from the loop, never from inside the call that caused them, so any call,
// close included, may be made from any callback.
//
// After fork the engine stays the parent's. In the child every call on it, or on its sockets, does
// nothing and says ZMTP_ERR_STATE (what returns no error: nothing, 0 or null); its memory stays until
// the child ends. The child opens an engine of its own, on a new loop. exec closes all descriptors.
//
//     struct zmtp_uv *uv;
//     struct zmtp_uv_socket *socket;
//     zmtp_uv_open(&uv, uv_default_loop(), NULL);
//     struct zmtp_uv_config config;
//     zmtp_uv_config_init(&config, ZMTP_REP);
//     config.on_message = answer;
//     zmtp_uv_socket_open(&socket, uv, &config);
//     zmtp_uv_bind(socket, "tcp://127.0.0.1:5555");
//     uv_run(uv_default_loop(), UV_RUN_DEFAULT);
#ifndef ZMTP_UV_H
#define ZMTP_UV_H

#include <uv.h>

#include "peer.h"
#include "socket.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined __cplusplus && defined __GNUC__
// Some functions are called as the structs that they return, which hides no constructor anybody wants.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

// The engine of one loop: its slab pool, its inproc names, its flush before the loop sleeps. An open
// socket keeps the loop alive, as a listening handle does; an engine without sockets does not.
struct zmtp_uv;
struct zmtp_uv_socket;

// |allocator| null: the heap; it must outlive the engine. ZMTP_ERR_MEMORY, or ZMTP_ERR_ARGUMENT without a
// loop.
int zmtp_uv_open(struct zmtp_uv **out, uv_loop_t *loop, const struct zmtp_allocator *allocator);
// Closes every socket still open (without linger) and then the engine. |closed|, if not null, is
// called from the loop when all is released; run the loop until then.
void zmtp_uv_close(struct zmtp_uv *uv, void (*closed)(void *user), void *user);

// Why the last zmtp_uv_socket_open or zmtp_uv_join of this engine failed, in words that name the field, path
// or line that was wrong; "" after a success. |uv| null: that there is no engine, so that it can be asked
// whatever failed. Once there is a socket, zmtp_uv_error_text has the words for its calls.
const char *zmtp_uv_open_error_text(const struct zmtp_uv *uv);

// The loop that it was opened on, for those who have only the engine; null of null.
uv_loop_t *zmtp_uv_loop(const struct zmtp_uv *uv);

// Has the loop look for news again and again, for up to |spin_us| microseconds (1000000 at most; 0: not
// at all), before it sleeps. Where a processor is free for each side of a conversation, that saves both the sleep and
// the wake-up of each message, which are most of a round trip; 50 is a good value. Where none is free, or what is
// awaited takes longer than that, the loop finds that it spins in vain, and does so for at most a sixty-fourth of the
// time, and less and less down to a thousandth, until it succeeds again. While spins succeed, a processor is busy all
// the time.
//
// A loop for which this was not called spins only where it was woken within 250 microseconds again and again, and now
// finds what it waits for in three quarters of the time at most, and for no more than one and a half of the processor
// time that the sleeps took; the other side's are saved as well. It does not while zmtp_uv_fd is used. (ZMTP_SPIN_US in
// the environment is for the drop-in alone.)
//
// It is the loop that spins, for all the engine's sockets: an idle handle keeps it from sleeping, so other handles get
// their turns as ever, timers and the program's own descriptors too, UV_RUN_ONCE may return without having waited, and
// zmtp_uv_fd is readable meanwhile. A spin begins only after something has come, or was sent. Other threads that send
// over inproc do not wake a loop that spins; they need no system call then. ZMTP_ERR_ARGUMENT beyond the most.
int zmtp_uv_spin(struct zmtp_uv *uv, uint32_t spin_us);

// For programs with a loop of their own (poll, epoll, another library's), instead of uv_run: wait until
// zmtp_uv_fd is readable, then call zmtp_uv_turn. See examples/poll.c.
//
// The descriptor is readable exactly when a turn has something to do (input, output, a timer, what a
// call from outside the loop left behind), or when a socket without |on_message| has something to
// receive: a program that leaves messages lie is told of them again and again. It is the engine's:
// neither read nor close it. Negative: an error.
int zmtp_uv_fd(struct zmtp_uv *uv);
// How long a wait for that descriptor may last; -1: for ever. Needed only where handles of the
// program's own (timers and so on) are started on the loop from outside of it.
int zmtp_uv_timeout_ms(struct zmtp_uv *uv);
// Runs the loop once without blocking, callbacks included. ZMTP_ERR_STATE from a callback; where several
// engines share a loop, do not turn one from a callback of another. After zmtp_uv_close go on until |closed|
// was called; the engine is gone then.
int zmtp_uv_turn(struct zmtp_uv *uv);

// The process at the other side of an ipc connection, as the system tells it: who called connect, or of a
// connection that was dialled, who called listen. Of another namespace |pid| is 0.
struct zmtp_uv_process {
    bool known; // false over other transports
    int64_t pid;
    uint32_t uid, gid;
};

// Engines of several loops, each run by a thread of its own, may share their inproc names: a socket of one
// binds a name, sockets of others connect to it, and messages pass between the threads without a system
// call, or a copy of their bodies. Everything else stays as it is: each socket belongs to its engine's
// thread, and either side may close first. What was sent before a close is still received.
//
// A queue's limits are those of both sides together, as within an engine, wherever it waits: here, on the way
// or there. A sender that was refused hears of room when half of them has been received. The memory of what
// passes is the heap's, whatever the engines' allocators. What is sent leaves by batches of 256 messages, or of 1024
// where both loops ran on one processor last, and the rest when the sender's loop turns: who sends and then does not
// run its loop keeps the last ones to itself.
struct zmtp_uv_shared;
// From any thread. The names are bound as long as their sockets; this is where they are kept.
int zmtp_uv_shared_open(struct zmtp_uv_shared **out);
// From any thread: no more engines join. It goes with the last engine that has.
void zmtp_uv_shared_close(struct zmtp_uv_shared *shared);
// From the engine's thread, before its first socket is opened: else ZMTP_ERR_STATE. Its inproc names are
// everybody's then: a bind to one that another engine has is ZMTP_ERR_IN_USE.
int zmtp_uv_join(struct zmtp_uv *uv, struct zmtp_uv_shared *shared);

enum zmtp_event_kind {
    ZMTP_EVENT_LISTENING,  // |endpoint| is the one bound, with its real port
    ZMTP_EVENT_ACCEPTED,   // a connection came; its handshake begins
    ZMTP_EVENT_CONNECTING, // a dial begins: |remote| is the address, one of a name's perhaps
    ZMTP_EVENT_CONNECTED,  // a dial succeeded; the handshake begins. A |reason| is a warning: see
                           // |allow_public_null|
    ZMTP_EVENT_HANDSHAKE_DONE,   // messages can flow; without a handshake, over udp and with a
                                 // STREAM, as soon as the system says so
    ZMTP_EVENT_HANDSHAKE_FAILED, // |error| and |reason| say why
    // A connection after its handshake ended: |error|, which is ZMTP_ERR_HEARTBEAT when the other side was
    // silent for too long, and ZMTP_ERR_TURNED_AWAY when its socket has no place for us, for |reason|: its
    // ROUTER has another peer of our routing id, its PAIR a peer. That comes with HANDSHAKE_FAILED when it was
    // heard together with the handshake's end.
    ZMTP_EVENT_CLOSED,
    ZMTP_EVENT_DIAL_FAILED, // nobody there yet: |error|
    ZMTP_EVENT_RETRY,       // the next dial comes in |retry_ms|
    ZMTP_EVENT_GAVE_UP,     // no more dials, and the endpoint is forgotten: the other side
                            // answered with an ERROR command, or it broke a limit of ours, or
                            // the user of a STREAM closed the connection, or this is what
                            // |reconnect_stop| names
    // Accepting failed for want of descriptors or memory: |error|; or, with ZMTP_ERR_LIMIT,
    // |recv_bytes_gone_max| was met. It is tried again, and told once until it has succeeded.
    ZMTP_EVENT_ACCEPT_PAUSED,
    ZMTP_EVENT_STOPPED, // |endpoint| was unbound: nobody listens there any more
    ZMTP_EVENT_DROPPED, // |count| messages were dropped for the reason |drop| since this was last
                        // told: once in a turn of the loop for each reason, however many there are
    ZMTP_EVENT_REFUSED, // who came was turned away before a handshake: |reason|, |remote|, |process|
    // REQ with |on_message| or a tray: |request| has no reply, for |error| and |reason|: it was not answered in
    // time, or its peer has gone for good (after GAVE_UP, say), or, with several in flight, at all. With one in
    // flight, one that is dialled again may still answer: |req_timeout_ms| sets a limit.
    ZMTP_EVENT_REQUEST_FAILED,
    ZMTP_EVENTS // how many kinds there are
};
const char *zmtp_event_name(enum zmtp_event_kind kind);

struct zmtp_event {
    enum zmtp_event_kind kind;
    uint64_t peer;        // the row's number, see zmtp_uv_peer; 0: not of a connection or dialler
    const char *endpoint; // ours: the one given to bind or connect, with its real port; DROPPED: ""
    const char *remote;   // the other side's address, or ""
    int error;            // enum zmtp_err
    // More about it: a text from the other side, the system's words, or a guess at what speaks there
    // instead of ZMTP; or empty. Printable octets only.
    struct zmtp_bytes reason;
    uint32_t retry_ms;
    // The system's number of the connection or listener, which the engine owns: to look at during the call, or
    // to compare; -1: it has none. Where the event is an end it may be closed already.
    int descriptor;
    struct zmtp_uv_process process; // ipc, from ACCEPTED or CONNECTED on
    enum zmtp_drop drop;            // DROPPED
    uint64_t count;
    uint32_t request;             // REQUEST_FAILED: its number
    struct zmtp_bytes routing_id; // the peer's (STREAM: made here), from HANDSHAKE_DONE on
    enum zmtp_socket_type peer_type;
    enum zmtp_mechanism mechanism; // and who the peer is, from HANDSHAKE_DONE on
    struct zmtp_key public_key;    // CURVE
    struct zmtp_bytes user_id;     // as the authoriser calls it
};

// Whom a server lets in. A list is of public keys, and for CURVE only; PLAIN and NULL need somebody who
// is asked. A ZAP handler that is not there, does not answer in |limits.authorise_ms| or answers what RFC
// 27 does not allow lets nobody in, and turns nobody away for good.
enum zmtp_allow_kind {
    ZMTP_ALLOW_ASK,  // |on_authorise| decides
    ZMTP_ALLOW_ANY,  // everybody: clients know whom they talk to, the server does not
    ZMTP_ALLOW_KEYS, // |keys|
    ZMTP_ALLOW_FILE, // |path|: a certificate, or a list with a key in each line and # for comments
    ZMTP_ALLOW_FOLDER, // |path|: the certificates in it, as czmq keeps them
    ZMTP_ALLOW_ZAP, // the ZAP handler of this engine, or of one that shares its names, is asked: zap.h
};
// A file or folder is looked at again for each new connection and read anew when it has changed; a
// certificate in a folder is to be replaced (by renaming), not written over. While it cannot be read
// nobody is let in.
struct zmtp_allow {
    enum zmtp_allow_kind kind;
    const struct zmtp_key *keys;
    size_t count;
    const char *path;
    // ZAP: what the handler is to judge by, at most 255 printable octets of ASCII. RFC 27 wants it not
    // to be empty; "" is for PLAIN and CURVE, which libzmq asks about with none.
    const char *zap_domain;
};

// Somebody who wants to come in; valid during the call of |on_authorise|.
struct zmtp_uv_guest {
    uint64_t ticket;               // for zmtp_uv_authorise
    const char *endpoint, *remote; // ours, and the address that it comes from
    const char *address;           // of that, what RFC 27 calls so: "192.0.2.1"
    struct zmtp_uv_process process;
    struct zmtp_credentials credentials;
};

// Which processes may connect over ipc, whatever the mechanism: those that are on one of the lists, or
// all when nothing is listed. Others are turned away before their first octet is read.
struct zmtp_uv_ipc_allow {
    bool same_user;                         // those of this process's effective user
    const uint32_t *uids, *gids;            // a user, or its group or one of its further groups
    const int64_t *pids;                    // for as long as nobody else has the number
    size_t uid_count, gid_count, pid_count; // each up to 4096
};

// Which IP addresses are bound and dialled.
enum zmtp_families {
    ZMTP_FAMILIES_BOTH, // tcp://*:p and tcp://[::]:p take IPv4 and IPv6 at one port
    ZMTP_FAMILIES_IPV4, // * is every IPv4 address; an IPv6 one is refused
    ZMTP_FAMILIES_IPV6, // * and [::] are every IPv6 address and take no IPv4; one of that is refused
};
// After what a dialler gives up, instead of dialling again. See |reconnect_stop|.
enum {
    ZMTP_STOP_REFUSED = 1,     // nobody listens there
    ZMTP_STOP_DIAL_FAILED = 2, // a dial failed for whatever reason, that one too
    ZMTP_STOP_HANDSHAKE = 4,   // a handshake failed, or led to ZMTP_ERR_TURNED_AWAY
    ZMTP_STOP_CLOSED = 8,      // a connection ended after its handshake
    ZMTP_STOP_ALWAYS = 15      // one dial, one connection
};

// How connections that leave the process are made, and what the system is told about them. What is 0,
// or empty, is left as the system has it. A socket's own, for all its endpoints.
struct zmtp_uv_transport {
    enum zmtp_families families; // tcp and udp
    // A dial's patience with one address, and with the name servers: 5 and 10 s by default. 0: as long
    // as the system has it, and for ever.
    uint32_t connect_ms, resolve_ms;
    // tcp: probes on a connection on which nothing moves, which find that the other side has gone even
    // without heartbeats. The first after |keepalive_idle_s|, then one each |keepalive_interval_s|; broken
    // after |keepalive_count| without an answer.
    bool keepalive;
    uint32_t keepalive_idle_s, keepalive_interval_s, keepalive_count; // up to 32767, 32767, 127
    // tcp: how long what was sent may go without the other system's word that it has come
    // (TCP_USER_TIMEOUT); the connection breaks then. Up to INT32_MAX.
    uint32_t unacknowledged_ms;
    // Octets of the kernel's buffers, up to INT32_MAX / 2; the system has bounds of its own. A tcp
    // buffer that was told its size grows no more.
    uint32_t send_buffer, recv_buffer;
    // tcp, udp: the octet that routers see, up to 255 (IP_TOS, IPV6_TCLASS).
    uint32_t type_of_service;
    // tcp, udp: what the system sends first, up to 2147483647, but above 6 is for those who may (SO_PRIORITY); and
    // for how many microseconds it looks for more before it sleeps (SO_BUSY_POLL), up to INT32_MAX. 0: as it has it.
    uint32_t priority, busy_poll_us;
    // ipc: the mode of a path that is bound, up to 0777, whatever the umask: who may connect needs
    // permission to write. It is in force before anybody can connect.
    uint32_t ipc_mode;
    // udp: how many routers what is sent to a group may pass, and one more; up to 255, 0: 1. And
    // whether this machine's own sockets hear it.
    uint32_t multicast_hops;
    bool multicast_loop;
    // tcp, udp: the one interface that connections go through ("eth0"), whatever their addresses
    // (SO_BINDTODEVICE); with its terminator.
    char device[16];
};

struct zmtp_uv_config {
    struct zmtp_socket_config socket; // allocator and pool are filled in by the engine
    struct zmtp_peer_limits limits;
    // Delays before dialling again, see struct zmtp_backoff; the most 0: as the least. Whoever answered with
    // another mechanism, socket type or key hardly changes soon, so the next delay is then drawn from the most.
    uint32_t reconnect_min_ms, reconnect_max_ms;
    unsigned reconnect_stop; // ZMTP_STOP_...; 0: never
    // Dial again also after the other side has refused with an ERROR, at which a dialler gives up otherwise
    // (RFC 37, ERROR): for those who may be let in later without anybody's doing here.
    bool reconnect_denied;
    // How long close waits for queued messages to leave, from the call on; UINT32_MAX: for ever. A program that is
    // busy before it runs the loop again has that much less of it.
    uint32_t linger_ms;
    uint32_t pending_max; // connections of a listener before their handshake is done
    // CURVE servers: connections that a listener accepts in a second and whose handshake is not done, so that they may
    // have cost more than they took; up to as many may come at once, the rest waits in the system's queue. One whose
    // handshake is done counts no more. 0: no limit.
    uint32_t hello_rate_max;
    uint32_t backlog; // of listen(2); 1 to INT32_MAX
    // Of one IPv4 address, or one IPv6 network of 64 bits: how many connections of a listener may be in their
    // handshakes at a time, and how many handshakes with this socket may fail in a minute. Beyond, its further
    // connections are closed before they are read, and told as REFUSED, until one of the handshakes or the
    // minute is over. 0, the default: no limit, as behind one address may be a proxy, or a whole town. A
    // denial counts, also one that is only for now. Not over ipc and vsock.
    uint32_t address_pending_max, address_failures_max;
    struct zmtp_uv_transport transport;
    // What connections over tcp, ipc and vsock bring to their handshakes, and, for a server, whom they let
    // in. All of it is copied. inproc has neither: it does not leave the process.
    struct zmtp_security security;
    struct zmtp_allow allow;
    struct zmtp_uv_ipc_allow ipc_allow; // copied as well
    // Which addresses may connect over tcp and ws, whatever the mechanism: up to 4096 networks and addresses
    // in digits, with a space between them: "127.0.0.1 10.0.0.0/8 ::1 fd00::/8". Others are closed before
    // their first octet is read, and told as REFUSED with |remote|. Null: any; "": none. IPv4 is the same
    // whether it is written plain or as IPv6 has it, ::ffff:10.0.0.0/104, and whichever of the two the
    // listener takes; a network of IPv6 that is wider than all of IPv4, ::/0 say, has no part of it. Copied.
    const char *tcp_allow;
    // NULL and PLAIN have no secrecy. So listening on tcp beyond loopback is refused unless asked for; a
    // dial that leads there goes on, as it may be of this network, and its CONNECTED has a |reason| that
    // says so. It is the same with udp, which has no mechanism, and with groups that are not joined
    // through lo. ipc and vsock leave neither the machine nor its host.
    bool allow_public_null;
    // Serve peers of ZMTP 1.0 and 2.0 (libzmq 2.x and 3.x), too; see peer.h. Without it they are refused
    // at once, and nobody has to wait for a greeting.
    bool old_versions;
    // ws: which pages may connect from a browser, as the origins that it tells, with a space between
    // them: "https://example.org http://localhost:8080". Null: any, also one that a user of this machine
    // visits and that means ill; "": none. What no browser would tell, as a path behind it, is refused by
    // the check. Programs tell no origin, and are not held up. Copied.
    const char *ws_origins;
    // A message came. It is the callback's to keep by zmtp_msg_move; else it is released. Null: pull with zmtp_uv_recv
    // when |on_readable| tells.
    void (*on_message)(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user);
    // There is something to receive: told once, again only after zmtp_uv_recv said AGAIN.
    void (*on_readable)(struct zmtp_uv_socket *socket, void *user);
    // A send that said ZMTP_ERR_AGAIN would succeed now; told once for each such time.
    void (*on_writable)(struct zmtp_uv_socket *socket, void *user);
    void (*on_event)(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user);
    // A client asks to be let in. Answer with zmtp_uv_authorise, from inside or within
    // |limits.authorise_ms|. One that hangs up meanwhile is told of at once, and nobody's to judge; with NULL it is
    // found to have gone after the verdict only. Set with NULL and without |security.server| it would never be asked, which
    // the check refuses, as it does a list in |allow|.
    void (*on_authorise)(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest,
                         void *user);
    void *user;
};
void zmtp_uv_config_init(struct zmtp_uv_config *config, enum zmtp_socket_type type);
// May a socket be opened with it? Looks at every field, |socket|, |limits|, |security| and |allow|
// included, but not into files. ZMTP_OK or ZMTP_ERR_ARGUMENT; then |why|, if not null, points at a
// constant sentence that names the field and its range.
int zmtp_uv_config_check(const struct zmtp_uv_config *config, const char **why);
// Security in one line each. A server of CURVE with its keys and whom it lets in; its client with keys of
// its own (null: made at random, for servers that let in any) and the server's public one. PLAIN: set
// |on_authorise| beside it for the server.
void zmtp_uv_config_curve_server(struct zmtp_uv_config *config, const struct zmtp_key_pair *keys,
                                 struct zmtp_allow allow);
void zmtp_uv_config_curve_client(struct zmtp_uv_config *config, const struct zmtp_key_pair *keys,
                                 const struct zmtp_key *server_key);
void zmtp_uv_config_plain_server(struct zmtp_uv_config *config);
// After one of the two for servers: the ZAP handler decides. Alone: it does with the NULL mechanism, and
// can go by addresses only.
void zmtp_uv_config_zap(struct zmtp_uv_config *config, const char *domain);
void zmtp_uv_config_plain_client(struct zmtp_uv_config *config, const char *username,
                                 const char *password);

// Copies |config|, and all that it points at. What zmtp_uv_config_check says of a bad one;
// ZMTP_ERR_ARGUMENT also when a list of keys cannot be read as one; other errors tell why a path cannot be
// read. All in words: zmtp_uv_open_error_text.
int zmtp_uv_socket_open(struct zmtp_uv_socket **out, struct zmtp_uv *uv,
                        const struct zmtp_uv_config *config);
// No callbacks but |closed| come after this call. Listeners and diallers stop now; connections stay
// until what was sent has left or linger is over. Then everything is freed and |closed| is called,
// always, from the loop. |socket| must not be used after this call.
void zmtp_uv_socket_close(struct zmtp_uv_socket *socket, void (*closed)(void *user), void *user);

// Listens. base.h has the forms of endpoints. Port 0 or * is a free one, ipc://* a fresh path in a new
// folder under TMPDIR that is for this user only and goes with its listener; zmtp_uv_endpoint tells what it
// came to. Of a process that was killed the folder stays, with a path in it on which nobody answers; it is
// not looked for by others, as one that is being made looks the same. A socket may have many endpoints, each once; some
// other socket's is ZMTP_ERR_IN_USE.
//
// tcp: * is every address, IPv4 and IPv6, and so is [::]; 0.0.0.0 is every IPv4 one (see |families|). An
// interface's name is its IPv4 address, or else its IPv6 one. A name is looked up by this call, which
// waits for it. ipc: a path left by a process that is gone is replaced; one where somebody answers is
// ZMTP_ERR_IN_USE. vsock: ZMTP_ERR_TRANSPORT where the system has none. ws: as tcp, for requests of that
// path only; ZMTP_ERR_UNSUPPORTED unless the library was built with WS=1.
int zmtp_uv_bind(struct zmtp_uv_socket *socket, const char *endpoint);
// Dials, and dials again whenever the connection ends. Returns at once; nobody need listen yet. What
// is sent meanwhile waits, except over inproc, where sends say ZMTP_ERR_AGAIN until the name is bound. A
// message that was on its way when the connection broke is sent again; see ZMTP_DROP_UNSENT.
// A name is looked up anew for each dial, without waiting, and all its addresses are tried in turn. An
// endpoint that is dialled twice is two connections.
//
// tcp://SOURCE;HOST:PORT comes from SOURCE: an address or interface of this machine, with or without a
// port. A port of its own serves one connection at a time.
//
// udp is for RADIO, which connects, DISH, which binds, and DGRAM, which has one endpoint of either
// kind: "udp://host:port", and for groups "udp://interface;group:port", the interface by its name
// or an address of its own; "*" or none is the system's choice. Nobody is known to be there: a
// RADIO sends every group, a name is looked up until it is found, and what finds no room is
// dropped. See |datagram_max| and enum zmtp_drop.
int zmtp_uv_connect(struct zmtp_uv_socket *socket, const char *endpoint);
// The same for a SERVER or PEER, and tells the number that messages for the other side bear, so that it
// can be written to at once. ZMTP_ERR_NOT_FOUND for an inproc name that is not bound yet.
// For a STREAM it is the number in the routing id that was made: see zmtp_socket_peer_id.
int zmtp_uv_connect_peer(struct zmtp_uv_socket *socket, const char *endpoint, uint32_t *routing_id);
// The same for a ROUTER or STREAM, which calls the other side by this routing id from now on,
// whatever that announces: 1 to 255 octets, the first of them not zero. ZMTP_ERR_ROUTING_ID when
// another peer has it. Not over inproc.
int zmtp_uv_connect_as(struct zmtp_uv_socket *socket, const char *endpoint,
                       struct zmtp_bytes routing_id);
// Ends a listener (its accepted connections stay) or a dialler (and its connection, once what was
// sent has left or linger is over). |endpoint| is the text that was given, or for unbind also what it came
// to; of several alike, the one made last. ZMTP_ERR_NOT_FOUND.
int zmtp_uv_unbind(struct zmtp_uv_socket *socket, const char *endpoint);
int zmtp_uv_disconnect(struct zmtp_uv_socket *socket, const char *endpoint);
// The last endpoint bound, as others would dial it; "" before the first.
const char *zmtp_uv_endpoint(const struct zmtp_uv_socket *socket);
// Why the last call failed, in words, with what to do about it; "" after a success.
const char *zmtp_uv_error_text(const struct zmtp_uv_socket *socket);

// As zmtp_socket_send, zmtp_socket_send_bytes, zmtp_socket_recv of socket.h. What is sent leaves at the latest before the loop
// sleeps, and within one callback when some 60 KiB wait; or, of PUB, XPUB and RADIO, when a subscriber's limit is reached. So
// however many messages one callback publishes, none is dropped while the kernel takes what waits for each subscriber; where it
// does not, it is asked again when a limit is reached, and after each 60 KiB. That does not hold for |send_bytes_all_max|.
int zmtp_uv_send_msg(struct zmtp_uv_socket *socket, struct zmtp_msg *msg);
int zmtp_uv_send(struct zmtp_uv_socket *socket, const struct zmtp_bytes *parts, size_t count);
int zmtp_uv_recv(struct zmtp_uv_socket *socket, struct zmtp_msg *msg);
int zmtp_uv_subscribe(struct zmtp_uv_socket *socket, struct zmtp_bytes topic);
int zmtp_uv_cancel(struct zmtp_uv_socket *socket, struct zmtp_bytes topic);
// As zmtp_socket_last_request and zmtp_socket_cancel_request. The engine keeps the time of requests.
uint32_t zmtp_uv_last_request(const struct zmtp_uv_socket *socket);
int zmtp_uv_cancel_request(struct zmtp_uv_socket *socket, uint32_t number);
unsigned zmtp_uv_events(struct zmtp_uv_socket *socket); // ZMTP_READABLE | ZMTP_WRITABLE
size_t zmtp_uv_subscribers(const struct zmtp_uv_socket *socket);

// For scripts and tests: run the loop until at least |count| peers have done their handshakes, or, for
// PUB, XPUB and RADIO, have subscribed to something. Callbacks are called meanwhile, as in uv_run.
// ZMTP_ERR_AGAIN: not within |timeout_ms| (UINT32_MAX: for ever). ZMTP_ERR_STATE: not from inside a
// callback; or a callback has closed the socket. Whoever runs the loop with uv_run must not call these
// from callbacks of libuv's either, nor from those of another engine on the same loop: they run it.
int zmtp_uv_wait_connected(struct zmtp_uv_socket *socket, size_t count, uint32_t timeout_ms);
int zmtp_uv_wait_subscribed(struct zmtp_uv_socket *socket, size_t count, uint32_t timeout_ms);

// A mailbox, by which any thread may send through a socket. Letters wait in it until the loop comes to them,
// and are sent in each thread's order. Its limits are the socket's, |send_count_max| and |send_bytes_max|
// (0: none).
//
// A letter that finds no room holds up those behind it in its mailbox, whoever they are for: one for a peer of a
// ROUTER that does not read, say, unless |router_mandatory| is off, when it is dropped. A socket may have a
// mailbox for each.
//
// It outlives its socket: after that has closed, posts say ZMTP_ERR_STATE. What was posted before is
// sent as far as there is room then, and dropped beyond.
struct zmtp_uv_mailbox;
// From the loop's thread. Its memory, and that of letters, comes from zmtp_heap.
int zmtp_uv_mailbox_open(struct zmtp_uv_mailbox **out, struct zmtp_uv_socket *socket);
// From any thread, once no thread posts any more; before or after the socket's end. What was posted is
// still sent.
void zmtp_uv_mailbox_close(struct zmtp_uv_mailbox *mailbox);
// From any thread. Copies the parts. ZMTP_ERR_AGAIN: it is full. ZMTP_OK is not yet a word of the socket's: see
// |refused|.
int zmtp_uv_post(struct zmtp_uv_mailbox *mailbox, const struct zmtp_bytes *parts, size_t count);
// The same with a message, which is moved, and is empty on ZMTP_OK and whole on any error. Its memory is
// freed by the loop's thread: make it on the heap, or pass on one that was received in an engine on the
// heap.
int zmtp_uv_post_msg(struct zmtp_uv_mailbox *mailbox, struct zmtp_msg *msg);

// |posted| = |sent| + |refused| + |dropped| + |waiting|.
struct zmtp_uv_mailbox_counters {
    uint64_t posted;
    uint64_t sent;    // taken by the socket
    uint64_t refused; // not taken: a routing id of nobody's, REQ out of turn, too many parts
    uint64_t dropped; // the socket closed before
    uint64_t waiting;
    int error; // why the last refused one was
};
// From any thread.
struct zmtp_uv_mailbox_counters zmtp_uv_mailbox_counters(struct zmtp_uv_mailbox *mailbox);

// A tray, from which any threads take what a socket receives (RFC 37, Thread-Safe Socket Types: with a
// mailbox beside it several threads send and receive through one socket, whatever its type). The loop fills
// it up to the socket's limits, |recv_count_max| and |recv_bytes_max|; beyond, messages wait as ever.
// Each goes to one thread. What lies in it counts as received.
//
// It outlives its socket: what lies in it then can still be taken.
struct zmtp_uv_tray;
// From the loop's thread; the socket has neither |on_message| nor |on_readable| (else ZMTP_ERR_STATE), and
// no other tray (ZMTP_ERR_IN_USE). Its memory, and that of its messages, comes from zmtp_heap.
int zmtp_uv_tray_open(struct zmtp_uv_tray **out, struct zmtp_uv_socket *socket);
// From any thread, once no thread takes any more; before or after the socket's end. What lies in it goes.
void zmtp_uv_tray_close(struct zmtp_uv_tray *tray);
// From any thread: the next message, into |msg|, which must be empty and is the caller's, to be kept and
// freed on any thread. Waits |timeout_ms| for one at most (0: not at all, UINT32_MAX: for ever).
// ZMTP_ERR_AGAIN: none came. ZMTP_ERR_STATE: the socket has closed, and all was taken.
int zmtp_uv_take(struct zmtp_uv_tray *tray, struct zmtp_msg *msg, uint32_t timeout_ms);

// Judges the guest with this ticket, as zmtp_peer_authorise does. ZMTP_ERR_NOT_FOUND when it has gone
// or was judged before.
int zmtp_uv_authorise(struct zmtp_uv_socket *socket, uint64_t ticket, enum zmtp_verdict verdict,
                      struct zmtp_bytes user_id, struct zmtp_bytes metadata);

// One row for each connection or dialler.
struct zmtp_uv_peer {
    uint64_t number;               // no other row of this engine ever has it
    const char *endpoint, *remote; // valid during the call
    bool dialled, connected;
    struct zmtp_uv_process process; // ipc, while connected
    enum zmtp_peer_state state;
    struct zmtp_peer_facts facts;
    struct zmtp_peer_counters counters;
    struct zmtp_pipe_depth depth;
    struct zmtp_flow flow; // through all its connections, as the socket counts
};
// |each| may make any call, as callbacks may; what it ends is told no more, or as it is then.
void zmtp_uv_each_peer(struct zmtp_uv_socket *socket,
                       void (*each)(void *context, const struct zmtp_uv_peer *peer), void *context);
struct zmtp_socket_counters zmtp_uv_counters(const struct zmtp_uv_socket *socket);

// The same as text: one socket with its peers as JSON, or all of an engine for Prometheus (its text
// format, version 0.0.4). Both are printable ASCII, whatever octets strangers call themselves by. Like
// snprintf: at most |size| octets are written, a zero at their end included, and the size of the whole
// text without it is returned; or a negative error.
int64_t zmtp_uv_stats_json(struct zmtp_uv_socket *socket, char *out, size_t size);
int64_t zmtp_uv_stats_prometheus(struct zmtp_uv *uv, char *out, size_t size);

#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif
#ifdef __cplusplus
}
#endif
#endif
