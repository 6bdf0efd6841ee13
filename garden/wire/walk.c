#include "walk.h"

#include <assert.h>
#include <string.h>

#include "line.h"

static struct garden__place *walk_enter(struct garden__walk *walk)
{
    assert(walk->depth < GARDEN__WALK_MAX); // the schema is no deeper, whatever the octets are
    return &walk->places[walk->depth++];
}

void garden__walk_fields(struct garden__walk *walk, const char *variant,
                         const struct garden__field *fields, size_t count)
{
    *walk_enter(walk) =
        (struct garden__place){.variant = variant, .fields = fields, .count = count};
}

void garden__walk_items(struct garden__walk *walk, const struct garden__type *item, size_t count)
{
    *walk_enter(walk) = (struct garden__place){.item = item, .count = count};
}

static void walk_name(struct garden__line *path, const char *name)
{
    if (path->used) garden__line_text(path, ".");
    garden__line_text(path, name);
}

static void walk_path(const struct garden__walk *walk, struct garden__line *path)
{
    garden__line_text(path, walk->root);
    for (unsigned i = 0; i < walk->depth; i++) {
        const struct garden__place *place = &walk->places[i];
        if (place->variant) walk_name(path, place->variant);
        if (place->next == 0) continue; // nothing in it was begun
        if (place->fields) {
            walk_name(path, place->fields[place->next - 1].name);
        } else {
            garden__line_text(path, "[");
            garden__line_number(path, place->next - 1);
            garden__line_text(path, "]");
        }
    }
}

void garden__walk_fault(const struct garden__walk *walk, struct garden_fault *fault, int code,
                        size_t offset, const char *what, const char *found)
{
    *fault = (struct garden_fault){.code = code, .offset = offset};
    struct garden__line path = garden__line_of(fault->path, sizeof fault->path);
    walk_path(walk, &path);
    struct garden__line text = garden__line_of(fault->text, sizeof fault->text);
    garden__line_text(&text, path.used ? fault->path : "the message");
    if (found) {
        garden__line_text(&text, ", octet ");
        garden__line_number(&text, offset);
    }
    garden__line_text(&text, ": ");
    garden__line_text(&text, what);
    if (found) {
        garden__line_text(&text, ", found ");
        garden__line_foreign(&text, found, strlen(found));
    }
}
