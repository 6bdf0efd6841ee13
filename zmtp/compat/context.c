#include "context.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../io/fork.h"
#include "../zmq.h"
#include "error.h"
#include "inproc.h"
#include "socket.h"

enum {
    CONTEXT_SOCKETS_MAX = 65535,
    CONTEXT_ZERO_COPY = 10, // ZMQ_ZERO_COPY_RECV, which is no stable name
    // Above some hundred a sleep costs less, and a signal waits for the end of a spin.
    CONTEXT_SPIN_MAX_US = 1000,
};

struct zmq__context *zmq__context_of(void *handle)
{
    struct zmq__context *context = handle;
    if (!context ||
        atomic_load_explicit(&context->handle.tag, memory_order_acquire) != ZMQ__TAG_CONTEXT)
        return zmq__fail_null(EFAULT);
    if (context->generation != zmtp__fork_generation()) return zmq__fail_null(ETERM);
    return context;
}

void zmq__context_lock(struct zmq__context *context)
{
    pthread_mutex_lock(&context->mutex);
}

void zmq__context_unlock(struct zmq__context *context)
{
    pthread_mutex_unlock(&context->mutex);
}

// What the environment asks for, of a program that was not set aside to run with more rights than who calls it. What is no
// number of microseconds within the limit is as if it were not there: nothing could be told of it.
static uint64_t context_spin_ns(void)
{
    const char *const text = secure_getenv("ZMTP_SPIN_US");
    if (!text || *text < '0' || *text > '9') return ZMTP__SPIN_UNASKED;
    char *end;
    const unsigned long spin_us = strtoul(text, &end, 10);
    if (*end || spin_us > CONTEXT_SPIN_MAX_US) return ZMTP__SPIN_UNASKED;
    return spin_us * UINT64_C(1000);
}

void *zmq_ctx_new(void)
{
    if (!zmtp__fork_watch()) return zmq__fail_null(ENOMEM);
    struct zmq__context *context = zmq__handle_take(ZMQ__TAG_CONTEXT, sizeof *context);
    if (!context) return zmq__fail_null(ENOMEM);
    context->generation = zmtp__fork_generation();
    context->spin_ns = context_spin_ns();
    atomic_init(&context->terminated, false);
    pthread_mutex_init(&context->mutex, NULL);
    pthread_mutex_init(&context->unsent_mutex, NULL);
    zmtp__trie_init(&context->names, zmtp_heap());
    zmq__reaper_init(&context->reaper);
    context->options = (struct zmq__context_options){.io_threads = ZMQ_IO_THREADS_DFLT,
                                                     .max_sockets = ZMQ_MAX_SOCKETS_DFLT,
                                                     .max_message_size = INT_MAX,
                                                     .blocky = 1,
                                                     .zero_copy = 1,
                                                     .policy = -1,
                                                     .priority = -1};
    context->ended = -1;
    atomic_store_explicit(&context->handle.tag, ZMQ__TAG_CONTEXT, memory_order_release);
    return context;
}

// From now on every call on its sockets fails, also those that wait.
static void context_terminate(struct zmq__context *context)
{
    atomic_store_explicit(&context->terminated, true, memory_order_seq_cst);
    for (struct zmq__socket *socket = context->sockets; socket; socket = socket->next)
        zmq__socket_ring(socket);
}

int zmq_ctx_shutdown(void *handle)
{
    struct zmq__context *context = zmq__context_of(handle);
    if (!context) return -1;
    zmq__context_lock(context);
    context_terminate(context);
    zmq__context_unlock(context);
    return 0;
}

// Waits until no socket is left, or for a signal.
static int context_wait(struct zmq__context *context)
{
    struct pollfd item = {.events = POLLIN};
    zmq__context_lock(context);
    context_terminate(context);
    if (context->ended < 0) context->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    item.fd = context->ended;
    size_t living = context->living;
    zmq__context_unlock(context);
    while (living > 0) {
        // Without a descriptor for it, it is looked at from time to time.
        if (poll(&item, 1, item.fd < 0 ? 10 : -1) < 0 && errno == EINTR) return EINTR;
        zmq__context_lock(context);
        living = context->living;
        zmq__context_unlock(context);
    }
    return 0;
}

