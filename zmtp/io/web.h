// Between a connection's octets and its peer where the endpoint is ws: runs the translator of ws/ws.h.
// A connection over tcp or ipc has no web, and its octets are the peer's.
#ifndef ZMTP_IO_WEB_H
#define ZMTP_IO_WEB_H

#include "../ws/ws.h"
#include "conn.h"

struct zmtp__web {
    struct zmtp__ws *ws;
    // Octets that the translator wrote and the kernel did not take.
    uint8_t *unsent;
    size_t unsent_at, unsent_size;
};

// What octets are read into, and how many of a stranger's at a time.
enum { ZMTP__WEB_SCRATCH = 16 * 1024, ZMTP__WEB_STRANGER = 2048 };

// Gives |conn| its web if its endpoint is ws. ZMTP_OK or why not.
int zmtp__web_open(struct zmtp__conn *conn);
void zmtp__web_close(struct zmtp__conn *conn);
// What the peer's limits are then: heartbeats are WebSocket's.
void zmtp__web_limits(struct zmtp_peer_limits *limits);
// What of |scratch| may be read into.
struct zmtp_room zmtp__web_space(const struct zmtp__conn *conn, uint8_t *scratch);
// |size| octets were read into |scratch|.
void zmtp__web_commit(struct zmtp__conn *conn, const uint8_t *scratch, size_t size, uint64_t now);
// Gives the peer what waited for it. False: it wants no more for now, or something has failed.
bool zmtp__web_pour(struct zmtp__conn *conn, uint64_t now);
// Does something wait for the peer that it would take?
bool zmtp__web_holds(const struct zmtp__conn *conn);
// Gives the kernel what is to be sent; calls nobody.
void zmtp__web_write(struct zmtp__conn *conn, uint64_t now);
// Says goodbye, once, and gives it to the kernel. True: all is the kernel's.
bool zmtp__web_goodbye(struct zmtp__conn *conn, int error, uint64_t now);
// ZMTP_WANT_WRITE if it has octets to send beside the peer's.
unsigned zmtp__web_wants(const struct zmtp__conn *conn);
uint64_t zmtp__web_deadline(const struct zmtp__conn *conn);
void zmtp__web_tick(struct zmtp__conn *conn, uint64_t now);

#endif
