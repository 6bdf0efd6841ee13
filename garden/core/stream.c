#include "../stream.h"

#include <string.h>

// ---- Writing

struct garden_value garden_gap_value(const struct garden_gap *gap, struct garden_arena *arena)
{
    struct garden_value *pair = garden_arena_alloc(arena, 2, sizeof *pair);
    if (!pair) return garden_value_null();
    pair[0] = garden_value_uint(gap->first);
    pair[1] = garden_value_uint(gap->count);
    return garden_value_list(pair, 2);
}

int garden_chunk_report_value(const struct garden_chunk_report *report, struct garden_arena *arena,
                              struct garden_value *out)
{
    enum { ENTRIES = 6 };
    struct garden_entry *entries = garden_arena_alloc(arena, ENTRIES, sizeof *entries);
    struct garden_value *gaps =
        garden_arena_alloc(arena, report->gap_count + 1, sizeof *gaps); // never of nothing
    const size_t path_size = strlen(report->path);
    char *path = garden_arena_alloc(arena, path_size + 1, 1);
    if (!entries || !gaps || !path) return arena->error;
    memcpy(path, report->path, path_size + 1);
    for (size_t i = 0; i < report->gap_count; i++) {
        gaps[i] = garden_gap_value(&report->gaps[i], arena);
        if (gaps[i].type == GARDEN_NULL) return arena->error;
    }
    entries[0] = garden_entry_of("number", garden_value_uint(report->number));
    entries[1] = garden_entry_of("path", garden_value_text(garden_text_of(path)));
    entries[2] = garden_entry_of("first_sample", garden_value_uint(report->first));
    entries[3] = garden_entry_of("sample_count", garden_value_uint(report->frames));
    entries[4] = garden_entry_of("byte_count", garden_value_uint(report->bytes));
    entries[5] = garden_entry_of("gaps", garden_value_list(gaps, report->gap_count));
    *out = garden_value_map(entries, ENTRIES);
    return GARDEN_OK;
}

int garden_capture_totals_value(const struct garden_capture_totals *totals,
                                struct garden_arena *arena, struct garden_value *out)
{
    enum { ENTRIES = 5 };
    struct garden_entry *entries = garden_arena_alloc(arena, ENTRIES, sizeof *entries);
    if (!entries) return arena->error;
    entries[0] = garden_entry_of("offered", garden_value_uint(totals->offered));
    entries[1] = garden_entry_of("captured", garden_value_uint(totals->captured));
    entries[2] = garden_entry_of("overrun", garden_value_uint(totals->overrun));
    entries[3] = garden_entry_of("bytes", garden_value_uint(totals->bytes));
    entries[4] = garden_entry_of("chunks", garden_value_uint(totals->chunks));
    *out = garden_value_map(entries, ENTRIES);
    return GARDEN_OK;
}

// ---- Reading

static bool stream_number(const struct garden_value *map, const char *key, uint64_t *out)
{
    return garden_value_to_u64(garden_value_find(map, key), out);
}

static bool stream_gap(const struct garden_value *value, struct garden_gap *out)
{
    return value->type == GARDEN_LIST && value->list.count == 2 &&
           garden_value_to_u64(&value->list.items[0], &out->first) &&
           garden_value_to_u64(&value->list.items[1], &out->count) &&
           out->count <= UINT64_MAX - out->first;
}

static bool stream_gaps(const struct garden_value *value, struct garden_chunk_report *out)
{
    if (!value || value->type != GARDEN_LIST) return false;
    if (value->list.count > GARDEN_CHUNK_GAPS_MAX) return false;
    for (size_t i = 0; i < value->list.count; i++)
        if (!stream_gap(&value->list.items[i], &out->gaps[i])) return false;
    out->gap_count = value->list.count;
    return true;
}

int garden_chunk_report_read(const struct garden_value *value, struct garden_chunk_report *out)
{
    struct garden_chunk_report report = {0};
    struct garden_text path;
    if (!garden_value_to_text(garden_value_find(value, "path"), &path)) return GARDEN_ERR_FORMAT;
    if (path.size >= sizeof report.path) return GARDEN_ERR_FORMAT;
    if (path.size > 0 && memchr(path.data, 0, path.size)) return GARDEN_ERR_FORMAT;
    if (path.size > 0) memcpy(report.path, path.data, path.size);
    if (!stream_number(value, "number", &report.number)) return GARDEN_ERR_FORMAT;
    if (!stream_number(value, "first_sample", &report.first)) return GARDEN_ERR_FORMAT;
    if (!stream_number(value, "sample_count", &report.frames)) return GARDEN_ERR_FORMAT;
    if (report.frames > UINT64_MAX - report.first) return GARDEN_ERR_FORMAT;
    if (!stream_number(value, "byte_count", &report.bytes)) return GARDEN_ERR_FORMAT;
    if (!stream_gaps(garden_value_find(value, "gaps"), &report)) return GARDEN_ERR_FORMAT;
    *out = report;
    return GARDEN_OK;
}

