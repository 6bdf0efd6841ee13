#include "tree.h"

#include <assert.h>
#include <string.h>

#include "line.h"

enum { TREE_STACK_MIN = 16 };

void garden__tree_init(struct garden__tree *tree, struct garden_arena *arena)
{
    *tree = (struct garden__tree){.arena = arena};
}

void garden__tree_fini(struct garden__tree *tree)
{
    zmtp_free(tree->arena->allocator, tree->stack, tree->capacity * sizeof *tree->stack);
    tree->stack = NULL;
}

bool garden__tree_whole(const struct garden__tree *tree)
{
    return !tree->error && tree->depth == 0 && tree->count == 1;
}

bool garden__tree_in_map(const struct garden__tree *tree)
{
    return tree->depth && tree->stack[tree->open[tree->depth - 1]].value.type == GARDEN_MAP;
}

void garden__tree_fail(struct garden__tree *tree, int error, size_t offset, const char *expected)
{
    if (tree->error) return; // the first reason is the true one
    tree->error = error;
    tree->error_offset = offset;
    tree->expected = expected;
}

static struct garden_entry *tree_push(struct garden__tree *tree)
{
    if (tree->count == tree->capacity) {
        const size_t capacity = tree->capacity ? tree->capacity * 2 : TREE_STACK_MIN;
        if (capacity > tree->arena->bytes_max / sizeof *tree->stack) {
            garden__tree_fail(tree, GARDEN_ERR_LIMIT, 0, "a document that fits the memory allowed");
            return NULL;
        }
        struct garden_entry *stack =
            zmtp_realloc(tree->arena->allocator, tree->stack, tree->capacity * sizeof *stack,
                         capacity * sizeof *stack);
        if (!stack) {
            garden__tree_fail(tree, GARDEN_ERR_MEMORY, 0, "memory");
            return NULL;
        }
        tree->stack = stack;
        tree->capacity = capacity;
    }
    struct garden_entry *entry = &tree->stack[tree->count++];
    *entry = (struct garden_entry){.key = {NULL, 0}};
    return entry;
}

void garden__tree_key(struct garden__tree *tree, struct garden_text key)
{
    if (tree->error) return;
    assert(garden__tree_in_map(tree) && !tree->keyed);
    struct garden_entry *entry = tree_push(tree);
    if (!entry) return;
    entry->key = key;
    tree->keyed = true;
}

void garden__tree_add(struct garden__tree *tree, struct garden_value value)
{
    if (tree->error) return;
    assert(tree->keyed == garden__tree_in_map(tree));
    struct garden_entry *entry = tree->keyed ? &tree->stack[tree->count - 1] : tree_push(tree);
    if (!entry) return;
    entry->value = value;
    tree->keyed = false;
}

void garden__tree_open(struct garden__tree *tree, enum garden_value_type type, size_t offset)
{
    if (tree->error) return;
    if (tree->depth + tree->content == GARDEN_DEPTH_MAX) {
        garden__tree_fail(tree, GARDEN_ERR_LIMIT, offset,
                          tree->content ? "at most 31 lists and maps in each other"
                                        : "at most 32 lists and maps in each other");
        return;
    }
    struct garden_value value =
        type == GARDEN_MAP ? garden_value_map(NULL, 0) : garden_value_list(NULL, 0);
    value.offset = (uint32_t)offset;
    garden__tree_add(tree, value);
    if (!tree->error) tree->open[tree->depth++] = tree->count - 1;
}

static int tree_key_order(const struct garden_entry *a, const struct garden_entry *b)
{
    const size_t size = a->key.size < b->key.size ? a->key.size : b->key.size;
    const int order = size ? memcmp(a->key.data, b->key.data, size) : 0;
    if (order) return order;
    return (a->key.size > b->key.size) - (a->key.size < b->key.size);
}

static void tree_sift(struct garden_entry *heap, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && tree_key_order(&heap[child], &heap[child + 1]) < 0) child++;
        if (tree_key_order(&heap[root], &heap[child]) >= 0) return;
        const struct garden_entry swap = heap[root];
        heap[root] = heap[child];
        heap[child] = swap;
    }
}

// Heap sort: no memory of its own, and no input makes it slow.
static void tree_sort(struct garden_entry *entries, size_t count)
{
    for (size_t root = count / 2; root-- > 0;)
        tree_sift(entries, root, count);
    for (size_t last = count; last-- > 1;) {
        const struct garden_entry swap = entries[0];
        entries[0] = entries[last];
        entries[last] = swap;
        tree_sift(entries, 0, last);
    }
}

// The children on the stack have been copied, so they may be put into any order.
static void tree_check_keys(struct garden__tree *tree, struct garden_entry *children, size_t count)
{
    tree_sort(children, count);
    for (size_t i = 1; i < count; i++) {
        if (tree_key_order(&children[i - 1], &children[i])) continue;
        const uint32_t a = children[i - 1].value.offset, b = children[i].value.offset;
        tree->count -= count; // so that the fault's path ends in the map
        garden__tree_fail(tree, GARDEN_ERR_FORMAT, a > b ? a : b, "each key once");
        return;
    }
}

