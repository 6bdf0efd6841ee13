// Listening on a path, or on an abstract name.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bind.h"

enum { BIND_IPC_LOCK_TRIES = 8 };

static const char bind_ipc_scheme[] = "ipc://";

// Takes the lock file beside |path|, which keeps two binds of one path apart, from the look at an old
// path to the listen. Negative: somebody else has it, or it cannot be made; errno tells.
static int bind_ipc_lock(const char *lock)
{
    for (int i = 0; i < BIND_IPC_LOCK_TRIES; i++) {
        const int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) return -1;
        struct stat held, named;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &held) < 0) {
            zmtp__bind_close(fd);
            if (errno == EWOULDBLOCK) errno = EADDRINUSE;
            return -1;
        }
        // Its last holder may have removed the name after we opened it; then it locks nothing.
        if (lstat(lock, &named) == 0 && named.st_dev == held.st_dev && named.st_ino == held.st_ino)
            return fd;
        close(fd);
    }
    errno = EADDRINUSE;
    return -1;
}

// What is not empty was somebody's before, and stays; an empty file that is left behind does no harm.
static void bind_ipc_unlock(const char *lock, int held)
{
    struct stat at;
    if (fstat(held, &at) == 0 && S_ISREG(at.st_mode) && at.st_size == 0) (void)unlink(lock);
    close(held);
}

// Is |path| free, or can it be freed because who listened there is gone? Else errno tells.
static bool bind_ipc_clear(const char *path, const struct zmtp__address *address)
{
    struct stat at;
    if (lstat(path, &at) < 0) return errno == ENOENT;
    if (!S_ISSOCK(at.st_mode)) {
        errno = EEXIST;
        return false;
    }
    const int probe = zmtp__address_socket(address);
    if (probe < 0) return false;
    const int result = connect(probe, (const struct sockaddr *)&address->at, address->size);
    const bool stale = result < 0 && errno == ECONNREFUSED;
    close(probe);
    if (!stale) {
        errno = EADDRINUSE;
        return false;
    }
    return unlink(path) == 0 || errno == ENOENT;
}

// Gives |path|, which was just bound, the mode, where the umask had taken some of it away. Nobody can
// connect yet, and the path is not followed: it may lead elsewhere by now.
static bool bind_ipc_set_mode(const char *path, mode_t mode)
{
    struct stat at;
    char name[32];
    const int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    bool done = fstat(fd, &at) == 0 && S_ISSOCK(at.st_mode);
    if (done && (at.st_mode & 07777) != mode) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        done = chmod(name, mode) == 0;
    }
    zmtp__bind_close(fd);
    return done;
}

// Binds |fd| and listens, with the file's mode set before anybody can connect. Else errno tells.
static bool bind_ipc_place(const struct zmtp__bind_job *job, int fd, const char *path,
                           const struct zmtp__address *address)
{
    struct stat at;
    const mode_t mode = job->socket->config.transport.ipc_mode;
    // A socket's own mode is that of the path which it will have, less the umask.
    job->out->option = "transport.ipc_mode";
    if (mode > 0 && fchmod(fd, mode) < 0) return false;
    job->out->option = NULL;
    if (bind(fd, (const struct sockaddr *)&address->at, address->size) < 0) return false;
    if (lstat(path, &at) < 0) return false;
    job->out->path.there = true;
    job->out->path.device = at.st_dev;
    job->out->path.inode = at.st_ino;
    job->out->option = "transport.ipc_mode";
    if (mode > 0 && !bind_ipc_set_mode(path, mode)) return false;
    job->out->option = NULL;
    return zmtp__bind_listen(job, fd);
}

static int bind_ipc_open(const struct zmtp__bind_job *job, const char *path,
                         const struct zmtp__address *address)
{
    const int fd = zmtp__bind_socket(job, address);
    if (fd < 0) return -1;
    if (bind_ipc_place(job, fd, path, address)) return fd;
    zmtp__bind_close(fd);
    return -1;
}

// The same under a lock, and for a path that somebody may have left behind.
static int bind_ipc_open_given(const struct zmtp__bind_job *job, const char *path,
                               const struct zmtp__address *address)
{
    char lock[ZMTP_IPC_PATH_MAX + 8];
    snprintf(lock, sizeof lock, "%s.lock", path);
    const int held = bind_ipc_lock(lock);
    if (held < 0) return -1;
    const int fd = bind_ipc_clear(path, address) ? bind_ipc_open(job, path, address) : -1;
    const int error_number = errno;
    bind_ipc_unlock(lock, held);
    errno = error_number;
    return fd;
}

