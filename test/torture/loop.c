// Conversations on a real loop, with the n-th allocation of the engine failing, or the n-th of its system
// calls. Whatever fails: it does not crash, nothing leaks, no descriptor is lost, everything closes; and when
// the calls of the user went well, the conversation reaches its end.
//
// Each run is a process of its own. TORTURE_POINTS: at most so many failures of each kind and conversation.
// TORTURE_CASE, TORTURE_KIND, TORTURE_AT: one run, here, for a debugger; KIND is the number of what fails.
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/torture/calls.h"
#include "zmtp/zmtp.h"

enum { LOOP_POINTS = 200, LOOP_SECONDS = 60, LOOP_PATIENCE_MS = 20000, LOOP_BURST = 16 };
enum { LOOP_GOAL = 5, LOOP_PACE_MS = 10, LOOP_REPEAT_MS = 300, LOOP_BODY = 20000 };

// What fails.
enum loop_kind { LOOP_ALLOCATION, LOOP_ALLOCATIONS, LOOP_CALL, LOOP_KINDS };
static const char *const loop_kinds[] = {"an allocation fails", "several allocations fail",
                                         "a system call fails"};

// Shared with the process of a run.
struct loop_told {
    uint64_t allocations, calls; // so far
    const char *failed;          // the call that did
    char wrong[128];             // what went wrong; "": nothing
};

static struct {
    struct loop_told *told;
    enum loop_kind kind;
    uint64_t at; // 0: nothing fails
    bool armed;  // the engine is at work, not this program
} loop;

bool calls_fail(const char *name)
{
    if (!loop.armed) return false;
    const uint64_t call = ++loop.told->calls;
    if (loop.kind != LOOP_CALL || call != loop.at) return false;
    loop.told->failed = name;
    return true;
}

bool calls_allocation_fails(void)
{
    if (!loop.armed) return false;
    const uint64_t call = ++loop.told->allocations;
    const uint64_t last = loop.at + (loop.kind == LOOP_ALLOCATIONS ? LOOP_BURST : 0);
    return loop.kind != LOOP_CALL && loop.at > 0 && call >= loop.at && call <= last;
}

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

struct loop_case {
    enum zmtp_socket_type server, client;
    const char *endpoint; // with %s for a folder
    enum zmtp_mechanism mechanism;
    bool mailbox; // the client sends through one
    bool old;     // both serve old versions
};

static const struct loop_case loop_cases[] = {
    {ZMTP_REP, ZMTP_REQ, "tcp://127.0.0.1:*", ZMTP_NULL, false, false},
    {ZMTP_ROUTER, ZMTP_DEALER, "tcp://127.0.0.1:*", ZMTP_CURVE, false, false},
    {ZMTP_PUB, ZMTP_SUB, "ipc://%s/torture", ZMTP_NULL, false, true},
    {ZMTP_PULL, ZMTP_PUSH, "ipc://%s/torture", ZMTP_PLAIN, true, false},
    {ZMTP_REP, ZMTP_REQ, "inproc://torture", ZMTP_NULL, false, false},
    {ZMTP_PUB, ZMTP_SUB, "inproc://torture", ZMTP_NULL, false, false},
    {ZMTP_REP, ZMTP_REQ, "ws://127.0.0.1:*/torture", ZMTP_NULL, false, false},
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

static void loop_fail(const char *what)
{
    if (loop.told->wrong[0]) return;
    snprintf(loop.told->wrong, sizeof loop.told->wrong, "%s", what);
}

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
    const struct zmtp_bytes part = {talk->body, talk->received % 2 ? LOOP_BODY : 10};
    const uint64_t now_ms = uv_now(&talk->uv_loop);
    if (talk->refused || !talk->client) return;
    if (talk->owed.count > 0 && zmtp_uv_send_msg(talk->server, &talk->owed) != ZMTP_ERR_MEMORY)
        zmtp_msg_fini(&talk->owed);
    if (talk->of->client == ZMTP_REQ && talk->asked_ms > 0 &&
        now_ms < talk->asked_ms + LOOP_REPEAT_MS)
        return;
    talk->asked_ms = now_ms;
    struct zmtp_uv_socket *const from = talk->of->client == ZMTP_SUB ? talk->server : talk->client;
    loop.armed = true;
    if (talk->mailbox)
        (void)zmtp_uv_post(talk->mailbox, &part, 1);
    else
        (void)zmtp_uv_send(from, &part, 1);
    loop.armed = false;
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
    if (zmtp_uv_bind(talk->server, endpoint) < 0) return false;
    return zmtp_uv_connect(talk->client, zmtp_uv_endpoint(talk->server)) == ZMTP_OK;
}

