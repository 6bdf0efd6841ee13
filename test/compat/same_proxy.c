// Proxies: what they pass on, what they are told, how they end.
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "say.h"

enum { PATIENCE_MS = 20000 };

struct proxy {
    void *frontend, *backend, *capture, *control;
    int steerable, device;
    int result, error;
    pthread_t thread;
};

static void *run(void *hint)
{
    struct proxy *proxy = hint;
    if (proxy->device)
        proxy->result = zmq_device(ZMQ_QUEUE, proxy->frontend, proxy->backend);
    else if (proxy->steerable)
        proxy->result =
            zmq_proxy_steerable(proxy->frontend, proxy->backend, proxy->capture, proxy->control);
    else
        proxy->result = zmq_proxy(proxy->frontend, proxy->backend, proxy->capture);
    proxy->error = zmq_errno();
    return NULL;
}

static void start(struct proxy *proxy)
{
    pthread_create(&proxy->thread, NULL, run, proxy);
}

static void end(const char *name, struct proxy *proxy)
{
    pthread_join(proxy->thread, NULL);
    say(name, "%d %s", proxy->result, proxy->result < 0 ? error_word(proxy->error) : "");
}

static void *open_socket(void *context, int type, const char *bound, const char *connected)
{
    void *socket = zmq_socket(context, type);
    const int patience = PATIENCE_MS, none = 0;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    if (bound && zmq_bind(socket, bound) < 0) say_result("bind", -1);
    if (connected && zmq_connect(socket, connected) < 0) say_result("connect", -1);
    return socket;
}

static void say_message(const char *name, void *socket)
{
    int more = 1;
    size_t size = sizeof more;
    while (more) {
        char text[64] = "";
        const int result = zmq_recv(socket, text, sizeof text - 1, 0);
        if (result < 0) {
            say_result(name, result);
            return;
        }
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
        if (*text || result == 0)
            say(name, "'%s'%s", text, more ? " and more" : "");
        else
            say(name, "%d octets%s", result, more ? " and more" : "");
    }
}

static void ask(const char *name, void *client, void *worker, int parts)
{
    for (int i = 1; i < parts; i++)
        zmq_send(client, "part", 4, ZMQ_SNDMORE);
    zmq_send(client, "question", 8, 0);
    say_message(name, worker);
    zmq_send(worker, "answer", 6, 0);
    say_message(name, client);
}

static void errors(void *context)
{
    void *socket = open_socket(context, ZMQ_PAIR, NULL, NULL);
    say_result("no sockets", zmq_proxy(NULL, socket, NULL));
    say_result("no sockets", zmq_proxy(socket, NULL, NULL));
    say_result("no sockets", zmq_proxy_steerable(NULL, NULL, NULL, NULL));
    zmq_close(socket);
}

static void say_statistics(const char *name, void *control)
{
    zmq_send(control, "STATISTICS", 10, 0);
    for (int i = 0; i < 8; i++) {
        uint64_t number = 99;
        int more = 0;
        size_t size = sizeof more;
        const int result = zmq_recv(control, &number, sizeof number, 0);
        zmq_getsockopt(control, ZMQ_RCVMORE, &more, &size);
        say(name, "%d octets: %llu%s", result, (unsigned long long)number, more ? " and more" : "");
    }
}

