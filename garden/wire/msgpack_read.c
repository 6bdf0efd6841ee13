#include "tree.h"

#include <math.h>
#include <string.h>

// Input with a cursor: the first overrun sets |bad|, and later reads yield zero.
struct msgpack_reader {
    struct garden__tree *tree;
    const uint8_t *data;
    size_t size, at;
    bool bad;
    // Values that the open lists and maps still wait for, in all and one by one. Each takes at least
    // an octet, so no count is believed that asks for more than what is left.
    uint64_t owed;
    uint64_t left[GARDEN_DEPTH_MAX];
};

static uint64_t msgpack_be(struct msgpack_reader *r, size_t width)
{
    if (r->bad || width > r->size - r->at) {
        r->bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | r->data[r->at++];
    return value;
}

static void msgpack_fail(struct msgpack_reader *r, int error, size_t offset, const char *expected)
{
    garden__tree_fail(r->tree, error, offset, expected);
}

static void msgpack_add(struct msgpack_reader *r, size_t begin, struct garden_value value)
{
    value.offset = (uint32_t)begin;
    garden__tree_add(r->tree, value);
}

static void msgpack_real(struct msgpack_reader *r, size_t begin, double real)
{
    if (!isfinite(real)) {
        msgpack_fail(r, GARDEN_ERR_RANGE, begin, "a finite number");
        return;
    }
    msgpack_add(r, begin, garden_value_real(real));
}

// |size| octets that follow the head at |begin|.
static char *msgpack_octets(struct msgpack_reader *r, size_t begin, uint64_t size)
{
    if (r->bad || size > r->size - r->at) {
        r->bad = true;
        return NULL;
    }
    char *copy = garden__tree_copy(r->tree, r->data + r->at, (size_t)size, begin);
    r->at += (size_t)size;
    return copy;
}

static struct garden_text msgpack_string(struct msgpack_reader *r, size_t begin, uint64_t size)
{
    const struct garden_text text = {msgpack_octets(r, begin, size), (size_t)size};
    if (!text.data) return (struct garden_text){NULL, 0};
    if (!garden_text_valid(text)) msgpack_fail(r, GARDEN_ERR_FORMAT, begin, "a text in UTF-8");
    return text;
}

static void msgpack_binary(struct msgpack_reader *r, size_t begin, uint64_t size)
{
    const char *octets = msgpack_octets(r, begin, size);
    if (!octets) return;
    msgpack_add(r, begin,
                (struct garden_value){.type = GARDEN_OCTETS,
                                      .octets = {(const uint8_t *)octets, (size_t)size}});
}

static void msgpack_open(struct msgpack_reader *r, size_t begin, enum garden_value_type type,
                         uint64_t count)
{
    if (r->bad) return;
    const uint64_t children = type == GARDEN_MAP ? 2 * count : count;
    const size_t present = r->size - r->at;
    if (r->owed > present || children > present - r->owed) {
        msgpack_fail(r, GARDEN_ERR_FORMAT, begin, "a count that the document can hold");
        return;
    }
    garden__tree_open(r->tree, type, begin);
    if (r->tree->error) return;
    r->owed += children;
    r->left[r->tree->depth - 1] = children;
}

static double msgpack_float(uint32_t bits)
{
    float real;
    memcpy(&real, &bits, sizeof real);
    return (double)real;
}

static double msgpack_double(uint64_t bits)
{
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

// The size or count after a head that says how wide it is: |head| - |first| doubles it.
static uint64_t msgpack_length(struct msgpack_reader *r, unsigned head, unsigned first)
{
    return msgpack_be(r, (size_t)1 << (head - first));
}

static void msgpack_wide(struct msgpack_reader *r, unsigned head, size_t begin)
{
    switch (head) {
    case 0xc0:
        msgpack_add(r, begin, garden_value_null());
        return;
    case 0xc2:
    case 0xc3:
        msgpack_add(r, begin, garden_value_bool(head == 0xc3));
        return;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        msgpack_binary(r, begin, msgpack_length(r, head, 0xc4));
        return;
    case 0xca:
        msgpack_real(r, begin, msgpack_float((uint32_t)msgpack_be(r, 4)));
        return;
    case 0xcb:
        msgpack_real(r, begin, msgpack_double(msgpack_be(r, 8)));
        return;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        msgpack_add(r, begin, garden_value_uint(msgpack_length(r, head, 0xcc)));
        return;
    case 0xd0:
        msgpack_add(r, begin, garden_value_int((int8_t)msgpack_be(r, 1)));
        return;
    case 0xd1:
        msgpack_add(r, begin, garden_value_int((int16_t)msgpack_be(r, 2)));
        return;
    case 0xd2:
        msgpack_add(r, begin, garden_value_int((int32_t)msgpack_be(r, 4)));
        return;
    case 0xd3:
        msgpack_add(r, begin, garden_value_int((int64_t)msgpack_be(r, 8)));
        return;
    case 0xd9:
    case 0xda:
    case 0xdb:
        msgpack_add(r, begin,
                    garden_value_text(msgpack_string(r, begin, msgpack_length(r, head, 0xd9))));
        return;
    case 0xdc:
    case 0xdd:
        msgpack_open(r, begin, GARDEN_LIST, msgpack_length(r, head, 0xdb));
        return;
    case 0xde:
    case 0xdf:
        msgpack_open(r, begin, GARDEN_MAP, msgpack_length(r, head, 0xdd));
        return;
    default: // 0xc1 is never used; the others are extensions
        msgpack_fail(r, GARDEN_ERR_FORMAT, begin, "no extension type");
        return;
    }
}

static void msgpack_value(struct msgpack_reader *r)
{
    const size_t begin = r->at;
    const unsigned head = (unsigned)msgpack_be(r, 1);
    if (r->bad) return;
    if (head < 0x80) {
        msgpack_add(r, begin, garden_value_int((int64_t)head));
    } else if (head < 0x90) {
        msgpack_open(r, begin, GARDEN_MAP, head & 15);
    } else if (head < 0xa0) {
        msgpack_open(r, begin, GARDEN_LIST, head & 15);
    } else if (head < 0xc0) {
        msgpack_add(r, begin, garden_value_text(msgpack_string(r, begin, head & 31)));
    } else if (head < 0xe0) {
        msgpack_wide(r, head, begin);
    } else {
        msgpack_add(r, begin, garden_value_int((int64_t)head - 256));
    }
}

static void msgpack_key(struct msgpack_reader *r)
{
    const size_t begin = r->at;
    const unsigned head = (unsigned)msgpack_be(r, 1);
    if (r->bad) return;
    uint64_t size;
    if (head >= 0xa0 && head < 0xc0) {
        size = head & 31;
    } else if (head >= 0xd9 && head <= 0xdb) {
        size = msgpack_length(r, head, 0xd9);
    } else {
        msgpack_fail(r, GARDEN_ERR_FORMAT, begin, "a text as the key");
        return;
    }
    const struct garden_text key = msgpack_string(r, begin, size);
    if (key.data) garden__tree_key(r->tree, key);
}

// Reads the next key or value, and counts it off the container that it is in.
static void msgpack_step(struct msgpack_reader *r)
{
    struct garden__tree *tree = r->tree;
    if (tree->depth) {
        r->left[tree->depth - 1]--;
        r->owed--;
    }
    if (garden__tree_in_map(tree) && !tree->keyed) {
        msgpack_key(r);
    } else {
        msgpack_value(r);
    }
    if (r->bad) msgpack_fail(r, GARDEN_ERR_FORMAT, r->size, "more octets");
    while (!tree->error && tree->depth && r->left[tree->depth - 1] == 0)
        garden__tree_close(tree);
}

void garden__msgpack_read(struct garden__tree *tree, struct zmtp_bytes in)
{
    if (in.size > GARDEN_OCTETS_MAX) {
        garden__tree_fail(tree, GARDEN_ERR_LIMIT, 0, "a smaller document");
        return;
    }
    struct msgpack_reader r = {.tree = tree, .data = in.data, .size = in.size};
    do {
        msgpack_step(&r);
    } while (!tree->error && !garden__tree_whole(tree));
    if (r.at != r.size) msgpack_fail(&r, GARDEN_ERR_FORMAT, r.at, "the end of the document");
}