// What was sent to names that nobody has bound. What of it was lent is given back as all else that is sent.
static void context_forget_names(struct zmq__context *context)
{
    zmq__socket_bring_reaper(&context->reaper);
    zmq__inproc_forget_all(context);
    zmq__socket_bring_reaper(NULL);
}

int zmq_ctx_term(void *handle)
{
    struct zmq__context *context = zmq__context_of(handle);
    if (!context) return -1;
    const int error = context_wait(context);
    if (error != 0) return zmq__fail(error);
    uint32_t tag = ZMQ__TAG_CONTEXT; // of two that wait, one ends it
    if (!atomic_compare_exchange_strong(&context->handle.tag, &tag, ZMQ__TAG_NONE)) return 0;
    for (size_t i = 0; i < ZMQ__LOOPS_MAX; i++)
        if (context->loops[i]) zmq__loop_close(context->loops[i]);
    zmq__context_lock(context); // whoever released the last socket has left
    zmq__context_unlock(context);
    context_forget_names(context);
    zmq__reaper_close(&context->reaper);
    if (context->ended >= 0) close(context->ended);
    pthread_mutex_destroy(&context->mutex);
    pthread_mutex_destroy(&context->unsent_mutex);
    zmq__handle_give(ZMQ__TAG_CONTEXT, &context->handle);
    return 0;
}

int zmq_ctx_destroy(void *handle)
{
    return zmq_ctx_term(handle);
}

int zmq_term(void *handle)
{
    return zmq_ctx_term(handle);
}

void *zmq_init(int io_threads)
{
    if (io_threads < 0) return zmq__fail_null(EINVAL);
    void *const context = zmq_ctx_new();
    if (context) (void)zmq_ctx_set(context, ZMQ_IO_THREADS, io_threads);
    return context;
}

static int context_set_cpu(struct zmq__context_options *options, int option, int value)
{
    const bool remove = option == ZMQ_THREAD_AFFINITY_CPU_REMOVE;
    if (value < 0) return EINVAL;
    if (value >= CPU_SETSIZE) {
        if (remove && options->cpu_beyond != value) return EINVAL;
        options->cpu_beyond = remove ? 0 : value;
        return 0;
    }
    if (remove) {
        if (!CPU_ISSET((size_t)value, &options->cpus)) return EINVAL;
        CPU_CLR((size_t)value, &options->cpus);
    } else {
        CPU_SET((size_t)value, &options->cpus);
    }
    options->picky = CPU_COUNT(&options->cpus) > 0;
    return 0;
}

// Stores |value| if it is within both bounds.
static int context_put(int *option, int value, int min, int max)
{
    if (value < min || value > max) return EINVAL;
    *option = value;
    return 0;
}

static int context_put_flag(int *option, int value)
{
    if (value < 0) return EINVAL;
    *option = value != 0;
    return 0;
}

static int context_set(struct zmq__context_options *options, int option, int value)
{
    switch (option) {
    case ZMQ_IO_THREADS:
        return context_put(&options->io_threads, value, 0, INT_MAX);
    case ZMQ_MAX_SOCKETS:
        return context_put(&options->max_sockets, value, 1, INT_MAX);
    case ZMQ_THREAD_PRIORITY:
        return context_put(&options->priority, value, 0, INT_MAX);
    case ZMQ_THREAD_SCHED_POLICY:
        return context_put(&options->policy, value, 0, INT_MAX);
    case ZMQ_MAX_MSGSZ:
        return context_put(&options->max_message_size, value, 0, INT_MAX);
    case ZMQ_THREAD_AFFINITY_CPU_ADD:
    case ZMQ_THREAD_AFFINITY_CPU_REMOVE:
        return context_set_cpu(options, option, value);
    case ZMQ_THREAD_NAME_PREFIX:
        options->name_text[0] = '\0';
        options->named = true;
        options->name_prefix = value;
        return 0;
    case CONTEXT_ZERO_COPY:
        return context_put_flag(&options->zero_copy, value);
    case ZMQ_IPV6:
        return context_put_flag(&options->ipv6, value);
    case ZMQ_BLOCKY:
        return context_put_flag(&options->blocky, value);
    default:
        return EINVAL;
    }
}