static void steered(void *context)
{
    struct proxy proxy = {.steerable = 1};
    proxy.frontend = open_socket(context, ZMQ_ROUTER, "inproc://front", NULL);
    proxy.backend = open_socket(context, ZMQ_DEALER, "inproc://back", NULL);
    proxy.capture = open_socket(context, ZMQ_PUSH, "inproc://capture", NULL);
    proxy.control = open_socket(context, ZMQ_PAIR, "inproc://control", NULL);
    void *capture = open_socket(context, ZMQ_PULL, NULL, "inproc://capture");
    void *control = open_socket(context, ZMQ_PAIR, NULL, "inproc://control");
    void *client = zmq_socket(context, ZMQ_REQ);
    zmq_setsockopt(client, ZMQ_ROUTING_ID, "client", 6);
    const int patience = PATIENCE_MS;
    zmq_setsockopt(client, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_connect(client, "inproc://front");
    void *worker = open_socket(context, ZMQ_REP, NULL, "inproc://back");
    start(&proxy);
    ask("request and reply", client, worker, 1);
    say_message("captured", capture);
    say_message("captured", capture);
    ask("in three parts", client, worker, 3);
    say_message("captured in three parts", capture);
    say_message("captured in three parts", capture);
    say_statistics("statistics", control);
    say_message("captured control", capture);
    zmq_send(control, "PAUSE", 5, 0);
    say_message("captured control", capture);
    zmq_send(client, "later", 5, 0);
    zmq_pollitem_t item = {.socket = worker, .events = ZMQ_POLLIN};
    say_result("paused", zmq_poll(&item, 1, 200));
    zmq_send(control, "RESUME", 6, 0);
    say_result("resumed", zmq_poll(&item, 1, PATIENCE_MS));
    say_message("resumed", worker);
    zmq_send(control, "TERMINATE", 9, 0);
    end("terminated", &proxy);
    void *const all[] = {proxy.frontend, proxy.backend, proxy.capture, proxy.control,
                         capture,        control,       client,        worker};
    for (int i = 0; i < 8; i++)
        zmq_close(all[i]);
}

static void of_one_socket(void *context)
{
    struct proxy proxy = {.steerable = 0};
    proxy.frontend = proxy.backend = open_socket(context, ZMQ_REP, "inproc://echo", NULL);
    void *client = open_socket(context, ZMQ_REQ, NULL, "inproc://echo");
    start(&proxy);
    for (int i = 0; i < 3; i++) {
        zmq_send(client, "echo", 4, 0);
        say_message("one socket is both sides", client);
    }
    zmq_ctx_shutdown(context);
    end("one socket is both sides", &proxy);
    zmq_close(proxy.frontend);
    zmq_close(client);
}

static void one_way(void *context)
{
    struct proxy proxy = {.steerable = 0};
    proxy.frontend = open_socket(context, ZMQ_PULL, "inproc://pull", NULL);
    proxy.backend = open_socket(context, ZMQ_PUSH, "inproc://push", NULL);
    void *push = open_socket(context, ZMQ_PUSH, NULL, "inproc://pull");
    void *pull = open_socket(context, ZMQ_PULL, NULL, "inproc://push");
    start(&proxy);
    int count = 0;
    for (int i = 0; i < 2500; i++) {
        zmq_send(push, &i, sizeof i, ZMQ_SNDMORE);
        zmq_send(push, "x", 1, 0);
    }
    for (int i = 0; i < 2500; i++) {
        int number = -1;
        char octet;
        zmq_recv(pull, &number, sizeof number, 0);
        zmq_recv(pull, &octet, 1, 0);
        count += number == i;
    }
    say("one way, in order", "%d", count);
    zmq_ctx_shutdown(context);
    end("the end of the context", &proxy);
    void *const all[] = {proxy.frontend, proxy.backend, push, pull};
    for (int i = 0; i < 4; i++)
        zmq_close(all[i]);
}

static void subscriptions(void *context)
{
    struct proxy proxy = {.device = 1};
    proxy.frontend = open_socket(context, ZMQ_XSUB, "inproc://xsub", NULL);
    proxy.backend = open_socket(context, ZMQ_XPUB, "inproc://xpub", NULL);
    void *pub = open_socket(context, ZMQ_XPUB, NULL, "inproc://xsub");
    void *sub = open_socket(context, ZMQ_SUB, NULL, "inproc://xpub");
    start(&proxy);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "a", 1);
    char octets[8];
    const int result = zmq_recv(pub, octets, sizeof octets, 0);
    say_octets("a subscription goes through", octets, result > 0 ? (size_t)result : 0);
    zmq_send(pub, "b", 1, 0);
    zmq_send(pub, "a", 1, ZMQ_SNDMORE);
    zmq_send(pub, "body", 4, 0);
    say_message("what is published", sub);
    zmq_ctx_shutdown(context);
    end("the end of a device", &proxy);
    void *const all[] = {proxy.frontend, proxy.backend, pub, sub};
    for (int i = 0; i < 4; i++)
        zmq_close(all[i]);
}

int main(void)
{
    void (*const parts[])(void *context) = {errors, steered, of_one_socket, one_way, subscriptions};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        void *context = zmq_ctx_new();
        parts[i](context);
        say_result("term", zmq_ctx_term(context));
    }
    return 0;
}
