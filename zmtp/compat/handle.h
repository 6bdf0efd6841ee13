// Memory of what programs hold by a bare pointer, contexts and sockets. It is never given back to the system,
// only used again for the next of its kind; so a call on one that was closed reads a tag that says so, and
// fails, instead of reading memory that is somebody else's. A program that goes on using a pointer may
// meet the next object, as with descriptors.
#ifndef ZMTP_COMPAT_HANDLE_H
#define ZMTP_COMPAT_HANDLE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

// What it holds is told by the first member of each kind.
enum zmq__tag { ZMQ__TAG_NONE = 0, ZMQ__TAG_CONTEXT = 0x2a7c0de1, ZMQ__TAG_SOCKET = 0x2a7c0de2 };

struct zmq__handle {
    _Atomic uint32_t tag; // an enum zmq__tag
    struct zmq__handle *next_free;
};

// Zeroed but for its tag, which its owner sets when it is whole. Null: no memory.
void *zmq__handle_take(enum zmq__tag kind, size_t size);
// To be taken again by the next.
void zmq__handle_give(enum zmq__tag kind, struct zmq__handle *handle);

#endif
