#include "message.h"

#include "error.h"
#include "loan.h"

#include <string.h>

enum {
    // References that a purse takes at once.
    MESSAGE_PURSE = 256,
};

// On 32 bits some are left.
_Static_assert(sizeof(struct zmq__message) <= sizeof(zmq_msg_t), "64 octets hold it");

// A text that belongs to one message: its group, or a property's value with the zero that a view of the
// origin has not. Behind the text is the property's name.
struct zmq__note {
    struct zmq__note *next;
    size_t size;      // of the text
    size_t name_size; // 0: the group
    char text[];
};

static size_t message_note_octets(size_t size, size_t name_size)
{
    return sizeof(struct zmq__note) + size + 1 + name_size;
}

// Null: no memory.
static struct zmq__note *message_note_open(struct zmtp_bytes text, struct zmtp_bytes name)
{
    struct zmq__note *note = zmtp_alloc(NULL, message_note_octets(text.size, name.size));
    if (!note) return NULL;
    *note = (struct zmq__note){.size = text.size, .name_size = name.size};
    if (text.size) memcpy(note->text, text.data, text.size);
    note->text[text.size] = '\0';
    if (name.size) memcpy(note->text + text.size + 1, name.data, name.size);
    return note;
}

static void message_note_close(struct zmq__note *note)
{
    zmtp_free(NULL, note, message_note_octets(note->size, note->name_size));
}

static struct zmq__note *message_note_find(const struct zmq__message *message,
                                           struct zmtp_bytes name)
{
    for (struct zmq__note *note = message->notes; note; note = note->next)
        if (zmtp_bytes_equal(zmtp_bytes_of(note->text + note->size + 1, note->name_size), name))
            return note;
    return NULL;
}

static void message_note_add(struct zmq__message *message, struct zmq__note *note)
{
    note->next = message->notes;
    message->notes = note;
}

// Writes an empty message, whatever was there.
static void message_init(struct zmq__message *message)
{
    *message = (struct zmq__message){.body = ZMQ__BODY_INLINE, .mark = ZMQ__MESSAGE_MARK};
}

static struct zmq__message *message_fresh(zmq_msg_t *msg)
{
    struct zmq__message *message = (struct zmq__message *)msg;
    message_init(message);
    return message;
}

// The body as a part that shares what the message holds, and no more than that: nobody else's reference.
static struct zmtp_part message_part(const struct zmq__message *message)
{
    struct zmtp_part part = {.slab = message->at.far.slab, .size = message->at.far.size};
    part.at.data = message->at.far.data;
    return part;
}

static inline void message_release_body(struct zmq__message *message)
{
    if (zmq__message_far(message)) {
        struct zmtp_part part = message_part(message);
        zmtp_part_fini(&part);
    }
    message->body = ZMQ__BODY_INLINE;
    message->inline_size = 0;
    message->flags &= (uint8_t)~ZMQ__FLAG_SHARED;
}

static void message_drop_notes(struct zmq__message *message)
{
    while (message->notes) {
        struct zmq__note *note = message->notes;
        message->notes = note->next;
        message_note_close(note);
    }
}

// Releases what it holds; it is no message any more.
static void message_fini(struct zmq__message *message)
{
    message_release_body(message);
    zmtp_origin_unref(message->origin);
    message_drop_notes(message);
    message->body = 0;
    message->mark = 0;
}

// Puts the octets of |part| into the empty body; fails only when they are inline there and have no room here.
static int message_set_body(struct zmq__message *message, struct zmtp_part *part)
{
    if (!part->slab && part->size <= ZMQ__INLINE) {
        memcpy(message->at.octets, part->at.octets, part->size);
        message->inline_size = (uint8_t)part->size;
        message->body = ZMQ__BODY_INLINE;
        *part = (struct zmtp_part){0};
        return ZMTP_OK;
    }
    struct zmtp_part far = *part;
    if (!part->slab) {
        // A part has more room inside than a message, and one octet beyond that is in a slab.
        uint8_t *room = NULL;
        const int result = zmtp_part_reserve(&far, ZMTP_PART_INLINE + 1, &room, NULL);
        if (result != ZMTP_OK) return result;
        memcpy(room, part->at.octets, part->size);
        far.size = part->size;
    }
    message->at.far.slab = far.slab;
    message->at.far.data = far.at.data;
    message->at.far.size = far.size;
    message->body = zmq__loan_is(&far) ? ZMQ__BODY_LOAN : ZMQ__BODY_SLAB;
    *part = (struct zmtp_part){0};
    return ZMTP_OK;
}

