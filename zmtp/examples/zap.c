// Lets in who knows the password, by asking a handler of its own: zap [ENDPOINT]. The handler is the one
// place where a program decides for all its servers; it might as well ask a database and answer later.
// The other side is any PLAIN client, of the name "admin" and the password "secret".
#include <stdio.h>

#include <zmtp/zmtp.h>

static bool known(const struct zmtp_credentials *who)
{
    return who->mechanism == ZMTP_PLAIN &&
           zmtp_bytes_equal(who->username, zmtp_bytes_text("admin")) &&
           zmtp_bytes_equal(who->password, zmtp_bytes_text("secret"));
}

// The handler: somebody wants to come in.
static void judge(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct zmtp_zap_request request;
    struct zmtp_zap_reply reply = {.verdict = ZMTP_VERDICT_DENY,
                                   .text = zmtp_bytes_text("No such user or password")};
    struct zmtp_msg answer;
    (void)user;
    if (zmtp_zap_request_decode(msg, false, &request) < 0) return;
    if (known(&request.credentials))
        reply = (struct zmtp_zap_reply){.verdict = ZMTP_VERDICT_ALLOW,
                                        .user_id = request.credentials.username};
    zmtp_msg_init(&answer, NULL);
    if (zmtp_zap_reply_encode(&answer, msg, &request, &reply) == ZMTP_OK)
        (void)zmtp_uv_send_msg(socket, &answer); // who asked has gone, or denies by itself
    zmtp_msg_fini(&answer);
}

// The server: a message came, and says whose it is.
static void greet(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    const struct zmtp_bytes name = zmtp_msg_property(msg, "User-Id");
    const struct zmtp_bytes place = zmtp_msg_property(msg, "Peer-Address");
    char text[512];
    (void)user;
    snprintf(text, sizeof text, "Hello, %.*s of %.*s!", (int)name.size,
             name.data ? (const char *)name.data : "", (int)place.size,
             place.data ? (const char *)place.data : "");
    const struct zmtp_bytes reply = zmtp_bytes_text(text);
    if (zmtp_uv_send(socket, &reply, 1) < 0) fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
}

static void report(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    (void)socket;
    (void)user;
    printf("%s %s %.*s\n", zmtp_event_name(event->kind), event->remote, (int)event->reason.size,
           event->reason.data ? (const char *)event->reason.data : "");
}

static int open_at(struct zmtp_uv *uv, const struct zmtp_uv_config *config, const char *endpoint)
{
    struct zmtp_uv_socket *socket;
    const char *why;
    if (zmtp_uv_config_check(config, &why) < 0) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    if (zmtp_uv_socket_open(&socket, uv, config) < 0) return 1; // no memory
    if (zmtp_uv_bind(socket, endpoint) == ZMTP_OK) return 0;
    fprintf(stderr, "%s\n", zmtp_uv_error_text(socket));
    return 1;
}

int main(int argc, char *argv[])
{
    struct zmtp_uv *uv;
    struct zmtp_uv_config config;
    (void)setvbuf(stdout, NULL, _IOLBF, 0); // line by line into a log, too
    if (zmtp_uv_open(&uv, uv_default_loop(), NULL) < 0) return 1;
    zmtp_uv_config_init(&config, ZMTP_REP);
    config.on_message = judge;
    if (open_at(uv, &config, ZMTP_ZAP_ENDPOINT) != 0) return 1;

    zmtp_uv_config_init(&config, ZMTP_REP);
    zmtp_uv_config_plain_server(&config);
    zmtp_uv_config_zap(&config, "example");
    config.on_message = greet;
    config.on_event = report;
    if (open_at(uv, &config, argc > 1 ? argv[1] : "tcp://127.0.0.1:5555") != 0) return 1;
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
