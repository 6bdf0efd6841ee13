// What a daemon tells of a stream: any value is read as a chunk report, as totals and as an error's
// metadata. What was read is written, goes through both encodings and reads back the same. And any octets are a
// stream's name, or none.
#include "check.h"
#include "fuzz.h"

#include "garden/stream.h"

static struct garden_value stream_through(const struct garden_value *value, bool json,
                                          struct garden_arena *arena)
{
    struct garden_buffer octets;
    struct garden_value out;
    garden_buffer_init(&octets, arena->allocator, 0);
    fuzz_check((json ? garden_json_encode(value, &octets)
                     : garden_msgpack_encode(value, &octets)) == GARDEN_OK);
    const struct zmtp_bytes in = garden_buffer_bytes(&octets);
    fuzz_check((json ? garden_json_decode(in, arena, &out, NULL)
                     : garden_msgpack_decode(in, arena, &out, NULL)) == GARDEN_OK);
    garden_buffer_fini(&octets);
    return out;
}

static void stream_report(const struct garden_value *value, struct garden_arena *arena)
{
    struct garden_chunk_report report, again;
    struct garden_value written;
    if (garden_chunk_report_read(value, &report) < 0) return;
    fuzz_check(report.gap_count <= GARDEN_CHUNK_GAPS_MAX);
    fuzz_check(memchr(report.path, 0, sizeof report.path) != NULL);
    fuzz_check(report.first + report.frames >= report.first);
    for (size_t i = 0; i < report.gap_count; i++)
        fuzz_check(report.gaps[i].first + report.gaps[i].count >= report.gaps[i].first);
    for (int json = 0; json < 2; json++) {
        fuzz_check(garden_chunk_report_value(&report, arena, &written) == GARDEN_OK);
        written = stream_through(&written, json, arena);
        fuzz_check(garden_chunk_report_read(&written, &again) == GARDEN_OK);
        fuzz_check(memcmp(&report, &again, sizeof report) == 0); // both start as zeros
    }
}

static void stream_totals(const struct garden_value *value, struct garden_arena *arena)
{
    struct garden_capture_totals totals, again;
    struct garden_value written;
    if (garden_capture_totals_read(value, &totals) < 0) return;
    for (int json = 0; json < 2; json++) {
        fuzz_check(garden_capture_totals_value(&totals, arena, &written) == GARDEN_OK);
        written = stream_through(&written, json, arena);
        fuzz_check(garden_capture_totals_read(&written, &again) == GARDEN_OK);
        fuzz_check(memcmp(&totals, &again, sizeof totals) == 0);
    }
}

static void stream_code(const struct garden_value *value)
{
    if (value->type != GARDEN_MAP) return;
    const int code = garden_code_read(&value->map);
    fuzz_check(code < 0);
    struct garden_entry entry = garden_code_entry(code);
    const struct garden_map metadata = {&entry, 1};
    fuzz_check(garden_code_read(&metadata) == code);
}

// Reads |value|, and if it is a map, each of its members, as a reply has them.
static void stream_read(const struct garden_value *value, struct garden_arena *arena)
{
    stream_report(value, arena);
    stream_totals(value, arena);
    stream_code(value);
    if (value->type != GARDEN_MAP) return;
    for (size_t i = 0; i < value->map.count; i++) {
        stream_report(&value->map.entries[i].value, arena);
        stream_totals(&value->map.entries[i].value, arena);
    }
}

// A stream's name that is taken is one line, as it stands.
static void stream_name(struct zmtp_bytes in)
{
    const struct garden_text uri = {(const char *)in.data, in.size};
    if (garden_stream_uri_wrong(uri)) return;
    fuzz_check(in.size > 9 && in.size < GARDEN_URI_MAX && memcmp(in.data, "stream://", 9) == 0);
    fuzz_check(garden_text_valid(uri));
    for (size_t i = 0; i < in.size; i++)
        fuzz_check(in.data[i] >= 0x20 && in.data[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zmtp_budget budget;
    struct garden_arena arena;
    struct garden_value value;
    zmtp_budget_init(&budget, zmtp_heap());
    garden_arena_init(&arena, &budget.allocator, 0);
    const struct zmtp_bytes in = {data, size};
    const bool json = size > 0 && data[0] == '{';
    const int result = json ? garden_json_decode(in, &arena, &value, NULL)
                            : garden_msgpack_decode(in, &arena, &value, NULL);
    if (result == GARDEN_OK) stream_read(&value, &arena);
    stream_name(in);
    garden_arena_fini(&arena);
    fuzz_check(budget.bytes == 0 && budget.blocks == 0);
    return 0;
}
