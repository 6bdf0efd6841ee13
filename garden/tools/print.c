// A value for a person: a scalar as it is, an object as lines "name: value", a list of objects as a table; what an
// object has inside of it is shifted to the right.
#include <string.h>

#include "../core/admit.h"
#include "tool.h"

enum { PRINT_CELL_SIZE = 128, PRINT_COLUMNS_MAX = 32, PRINT_DEPTH_MAX = 8, PRINT_INDENT = 2 };

// One line for |value|: text without quotes, all else as JSON. Cut to fit.
static void print_cell(const struct garden_value *value, char *out, size_t size)
{
    struct garden_text text;
    struct garden_buffer json;
    if (garden_value_to_text(value, &text)) {
        (void)snprintf(out, size, "%.*s", (int)text.size, text.data);
    } else if (value->type == GARDEN_NULL) {
        (void)snprintf(out, size, "-");
    } else {
        garden_buffer_init(&json, NULL, 0);
        if (garden_json_encode(value, &json) < 0) garden_buffer_clear(&json);
        (void)snprintf(out, size, "%.*s", (int)json.size, (const char *)json.data);
        garden_buffer_fini(&json);
    }
    garden__text_tame(out); // a stranger's octets may be anything
}

static bool print_is_table(const struct garden_value *value)
{
    if (value->type != GARDEN_LIST || value->list.count == 0) return false;
    for (size_t i = 0; i < value->list.count; i++)
        if (value->list.items[i].type != GARDEN_MAP) return false;
    return value->list.items[0].map.count <= PRINT_COLUMNS_MAX;
}

// The value of |key|, whose text need not end with a zero.
static const struct garden_value *print_find(const struct garden_map *map, struct garden_text key)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct garden_text own = map->entries[i].key;
        if (own.size == key.size && memcmp(own.data, key.data, key.size) == 0)
            return &map->entries[i].value;
    }
    return NULL;
}

// The cell of column |column|; of the head for row 0.
static void print_table_cell(const struct garden_value_list *rows, size_t row, size_t column,
                             char cell[PRINT_CELL_SIZE])
{
    const struct garden_text key = rows->items[0].map.entries[column].key;
    const struct garden_value name = garden_value_text(key), none = garden_value_null();
    const struct garden_value *value =
        row == 0 ? &name : print_find(&rows->items[row - 1].map, key);
    print_cell(value ? value : &none, cell, PRINT_CELL_SIZE);
}

// Several figures that belong together, too wide for a column.
static bool print_is_figures(const struct garden_value *value)
{
    if (value->type != GARDEN_MAP || value->map.count < 2) return false;
    for (size_t i = 0; i < value->map.count; i++)
        if (value->map.entries[i].value.type == GARDEN_MAP ||
            value->map.entries[i].value.type == GARDEN_LIST)
            return false;
    return true;
}

static void print_figures(struct garden_text key, const struct garden_map *figures, int indent)
{
    char cell[PRINT_CELL_SIZE];
    (void)printf("%*s%.*s:", indent, "", (int)key.size, key.data);
    for (size_t i = 0; i < figures->count; i++) {
        const struct garden_entry *figure = &figures->entries[i];
        print_cell(&figure->value, cell, sizeof cell);
        (void)printf("%s %.*s %s", i > 0 ? "," : "", (int)figure->key.size, figure->key.data, cell);
    }
    (void)putchar('\n');
}

// Those of a row, whose columns |names| tells.
static void print_row_figures(const struct garden_map *names, const struct garden_map *row,
                              int indent)
{
    for (size_t i = 0; i < names->count; i++) {
        const struct garden_entry *name = &names->entries[i];
        const struct garden_value *value =
            print_is_figures(&name->value) ? print_find(row, name->key) : NULL;
        if (value && value->type == GARDEN_MAP) print_figures(name->key, &value->map, indent);
    }
}