static void message_keep(void *data, void *hint)
{
    (void)data;
    (void)hint;
}

int zmq__constant_part(struct zmtp_part *part, struct zmtp_bytes octets)
{
    if (octets.size <= ZMTP_PART_INLINE) return zmtp_part_copy(part, octets, NULL);
    return zmtp_part_wrap(part, (void *)(uintptr_t)octets.data, octets.size, message_keep, NULL,
                          NULL); // nobody writes to it
}

int zmq__message_give(zmq_msg_t *msg, struct zmtp_part *part)
{
    struct zmq__message *message = zmq__message_of(msg);
    if (!message) return ZMTP_ERR_ARGUMENT;
    const struct zmtp_bytes octets = zmq__message_bytes(message);
    if (message->body == ZMQ__BODY_CONSTANT) return zmq__constant_part(part, octets);
    int result = ZMTP_OK;
    if (zmq__message_far(message))
        *part = message_part(message);
    else
        result = zmtp_part_copy(part, octets, NULL);
    if (result != ZMTP_OK) return result;
    message->body = ZMQ__BODY_INLINE;
    message->inline_size = 0;
    return ZMTP_OK;
}

void zmq__message_put_back(zmq_msg_t *msg, struct zmtp_part *part)
{
    struct zmq__message *message = zmq__message_of(msg);
    const bool kept = !message || message->body == ZMQ__BODY_CONSTANT;
    // What was given fits: octets that are inline there were so here.
    if (kept || message_set_body(message, part) != ZMTP_OK) zmtp_part_fini(part);
}

void zmq__message_clear(zmq_msg_t *msg)
{
    struct zmq__message *message = zmq__message_of(msg);
    if (!message) return;
    message_fini(message);
    message_init(message);
}

// The same into one that held alike from the same peer, in a few steps. False: nothing was done.
static bool message_take_alike(struct zmq__message *message, struct zmtp_part *part,
                               const struct zmtp_origin *origin, bool more)
{
    if (message->origin != origin || message->notes) return false;
    if (part->slab) {
        if (message->body != ZMQ__BODY_SLAB || zmq__loan_is(part)) return false;
        zmtp__slab_unref(message->at.far.slab);
        message->at.far.slab = part->slab;
        message->at.far.data = part->at.data;
        message->at.far.size = part->size;
    } else {
        if (message->body != ZMQ__BODY_INLINE || part->size > ZMQ__INLINE) return false;
        zmtp__copy_few(message->at.octets, part->at.octets, part->size);
        message->inline_size = (uint8_t)part->size;
    }
    message->routing_id = 0;
    message->flags = more ? ZMQ__FLAG_MORE : 0;
    part->slab = NULL;
    part->size = 0;
    return true;
}

int zmq__message_take(zmq_msg_t *msg, struct zmtp_part *part, const struct zmtp_origin *origin,
                      bool more)
{
    struct zmq__message *message = zmq__message_of(msg);
    if (!message) return ZMTP_ERR_ARGUMENT;
    if (message_take_alike(message, part, origin, more)) return ZMTP_OK;
    struct zmq__message taken;
    message_init(&taken);
    const int result = message_set_body(&taken, part);
    if (result != ZMTP_OK) return result;
    if (message->origin == origin) { // the reference that it has already is good for this one, too
        taken.origin = origin;
        message->origin = NULL;
    } else {
        taken.origin = zmtp_origin_ref(origin);
    }
    taken.flags = more ? ZMQ__FLAG_MORE : 0;
    message_fini(message);
    *message = taken;
    return ZMTP_OK;
}

void zmq__purse_empty(struct zmq__purse *purse)
{
    if (purse->count > 0) zmtp__slab_drop(purse->slab, purse->count);
    *purse = (struct zmq__purse){0};
}

// One reference to |slab| becomes the caller's.
static void message_spend(struct zmq__purse *purse, struct zmtp_slab *slab)
{
    if (purse->slab != slab || purse->count == 0) {
        zmq__purse_empty(purse);
        atomic_fetch_add_explicit(&slab->refs, MESSAGE_PURSE, memory_order_relaxed);
        zmtp__slab_lend(slab);
        *purse = (struct zmq__purse){.slab = slab, .count = MESSAGE_PURSE};
    }
    purse->count--;
}

