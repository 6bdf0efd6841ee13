#include "../base/reader.h"
#include "../base/writer.h"
#include "../wire.h"

int zmtp_property_next(struct zmtp_bytes *rest, struct zmtp_property *out)
{
    if (!rest || !out || !zmtp__octets_ok(*rest)) return ZMTP_ERR_ARGUMENT;
    if (rest->size == 0) return 0;
    struct zmtp__reader r = zmtp__reader_of(*rest);
    const struct zmtp_bytes name = zmtp__read_bytes(&r, (size_t)zmtp__read_be(&r, 1));
    const uint64_t size = zmtp__read_be(&r, 4);
    if (r.bad) return ZMTP_ERR_METADATA;
    if (name.size == 0) return ZMTP_ERR_METADATA;
    if (size > INT32_MAX) return ZMTP_ERR_METADATA;
    const struct zmtp_bytes value = zmtp__read_bytes(&r, (size_t)size);
    if (r.bad) return ZMTP_ERR_METADATA;

    *out = (struct zmtp_property){.name = name, .value = value};
    *rest = zmtp__read_rest(&r);
    return 1;
}

int zmtp_property_encode(const struct zmtp_property *property, uint8_t *out, size_t size)
{
    if (!property || (!out && size > 0)) return ZMTP_ERR_ARGUMENT;
    if (!zmtp__octets_ok(property->name) || !zmtp__octets_ok(property->value))
        return ZMTP_ERR_ARGUMENT;
    if (property->name.size == 0 || property->name.size > UINT8_MAX) return ZMTP_ERR_ARGUMENT;
    if (property->value.size > (size_t)INT32_MAX - 5 - UINT8_MAX) return ZMTP_ERR_ARGUMENT;

    struct zmtp__writer w = zmtp__writer_of(out, size);
    zmtp__write_be(&w, property->name.size, 1);
    zmtp__write_bytes(&w, property->name);
    zmtp__write_be(&w, property->value.size, 4);
    zmtp__write_bytes(&w, property->value);
    return w.bad ? ZMTP_ERR_LIMIT : (int)w.filled;
}

static uint8_t metadata_lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + ('a' - 'A')) : octet;
}

static bool metadata_names_equal(struct zmtp_bytes a, struct zmtp_bytes b)
{
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; i++) {
        if (metadata_lower(a.data[i]) != metadata_lower(b.data[i])) return false;
    }
    return true;
}

bool zmtp_property_is(const struct zmtp_property *property, const char *name)
{
    if (!property || !zmtp__octets_ok(property->name)) return false;
    return metadata_names_equal(property->name, zmtp_bytes_text(name));
}

static bool metadata_name_ok(struct zmtp_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        const uint8_t octet = metadata_lower(name.data[i]);
        const bool letter = octet >= 'a' && octet <= 'z';
        const bool digit = octet >= '0' && octet <= '9';
        const bool mark = octet == '-' || octet == '_' || octet == '.' || octet == '+';
        if (!letter && !digit && !mark) return false;
    }
    return true;
}

// The first property of |metadata| with this name: 1 and |out|, 0 when there is none, or negative.
static int metadata_seek(struct zmtp_bytes metadata, struct zmtp_bytes name,
                         struct zmtp_property *out)
{
    for (;;) {
        const int result = zmtp_property_next(&metadata, out);
        if (result <= 0 || metadata_names_equal(out->name, name)) return result;
    }
}

int zmtp_metadata_check(struct zmtp_bytes metadata, size_t properties_max)
{
    struct zmtp_bytes rest = metadata;
    struct zmtp_property property, first;
    for (size_t count = 0;; count++) {
        const int result = zmtp_property_next(&rest, &property);
        if (result <= 0) return result;
        if (count == properties_max) return ZMTP_ERR_METADATA;
        if (!metadata_name_ok(property.name)) return ZMTP_ERR_METADATA;
        // The first of this name is this one, unless it came before. Few properties are allowed, so
        // looking from the start each time costs less than remembering.
        (void)metadata_seek(metadata, property.name, &first); // it finds at least |property|
        if (first.name.data != property.name.data) return ZMTP_ERR_METADATA;
    }
}

int zmtp_metadata_check_application(struct zmtp_bytes metadata)
{
    if (metadata.size > ZMTP_APPLICATION_METADATA_MAX) return ZMTP_ERR_LIMIT;
    const int result = zmtp_metadata_check(metadata, SIZE_MAX);
    struct zmtp_property property;
    while (result == ZMTP_OK && zmtp_property_next(&metadata, &property) > 0) {
        const struct zmtp_bytes name = property.name;
        const struct zmtp_bytes prefix = {name.data, name.size < 2 ? name.size : 2};
        if (!metadata_names_equal(prefix, zmtp_bytes_text("X-"))) return ZMTP_ERR_METADATA;
    }
    return result;
}

int zmtp_metadata_find(struct zmtp_bytes metadata, const char *name, struct zmtp_bytes *value)
{
    if (!value) return ZMTP_ERR_ARGUMENT;
    struct zmtp_property property;
    if (metadata_seek(metadata, zmtp_bytes_text(name), &property) <= 0) return ZMTP_ERR_NOT_FOUND;
    *value = property.value;
    return ZMTP_OK;
}
