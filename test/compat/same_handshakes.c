// Handshakes that fail: what a monitor of the server is told, and in which number.
#include <stdint.h>
#include <unistd.h>

#include "patient.h"
#include "say.h"
#include "stranger.h"

enum { PATIENCE_MS = 20000, ENFORCE_DOMAIN = 93 }; // a draft, which a stock libzmq has as well
enum {
    FAILED = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
             ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
};

#define SIGNATURE "\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0"
#define NULL_NAME "NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define PLAIN_NAME "PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define CURVE_NAME "CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define FILLER "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

struct house {
    void *context, *server, *monitor;
    char endpoint[256];
};

static void open_house(struct house *house, int events)
{
    house->context = zmq_ctx_new();
    house->server = open_patient(house->context, ZMQ_PULL, PATIENCE_MS);
    house->monitor = open_patient(house->context, ZMQ_PAIR, PATIENCE_MS);
    zmq_socket_monitor(house->server, "inproc://monitor", events);
    zmq_connect(house->monitor, "inproc://monitor");
}

static void close_house(struct house *house)
{
    zmq_close(house->server);
    zmq_close(house->monitor);
    zmq_ctx_term(house->context);
}

static int say_failure(const char *name, void *monitor)
{
    uint8_t head[6];
    uint16_t event = 0;
    uint32_t value = 0;
    char endpoint[256];
    if (zmq_recv(monitor, head, sizeof head, 0) != sizeof head) {
        say(name, "silence");
        return 0;
    }
    zmq_recv(monitor, endpoint, sizeof endpoint, 0);
    memcpy(&event, head, sizeof event);
    memcpy(&value, head + sizeof event, sizeof value);
    say(name, "event %x, value %x", event, value);
    return event;
}

static void set_mechanism(void *server, const char *mechanism)
{
    static char public_key[41], secret_key[41];
    const int on = 1;
    zmq_curve_keypair(public_key, secret_key);
    if (strcmp(mechanism, "PLAIN") == 0) zmq_setsockopt(server, ZMQ_PLAIN_SERVER, &on, sizeof on);
    if (strcmp(mechanism, "CURVE") != 0) return;
    zmq_setsockopt(server, ZMQ_CURVE_SERVER, &on, sizeof on);
    zmq_setsockopt(server, ZMQ_CURVE_SECRETKEY, secret_key, sizeof secret_key);
}

// A stranger says |octets| to a server of |mechanism|.
static void says_to(const char *mechanism, const char *name, const char *octets, size_t size)
{
    struct house house;
    open_house(&house, FAILED);
    set_mechanism(house.server, mechanism);
    bind_somewhere(house.server, "tcp://127.0.0.1:*", house.endpoint);
    const int fd = dial_plain(house.endpoint);
    if (write(fd, octets, size) != (ssize_t)size) say(name, "cannot be said");
    say_failure(name, house.monitor);
    close(fd);
    close_house(&house);
}

// A ZAP handler answers for one who knows a name and a password. A null part: the id of what it was asked.
static void answered(const char *name, const char *const *answer, int parts)
{
    const int on = 1, never = -1;
    struct house house;
    char part[256], id[256];
    int more = 1, count = 0, id_size = 0;
    size_t size = sizeof more;
    open_house(&house, FAILED);
    void *const handler = open_patient(house.context, ZMQ_REP, PATIENCE_MS);
    void *const guest = open_patient(house.context, ZMQ_PUSH, PATIENCE_MS);
    void *const guest_monitor = open_patient(house.context, ZMQ_PAIR, PATIENCE_MS);
    zmq_bind(handler, "inproc://zeromq.zap.01");
    zmq_setsockopt(house.server, ZMQ_PLAIN_SERVER, &on, sizeof on);
    zmq_setsockopt(house.server, ZMQ_ZAP_DOMAIN, "house", 5);
    zmq_setsockopt(guest, ZMQ_PLAIN_USERNAME, "guest", 5);
    zmq_setsockopt(guest, ZMQ_PLAIN_PASSWORD, "word", 4);
    zmq_setsockopt(guest, ZMQ_RECONNECT_IVL, &never, sizeof never);
    bind_somewhere(house.server, "tcp://127.0.0.1:*", house.endpoint);
    zmq_connect(guest, house.endpoint);
    while (more) {
        const int got = zmq_recv(handler, part, sizeof part, 0);
        if (count++ == 1) memcpy(id, part, (size_t)(id_size = got));
        zmq_getsockopt(handler, ZMQ_RCVMORE, &more, &size);
    }
    // The client hears of it, too; but for 300, of which nothing is told.
    zmq_socket_monitor(guest, "inproc://guest", FAILED);
    zmq_connect(guest_monitor, "inproc://guest");
    for (int i = 0; i < parts; i++) {
        const char *const octets = answer[i] ? answer[i] : id;
        const size_t octets_size = answer[i] ? strlen(answer[i]) : (size_t)id_size;
        zmq_send(handler, octets, octets_size, i + 1 < parts ? ZMQ_SNDMORE : 0);
    }
    say_failure(name, house.monitor);
    if (parts < 3 || strcmp(answer[2], "300") != 0) say_failure(name, guest_monitor);
    zmq_close(guest);
    zmq_close(guest_monitor);
    zmq_close(handler);
    close_house(&house);
}

