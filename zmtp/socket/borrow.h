// A large body is sent from where the caller has it: it is lent to the queue that it is put into, for as long as the
// call takes. What the kernel took meanwhile was copied once, into the kernel; what still waits then is copied to memory
// of the queue's own, which was taken before, so that it cannot fail.
//
// Only octets are lent, as the last part of a message, and only to the first queue. Patterns that keep a message copy
// it, as they do with all octets.
#ifndef ZMTP_SOCKET_BORROW_H
#define ZMTP_SOCKET_BORROW_H

#include "../msg/queue.h"
#include "../socket.h"

struct zmtp__borrow {
    struct zmtp_slab theirs;   // the caller's memory; nobody but |queue| refers to it
    struct zmtp_slab *instead; // as large
    struct zmtp__queue *queue; // null: it is lent to none
};

void zmtp__borrow_open(struct zmtp__borrow *borrowed, struct zmtp_bytes body);
// The slab to refer to from |queue|. Null: not from there; the body is to be copied.
struct zmtp_slab *zmtp__borrow_take(struct zmtp__borrow *borrowed, struct zmtp__queue *queue);
// The memory is the caller's alone again. The queue it was put into has not been freed meanwhile, unless it was emptied
// before.
void zmtp__borrow_close(struct zmtp__borrow *borrowed);

// As zmtp_socket_send_bytes. Before |borrowed|, of the last part, is closed, what was sent is to be flushed; and nothing else
// is to be done with the socket.
int zmtp__socket_send_borrowed(struct zmtp_socket *socket, const struct zmtp_bytes *parts,
                               size_t count, struct zmtp__borrow *borrowed);

#endif
