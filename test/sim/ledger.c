#include "ledger.h"

#include <string.h>

enum { LEDGER_PARTS = 6, LEDGER_HEAD = 6, LEDGER_BODY_MAX = 12000 };

// What a message is made of.
struct ledger_shape {
    size_t parts, sizes[LEDGER_PARTS];
    struct random fill;
    uint8_t head[LEDGER_HEAD];
};

static struct ledger_shape ledger_shape(const struct ledger *ledger, size_t sender, uint32_t number)
{
    static const size_t sizes[] = {0,   1,   12,  41,   42,   48,   49,   200,
                                   255, 256, 300, 1000, 2040, 2100, 4096, LEDGER_BODY_MAX};
    const uint64_t seed = (ledger->world->seed * LEDGER_NODES + sender) * LEDGER_MESSAGES + number;
    struct random random = random_of(seed);
    struct ledger_shape shape = {.parts = 1 + random_below(&random, 3)};
    if (random_below(&random, 10) == 0) shape.parts = LEDGER_PARTS;
    if (ledger->single) shape.parts = 1;
    const size_t small = random_below(&random, 4); // the others have small parts only
    for (size_t i = 0; i < shape.parts; i++)
        shape.sizes[i] = sizes[random_below(&random, small > 0 ? 7 : sizeof sizes / sizeof *sizes)];
    if (shape.sizes[0] < LEDGER_HEAD) shape.sizes[0] = LEDGER_HEAD;
    shape.head[0] = (uint8_t)('a' + random_below(&random, 3));
    shape.head[1] = (uint8_t)sender;
    for (size_t i = 0; i < 4; i++)
        shape.head[2 + i] = (uint8_t)(number >> (24 - 8 * i));
    shape.fill = random;
    return shape;
}

static void ledger_fill(struct ledger_shape *shape, size_t part, uint8_t *out)
{
    uint64_t octets = 0;
    for (size_t i = 0; i < shape->sizes[part]; i++) {
        if (i % 8 == 0) octets = random_next(&shape->fill);
        out[i] = (uint8_t)(octets >> i % 8 * 8);
    }
    if (part == 0) memcpy(out, shape->head, LEDGER_HEAD);
}

int ledger_write(const struct ledger *ledger, size_t sender, struct zmtp_msg *msg)
{
    struct ledger_shape shape = ledger_shape(ledger, sender, ledger->sent[sender]);
    uint8_t body[LEDGER_BODY_MAX];
    for (size_t i = 0; i < shape.parts; i++) {
        ledger_fill(&shape, i, body);
        const int result = zmtp_msg_append(msg, zmtp_bytes_of(body, shape.sizes[i]));
        if (result < 0) return result;
    }
    return ZMTP_OK;
}

void ledger_sent(struct ledger *ledger, size_t sender)
{
    if (++ledger->sent[sender] == LEDGER_MESSAGES)
        world_fail(ledger->world, "node %zu sends more than the ledger has room for", sender);
}

char ledger_topic(const struct ledger *ledger, size_t sender, uint32_t number)
{
    return (char)ledger_shape(ledger, sender, number).head[0];
}

struct ledger_mark ledger_read(const struct ledger *ledger, struct zmtp_msg *msg, size_t first)
{
    struct ledger_mark mark = {0};
    const struct zmtp_bytes head = zmtp_msg_bytes(msg, first);
    if (head.size >= LEDGER_HEAD) {
        mark.sender = head.data[1];
        for (size_t i = 0; i < 4; i++)
            mark.number = mark.number << 8 | head.data[2 + i];
    }
    if (head.size < LEDGER_HEAD || mark.sender >= LEDGER_NODES ||
        mark.number >= ledger->sent[mark.sender]) {
        world_fail(ledger->world, "a message came that nobody sent");
        return mark;
    }
    struct ledger_shape shape = ledger_shape(ledger, mark.sender, mark.number);
    uint8_t body[LEDGER_BODY_MAX];
    mark.ok = msg->count == first + shape.parts;
    for (size_t i = 0; mark.ok && i < shape.parts; i++) {
        ledger_fill(&shape, i, body);
        mark.ok =
            zmtp_bytes_equal(zmtp_msg_bytes(msg, first + i), zmtp_bytes_of(body, shape.sizes[i]));
    }
    if (!mark.ok)
        world_fail(ledger->world, "message %u of node %zu came in another shape",
                   (unsigned)mark.number, mark.sender);
    return mark;
}

void ledger_take(struct ledger *ledger, size_t receiver, struct ledger_mark mark, size_t run)
{
    if (!mark.ok) return;
    world_trace(ledger->world, "node %zu has message %u of node %zu", receiver,
                (unsigned)mark.number, mark.sender);
    for (size_t i = 0; i < LEDGER_NODES; i++)
        if (ledger->has[mark.sender][i][mark.number] && !ledger->repeated[mark.sender] &&
            (i == receiver || !ledger->copied))
            world_fail(ledger->world, "message %u of node %zu came twice", (unsigned)mark.number,
                       mark.sender);
    uint8_t *const only = &ledger->only[mark.sender][mark.number];
    if (*only == LEDGER_SOMEBODY) *only = (uint8_t)(receiver + 1);
    if (*only != LEDGER_ALL && *only != receiver + 1)
        world_fail(ledger->world, "node %zu has message %u of node %zu, which was for another",
                   receiver, (unsigned)mark.number, mark.sender);
    ledger->has[mark.sender][receiver][mark.number] = true;
    ledger->taken[receiver]++;
    if (run == LEDGER_RUNS) return;
    uint32_t *last =
        &ledger->last[mark.sender][receiver][run < LEDGER_RUNS ? run : LEDGER_RUNS - 1];
    if (mark.number < *last)
        world_fail(ledger->world, "message %u of node %zu came after message %u",
                   (unsigned)mark.number, mark.sender, (unsigned)(*last - 1));
    *last = mark.number + 1;
}