static void judged(const char *name, const char *status)
{
    const char *const answer[] = {"1.0", NULL, status, "a text", "", ""};
    answered(name, answer, 6);
}

// Answers that are none, and one that says more than it needs.
static void misjudged(void)
{
    const char *const version[] = {"1.1", NULL, "200", "OK", "", ""};
    const char *const id[] = {"1.0", "another's", "200", "OK", "", ""};
    const char *const status[] = {"1.0", NULL, "201", "OK", "", ""};
    const char *const word[] = {"1.0", NULL, "yes", "OK", "", ""};
    const char *const metadata[] = {"1.0", NULL, "200", "OK", "", "metadata"};
    const char *const more[] = {"1.0", NULL, "200", "OK", "", "", ""};
    const char *const named[] = {"1.0", NULL, "400", "a text", "somebody", ""};
    const char *const named_later[] = {"1.0", NULL, "300", "a text", "somebody", ""};
    answered("an answer of another version", version, 6);
    answered("an answer to another question", id, 6);
    answered("an answer with a status that is none", status, 6);
    answered("an answer with a word for a status", word, 6);
    answered("an answer with metadata that is none", metadata, 6);
    answered("an answer of a part too many", more, 7);
    answered("an answer of too few parts", version, 2);
    answered("turned away with a name", named, 6);
    answered("turned away for now with a name", named_later, 6);
}