// The columns are the first row's names, but for those of figures, which are lines below their row.
static void print_table(const struct garden_value_list *rows, int indent)
{
    const struct garden_map *names = &rows->items[0].map;
    int widths[PRINT_COLUMNS_MAX] = {0};
    char cell[PRINT_CELL_SIZE];
    size_t last = names->count;
    for (size_t i = 0; i < names->count; i++)
        if (!print_is_figures(&names->entries[i].value)) last = i;
    for (size_t row = 0; row <= rows->count; row++)
        for (size_t i = 0; i < names->count; i++) {
            print_table_cell(rows, row, i, cell);
            const int size = (int)strlen(cell);
            if (size > widths[i]) widths[i] = size;
        }
    for (size_t row = 0; row <= rows->count; row++) {
        (void)printf("%*s", indent, "");
        for (size_t i = 0; i < names->count; i++) {
            if (last < names->count && print_is_figures(&names->entries[i].value)) continue;
            print_table_cell(rows, row, i, cell);
            if (i != last && i + 1 < names->count)
                (void)printf("%-*s  ", widths[i], cell);
            else
                (void)puts(cell);
        }
        if (row > 0 && last < names->count)
            print_row_figures(names, &rows->items[row - 1].map, indent + PRINT_INDENT);
    }
}

static bool print_is_none(const struct garden_value *value)
{
    return value->type == GARDEN_LIST && value->list.count == 0;
}

static void print_line(const struct garden_entry *entry, int indent)
{
    char cell[PRINT_CELL_SIZE * 8];
    print_cell(&entry->value, cell, sizeof cell);
    (void)printf("%*s%.*s: %s\n", indent, "", (int)entry->key.size, entry->key.data,
                 print_is_none(&entry->value) ? "none" : cell);
}

// One field of an object, with what it has inside of it.
static void print_field(const struct garden_entry *entry)
{
    const struct garden_value *value = &entry->value;
    const bool is_table = print_is_table(value);
    if (!is_table && (value->type != GARDEN_MAP || value->map.count == 0)) {
        print_line(entry, 0);
        return;
    }
    (void)printf("%.*s:\n", (int)entry->key.size, entry->key.data);
    if (is_table) print_table(&value->list, PRINT_INDENT);
    for (size_t i = 0; !is_table && i < value->map.count; i++)
        print_line(&value->map.entries[i], PRINT_INDENT);
}

void tool_print_value(const struct garden_value *value)
{
    char cell[PRINT_CELL_SIZE * 8];
    // A variant or a wrapper with one thing inside is that thing.
    for (int depth = 0;
         depth < PRINT_DEPTH_MAX && value->type == GARDEN_MAP && value->map.count == 1; depth++)
        value = &value->map.entries[0].value;
    if (print_is_table(value)) {
        print_table(&value->list, 0);
    } else if (print_is_none(value)) {
        (void)puts("none");
    } else if (value->type == GARDEN_MAP) {
        for (size_t i = 0; i < value->map.count; i++)
            print_field(&value->map.entries[i]);
    } else {
        print_cell(value, cell, sizeof cell);
        (void)puts(value->type == GARDEN_NULL ? "ok" : cell);
    }
}

int tool_content(const struct garden_message *message, struct garden_buffer *json,
                 struct garden_arena *arena, struct garden_value *out)
{
    const struct garden_form form = {GARDEN_JSON, GARDEN_EXTERNAL};
    struct garden_value whole;
    int result = garden_message_encode(message, form, json, NULL);
    if (result == GARDEN_OK)
        result = garden_json_decode(garden_buffer_bytes(json), arena, &whole, NULL);
    if (result < 0) return result;
    const struct garden_value *found = garden_value_find(&whole, "content");
    *out = found ? *found : whole;
    return GARDEN_OK;
}

void tool_content_line(const struct garden_message *message, char *out, size_t size)
{
    struct garden_buffer json;
    struct garden_arena arena;
    struct garden_value content;
    garden_buffer_init(&json, NULL, 0);
    garden_arena_init(&arena, NULL, 0);
    out[0] = 0;
    if (tool_content(message, &json, &arena, &content) == GARDEN_OK) {
        // Its variant's name is told elsewhere; one without fields has nothing more to tell.
        const char *name = garden_message_name(message);
        if (content.type == GARDEN_MAP && content.map.count == 1 &&
            garden_text_is(content.map.entries[0].key, name))
            content = content.map.entries[0].value;
        if (content.type != GARDEN_TEXT || !garden_text_is(content.text, name))
            print_cell(&content, out, size);
    }
    garden_arena_fini(&arena);
    garden_buffer_fini(&json);
}
