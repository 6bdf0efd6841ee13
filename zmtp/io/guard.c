#include "guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "engine.h"

enum {
    GUARD_LIST_MAX = 4 * 1024 * 1024, // octets of a list of keys
    GUARD_KEYS_MAX = 64 * 1024,
};

struct guard_keys {
    struct zmtp_key *list;
    size_t count, capacity;
};

struct zmtp__guard {
    const struct zmtp_allocator *allocator;
    struct zmtp_security security;
    enum zmtp_allow_kind kind;
    struct guard_keys keys;
    struct stat seen;   // the file or folder when it was read; zeroed: it is to be read anew
    char *words;        // where to say what is wrong with it; null: nobody asks any more
    const char *path;   // within |memory|; or the domain of ZAP
    size_t memory_size; // of the whole block
    uint8_t memory[];   // PLAIN's name and password, then the path
};

// Says what is wrong with the path; returns |error|.
__attribute__((format(printf, 3, 4))) static int guard_fail(const struct zmtp__guard *guard,
                                                            int error, const char *format, ...)
{
    va_list arguments;
    if (!guard->words) return error;
    va_start(arguments, format);
    vsnprintf(guard->words, ZMTP__TEXT_MAX, format, arguments);
    va_end(arguments);
    return error;
}

static void guard_forget(struct zmtp__guard *guard, struct guard_keys *keys)
{
    zmtp_free(guard->allocator, keys->list, keys->capacity * sizeof *keys->list);
    *keys = (struct guard_keys){0};
}

static int guard_add(struct zmtp__guard *guard, struct guard_keys *keys, const struct zmtp_key *key)
{
    if (keys->count == GUARD_KEYS_MAX) return ZMTP_ERR_LIMIT;
    if (keys->count == keys->capacity) {
        const size_t old = keys->capacity, capacity = old ? 2 * old : 16;
        struct zmtp_key *list =
            zmtp_realloc(guard->allocator, keys->list, old * sizeof *list, capacity * sizeof *list);
        if (!list) return ZMTP_ERR_MEMORY;
        keys->list = list;
        keys->capacity = capacity;
    }
    keys->list[keys->count++] = *key;
    return ZMTP_OK;
}

// A line of a list: a key, a comment, or nothing; anything else is a mistake that must not pass.
static int guard_line(struct zmtp__guard *guard, struct guard_keys *keys, char *line)
{
    struct zmtp_key key;
    line += strspn(line, " \t");
    line[strcspn(line, "\r\n")] = '\0';
    size_t size = strlen(line);
    while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t'))
        size--;
    if (size == 0) return ZMTP_OK;
    // A key may begin with the sign of a comment, so it is tried first.
    if (zmtp_key_decode(zmtp_bytes_of(line, size), &key) == ZMTP_OK)
        return guard_add(guard, keys, &key);
    return line[0] == '#' ? ZMTP_OK : ZMTP_ERR_ARGUMENT;
}

static int guard_error(const struct zmtp__guard *guard, int error_number)
{
    char system[128];
    return guard_fail(guard, zmtp__address_error(error_number),
                      "allow.path: %.250s cannot be read: %s", guard->path,
                      uv_strerror_r(-error_number, system, sizeof system));
}

static int guard_too_many(const struct zmtp__guard *guard)
{
    return guard_fail(guard, ZMTP_ERR_LIMIT,
                      "allow.path: %.250s has more than %d keys, or is larger than %d octets",
                      guard->path, GUARD_KEYS_MAX, GUARD_LIST_MAX);
}

