// A stranger: a plain connection that says whatever octets a test wants and reads only when told to.
// For tests of how sockets on a real loop bear with peers that break the rules.
#ifndef TEST_SUPPORT_STRANGER_H
#define TEST_SUPPORT_STRANGER_H

#include "test/support/octets.h"
#include "test/support/rig.h"
#include "test/support/world.h"

struct stranger {
    struct world *world;
    int fd; // it does not block
    uint64_t said;
    bool refused; // the other side closed or reset the connection
};

void stranger_open(struct stranger *stranger, struct world *world, const char *endpoint);
void stranger_close(struct stranger *stranger);
void stranger_reset(struct stranger *stranger); // closes with a reset rather than an end

// Says as much as the kernel takes now, and returns how much that is.
size_t stranger_try(struct stranger *stranger, struct zmtp_bytes octets);
// Says it all, turning the loop while the kernel's buffer is full. False: the connection was refused.
bool stranger_say(struct stranger *stranger, struct zmtp_bytes octets);
// The same again and again until |octets| in all are said.
bool stranger_repeat(struct stranger *stranger, struct zmtp_bytes unit, size_t octets);
// Says it again and again, until neither the kernel nor the other side takes more.
void stranger_stuff(struct stranger *stranger, struct zmtp_bytes unit);
// Greeting and READY; returns when |node| says that the handshake is done.
void stranger_join(struct stranger *stranger, struct node *node, struct zmtp_bytes ready);

// Reads what there is, |size| octets at most, and notes a refusal. Returns how much it read.
size_t stranger_read(struct stranger *stranger, uint8_t *into, size_t size);
// Reads and throws away until the connection ends.
void stranger_until_refused(struct stranger *stranger);

// An honest DEALER beside the strangers, and a ROUTER that sends everything back to its sender.
struct witness {
    struct node node;
    size_t asked;
};
void echo_open(struct node *router); // after node_init
void witness_open(struct witness *witness, struct world *world, const char *endpoint);
void witness_check(struct witness *witness); // asks, and waits for the answer

void world_spin(struct world *world, int turns); // turns the loop without waiting
size_t folder_entries(const char *path);         // files and folders in it
size_t descriptors_open(void);                   // of this process
// The process's sockets of |family|, in the order of their numbers: how many, of which |fds| has |max|.
size_t descriptors_of(int family, int *fds, size_t max);
uint64_t cpu_us(void); // processor time that this process has used

#endif
