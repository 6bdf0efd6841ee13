#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/monkey/monkey.h"

enum { CHILD_ACTS = 60, CHILD_SECONDS = 60, CHILD_PATIENCE_MS = 20000 };

static void child_closed(void *user)
{
    *(bool *)user = true;
}

// An engine of the child's own works.
static void child_own(const struct monkey *monkey)
{
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *from, *to;
    struct zmtp_uv_config config;
    bool closed = false;
    monkey_expect(monkey, uv_loop_init(&loop) == 0, "a child has a loop");
    monkey_expect(monkey, zmtp_uv_open(&uv, &loop, NULL) == ZMTP_OK, "a child has an engine");
    zmtp_uv_config_init(&config, ZMTP_PUSH);
    monkey_expect(monkey, zmtp_uv_socket_open(&from, uv, &config) == ZMTP_OK, "and a PUSH");
    zmtp_uv_config_init(&config, ZMTP_PULL);
    monkey_expect(monkey, zmtp_uv_socket_open(&to, uv, &config) == ZMTP_OK, "and a PULL");
    monkey_expect(monkey, zmtp_uv_bind(to, "tcp://127.0.0.1:*") == ZMTP_OK, "that binds");
    monkey_expect(monkey, zmtp_uv_connect(from, zmtp_uv_endpoint(to)) == ZMTP_OK, "is dialled");
    monkey_expect(monkey, zmtp_uv_wait_connected(from, 1, CHILD_PATIENCE_MS) == ZMTP_OK,
                  "and is connected");
    zmtp_uv_close(uv, child_closed, &closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    monkey_expect(monkey, closed, "a child's engine closes");
}

static void child_run(struct monkey *monkey)
{
    struct rlimit limit;
    monkey->child = true;
    monkey->forks = monkey->starves = false;
    monkey_faults = NULL;
    alarm(CHILD_SECONDS);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = MONKEY_DESCRIPTORS;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    for (int i = 0; i < CHILD_ACTS; i++)
        monkey_act(monkey);
    for (size_t i = 0; i < MONKEY_ENGINES; i++) {
        if (!monkey->uv[i]) continue;
        (void)zmtp_uv_fd(monkey->uv[i]);
        monkey_expect(monkey, zmtp_uv_turn(monkey->uv[i]) == ZMTP_ERR_STATE,
                      "a child does not turn its parent's loop");
        monkey_close_engine(monkey, i);
    }
    child_own(monkey);
}

void monkey_fork(struct monkey *monkey)
{
    int status = 0;
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        child_run(monkey);
        _exit(MONKEY_CHILD_OK);
    }
    if (pid < 0) return;
    monkey_expect(monkey, waitpid(pid, &status, 0) == pid, "a child is waited for");
    if (WIFSIGNALED(status)) fprintf(stderr, "a child: %s\n", strsignal(WTERMSIG(status)));
    monkey_expect(monkey, WIFEXITED(status) && WEXITSTATUS(status) == MONKEY_CHILD_OK,
                  "a child ends well");
}