void zmq__message_show(struct zmq__message *message, struct zmtp_bytes body, struct zmtp_slab *slab,
                       struct zmtp__origin *origin, struct zmq__purse *purse)
{
    const bool far = body.size > ZMQ__INLINE;
    const bool kept = far && message->body == ZMQ__BODY_SLAB && message->at.far.slab == slab;
    if (!kept) message_release_body(message);
    if (!kept && far) message_spend(purse, slab);
    if (message->origin != &origin->told) {
        zmtp_origin_unref(message->origin);
        message->origin = zmtp__origin_lend(origin);
    }
    if (message->notes) message_drop_notes(message);
    message->routing_id = 0;
    message->flags = 0;
    if (far) {
        message->at.far.slab = slab;
        message->at.far.data = body.data;
        message->at.far.size = body.size;
        message->body = ZMQ__BODY_SLAB;
        return;
    }
    message->inline_size = (uint8_t)body.size;
    zmtp__copy_few(message->at.octets, body.data, body.size);
}

void zmq__message_set_routing_id(zmq_msg_t *msg, uint32_t routing_id)
{
    struct zmq__message *message = zmq__message_of(msg);
    if (message) message->routing_id = routing_id;
}

int zmq__message_set_group(zmq_msg_t *msg, struct zmtp_bytes group)
{
    struct zmq__message *message = zmq__message_of(msg);
    if (!message || group.size > ZMQ_GROUP_MAX_LENGTH) return ZMTP_ERR_ARGUMENT;
    struct zmq__note *note = message_note_open(group, (struct zmtp_bytes){0});
    if (!note) return ZMTP_ERR_MEMORY;
    for (struct zmq__note **at = &message->notes; *at; at = &(*at)->next) {
        struct zmq__note *old = *at;
        if (old->name_size != 0) continue;
        *at = old->next;
        message_note_close(old);
        break;
    }
    message_note_add(message, note);
    return ZMTP_OK;
}

struct zmtp_bytes zmq__message_group(const struct zmq__message *message)
{
    const struct zmq__note *note = message_note_find(message, (struct zmtp_bytes){0});
    return note ? zmtp_bytes_of(note->text, note->size) : (struct zmtp_bytes){0};
}

int zmq_msg_init(zmq_msg_t *msg)
{
    if (!msg) return zmq__fail(EFAULT);
    (void)message_fresh(msg);
    return 0;
}

int zmq_msg_init_size(zmq_msg_t *msg, size_t size)
{
    if (!msg) return zmq__fail(EFAULT);
    struct zmtp_part part = {0};
    uint8_t *room = NULL;
    const size_t room_size =
        size > ZMQ__INLINE && size <= ZMTP_PART_INLINE ? ZMTP_PART_INLINE + 1 : size;
    const int result = zmtp_part_reserve(&part, room_size, &room, NULL);
    if (result != ZMTP_OK) return zmq__fail(result);
    part.size = size;
    struct zmq__message *message = message_fresh(msg);
    if (part.slab)
        (void)message_set_body(message, &part); // cannot fail: it is far
    else
        message->inline_size = (uint8_t)size;
    return 0;
}

int zmq_msg_init_buffer(zmq_msg_t *msg, const void *data, size_t size)
{
    if (!data && size > 0) return zmq__fail(EFAULT);
    const int result = zmq_msg_init_size(msg, size);
    if (result == 0 && size > 0) memcpy(zmq_msg_data(msg), data, size);
    return result;
}

int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size, zmq_free_fn *free_fn, void *hint)
{
    if (!msg) return zmq__fail(EFAULT);
    struct zmtp_part part = {0};
    if (free_fn) {
        const int result = zmq__loan_open(&part, data, size, free_fn, hint);
        if (result != ZMTP_OK) return zmq__fail(result);
    }
    struct zmq__message *message = message_fresh(msg);
    message->body = free_fn ? ZMQ__BODY_LOAN : ZMQ__BODY_CONSTANT;
    message->at.far.slab = part.slab;
    message->at.far.data = data;
    message->at.far.size = size;
    return 0;
}

int zmq_msg_close(zmq_msg_t *msg)
{
    struct zmq__message *message = zmq__message_of(msg);
    if (!message) return zmq__fail(EFAULT);
    message_fini(message);
    return 0;
}

int zmq_msg_move(zmq_msg_t *to, zmq_msg_t *from)
{
    struct zmq__message *source = zmq__message_of(from), *target = zmq__message_of(to);
    if (!source || !target) return zmq__fail(EFAULT);
    if (source == target) return 0;
    message_fini(target);
    *target = *source;
    message_init(source);
    return 0;
}

