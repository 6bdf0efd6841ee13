#include "midi_feed.h"

#include <string.h>

void midi_feed_init(struct midi_feed *feed)
{
    garden__midi_init(&feed->midi);
    feed->in = feed->held = zmtp_bytes_of(NULL, 0);
    feed->told = feed->lost = 0;
    feed->over = false;
}

// Octets that were dropped are told before the messages after them, so they end a read.
static bool midi_feed_tell(struct midi_feed *feed, size_t filled)
{
    if (feed->midi.dropped == feed->told) return true;
    if (filled > 0) return false;
    feed->lost += feed->midi.dropped - feed->told;
    feed->told = feed->midi.dropped;
    return true;
}

// Whether there are octets to look at.
static bool midi_feed_fetch(struct midi_feed *feed,
                            int (*fetch)(void *context, uint8_t *out, size_t size), void *context)
{
    if (feed->over) return false;
    const int got = fetch(context, feed->buffer, sizeof feed->buffer);
    if (got == MIDI_FEED_END) {
        feed->over = true;
        garden__midi_end(&feed->midi);
    }
    feed->in = zmtp_bytes_of(feed->buffer, got > 0 ? (size_t)got : 0);
    return got > 0;
}

size_t midi_feed_read(struct midi_feed *feed, uint8_t *out, size_t wanted,
                      int (*fetch)(void *context, uint8_t *out, size_t size), void *context)
{
    size_t filled = 0;
    feed->lost = 0;
    for (;;) {
        if (feed->held.size == 0) feed->held = garden__midi_next(&feed->midi, &feed->in);
        if (!midi_feed_tell(feed, filled)) return filled;
        if (feed->held.size == 0) {
            if (midi_feed_fetch(feed, fetch, context)) continue;
            (void)midi_feed_tell(feed, filled); // else the next read tells
            return filled;
        }
        if (filled > 0 && feed->held.size > wanted - filled) return filled;
        memcpy(out + filled, feed->held.data, feed->held.size);
        filled += feed->held.size;
        feed->held.size = 0;
        if (filled >= wanted) return filled;
    }
}

void midi_feed_lose(struct midi_feed *feed, uint64_t count)
{
    garden__midi_end(&feed->midi);
    feed->midi.dropped += count;
}

bool midi_feed_ended(const struct midi_feed *feed)
{
    return feed->over && feed->in.size == 0 && feed->held.size == 0 &&
           feed->told == feed->midi.dropped;
}