int zmq_ctx_set(void *handle, int option, int value)
{
    struct zmq__context *context = zmq__context_of(handle);
    if (!context) return -1;
    zmq__context_lock(context);
    const int error = context_set(&context->options, option, value);
    zmq__context_unlock(context);
    return error == 0 ? 0 : zmq__fail(error);
}

int zmq_ctx_get(void *handle, int option)
{
    struct zmq__context *context = zmq__context_of(handle);
    if (!context) return -1;
    zmq__context_lock(context);
    const struct zmq__context_options options = context->options;
    zmq__context_unlock(context);
    switch (option) {
    case ZMQ_IO_THREADS:
        return options.io_threads;
    case ZMQ_MAX_SOCKETS:
        return options.max_sockets;
    case ZMQ_SOCKET_LIMIT:
        return CONTEXT_SOCKETS_MAX;
    case ZMQ_THREAD_SCHED_POLICY:
        return options.policy;
    case ZMQ_MAX_MSGSZ:
        return options.max_message_size;
    case ZMQ_MSG_T_SIZE:
        return (int)sizeof(zmq_msg_t);
    case ZMQ_THREAD_NAME_PREFIX:
        return options.name_prefix;
    case CONTEXT_ZERO_COPY:
        return options.zero_copy;
    case ZMQ_IPV6:
        return options.ipv6;
    case ZMQ_BLOCKY:
        return options.blocky;
    default:
        return zmq__fail(EINVAL);
    }
}

int zmq_ctx_set_ext(void *handle, int option, const void *value, size_t size)
{
    struct zmq__context *context = zmq__context_of(handle);
    int number, error = EINVAL;
    if (!context) return -1;
    if (!value) return zmq__fail(EINVAL);
    if (size == sizeof number) {
        memcpy(&number, value, sizeof number);
        return zmq_ctx_set(handle, option, number);
    }
    zmq__context_lock(context);
    char *const text = context->options.name_text;
    if (option == ZMQ_THREAD_NAME_PREFIX && size > 0 && size < sizeof context->options.name_text) {
        memset(text, 0, sizeof context->options.name_text);
        memcpy(text, value, size);
        error = 0;
    }
    zmq__context_unlock(context);
    return error == 0 ? 0 : zmq__fail(error);
}

static int context_get_name(const struct zmq__context_options *options, void *value, size_t *size)
{
    char text[sizeof options->name_text] = "";
    if (options->name_text[0] != '\0')
        memcpy(text, options->name_text, sizeof text);
    else if (options->name_prefix >= 0)
        snprintf(text, sizeof text, "%d", options->name_prefix);
    if (*size < strlen(text)) return EINVAL;
    memset(value, 0, *size);
    *size = strlen(text);
    memcpy(value, text, *size);
    return 0;
}

int zmq_ctx_get_ext(void *handle, int option, void *value, size_t *size)
{
    struct zmq__context *context = zmq__context_of(handle);
    if (!context) return -1;
    if (!value || !size) return zmq__fail(EFAULT);
    if (*size == sizeof(int)) {
        // -1 is the value of one that the system decides.
        const int number = zmq_ctx_get(handle, option);
        if (number < 0 && option != ZMQ_THREAD_SCHED_POLICY) return -1;
        memcpy(value, &number, sizeof number);
        return 0;
    }
    if (option != ZMQ_THREAD_NAME_PREFIX) return zmq__fail(EINVAL);
    zmq__context_lock(context);
    const int error = context_get_name(&context->options, value, size);
    zmq__context_unlock(context);
    return error == 0 ? 0 : zmq__fail(error);
}

