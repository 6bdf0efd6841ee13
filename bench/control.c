// How long a control request takes at a daemon, and what the daemon is flooded with meanwhile:
//
//     control FILE ask MILLISECONDS              one control request at a time: their times
//     control FILE flood MILLISECONDS LANE READ  as many requests as there is room for on shell or query,
//                                                of which each READ-th is a GetRegions (0: none)
//     control FILE regions COUNT                 makes so many regions
//
// FILE is the daemon's connection file. bench/control.py runs it. Prints figures, one a line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <garden/client.h>
#include <garden/lanes.h>
#include <zmtp/uv.h>

enum { CONTROL_TIMES_MAX = 1 << 20, CONTROL_WINDOW = 1000 };

static struct {
    uv_loop_t loop;
    uv_timer_t end;
    struct zmtp_uv *uv;
    struct garden_connection connection;
    bool over;
    // Asking.
    struct garden_client *client;
    uint64_t asked_ns, *times;
    size_t count;
    // Flooding.
    struct zmtp_uv_socket *socket;
    enum garden_lane lane;
    unsigned long read_each, sent, replies, wanted;
} control;

static _Noreturn void control_die(const char *what)
{
    fprintf(stderr, "control: %s\n", what);
    exit(1);
}

static void control_on_end(uv_timer_t *timer)
{
    (void)timer;
    control.over = true;
}

static void control_open(const char *path, uint64_t duration_ms)
{
    struct garden_error error;
    if (garden_connection_read(path, &control.connection, &error) < 0) control_die(error.text);
    if (uv_loop_init(&control.loop) < 0) control_die("no loop");
    if (zmtp_uv_open(&control.uv, &control.loop, NULL) < 0) control_die("no engine");
    uv_timer_init(&control.loop, &control.end);
    if (duration_ms > 0) uv_timer_start(&control.end, control_on_end, duration_ms, 0);
}

// ---- Asking

static void control_ask(void);

static void control_on_answer(struct garden_client *client, int result,
                              const struct garden_message *reply, void *user)
{
    (void)client;
    (void)user;
    if (result < 0 || reply->control_reply.kind != GARDEN_CONTROL_REPLY_INTERRUPTED)
        control_die("a control request was not answered as it should be");
    if (control.count == CONTROL_TIMES_MAX) control_die("too many times");
    control.times[control.count++] = uv_hrtime() - control.asked_ns;
    control_ask();
}

static void control_ask(void)
{
    const struct garden_control_request request = {.kind = GARDEN_CONTROL_INTERRUPT};
    const struct garden_answer answer = {.call = control_on_answer, .timeout_ms = 20000};
    if (control.over) return;
    control.asked_ns = uv_hrtime();
    if (garden_client_control(control.client, &request, &answer) < 0) control_die("cannot ask");
}

static int control_compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void control_run_ask(void)
{
    struct garden_client_config config;
    garden_client_config_init(&config);
    config.endpoints = control.connection.endpoints;
    control.times = malloc(CONTROL_TIMES_MAX * sizeof *control.times);
    if (!control.times) control_die("no memory");
    if (garden_client_open(&control.client, control.uv, &control.loop, &config, NULL) < 0)
        control_die("no client");
    while (!garden_client_lane_up(control.client, GARDEN_LANE_CONTROL))
        uv_run(&control.loop, UV_RUN_ONCE);
    control_ask();
    while (!control.over)
        uv_run(&control.loop, UV_RUN_ONCE);
    if (control.count == 0) control_die("no answer came");
    qsort(control.times, control.count, sizeof *control.times, control_compare);
    printf("count %zu\np50_us %.1f\np99_us %.1f\nmax_us %.1f\n", control.count,
           (double)control.times[control.count / 2] / 1e3,
           (double)control.times[control.count - 1 - control.count / 100] / 1e3,
           (double)control.times[control.count - 1] / 1e3);
}

// ---- Flooding

