#include "audio.h"

#include <string.h>

enum { AUDIO_BLOCK = 1024 }; // frames converted at a time

// Does libsndfile decode this kind of file to reals? Its integers would then be unscaled.
static bool audio_is_real(int format)
{
    switch (format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_U8:
    case SF_FORMAT_PCM_16:
    case SF_FORMAT_PCM_24:
    case SF_FORMAT_PCM_32:
    case SF_FORMAT_ALAC_16:
    case SF_FORMAT_ALAC_20:
    case SF_FORMAT_ALAC_24:
    case SF_FORMAT_ALAC_32:
    case SF_FORMAT_ULAW:
    case SF_FORMAT_ALAW:
        return false;
    default:
        return true;
    }
}

int tool_audio_open(const struct tool *tool, struct tool_audio *audio, char *const *paths,
                    size_t count)
{
    *audio = (struct tool_audio){.paths = paths, .count = count};
    for (size_t i = 0; i < count; i++) {
        SF_INFO info = {0};
        SNDFILE *file = sf_open(paths[i], SFM_READ, &info);
        if (!file)
            return tool_fail(tool, "%s cannot be read as audio: %s", paths[i], sf_strerror(NULL));
        (void)sf_close(file);
        if (i == 0) {
            audio->rate = info.samplerate;
            audio->channels = info.channels;
        } else if (info.samplerate != audio->rate || info.channels != audio->channels) {
            return tool_fail(tool, "%s has %d Hz and %d channels, but %s has %d Hz and %d",
                             paths[i], info.samplerate, info.channels, paths[0], audio->rate,
                             audio->channels);
        }
        audio->frames += (uint64_t)info.frames;
        audio->real = audio->real || audio_is_real(info.format);
    }
    return TOOL_OK;
}

void tool_audio_close(struct tool_audio *audio)
{
    if (audio->file) (void)sf_close(audio->file);
    audio->file = NULL;
}

// At most |count| frames as libsndfile's type nearest to |format|, laid out as octets.
static size_t audio_read_block(struct tool_audio *audio, enum garden_sample_format format,
                               uint8_t *out, size_t count)
{
    const size_t channels = (size_t)audio->channels;
    sf_count_t got = 0;
    union {
        int whole[AUDIO_BLOCK];
        float real[AUDIO_BLOCK];
    } samples;
    const sf_count_t frames =
        (sf_count_t)(count * channels <= AUDIO_BLOCK ? count : (size_t)AUDIO_BLOCK / channels);
    if (format == GARDEN_SAMPLE_F32_LE || audio->real)
        got = sf_readf_float(audio->file, samples.real, frames);
    else
        got = sf_readf_int(audio->file, samples.whole, frames);
    const size_t filled = got > 0 ? (size_t)got * channels : 0;
    if (audio->real && format != GARDEN_SAMPLE_F32_LE) {
        garden_samples_encode(format, samples.real, filled, out);
        return got > 0 ? (size_t)got : 0;
    }
    // libsndfile's ints are left-aligned: the format's octets are their upper ones.
    const size_t size = garden_sample_size(format);
    for (size_t i = 0; i < filled; i++) {
        uint32_t bits;
        memcpy(&bits, &samples.whole[i], sizeof bits);
        for (size_t octet = 0; octet < size; octet++)
            out[i * size + octet] = (uint8_t)(bits >> (8 * (4 - size + octet)));
    }
    return got > 0 ? (size_t)got : 0;
}

size_t tool_audio_read(struct tool_audio *audio, enum garden_sample_format format, uint8_t *out,
                       size_t count)
{
    const size_t frame_size = garden_sample_size(format) * (size_t)audio->channels;
    size_t done = 0;
    while (done < count) {
        if (!audio->file) {
            if (audio->index == audio->count) break;
            SF_INFO info = {0};
            audio->file = sf_open(audio->paths[audio->index], SFM_READ, &info);
            if (!audio->file) break;
        }
        const size_t got = audio_read_block(audio, format, out + done * frame_size, count - done);
        done += got;
        if (got > 0) continue;
        tool_audio_close(audio);
        audio->index++;
    }
    return done;
}