// How a thread is to be started; called as libzmq calls its own.
static void context_thread(const struct zmq__context_options *options, const char *part,
                           struct zmq__loop_config *config)
{
    char name[64];
    *config = (struct zmq__loop_config){.policy = options->policy,
                                        .priority = options->priority,
                                        .cpus = options->picky ? &options->cpus : NULL};
    if (options->name_text[0] != '\0')
        snprintf(name, sizeof name, "%s/ZMQbg/%s", options->name_text, part);
    else if (options->named)
        snprintf(name, sizeof name, "%d/ZMQbg/%s", options->name_prefix, part);
    else
        snprintf(name, sizeof name, "ZMQbg/%s", part);
    name[sizeof config->name - 1] = '\0';
    memcpy(config->name, name, sizeof config->name);
}

// With the options of the first socket, as libzmq starts it.
static void context_prepare_reaper(struct zmq__context *context)
{
    struct zmq__loop_config config;
    context_thread(&context->options, "Reaper", &config);
    zmq__reaper_configure(&context->reaper, &config);
}

int zmq__context_join(struct zmq__context *context, struct zmq__socket *socket)
{
    int error = 0;
    zmq__context_lock(context);
    if (zmq__context_terminated(context))
        error = ETERM;
    else if (context->living >= (size_t)context->options.max_sockets)
        error = EMFILE;
    if (error == 0) {
        if (context->numbers == 0) context_prepare_reaper(context);
        context->living++;
        socket->number = ++context->numbers;
        socket->next = context->sockets;
        if (socket->next) socket->next->before = socket;
        context->sockets = socket;
    }
    zmq__context_unlock(context);
    return error;
}

void zmq__context_part(struct zmq__context *context, struct zmq__socket *socket)
{
    zmq__context_lock(context);
    if (socket->before)
        socket->before->next = socket->next;
    else
        context->sockets = socket->next;
    if (socket->next) socket->next->before = socket->before;
    socket->next = socket->before = NULL;
    zmq__context_unlock(context);
}

void zmq__context_release(struct zmq__context *context)
{
    zmq__context_lock(context);
    const bool last = --context->living == 0;
    if (last && context->ended >= 0) (void)eventfd_write(context->ended, 1); // it never overflows
    zmq__context_unlock(context);
}

static int context_start(struct zmq__context *context, size_t index)
{
    char name[16];
    struct zmq__loop_config config;
    snprintf(name, sizeof name, "IO/%u", (unsigned)index % ZMQ__LOOPS_MAX);
    context_thread(&context->options, name, &config);
    config.reaper = &context->reaper;
    return zmq__errno_of(zmq__loop_open(&context->loops[index], &config));
}

int zmq__context_loop(struct zmq__context *context, uint64_t affinity, struct zmq__loop **out)
{
    size_t best = ZMQ__LOOPS_MAX, least = SIZE_MAX;
    zmq__context_lock(context);
    size_t count = (size_t)context->options.io_threads;
    if (count > ZMQ__LOOPS_MAX) count = ZMQ__LOOPS_MAX;
    for (size_t i = 0; i < count && least > 0; i++) {
        if (affinity != 0 && !(affinity >> i & 1)) continue;
        const struct zmq__loop *loop = context->loops[i];
        const size_t load = loop ? atomic_load_explicit(&loop->load, memory_order_relaxed) : 0;
        if (load >= least) continue;
        least = load;
        best = i;
    }
    int error = best == ZMQ__LOOPS_MAX ? EMTHREAD : 0;
    if (error == 0 && !context->loops[best]) error = context_start(context, best);
    if (error == 0) {
        *out = context->loops[best];
        atomic_fetch_add_explicit(&(*out)->load, 1, memory_order_relaxed);
    }
    zmq__context_unlock(context);
    return error;
}