static void control_fill(struct garden_message *message)
{
    struct garden_uuid id = {{0}};
    const unsigned long number = ++control.sent, process = (unsigned long)uv_os_getpid();
    memcpy(id.octets, &process, sizeof process);
    memcpy(id.octets + 8, &number, sizeof number);
    const bool query = control.lane == GARDEN_LANE_QUERY;
    garden_message_init(message, query ? GARDEN_QUERY_REQUEST : GARDEN_SHELL_REQUEST,
                        garden_uuid_v4(id.octets), id, (struct garden_time){0});
    if (query) {
        message->query_request.query = garden_text_of("{ Region { id @output } }");
    } else if (control.wanted > 0) {
        message->shell_request.kind = GARDEN_SHELL_CREATE_REGION;
        message->shell_request.create_region.position = (double)number;
        message->shell_request.create_region.duration = 1;
        message->shell_request.create_region.behavior = (struct garden_behavior){
            .kind = GARDEN_BEHAVIOR_PLAY_CONTENT,
            .play_content = {.artifact_id = garden_text_of("an artifact")}};
    } else if (control.read_each > 0 && number % control.read_each == 0) {
        message->shell_request.kind = GARDEN_SHELL_GET_REGIONS;
    } else {
        message->shell_request.kind = GARDEN_SHELL_SEEK;
        message->shell_request.seek.beat = (double)number;
    }
}

static void control_send(void)
{
    const struct garden_form form = {GARDEN_MSGPACK, GARDEN_EXTERNAL};
    struct garden_buffer octets;
    garden_buffer_init(&octets, NULL, 0);
    while (control.sent - control.replies < CONTROL_WINDOW &&
           (control.wanted == 0 || control.sent < control.wanted)) {
        struct garden_message message;
        control_fill(&message);
        garden_buffer_clear(&octets);
        if (garden_message_encode(&message, form, &octets, NULL) < 0) control_die("cannot encode");
        const struct zmtp_bytes part = garden_buffer_bytes(&octets);
        if (zmtp_uv_send(control.socket, &part, 1) < 0) control_die("cannot send");
    }
    garden_buffer_fini(&octets);
}

static void control_on_reply(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)socket;
    (void)msg;
    (void)user;
    control.replies++;
    if (control.wanted > 0 && control.replies == control.wanted) control.over = true;
    if (!control.over) control_send();
}

static void control_run_flood(void)
{
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_DEALER);
    config.socket.send_count_max = 0;
    config.limits.message_max = 64 * 1024 * 1024;
    config.on_message = control_on_reply;
    if (zmtp_uv_socket_open(&control.socket, control.uv, &config) < 0 ||
        zmtp_uv_connect(control.socket, control.connection.endpoints.of[control.lane]) < 0)
        control_die("no socket");
    control_send();
    const uint64_t begun = uv_hrtime();
    while (!control.over)
        uv_run(&control.loop, UV_RUN_ONCE);
    printf("replies_per_s %.0f\n", (double)control.replies * 1e9 / (double)(uv_hrtime() - begun));
}

int main(int argc, char **argv)
{
    const char *verb = argc > 3 ? argv[2] : "";
    const unsigned long number = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    if (strcmp(verb, "ask") == 0) {
        control_open(argv[1], number);
        control_run_ask();
    } else if (strcmp(verb, "flood") == 0 && argc == 6) {
        control_open(argv[1], number);
        control.lane = strcmp(argv[4], "query") == 0 ? GARDEN_LANE_QUERY : GARDEN_LANE_SHELL;
        control.read_each = strtoul(argv[5], NULL, 10);
        control_run_flood();
    } else if (strcmp(verb, "regions") == 0) {
        control_open(argv[1], 0);
        control.lane = GARDEN_LANE_SHELL;
        control.wanted = number;
        control_run_flood();
    } else {
        control_die("FILE ask MS | FILE flood MS shell|query READ | FILE regions COUNT");
    }
    return 0; // the rest ends with the process
}
