// The small things that messages are made of: texts, uuids, times, and dynamic values as JSON knows
// them; the memory that decoded things live in; and whole JSON or MessagePack documents.
//
// Who owns what: a thing that was decoded lives in a struct garden_arena and is released with it, all
// at once. A thing that is to be encoded is only borrowed during the call, so it may be put together
// from string literals and arrays on the stack.
#ifndef GARDEN_VALUE_H
#define GARDEN_VALUE_H

#include <zmtp/base.h>

#include "errors.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined __cplusplus && defined __GNUC__
// Some functions are called as the structs that they return, which hides no constructor anybody wants.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

// A bounded heap that is only ever released whole.
struct garden_arena {
    const struct zmtp_allocator *allocator;
    struct garden__block *blocks;
    size_t bytes, bytes_max; // taken from |allocator| so far, and at most
    int error;               // why the last allocation failed: the limit or the heap
};

enum { GARDEN_ARENA_MAX = 64 * 1024 * 1024 };

// |allocator| null: the C library's heap. |bytes_max| 0: GARDEN_ARENA_MAX. Takes nothing yet.
void garden_arena_init(struct garden_arena *arena, const struct zmtp_allocator *allocator,
                       size_t bytes_max);
void garden_arena_fini(struct garden_arena *arena);
// |count| zeroed things of |size| octets, aligned for any type; null beyond the limit or the heap.
void *garden_arena_alloc(struct garden_arena *arena, size_t count, size_t size);

// Octets that grow at their end. A failed append sticks in |error|, and later ones do nothing; so one
// check after many appends is enough. Encoders that fail leave the buffer as it was before them.
struct garden_buffer {
    const struct zmtp_allocator *allocator;
    uint8_t *data;
    size_t size, capacity, size_max;
    int error;
};
// |allocator| null: the C library's heap. |size_max| 0: GARDEN_OCTETS_MAX.
void garden_buffer_init(struct garden_buffer *buffer, const struct zmtp_allocator *allocator,
                        size_t size_max);
void garden_buffer_fini(struct garden_buffer *buffer);
// Forgets the content and the error, keeps the memory.
void garden_buffer_clear(struct garden_buffer *buffer);
int garden_buffer_append(struct garden_buffer *buffer, const void *data, size_t size);
struct zmtp_bytes garden_buffer_bytes(const struct garden_buffer *buffer);

// UTF-8 text. A decoded one is also followed by a zero octet that |size| does not count; but it may
// hold zeros inside, so |size| is the truth. An empty one may have a null |data|.
struct garden_text {
    const char *data;
    size_t size;
};
struct garden_text garden_text_of(const char *text);
bool garden_text_is(struct garden_text text, const char *other);
bool garden_text_equal(struct garden_text a, struct garden_text b);
// Well-formed UTF-8: no surrogates, no overlong forms, nothing above U+10FFFF.
bool garden_text_valid(struct garden_text text);

struct garden_uuid {
    uint8_t octets[16];
};
enum { GARDEN_UUID_TEXT_SIZE = 36 };
// A version 4 uuid from 16 octets of the caller's randomness.
struct garden_uuid garden_uuid_v4(const uint8_t random[16]);
bool garden_uuid_equal(struct garden_uuid a, struct garden_uuid b);
bool garden_uuid_nil(struct garden_uuid uuid);
// Writes 36 lowercase characters and a zero.
void garden_uuid_format(struct garden_uuid uuid, char out[GARDEN_UUID_TEXT_SIZE + 1]);
// Reads the hyphenated form, in either case, or 32 digits alone. GARDEN_OK or GARDEN_ERR_FORMAT.
int garden_uuid_parse(struct garden_text text, struct garden_uuid *out);

// A moment of UTC: seconds since 1970 without leap seconds, years 0000 to 9999. |nanos| of 10^9 and
// above, only in the last second of a day, tell a leap second.
struct garden_time {
    int64_t seconds;
    uint32_t nanos;
};
enum { GARDEN_TIME_TEXT_MAX = 35 };
bool garden_time_valid(struct garden_time time);
// RFC 3339 with 0, 3, 6 or 9 fraction digits and a Z, and a zero. Returns the size without the zero,
// or GARDEN_ERR_RANGE.
int garden_time_format(struct garden_time time, char out[GARDEN_TIME_TEXT_MAX + 1]);
// RFC 3339 with any offset; digits beyond the ninth of a fraction are dropped. GARDEN_OK,
// GARDEN_ERR_FORMAT or, for a day, hour or year that does not exist, GARDEN_ERR_RANGE.
int garden_time_parse(struct garden_text text, struct garden_time *out);

