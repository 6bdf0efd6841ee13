// Looks names up in threads of its own, because the system's call waits for name servers and cannot be
// stopped. libuv's pool would do it too, but a few names whose servers are silent would stop the program's
// files with it, and the loop could not end before they answered. Here a question can be dropped at any
// time: nobody waits for its thread, which frees what it holds when it is done.
#ifndef ZMTP_IO_RESOLVER_H
#define ZMTP_IO_RESOLVER_H

#include "../uv.h"

struct addrinfo;
struct zmtp__lookup;

// Asks for the addresses of |host|, of |family| or, for AF_UNSPEC, of both. |done| is called once, from the
// loop, unless the question was dropped before: with 0 and a list, which is its own to free, or with what
// getaddrinfo said. ZMTP_ERR_MEMORY, ZMTP_ERR_SYSTEM.
int zmtp__resolver_ask(struct zmtp__lookup **out, struct zmtp_uv *uv, const char *host,
                       const char *port, int family,
                       void (*done)(void *owner, int status, struct addrinfo *list), void *owner);
// The answer is not wanted any more. May be called with null.
void zmtp__resolver_drop(struct zmtp__lookup *lookup);
// The engine ends, and nobody asks any more. Its handle goes from the loop at once.
void zmtp__resolver_close(struct zmtp_uv *uv);

#endif
