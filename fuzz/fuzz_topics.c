// A publisher's subscriptions against a list of pairs. The input is the seed of the set, an octet, and then steps
// of three octets: what to do and for whom, a topic's size, its end. Topics begin alike, so that they nest, and may be
// shorter or longer than what the table takes; and who goes may leave its own behind. In the end everybody goes, and nothing is left.
#include "check.h"
#include "fuzz.h"
#include "zmtp/socket/subscriptions.h"

enum { PEERS = 4, DEPARTED = PEERS, PAIRS_MAX = 200, TOPIC_MAX = 71, STEP_SIZE = 3 };

enum act {
    ACT_ADD,
    ACT_ADD_TOO,
    ACT_ADD_IN_WANT,
    ACT_REMOVE,
    ACT_MATCH,
    ACT_EQUAL,
    ACT_CLEAR,
    ACT_DEPART,
    ACT_TAKE,
    ACTS
};

struct pair {
    size_t peer, size;
    uint8_t octets[TOPIC_MAX];
};

struct world {
    struct zmtp_budget budget;
    struct zmtp__subscriptions set;
    struct zmtp__subscriber peers[PEERS];
    struct pair pairs[PAIRS_MAX];
    size_t count;
};

static struct zmtp_bytes pair_topic(const struct pair *pair)
{
    return (struct zmtp_bytes){pair->octets, pair->size};
}

// Its place, or |count|.
static size_t world_find(const struct world *world, size_t peer, struct zmtp_bytes topic)
{
    size_t i = 0;
    while (i < world->count &&
           (world->pairs[i].peer != peer || !zmtp_bytes_equal(pair_topic(&world->pairs[i]), topic)))
        i++;
    return i;
}

static void world_add(struct world *world, size_t peer, struct zmtp_bytes topic, bool in_want)
{
    if (world->count == PAIRS_MAX) return;
    const bool known = world_find(world, peer, topic) < world->count;
    world->budget.fail_at = in_want ? world->budget.calls + 1 + topic.size % 3 : 0;
    const int result = zmtp__subscriptions_add(&world->set, &world->peers[peer], topic);
    world->budget.fail_at = 0;
    fuzz_check(result == ZMTP_OK || (in_want && result == ZMTP_ERR_MEMORY));
    if (known || result < 0) return;
    struct pair *const pair = &world->pairs[world->count++];
    *pair = (struct pair){.peer = peer, .size = topic.size};
    memcpy(pair->octets, topic.data, topic.size);
}

static void world_remove(struct world *world, size_t peer, struct zmtp_bytes topic)
{
    zmtp__subscriptions_remove(&world->set, &world->peers[peer], topic);
    const size_t index = world_find(world, peer, topic);
    if (index < world->count) world->pairs[index] = world->pairs[--world->count];
}

static void world_clear(struct world *world, size_t peer)
{
    zmtp__subscriptions_clear(&world->set, &world->peers[peer]);
    for (size_t i = world->count; i-- > 0;)
        if (world->pairs[i].peer == peer) world->pairs[i] = world->pairs[--world->count];
}

static void world_depart(struct world *world, size_t peer)
{
    zmtp__subscriptions_depart(&world->set, &world->peers[peer]);
    for (size_t i = 0; i < world->count; i++)
        if (world->pairs[i].peer == peer) world->pairs[i].peer = DEPARTED;
}

static void world_take(struct world *world)
{
    struct zmtp_bytes topic;
    bool any = false;
    for (size_t i = 0; i < world->count; i++)
        any = any || world->pairs[i].peer == DEPARTED;
    fuzz_check(zmtp__subscriptions_departed(&world->set, &topic) == any);
    if (!any) return;
    const size_t index = world_find(world, DEPARTED, topic);
    fuzz_check(index < world->count);
    zmtp__subscriptions_take(&world->set);
    world->pairs[index] = world->pairs[--world->count];
}

