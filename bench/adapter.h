// What a scenario needs of a messaging library, as small as it can be, so that the same scenario is
// measured over each. A thread has one adapter with one socket, a process one home for its adapters.
// Every failure ends the process with a line on stderr: a measurement with errors is none.
#ifndef BENCH_ADAPTER_H
#define BENCH_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>

// A PUB or XPUB waits while a subscriber has no room; an XPUB is handed subscriptions, octet 1 and the topic, and an XSUB
// sends them. What a ROUTER sends goes to the peer whose message it had last.
enum adapter_pattern {
    ADAPTER_DEALER,
    ADAPTER_ROUTER,
    ADAPTER_REQ,
    ADAPTER_REP,
    ADAPTER_PUSH,
    ADAPTER_PULL,
    ADAPTER_PUB,
    ADAPTER_SUB,
    ADAPTER_XPUB,
    ADAPTER_XSUB
};

// CURVE: the server has the keys of bench.h and lets in anybody; a client has keys of its own.
enum adapter_security { ADAPTER_NULL, ADAPTER_CURVE_SERVER, ADAPTER_CURVE_CLIENT };

struct adapter_wish {
    enum adapter_pattern pattern;
    enum adapter_security security;
    unsigned count_max; // messages that may wait on either side, the same for every library; 0: any
};

struct adapter;
// Where adapters of several threads find each other over inproc.
struct adapter_home;

// The library's name and version, for the report.
const char *adapter_library(void);

struct adapter_home *adapter_home_open(void);
void adapter_home_close(struct adapter_home *home); // after its adapters

struct adapter *adapter_open(struct adapter_home *home, const struct adapter_wish *wish);
// Returns the endpoint as others would dial it; it lives as long as the adapter.
const char *adapter_bind(struct adapter *adapter, const char *endpoint);
// May be called again: each call is one more connection.
void adapter_connect(struct adapter *adapter, const char *endpoint);
void adapter_subscribe(struct adapter *adapter, const void *topic, size_t size); // SUB

// Sends one part, copied. Waits while the queue is full; within |on_message| it must have room.
void adapter_send(struct adapter *adapter, const void *data, size_t size);
// Waits for messages of one part and hands each to |on_message| until that returns false.
void adapter_receive(struct adapter *adapter,
                     bool (*on_message)(void *context, const unsigned char *data, size_t size),
                     void *context);
// Does nothing for so long but what the library does by itself.
void adapter_idle(struct adapter *adapter, unsigned milliseconds);
// Lets what was sent leave, then releases everything.
void adapter_close(struct adapter *adapter);

#endif
