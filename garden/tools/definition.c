#include "definition.h"

#include <string.h>

static const struct {
    enum garden_sample_format sample;
    const char *name, *wire;
} definition_samples[] = {
    {GARDEN_SAMPLE_F32_LE, "f32_le", "F32Le"},
    {GARDEN_SAMPLE_S16_LE, "s16_le", "S16Le"},
    {GARDEN_SAMPLE_S24_LE, "s24_le", "S24Le"},
    {GARDEN_SAMPLE_S32_LE, "s32_le", "S32Le"},
};
enum { DEFINITION_SAMPLES = sizeof definition_samples / sizeof *definition_samples };

bool tool_sample_parse(struct garden_text name, enum garden_sample_format *out)
{
    for (size_t i = 0; i < DEFINITION_SAMPLES; i++) {
        if (!garden_text_is(name, definition_samples[i].name) &&
            !garden_text_is(name, definition_samples[i].wire))
            continue;
        *out = definition_samples[i].sample;
        return true;
    }
    return false;
}

static const char *definition_wire_name(enum garden_sample_format sample)
{
    for (size_t i = 0; i < DEFINITION_SAMPLES; i++)
        if (definition_samples[i].sample == sample) return definition_samples[i].wire;
    return "unknown";
}

int tool_definition_print(const char *uri, const char *device,
                          const struct garden_stream_format *format, uint64_t chunk_size,
                          struct garden_buffer *out)
{
    const char *sample = definition_wire_name(format->sample);
    struct garden_entry audio[] = {
        garden_entry_of("sample_rate", garden_value_uint(format->sample_rate)),
        garden_entry_of("channels", garden_value_uint(format->channels)),
        garden_entry_of("sample_format", garden_value_text(garden_text_of(sample))),
    };
    struct garden_entry kind[] = {garden_entry_of("Audio", garden_value_map(audio, 3))};
    struct garden_entry entries[] = {
        garden_entry_of("uri", garden_value_text(garden_text_of(uri))),
        garden_entry_of("device_identity", garden_value_text(garden_text_of(device))),
        garden_entry_of("format", format->kind == GARDEN_STREAM_AUDIO
                                      ? garden_value_map(kind, 1)
                                      : garden_value_text(garden_text_of("Midi"))),
        garden_entry_of("chunk_size_bytes", garden_value_uint(chunk_size)),
    };
    const struct garden_value all = garden_value_map(entries, sizeof entries / sizeof *entries);
    return garden_json_encode(&all, out);
}

static bool definition_parse_format(const struct garden_value *value,
                                    struct garden_stream_format *out)
{
    const struct garden_value *format = garden_value_find(value, "format");
    struct garden_text text;
    *out = (struct garden_stream_format){.kind = GARDEN_STREAM_MIDI};
    if (garden_value_to_text(format, &text)) return garden_text_is(text, "Midi");
    const struct garden_value *audio = garden_value_find(format, "Audio");
    uint64_t rate, channels;
    if (!garden_value_to_u64(garden_value_find(audio, "sample_rate"), &rate)) return false;
    if (!garden_value_to_u64(garden_value_find(audio, "channels"), &channels)) return false;
    if (!garden_value_to_text(garden_value_find(audio, "sample_format"), &text)) return false;
    if (rate > GARDEN_SAMPLE_RATE_MAX || channels > GARDEN_CHANNELS_MAX) return false;
    out->kind = GARDEN_STREAM_AUDIO;
    out->sample_rate = (uint32_t)rate;
    out->channels = (uint16_t)channels;
    return tool_sample_parse(text, &out->sample);
}

static bool definition_parse(const struct garden_value *value, struct tool_definition *out)
{
    struct garden_text device;
    if (!garden_value_to_u64(garden_value_find(value, "chunk_size_bytes"), &out->chunk_size))
        return false;
    if (!garden_value_to_text(garden_value_find(value, "device_identity"), &device)) return false;
    if (device.size >= sizeof out->device) return false;
    if (device.size > 0) memcpy(out->device, device.data, device.size);
    out->device[device.size] = '\0';
    return definition_parse_format(value, &out->format);
}

int tool_definition_read(struct zmtp_bytes json, struct tool_definition *out)
{
    struct garden_arena arena;
    struct garden_value value;
    garden_arena_init(&arena, NULL, 0);
    int result = garden_json_decode(json, &arena, &value, NULL);
    if (result == GARDEN_OK && !definition_parse(&value, out)) result = GARDEN_ERR_FORMAT;
    garden_arena_fini(&arena);
    return result;
}

uint64_t tool_chunk_size(const struct garden_stream_format *format)
{
    enum { LEAST = 512 * 1024, CHUNKS_A_SECOND = 4 };
    const uint64_t frame_size = garden_frame_size(format);
    const uint64_t size = format->sample_rate / CHUNKS_A_SECOND * frame_size;
    return size > LEAST ? size : LEAST;
}
