#include "captures.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/error.h"
#include "../stream.h"
#include "log.h"

enum { CAPTURES_PATH_SIZE = 4096 };

void captures_init(struct captures *captures, uv_loop_t *loop, const char *connection,
                   const char *store)
{
    *captures = (struct captures){.loop = loop, .connection = connection, .store = store};
    for (size_t i = 0; i < CAPTURES_MAX; i++)
        captures->children[i].output = -1;
}

static void captures_forget(struct capture_child *child)
{
    if (child->output >= 0) (void)close(child->output); // it was only read
    *child = (struct capture_child){.output = -1};
}

static void captures_on_closed(uv_handle_t *handle)
{
    struct capture_child *child = handle->data;
    child->has_handle = false;
}

static void captures_on_exit(uv_process_t *process, int64_t status, int number)
{
    struct capture_child *child = process->data;
    child->running = false;
    child->status = number != 0 ? 128 + number : (int)status;
    log_write(child->status == 0 ? LOG_INFO : LOG_WARNING, "the capture of %s ended with status %d",
              child->uri, child->status);
    uv_close((uv_handle_t *)process, captures_on_closed);
}

// A free place, or that of the one that ended first.
static struct capture_child *captures_place(struct captures *captures)
{
    struct capture_child *found = NULL;
    for (size_t i = 0; i < CAPTURES_MAX; i++) {
        struct capture_child *at = &captures->children[i];
        if (!at->running && !at->has_handle && (!found || at->id < found->id)) found = at;
    }
    if (found) captures_forget(found);
    return found;
}

// gardenctl stands beside gardend; else it is looked for as any program is.
static void captures_find_tool(char out[CAPTURES_PATH_SIZE])
{
    static const char name[] = "gardenctl";
    const ssize_t size = readlink("/proc/self/exe", out, CAPTURES_PATH_SIZE - sizeof name);
    char *slash = NULL;
    if (size > 0) {
        out[size] = '\0';
        slash = strrchr(out, '/');
    }
    if (slash) {
        strcpy(slash + 1, name);
        if (access(out, X_OK) == 0) return;
    }
    strcpy(out, name);
}

static int captures_spawn(struct capture_child *child)
{
    char tool[CAPTURES_PATH_SIZE];
    captures_find_tool(tool);
    const struct captures *captures = child->captures;
    const char *words[] = {tool,
                           "--connection",
                           captures->connection,
                           "capture",
                           "--store",
                           captures->store,
                           "--device",
                           child->device,
                           "--uri",
                           child->uri,
                           NULL};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = child->output},
        {.flags = UV_INHERIT_FD, .data.fd = child->output},
    };
    const uv_process_options_t options = {
        .file = tool,
        .args = (char **)(uintptr_t)words, // which it does not write to
        .exit_cb = captures_on_exit,
        .stdio = stdio,
        .stdio_count = 3,
    };
    child->process.data = child;
    const int result = uv_spawn(captures->loop, &child->process, &options);
    if (result < 0) uv_close((uv_handle_t *)&child->process, captures_on_closed);
    child->has_handle = true;
    child->running = result == 0;
    return result;
}

static bool captures_is_word(const char *text, size_t size)
{
    const size_t length = strlen(text);
    if (length == 0 || length >= size || text[0] == '-') return false;
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~') return false;
    return true;
}

int captures_start(struct captures *captures, const char *device, const char *uri, uint64_t *id,
                   struct garden_error *error)
{
    if (!captures->store)
        return garden__fail(error, GARDEN_ERR_STATE,
                            "what is captured here has no store: start gardend with --staging "
                            "STORE/staging");
    if (!device || !captures_is_word(device, SOURCE_NAME_SIZE))
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "device: the name of a source, of up to %d "
                            "printable characters",
                            SOURCE_NAME_SIZE - 1);
    const char *wrong = garden_stream_uri_wrong(garden_text_of(uri ? uri : ""));
    if (wrong) return garden__fail(error, GARDEN_ERR_ARGUMENT, "uri: it %s", wrong);
    struct capture_child *child = captures_place(captures);
    if (!child)
        return garden__fail(error, GARDEN_ERR_LIMIT, "%d captures are under way: stop one of them",
                            CAPTURES_MAX);
    *child = (struct capture_child){.captures = captures};
    (void)snprintf(child->device, sizeof child->device, "%s", device);
    (void)snprintf(child->uri, sizeof child->uri, "%s", uri);
    child->output = memfd_create("capture", MFD_CLOEXEC);
    const int result = child->output >= 0 ? captures_spawn(child) : -errno;
    child->id = ++captures->last_id;
    *id = child->id;
    if (result == 0) return GARDEN_OK;
    child->status = 127;
    return garden__fail(error, GARDEN_ERR_SYSTEM, "gardenctl cannot be started: %s",
                        uv_strerror(result));
}