int garden_capture_totals_read(const struct garden_value *value, struct garden_capture_totals *out)
{
    struct garden_capture_totals totals;
    if (!stream_number(value, "offered", &totals.offered)) return GARDEN_ERR_FORMAT;
    if (!stream_number(value, "captured", &totals.captured)) return GARDEN_ERR_FORMAT;
    if (!stream_number(value, "overrun", &totals.overrun)) return GARDEN_ERR_FORMAT;
    if (!stream_number(value, "bytes", &totals.bytes)) return GARDEN_ERR_FORMAT;
    if (!stream_number(value, "chunks", &totals.chunks)) return GARDEN_ERR_FORMAT;
    *out = totals;
    return GARDEN_OK;
}

// ---- Codes of errors

static const struct {
    int code;
    const char *name;
} stream_codes[] = {
    {GARDEN_ERR_ARGUMENT, "argument"},   {GARDEN_ERR_STATE, "state"},
    {GARDEN_ERR_MEMORY, "memory"},       {GARDEN_ERR_SYSTEM, "system"},
    {GARDEN_ERR_NO_SPACE, "no_space"},   {GARDEN_ERR_EXISTS, "exists"},
    {GARDEN_ERR_NOT_FOUND, "not_found"}, {GARDEN_ERR_ACCESS, "access"},
    {GARDEN_ERR_TIMEOUT, "timeout"},     {GARDEN_ERR_FORMAT, "format"},
    {GARDEN_ERR_LIMIT, "limit"},         {GARDEN_ERR_RANGE, "range"},
    {GARDEN_ERR_CORRUPT, "corrupt"},
};
enum { STREAM_CODES = sizeof stream_codes / sizeof *stream_codes };

struct garden_entry garden_code_entry(int code)
{
    const char *name = "system";
    for (size_t i = 0; i < STREAM_CODES; i++)
        if (stream_codes[i].code == code) name = stream_codes[i].name;
    return garden_entry_of("code", garden_value_text(garden_text_of(name)));
}

int garden_code_read(const struct garden_map *metadata)
{
    struct garden_text name;
    if (!garden_value_to_text(garden_map_find(metadata, "code"), &name)) return GARDEN_ERR_SYSTEM;
    for (size_t i = 0; i < STREAM_CODES; i++)
        if (garden_text_is(name, stream_codes[i].name)) return stream_codes[i].code;
    return GARDEN_ERR_SYSTEM;
}

// ---- Formats

static enum garden_sample_format stream_sample(enum garden_wire_sample sample)
{
    switch (sample) {
    case GARDEN_WIRE_SAMPLE_F32_LE:
        break;
    case GARDEN_WIRE_SAMPLE_S16_LE:
        return GARDEN_SAMPLE_S16_LE;
    case GARDEN_WIRE_SAMPLE_S24_LE:
        return GARDEN_SAMPLE_S24_LE;
    case GARDEN_WIRE_SAMPLE_S32_LE:
        return GARDEN_SAMPLE_S32_LE;
    }
    return GARDEN_SAMPLE_F32_LE;
}

static enum garden_wire_sample stream_wire_sample(enum garden_sample_format sample)
{
    switch (sample) {
    case GARDEN_SAMPLE_F32_LE:
        break;
    case GARDEN_SAMPLE_S16_LE:
        return GARDEN_WIRE_SAMPLE_S16_LE;
    case GARDEN_SAMPLE_S24_LE:
        return GARDEN_WIRE_SAMPLE_S24_LE;
    case GARDEN_SAMPLE_S32_LE:
        return GARDEN_WIRE_SAMPLE_S32_LE;
    }
    return GARDEN_WIRE_SAMPLE_F32_LE;
}

int garden_stream_format_read(const struct garden_stream_definition *definition,
                              struct garden_stream_format *out)
{
    struct garden_stream_format format = {.kind = GARDEN_STREAM_MIDI};
    if (definition->format.kind == GARDEN_WIRE_FORMAT_AUDIO)
        format = (struct garden_stream_format){
            .kind = GARDEN_STREAM_AUDIO,
            .sample_rate = definition->format.audio.sample_rate,
            .channels = definition->format.audio.channels,
            .sample = stream_sample(definition->format.audio.sample_format),
        };
    if (garden_frame_size(&format) == 0) return GARDEN_ERR_RANGE;
    *out = format;
    return GARDEN_OK;
}

void garden_stream_definition_of(const struct garden_stream_format *format, uint64_t chunk_size,
                                 struct garden_text device, struct garden_stream_definition *out)
{
    *out = (struct garden_stream_definition){.device_identity = device,
                                             .chunk_size_bytes = chunk_size};
    if (format->kind == GARDEN_STREAM_MIDI) {
        out->format.kind = GARDEN_WIRE_FORMAT_MIDI;
        return;
    }
    out->format.kind = GARDEN_WIRE_FORMAT_AUDIO;
    out->format.audio.sample_rate = format->sample_rate;
    out->format.audio.channels = format->channels;
    out->format.audio.sample_format = stream_wire_sample(format->sample);
}