static void loop_closed(void *user)
{
    ((struct loop_talk *)user)->closed = true;
}

// Turns the loop until |*done| is at least |goal|, or patience ends.
static void loop_until(struct loop_talk *talk, const unsigned *done, unsigned goal)
{
    const uint64_t end = uv_hrtime() + (uint64_t)LOOP_PATIENCE_MS * 1000000;
    while (*done < goal && uv_hrtime() < end) {
        loop.armed = true;
        uv_run(&talk->uv_loop, UV_RUN_ONCE);
        loop.armed = false;
    }
}

static void loop_end(struct loop_talk *talk)
{
    uv_timer_stop(&talk->timer); // nothing is said to a socket that is closed
    zmtp_msg_fini(&talk->owed);
    loop.armed = true;
    zmtp_uv_mailbox_close(talk->mailbox);
    zmtp_uv_socket_close(talk->client, NULL, NULL);
    zmtp_uv_socket_close(talk->server, NULL, NULL);
    talk->closed = !talk->uv;
    if (talk->uv) zmtp_uv_close(talk->uv, loop_closed, talk);
    loop.armed = false;
    const uint64_t end = uv_hrtime() + (uint64_t)LOOP_PATIENCE_MS * 1000000;
    while (!talk->closed && uv_hrtime() < end) {
        loop.armed = true;
        uv_run(&talk->uv_loop, UV_RUN_ONCE);
        loop.armed = false;
    }
    if (!talk->closed) loop_fail("it does not close");
    uv_close((uv_handle_t *)&talk->timer, NULL);
    if (uv_run(&talk->uv_loop, UV_RUN_DEFAULT) != 0 || uv_loop_close(&talk->uv_loop) != 0)
        loop_fail("handles are left on the loop");
    if (talk->budget.bytes != 0 || talk->budget.blocks != 0) loop_fail("memory is lost");
}

static unsigned loop_descriptors(void)
{
    unsigned count = 0;
    DIR *const folder = opendir("/proc/self/fd");
    if (!folder) return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

// The folder must be empty, unless it was the removal that failed.
static void loop_sweep(const char *folder)
{
    DIR *const at = opendir(folder);
    if (!at) return;
    for (const struct dirent *entry; (entry = readdir(at));) {
        char path[600];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        const char *const failed = loop.told->failed;
        if (!failed || (strcmp(failed, "unlink") != 0 && strcmp(failed, "lstat") != 0 &&
                        strcmp(failed, "fstat") != 0))
            loop_fail("a file is left behind");
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        __real_unlink(path);
    }
    closedir(at);
    rmdir(folder);
}

static void loop_talk_once(const struct loop_case *of)
{
    static struct loop_talk talk;
    const unsigned ready = 1;
    talk = (struct loop_talk){.of = of};
    strcpy(talk.folder, "/tmp/zmtp-torture-XXXXXX");
    if (!mkdtemp(talk.folder)) {
        loop_fail("there is no folder");
        return;
    }
    if (zmtp_sodium()) zmtp_key_generate(&talk.keys, zmtp_sodium());
    if (uv_loop_init(&talk.uv_loop) < 0) loop_fail("there is no loop");
    const unsigned before = loop_descriptors();
    zmtp_budget_init(&talk.budget, NULL);
    zmtp_msg_init(&talk.owed, NULL);
    uv_timer_init(&talk.uv_loop, &talk.timer);
    talk.timer.data = &talk;
    uv_timer_start(&talk.timer, loop_speak, LOOP_PACE_MS, LOOP_PACE_MS);
    loop.armed = true;
    talk.refused = !loop_begin(&talk);
    loop.armed = false;
    loop_until(&talk, talk.refused ? &ready : &talk.received, talk.refused ? 1 : LOOP_GOAL);
    if (!talk.refused && talk.received < LOOP_GOAL) loop_fail("the conversation stands still");
    if (talk.refused && loop.at == 0) loop_fail("it fails by itself");
    loop_end(&talk);
    // The loop's own are closed by now.
    if (before > 0 && loop_descriptors() > before) loop_fail("a descriptor is lost");
    loop_sweep(talk.folder);
}

// In a process of its own. What is wrong, or null.
static const char *loop_try(const struct loop_case *of)
{
    struct loop_told *const told = loop.told;
    int status = 0;
    *told = (struct loop_told){.allocations = 0};
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        alarm(LOOP_SECONDS);
        loop_talk_once(of);
        if (!told->wrong[0] && __lsan_do_recoverable_leak_check &&
            __lsan_do_recoverable_leak_check())
            loop_fail("memory leaks");
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return "there is no process";
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) return "a sanitizer complains";
    return told->wrong[0] ? told->wrong : NULL;
}

