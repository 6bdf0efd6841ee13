// Conversations on a real loop, with the n-th allocation of the engine failing, or the n-th of its system
// calls. Whatever fails: it does not crash, nothing leaks, no descriptor is lost, everything closes; and when
// the calls of the user went well, the conversation reaches its end.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/torture/calls.h"
#include "test/torture/trial.h"
#include "zmtp/zmtp.h"

enum {
    LOOP_GOAL = 5,
    LOOP_PACE_MS = 10,
    LOOP_REPEAT_MS = 300,
    LOOP_BODY = 20000,
    LOOP_DATAGRAM = 5000
};

struct loop_case {
    enum zmtp_socket_type server, client;
    const char *endpoint; // with %s for a folder
    enum zmtp_mechanism mechanism;
    bool mailbox; // the client sends through one
    bool old;     // both serve old versions
    bool named;   // the client dials a name, for which a resolver is asked
};

static const struct loop_case loop_cases[] = {
    {ZMTP_REP, ZMTP_REQ, "tcp://127.0.0.1:*", ZMTP_NULL, false, false, false},
    {ZMTP_ROUTER, ZMTP_DEALER, "tcp://127.0.0.1:*", ZMTP_CURVE, false, false, false},
    {ZMTP_PUB, ZMTP_SUB, "ipc://%s/torture", ZMTP_NULL, false, true, false},
    {ZMTP_PULL, ZMTP_PUSH, "ipc://%s/torture", ZMTP_PLAIN, true, false, false},
    {ZMTP_REP, ZMTP_REQ, "inproc://torture", ZMTP_NULL, false, false, false},
    {ZMTP_PUB, ZMTP_SUB, "inproc://torture", ZMTP_NULL, false, false, false},
    {ZMTP_REP, ZMTP_REQ, "ws://127.0.0.1:*/torture", ZMTP_NULL, false, false, false},
    {ZMTP_PULL, ZMTP_PUSH, "tcp://127.0.0.1:*", ZMTP_NULL, false, false, true},
    {ZMTP_DISH, ZMTP_RADIO, "udp://127.0.0.1:*", ZMTP_NULL, false, false, false},
    {ZMTP_DISH, ZMTP_RADIO, "udp://127.0.0.1:*", ZMTP_NULL, false, false, true},
};
enum { LOOP_CASES = sizeof loop_cases / sizeof loop_cases[0] };

// One conversation.
struct loop_talk {
    const struct loop_case *of;
    uv_loop_t uv_loop;
    uv_timer_t timer;
    struct zmtp_budget budget;
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *server, *client;
    struct zmtp_uv_mailbox *mailbox;
    struct zmtp_key_pair keys;
    uint8_t body[LOOP_BODY];
    struct zmtp_msg owed; // by the server, which had no memory to send it; no part: nothing
    unsigned received;    // messages at their end
    uint64_t asked_ms;
    bool refused; // a call of ours failed, so nothing more is to be expected
    bool closed;
    char folder[32];
};

static bool loop_client_asks(const struct loop_talk *talk)
{
    return talk->of->client == ZMTP_REQ || talk->of->client == ZMTP_DEALER;
}

// The server's messages go back to those who ask.
static void loop_served(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct loop_talk *talk = user;
    if (!loop_client_asks(talk)) {
        talk->received++;
    } else if (zmtp_uv_send_msg(socket, msg) == ZMTP_ERR_MEMORY && talk->owed.count == 0) {
        talk->owed = *msg; // a REP that does not answer hears nobody else
        zmtp_msg_init(msg, NULL);
    }
}

static void loop_answered(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct loop_talk *talk = user;
    (void)socket;
    (void)msg;
    talk->received++;
    talk->asked_ms = 0;
}

static void loop_let_in(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest,
                        void *user)
{
    (void)user;
    const struct zmtp_bytes nothing = {0};
    (void)zmtp_uv_authorise(socket, guest->ticket, ZMTP_VERDICT_ALLOW, nothing, nothing);
}

