// Metadata: walking, checking and finding agree, and the properties encode back to the same octets.
#include "check.h"
#include "fuzz.h"
#include "zmtp/wire.h"

enum { PROPERTIES_MAX = 8, METADATA_MAX = 4096 };

// What a plain walk finds.
struct walk {
    struct zmtp_property properties[PROPERTIES_MAX + 1];
    size_t count; // stops one beyond the limit
    bool whole;   // the walk came to the end
    uint8_t encoded[METADATA_MAX];
    size_t encoded_size;
};

static void walk_all(struct walk *walk, struct zmtp_bytes metadata)
{
    struct zmtp_bytes rest = metadata;
    int result = 1;
    while (walk->count <= PROPERTIES_MAX) {
        struct zmtp_property *const property = &walk->properties[walk->count];
        const struct zmtp_bytes before = rest;
        result = zmtp_property_next(&rest, property);
        if (result <= 0) {
            fuzz_check(rest.data == before.data && rest.size == before.size);
            break;
        }
        fuzz_check(rest.size < before.size);
        fuzz_check(property->name.size >= 1 && property->name.size <= UINT8_MAX);
        fuzz_check(fuzz_is_within(property->name, before));
        fuzz_check(fuzz_is_within(property->value, before));
        const int written = zmtp_property_encode(property, walk->encoded + walk->encoded_size,
                                                 sizeof walk->encoded - walk->encoded_size);
        fuzz_check(written > 0);
        walk->encoded_size += (size_t)written;
        walk->count++;
    }
    fuzz_check(result == 1 || result == 0 || result == ZMTP_ERR_METADATA);
    fuzz_check_equal(zmtp_bytes_of(walk->encoded, walk->encoded_size),
                     zmtp_bytes_of(metadata.data, walk->encoded_size));
    walk->whole = result == 0;
}

// The name as a C string, each letter in the other case.
static void swap_case(struct zmtp_bytes name, char out[UINT8_MAX + 1])
{
    for (size_t i = 0; i < name.size; i++) {
        const char octet = (char)name.data[i];
        const bool letter = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
        out[i] = (char)(letter ? octet ^ 0x20 : octet);
    }
    out[name.size] = 0;
}

static bool is_name(struct zmtp_bytes name)
{
    static const char octets[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";
    for (size_t i = 0; i < name.size; i++) {
        if (!memchr(octets, name.data[i], sizeof octets - 1)) return false;
    }
    return true;
}

static void check_found(const struct walk *walk, struct zmtp_bytes metadata, bool accepted)
{
    for (size_t i = 0; i < walk->count; i++) {
        const struct zmtp_property *const property = &walk->properties[i];
        if (!is_name(property->name)) {
            fuzz_check(!accepted);
            continue;
        }
        char name[UINT8_MAX + 1];
        struct zmtp_bytes value;
        swap_case(property->name, name);
        fuzz_check(zmtp_metadata_find(metadata, name, &value) == ZMTP_OK);
        if (accepted) fuzz_check(value.data == property->value.data); // the only one of its name
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct zmtp_bytes metadata = zmtp_bytes_of(data, size);
    if (size > METADATA_MAX) return 0;

    struct walk walk = {.count = 0};
    walk_all(&walk, metadata);
    const int result = zmtp_metadata_check(metadata, PROPERTIES_MAX);
    fuzz_check(result == ZMTP_OK || result == ZMTP_ERR_METADATA);
    if (result == ZMTP_OK) {
        fuzz_check(walk.whole);
        fuzz_check(walk.encoded_size == size);
        if (walk.count > 0) {
            fuzz_check(zmtp_metadata_check(metadata, walk.count) == ZMTP_OK);
            fuzz_check(zmtp_metadata_check(metadata, walk.count - 1) == ZMTP_ERR_METADATA);
        }
    }
    check_found(&walk, metadata, result == ZMTP_OK);
    return 0;
}
