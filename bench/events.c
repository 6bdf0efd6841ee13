// Events on the iopub lane, through libgarden on both sides:
//
//     events serve FOLDER SUBSCRIBERS MILLISECONDS RATE   publishes, once so many are there; RATE 0: as fast as it can
//     events watch FOLDER                                 subscribes, and counts what came and what was missed
//
// The lanes are local sockets in FOLDER. What was published in the time is a run; it ends with events of another kind,
// of which each subscriber hears one, as they are repeated until all have gone. What did not come of the run until then
// was dropped. Prints figures, one a line.
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <garden/client.h>
#include <garden/server.h>
#include <zmtp/uv.h>

#include "bench.h"

enum { EVENTS_BATCH = 64, EVENTS_PATIENCE_MS = 60000 };

static struct {
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct garden_endpoints endpoints;
    struct garden_server *server;
    struct garden_client *client;
    uv_idle_t turn;
    uv_timer_t tick, again;
    uint64_t count_wanted, duration_ns, rate; // of subscribers; of the run; of events
    uint64_t begun_ns, ended_ns, cpu_ns, published;
    // Watching.
    uint64_t end_seq, came, first_ns, last_ns;
    bool any, over;
} events;

static void events_open(const char *folder)
{
    if (garden_endpoints_local(&events.endpoints, folder) < 0) bench_die(folder, "is too long");
    if (uv_loop_init(&events.loop) < 0) bench_die("loop", "none");
    if (zmtp_uv_open(&events.uv, &events.loop, NULL) < 0) bench_die("engine", "none");
}

// ---- Publishing

static void events_publish(enum garden_execution_state state, bool counted)
{
    struct garden_event event = {.kind = GARDEN_EVENT_STATUS, .status = {.execution_state = state}};
    if (counted) {
        event.kind = GARDEN_EVENT_PLAYBACK_POSITION;
        event.playback_position.beat = (double)events.published;
        event.playback_position.second = (double)events.published / 2;
    }
    if (garden_server_publish(events.server, &event, NULL, 0) < 0) bench_die("publish", "refused");
    events.published += counted;
}

static void events_tell_end(uv_timer_t *timer)
{
    (void)timer;
    events_publish(GARDEN_EXECUTION_SHUTTING_DOWN, false);
}

// A batch, or what the rate wants.
static void events_turn(void)
{
    const uint64_t now = uv_hrtime();
    if (events.begun_ns == 0) {
        if (garden_server_counters(events.server).welcomes < events.count_wanted) return;
        events.begun_ns = now;
        events.cpu_ns = bench_cpu_ns();
    }
    const uint64_t gone = now - events.begun_ns;
    if (gone >= events.duration_ns) {
        events.ended_ns = now;
        events.cpu_ns = bench_cpu_ns() - events.cpu_ns;
        (void)uv_idle_stop(&events.turn); // whichever it was
        (void)uv_timer_stop(&events.tick);
        (void)uv_timer_start(&events.again, events_tell_end, 0, 5);
        return;
    }
    const uint64_t due = events.rate > 0 ? (uint64_t)((double)gone * (double)events.rate / 1e9) + 1
                                         : events.published + EVENTS_BATCH;
    while (events.published < due)
        events_publish(GARDEN_EXECUTION_IDLE, true);
}

static void events_on_turn(uv_idle_t *idle)
{
    (void)idle;
    events_turn();
}

static void events_on_tick(uv_timer_t *timer)
{
    (void)timer;
    events_turn();
}

static void events_on_request(struct garden_server *server, struct garden_request *request,
                              void *user)
{
    (void)user;
    garden_server_reply_error(server, request, "here are events only");
}

static void events_serve(char **argv)
{
    struct garden_server_config config;
    struct garden_error error = {.text = ""};
    garden_server_config_init(&config);
    config.endpoints = events.endpoints;
    config.welcome = true;
    config.on_request = events_on_request;
    events.count_wanted = strtoul(argv[3], NULL, 10);
    events.duration_ns = strtoul(argv[4], NULL, 10) * UINT64_C(1000000);
    events.rate = strtoul(argv[5], NULL, 10);
    if (garden_server_open(&events.server, events.uv, &config, &error) < 0)
        bench_die("lanes", error.text);
    (void)uv_idle_init(&events.loop, &events.turn); // these do not fail
    (void)uv_timer_init(&events.loop, &events.again);
    (void)uv_timer_init(&events.loop, &events.tick);
    if (events.rate > 0)
        (void)uv_timer_start(&events.tick, events_on_tick, 0, 1);
    else
        (void)uv_idle_start(&events.turn, events_on_turn);
    printf("ready 1\n");
    (void)fflush(stdout);
    const uint64_t until = uv_hrtime() + EVENTS_PATIENCE_MS * UINT64_C(1000000);
    while (events.ended_ns == 0 && uv_hrtime() < until)
        (void)uv_run(&events.loop, UV_RUN_ONCE);
    if (events.ended_ns == 0) bench_die("subscribers", "too few came");
    printf("published %llu\nseconds %.4f\ncpu_us_event %.4f\n",
           (unsigned long long)events.published, (double)(events.ended_ns - events.begun_ns) / 1e9,
           (double)events.cpu_ns / 1e3 / (double)events.published);
    (void)fflush(stdout);
    while (uv_hrtime() < until) // until it is killed, when all have heard of the end
        (void)uv_run(&events.loop, UV_RUN_ONCE);
}

// ---- Watching

static void events_on_event(struct garden_client *client, const struct garden_message *event,
                            bool has_seq, uint64_t seq, void *user)
{
    (void)client;
    (void)user;
    if (!has_seq || events.over) return; // a welcome has none
    if (event->event.kind == GARDEN_EVENT_STATUS) {
        events.over = true;
        events.end_seq = seq;
        return;
    }
    events.last_ns = uv_hrtime();
    if (!events.any) {
        events.first_ns = events.last_ns;
        events.any = true;
        events.cpu_ns = bench_cpu_ns();
    }
    events.came++;
}

static void events_watch(void)
{
    struct garden_client_config config;
    struct garden_error error = {.text = ""};
    garden_client_config_init(&config);
    config.endpoints = events.endpoints;
    config.on_event = events_on_event;
    if (garden_client_open(&events.client, events.uv, &events.loop, &config, &error) < 0)
        bench_die("client", error.text);
    while (!events.over)
        (void)uv_run(&events.loop, UV_RUN_ONCE);
    const double seconds = (double)(events.last_ns - events.first_ns) / 1e9;
    printf("came %llu\nend %llu\nseconds %.4f\ncpu_us_event %.4f\n",
           (unsigned long long)events.came, (unsigned long long)events.end_seq, seconds,
           (double)(bench_cpu_ns() - events.cpu_ns) / 1e3 /
               (double)(events.came ? events.came : 1));
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "serve") == 0) {
        events_open(argv[2]);
        events_serve(argv);
    } else if (argc == 3 && strcmp(argv[1], "watch") == 0) {
        events_open(argv[2]);
        events_watch();
    } else {
        bench_die("usage", "serve FOLDER SUBSCRIBERS MS RATE | watch FOLDER");
    }
    return 0; // the rest ends with the process
}