// Opens the list. A pipe or a device in its place would keep the loop waiting, or never end.
static int guard_open_list(const struct zmtp__guard *guard, FILE **out)
{
    struct stat status;
    const int fd = open(guard->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return guard_error(guard, errno);
    int result = ZMTP_OK;
    if (fstat(fd, &status) < 0)
        result = guard_error(guard, errno);
    else if (!S_ISREG(status.st_mode))
        result = guard_fail(guard, ZMTP_ERR_ARGUMENT,
                            "allow.path: %.250s is neither a file nor a folder", guard->path);
    else if (status.st_size > GUARD_LIST_MAX)
        result = ZMTP_ERR_LIMIT;
    *out = result == ZMTP_OK ? fdopen(fd, "r") : NULL;
    if (*out) return ZMTP_OK;
    if (result == ZMTP_OK) result = guard_error(guard, errno);
    (void)close(fd); // opened for reading: nothing can be lost
    return result;
}

static int guard_read_list(struct zmtp__guard *guard, struct guard_keys *keys)
{
    char line[256];
    size_t number = 0;
    bool begins = true;
    FILE *file;
    int result = guard_open_list(guard, &file);
    if (result < 0) return result;
    while (result == ZMTP_OK && fgets(line, sizeof line, file)) {
        const bool ends = strchr(line, '\n') != NULL;
        // What follows on so long a beginning is of a comment, and no line of its own.
        if (begins) result = guard_line(guard, keys, line);
        number += begins;
        begins = ends;
    }
    if (result == ZMTP_OK && ferror(file)) result = guard_error(guard, errno);
    (void)fclose(file); // opened for reading: nothing can be lost
    if (result == ZMTP_ERR_ARGUMENT)
        return guard_fail(guard, result,
                          "allow.path: %.250s is no certificate, and as a list it has in line %zu "
                          "neither a key of %d characters of Z85 nor a comment",
                          guard->path, number, ZMTP_KEY_TEXT_SIZE - 1);
    return result;
}

// One certificate, or a list with a key in each line.
static int guard_read_file(struct zmtp__guard *guard, struct guard_keys *keys)
{
    struct zmtp_key_file file;
    int result = zmtp_key_file_load(&file, guard->path);
    if (result == ZMTP_OK)
        result = guard_add(guard, keys, &file.keys.public_key);
    else if (result == ZMTP_ERR_ARGUMENT)
        result = guard_read_list(guard, keys);
    else
        (void)guard_fail(guard, result, "allow.path: %.250s cannot be read: %s", guard->path,
                         zmtp_err_text(result));
    zmtp_wipe(&file, sizeof file);
    return result;
}

// Adds what is at |path|, if that is a certificate that can be read. Where the system has no means to look
// at it now, it may be one.
static int guard_read_entry(struct zmtp__guard *guard, struct guard_keys *keys, const char *path)
{
    struct zmtp_key_file file;
    int result = zmtp_key_file_load(&file, path);
    if (result == ZMTP_OK)
        result = guard_add(guard, keys, &file.keys.public_key);
    else if (result != ZMTP_ERR_DESCRIPTORS && result != ZMTP_ERR_MEMORY)
        result = ZMTP_OK;
    zmtp_wipe(&file, sizeof file);
    return result;
}

// Every certificate of the folder; other files in it are not looked at.
static int guard_read_folder(struct zmtp__guard *guard, struct guard_keys *keys)
{
    DIR *const folder = opendir(guard->path);
    if (!folder) return guard_error(guard, errno);
    int result = ZMTP_OK;
    while (result == ZMTP_OK) {
        char path[PATH_MAX];
        errno = 0;
        const struct dirent *const entry = readdir(folder);
        if (!entry && errno != 0) result = guard_error(guard, errno); // and not the end
        if (!entry) break;
        if (entry->d_name[0] == '.') continue;
        const int size = snprintf(path, sizeof path, "%s/%s", guard->path, entry->d_name);
        if (size < 0 || (size_t)size >= sizeof path) continue;
        result = guard_read_entry(guard, keys, path);
    }
    closedir(folder);
    return result;
}

// Reads the file or folder anew. On failure the old keys stay in the list.
static int guard_read(struct zmtp__guard *guard, const struct stat *status)
{
    struct guard_keys keys = {0};
    const bool folder = guard->kind == ZMTP_ALLOW_FOLDER;
    if (folder != (bool)S_ISDIR(status->st_mode))
        return guard_fail(guard, ZMTP_ERR_ARGUMENT,
                          "allow.path: %.250s is %s folder, and allow.kind says %s", guard->path,
                          folder ? "no" : "a", folder ? "ZMTP_ALLOW_FOLDER" : "ZMTP_ALLOW_FILE");
    const int result = folder ? guard_read_folder(guard, &keys) : guard_read_file(guard, &keys);
    if (result < 0) {
        guard_forget(guard, &keys);
        return result == ZMTP_ERR_LIMIT ? guard_too_many(guard) : result;
    }
    guard_forget(guard, &guard->keys);
    guard->keys = keys;
    return ZMTP_OK;
}

static bool guard_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

// Sees to it that the list is what the file or folder says now.
static int guard_refresh(struct zmtp__guard *guard)
{
    struct stat status;
    if (guard->kind != ZMTP_ALLOW_FILE && guard->kind != ZMTP_ALLOW_FOLDER) return ZMTP_OK;
    const time_t now =
        time(NULL); // before it is looked at, as what is written from now on may not be read
    if (stat(guard->path, &status) < 0) return guard_error(guard, errno);
    if (guard_same(&status, &guard->seen)) return ZMTP_OK;
    const int result = guard_read(guard, &status);
    // Times of files are coarse, up to two seconds: if it has just changed it may change once more and look the
    // same. Then, and when it could not be read, it is read again the next time.
    const bool settled = status.st_ctim.tv_sec < now - 1;
    guard->seen = result == ZMTP_OK && settled ? status : (struct stat){0};
    return result;
}

static void guard_copy_words(struct zmtp__guard *guard)
{
    struct zmtp_bytes *const username = &guard->security.username;
    struct zmtp_bytes *const password = &guard->security.password;
    uint8_t *const at = guard->memory;
    if (username->size > 0) memcpy(at, username->data, username->size);
    if (password->size > 0) memcpy(at + username->size, password->data, password->size);
    username->data = at;
    password->data = at + username->size;
}

static const char *guard_domain_flaw(const char *domain, enum zmtp_mechanism mechanism)
{
    if (!domain) return "allow.zap_domain is missing";
    if (!domain[0] && mechanism == ZMTP_NULL)
        return "allow.zap_domain is empty, and a NULL server has to name one";
    const size_t size = strlen(domain);
    if (size > UINT8_MAX) return "allow.zap_domain has more than 255 octets";
    for (size_t i = 0; i < size; i++)
        if (domain[i] < 0x20 || domain[i] > 0x7E) return "allow.zap_domain is not printable ASCII";
    return NULL;
}

const char *zmtp__guard_flaw(const struct zmtp_uv_config *config)
{
    const struct zmtp_allow *const allow = &config->allow;
    const struct zmtp_security *const security = &config->security;
    const char *why;
    if (zmtp_security_check(security, &why) < 0) return why;
    // Who says whom to let in must not find that everybody was.
    if (security->mechanism == ZMTP_NULL && !security->server &&
        (allow->kind != ZMTP_ALLOW_ASK || config->on_authorise))
        return "allow or on_authorise says whom to let in, but nobody is judged unless "
               "security.server is set, as zmtp_uv_config_curve_server, _plain_server and _zap do";
    if (!security->server) return NULL;
    // Any password would be none, and keys are of CURVE.
    if (security->mechanism != ZMTP_CURVE && allow->kind != ZMTP_ALLOW_ASK &&
        allow->kind != ZMTP_ALLOW_ZAP)
        return "a PLAIN server, or a NULL one that judges, has allow.kind ZMTP_ALLOW_ASK and asks "
               "on_authorise, or ZMTP_ALLOW_ZAP";
    switch (allow->kind) {
    case ZMTP_ALLOW_ASK:
        return config->on_authorise ? NULL : "on_authorise is missing, which allow.kind asks";
    case ZMTP_ALLOW_ANY:
        return NULL;
    case ZMTP_ALLOW_KEYS:
        return allow->count > 0 && !allow->keys ? "allow.keys is missing" : NULL;
    case ZMTP_ALLOW_FILE:
    case ZMTP_ALLOW_FOLDER:
        return allow->path ? NULL : "allow.path is missing";
    case ZMTP_ALLOW_ZAP:
        return guard_domain_flaw(allow->zap_domain, security->mechanism);
    }
    return "allow.kind is none of enum zmtp_allow_kind";
}

static int guard_copy_allow(struct zmtp__guard *guard, const struct zmtp_uv_config *config)
{
    const struct zmtp_allow *const allow = &config->allow;
    guard->kind = allow->kind;
    switch (allow->kind) {
    case ZMTP_ALLOW_ASK:
    case ZMTP_ALLOW_ANY:
    case ZMTP_ALLOW_ZAP:
        return ZMTP_OK;
    case ZMTP_ALLOW_KEYS:
        for (size_t i = 0; i < allow->count; i++) {
            const int result = guard_add(guard, &guard->keys, &allow->keys[i]);
            if (result < 0) return result;
        }
        return ZMTP_OK;
    case ZMTP_ALLOW_FILE:
    case ZMTP_ALLOW_FOLDER:
        return guard_refresh(guard);
    }
    return ZMTP_ERR_ARGUMENT;
}

// A guard with a copy of what |config| points at, but for the keys.
static struct zmtp__guard *guard_copy(const struct zmtp_uv_config *config,
                                      const struct zmtp_allocator *allocator)
{
    const struct zmtp_security *const security = &config->security;
    const bool plain = security->mechanism == ZMTP_PLAIN;
    const bool zap = config->allow.kind == ZMTP_ALLOW_ZAP;
    const char *const path = zap ? config->allow.zap_domain : config->allow.path;
    const size_t words_size = plain ? security->username.size + security->password.size : 0;
    const size_t path_size = path ? strlen(path) + 1 : 0;
    const size_t size = sizeof(struct zmtp__guard) + words_size + path_size;
    struct zmtp__guard *guard = zmtp_alloc(allocator, size);
    if (!guard) return NULL;
    *guard =
        (struct zmtp__guard){.allocator = allocator, .security = *security, .memory_size = size};
    if (plain) guard_copy_words(guard);
    if (path) guard->path = memcpy(guard->memory + words_size, path, path_size);
    return guard;
}

int zmtp__guard_open(struct zmtp__guard **out, const struct zmtp_uv_config *config,
                     const struct zmtp_allocator *allocator, char *words)
{
    *out = NULL;
    if (config->security.mechanism == ZMTP_NULL && !config->security.server) return ZMTP_OK;
    struct zmtp__guard *guard = guard_copy(config, allocator);
    if (!guard) return ZMTP_ERR_MEMORY;
    guard->words = words;
    const int result = guard->security.server ? guard_copy_allow(guard, config) : ZMTP_OK;
    guard->words = NULL;
    if (result < 0)
        zmtp__guard_close(guard);
    else
        *out = guard;
    return result;
}

void zmtp__guard_close(struct zmtp__guard *guard)
{
    if (!guard) return;
    const struct zmtp_allocator *const allocator = guard->allocator;
    const size_t size = guard->memory_size;
    guard_forget(guard, &guard->keys);
    zmtp_wipe(guard, size);
    zmtp_free(allocator, guard, size);
}

const struct zmtp_security *zmtp__guard_security(const struct zmtp__guard *guard)
{
    return guard ? &guard->security : NULL;
}

const char *zmtp__guard_domain(const struct zmtp__guard *guard)
{
    const bool zap = guard && guard->security.server && guard->kind == ZMTP_ALLOW_ZAP;
    return zap ? guard->path : NULL;
}

bool zmtp__guard_judge(struct zmtp__guard *guard, const struct zmtp_credentials *credentials,
                       enum zmtp_verdict *verdict)
{
    if (guard->kind == ZMTP_ALLOW_ASK || guard->kind == ZMTP_ALLOW_ZAP) return false;
    *verdict = ZMTP_VERDICT_ALLOW;
    if (guard->kind == ZMTP_ALLOW_ANY) return true;
    // A list that cannot be read lets nobody in, and turns nobody away for good.
    *verdict = ZMTP_VERDICT_LATER;
    if (guard_refresh(guard) < 0) return true;
    *verdict = ZMTP_VERDICT_DENY;
    for (size_t i = 0; i < guard->keys.count; i++)
        if (zmtp_key_equal(&guard->keys.list[i], &credentials->public_key))
            *verdict = ZMTP_VERDICT_ALLOW;
    return true;
}
