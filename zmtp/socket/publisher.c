#include "publisher.h"

#include <string.h>

// Subscriptions that are removed in one go, which is below a millisecond; and beside other things.
enum { PUBLISHER_AT_ONCE = 4096, PUBLISHER_BESIDES = 4 };

void zmtp__publisher_open(struct zmtp_socket *socket)
{
    zmtp__subscriptions_init(&zmtp__publisher_of(socket)->subscriptions, socket->config.allocator,
                             socket->config.subscriptions_max, socket->config.topic_bytes_max,
                             socket->config.topic_seed);
    zmtp__spread_init(&zmtp__publisher_of(socket)->spread);
}

void zmtp__publisher_close(struct zmtp_socket *socket)
{
    zmtp__subscriptions_fini(&zmtp__publisher_of(socket)->subscriptions);
    zmtp__spread_fini(&zmtp__publisher_of(socket)->spread);
}

int zmtp__publisher_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                             struct zmtp_bytes routing_id)
{
    (void)socket;
    (void)routing_id; // of no use to a publisher
    zmtp__publisher_subscriber(lane)->owner = lane;
    return ZMTP_OK;
}

int zmtp__publisher_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (zmtp__publisher_anew(socket, lane)) zmtp__publisher_released(socket, lane);
    return ZMTP_OK;
}

void zmtp__publisher_clear(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__publisher *publisher = zmtp__publisher_of(socket);
    zmtp__subscriptions_clear(&publisher->subscriptions, zmtp__publisher_subscriber(lane));
    zmtp__spread_forget(&publisher->spread, lane);
}

void zmtp__publisher_released(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__subscriptions *set = &zmtp__publisher_of(socket)->subscriptions;
    struct zmtp__subscriber *subscriber = zmtp__publisher_subscriber(lane);
    if (subscriber->count > PUBLISHER_AT_ONCE) zmtp__subscriptions_depart(set, subscriber);
    zmtp__publisher_clear(socket, lane);
}

static void publisher_take(struct zmtp__subscriptions *set, size_t most)
{
    for (size_t i = 0; i < most && set->departed; i++)
        zmtp__subscriptions_take(set);
}

void zmtp__publisher_used(struct zmtp__publisher *publisher)
{
    publisher_take(&publisher->subscriptions, PUBLISHER_BESIDES);
}

uint64_t zmtp__publisher_deadline(struct zmtp_socket *socket)
{
    return zmtp__publisher_of(socket)->subscriptions.departed ? 0 : UINT64_MAX;
}

void zmtp__publisher_tick(struct zmtp_socket *socket, uint64_t now_ms, uint64_t heard_ms)
{
    (void)now_ms;
    (void)heard_ms;
    publisher_take(&zmtp__publisher_of(socket)->subscriptions, PUBLISHER_AT_ONCE);
}

unsigned zmtp__publisher_events(struct zmtp_socket *socket)
{
    return zmtp__spread_waits(socket, &zmtp__publisher_of(socket)->spread) ? 0u : ZMTP_WRITABLE;
}

size_t zmtp__publisher_topics(const struct zmtp_socket *socket)
{
    return zmtp__topics_count(&((const struct zmtp__publisher *)socket)->subscriptions.topics);
}

size_t zmtp__publisher_subscribers(const struct zmtp_socket *socket)
{
    return ((const struct zmtp__publisher *)socket)->subscriptions.subscribers;
}

// Everyone else; but who has never been connected has not had a say.
static void publisher_choose_others(struct zmtp_socket *socket, uint64_t number)
{
    for (struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next) {
        struct zmtp__lane *lane = node->lane;
        if (lane->gone || lane->generation == 0 || !zmtp__lane_admits(socket, lane)) continue;
        if (zmtp__publisher_subscriber(lane)->matched != number) zmtp__spread_choose(socket, lane);
    }
}

