// The run directory and the connection file.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../core/error.h"
#include "../lanes.h"
#include "../wire.h"

enum { CONNECTION_SIZE_MAX = 64 * 1024, CONNECTION_PATH_SIZE = 4096 };
enum { CONNECTION_SOCKET_SIZE = sizeof(struct sockaddr_un){0}.sun_path };

int garden_run_folder(char *out, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const int filled = runtime && runtime[0] == '/'
                           ? snprintf(out, size, "%s/garden", runtime)
                           : snprintf(out, size, "/tmp/garden-%lu", (unsigned long)geteuid());
    return filled > 0 && (size_t)filled < size ? GARDEN_OK : GARDEN_ERR_RANGE;
}

static int connection_error_code(int error_number)
{
    if (error_number == ENOENT || error_number == ENOTDIR) return GARDEN_ERR_NOT_FOUND;
    if (error_number == EACCES || error_number == EPERM) return GARDEN_ERR_ACCESS;
    return error_number == ENOSPC ? GARDEN_ERR_NO_SPACE : GARDEN_ERR_SYSTEM;
}

int garden_run_folder_make(const char *folder, struct garden_error *error)
{
    char path[CONNECTION_PATH_SIZE];
    size_t size = strlen(folder);
    while (size > 1 && folder[size - 1] == '/') // behind which lstat would follow a link
        size--;
    if (size >= sizeof path)
        return garden__fail(error, GARDEN_ERR_RANGE, "the run directory's path is too long");
    memcpy(path, folder, size);
    path[size] = 0;
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        const char *why =
            errno == ENOENT ? "the folder that it would be in does not exist" : strerror(errno);
        return garden__fail(error, connection_error_code(errno),
                            "%s cannot be made: %s; choose another run directory", folder, why);
    }
    struct stat status;
    if (lstat(path, &status) < 0)
        return garden__fail(error, GARDEN_ERR_SYSTEM, "%s: %s", folder, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return garden__fail(error, GARDEN_ERR_EXISTS,
                            "%s is not a directory: remove it, or choose another run directory",
                            folder);
    if (status.st_uid != geteuid())
        return garden__fail(error, GARDEN_ERR_ACCESS,
                            "%s belongs to another user: choose another run directory", folder);
    if (status.st_mode & 0077)
        return garden__fail(error, GARDEN_ERR_ACCESS,
                            "%s is open to others: chmod 700 it, or choose another run directory",
                            folder);
    return GARDEN_OK;
}

// ---- Writing

// A reader may be in another folder: a local socket's path is written from the root on, where it still fits.
static void connection_reach(const char *endpoint, char out[GARDEN_ENDPOINT_SIZE])
{
    static const char scheme[] = "ipc://";
    char here[CONNECTION_PATH_SIZE];
    const char *path = endpoint + sizeof scheme - 1;
    (void)snprintf(out, GARDEN_ENDPOINT_SIZE, "%s", endpoint);
    if (strncmp(endpoint, scheme, sizeof scheme - 1) != 0 || *path == '/' || *path == '@') return;
    if (!getcwd(here, sizeof here) || here[0] != '/') return;
    const char *between = here[1] ? "/" : "";
    const size_t size = strlen(here);
    if (size + strlen(between) + strlen(path) >= CONNECTION_SOCKET_SIZE) return;
    (void)snprintf(out, GARDEN_ENDPOINT_SIZE, "%s%.*s%s%s", scheme, (int)size, here, between, path);
}

static int connection_print(const struct garden_connection *connection, struct garden_buffer *out)
{
    char session[GARDEN_UUID_TEXT_SIZE + 1];
    struct garden_endpoints reach;
    struct garden_entry lanes[GARDEN_LANES];
    garden_uuid_format(connection->session, session);
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        connection_reach(connection->endpoints.of[i], reach.of[i]);
        lanes[i] = garden_entry_of(garden_lane_name((enum garden_lane)i),
                                   garden_value_text(garden_text_of(reach.of[i])));
    }
    char key[ZMTP_KEY_TEXT_SIZE];
    zmtp_key_encode(&connection->server_key, key);
    struct garden_entry entries[] = {
        garden_entry_of("protocol", garden_value_text(garden_text_of("garden"))),
        garden_entry_of("version", garden_value_text(garden_text_of(GARDEN_VERSION))),
        garden_entry_of("session", garden_value_text(garden_text_of(session))),
        garden_entry_of("pid", garden_value_int(connection->pid)),
        garden_entry_of("endpoints", garden_value_map(lanes, GARDEN_LANES)),
        garden_entry_of("server_key",
                        garden_value_text(garden_text_of(key))), // the last may be absent
    };
    const size_t count = sizeof entries / sizeof *entries - (connection->has_server_key ? 0 : 1);
    const struct garden_value all = garden_value_map(entries, count);
    const int result = garden_json_encode(&all, out);
    return result < 0 ? result : garden_buffer_append(out, "\n", 1);
}

