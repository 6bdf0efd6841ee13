// A tree of values under construction: the one place that JSON's and MessagePack's readers share. They
// feed it keys and values in the order of the document; it keeps finished children on a stack, and
// copies them into the arena, exactly sized, when their list or map closes. So memory grows with the
// octets that arrived and never with a count that was promised.
#ifndef GARDEN_WIRE_TREE_H
#define GARDEN_WIRE_TREE_H

#include "../value.h"

struct garden__tree {
    struct garden_arena *arena;
    struct garden_entry *stack; // those of open lists have no key
    size_t count, capacity;
    size_t
        open[GARDEN_DEPTH_MAX]; // where on the stack each open list or map is; its children follow
    unsigned depth;
    bool keyed;   // the top of the stack has its key and waits for its value
    bool content; // it will stand in a message, and so has one depth less for itself
    // The first failure; later calls do nothing.
    int error;
    size_t error_offset;
    const char *expected;
};

// Borrows |arena| and, through it, the allocator. fini releases the stack, not the arena.
void garden__tree_init(struct garden__tree *tree, struct garden_arena *arena);
void garden__tree_fini(struct garden__tree *tree);

// True once the document's one value is whole.
bool garden__tree_whole(const struct garden__tree *tree);
// True when the innermost open container is a map.
bool garden__tree_in_map(const struct garden__tree *tree);

void garden__tree_key(struct garden__tree *tree, struct garden_text key);
// A value that holds no others.
void garden__tree_add(struct garden__tree *tree, struct garden_value value);
void garden__tree_open(struct garden__tree *tree, enum garden_value_type type, size_t offset);
void garden__tree_close(struct garden__tree *tree);
// |expected| is a constant phrase: "a colon".
void garden__tree_fail(struct garden__tree *tree, int error, size_t offset, const char *expected);

// A zero-terminated copy of |size| octets in the arena, or the tree fails.
char *garden__tree_copy(struct garden__tree *tree, const void *data, size_t size, size_t offset);

// The document's value. Only of a whole tree.
struct garden_value garden__tree_value(const struct garden__tree *tree);
// What can be told of the outermost list's |index|-th item or the outermost map's |key|, even of a
// document that failed further on. Null when it is not there or not finished.
const struct garden_value *garden__tree_salvage(const struct garden__tree *tree, size_t index,
                                                const char *key);
// Tells the failure to |fault|, which may be null; returns its code.
int garden__tree_fault(const struct garden__tree *tree, struct garden_fault *fault);

// The two readers. They read all of |in| into |tree|, and leave it whole or failed.
void garden__json_read(struct garden__tree *tree, struct zmtp_bytes in);
void garden__msgpack_read(struct garden__tree *tree, struct zmtp_bytes in);
// The one that the first octet calls for: of a list or map in MessagePack its high bit is set, and
// JSON begins in ASCII.
enum garden_encoding garden__tree_read(struct garden__tree *tree, struct zmtp_bytes in);

#endif
