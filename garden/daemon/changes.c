#include "changes.h"

#include <assert.h>
#include <string.h>

enum { CHANGES_SPACE_MIN = 4 };

void changes_init(struct changes *changes)
{
    *changes = (struct changes){0};
    garden_arena_init(&changes->arena, NULL, 0);
}

void changes_fini(struct changes *changes)
{
    zmtp_free(NULL, changes->events, changes->space * sizeof *changes->events);
    garden_arena_fini(&changes->arena);
    *changes = (struct changes){0};
}

void changes_clear(struct changes *changes)
{
    garden_arena_fini(&changes->arena);
    changes->count = 0;
}

bool changes_reserve(struct changes *changes, size_t count)
{
    if (count <= changes->space - changes->count) return true;
    size_t space = changes->space ? changes->space : CHANGES_SPACE_MIN;
    while (space - changes->count < count)
        space *= 2;
    struct garden_event *events = zmtp_realloc(
        NULL, changes->events, changes->space * sizeof *events, space * sizeof *events);
    if (!events) return false;
    changes->events = events;
    changes->space = space;
    return true;
}

void changes_add(struct changes *changes, const struct garden_event *event)
{
    assert(changes->count < changes->space);
    changes->events[changes->count++] = *event;
}

bool changes_keep(struct changes *changes, struct garden_text *text)
{
    char *copy = garden_arena_alloc(&changes->arena, text->size + 1, 1);
    if (!copy) return false;
    if (text->size > 0) memcpy(copy, text->data, text->size);
    text->data = copy;
    return true;
}
