// The WebSocket translator: the first octet picks a side, a mechanism and whether the upgrade is part of
// the input, the second how it is cut; the rest comes from the network. Whole and cut it means the same;
// what the peer is given are frames of ZMTP; and those, said by another translator and heard by a third,
// come back as they were.
#include "check.h"
#include "fuzz.h"
#include "zmtp/ws/inside.h"

enum { OPTION_SERVER = 1, OPTION_BARE = 2, OPTION_STARTED = 4, OPTION_UP = 8 };
enum { MESSAGE_MAX = 3000, OCTETS_MAX = 1 << 16, SAID_MAX = 4096 };

#define KEY "AAECAwQFBgcICQoLDA0ODw=="
#define ACCEPT "Bz3qJYTGdOe8gUSpLosEdiLKDrk="

static const char *const requests[] = {
    "GET /x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: "
    "Upgrade\r\nSec-WebSocket-Key: " KEY
    "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ZWS2.0/NULL\r\n\r\n",
    "GET /x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: "
    "Upgrade\r\nSec-WebSocket-Key: " KEY
    "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ZWS2.0\r\n\r\n"};
static const char *const responses[] = {
    "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT
    "\r\nSec-WebSocket-Protocol: ZWS2.0/NULL\r\n\r\n",
    "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT
    "\r\nSec-WebSocket-Protocol: ZWS2.0\r\n\r\n"};

struct talk {
    struct zmtp_budget budget;
    struct zmtp__ws *ws;
    uint8_t *read;
    size_t read_size;
    uint8_t said[SAID_MAX];
    size_t said_size;
};

static uint8_t next_random;

static bool count_up(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = next_random++;
    return true;
}

static void feed(struct talk *talk, struct zmtp_bytes in, size_t step, size_t room)
{
    for (size_t at = 0; at < in.size;) {
        const size_t size = in.size - at < step ? in.size - at : step;
        uint8_t *const block = malloc(size);
        fuzz_check(block != NULL);
        memcpy(block, in.data + at, size);
        at += size;
        zmtp__ws_feed(talk->ws, zmtp_bytes_of(block, size), 1);
        for (bool first = true; first || zmtp__ws_holds(talk->ws); first = false) {
            fuzz_check(talk->read_size + room <= OCTETS_MAX);
            const size_t read = zmtp__ws_read(talk->ws, talk->read + talk->read_size, room, 1);
            fuzz_check(read <= room);
            talk->read_size += read;
            if (!first) continue;
            zmtp__ws_keep(talk->ws);
            free(block);
        }
    }
}

static void open_talk(struct talk *talk, bool server, bool bare, bool started, bool up)
{
    next_random = 0;
    *talk = (struct talk){.read = malloc(OCTETS_MAX)};
    fuzz_check(talk->read != NULL);
    zmtp_budget_init(&talk->budget, NULL);
    const struct zmtp__ws_config config = {
        .allocator = &talk->budget.allocator,
        .server = server,
        .upgrade = {.mechanism = "NULL",
                    .authority = zmtp_bytes_text("h"),
                    .path = zmtp_bytes_text("/x")},
        .random = count_up,
        .handshake_frame_max = 100,
        .message_max = MESSAGE_MAX,
    };
    fuzz_check(zmtp__ws_open(&talk->ws, &config) == ZMTP_OK);
    if (started) {
        feed(talk, zmtp_bytes_text(server ? requests[bare] : responses[bare]), SIZE_MAX, 2000);
        fuzz_check(talk->read_size == ZMTP_GREETING_SIZE);
        talk->read_size = 0;
    }
    if (up) zmtp__ws_establish(talk->ws, 1);
}

static void close_talk(struct talk *talk)
{
    zmtp__ws_close(talk->ws);
    fuzz_check(talk->budget.bytes == 0 && talk->budget.blocks == 0);
    free(talk->read);
}

// What it has to say by itself.
static void hear_out(struct talk *talk)
{
    struct zmtp_bytes nothing = {0};
    next_random = 0; // the same masks for both
    talk->said_size = zmtp__ws_wrap(talk->ws, &nothing, talk->said, SAID_MAX, 1);
    zmtp__ws_wrapped(talk->ws);
    fuzz_check(!zmtp__ws_wants(talk->ws));
}

