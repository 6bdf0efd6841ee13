// Sockets of two engines joined over inproc: a ferry between a pipe here and a pipe there. The dialler
// looks the name up among the shared ones, and has its pipe at once; the binder's engine finds the other
// shore at its dock and attaches a pipe of its own, or refuses. Each side has its own crossing, and both
// hold the pact.
#ifndef ZMTP_IO_CROSSING_H
#define ZMTP_IO_CROSSING_H

#include "../socket/far.h"
#include "harbour.h"
#include "inproc.h"

// What both sides know. On the heap; goes with the second side.
struct zmtp__pact {
    struct zmtp__keeper keeper; // of the binder's shore until that has its pipe
    atomic_uint refs;
    struct zmtp__harbour *harbours[2]; // the dialler's and the binder's; one reference each
    struct zmtp__far_facts facts[2];
    uint64_t binder; // its socket's number
    int error;       // why the binder left, told before it does; ZMTP_OK: it closed
    char endpoint[ZMTP_ENDPOINT_MAX];
};

struct zmtp__crossing {
    struct zmtp__keeper keeper;
    struct zmtp__crossing *next; // of the engine
    struct zmtp_uv_socket *socket;
    struct zmtp__inproc_link *link;  // the dialler's, as long as it dials
    struct zmtp__farewell *farewell; // the binder's, to its socket
    struct zmtp__pact *pact;
    struct zmtp__shore *shore;
    struct zmtp_pipe_end *end; // the socket's own; null once closed
    uint64_t number;           // of its row
    bool dialled;
    bool announced; // the binder's: its socket was told of the dialler
};

// ZMTP_OK: |link| has a crossing. ZMTP_ERR_NOT_FOUND: the name is not bound in another engine.
// ZMTP_ERR_MEMORY; other errors: that binder does not suit.
int zmtp__crossing_dial(struct zmtp__inproc_link *link);
// Is the binder there?
bool zmtp__crossing_up(const struct zmtp__crossing *crossing);
// The other side's facts.
const struct zmtp__far_facts *zmtp__crossing_peer(const struct zmtp__crossing *crossing);
// The socket's core has closed: all it sent is handed over, and its crossings end.
void zmtp__crossing_leave(struct zmtp_uv_socket *socket);
// Its core has let go of the pipe: the same for this one.
void zmtp__crossing_end(struct zmtp__crossing *crossing);

#endif
