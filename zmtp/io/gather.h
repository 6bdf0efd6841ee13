// How much of what was sent waits, to be written together with what is sent next: one rule for the loop's engine and for
// the calls of the drop-in. To write a few messages to each of many connections costs more than to make them. So it is
// so much for each connection that the last flush wrote to, between a least and a most.
//
// What waits is in queues, whose limits are not to be reached because of it. A socket whose sends are refused for want
// of room has what waits written, and tries again. Those that would drop the message gather to the least only: of small
// ones for many to what fills a segment; of large messages more, where their limits are so much more that this cannot
// matter. A ROUTER, which may be the busiest of all, writes before it drops; who sends to many writes when a queue is
// full.
#ifndef ZMTP_IO_GATHER_H
#define ZMTP_IO_GATHER_H

#include "engine.h"

enum {
    ZMTP__GATHER_LARGE = 64 * 1024, // a message as large leaves at once, from where it is
    // A segment of a local connection holds 65,483 octets, headers included; what is a little more takes a second one,
    // which costs both sides nearly as much as the first.
    ZMTP__GATHER_LEAST = 58 * 1024,
    ZMTP__GATHER_EACH = 8 * 1024,
    ZMTP__GATHER_MOST = 512 * 1024,
};

// So many octets may wait after a flush to |count| connections.
size_t zmtp__gather_max(size_t count);
// Do large messages of a socket with |config| wait, too? Those of a PUB with many subscribers do: each is woken for some of
// them then, and not for each, which took half of the publisher's time.
bool zmtp__gather_keeps(const struct zmtp_uv *uv, const struct zmtp_socket_config *config);
// A message of |size| octets was sent. True: flush now what waits, and retry.
bool zmtp__gather_ends(struct zmtp_uv *uv, const struct zmtp_socket *core, size_t size);
// Will it be so, when one is sent?
bool zmtp__gather_would_end(const struct zmtp_uv *uv, const struct zmtp_socket *core, size_t size);
// Connections of |core| that would miss the next message, because of what the kernel did not take when it was last asked, ask
// once more: the loop, which would be told, may not have its turn for long. Nothing is done for those who wait instead of
// dropping messages.
void zmtp__gather_retry(struct zmtp_uv *uv, struct zmtp_socket *core);
// Has the ROUTER |core| no room for its peer |id| only because what it sent there was not written yet? True: flush first.
bool zmtp__gather_hinders(const struct zmtp_uv *uv, struct zmtp_socket *core, struct zmtp_bytes id);

#endif