static bool connection_write_all(int file, struct zmtp_bytes octets)
{
    while (octets.size > 0) {
        const ssize_t wrote = write(file, octets.data, octets.size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        octets.data += wrote;
        octets.size -= (size_t)wrote;
    }
    return true;
}

// Writes |octets| to |temporary| and renames it to |path|.
static int connection_replace(const char *path, const char *temporary, struct zmtp_bytes octets,
                              struct garden_error *error)
{
    const int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return garden__fail(error, connection_error_code(errno),
                            "the connection file %s cannot be written: %s", path, strerror(errno));
    const bool written = connection_write_all(file, octets) && fsync(file) == 0;
    const int failure = errno;
    if (close(file) == 0 && written && rename(temporary, path) == 0) return GARDEN_OK;
    const int code = written ? errno : failure;
    (void)unlink(temporary); // the failure before is the one to tell
    return garden__fail(error, connection_error_code(code),
                        "the connection file %s cannot be written: %s", path, strerror(code));
}

int garden_connection_write(const char *path, const struct garden_connection *connection,
                            struct garden_error *error)
{
    char temporary[CONNECTION_PATH_SIZE];
    const int filled = snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)connection->pid);
    if (filled < 0 || (size_t)filled >= sizeof temporary)
        return garden__fail(error, GARDEN_ERR_RANGE, "the connection file's path is too long");
    struct garden_buffer octets;
    garden_buffer_init(&octets, NULL, CONNECTION_SIZE_MAX);
    int result = connection_print(connection, &octets);
    if (result < 0)
        result = garden__fail(error, result, "the connection file %s: %s", path,
                              garden_err_text(result));
    else {
        (void)unlink(temporary); // left by a killed process that had our number
        result = connection_replace(path, temporary, garden_buffer_bytes(&octets), error);
    }
    garden_buffer_fini(&octets);
    return result;
}

// ---- Reading

static bool connection_text(const struct garden_value *map, const char *key, char *out, size_t size)
{
    struct garden_text text;
    if (!garden_value_to_text(garden_value_find(map, key), &text)) return false;
    if (text.size == 0 || text.size >= size || memchr(text.data, 0, text.size)) return false;
    memcpy(out, text.data, text.size);
    out[text.size] = 0;
    return true;
}

static bool connection_parse_endpoints(const struct garden_value *value,
                                       struct garden_connection *out, char *why, size_t size)
{
    const struct garden_value *endpoints = garden_value_find(value, "endpoints");
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        const char *lane = garden_lane_name((enum garden_lane)i), *wrong = NULL;
        struct zmtp_endpoint endpoint;
        if (!connection_text(endpoints, lane, out->endpoints.of[i], sizeof out->endpoints.of[i])) {
            (void)snprintf(why, size, "its endpoints have no text for the lane %s", lane);
            return false;
        }
        if (zmtp_endpoint_parse(out->endpoints.of[i], &endpoint, &wrong) < 0) {
            (void)snprintf(why, size, "the endpoint of the lane %s, '%.60s', cannot be used: %s",
                           lane, out->endpoints.of[i], wrong ? wrong : "malformed");
            return false;
        }
    }
    return true;
}

// On failure |why| says what is wrong.
static bool connection_parse(const struct garden_value *value, struct garden_connection *out,
                             char *why, size_t size)
{
    char session[GARDEN_UUID_TEXT_SIZE + 1], key[ZMTP_KEY_TEXT_SIZE];
    if (!connection_parse_endpoints(value, out, why, size)) return false;
    // A key that cannot be read must not become a daemon without one.
    out->has_server_key = garden_value_find(value, "server_key") != NULL;
    const char *wrong = NULL;
    if (out->has_server_key && (!connection_text(value, "server_key", key, sizeof key) ||
                                zmtp_key_decode(zmtp_bytes_text(key), &out->server_key) < 0))
        wrong = "its server_key is no key of 40 characters";
    else if (!connection_text(value, "session", session, sizeof session) ||
             garden_uuid_parse(garden_text_of(session), &out->session) < 0)
        wrong = "its session is no UUID";
    else if (!garden_value_to_i64(garden_value_find(value, "pid"), &out->pid))
        wrong = "its pid is no whole number";
    if (wrong) (void)snprintf(why, size, "%s", wrong);
    return !wrong;
}

