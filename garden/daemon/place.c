#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/error.h"
#include "log.h"

enum { PLACE_PATH_SIZE = OPTIONS_PATH_SIZE + 16 };

// ---- Locks

// Holds the file |path| locked for as long as the process lives, however that ends; the file stays. Returns
// GARDEN_ERR_EXISTS, without words, when another daemon does so.
static int place_lock(int *out, const char *path, struct garden_error *error)
{
    *out = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*out < 0)
        return garden__fail(error, GARDEN_ERR_SYSTEM, "%.150s cannot be made: %s", path,
                            strerror(errno));
    if (flock(*out, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return GARDEN_OK; // a file system without locks: everything else still works
    return GARDEN_ERR_EXISTS;
}

// The lock is not on the directory itself, which may be a store as well, whose writers lock it.
static void place_run_path(const struct place *place, char out[PLACE_PATH_SIZE])
{
    (void)snprintf(out, PLACE_PATH_SIZE, "%s/gardend.lock", place->options->run_folder);
}

static void place_connection_path(const struct place *place, char out[PLACE_PATH_SIZE])
{
    (void)snprintf(out, PLACE_PATH_SIZE, "%s.lock", place->options->connection_file);
}

// One daemon to a run directory: two of them would take each other's sockets.
static int place_lock_run_folder(struct place *place, int *out, struct garden_error *error)
{
    char path[PLACE_PATH_SIZE];
    place_run_path(place, path);
    const int result = place_lock(out, path, error);
    if (result != GARDEN_ERR_EXISTS) return result;
    return garden__fail(error, result,
                        "run directory %.150s is in use by another daemon: stop that one, or give "
                        "this one its own with --run-dir",
                        place->options->run_folder);
}

// And one to a connection file, wherever that is: clients would find now the one and now the other.
static int place_lock_connection(struct place *place, int *out, struct garden_error *error)
{
    char path[PLACE_PATH_SIZE];
    place_connection_path(place, path);
    const int result = place_lock(out, path, error);
    if (result != GARDEN_ERR_EXISTS) return result;
    return garden__fail(
        error, result,
        "connection file %.150s is in use by another daemon: stop that one, or give "
        "this one its own with --connection-file",
        place->options->connection_file);
}

int place_take(struct place *place, const struct options *options, struct garden_error *error)
{
    *place = (struct place){.options = options, .run_lock = -1, .connection_lock = -1};
    int result = garden_run_folder_make(options->run_folder, error);
    if (result == GARDEN_OK) result = place_lock_run_folder(place, &place->run_lock, error);
    if (result == GARDEN_OK) result = place_lock_connection(place, &place->connection_lock, error);
    return result;
}

// ---- The connection file

// The endpoints as the connection file has them: a host that means every interface is none for others.
static int place_reach(const struct place *place, struct garden_endpoints *out,
                       struct garden_error *error)
{
    const char *host = place->options->advertise;
    *out = *garden_server_endpoints(place->server);
    for (size_t i = 0; host && i < GARDEN_LANES; i++) {
        char port[GARDEN_ENDPOINT_SIZE];
        if (strncmp(out->of[i], "tcp://", 6) != 0) continue;
        (void)snprintf(port, sizeof port, "%s", strrchr(out->of[i], ':'));
        const int size = snprintf(out->of[i], sizeof out->of[i], "tcp://%s%s", host, port);
        if (size < 0 || (size_t)size >= sizeof out->of[i])
            return garden__fail(error, GARDEN_ERR_RANGE, "--advertise: the host name is too long");
    }
    return GARDEN_OK;
}

static int place_write(const struct place *place, struct garden_error *error)
{
    struct garden_connection connection = {.session = garden_server_session(place->server),
                                           .pid = (int64_t)getpid(),
                                           .has_server_key = place->key != NULL};
    if (place->key) connection.server_key = *place->key;
    const int result = place_reach(place, &connection.endpoints, error);
    if (result < 0) return result;
    return garden_connection_write(place->options->connection_file, &connection, error);
}

int place_tell(struct place *place, struct garden_server *server, const struct zmtp_key *key,
               struct garden_error *error)
{
    place->server = server;
    place->key = key;
    place->session = garden_server_session(server);
    const int result = place_write(place, error);
    if (result < 0) {
        place->server = NULL;
        return result;
    }
    const char *host = place->options->advertise ? "" : garden_server_endpoints(server)->of[0];
    if (strncmp(host, "tcp://0.0.0.0:", 14) == 0 || strncmp(host, "tcp://[::]:", 11) == 0)
        log_write(LOG_WARNING,
                  "the connection file serves on this machine alone, as it has no name "
                  "that others know it by: give --advertise HOST");
    return GARDEN_OK;
}

// ---- Looking

static bool place_is_there(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ||
           errno != ENOENT; // what cannot be seen is not known to be gone
}

// Whether |path| is the file that is held.
static bool place_holds(int lock, const char *path)
{
    struct stat held, there;
    if (fstat(lock, &held) != 0) return true;
    if (stat(path, &there) != 0) return errno != ENOENT;
    return held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

static void place_swap(int *lock, int fresh)
{
    (void)close(*lock); // nothing was written
    *lock = fresh;
}

// Takes a lock anew whose file is gone. It may be another daemon's by now.
static int place_lock_again(struct place *place, bool run_folder, struct garden_error *error)
{
    int fresh = -1;
    int *lock = run_folder ? &place->run_lock : &place->connection_lock;
    const int result = run_folder ? place_lock_run_folder(place, &fresh, error)
                                  : place_lock_connection(place, &fresh, error);
    if (result == GARDEN_OK)
        place_swap(lock, fresh);
    else if (fresh >= 0)
        (void)close(fresh);
    return result;
}

int place_look(struct place *place, struct garden_error *error)
{
    char path[PLACE_PATH_SIZE];
    const struct options *options = place->options;
    int result = GARDEN_OK;
    const bool folder = !place_is_there(options->run_folder);
    if (folder) result = garden_run_folder_make(options->run_folder, error);
    place_run_path(place, path);
    const bool run_lock = !place_holds(place->run_lock, path);
    if (result == GARDEN_OK && run_lock) result = place_lock_again(place, true, error);
    place_connection_path(place, path);
    const bool connection_lock = !place_holds(place->connection_lock, path);
    if (result == GARDEN_OK && connection_lock) result = place_lock_again(place, false, error);
    // Before the file that tells of them.
    int sockets = 0;
    if (result == GARDEN_OK) sockets = garden_server_listen_again(place->server, error);
    if (sockets < 0) result = sockets;
    const bool connection = !place_is_there(options->connection_file);
    if (result == GARDEN_OK && connection) result = place_write(place, error);
    if (result < 0) return result;
    if (!folder && !run_lock && !connection_lock && sockets == 0 && !connection) return GARDEN_OK;
    place->mended++;
    (void)garden__fail(error, GARDEN_OK,
                       "somebody removed %s in %.120s, and it was made again: %d sockets, %d files",
                       folder ? "the run directory and what is" : "something", options->run_folder,
                       sockets, run_lock + connection_lock + connection);
    return 1;
}

// ---- Leaving

// Another daemon may have been started with the same connection file meanwhile: then it is its own.
static void place_remove_connection(const struct place *place)
{
    struct garden_connection connection;
    const char *path = place->options->connection_file;
    if (!place->server) return;
    if (garden_connection_read(path, &connection, NULL) < 0) return;
    if (garden_uuid_equal(connection.session, place->session)) (void)unlink(path); // or it stays
}

void place_leave(struct place *place)
{
    if (place->options) place_remove_connection(place);
    if (place->connection_lock >= 0) (void)close(place->connection_lock); // nothing was written
    if (place->run_lock >= 0) (void)close(place->run_lock);
}
