#include "state.h"

#include "definition.h"

// The member of the list |key| whose |name_key| is |name|; null: none.
static const struct garden_value *state_find(const struct garden_value *state, const char *key,
                                             const char *name_key, const char *name)
{
    const struct garden_value *list = garden_value_find(state, key);
    const size_t count = list && list->type == GARDEN_LIST ? list->list.count : 0;
    struct garden_text found;
    for (size_t i = 0; i < count; i++)
        if (garden_value_to_text(garden_value_find(&list->list.items[i], name_key), &found) &&
            garden_text_is(found, name))
            return &list->list.items[i];
    return NULL;
}

static bool state_read_audio(const struct garden_value *source, struct garden_stream_format *out)
{
    struct garden_text sample;
    uint64_t rate, channels;
    if (!garden_value_to_u64(garden_value_find(source, "sample_rate"), &rate)) return false;
    if (!garden_value_to_u64(garden_value_find(source, "channels"), &channels)) return false;
    if (rate > UINT32_MAX || channels > UINT16_MAX) return false;
    if (!garden_value_to_text(garden_value_find(source, "sample_format"), &sample)) return false;
    out->kind = GARDEN_STREAM_AUDIO;
    out->sample_rate = (uint32_t)rate;
    out->channels = (uint16_t)channels;
    return tool_sample_parse(sample, &out->sample);
}

bool state_find_source(const struct garden_value *state, const char *name, struct state_source *out)
{
    struct garden_text kind;
    const struct garden_value *source = state_find(state, "sources", "name", name);
    *out = (struct state_source){.usable = false};
    if (!source) return false;
    out->ends = garden_value_to_u64(garden_value_find(source, "frames"), &out->frames);
    if (garden_value_to_text(garden_value_find(source, "kind"), &kind) &&
        garden_text_is(kind, "midi")) {
        out->format.kind = GARDEN_STREAM_MIDI;
        out->usable = true;
    } else {
        out->usable = state_read_audio(source, &out->format);
    }
    return true;
}

bool state_find_stream(const struct garden_value *state, const char *uri, bool *out_over)
{
    struct garden_text text;
    const struct garden_value *stream = state_find(state, "streams", "uri", uri);
    if (!stream) return false;
    *out_over = garden_value_to_text(garden_value_find(stream, "state"), &text) &&
                (garden_text_is(text, "stopping") || garden_text_is(text, "stopped"));
    return true;
}