// A path in a new folder that only this user may look into; -1: errno tells why not.
static int bind_ipc_fresh(char path[ZMTP_IPC_PATH_MAX + 1])
{
    static const char folder[] = "/zmtp-XXXXXX", file[] = "/socket";
    size_t size = ZMTP_IPC_PATH_MAX + 1 - (sizeof folder - 1) - (sizeof file - 1);
    const int error = uv_os_tmpdir(path, &size);
    if (error < 0) {
        errno = error == UV_ENOBUFS ? ENAMETOOLONG : -error;
        return -1;
    }
    if (!path[0])
        strcpy(path, "/tmp"); // as if TMPDIR were not set: it is not the root that is meant
    strcat(path, folder);
    if (!mkdtemp(path)) return -1;
    strcat(path, file);
    return 0;
}

static int bind_ipc_done(const struct zmtp__bind_job *job, int fd)
{
    job->out->fd = fd;
    if (fd >= 0) return ZMTP_OK;
    if (errno != EEXIST) return zmtp__bind_fail(job);
    return zmtp__uv_socket_fail(job->socket, ZMTP_ERR_IN_USE,
                                "%s exists and is not a socket: choose another path or remove it",
                                job->text);
}

static int bind_ipc_any(const struct zmtp__bind_job *job)
{
    struct zmtp__address address;
    struct zmtp_endpoint fresh = {.transport = ZMTP_IPC};
    char path[ZMTP_IPC_PATH_MAX + 1];
    if (bind_ipc_fresh(path) < 0)
        return errno == ENAMETOOLONG
                   ? zmtp__uv_socket_fail(job->socket, ZMTP_ERR_ENDPOINT,
                                          "%s: the folder for temporary files has too long a name: "
                                          "set TMPDIR to a shorter one",
                                          job->text)
                   : zmtp__bind_fail(job);
    fresh.path = zmtp_bytes_text(path);
    zmtp__address_of(&fresh, &address);
    snprintf(job->out->endpoint, sizeof job->out->endpoint, "%s%s", bind_ipc_scheme, path);
    const int fd = bind_ipc_open(job, path, &address);
    job->out->path.folder = true;
    if (fd >= 0) return bind_ipc_done(job, fd);
    const int error_number = errno;
    if (!job->out->path.there) { // else it all goes by zmtp__bind_unlink
        (void)unlink(path);      // it may have been bound, and is in a folder of our own
        *strrchr(path, '/') = '\0';
        (void)rmdir(path);
    }
    errno = error_number;
    return bind_ipc_done(job, fd);
}

int zmtp__bind_ipc(const struct zmtp__bind_job *job)
{
    struct zmtp__address address;
    const struct zmtp_endpoint *const endpoint = job->endpoint;
    if (endpoint->path_any) return bind_ipc_any(job);
    zmtp__address_of(endpoint, &address);
    strcpy(job->out->endpoint, job->text); // the parser checked the size
    if (endpoint->abstract) {
        const int fd = zmtp__bind_socket(job, &address);
        if (fd < 0) return zmtp__bind_fail(job);
        if (bind(fd, (const struct sockaddr *)&address.at, address.size) == 0 &&
            zmtp__bind_listen(job, fd))
            return bind_ipc_done(job, fd);
        zmtp__bind_close(fd);
        return zmtp__bind_fail(job);
    }
    char path[ZMTP_IPC_PATH_MAX + 1];
    memcpy(path, endpoint->path.data, endpoint->path.size);
    path[endpoint->path.size] = '\0';
    return bind_ipc_done(job, bind_ipc_open_given(job, path, &address));
}

void zmtp__bind_unlink(const char *endpoint, const struct zmtp__bound_path *path)
{
    char name[ZMTP_ENDPOINT_MAX];
    struct stat at;
    if (!path->there) return;
    snprintf(name, sizeof name, "%s", endpoint + sizeof bind_ipc_scheme - 1);
    if (lstat(name, &at) < 0 || at.st_dev != path->device || at.st_ino != path->inode) return;
    (void)unlink(name); // a path that stays is found stale by the next bind
    char *const slash = strrchr(name, '/');
    if (!path->folder || !slash) return;
    *slash = '\0';
    (void)rmdir(name); // somebody may have put something there
}