void zmtp__publisher_choose(struct zmtp_socket *socket, struct zmtp__matches matches)
{
    const struct zmtp__subscriber *subscriber;
    while ((subscriber = zmtp__matches_next(&matches)))
        if (!socket->config.invert_matching && zmtp__lane_admits(socket, subscriber->owner))
            zmtp__spread_choose(socket, subscriber->owner);
    if (socket->config.invert_matching) publisher_choose_others(socket, matches.number);
}

// By what those are to be chosen whom |text| is for.
static struct zmtp__choice publisher_choice(const struct zmtp__publisher *publisher,
                                            struct zmtp_bytes text)
{
    const struct zmtp__subscriptions *const set = &publisher->subscriptions;
    struct zmtp__choice choice = {.changes = set->changes, .looks = publisher->socket.looks};
    const size_t max = sizeof choice.topics / sizeof *choice.topics;
    choice.count = zmtp__subscriptions_topics(set, text, choice.topics, max);
    return choice;
}

static bool publisher_same(const struct zmtp__choice *a, const struct zmtp__choice *b)
{
    if (a->changes != b->changes || a->looks != b->looks || a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->topics[i] != b->topics[i]) return false;
    return true;
}

void zmtp__publisher_choose_by(struct zmtp_socket *socket, struct zmtp_bytes text)
{
    struct zmtp__publisher *const publisher = zmtp__publisher_of(socket);
    struct zmtp__spread *const spread = &publisher->spread;
    const struct zmtp__choice choice = publisher_choice(publisher, text);
    if (spread->kept && publisher_same(&choice, &publisher->choice)) return;
    zmtp__spread_end(socket, spread);
    zmtp__publisher_choose(socket, zmtp__subscriptions_match(&publisher->subscriptions, text));
    publisher->choice = choice;
    spread->kept = !socket->config.invert_matching &&
                   choice.count <= sizeof choice.topics / sizeof *choice.topics;
}

bool zmtp__publisher_keeps(struct zmtp_socket *socket, struct zmtp_bytes text)
{
    const struct zmtp__publisher *const publisher = zmtp__publisher_of(socket);
    if (!publisher->spread.kept) return false;
    const struct zmtp__choice choice = publisher_choice(publisher, text);
    return publisher_same(&choice, &publisher->choice);
}

int zmtp__publisher_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    struct zmtp__spread *spread = &zmtp__publisher_of(socket)->spread;
    if (zmtp__list_first(&socket->writable)) return zmtp__spread_send(socket, spread, out);
    spread->full = NULL;
    zmtp__socket_dropped(socket, ZMTP_DROP_NO_MATCH, 1);
    return ZMTP_OK;
}

enum zmtp__wish zmtp__wish_of_body(struct zmtp_bytes body, struct zmtp_bytes *topic)
{
    if (body.size == 0 || body.data[0] > 1) return ZMTP__NO_WISH;
    *topic = (struct zmtp_bytes){body.data + 1, body.size - 1};
    return body.data[0] == 1 ? ZMTP__SUBSCRIBE : ZMTP__CANCEL;
}

// Names of commands, and before them their sizes.
static const uint8_t publisher_subscribe[] = "\11SUBSCRIBE", publisher_cancel[] = "\6CANCEL";

// The rest of a command that begins with |named|.
static bool publisher_hears(struct zmtp_bytes command, struct zmtp_bytes named,
                            struct zmtp_bytes *topic)
{
    if (command.size < named.size || memcmp(command.data, named.data, named.size) != 0)
        return false;
    *topic = (struct zmtp_bytes){command.data + named.size, command.size - named.size};
    return true;
}

enum zmtp__wish zmtp__wish_of(const struct zmtp__queue_part *part, struct zmtp_bytes *topic)
{
    const struct zmtp_bytes subscribe = {publisher_subscribe, sizeof publisher_subscribe - 1};
    const struct zmtp_bytes cancel = {publisher_cancel, sizeof publisher_cancel - 1};
    if (!part->command) return zmtp__wish_of_body(part->body, topic);
    if (publisher_hears(part->body, subscribe, topic)) return ZMTP__SUBSCRIBE;
    return publisher_hears(part->body, cancel, topic) ? ZMTP__CANCEL : ZMTP__NO_WISH;
}
