#include "stdio_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../core/error.h"
#include "lines.h"

enum {
    STDIO_READ = 64 * 1024,
    STDIO_WAITING_MAX = 8 * 1024 * 1024, // octets not yet written: above, no request is read
    STDIO_TOLD_MAX = 1024 * 1024,        // and above this, what nobody asked for is left out
};

union stdio_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tty_t tty;
    uv_tcp_t tcp;
};
struct stdio {
    struct stdio_config config;
    struct mcp_session session;
    struct lines lines;
    union stdio_handle in, out;
    bool in_is_file, out_is_file;
    uv_fs_t read;
    uv_shutdown_t shutdown;
    char buffer[STDIO_READ];
    unsigned handles; // and requests on files, which are under way
    uint64_t left_out;
    bool reading, ended, over, closing;
};

static void stdio_read(struct stdio *stdio);

// ---- Writing

struct stdio_write {
    uv_write_t request;
    struct stdio *stdio;
    char *line;
};

static void stdio_settle(struct stdio *stdio)
{
    if (!stdio->ended || stdio->over || stdio->session.call_count > 0) return;
    stdio->over = true;
    stdio->config.over(stdio->config.user);
}

// Nobody reads the answers: there is nothing more to do.
static void stdio_broken(struct stdio *stdio)
{
    if (stdio->over) return;
    stdio->over = true;
    stdio->config.over(stdio->config.user);
}

static size_t stdio_waiting(const struct stdio *stdio)
{
    return stdio->out_is_file ? 0 : uv_stream_get_write_queue_size(&stdio->out.stream);
}

static void stdio_written(uv_write_t *request, int status)
{
    struct stdio_write *write = (struct stdio_write *)request;
    struct stdio *stdio = write->stdio;
    free(write->line);
    free(write);
    if (status < 0 && status != UV_ECANCELED) stdio_broken(stdio);
    if (!stdio->closing && stdio_waiting(stdio) < STDIO_WAITING_MAX / 2) stdio_read(stdio);
}

static bool stdio_write_file(const char *line, size_t size)
{
    while (size > 0) {
        const ssize_t written = write(STDOUT_FILENO, line, size);
        if (written <= 0) return false;
        line += written;
        size -= (size_t)written;
    }
    return true;
}

static void stdio_say(struct stdio *stdio, const json_t *message)
{
    size_t size = 0;
    char *line = rpc_print(message, &size);
    struct stdio_write *write = line && !stdio->out_is_file ? malloc(sizeof *write) : NULL;
    if (!line || stdio->over) {
        free(line);
        free(write);
        return;
    }
    line[size++] = '\n'; // where the zero was
    if (stdio->out_is_file) {
        if (!stdio_write_file(line, size)) stdio_broken(stdio);
        free(line);
        return;
    }
    uv_buf_t buffer = {.base = line, .len = size};
    if (write) *write = (struct stdio_write){.stdio = stdio, .line = line};
    if (write && uv_write(&write->request, &stdio->out.stream, &buffer, 1, stdio_written) == 0)
        return;
    free(write);
    free(line);
    stdio_broken(stdio);
}

static void stdio_answer(void *user, const json_t *answer)
{
    struct stdio *stdio = user;
    if (answer) stdio_say(stdio, answer);
    stdio_settle(stdio);
}

static void stdio_notify(struct mcp_session *session, struct mcp_exchange *exchange,
                         const json_t *message)
{
    struct stdio *stdio = session->user;
    // Progress is told all the same: it is bounded by its request.
    if (!exchange && stdio_waiting(stdio) > STDIO_TOLD_MAX)
        stdio->left_out++;
    else
        stdio_say(stdio, message);
}

// ---- Reading

static void stdio_line(void *user, struct zmtp_bytes line, bool whole)
{
    struct stdio *stdio = user;
    char text[160];
    if (whole) {
        (void)mcp_receive(&stdio->session, line, stdio_answer, stdio);
        return;
    }
    (void)snprintf(text, sizeof text,
                   "Invalid request: a message of more than %u octets (garden-mcp --message-max)",
                   (unsigned)stdio->config.mcp->limits.message_max);
    json_t *answer = rpc_error(NULL, RPC_INVALID_REQUEST, text);
    stdio_answer(stdio, answer);
    json_decref(answer);
}

static void stdio_tell_left_out(struct stdio *stdio)
{
    char text[120];
    if (stdio->left_out == 0 || stdio_waiting(stdio) > 0) return;
    (void)snprintf(text, sizeof text, "%llu notifications were left out, as they were not read",
                   (unsigned long long)stdio->left_out);
    stdio->left_out = 0;
    mcp_log(stdio->config.mcp, "warning", text);
}

// |size| octets came, none at the end.
static void stdio_came(struct stdio *stdio, size_t size)
{
    stdio_tell_left_out(stdio);
    if (size > 0) {
        lines_put(&stdio->lines, zmtp_bytes_of((const uint8_t *)stdio->buffer, size));
        return;
    }
    lines_end(&stdio->lines);
    stdio->ended = true;
    stdio->config.ending(stdio->config.user);
    stdio_settle(stdio);
}

