// The hands of the capture machine: opens, writes and closes the files it asks for.
#include "../capture.h"

#include "../core/error.h"
#include "hold.h"

void garden_writer_init(struct garden_writer *writer, const struct garden_staging *staging,
                        struct garden_capture *capture)
{
    *writer = (struct garden_writer){.staging = staging, .capture = capture, .hold = -1};
    writer->chunks[0].file = -1;
    writer->chunks[1].file = -1;
}

static int writer_perform(struct garden_writer *writer, const struct garden_capture_action *action,
                          uint64_t *intact, struct garden_error *error)
{
    struct garden_chunk *chunk = &writer->chunks[action->slot];
    int result = GARDEN_OK;
    switch (action->verb) {
    case GARDEN_CAPTURE_IDLE:
        return GARDEN_OK;
    case GARDEN_CAPTURE_OPEN:
        result = garden_chunk_open(chunk, writer->staging, action->path, action->bytes, error);
        // Without it, as where no descriptor is left, the next chunk tries again.
        if (result == GARDEN_OK && writer->hold < 0)
            writer->hold = garden__hold_take(writer->staging, action->path);
        return result;
    case GARDEN_CAPTURE_NOTE:
        *intact = garden_chunk_intact(chunk);
        return garden_chunk_note_gap(chunk, writer->staging, action->path, action->gap, error);
    case GARDEN_CAPTURE_WRITE:
        result = garden_chunk_write(chunk, action->data, (size_t)action->bytes, error);
        *intact = garden_chunk_intact(chunk);
        if (result == GARDEN_OK && writer->on_written)
            writer->on_written(writer->context, action->data, action->bytes);
        return result;
    case GARDEN_CAPTURE_CLOSE:
        *intact = garden_chunk_intact(chunk); // closing only cuts: what is intact stays so
        return garden_chunk_close(chunk, action->bytes, error);
    }
    return garden__fail(error, GARDEN_ERR_ARGUMENT, "an unknown capture action");
}

int garden_writer_run(struct garden_writer *writer, int64_t now_ms)
{
    struct garden_capture_action action;
    int count = 0;
    while (garden_capture_next(writer->capture, now_ms, &action)) {
        struct garden_error error = {0};
        uint64_t intact = 0;
        const int result = writer_perform(writer, &action, &intact, &error);
        garden_capture_done(writer->capture, now_ms, result, intact, &error);
        count++;
    }
    return count;
}

void garden_writer_fini(struct garden_writer *writer)
{
    for (int i = 0; i < 2; i++) {
        struct garden_chunk *chunk = &writer->chunks[i];
        // The length on the disk is already exact; a failure here leaves a longer reserve at worst.
        if (chunk->file >= 0) (void)garden_chunk_close(chunk, garden_chunk_intact(chunk), NULL);
    }
    if (writer->hold >= 0) garden__fs_close(writer->staging->fs, writer->hold);
    writer->hold = -1;
}