static uint64_t loop_number(const char *name, uint64_t otherwise)
{
    const char *const text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

// Returns whether all went well.
static bool loop_torture(size_t index, enum loop_kind kind)
{
    const struct loop_case *const of = &loop_cases[index];
    const uint64_t points = loop_number("TORTURE_POINTS", LOOP_POINTS);
    loop.at = 0;
    const char *wrong = loop_try(of);
    if (wrong && !strncmp(of->endpoint, "ws", 2) && strstr(wrong, "by itself")) {
        printf("ok %zu - %s # SKIP WebSockets are not in this build\n",
               1 + index * LOOP_KINDS + kind, of->endpoint);
        return true;
    }
    const uint64_t count = kind == LOOP_CALL ? loop.told->calls : loop.told->allocations;
    const uint64_t step = count > points && points > 0 ? (count + points - 1) / points : 1;
    uint64_t tried = 0;
    loop.kind = kind;
    for (uint64_t at = 1; at <= count && !wrong; at += step, tried++) {
        loop.at = at;
        wrong = loop_try(of);
        if (wrong)
            printf("# %s: %s; again: TORTURE_CASE=%zu TORTURE_KIND=%d TORTURE_AT=%llu\n",
                   loop.told->failed ? loop.told->failed : loop_kinds[kind], wrong, index,
                   (int)kind, (unsigned long long)at);
    }
    if (wrong && loop.at == 0) printf("# %s, with nothing failing\n", wrong);
    printf("%sok %zu - %s and %s over %.6s: %s, at %llu places of %llu\n", wrong ? "not " : "",
           1 + index * LOOP_KINDS + kind, zmtp_socket_type_name(of->client),
           zmtp_socket_type_name(of->server), of->endpoint, loop_kinds[kind],
           (unsigned long long)tried, (unsigned long long)count);
    return !wrong;
}

int main(void)
{
    loop.told =
        mmap(NULL, sizeof *loop.told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (loop.told == MAP_FAILED) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (getenv("TORTURE_CASE")) {
        loop.kind = (enum loop_kind)loop_number("TORTURE_KIND", 0);
        loop.at = loop_number("TORTURE_AT", 0);
        loop_talk_once(&loop_cases[loop_number("TORTURE_CASE", 0) % LOOP_CASES]);
        printf("%s failed; %s\n", loop.told->failed ? loop.told->failed : "no call",
               loop.told->wrong[0] ? loop.told->wrong : "all is well");
        return loop.told->wrong[0] != '\0';
    }
    size_t failed = 0;
    printf("1..%d\n", LOOP_CASES * LOOP_KINDS);
    for (size_t i = 0; i < LOOP_CASES; i++)
        for (int kind = 0; kind < LOOP_KINDS; kind++)
            failed += !loop_torture(i, (enum loop_kind)kind);
    return failed > 0;
}
