#include "wishes.h"

#include <assert.h>

// The longest command's name, its size and a frame's header stand before the topic.
enum { WISHES_COMMAND_ROOM = ZMTP_HEADER_MAX + 1 + sizeof "SUBSCRIBE" - 1 };
// What the tree of topics takes.
enum { WISHES_TOPIC_MAX = (1 << 28) - 2 };

void zmtp__wishes_open(struct zmtp_socket *socket)
{
    struct zmtp__wishes *wishes = zmtp__wishes_of(socket);
    zmtp__tally_init(&wishes->topics, socket->config.allocator, socket->config.topic_seed);
    wishes->add = "SUBSCRIBE";
    wishes->remove = "CANCEL";
}

void zmtp__wishes_close(struct zmtp_socket *socket)
{
    zmtp__tally_fini(&zmtp__wishes_of(socket)->topics);
}

// Adds a command to the queue's open message. On failure that is undone.
static int wishes_put(struct zmtp__queue *queue, const char *name, struct zmtp_bytes topic)
{
    const size_t most = WISHES_COMMAND_ROOM + topic.size;
    uint8_t *const room = zmtp__queue_tail_room(queue, most);
    if (!room) {
        zmtp__queue_undo(queue);
        return ZMTP_ERR_MEMORY;
    }
    const struct zmtp_command command = {zmtp_bytes_text(name), topic};
    const int size = zmtp_command_encode(&command, room, most);
    assert(size > 0); // the room is computed from what goes in
    const int result = zmtp__queue_add_room(queue, room, (size_t)size);
    if (result < 0)
        zmtp__queue_undo(queue);
    else
        zmtp__queue_note_commands(queue, 1);
    return result;
}

static int wishes_tell(struct zmtp__lane *lane, const char *name, struct zmtp_bytes topic)
{
    struct zmtp__queue *queue = lane->end->out;
    zmtp__queue_begin(queue);
    const int result = wishes_put(queue, name, topic);
    if (result < 0) return result;
    zmtp__queue_end(queue, 1);
    zmtp__pipe_published(lane->end);
    return ZMTP_OK;
}

int zmtp__wishes_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__wishes *wishes = zmtp__wishes_of(socket);
    struct zmtp__queue *queue = lane->end->out;
    if (!zmtp_pipe_link(lane->end)->up) return ZMTP_OK;
    const size_t count = zmtp__tally_topics(&wishes->topics);
    if (count == 0) return ZMTP_OK;
    // All or none, so that an attempt that failed leaves nothing behind.
    zmtp__queue_begin(queue);
    struct zmtp__slot_cursor cursor = {0};
    struct zmtp_bytes topic;
    while (zmtp__tally_next(&wishes->topics, &cursor, &topic)) {
        const int result = wishes_put(queue, wishes->add, topic);
        if (result < 0) return result;
    }
    zmtp__queue_end(queue, count);
    zmtp__pipe_published(lane->end);
    return ZMTP_OK;
}

static bool wishes_hears(const struct zmtp__lane *lane)
{
    return lane->up && !lane->gone;
}

// The lane could not be told something, or was told what did not come to be: it is told everything
// anew, when there is memory.
static void wishes_stale(struct zmtp__lane *lane)
{
    lane->up = false;
    zmtp__pipe_mark(lane->end);
}

static void wishes_tell_added(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    for (struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next)
        if (wishes_hears(node->lane) &&
            wishes_tell(node->lane, zmtp__wishes_of(socket)->add, topic) < 0)
            wishes_stale(node->lane);
}

static int wishes_tell_removed(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    for (struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next) {
        if (!wishes_hears(node->lane)) continue;
        const int result = wishes_tell(node->lane, zmtp__wishes_of(socket)->remove, topic);
        if (result == ZMTP_OK) continue;
        // The subscription stays, so those that were told already must be told again.
        for (node = node->previous; node->lane; node = node->previous)
            if (wishes_hears(node->lane)) wishes_stale(node->lane);
        return result;
    }
    return ZMTP_OK;
}

size_t zmtp__wishes_topics(const struct zmtp_socket *socket)
{
    return zmtp__tally_topics(&((const struct zmtp__subscribing *)socket)->wishes.topics);
}

int zmtp__wishes_add(struct zmtp_socket *socket, struct zmtp_bytes topic, bool always)
{
    struct zmtp__wishes *wishes = zmtp__wishes_of(socket);
    if (topic.size > WISHES_TOPIC_MAX) return ZMTP_ERR_ARGUMENT;
    const size_t before = zmtp__tally_topics(&wishes->topics);
    const int result = zmtp__tally_add(&wishes->topics, topic);
    if (result < 0) return result == ZMTP_ERR_LIMIT ? ZMTP_ERR_ARGUMENT : result;
    const bool added = zmtp__tally_topics(&wishes->topics) > before;
    if (added || always) wishes_tell_added(socket, topic);
    return ZMTP_OK;
}

int zmtp__wishes_remove(struct zmtp_socket *socket, struct zmtp_bytes topic, bool always)
{
    struct zmtp__wishes *wishes = zmtp__wishes_of(socket);
    if (topic.size > WISHES_TOPIC_MAX) return ZMTP_ERR_ARGUMENT;
    const uint32_t count = zmtp__tally_count(&wishes->topics, topic);
    if (count == 1 || always) {
        const int result = wishes_tell_removed(socket, topic);
        if (result < 0) return result;
    }
    if (count == 0) return ZMTP_ERR_NOT_FOUND;
    zmtp__tally_remove(&wishes->topics, topic);
    return ZMTP_OK;
}