// Says something now and then, for there is no telling what was lost.
static void loop_speak(uv_timer_t *timer)
{
    struct loop_talk *talk = timer->data;
    const bool grouped = talk->of->client == ZMTP_RADIO;
    const size_t large = grouped ? LOOP_DATAGRAM : LOOP_BODY;
    const struct zmtp_bytes parts[] = {zmtp_bytes_text("group"),
                                       {talk->body, talk->received % 2 ? large : 10}};
    const struct zmtp_bytes *const first = grouped ? parts : parts + 1;
    const uint64_t now_ms = uv_now(&talk->uv_loop);
    if (talk->refused || !talk->client) return;
    if (talk->owed.count > 0 && zmtp_uv_send_msg(talk->server, &talk->owed) != ZMTP_ERR_MEMORY)
        zmtp_msg_fini(&talk->owed);
    if (talk->of->client == ZMTP_REQ && talk->asked_ms > 0 &&
        now_ms < talk->asked_ms + LOOP_REPEAT_MS)
        return;
    talk->asked_ms = now_ms;
    struct zmtp_uv_socket *const from = talk->of->client == ZMTP_SUB ? talk->server : talk->client;
    trial.armed = true;
    if (talk->mailbox)
        (void)zmtp_uv_post(talk->mailbox, first, grouped ? 2 : 1);
    else
        (void)zmtp_uv_send(from, first, grouped ? 2 : 1);
    trial.armed = false;
}

static void loop_configure(struct loop_talk *talk, struct zmtp_uv_config *config, bool server)
{
    const struct loop_case *of = talk->of;
    zmtp_uv_config_init(config, server ? of->server : of->client);
    if (of->mechanism == ZMTP_PLAIN && server) zmtp_uv_config_plain_server(config);
    if (of->mechanism == ZMTP_PLAIN && !server) zmtp_uv_config_plain_client(config, "a", "b");
    const struct zmtp_allow any = {.kind = ZMTP_ALLOW_ANY};
    if (of->mechanism == ZMTP_CURVE && server)
        zmtp_uv_config_curve_server(config, &talk->keys, any);
    if (of->mechanism == ZMTP_CURVE && !server)
        zmtp_uv_config_curve_client(config, NULL, &talk->keys.public_key);
    config->on_message = server ? loop_served : loop_answered;
    if (of->mechanism == ZMTP_PLAIN && server) config->on_authorise = loop_let_in;
    config->old_versions = of->old;
    config->reconnect_min_ms = 10;
    config->reconnect_max_ms = 50;
    config->linger_ms = 200;
    config->user = talk;
}

// False: a call failed, as it may.
static bool loop_begin(struct loop_talk *talk)
{
    struct zmtp_uv_config config;
    char endpoint[ZMTP_ENDPOINT_MAX];
    const int size = snprintf(endpoint, sizeof endpoint, talk->of->endpoint, talk->folder);
    if (size < 0 || (size_t)size >= sizeof endpoint) return false;
    if (zmtp_uv_open(&talk->uv, &talk->uv_loop, &talk->budget.allocator) < 0) return false;
    loop_configure(talk, &config, true);
    if (zmtp_uv_socket_open(&talk->server, talk->uv, &config) < 0) return false;
    loop_configure(talk, &config, false);
    if (zmtp_uv_socket_open(&talk->client, talk->uv, &config) < 0) return false;
    if (talk->of->mailbox && zmtp_uv_mailbox_open(&talk->mailbox, talk->client) < 0) return false;
    if (talk->of->client == ZMTP_SUB && zmtp_uv_subscribe(talk->client, zmtp_bytes_text("")) < 0)
        return false;
    if (talk->of->server == ZMTP_DISH &&
        zmtp_uv_subscribe(talk->server, zmtp_bytes_text("group")) < 0)
        return false;
    if (zmtp_uv_bind(talk->server, endpoint) < 0) return false;
    const char *const bound = zmtp_uv_endpoint(talk->server);
    snprintf(endpoint, sizeof endpoint, "%.6slocalhost%s", bound, strrchr(bound, ':'));
    return zmtp_uv_connect(talk->client, talk->of->named ? endpoint : bound) == ZMTP_OK;
}

static void loop_closed(void *user)
{
    ((struct loop_talk *)user)->closed = true;
}

// Turns the loop until |*done| is at least |goal|, or patience ends.
static void loop_until(struct loop_talk *talk, const unsigned *done, unsigned goal)
{
    const uint64_t end = uv_hrtime() + (uint64_t)TRIAL_PATIENCE_MS * 1000000;
    while (*done < goal && uv_hrtime() < end) {
        trial.armed = true;
        uv_run(&talk->uv_loop, UV_RUN_ONCE);
        trial.armed = false;
    }
}