// Those who are found are those who should be, each once.
static void world_match(struct world *world, struct zmtp_bytes text, bool equal)
{
    unsigned expected = 0, found = 0;
    for (size_t i = 0; i < world->count; i++) {
        const struct zmtp_bytes topic = pair_topic(&world->pairs[i]);
        const bool fits = equal ? topic.size == text.size : topic.size <= text.size;
        if (fits && world->pairs[i].peer != DEPARTED &&
            memcmp(topic.data, text.data, topic.size) == 0)
            expected |= 1u << world->pairs[i].peer;
    }
    struct zmtp__matches matches = equal ? zmtp__subscriptions_equal(&world->set, text)
                                         : zmtp__subscriptions_match(&world->set, text);
    const struct zmtp__subscriber *subscriber;
    while ((subscriber = zmtp__matches_next(&matches))) {
        const unsigned bit = 1u << (subscriber - world->peers);
        fuzz_check(!(found & bit));
        found |= bit;
    }
    fuzz_check(found == expected);
}

// What somebody has a subscription to becomes new, or is so no more, and is found by its slot while it is.
static void world_renew(struct world *world, struct zmtp_bytes topic)
{
    struct zmtp_bytes found;
    if (zmtp__subscriptions_sharers(&world->set, topic) == 0) return;
    const bool is_new = !zmtp__subscriptions_is_new(&world->set, topic);
    const uint32_t slot = zmtp__subscriptions_set_new(&world->set, topic, is_new);
    fuzz_check(zmtp__subscriptions_is_new(&world->set, topic) == is_new);
    fuzz_check(zmtp__subscriptions_new_at(&world->set, slot, &found) == is_new);
    fuzz_check(!is_new || zmtp_bytes_equal(found, topic));
}

static void world_step(struct world *world, const uint8_t *step)
{
    uint8_t octets[TOPIC_MAX];
    const size_t peer = step[0] / ACTS % PEERS;
    const struct zmtp_bytes topic = {octets, step[1] % (TOPIC_MAX + 1)};
    memset(octets, 't', sizeof octets);
    if (topic.size > 0) octets[topic.size - 1] = step[2] & 8 ? 't' : step[2];
    const enum act act = (enum act)(step[0] % ACTS);
    switch (act) {
    case ACT_ADD:
    case ACT_ADD_TOO:
    case ACT_ADD_IN_WANT:
        world_add(world, peer, topic, act == ACT_ADD_IN_WANT);
        break;
    case ACT_REMOVE:
        world_remove(world, peer, topic);
        break;
    case ACT_MATCH:
    case ACT_EQUAL:
        world_match(world, topic, act == ACT_EQUAL);
        if (act == ACT_EQUAL) world_renew(world, topic);
        break;
    case ACT_CLEAR:
        world_clear(world, peer);
        break;
    case ACT_DEPART:
        world_depart(world, peer);
        break;
    case ACT_TAKE:
        world_take(world);
        break;
    case ACTS:
        break;
    }
    size_t counts[PEERS + 1] = {0};
    for (size_t i = 0; i < world->count; i++)
        counts[world->pairs[i].peer]++;
    for (size_t i = 0; i < PEERS; i++)
        fuzz_check(world->peers[i].count == counts[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    if (size == 0) return 0;
    world = (struct world){.count = 0};
    zmtp_budget_init(&world.budget, NULL);
    zmtp__subscriptions_init(&world.set, &world.budget.allocator, 0, 0, data[0]);
    for (size_t at = 1; size - at >= STEP_SIZE; at += STEP_SIZE)
        world_step(&world, data + at);
    for (size_t i = 0; i < PEERS; i++)
        world_clear(&world, i);
    fuzz_check(world.set.subscribers == 0);
    zmtp__subscriptions_fini(&world.set);
    fuzz_check(world.set.news == 0);
    fuzz_check(world.budget.bytes == 0);
    return 0;
}
