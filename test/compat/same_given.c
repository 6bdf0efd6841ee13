// ZMQ_USE_FD: a descriptor that listens already is what a bind takes, whatever its endpoint says, until the option is
// -1 again; and it is closed with the socket, but its path stays.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "patient.h"
#include "say.h"

enum { PATIENCE_MS = 20000, ENDPOINT_MAX = 256 };

static int listen_tcp(char *endpoint)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, 8) < 0) return -1;
    (void)getsockname(fd, (struct sockaddr *)&at, &size);
    snprintf(endpoint, ENDPOINT_MAX, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

static int listen_ipc(char *endpoint)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/given-XXXXXX";
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (!mkdtemp(folder)) return -1;
    snprintf(at.sun_path, sizeof at.sun_path, "%s/socket", folder);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 8) < 0) return -1;
    snprintf(endpoint, ENDPOINT_MAX, "ipc://%s", at.sun_path);
    return fd;
}

static void bounce(const char *name, void *server, void *client)
{
    char body[16] = "";
    say_result(name, zmq_send(client, "there", 5, 0));
    say_result(name, zmq_recv(server, body, sizeof body, 0));
    say_result(name, zmq_send(server, "and back", 8, 0));
    say_result(name, zmq_recv(client, body, sizeof body, 0));
    say(name, "%.8s", body);
}

static void takes(const char *name, int (*listens)(char *endpoint), const char *elsewhere)
{
    char endpoint[ENDPOINT_MAX], told[ENDPOINT_MAX];
    size_t size = sizeof told;
    void *const context = zmq_ctx_new();
    void *const server = open_patient(context, ZMQ_REP, PATIENCE_MS);
    void *const client = open_patient(context, ZMQ_REQ, PATIENCE_MS);
    const int fd = listens(endpoint), none = -1;
    say_result(name, zmq_setsockopt(server, ZMQ_USE_FD, &fd, sizeof fd));
    say_result(name, zmq_bind(server, endpoint));
    say_result(name, zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, told, &size));
    say(name, "%s", strcmp(told, endpoint) ? told : "bound where it listens");
    say_result(name, zmq_connect(client, endpoint));
    bounce(name, server, client);
    say_result(name, zmq_setsockopt(server, ZMQ_USE_FD, &none, sizeof none));
    say_result(name, zmq_bind(server, elsewhere));
    size = sizeof told;
    (void)zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, told, &size);
    say_result(name, zmq_disconnect(client, endpoint));
    say_result(name, zmq_connect(client, told));
    bounce(name, server, client);
    say_result(name, zmq_unbind(server, endpoint));
    zmq_close(server);
    zmq_close(client);
    say_result(name, zmq_ctx_term(context));
    struct stat at;
    say(name, "the descriptor is %s", fstat(fd, &at) < 0 ? "closed" : "open");
    if (listens != listen_ipc) return;
    say(name, "the path %s", stat(endpoint + 6, &at) < 0 ? "went" : "stays");
    (void)unlink(endpoint + 6);
    *strrchr(endpoint, '/') = '\0';
    (void)rmdir(endpoint + 6);
}

int main(void)
{
    takes("a descriptor of tcp", listen_tcp, "tcp://127.0.0.1:*");
    takes("a descriptor of ipc", listen_ipc, "ipc://*");
    return 0;
}