// Nobody answers for who comes: there is no handler, or one that is never heard.
static void unjudged(const char *name, const char *mechanism, const char *domain, int enforced,
                     int handled)
{
    const int on = 1, never = -1;
    char public_key[41], secret_key[41];
    struct house house;
    open_house(&house, FAILED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    void *const handler = open_patient(house.context, ZMQ_REP, PATIENCE_MS);
    void *const guest = open_patient(house.context, ZMQ_PUSH, PATIENCE_MS);
    void *const guest_monitor = open_patient(house.context, ZMQ_PAIR, PATIENCE_MS);
    if (handled) zmq_bind(handler, "inproc://zeromq.zap.01");
    zmq_curve_keypair(public_key, secret_key);
    if (strcmp(mechanism, "PLAIN") == 0) {
        zmq_setsockopt(house.server, ZMQ_PLAIN_SERVER, &on, sizeof on);
        zmq_setsockopt(guest, ZMQ_PLAIN_USERNAME, "guest", 5);
        zmq_setsockopt(guest, ZMQ_PLAIN_PASSWORD, "word", 4);
    } else if (strcmp(mechanism, "CURVE") == 0) {
        zmq_setsockopt(house.server, ZMQ_CURVE_SERVER, &on, sizeof on);
        zmq_setsockopt(house.server, ZMQ_CURVE_SECRETKEY, secret_key, sizeof secret_key);
        zmq_setsockopt(guest, ZMQ_CURVE_SERVERKEY, public_key, sizeof public_key);
        zmq_setsockopt(guest, ZMQ_CURVE_PUBLICKEY, public_key, sizeof public_key);
        zmq_setsockopt(guest, ZMQ_CURVE_SECRETKEY, secret_key, sizeof secret_key);
    }
    if (domain) zmq_setsockopt(house.server, ZMQ_ZAP_DOMAIN, domain, strlen(domain));
    say_result(name, zmq_setsockopt(house.server, ENFORCE_DOMAIN, &enforced, sizeof enforced));
    zmq_setsockopt(guest, ZMQ_RECONNECT_IVL, &never, sizeof never);
    bind_somewhere(house.server, "tcp://127.0.0.1:*", house.endpoint);
    zmq_socket_monitor(guest, "inproc://guest", FAILED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    zmq_connect(guest_monitor, "inproc://guest");
    zmq_connect(guest, house.endpoint);
    // With libzmq whoever is turned away so hears nothing, and stays connected until he is tired of it.
    if (say_failure(name, house.monitor) == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        say_failure(name, guest_monitor);
    zmq_close(guest);
    zmq_close(guest_monitor);
    zmq_close(handler);
    close_house(&house);
}

int main(void)
{
#define SAYS_TO(mechanism, name, octets) says_to(mechanism, name, octets, sizeof octets - 1)
#define SAYS(name, octets) SAYS_TO("NULL", name, octets)
    SAYS("another mechanism", SIGNATURE PLAIN_NAME FILLER);
    SAYS("another command", SIGNATURE NULL_NAME FILLER "\x04\x06\x05HELLO");
    SAYS("a message before the handshake", SIGNATURE NULL_NAME FILLER "\x00\x05hello");
    SAYS("an ERROR", SIGNATURE NULL_NAME FILLER "\x04\x0A\x05"
                                                "ERROR\x03"
                                                "400");
    SAYS_TO("CURVE", "a HELLO of CURVE that is too short",
            SIGNATURE CURVE_NAME FILLER "\x04\x0A\x05HELLO\x01\x00\0\0");
    SAYS_TO("CURVE", "a HELLO of another CURVE",
            SIGNATURE CURVE_NAME FILLER "\x04\xC8\x05HELLO"
                                        "\x02\x00" FILLER FILLER FILLER FILLER FILLER FILLER);
    SAYS_TO("CURVE", "a HELLO of CURVE that cannot be opened",
            SIGNATURE CURVE_NAME FILLER "\x04\xC8\x05HELLO"
                                        "\x01\x00" FILLER FILLER FILLER FILLER FILLER FILLER);
    SAYS_TO("CURVE", "an INITIATE of CURVE that is first",
            SIGNATURE CURVE_NAME FILLER "\x04\x0A\x08INITIATE\0");
    SAYS_TO("PLAIN", "a HELLO of PLAIN that is too short",
            SIGNATURE PLAIN_NAME FILLER "\x04\x08\x05HELLO\x05g");
    SAYS_TO("PLAIN", "a HELLO of PLAIN that is too long",
            SIGNATURE PLAIN_NAME FILLER "\x04\x0A\x05HELLO\x01g\0\0");
    SAYS_TO("PLAIN", "an INITIATE of PLAIN that is first",
            SIGNATURE PLAIN_NAME FILLER "\x04\x0A\x08INITIATE\0");
    judged("turned away", "400");
    judged("turned away for now", "300");
    judged("turned away by an error", "500");
    misjudged();
    unjudged("NULL with a domain, unjudged", "NULL", "house", 0, 0);
    unjudged("NULL with a domain that is enforced, unjudged", "NULL", "house", 1, 0);
    unjudged("NULL without a domain, enforced, unjudged", "NULL", NULL, 1, 0);
    unjudged("PLAIN with a domain, unjudged", "PLAIN", "house", 0, 0);
    unjudged("PLAIN with a domain that is enforced, unjudged", "PLAIN", "house", 1, 0);
    unjudged("PLAIN without a domain, unjudged", "PLAIN", NULL, 0, 0);
    unjudged("CURVE with a domain, unjudged", "CURVE", "house", 0, 0);
    unjudged("CURVE with a domain that is enforced, unjudged", "CURVE", "house", 1, 0);
    unjudged("CURVE without a domain, unjudged", "CURVE", NULL, 0, 0);
    unjudged("CURVE without a domain, enforced, unjudged", "CURVE", NULL, 1, 0);
    unjudged("CURVE without a domain, enforced, and a handler", "CURVE", NULL, 1, 1);
    return 0;
}
