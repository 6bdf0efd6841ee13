// A web server on a STREAM, for browsers and curl: http [ENDPOINT]. It says which visitor one is.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmtp/zmtp.h>

// A connection: a read brings any piece of a request, which ends with an empty line.
struct visitor {
    struct visitor *next;
    uint8_t id[5]; // as a STREAM makes them
    size_t seen;   // octets of that end that came one after the other
};

static struct visitor *visitors;
static unsigned long answered;

static struct visitor **find(struct zmtp_bytes id)
{
    struct visitor **at = &visitors;
    while (*at && memcmp((*at)->id, id.data, sizeof(*at)->id) != 0)
        at = &(*at)->next;
    return at;
}

// The first notice of a connection says that it is there, the second that it has ended.
static void notice(struct zmtp_bytes id)
{
    struct visitor **at = find(id), *visitor = *at;
    if (visitor) {
        *at = visitor->next;
        free(visitor);
    } else if ((visitor = calloc(1, sizeof *visitor))) {
        memcpy(visitor->id, id.data, sizeof visitor->id);
        *at = visitor;
    }
}

static void answer(struct zmtp_uv_socket *socket, struct zmtp_bytes id)
{
    char text[256];
    const int size = snprintf(text, sizeof text,
                              "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                              "\r\nYou are visitor %lu.\n",
                              ++answered);
    const struct zmtp_bytes page[] = {id, zmtp_bytes_of(text, (size_t)size)};
    const struct zmtp_bytes close[] = {id, {NULL, 0}}; // once the page has left
    if (zmtp_uv_send(socket, page, 2) < 0 || zmtp_uv_send(socket, close, 2) < 0)
        fprintf(stderr, "no answer: %s\n", zmtp_uv_error_text(socket));
    notice(id); // none comes for what was closed from here
}

static void hear(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    static const char end[] = "\r\n\r\n";
    const struct zmtp_bytes id = zmtp_msg_bytes(msg, 0), octets = zmtp_msg_bytes(msg, 1);
    (void)user;
    if (octets.size == 0) {
        notice(id);
        return;
    }
    struct visitor *visitor = *find(id);
    for (size_t i = 0; visitor && i < octets.size; i++) {
        if (octets.data[i] != (uint8_t)end[visitor->seen]) visitor->seen = 0;
        visitor->seen += octets.data[i] == (uint8_t)end[visitor->seen];
        if (visitor->seen < sizeof end - 1) continue;
        answer(socket, id);
        return;
    }
}

int main(int argc, char *argv[])
{
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_STREAM);
    config.on_message = hear;
    if (zmtp_uv_open(&uv, uv_default_loop(), NULL) < 0 ||
        zmtp_uv_socket_open(&socket, uv, &config) < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_open_error_text(uv));
        return 1;
    }
    if (zmtp_uv_bind(socket, argc > 1 ? argv[1] : "tcp://127.0.0.1:8080") < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
        return 1;
    }
    printf("%s\n", zmtp_uv_endpoint(socket));
    fflush(stdout);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
