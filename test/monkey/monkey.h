// A monkey: a user who calls whatever there is in uv.h, in any order, from anywhere, while memory, system calls
// and descriptors fail. What it does hangs on its seed (and on when the kernel does its part, so a seed that
// failed fails again mostly, not always). See ../README.md.
#ifndef TEST_MONKEY_MONKEY_H
#define TEST_MONKEY_MONKEY_H

#include "test/monkey/ledger.h"
#include "test/support/random.h"
#include "zmtp/zmtp.h"

enum { MONKEY_PEERS = 64 };
enum { MONKEY_SOCKETS = 8, MONKEY_ENGINES = 2, MONKEY_KEPT = 10, MONKEY_BODY = 70000 };
enum { MONKEY_CHILD_OK = 7, MONKEY_DESCRIPTORS = 1024 };

// How often what fails does, of a thousand calls. One for each thread.
struct monkey_faults {
    struct random random;
    size_t engine;      // allocations of the engines' allocator
    size_t heap, calls; // all others of this thread, and system calls
};
// Null: nothing fails on this thread.
extern _Thread_local struct monkey_faults *monkey_faults;

// One of its sockets; it stays in memory until the end, so that late callbacks would be seen.
struct monkey_socket {
    struct monkey *monkey;
    struct monkey_socket *next;
    struct zmtp_uv_socket *socket;
    enum zmtp_socket_type type;
    size_t engine; // the number of
    struct zmtp_uv_mailbox *mailbox;
    struct zmtp_uv_tray *tray;
    uint64_t ticket;
    uint64_t peers[MONKEY_PEERS]; // over inproc, of which it was told that they came
    size_t peer_count;
    bool closing, told; // closed by us; and we were told that it is done
    bool asked;         // to be told
};

struct monkey {
    uint64_t seed;
    struct random random;
    struct monkey_faults faults;
    struct ledger ledger;
    bool budgeted; // the engines' allocator is the ledger's
    uv_loop_t loop;
    struct zmtp_uv *uv[MONKEY_ENGINES]; // null: closing, or closed
    bool closed[MONKEY_ENGINES];
    struct zmtp_uv_shared *shared;            // null: none
    struct monkey_socket *at[MONKEY_SOCKETS]; // those that are open
    struct monkey_socket *all;
    size_t family, mechanism;                  // what its sockets are like, see open.c
    size_t depth;                              // of calls from callbacks
    bool quiet;                                // at the end callbacks do nothing
    bool forks, starves;                       // may fork, and take the descriptors away
    bool child;                                // this is the other side of a fork
    bool trace;                                // tell each act
    const char *doing;                         // the act that was begun last
    const char *folder;                        // for ipc
    char kept[MONKEY_KEPT][ZMTP_ENDPOINT_MAX]; // what wildcards came to
    struct zmtp_key_pair keys;
    uint8_t body[MONKEY_BODY];
};

// Ends the program with words when |good| is false.
void monkey_expect(const struct monkey *monkey, bool good, const char *what);
size_t monkey_below(struct monkey *monkey, size_t bound);
bool monkey_one_in(struct monkey *monkey, size_t count);

// An endpoint, of those that all know or of those that wildcards came to.
void monkey_endpoint(struct monkey *monkey, char out[ZMTP_ENDPOINT_MAX]);
void monkey_keep(struct monkey *monkey, const char *endpoint);

// open.c: opens a socket like nobody would, in a free place.
void monkey_open(struct monkey *monkey);
void monkey_close(struct monkey_socket *one);
// Closes one engine; its sockets close with it, and tell nobody.
void monkey_close_engine(struct monkey *monkey, size_t engine);

// acts.c: does something. And checks what holds at any time.
void monkey_act(struct monkey *monkey);
void monkey_check(const struct monkey_socket *one);

// child.c: forks; the child tries the engines that are not its own, and makes one of its own.
void monkey_fork(struct monkey *monkey);

#endif
