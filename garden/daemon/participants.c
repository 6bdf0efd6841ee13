#include "participants.h"

#include <string.h>

#include "../core/error.h"

static void participant_free(const struct zmtp_allocator *allocator, struct table_row *row)
{
    struct participant *participant = (struct participant *)row;
    garden_arena_fini(&participant->arena);
    zmtp_free(allocator, participant, sizeof *participant);
}

void participants_init(struct participants *participants, const struct zmtp_allocator *allocator)
{
    table_init(&participants->table, allocator, participant_free);
}

void participants_fini(struct participants *participants)
{
    table_fini(&participants->table);
}

const struct garden_participant *participants_find(const struct participants *participants,
                                                   struct garden_uuid id)
{
    const struct participant *found =
        (const struct participant *)table_find(&participants->table, id);
    return found ? &found->about : NULL;
}

static bool participant_can(const struct garden_text_list *capabilities,
                            struct garden_text capability, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (garden_text_equal(capabilities->items[i], capability)) return true;
    return false;
}

static int participant_check(const struct garden_participant *about, struct garden_error *error)
{
    if (garden_uuid_nil(about->id))
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "a participant's id must not be nil");
    if (about->capabilities.count > PARTICIPANT_CAPABILITIES_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT, "a participant has at most %d capabilities",
                            PARTICIPANT_CAPABILITIES_MAX);
    for (size_t i = 0; i < about->capabilities.count; i++)
        if (participant_can(&about->capabilities, about->capabilities.items[i], i))
            return garden__fail(error, GARDEN_ERR_EXISTS, "a capability is listed twice");
    return GARDEN_OK;
}

static bool participant_keep(struct participant *participant, struct garden_text *to,
                             struct garden_text from)
{
    char *copy = garden_arena_alloc(&participant->arena, from.size + 1, 1);
    if (!copy) return false;
    if (from.size > 0) memcpy(copy, from.data, from.size);
    *to = (struct garden_text){.data = copy, .size = from.size};
    return true;
}

static bool participant_copy(struct participant *participant,
                             const struct garden_participant *about)
{
    struct garden_text_list *to = &participant->about.capabilities;
    const struct garden_text_list *from = &about->capabilities;
    participant->row.id = participant->about.id = about->id;
    if (!participant_keep(participant, &participant->about.name, about->name)) return false;
    to->items = garden_arena_alloc(&participant->arena, from->count, sizeof *to->items);
    if (!to->items) return false;
    for (; to->count < from->count; to->count++)
        if (!participant_keep(participant, &to->items[to->count], from->items[to->count]))
            return false;
    return true;
}

// A copy of |about| that the caller puts in its place.
static int participant_make(const struct participants *participants,
                            const struct garden_participant *about, struct participant **out,
                            struct garden_error *error)
{
    const int result = participant_check(about, error);
    if (result < 0) return result;
    struct participant *made = zmtp_alloc(participants->table.allocator, sizeof *made);
    if (!made) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a participant");
    *made = (struct participant){.online = true};
    garden_arena_init(&made->arena, participants->table.allocator, PARTICIPANT_MEMORY_MAX);
    if (!participant_copy(made, about)) {
        const int code = made->arena.error;
        participant_free(participants->table.allocator, &made->row);
        if (code == GARDEN_ERR_LIMIT)
            return garden__fail(error, code, "a participant's texts have at most %d octets",
                                PARTICIPANT_MEMORY_MAX);
        return garden__fail(error, code, "no memory for a participant");
    }
    *out = made;
    return GARDEN_OK;
}

int participants_register(struct participants *participants, const struct garden_participant *about,
                          struct changes *changes, struct garden_error *error)
{
    struct table *table = &participants->table;
    struct table_row *old = table_find(table, about->id);
    struct participant *made;
    if (!old && table->count == PARTICIPANTS_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT, "there are %d participants already",
                            PARTICIPANTS_MAX);
    if (!changes_reserve(changes, 1))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for an event");
    const int result = participant_make(participants, about, &made, error);
    if (result < 0) return result;
    if (!(old ? table_replace(table, old, &made->row) : table_add(table, &made->row))) {
        participant_free(table->allocator, &made->row);
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a participant");
    }
    const struct garden_event event = {
        .kind = GARDEN_EVENT_PARTICIPANT_ONLINE,
        .participant_online = {.participant_id = made->about.id, .name = made->about.name},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

// An event for each of |list| that is not in |other|. False: no memory.
static bool participant_tell(const struct garden_participant *about,
                             const struct garden_text_list *list,
                             const struct garden_text_list *other, bool available,
                             struct changes *changes)
{
    for (size_t i = 0; i < list->count; i++) {
        if (participant_can(other, list->items[i], other->count)) continue;
        struct garden_event event = {
            .kind = GARDEN_EVENT_CAPABILITY_CHANGED,
            .capability_changed = {.participant_id = about->id,
                                   .capability = list->items[i],
                                   .available = available},
        };
        if (!changes_reserve(changes, 1)) return false;
        if (!changes_keep(changes, &event.capability_changed.capability)) return false;
        changes_add(changes, &event);
    }
    return true;
}

int participants_update(struct participants *participants, struct garden_uuid id,
                        const struct garden_participant_update *update, struct changes *changes,
                        struct garden_error *error)
{
    struct table *table = &participants->table;
    struct participant *old = (struct participant *)table_find(table, id), *made;
    if (!old) {
        char text[GARDEN_UUID_TEXT_SIZE + 1];
        garden_uuid_format(id, text);
        return garden__fail(error, GARDEN_ERR_NOT_FOUND, "there is no participant %s", text);
    }
    struct garden_participant about = old->about;
    if (update->has_name) about.name = update->name;
    if (update->has_capabilities) about.capabilities = update->capabilities;
    const int result = participant_make(participants, &about, &made, error);
    if (result < 0) return result;
    made->online = old->online;
    const size_t before = changes->count;
    const struct garden_text_list *was = &old->about.capabilities, *is = &made->about.capabilities;
    if (participant_tell(&about, was, is, false, changes) &&
        participant_tell(&about, is, was, true, changes) &&
        table_replace(table, &old->row, &made->row))
        return GARDEN_OK;
    changes->count = before;
    participant_free(table->allocator, &made->row);
    return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for the events");
}

int participants_leave(struct participants *participants, struct changes *changes)
{
    struct table_cursor cursor = {0};
    struct participant *participant;
    if (!changes_reserve(changes, participants->table.count)) return GARDEN_ERR_MEMORY;
    while ((participant = (struct participant *)table_next(participants->table.root, &cursor))) {
        participant->online = false;
        const struct garden_event event = {
            .kind = GARDEN_EVENT_PARTICIPANT_OFFLINE,
            .participant_offline = {.participant_id = participant->about.id},
        };
        changes_add(changes, &event);
    }
    return GARDEN_OK;
}
