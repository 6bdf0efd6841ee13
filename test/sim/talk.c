#include "talk.h"

#include <string.h>

enum { TALK_BODY_MAX = 3000, TALK_HANG_UP_ODDS = 25 };

static uint8_t talk_octet(const uint8_t head[TALK_HEAD], uint64_t at)
{
    if (at < TALK_HEAD) return head[at];
    const uint64_t seed =
        (uint64_t)head[0] << 24 | (uint64_t)head[1] << 16 | (uint64_t)head[2] << 8 | head[3];
    struct random random = random_of(seed * UINT64_C(1000003) + at);
    return (uint8_t)random_next(&random);
}

static struct talk *talk_of(struct talker *talker, struct zmtp_bytes id)
{
    for (size_t i = 0; i < TALK_OPEN; i++) {
        struct talk *const talk = &talker->open[i];
        if (talk->open && zmtp_bytes_equal(zmtp_bytes_of(talk->id, TALK_ID), id)) return talk;
    }
    return NULL;
}

static bool talk_begin(struct talker *talker, struct zmtp_bytes id)
{
    struct talks *const talks = talker->talks;
    size_t place = 0;
    while (place < TALK_OPEN && talker->open[place].open)
        place++;
    size_t *const count = &talks->count[talker->node->index];
    if (place == TALK_OPEN || *count == TALK_ALL || id.size != TALK_ID) {
        world_fail(talks->world, "node %zu hears of a connection too many", talker->node->index);
        return false;
    }
    struct talk *const talk = &talker->open[place];
    *talk = (struct talk){.open = true, .number = (uint32_t)(*count)++};
    memcpy(talk->id, id.data, TALK_ID);
    world_trace(talks->world, "node %zu begins talk %u", talker->node->index,
                (unsigned)talk->number);
    return true;
}

static void talk_end(struct talker *talker, struct talk *talk)
{
    world_trace(talker->talks->world, "node %zu ends talk %u", talker->node->index,
                (unsigned)talk->number);
    talk->open = false;
}

// Whose octets are heard, now that their head is whole. Null: nobody's.
static struct talk_facts *talk_facts_of(struct talks *talks, const uint8_t head[TALK_HEAD])
{
    const size_t number = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (head[0] >= LEDGER_NODES || number >= talks->count[head[0]]) return NULL;
    return &talks->facts[head[0]][number];
}

static bool talk_hear_octets(struct talker *talker, struct talk *talk, struct zmtp_bytes octets)
{
    const uint64_t before = talk->heard;
    for (size_t i = 0; i < octets.size; i++, talk->heard++) {
        if (talk->heard < TALK_HEAD)
            talk->head[talk->heard] = octets.data[i];
        else if (octets.data[i] != talk_octet(talk->head, talk->heard))
            return false;
    }
    if (talk->heard < TALK_HEAD) return true;
    struct talk_facts *const facts = talk_facts_of(talker->talks, talk->head);
    if (!facts) return false;
    if (before < TALK_HEAD && facts->heard_once) return false; // on another connection
    facts->heard_once = true;
    facts->heard = talk->heard;
    return facts->heard <= facts->said;
}

bool talk_hear(struct talker *talker, struct zmtp_msg *msg)
{
    const struct zmtp_bytes id = zmtp_msg_bytes(msg, 0), octets = zmtp_msg_bytes(msg, 1);
    struct talk *const talk = talk_of(talker, id);
    if (msg->count != 2) return false;
    if (octets.size > 0) return talk && talk_hear_octets(talker, talk, octets);
    if (!talk) return talk_begin(talker, id);
    talk_end(talker, talk);
    return true;
}

static struct talk *talk_any(struct talker *talker)
{
    const size_t first = world_below(talker->talks->world, TALK_OPEN);
    for (size_t i = 0; i < TALK_OPEN; i++) {
        struct talk *const talk = &talker->open[(first + i) % TALK_OPEN];
        if (talk->open) return talk;
    }
    return NULL;
}

static int talk_send(struct talker *talker, const struct talk *talk, struct zmtp_bytes octets)
{
    const struct zmtp_bytes parts[] = {zmtp_bytes_of(talk->id, TALK_ID), octets};
    return zmtp_socket_send_bytes(talker->node->socket, parts, 2);
}

// Nobody hears of the end who closed it; and a dialler that wants another dials again.
static int talk_hang_up(struct talker *talker, struct talk *talk, struct talk_facts *facts)
{
    struct node *const node = talker->node;
    const int result = talk_send(talker, talk, (struct zmtp_bytes){0});
    if (result < 0) return result;
    facts->hung_up = node->world->closing = true;
    talk_end(talker, talk);
    if (node->server) node->dials_anew = true;
    return result;
}

int talk_say(struct talker *talker)
{
    struct world *const world = talker->talks->world;
    struct talk *const talk = talk_any(talker);
    if (!talk) return ZMTP_ERR_NOT_FOUND;
    struct talk_facts *const facts = &talker->talks->facts[talker->node->index][talk->number];
    if (talker->hangs_up && facts->said > 0 && world_chance(world, TALK_HANG_UP_ODDS))
        return talk_hang_up(talker, talk, facts);
    const uint8_t head[TALK_HEAD] = {(uint8_t)talker->node->index, (uint8_t)(talk->number >> 16),
                                     (uint8_t)(talk->number >> 8), (uint8_t)talk->number};
    uint8_t body[TALK_BODY_MAX];
    const size_t least =
        facts->said == 0 ? TALK_HEAD : 1; // a talk that was heard at all names itself
    const size_t size =
        least + world_below(world, world_chance(world, 3) ? TALK_BODY_MAX - TALK_HEAD : 60);
    for (size_t i = 0; i < size; i++)
        body[i] = talk_octet(head, facts->said + i);
    const int result = talk_send(talker, talk, zmtp_bytes_of(body, size));
    if (result == ZMTP_OK) facts->said += size;
    return result;
}

static bool talk_is_open(const struct talker *talker, size_t number)
{
    for (size_t i = 0; i < TALK_OPEN; i++)
        if (talker->open[i].open && talker->open[i].number == number) return true;
    return false;
}

void talk_check(const struct talker *talker, bool hung_up)
{
    const struct talks *const talks = talker->talks;
    const size_t index = talker->node->index;
    for (size_t i = 0; i < talks->count[index]; i++) {
        const struct talk_facts *const facts = &talks->facts[index][i];
        const bool sound = !talks->world->faults && (facts->hung_up || !hung_up);
        if ((talk_is_open(talker, i) || sound) && facts->heard != facts->said)
            world_fail(talks->world, "of %llu octets of talk %zu of node %zu %llu were heard",
                       (unsigned long long)facts->said, i, index, (unsigned long long)facts->heard);
    }
}
