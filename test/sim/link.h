// A link carries octets both ways between two sides, in order, with delays; what is written at once
// may arrive in pieces and the other way round. It holds little, so that writers must wait. It may
// stand still for a while, or break: then what is under way is gone, and each side hears of it in its
// time.
#ifndef TEST_SIM_LINK_H
#define TEST_SIM_LINK_H

#include "world.h"

enum { LINK_OCTETS = 4096, LINK_SEGMENTS = 32 };

struct link_way {
    uint8_t octets[LINK_OCTETS]; // a ring
    size_t head, filled;
    size_t arrived; // of |filled|: can be read now
    struct {
        uint64_t at_ms;
        size_t size;
    } segments[LINK_SEGMENTS]; // not arrived yet, in order
    size_t segment_count;
    uint64_t stalled_ms; // nothing arrives before
    bool ended;          // the writer closed: an end follows the octets
};

// What became of a side.
struct link_end {
    uint64_t sent, got; // messages that its peer sent and got
    bool sent_all;      // what it sent is on the link, all of it
    bool got_all;       // it read to the other's end
};

struct link {
    struct world *world;
    struct link_way ways[2]; // by the side that writes
    size_t capacity;         // octets that it holds, each way
    uint64_t delay_ms;       // the longest, without a stall
    bool closed[2];          // this side
    bool broken;             // it was reset
    uint64_t breaks_ms[2];   // when this side hears of that
    struct link_end ends[2]; // known once a side has closed
};

// Null: no memory, or too many links.
struct link *link_open(struct world *world);
// One side is done with it; the second close frees it. Messages that were lost are counted, and
// there must be none when one side sent all and the other read to the end.
void link_close(struct link *link, size_t side, struct link_end end);

bool link_readable(const struct link *link, size_t side); // octets, or the end
bool link_writable(const struct link *link, size_t side);
bool link_is_broken(const struct link *link, size_t side);
// 0: the end.
size_t link_read(struct link *link, size_t side, uint8_t *out, size_t size);
size_t link_write(struct link *link, size_t side, struct zmtp_bytes octets);

// When something arrives next, or a break is heard of; UINT64_MAX: never.
uint64_t link_next_ms(const struct link *link);
void link_arrive(struct link *link);
void link_break(struct link *link);
void link_stall(struct link *link, size_t side, uint64_t until_ms);

#endif
