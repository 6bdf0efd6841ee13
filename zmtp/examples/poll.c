// Asks with each line that is typed and prints the answers: poll [ENDPOINT]. Its loop is its own: it
// waits with poll(2) for the terminal and for the engine alike. Start rep for somebody to answer.
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zmtp/zmtp.h>

// Reads one line and sends it. False at the end of the input.
static bool ask(struct zmtp_uv_socket *socket)
{
    char line[256];
    if (!fgets(line, sizeof line, stdin)) return false;
    const struct zmtp_bytes question = zmtp_bytes_of(line, strcspn(line, "\n"));
    if (zmtp_uv_send(socket, &question, 1) < 0) fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
    return true;
}

// Prints what has come. Returns how many answers that were.
static int print(struct zmtp_uv_socket *socket)
{
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    int count = 0;
    for (; zmtp_uv_recv(socket, &msg) == ZMTP_OK; count++) {
        const struct zmtp_bytes text = zmtp_msg_bytes(&msg, 0);
        printf("%.*s\n", (int)text.size, text.data ? (const char *)text.data : "");
        zmtp_msg_fini(&msg);
    }
    return count;
}

static void closed(void *user)
{
    *(bool *)user = true;
}

int main(int argc, char *argv[])
{
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_REQ);
    if (zmtp_uv_open(&uv, uv_default_loop(), NULL) < 0 ||
        zmtp_uv_socket_open(&socket, uv, &config) < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_open_error_text(uv));
        return 1;
    }
    if (zmtp_uv_connect(socket, argc > 1 ? argv[1] : "tcp://127.0.0.1:5555") < 0) {
        fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
        return 1;
    }
    // One question at a time. Unbuffered, stdin has what poll says it has.
    setvbuf(stdin, NULL, _IONBF, 0);
    struct pollfd fds[] = {{.fd = zmtp_uv_fd(uv), .events = POLLIN},
                           {.fd = STDIN_FILENO, .events = POLLIN}};
    bool over = false;
    while (!over && poll(fds, 2, -1) >= 0) {
        if (fds[1].revents) {
            over = !ask(socket);
            fds[1].fd = -1; // not again before the answer
        }
        if (fds[0].revents) (void)zmtp_uv_turn(uv); // fails in callbacks only
        if (print(socket) > 0) fds[1].fd = STDIN_FILENO;
    }
    bool done = false;
    zmtp_uv_close(uv, closed, &done);
    while (!done && poll(fds, 1, -1) >= 0)
        (void)zmtp_uv_turn(uv);
    return 0;
}
