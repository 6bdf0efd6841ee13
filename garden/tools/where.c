#include "where.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../core/error.h"

enum { WHERE_PATH_MAX = 4096 };

static const char where_name[] = "/connection.json";

const char where_help[] =
    "Where the daemon is (the default: its connection file in the run directory,\n"
    "$XDG_RUNTIME_DIR/garden, or /tmp/garden-UID):\n"
    "  --connection FILE   the connection file that gardend wrote\n"
    "  --run-dir DIR       the connection file in DIR, or without one the local\n"
    "                      sockets there\n"
    "  --tcp HOST:BASE     tcp ports BASE to BASE + 4\n"
    "  --server-key KEY    the daemon's public key, or a file with it: encrypt (that\n"
    "                      of the connection file)\n"
    "  --key FILE          our own keys, for a daemon that asks who we are: the\n"
    "                      secret certificate";

bool where_take(struct tool_where *where, int option, const char *text)
{
    switch (option) {
    case WHERE_CONNECTION:
        where->connection = text;
        return true;
    case WHERE_RUN_DIR:
        where->run_folder = text;
        return true;
    case WHERE_TCP:
        where->tcp = text;
        return true;
    case WHERE_SERVER_KEY:
        where->server_key = text;
        return true;
    case WHERE_KEY:
        where->key_file = text;
        return true;
    default:
        return false;
    }
}

static int where_tcp(const char *tcp, struct where *out, struct garden_error *error)
{
    enum { BASE_MAX = UINT16_MAX - GARDEN_LANES + 1 };
    char host[GARDEN_ENDPOINT_SIZE], *end = NULL;
    const char *colon = strrchr(tcp, ':');
    const size_t size = colon ? (size_t)(colon - tcp) : 0;
    if (size == 0 || size >= sizeof host)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "--tcp takes HOST:BASE, not '%.150s'", tcp);
    memcpy(host, tcp, size);
    host[size] = 0;
    const unsigned long base = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end || base < 1 || base > BASE_MAX)
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "--tcp's BASE takes a whole number from 1 to %d, not '%.100s'",
                            (int)BASE_MAX, colon + 1);
    if (garden_endpoints_tcp(&out->endpoints, host, (uint16_t)base) < 0)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "the host name given to --tcp is too long");
    return GARDEN_OK;
}

static int where_connection(const char *path, struct where *out, struct garden_error *error)
{
    struct garden_connection connection;
    if (garden_connection_read(path, &connection, error) < 0) {
        if (error) error->code = GARDEN_ERR_DEAD;
        return GARDEN_ERR_DEAD;
    }
    out->endpoints = connection.endpoints;
    out->session = connection.session;
    out->has_server_key = connection.has_server_key;
    out->server_key = connection.server_key;
    return GARDEN_OK;
}

int where_file(const struct tool_where *named, char *out, size_t size)
{
    out[0] = '\0';
    if (named->tcp) return GARDEN_OK;
    if (named->connection || named->run_folder) {
        const int filled = named->connection
                               ? snprintf(out, size, "%s", named->connection)
                               : snprintf(out, size, "%s%s", named->run_folder, where_name);
        return filled >= 0 && (size_t)filled < size ? GARDEN_OK : GARDEN_ERR_RANGE;
    }
    if (garden_run_folder(out, size - sizeof where_name) < 0) return GARDEN_ERR_RANGE;
    strcat(out, where_name);
    return GARDEN_OK;
}

// A daemon in a folder may listen on tcp and have a key, which its connection file there tells. Without one, as when
// that is kept elsewhere, the local sockets have known names.
static int where_folder(const struct tool_where *named, struct where *out,
                        struct garden_error *error)
{
    char path[WHERE_PATH_MAX];
    struct stat status;
    if (named->run_folder[0] == 0)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "--run-dir takes a folder, not ''");
    if (where_file(named, path, sizeof path) < 0)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "--run-dir: the path is too long");
    if (stat(path, &status) == 0 || (errno != ENOENT && errno != ENAMETOOLONG))
        return where_connection(path, out, error);
    if (garden_endpoints_local(&out->endpoints, named->run_folder) < 0)
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "--run-dir: the path is too long for a local socket");
    return GARDEN_OK;
}

static int where_endpoints(const struct tool_where *named, struct where *out,
                           struct garden_error *error)
{
    char path[WHERE_PATH_MAX];
    if (named->tcp) return where_tcp(named->tcp, out, error);
    if (named->connection && named->connection[0] == 0)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "--connection takes a file, not ''");
    if (named->connection) return where_connection(named->connection, out, error);
    if (named->run_folder) return where_folder(named, out, error);
    if (where_file(named, path, sizeof path) < 0)
        return garden__fail(error, GARDEN_ERR_SYSTEM, "the run directory's path is too long");
    return where_connection(path, out, error);
}

// The keys that the user named.
static int where_keys(const struct tool_where *named, struct where *out, struct garden_error *error)
{
    struct zmtp_key_file file;
    const char *text = named->server_key;
    if (text && zmtp_key_decode(zmtp_bytes_text(text), &out->server_key) < 0) {
        if (zmtp_key_file_load(&file, text) < 0)
            return garden__fail(error, GARDEN_ERR_ARGUMENT,
                                "--server-key takes a key of 40 characters or a certificate's "
                                "file, not '%.120s'",
                                text);
        out->server_key = file.keys.public_key;
    }
    out->has_server_key = out->has_server_key || text;
    if (!named->key_file) return GARDEN_OK;
    const int result = zmtp_key_file_load(&file, named->key_file);
    if (result < 0)
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "--key %.120s: %s; zmtp-keygen makes such a file", named->key_file,
                            result == ZMTP_ERR_NOT_FOUND  ? "there is no such file"
                            : result == ZMTP_ERR_ARGUMENT ? "it is no key file (certificate)"
                                                          : zmtp_err_text(result));
    if (!file.has_secret)
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "--key %.120s has no secret key: name the file that ends in _secret",
                            named->key_file);
    out->keys = file.keys;
    out->has_keys = true;
    zmtp_wipe(&file, sizeof file);
    return GARDEN_OK;
}

int where_find(const struct tool_where *named, struct where *out, struct garden_error *error)
{
    memset(out, 0, sizeof *out);
    if (named->tcp && (named->connection || named->run_folder))
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "--tcp and --%s both say where the daemon is: give one of them",
                            named->connection ? "connection" : "run-dir");
    const int result = where_endpoints(named, out, error);
    return result < 0 ? result : where_keys(named, out, error);
}
