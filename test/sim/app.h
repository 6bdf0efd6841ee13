// The user of a node's socket. It acts when the socket was marked or its own timer rings: reads,
// often too slowly, sends until it may not, and waits then. What it reads goes into the ledger.
#ifndef TEST_SIM_APP_H
#define TEST_SIM_APP_H

#include "ledger.h"
#include "node.h"
#include "talk.h"

enum { APP_TOPICS = 3, APP_IN_FLIGHT = 6 };

struct app {
    struct node *node;
    struct ledger *ledger;
    struct talker talker; // STREAM
    uint32_t to_send;     // messages, or requests that must be answered
    uint32_t answered;    // REQ
    uint32_t toggles;     // SUB, XSUB, DISH: changes of mind that are left
    // REQ with several in flight: the numbers of those that wait.
    uint32_t asked[APP_IN_FLIGHT];
    size_t asked_count;
    uint32_t failed, cancelled; // of its requests
    bool waiting;               // REQ: for a reply; who answers: to get rid of |reply|
    bool hasty;                 // closes its socket right after the last message
    struct zmtp_msg reply;
    bool topics[APP_TOPICS]; // SUB, XSUB, DISH: subscribed to
    int told[APP_TOPICS];    // XPUB: how many subscribe to it, as far as its mode tells
    // XPUB, manual: what the last subscription said, not yet acted on; size 0: nothing.
    uint8_t wish[2];
    size_t wish_size;
    uint8_t wisher;       // whose that is, as the ledger has it
    uint8_t alone;        // XPUB, last value: whom alone the next message is for
    bool held;            // with |nodrop|: waits for somebody to have room
    uint32_t probes;      // ROUTER: empty messages of those who say that they are there
    uint64_t due_ms;      // its timer; UINT64_MAX: not set
    uint64_t lazy_ms;     // reads nothing before
    uint64_t patience_ms; // REQ: when to ask again
};

void app_init(struct app *app, struct node *node, struct ledger *ledger);
void app_fini(struct app *app);
// True when it did something.
bool app_work(struct app *app);
bool app_is_done(const struct app *app);
// PUB, XPUB, RADIO: sends one message now. False: it could not.
bool app_publish(struct app *app);
// XPUB, when there is memory again: reads the news that wait.
void app_catch_up(struct app *app);

#define APP_PROPERTY "X-Node" // of a node's metadata: its number, as a letter

static inline bool app_is_manual(const struct app *app)
{
    const enum zmtp_xpub_mode mode = app->node->config.xpub_mode;
    return mode == ZMTP_XPUB_MANUAL || mode == ZMTP_XPUB_LAST_VALUE;
}

static inline bool app_publishes(const struct app *app)
{
    const enum zmtp_socket_type type = app->node->config.type;
    return type == ZMTP_PUB || type == ZMTP_XPUB || type == ZMTP_RADIO;
}

static inline bool app_subscribes(const struct app *app)
{
    const enum zmtp_socket_type type = app->node->config.type;
    return type == ZMTP_SUB || type == ZMTP_XSUB || type == ZMTP_DISH;
}

// Those that wait for a message and answer it.
static inline bool app_answers(const struct app *app)
{
    const enum zmtp_socket_type type = app->node->config.type;
    return type == ZMTP_REP || type == ZMTP_ROUTER || type == ZMTP_SERVER ||
           ((type == ZMTP_PEER || type == ZMTP_DGRAM) && !app->node->server);
}

// Those that only receive.
static inline bool app_drains(const struct app *app)
{
    return app->node->config.type == ZMTP_PULL || app->node->config.type == ZMTP_GATHER;
}

#endif