// What |value| says, of the file at |path|. What another version has in it, and how, is not ours to judge, so the
// version comes first.
static int connection_judge(const char *path, const struct garden_value *value,
                            struct garden_connection *out, struct garden_error *error)
{
    char why[GARDEN_ENDPOINT_SIZE];
    struct garden_text protocol, version;
    struct garden_connection connection = {0};
    if (value->type != GARDEN_MAP || !garden_value_find(value, "endpoints"))
        return garden__fail(error, GARDEN_ERR_FORMAT,
                            "%.140s is no connection file: it has no endpoints; name the one that "
                            "gardend wrote",
                            path);
    if (garden_value_to_text(garden_value_find(value, "protocol"), &protocol) &&
        !garden_text_is(protocol, "garden"))
        return garden__fail(error, GARDEN_ERR_FORMAT,
                            "%.140s is of the protocol '%.*s': name the file that gardend wrote",
                            path, (int)(protocol.size < 20 ? protocol.size : 20), protocol.data);
    if (garden_value_to_text(garden_value_find(value, "version"), &version) &&
        !garden_text_is(version, GARDEN_VERSION))
        return garden__fail(error, GARDEN_ERR_VERSION,
                            "%.140s is of a daemon of version %.*s, this is " GARDEN_VERSION
                            ": use the client that came with it",
                            path, (int)(version.size < 20 ? version.size : 20), version.data);
    if (!connection_parse(value, &connection, why, sizeof why))
        return garden__fail(error, GARDEN_ERR_FORMAT,
                            "%.100s: %.110s; start gardend anew, which writes it", path, why);
    *out = connection;
    return GARDEN_OK;
}

// What |octets| hold, of the file at |path|.
static int connection_decode(const char *path, struct zmtp_bytes octets,
                             struct garden_connection *out, struct garden_error *error)
{
    struct garden_arena arena;
    struct garden_value value;
    struct garden_fault fault = {.text = ""};
    garden_arena_init(&arena, NULL, 0);
    int result = garden_json_decode(octets, &arena, &value, &fault);
    if (result == GARDEN_ERR_MEMORY)
        (void)garden__fail(error, result, "no memory to read %.140s", path);
    else if (result < 0 && octets.size == 0)
        result = garden__fail(error, GARDEN_ERR_FORMAT,
                              "%.140s is empty: name the connection file that gardend wrote", path);
    else if (result < 0)
        result = garden__fail(error, GARDEN_ERR_FORMAT,
                              "%.100s is no connection file, which is JSON: %.60s; name the one "
                              "that gardend wrote",
                              path, fault.text);
    else
        result = connection_judge(path, &value, out, error);
    garden_arena_fini(&arena);
    return result;
}

static int connection_load(const char *path, uint8_t *octets, size_t *size,
                           struct garden_error *error)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return garden__fail(error, connection_error_code(errno), "%s: %s; is the daemon running?",
                            path, strerror(errno));
    *size = 0;
    ssize_t got = 0;
    while (*size < CONNECTION_SIZE_MAX &&
           ((got = read(file, octets + *size, CONNECTION_SIZE_MAX - *size)) > 0 ||
            (got < 0 && errno == EINTR)))
        *size += got > 0 ? (size_t)got : 0;
    const int failure = errno;
    (void)close(file); // nothing was written
    if (got < 0)
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "%.140s: %s; name the connection file that gardend wrote", path,
                            strerror(failure));
    return GARDEN_OK;
}

int garden_connection_read(const char *path, struct garden_connection *out,
                           struct garden_error *error)
{
    uint8_t *octets = zmtp_alloc(zmtp_heap(), CONNECTION_SIZE_MAX);
    if (!octets) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory to read %s", path);
    size_t size = 0;
    int result = connection_load(path, octets, &size, error);
    if (result == GARDEN_OK)
        result = connection_decode(path, zmtp_bytes_of(octets, size), out, error);
    zmtp_free(zmtp_heap(), octets, CONNECTION_SIZE_MAX);
    return result;
}