static void *tree_alloc(struct garden__tree *tree, size_t count, size_t size, size_t offset)
{
    void *memory = garden_arena_alloc(tree->arena, count, size);
    if (!memory) {
        garden__tree_fail(tree, tree->arena->error, offset,
                          tree->arena->error == GARDEN_ERR_LIMIT
                              ? "a document that fits the memory allowed"
                              : "memory");
    }
    return memory;
}

void garden__tree_close(struct garden__tree *tree)
{
    if (tree->error) return;
    assert(tree->depth && !tree->keyed);
    const size_t index = tree->open[tree->depth - 1];
    struct garden_value *value = &tree->stack[index].value;
    struct garden_entry *children = &tree->stack[index + 1];
    const size_t count = tree->count - index - 1;
    if (count && value->type == GARDEN_MAP) {
        value->map.entries = tree_alloc(tree, count, sizeof *children, value->offset);
        if (!value->map.entries) return;
        memcpy(value->map.entries, children, count * sizeof *children);
        value->map.count = count;
        tree_check_keys(tree, children, count);
        if (tree->error) return;
    } else if (count) {
        value->list.items = tree_alloc(tree, count, sizeof *value, value->offset);
        if (!value->list.items) return;
        for (size_t i = 0; i < count; i++)
            value->list.items[i] = children[i].value;
        value->list.count = count;
    }
    tree->count = index + 1;
    tree->depth--;
}

char *garden__tree_copy(struct garden__tree *tree, const void *data, size_t size, size_t offset)
{
    char *copy = tree_alloc(tree, size + 1, 1, offset);
    if (copy && size) memcpy(copy, data, size);
    return copy;
}

struct garden_value garden__tree_value(const struct garden__tree *tree)
{
    assert(garden__tree_whole(tree));
    return tree->stack[0].value;
}

static const struct garden_value *tree_pick(const struct garden_value *outer,
                                            const struct garden_entry *children, size_t count,
                                            size_t index, const char *key)
{
    if (outer->type == GARDEN_LIST) return index < count ? &children[index].value : NULL;
    for (size_t i = 0; i < count; i++) {
        if (garden_text_is(children[i].key, key)) return &children[i].value;
    }
    return NULL;
}

const struct garden_value *garden__tree_salvage(const struct garden__tree *tree, size_t index,
                                                const char *key)
{
    if (tree->count == 0) return NULL;
    const struct garden_value *outer = &tree->stack[0].value;
    if (outer->type == GARDEN_MAP && outer->map.count) return garden_map_find(&outer->map, key);
    if (outer->type == GARDEN_LIST && outer->list.count) {
        return index < outer->list.count ? &outer->list.items[index] : NULL;
    }
    if (tree->depth == 0) return NULL;
    // It is still open. All below the second open container, or all there is, are finished children.
    const size_t end = tree->depth > 1 ? tree->open[1] : tree->count - tree->keyed;
    return tree_pick(outer, &tree->stack[1], end - 1, index, key);
}

static void tree_path(const struct garden__tree *tree, struct garden__line *path)
{
    for (unsigned i = 0; i < tree->depth; i++) {
        const size_t parent = tree->open[i];
        const bool map = tree->stack[parent].value.type == GARDEN_MAP;
        // The innermost list's next item is at fault, but the innermost map's last key.
        const size_t child = i + 1 < tree->depth ? tree->open[i + 1] : tree->count - map;
        if (child == parent) return; // a map without a key yet
        if (map) {
            if (path->used) garden__line_text(path, ".");
            garden__line_foreign(path, tree->stack[child].key.data, tree->stack[child].key.size);
        } else {
            garden__line_text(path, "[");
            garden__line_number(path, child - parent - 1);
            garden__line_text(path, "]");
        }
    }
}

int garden__tree_fault(const struct garden__tree *tree, struct garden_fault *fault)
{
    if (!fault) return tree->error;
    if (!tree->error) {
        *fault = (struct garden_fault){.code = GARDEN_OK};
        return GARDEN_OK;
    }
    *fault = (struct garden_fault){.code = tree->error, .offset = tree->error_offset};
    struct garden__line path = garden__line_of(fault->path, sizeof fault->path);
    tree_path(tree, &path);
    struct garden__line text = garden__line_of(fault->text, sizeof fault->text);
    if (path.used) {
        garden__line_text(&text, fault->path);
        garden__line_text(&text, ", ");
    }
    garden__line_text(&text, "octet ");
    garden__line_number(&text, fault->offset);
    garden__line_text(&text, ": expected ");
    garden__line_text(&text, tree->expected);
    return tree->error;
}

enum garden_encoding garden__tree_read(struct garden__tree *tree, struct zmtp_bytes in)
{
    if (in.size && in.data[0] & 0x80) {
        garden__msgpack_read(tree, in);
        return GARDEN_MSGPACK;
    }
    garden__json_read(tree, in);
    return GARDEN_JSON;
}