// A dynamic value. Integers that fit an int64_t are GARDEN_INT; only larger ones are GARDEN_UINT.
enum garden_value_type {
    GARDEN_NULL,
    GARDEN_BOOL,
    GARDEN_INT,
    GARDEN_UINT,
    GARDEN_REAL, // finite
    GARDEN_TEXT,
    GARDEN_OCTETS, // MessagePack only; no message has one but as a uuid
    GARDEN_LIST,
    GARDEN_MAP,
};
struct garden_value_list {
    struct garden_value *items;
    size_t count;
};
struct garden_map { // in the order it came in; no key is there twice
    struct garden_entry *entries;
    size_t count;
};
struct garden_value {
    enum garden_value_type type;
    uint32_t offset; // where it began in the octets it was read from
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double real;
        struct garden_text text;
        struct zmtp_bytes octets;
        struct garden_value_list list;
        struct garden_map map;
    };
};
struct garden_entry {
    struct garden_text key;
    struct garden_value value;
};

struct garden_value garden_value_null(void);
struct garden_value garden_value_bool(bool boolean);
struct garden_value garden_value_int(int64_t integer);
struct garden_value garden_value_uint(uint64_t natural);
struct garden_value garden_value_real(double real);
struct garden_value garden_value_text(struct garden_text text);
// These borrow the array:
//   struct garden_entry entries[] = {garden_entry_of("status", garden_value_text(status))};
//   reply.result = garden_value_map(entries, 1);
struct garden_value garden_value_list(struct garden_value *items, size_t count);
struct garden_value garden_value_map(struct garden_entry *entries, size_t count);
struct garden_entry garden_entry_of(const char *key, struct garden_value value);

// Null when there is no such key, or |map| is null.
const struct garden_value *garden_map_find(const struct garden_map *map, const char *key);
// The same on a value; also null when it is null or no map.
const struct garden_value *garden_value_find(const struct garden_value *value, const char *key);
// True when |value| holds, exactly, what |out| can take: 3.0 is an integer, and 3 is a real.
bool garden_value_to_i64(const struct garden_value *value, int64_t *out);
bool garden_value_to_u64(const struct garden_value *value, uint64_t *out);
bool garden_value_to_real(const struct garden_value *value, double *out);
bool garden_value_to_text(const struct garden_value *value, struct garden_text *out);
bool garden_value_to_bool(const struct garden_value *value, bool *out);
// The order of a map's entries does not matter; an integer and a real are never equal.
bool garden_value_equal(const struct garden_value *a, const struct garden_value *b);
// A copy with everything in it, living in |arena|. GARDEN_ERR_MEMORY, or GARDEN_ERR_LIMIT when it is
// deeper than GARDEN_DEPTH_MAX.
int garden_value_copy(struct garden_arena *arena, const struct garden_value *from,
                      struct garden_value *to);

enum {
    GARDEN_DEPTH_MAX = 32,              // lists and maps inside each other
    GARDEN_OCTETS_MAX = 8 * 1024 * 1024 // of one encoded document
};

enum garden_encoding { GARDEN_MSGPACK, GARDEN_JSON };

// Where and why octets were refused. |text| is one line that holds all of it.
struct garden_fault {
    int code;
    size_t offset;  // the octet where the wrong thing begins
    char path[96];  // such as "content.CreateRegion.behavior.curve[3].beat"; "" is the document
    char text[256]; // such as "content.Seek.beat, octet 57: expected a beat, found text"
};

// One whole document: trailing octets, duplicate keys, a depth above GARDEN_DEPTH_MAX and text that is
// not UTF-8 are refused. |out| lives in |arena|, and is written only on success; |fault| may be null.
// JSON is RFC 8259's: an integer beyond 64 bits becomes the nearest real, a real beyond doubles is
// GARDEN_ERR_RANGE.
int garden_json_decode(struct zmtp_bytes in, struct garden_arena *arena, struct garden_value *out,
                       struct garden_fault *fault);
int garden_msgpack_decode(struct zmtp_bytes in, struct garden_arena *arena,
                          struct garden_value *out, struct garden_fault *fault);
// Appends compact JSON or MessagePack. On failure |out| is what it was: GARDEN_ERR_RANGE for a real
// that is not finite, GARDEN_ERR_FORMAT for text that is not UTF-8 and for octets, GARDEN_ERR_LIMIT
// beyond GARDEN_DEPTH_MAX or the buffer's limit.
int garden_json_encode(const struct garden_value *value, struct garden_buffer *out);
int garden_msgpack_encode(const struct garden_value *value, struct garden_buffer *out);

// ---- Words that are none

// The name nearest to |wanted| of those that were offered, if it is near enough to have been meant: by the letters
// that differ, whatever their case. Both live as long as it does.
struct garden_near {
    struct garden_text wanted;
    const char *best; // null: there is none
    size_t distance;
};
enum { GARDEN_NEAR_SIZE = 96 };
void garden_near_init(struct garden_near *near, struct garden_text wanted);
void garden_near_offer(struct garden_near *near, const char *name);
// "; did you mean 'x'?", or nothing.
void garden_near_text(const struct garden_near *near, char out[GARDEN_NEAR_SIZE]);

#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif
#ifdef __cplusplus
}
#endif
#endif
