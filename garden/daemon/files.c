// Audio files played one after the other without a gap. All are opened at once, so that what is played
// was there and fitted when the daemon started.
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/error.h"

struct files {
    SNDFILE *of[SOURCE_FILES_MAX];
    size_t count, index; // |index|: of the one that is being read
    uint16_t channels;
    enum garden_sample_format sample;
    bool loop, failed, ended;
};

// What stores every sample of |subtype| as it is.
static enum garden_sample_format files_sample(int subtype)
{
    switch (subtype & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_U8:
    case SF_FORMAT_PCM_16:
    case SF_FORMAT_ALAC_16:
    case SF_FORMAT_ULAW:
    case SF_FORMAT_ALAW:
        return GARDEN_SAMPLE_S16_LE;
    case SF_FORMAT_PCM_24:
    case SF_FORMAT_ALAC_20:
    case SF_FORMAT_ALAC_24:
        return GARDEN_SAMPLE_S24_LE;
    case SF_FORMAT_PCM_32:
    case SF_FORMAT_ALAC_32:
        return GARDEN_SAMPLE_S32_LE;
    default:
        return GARDEN_SAMPLE_F32_LE;
    }
}

// The format that holds both: among integers the wider one, beside a float the float.
static enum garden_sample_format files_wider(enum garden_sample_format a,
                                             enum garden_sample_format b)
{
    if (a == GARDEN_SAMPLE_F32_LE || b == GARDEN_SAMPLE_F32_LE) return GARDEN_SAMPLE_F32_LE;
    return garden_sample_size(a) > garden_sample_size(b) ? a : b;
}

static int files_open_one(struct files *files, const char *path, SF_INFO *info,
                          struct garden_error *error)
{
    // O_NONBLOCK: a FIFO must not hold up the start.
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "%.150s cannot be read: %s; name a readable audio file", path,
                            strerror(errno));
    struct stat status;
    if (fstat(file, &status) < 0 || !S_ISREG(status.st_mode)) {
        (void)close(file); // nothing was written
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "%.150s is not a regular file; name an audio file", path);
    }
    *info = (SF_INFO){0};
    SNDFILE *opened = sf_open_fd(file, SFM_READ, info, SF_TRUE);
    if (!opened) // and the descriptor is closed
        return garden__fail(error, GARDEN_ERR_FORMAT,
                            "%.150s cannot be read as audio: %.60s; name a WAV, FLAC, AIFF or Ogg "
                            "file",
                            path, sf_strerror(NULL));
    files->of[files->count++] = opened;
    return GARDEN_OK;
}

static int files_check(const SF_INFO *info, const char *path, const struct source_info *first,
                       const char *first_path, struct garden_error *error)
{
    if (info->samplerate <= 0 || info->samplerate > GARDEN_SAMPLE_RATE_MAX || info->channels <= 0 ||
        info->channels > GARDEN_CHANNELS_MAX || info->frames < 0)
        return garden__fail(error, GARDEN_ERR_RANGE,
                            "%.150s has %d Hz and %d channels, which cannot be captured", path,
                            info->samplerate, info->channels);
    if ((uint32_t)info->samplerate == first->rate && info->channels == first->channels)
        return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_ARGUMENT,
                        "%.90s has %d Hz and %d channels, but %.90s has %u and %u: convert one",
                        path, info->samplerate, info->channels, first_path, first->rate,
                        (unsigned)first->channels);
}

static void files_close(void *device)
{
    struct files *files = device;
    for (size_t i = 0; i < files->count; i++)
        (void)sf_close(files->of[i]); // nothing was written
    zmtp_free(NULL, files, sizeof *files);
}

// Refuses what is no audio file and files that do not agree in rate and channels. Where the files' own
// formats differ, |info| has one that holds all.
static int files_open(void **out, const struct source_spec *spec, struct source_info *info,
                      struct garden_error *error)
{
    struct files *files = zmtp_alloc(NULL, sizeof *files);
    if (!files) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source's files");
    *files = (struct files){.loop = spec->loop};
    *info = (struct source_info){0};
    for (size_t i = 0; i < spec->path_count; i++) {
        SF_INFO about;
        int result = files_open_one(files, spec->paths[i], &about, error);
        if (result == GARDEN_OK && i == 0) {
            info->rate = (uint32_t)about.samplerate;
            info->channels = (uint16_t)about.channels;
            info->sample = files_sample(about.format);
        }
        if (result == GARDEN_OK)
            result = files_check(&about, spec->paths[i], info, spec->paths[0], error);
        if (result < 0) {
            files_close(files);
            return result;
        }
        info->frames += (uint64_t)about.frames;
        info->sample = files_wider(info->sample, files_sample(about.format));
    }
    if (spec->loop) info->frames = SOURCE_ENDLESS;
    files->channels = info->channels;
    files->sample = info->sample;
    *out = files;
    return GARDEN_OK;
}

static bool files_rewind(void *device)
{
    struct files *files = device;
    files->failed = files->ended = false;
    for (size_t i = 0; i < files->count; i++)
        if (sf_seek(files->of[i], 0, SEEK_SET) != 0) files->failed = true;
    files->index = 0;
    return !files->failed;
}

// What is left of the files, once.
static size_t files_read_once(struct files *files, union source_sample *out, size_t count)
{
    size_t done = 0;
    while (done < count && files->index < files->count && !files->failed) {
        SNDFILE *file = files->of[files->index];
        union source_sample *to = out + done * files->channels;
        const sf_count_t wanted = (sf_count_t)(count - done);
        // libsndfile's integers are left-aligned, as ours are, whatever the file's width.
        const sf_count_t got = files->sample == GARDEN_SAMPLE_F32_LE
                                   ? sf_readf_float(file, &to->real, wanted)
                                   : sf_readf_int(file, &to->whole, wanted);
        if (got > 0) done += (size_t)got;
        if (got >= wanted) continue;
        if (sf_error(file) != SF_ERR_NO_ERROR) files->failed = true;
        files->index++;
    }
    return done;
}

static size_t files_read(void *device, union source_sample *out, size_t count)
{
    struct files *files = device;
    size_t done = 0;
    bool empty = false; // the last turn gave nothing, as files without a frame always do
    while (done < count) {
        const size_t got = files_read_once(files, out + done * files->channels, count - done);
        done += got;
        if (done == count || !files->loop || (got == 0 && empty)) break;
        empty = got == 0;
        if (files->failed || !files_rewind(files)) break;
    }
    files->ended = done < count;
    return done;
}

static bool files_ended(const void *device)
{
    const struct files *files = device;
    return files->ended;
}

static bool files_failed(const void *device)
{
    const struct files *files = device;
    return files->failed;
}

const struct driver driver_files = {.open = files_open,
                                    .close = files_close,
                                    .rewind = files_rewind,
                                    .read = files_read,
                                    .ended = files_ended,
                                    .failed = files_failed};
