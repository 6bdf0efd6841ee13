// The user of a node's socket. It acts when the socket was marked or its own timer rings: reads,
// often too slowly, sends until it may not, and waits then. What it reads goes into the ledger.
#ifndef TEST_SIM_APP_H
#define TEST_SIM_APP_H

#include "ledger.h"
#include "node.h"

enum { APP_TOPICS = 3 };

struct app {
    struct node *node;
    struct ledger *ledger;
    uint32_t to_send;  // messages, or requests that must be answered
    uint32_t answered; // REQ
    uint32_t toggles;  // SUB: changes of mind that are left
    bool waiting;      // REQ: for a reply; ROUTER, REP: to get rid of |reply|
    bool hasty;        // closes its socket right after the last message
    struct zmtp_msg reply;
    bool topics[APP_TOPICS]; // SUB: subscribed to
    uint64_t due_ms;         // its timer; UINT64_MAX: not set
    uint64_t lazy_ms;        // reads nothing before
    uint64_t patience_ms;    // REQ: when to ask again
};

void app_init(struct app *app, struct node *node, struct ledger *ledger);
void app_fini(struct app *app);
// True when it did something.
bool app_work(struct app *app);
bool app_is_done(const struct app *app);
// PUB: sends one message now. False: it could not.
bool app_publish(struct app *app);

#endif