int captures_stop(struct captures *captures, uint64_t id, struct garden_error *error)
{
    for (size_t i = 0; i < CAPTURES_MAX; i++) {
        struct capture_child *at = &captures->children[i];
        if (at->id != id || !at->running) continue;
        at->stopping = true;
        (void)uv_process_kill(&at->process, SIGINT); // one that ended just now is stopped
        return GARDEN_OK;
    }
    return garden__fail(error, GARDEN_ERR_NOT_FOUND, "there is no such capture under way");
}

// ---- Telling

static struct garden_value captures_output(const struct capture_child *child,
                                           struct garden_arena *arena)
{
    struct stat status;
    char *text = garden_arena_alloc(arena, CAPTURES_TEXT_MAX, 1);
    if (!text || child->output < 0 || fstat(child->output, &status) < 0)
        return garden_value_text(garden_text_of(""));
    const off_t from = status.st_size > CAPTURES_TEXT_MAX ? status.st_size - CAPTURES_TEXT_MAX : 0;
    const ssize_t got = pread(child->output, text, CAPTURES_TEXT_MAX, from);
    size_t begin = 0, size = got > 0 ? (size_t)got : 0;
    if (from > 0)
        while (begin < size && text[begin++] != '\n')
            continue;
    for (size_t i = begin; i < size; i++) // what it says of octets of others' is ASCII; so is this
        if ((unsigned char)text[i] > '~' || ((unsigned char)text[i] < ' ' && text[i] != '\n'))
            text[i] = '?';
    return garden_value_text((struct garden_text){text + begin, size - begin});
}

static const char *captures_state(const struct capture_child *child)
{
    if (child->running) return child->stopping ? "stopping" : "running";
    return child->status == 0 ? "ended" : "failed";
}

static int captures_tell_one(const struct capture_child *child, struct garden_arena *arena,
                             struct garden_value *out)
{
    enum { ENTRIES = 6 };
    struct garden_entry *entries = garden_arena_alloc(arena, ENTRIES, sizeof *entries);
    if (!entries) return arena->error;
    entries[0] = garden_entry_of("id", garden_value_uint(child->id));
    entries[1] = garden_entry_of("device", garden_value_text(garden_text_of(child->device)));
    entries[2] = garden_entry_of("uri", garden_value_text(garden_text_of(child->uri)));
    entries[3] = garden_entry_of("state", garden_value_text(garden_text_of(captures_state(child))));
    entries[4] = garden_entry_of("status", garden_value_int(child->status));
    entries[5] = garden_entry_of("output", captures_output(child, arena));
    *out = garden_value_map(entries, ENTRIES);
    return arena->error;
}

int captures_tell(const struct captures *captures, struct garden_arena *arena,
                  struct garden_value *out)
{
    struct garden_value *items = garden_arena_alloc(arena, CAPTURES_MAX, sizeof *items);
    size_t count = 0;
    if (!items) return arena->error;
    for (uint64_t told = 0; count < CAPTURES_MAX; count++) {
        const struct capture_child *next = NULL;
        for (size_t i = 0; i < CAPTURES_MAX; i++) {
            const struct capture_child *at = &captures->children[i];
            if (at->id > told && (!next || at->id < next->id)) next = at;
        }
        if (!next) break;
        told = next->id;
        const int result = captures_tell_one(next, arena, &items[count]);
        if (result < 0) return result;
    }
    *out = garden_value_list(items, count);
    return GARDEN_OK;
}

void captures_close(struct captures *captures)
{
    for (size_t i = 0; i < CAPTURES_MAX; i++) {
        struct capture_child *at = &captures->children[i];
        if (at->running) uv_close((uv_handle_t *)&at->process, captures_on_closed);
        at->running = false;
        // What was never begun has none. The handle is still needed until it is closed.
        if (at->id > 0 && at->output >= 0) (void)close(at->output); // it was only read
        at->output = -1;
    }
}