static void loop_end(struct loop_talk *talk)
{
    uv_timer_stop(&talk->timer); // nothing is said to a socket that is closed
    zmtp_msg_fini(&talk->owed);
    trial.armed = true;
    zmtp_uv_mailbox_close(talk->mailbox);
    zmtp_uv_socket_close(talk->client, NULL, NULL);
    zmtp_uv_socket_close(talk->server, NULL, NULL);
    talk->closed = !talk->uv;
    if (talk->uv) zmtp_uv_close(talk->uv, loop_closed, talk);
    trial.armed = false;
    const uint64_t end = uv_hrtime() + (uint64_t)TRIAL_PATIENCE_MS * 1000000;
    while (!talk->closed && uv_hrtime() < end) {
        trial.armed = true;
        uv_run(&talk->uv_loop, UV_RUN_ONCE);
        trial.armed = false;
    }
    if (!talk->closed) trial_fail("it does not close");
    uv_close((uv_handle_t *)&talk->timer, NULL);
    if (uv_run(&talk->uv_loop, UV_RUN_DEFAULT) != 0 || uv_loop_close(&talk->uv_loop) != 0)
        trial_fail("handles are left on the loop");
    if (talk->budget.bytes != 0 || talk->budget.blocks != 0) trial_fail("memory is lost");
}

// The folder must be empty, unless it was the removal that failed.
static void loop_sweep(const char *folder)
{
    DIR *const at = opendir(folder);
    if (!at) return;
    for (const struct dirent *entry; (entry = readdir(at));) {
        char path[600];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        const char *const failed = trial.told->failed;
        if (!failed || (strcmp(failed, "unlink") != 0 && strcmp(failed, "lstat") != 0 &&
                        strcmp(failed, "fstat") != 0))
            trial_fail("a file is left behind");
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        __real_unlink(path);
    }
    closedir(at);
    rmdir(folder);
}

static void loop_talk_once(const void *each)
{
    static struct loop_talk talk;
    const struct loop_case *const of = each;
    const unsigned ready = 1;
    talk = (struct loop_talk){.of = of};
    strcpy(talk.folder, "/tmp/zmtp-torture-XXXXXX");
    if (!mkdtemp(talk.folder)) {
        trial_fail("there is no folder");
        return;
    }
    if (zmtp_sodium()) zmtp_key_generate(&talk.keys, zmtp_sodium());
    if (uv_loop_init(&talk.uv_loop) < 0) trial_fail("there is no loop");
    const unsigned before = trial_descriptors();
    zmtp_budget_init(&talk.budget, NULL);
    zmtp_msg_init(&talk.owed, NULL);
    uv_timer_init(&talk.uv_loop, &talk.timer);
    talk.timer.data = &talk;
    uv_timer_start(&talk.timer, loop_speak, LOOP_PACE_MS, LOOP_PACE_MS);
    trial.armed = true;
    talk.refused = !loop_begin(&talk);
    trial.armed = false;
    loop_until(&talk, talk.refused ? &ready : &talk.received, talk.refused ? 1 : LOOP_GOAL);
    if (!talk.refused && talk.received < LOOP_GOAL) trial_fail("the conversation stands still");
    if (talk.refused && trial.at == 0) {
        trial.told->skipped = strncmp(of->endpoint, "ws", 2) == 0;
        trial_fail("it fails by itself");
    }
    loop_end(&talk);
    // The loop's own are closed by now.
    if (before > 0 && trial_descriptors() > before) trial_fail("a descriptor is lost");
    loop_sweep(talk.folder);
}

int main(void)
{
    static struct trial_case cases[LOOP_CASES];
    static char names[LOOP_CASES][64];
    for (size_t i = 0; i < LOOP_CASES; i++) {
        const struct loop_case *const of = &loop_cases[i];
        snprintf(names[i], sizeof names[i], "%s and %s over %.6s%s",
                 zmtp_socket_type_name(of->client), zmtp_socket_type_name(of->server), of->endpoint,
                 of->named ? "localhost" : "");
        cases[i] = (struct trial_case){names[i], loop_talk_once, of};
    }
    return trial_all(cases, LOOP_CASES);
}
