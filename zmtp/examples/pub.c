// Publishes the time, once a second: pub [ENDPOINT]. The first part is the topic.
#include <stdio.h>
#include <time.h>

#include <zmtp/zmtp.h>

static void publish(uv_timer_t *timer)
{
    struct zmtp_uv_socket *socket = timer->data;
    char text[32];
    const time_t now = time(NULL);
    const size_t size = strftime(text, sizeof text, "%H:%M:%S", localtime(&now));
    const struct zmtp_bytes parts[] = {zmtp_bytes_text(now % 2 ? "odd" : "even"),
                                       zmtp_bytes_of(text, size)};
    if (zmtp_uv_send(socket, parts, 2) < 0) fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
    printf("%s to %zu\n", text, zmtp_uv_subscribers(socket));
}

int main(int argc, char *argv[])
{
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    struct zmtp_uv_config config;
    uv_timer_t timer;
    zmtp_uv_config_init(&config, ZMTP_PUB);
    if (zmtp_uv_open(&uv, uv_default_loop(), NULL) < 0 ||
        zmtp_uv_socket_open(&socket, uv, &config) < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_open_error_text(uv));
        return 1;
    }
    if (zmtp_uv_bind(socket, argc > 1 ? argv[1] : "tcp://127.0.0.1:5556") < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
        return 1;
    }
    uv_timer_init(uv_default_loop(), &timer);
    timer.data = socket;
    uv_timer_start(&timer, publish, 0, 1000);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
