#include "outbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc.h"

// ---- A stream

void outbox_stream_init(struct outbox_stream *stream)
{
    garden_buffer_init(&stream->text, NULL, OUTBOX_STREAM_MAX);
    stream->taken = 0;
}

void outbox_stream_fini(struct outbox_stream *stream)
{
    garden_buffer_fini(&stream->text);
}

static int outbox_append(struct outbox_stream *stream, const char *text)
{
    return garden_buffer_append(&stream->text, text, strlen(text));
}

int outbox_stream_put(struct outbox_stream *stream, uint64_t id, const char *message)
{
    char head[48] = "";
    if (id > 0) (void)snprintf(head, sizeof head, "id: %" PRIu64 "\n", id);
    const size_t size = stream->text.size;
    // Compact JSON is one line.
    int result = outbox_append(stream, head);
    if (result == GARDEN_OK) result = outbox_append(stream, "event: message\ndata: ");
    if (result == GARDEN_OK) result = outbox_append(stream, message);
    if (result == GARDEN_OK) result = outbox_append(stream, "\n\n");
    if (result == GARDEN_OK) return result;
    stream->text.size = size; // no half of an event
    stream->text.error = GARDEN_OK;
    return result;
}

void outbox_stream_beat(struct outbox_stream *stream)
{
    // What waits already does as well.
    if (outbox_stream_waiting(stream) == 0) (void)outbox_append(stream, ":\n\n");
}

size_t outbox_stream_waiting(const struct outbox_stream *stream)
{
    return stream->text.size - stream->taken;
}

size_t outbox_stream_take(struct outbox_stream *stream, char *out, size_t size)
{
    const size_t waiting = outbox_stream_waiting(stream);
    const size_t count = waiting < size ? waiting : size;
    if (count > 0) memcpy(out, stream->text.data + stream->taken, count);
    stream->taken += count;
    if (stream->taken == stream->text.size) {
        garden_buffer_clear(&stream->text);
        stream->taken = 0;
    }
    return count;
}

// ---- What was told lately

void outbox_init(struct outbox *outbox)
{
    *outbox = (struct outbox){.oldest = 1, .next = 1};
}

static void outbox_drop_oldest(struct outbox *outbox)
{
    char **kept = &outbox->kept[outbox->oldest++ % OUTBOX_KEPT_MAX];
    if (*kept) outbox->bytes -= strlen(*kept);
    free(*kept);
    *kept = NULL;
}

void outbox_fini(struct outbox *outbox)
{
    while (outbox->oldest < outbox->next)
        outbox_drop_oldest(outbox);
}

uint64_t outbox_put(struct outbox *outbox, const json_t *message)
{
    size_t size = 0;
    char *text = rpc_print(message, &size);
    if (!text) return 0;
    if (outbox->next - outbox->oldest == OUTBOX_KEPT_MAX) outbox_drop_oldest(outbox);
    const uint64_t number = outbox->next++;
    outbox->kept[number % OUTBOX_KEPT_MAX] = text;
    outbox->bytes += size;
    // The newest stays, however large.
    while (outbox->bytes > OUTBOX_BYTES_MAX && outbox->oldest < number)
        outbox_drop_oldest(outbox);
    return number;
}

const char *outbox_get(const struct outbox *outbox, uint64_t number)
{
    if (number < outbox->oldest || number >= outbox->next) return NULL;
    return outbox->kept[number % OUTBOX_KEPT_MAX];
}
