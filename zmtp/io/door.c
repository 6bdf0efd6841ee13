#include "door.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Far more than anybody lists by hand, and few enough to be looked through for each connection.
enum { DOOR_LIST_MAX = 4096 };

struct zmtp__door {
    const struct zmtp_allocator *allocator;
    struct zmtp_uv_ipc_allow allow; // its lists lie in |memory|
    size_t size;                    // of the whole block
    int64_t memory[];               // the pids, then the uids and the gids
};

static bool door_list_ok(const void *list, size_t count)
{
    return count <= DOOR_LIST_MAX && (list || count == 0);
}

const char *zmtp__door_flaw(const struct zmtp_uv_ipc_allow *allow)
{
    if (!door_list_ok(allow->uids, allow->uid_count))
        return "ipc_allow.uids is missing, or uid_count is above 4096";
    if (!door_list_ok(allow->gids, allow->gid_count))
        return "ipc_allow.gids is missing, or gid_count is above 4096";
    if (!door_list_ok(allow->pids, allow->pid_count))
        return "ipc_allow.pids is missing, or pid_count is above 4096";
    return NULL;
}

// Copies a list to |at|, and returns what follows it there.
static void *door_copy(void *at, const void *list, size_t count, size_t each)
{
    if (count > 0) memcpy(at, list, count * each);
    return (uint8_t *)at + count * each;
}

int zmtp__door_open(struct zmtp__door **out, const struct zmtp_uv_ipc_allow *allow,
                    const struct zmtp_allocator *allocator)
{
    *out = NULL;
    const size_t ids = allow->uid_count + allow->gid_count;
    if (!allow->same_user && ids + allow->pid_count == 0) return ZMTP_OK;
    const size_t size = sizeof(struct zmtp__door) + allow->pid_count * sizeof *allow->pids +
                        ids * sizeof *allow->uids;
    struct zmtp__door *door = zmtp_alloc(allocator, size);
    if (!door) return ZMTP_ERR_MEMORY;
    *door = (struct zmtp__door){.allocator = allocator, .allow = *allow, .size = size};
    uint32_t *const uids =
        door_copy(door->memory, allow->pids, allow->pid_count, sizeof *allow->pids);
    uint32_t *const gids = door_copy(uids, allow->uids, allow->uid_count, sizeof *uids);
    (void)door_copy(gids, allow->gids, allow->gid_count, sizeof *gids);
    door->allow.pids = door->memory;
    door->allow.uids = uids;
    door->allow.gids = gids;
    *out = door;
    return ZMTP_OK;
}

void zmtp__door_close(struct zmtp__door *door)
{
    if (door) zmtp_free(door->allocator, door, door->size);
}

static bool door_lists(const uint32_t *list, size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == id) return true;
    return false;
}

// Is one of the further groups of the process on the list? The system tells those that it had when it
// connected.
static bool door_lists_group(const struct zmtp__door *door, int fd)
{
    const struct zmtp_uv_ipc_allow *const allow = &door->allow;
    socklen_t size = 0;
    // It fails for want of room and tells how much it takes.
    (void)getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size);
    const size_t room = size;
    if (room == 0) return false;
    gid_t *const groups = zmtp_alloc(door->allocator, room);
    if (!groups) return false;
    bool listed = false;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
        for (size_t i = 0; i < size / sizeof *groups && !listed; i++)
            listed = door_lists(allow->gids, allow->gid_count, groups[i]);
    zmtp_free(door->allocator, groups, room);
    return listed;
}

bool zmtp__door_admits(const struct zmtp__door *door, int fd, const struct zmtp_uv_process *process)
{
    if (!door) return true;
    const struct zmtp_uv_ipc_allow *const allow = &door->allow;
    if (!process->known) return false;
    if (allow->same_user && process->uid == geteuid()) return true;
    if (door_lists(allow->uids, allow->uid_count, process->uid)) return true;
    if (door_lists(allow->gids, allow->gid_count, process->gid)) return true;
    for (size_t i = 0; i < allow->pid_count; i++)
        if (allow->pids[i] == process->pid) return true;
    return allow->gid_count > 0 && door_lists_group(door, fd);
}

struct zmtp_uv_process zmtp__door_process(int fd)
{
    struct ucred who;
    socklen_t size = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
        return (struct zmtp_uv_process){.known = false};
    return (struct zmtp_uv_process){.known = true, .pid = who.pid, .uid = who.uid, .gid = who.gid};
}
