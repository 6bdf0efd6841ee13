// Whole documents: a value from octets, and octets from a value.
#include "emit.h"
#include "tree.h"

static int document_finish(struct garden__tree *tree, struct garden_value *out,
                           struct garden_fault *fault)
{
    const int error = garden__tree_fault(tree, fault);
    if (!error) *out = garden__tree_value(tree);
    garden__tree_fini(tree);
    return error;
}

int garden_json_decode(struct zmtp_bytes in, struct garden_arena *arena, struct garden_value *out,
                       struct garden_fault *fault)
{
    struct garden__tree tree;
    garden__tree_init(&tree, arena);
    garden__json_read(&tree, in);
    return document_finish(&tree, out, fault);
}

int garden_msgpack_decode(struct zmtp_bytes in, struct garden_arena *arena,
                          struct garden_value *out, struct garden_fault *fault)
{
    struct garden__tree tree;
    garden__tree_init(&tree, arena);
    garden__msgpack_read(&tree, in);
    return document_finish(&tree, out, fault);
}

static int document_encode(const struct garden_value *value, enum garden_encoding encoding,
                           struct garden_buffer *out)
{
    if (out->error) return out->error;
    const size_t size = out->size;
    struct garden__emitter e = {.out = out, .encoding = encoding};
    garden__emit_value(&e, value);
    return garden__emit_finish(&e, size);
}

int garden_json_encode(const struct garden_value *value, struct garden_buffer *out)
{
    return document_encode(value, GARDEN_JSON, out);
}

int garden_msgpack_encode(const struct garden_value *value, struct garden_buffer *out)
{
    return document_encode(value, GARDEN_MSGPACK, out);
}