static void stdio_lend(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct stdio *stdio = handle->data;
    (void)wanted;
    *out = uv_buf_init(stdio->buffer, sizeof stdio->buffer);
}

static void stdio_stop_reading(struct stdio *stdio)
{
    if (stdio->reading && !stdio->in_is_file) (void)uv_read_stop(&stdio->in.stream);
    stdio->reading = false;
}

static void stdio_got(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct stdio *stdio = stream->data;
    (void)buffer;
    if (size == 0) return;
    if (size < 0) stdio_stop_reading(stdio);
    stdio_came(stdio, size > 0 ? (size_t)size : 0); // an error is an end as well
    if (stdio_waiting(stdio) > STDIO_WAITING_MAX) stdio_stop_reading(stdio);
}

static void stdio_got_file(uv_fs_t *request)
{
    struct stdio *stdio = request->data;
    const ssize_t size = request->result;
    uv_fs_req_cleanup(request);
    stdio->reading = false;
    if (stdio->closing) {
        if (--stdio->handles == 0) free(stdio);
        return;
    }
    stdio->handles--;
    stdio_came(stdio, size > 0 ? (size_t)size : 0);
    if (!stdio->closing && stdio_waiting(stdio) <= STDIO_WAITING_MAX) stdio_read(stdio);
}

static void stdio_read(struct stdio *stdio)
{
    if (stdio->reading || stdio->ended || stdio->closing) return;
    stdio->reading = true;
    if (!stdio->in_is_file) {
        if (uv_read_start(&stdio->in.stream, stdio_lend, stdio_got) < 0) stdio_came(stdio, 0);
        return;
    }
    uv_buf_t buffer = uv_buf_init(stdio->buffer, sizeof stdio->buffer);
    stdio->read.data = stdio;
    stdio->handles++;
    (void)uv_fs_read(stdio->config.mcp->loop, &stdio->read, STDIN_FILENO, &buffer, 1, -1,
                     stdio_got_file); // with a callback it does not fail
}

// ---- Life

// Opens |file| as what it is. False: it is closed, or nothing that can be read or written.
static bool stdio_open_end(struct stdio *stdio, int file, union stdio_handle *end, bool *is_file)
{
    uv_loop_t *loop = stdio->config.mcp->loop;
    const uv_handle_type type = uv_guess_handle(file);
    int result;
    if (type == UV_FILE) {
        *is_file = true;
        return true;
    }
    if (type == UV_NAMED_PIPE) {
        (void)uv_pipe_init(loop, &end->pipe, 0); // does not fail
        result = uv_pipe_open(&end->pipe, file);
    } else if (type == UV_TCP) {
        (void)uv_tcp_init(loop, &end->tcp);
        result = uv_tcp_open(&end->tcp, file);
    } else {
        if (type != UV_TTY || uv_tty_init(loop, &end->tty, file, 0) < 0) return false;
        result = 0;
    }
    end->handle.data = stdio;
    stdio->handles++;
    return result == 0;
}

static void stdio_closed(uv_handle_t *handle)
{
    struct stdio *stdio = handle->data;
    if (--stdio->handles == 0) free(stdio);
}

static void stdio_shut(uv_shutdown_t *request, int status)
{
    struct stdio *stdio = request->data;
    (void)status; // what could not be written cannot be told either
    uv_close(&stdio->out.handle, stdio_closed);
}

void stdio_close(struct stdio *stdio)
{
    if (!stdio) return;
    stdio_stop_reading(stdio);
    stdio->closing = true;
    session_close(&stdio->session);
    lines_fini(&stdio->lines);
    stdio->handles++; // until this has run to its end
    if (!stdio->in_is_file) uv_close(&stdio->in.handle, stdio_closed);
    stdio->shutdown.data = stdio;
    if (!stdio->out_is_file && uv_shutdown(&stdio->shutdown, &stdio->out.stream, stdio_shut) < 0)
        uv_close(&stdio->out.handle, stdio_closed);
    if (--stdio->handles == 0) free(stdio);
}

int stdio_open(struct stdio **out, const struct stdio_config *config, struct garden_error *error)
{
    struct stdio *stdio = calloc(1, sizeof *stdio);
    *out = NULL;
    if (!stdio) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a session");
    stdio->config = *config;
    lines_init(&stdio->lines, config->mcp->limits.message_max, stdio_line, stdio);
    const bool in = stdio_open_end(stdio, STDIN_FILENO, &stdio->in, &stdio->in_is_file);
    const bool opened =
        in && stdio_open_end(stdio, STDOUT_FILENO, &stdio->out, &stdio->out_is_file);
    stdio->session.notify = stdio_notify;
    stdio->session.user = stdio;
    if (!opened || session_open(config->mcp, &stdio->session) < 0) {
        // The process ends with this, and with it what was opened.
        lines_fini(&stdio->lines);
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "standard %s is closed: a client starts this program and speaks with "
                            "it, see --help",
                            in ? "output" : "input");
    }
    stdio_read(stdio);
    *out = stdio;
    return GARDEN_OK;
}
