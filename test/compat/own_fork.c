// What a forked child may do with its parent's context and sockets: nothing, and it is told so. And what has
// no descriptor and no thread; and many that come and go.
#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"

static int count(const char *folder)
{
    int entries = 0;
    DIR *const list = opendir(folder);
    while (list && readdir(list))
        entries++;
    if (list) closedir(list);
    return entries;
}

static void child(void *context, void *socket)
{
    char octet;
    FAILS("the child sends", zmq_send(socket, "x", 1, 0), ETERM);
    FAILS("the child receives", zmq_recv(socket, &octet, 1, ZMQ_DONTWAIT), ETERM);
    FAILS("the child closes", zmq_close(socket), ETERM);
    IS_NULL("the child opens a socket", zmq_socket(context, ZMQ_PAIR), ETERM);
    FAILS("the child ends the context", zmq_ctx_term(context), ETERM);
    void *own = zmq_ctx_new();
    void *a = zmq_socket(own, ZMQ_PAIR), *b = zmq_socket(own, ZMQ_PAIR);
    char where[64];
    size_t size = sizeof where;
    EXPECT("its own binds", zmq_bind(a, "tcp://127.0.0.1:*") == 0);
    zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, where, &size);
    EXPECT("its own connects", zmq_connect(b, where) == 0);
    EXPECT("its own sends", zmq_send(b, "x", 1, 0) == 1);
    EXPECT("its own receives", zmq_recv(a, &octet, 1, 0) == 1);
    EXPECT("its own closes", zmq_close(a) == 0 && zmq_close(b) == 0);
    EXPECT("its own ends", zmq_ctx_term(own) == 0);
}

static void cycles(void)
{
    void *context = zmq_ctx_new();
    const int descriptors = count("/proc/self/fd"), threads = count("/proc/self/task");
    void *sockets[50];
    for (int i = 0; i < 50; i++)
        sockets[i] = zmq_socket(context, i % 12);
    EXPECT("sockets cost no descriptor", count("/proc/self/fd") == descriptors);
    EXPECT("and no thread", count("/proc/self/task") == threads);
    for (int i = 0; i < 50; i++)
        zmq_close(sockets[i]);
    int bad = 0;
    for (int i = 0; i < 20000; i++) {
        void *a = zmq_socket(context, ZMQ_PAIR), *b = zmq_socket(context, ZMQ_PAIR);
        char octet;
        bad += zmq_bind(a, "inproc://cycle") != 0 || zmq_connect(b, "inproc://cycle") != 0;
        bad += zmq_send(a, "x", 1, 0) != 1 || zmq_recv(b, &octet, 1, 0) != 1;
        bad += zmq_close(a) != 0 || zmq_close(b) != 0;
    }
    EXPECT("20000 pairs came and went", bad == 0);
    for (int i = 0; i < 300; i++) {
        void *a = zmq_socket(context, ZMQ_PULL), *b = zmq_socket(context, ZMQ_PUSH);
        char where[64];
        size_t size = sizeof where;
        bad += zmq_bind(a, "tcp://127.0.0.1:*") != 0;
        zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, where, &size);
        bad += zmq_connect(b, where) != 0 || zmq_send(b, "x", 1, 0) != 1;
        bad += zmq_recv(a, where, 1, 0) != 1 || zmq_close(b) != 0 || zmq_close(a) != 0;
    }
    EXPECT("and 300 over tcp", bad == 0);
    EXPECT("the context ends", zmq_ctx_term(context) == 0);
    EXPECT("and leaves no descriptor", count("/proc/self/fd") == descriptors);
    EXPECT("and no thread", count("/proc/self/task") == threads);
}

int main(void)
{
    void *context = zmq_ctx_new();
    void *a = zmq_socket(context, ZMQ_PAIR);
    int status = -1;
    EXPECT("the parent binds", zmq_bind(a, "tcp://127.0.0.1:*") == 0);
    const pid_t pid = THREADS_SANITIZED ? -1 : fork();
    if (pid == 0) {
        child(context, a);
        _exit(expect_status);
    }
    if (THREADS_SANITIZED)
        say("the child ends", "# SKIP the sanitizer cannot start threads in a child");
    else
        EXPECT("the child ends", waitpid(pid, &status, 0) == pid && status == 0);
    EXPECT("the parent closes", zmq_close(a) == 0);
    EXPECT("the parent's context ends", zmq_ctx_term(context) == 0);
    cycles();
    return expect_status;
}