int zmq_msg_copy(zmq_msg_t *to, zmq_msg_t *from)
{
    struct zmq__message *source = zmq__message_of(from), *target = zmq__message_of(to);
    if (!source || !target) return zmq__fail(EFAULT);
    if (source == target) return 0;
    const struct zmq__note *group = message_note_find(source, (struct zmtp_bytes){0});
    struct zmq__note *note = NULL;
    if (group) {
        note = message_note_open(zmtp_bytes_of(group->text, group->size), (struct zmtp_bytes){0});
        if (!note) return zmq__fail(ENOMEM);
    }
    message_fini(target);
    if (zmq__message_far(source)) {
        const struct zmtp_part part = message_part(source);
        struct zmtp_part share;
        zmtp_part_share(&share, &part);
        source->flags |= ZMQ__FLAG_SHARED;
    }
    *target = *source;
    target->notes = note;
    target->origin = zmtp_origin_ref(source->origin);
    return 0;
}

void *zmq_msg_data(zmq_msg_t *msg)
{
    struct zmq__message *message = zmq__message_near(msg);
    if (message) return message->at.octets;
    message = zmq__message_of(msg);
    if (!message) return zmq__fail_null(EFAULT);
    return (void *)(uintptr_t)zmq__message_bytes(message).data;
}

size_t zmq_msg_size(const zmq_msg_t *msg)
{
    const struct zmq__message *message = zmq__message_near(msg);
    if (message) return message->inline_size;
    message = zmq__message_of(msg);
    if (message) return zmq__message_bytes(message).size;
    (void)zmq__fail(EFAULT);
    return 0;
}

int zmq_msg_more(const zmq_msg_t *msg)
{
    return zmq_msg_get(msg, ZMQ_MORE) == 1;
}

int zmq_msg_get(const zmq_msg_t *msg, int property)
{
    const struct zmq__message *message = zmq__message_of(msg);
    if (!message) return zmq__fail(EFAULT);
    if (property == ZMQ_MORE) return message->flags & ZMQ__FLAG_MORE ? 1 : 0;
    if (property == ZMQ_SHARED)
        return message->body == ZMQ__BODY_CONSTANT || message->flags & ZMQ__FLAG_SHARED ? 1 : 0;
    return zmq__fail(EINVAL); // also of the descriptor it came through, which nobody may touch
}

int zmq_msg_set(zmq_msg_t *msg, int property, int value)
{
    (void)property;
    (void)value;
    return zmq__fail(zmq__message_of(msg) ? EINVAL : EFAULT);
}

const char *zmq_msg_gets(const zmq_msg_t *msg, const char *property)
{
    struct zmq__message *message = zmq__message_of(msg);
    if (!message) return zmq__fail_null(EFAULT);
    if (!property || !*property) return zmq__fail_null(EINVAL);
    const struct zmtp_bytes name = zmtp_bytes_text(property);
    struct zmq__note *note = message_note_find(message, name);
    if (note) return note->text;
    const struct zmtp_bytes value = zmtp_origin_property(message->origin, property);
    if (!value.data) return zmq__fail_null(EINVAL);
    note = message_note_open(value, name);
    if (!note) return zmq__fail_null(ENOMEM);
    message_note_add(message, note);
    return note->text;
}

int zmq_msg_set_routing_id(zmq_msg_t *msg, uint32_t routing_id)
{
    struct zmq__message *message = zmq__message_of(msg);
    if (!message) return zmq__fail(EFAULT);
    if (routing_id == 0) return zmq__fail(EINVAL);
    message->routing_id = routing_id;
    return 0;
}

uint32_t zmq_msg_routing_id(zmq_msg_t *msg)
{
    const struct zmq__message *message = zmq__message_of(msg);
    if (message) return message->routing_id;
    (void)zmq__fail(EFAULT);
    return 0;
}

int zmq_msg_set_group(zmq_msg_t *msg, const char *group)
{
    if (!zmq__message_of(msg) || !group) return zmq__fail(EFAULT);
    const int result = zmq__message_set_group(msg, zmtp_bytes_text(group));
    return result == ZMTP_OK ? 0 : zmq__fail(result);
}

const char *zmq_msg_group(zmq_msg_t *msg)
{
    const struct zmq__message *message = zmq__message_of(msg);
    if (!message) return zmq__fail_null(EFAULT);
    const struct zmq__note *note = message_note_find(message, (struct zmtp_bytes){0});
    return note ? note->text : "";
}