static void check_same(const struct talk *a, const struct talk *b)
{
    fuzz_check_equal(zmtp_bytes_of(a->read, a->read_size), zmtp_bytes_of(b->read, b->read_size));
    fuzz_check(zmtp__ws_error(a->ws) == zmtp__ws_error(b->ws));
    fuzz_check(strcmp(zmtp__ws_reason(a->ws), zmtp__ws_reason(b->ws)) == 0);
    fuzz_check_equal(zmtp_bytes_of(a->said, a->said_size), zmtp_bytes_of(b->said, b->said_size));
}

// The whole frames in what was read.
static struct zmtp_bytes whole_frames(struct zmtp_bytes in)
{
    size_t at = 0;
    for (;;) {
        struct zmtp_frame frame;
        const int header = zmtp_frame_decode(zmtp_bytes_of(in.data + at, in.size - at), &frame);
        fuzz_check(header >= 0);
        if (header == 0 || frame.size > in.size - at - (size_t)header) break;
        at += (size_t)header + (size_t)frame.size;
    }
    return zmtp_bytes_of(in.data, at);
}

static void check_return(struct zmtp_bytes frames, size_t step)
{
    const uint8_t greeting[ZMTP_GREETING_SIZE] = {0};
    uint8_t *const octets = malloc(2 * OCTETS_MAX);
    struct talk from, to;
    fuzz_check(octets != NULL);
    open_talk(&from, false, false, true, true);
    open_talk(&to, true, false, true, true);
    struct zmtp_bytes view = zmtp_bytes_of(greeting, sizeof greeting);
    (void)zmtp__ws_wrap(from.ws, &view, octets, 2 * OCTETS_MAX, 1); // its request, to nobody
    size_t size = 0;
    for (size_t at = 0; at < frames.size;) {
        const size_t shown = frames.size - at < step ? frames.size - at : step;
        view = zmtp_bytes_of(frames.data + at, shown);
        size += zmtp__ws_wrap(from.ws, &view, octets + size, 2 * OCTETS_MAX - size, 1);
        fuzz_check(view.size == 0); // there was room
        at += shown;
    }
    zmtp__ws_wrapped(from.ws);
    feed(&to, zmtp_bytes_of(octets, size), step, 1000);
    fuzz_check(zmtp__ws_error(to.ws) == ZMTP_OK);
    fuzz_check_equal(zmtp_bytes_of(to.read, to.read_size), frames);
    close_talk(&from);
    close_talk(&to);
    free(octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 8192) return 0;
    const unsigned options = data[0];
    const size_t step = 1 + data[1] % 64u;
    const struct zmtp_bytes in = zmtp_bytes_of(data + 2, size - 2);
    const bool server = options & OPTION_SERVER, bare = options & OPTION_BARE;
    const bool started = options & OPTION_STARTED, up = options & OPTION_UP;
    struct talk whole, cut;
    open_talk(&whole, server, bare, started, up);
    open_talk(&cut, server, bare, started, up);
    feed(&whole, in, SIZE_MAX, 20000);
    feed(&cut, in, step, 1 + data[1] / 64u * 7);
    hear_out(&whole);
    hear_out(&cut);
    check_same(&whole, &cut);
    // A promise costs nothing: memory is in proportion to what came.
    fuzz_check(cut.budget.bytes_peak <= sizeof(struct zmtp__ws) + ZMTP__UPGRADE_OURS_MAX +
                                            ZMTP__UPGRADE_HEAD_MAX + 256 + 3 * size);
    const size_t greeting = started || whole.read_size == 0 ? 0 : ZMTP_GREETING_SIZE;
    fuzz_check(whole.read_size >= greeting);
    const struct zmtp_bytes frames =
        whole_frames(zmtp_bytes_of(whole.read + greeting, whole.read_size - greeting));
    if (frames.size > 0) check_return(frames, step);
    close_talk(&whole);
    close_talk(&cut);
    return 0;
}
