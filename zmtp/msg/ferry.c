#include "ferry.h"

#include <assert.h>
#include <string.h>

enum {
    // Cargoes in a ring. A cargo may be a queue's worth, and two are enough for both sides to work; these hold libzmq's window
    // of messages of 1 KiB where they bide.
    FERRY_BERTHS = 32,
    // What one thread writes often lies this far from what the other does, or each write would take
    // the line from the other's cache.
    FERRY_LINE = 64,
    // Where messages bide, so many octets cross without being asked for: some of these lie in a processor's cache together.
    FERRY_BIDE_BYTES = 65536,
    // And so many messages, an eighth of libzmq's window: the other side begins with them while more are sent.
    FERRY_BIDE_COUNT = 256,
};

struct ferry_berth {
    struct zmtp__cargo cargo;
    // The news of the other side that the writer knew when it sent the cargo: commands in it are for
    // that connection alone.
    uint32_t heard;
    // The writer's own news: its link has changed, and is so now. |origins| are the connections that
    // have spoken since the last news, a list; |first| of each is its first message in the cargo.
    bool news, up;
    uint32_t generation;
    struct zmtp__origin *origins;
    // Of the cargo, for the writer, who must not look into what is the reader's.
    size_t count, bytes;
};

// One direction. A berth from |tail| to |head| is the reader's, the others are the writer's.
struct ferry_passage {
    // The writer's.
    atomic_size_t head;
    size_t counted;                      // up to which berth the next two are without what was read
    size_t transit_count, transit_bytes; // in the ring
    size_t count_max, bytes_max;
    size_t shipped_count, shipped_bytes;    // since the beginning
    atomic_size_t limit_count, limit_bytes; // of its queue, as the reader is to know them
    // The writer has left: its last cargo is here. Written before |left| is set, and by nobody after.
    atomic_bool left;
    struct ferry_berth last;
    atomic_bool kept; // messages stay in its queue, for the reader to ask for
    uint8_t apart[FERRY_LINE];
    // The reader's.
    atomic_size_t tail;
    atomic_size_t landed;                 // messages loaded, not commands
    atomic_size_t gone_count, gone_bytes; // of what was shipped, what has left its queue
    atomic_size_t dried;                  // up to which berth it has nothing left
    uint8_t apart_too[FERRY_LINE];
    atomic_bool starved; // the writer waits for a berth; the reader takes it back
    atomic_bool thirsty; // it waits for what it has abroad to leave; so does the reader
    struct ferry_berth berths[FERRY_BERTHS];
};

struct zmtp__shore {
    struct zmtp__ferry *ferry;
    struct zmtp__shore *other;
    struct ferry_passage *out, *in;
    struct zmtp__dock *dock;
    void *owner;
    struct zmtp_pipe_end *end;  // null: not yet, or no more
    struct zmtp__abroad abroad; // of |end->in|
    struct zmtp__debt debt;     // of |end->out|
    uint64_t answered;          // messages that were sent from here before that
    bool converses;             // there were some since what was loaded before
    bool several;               // what was loaded last was more than one message
    bool knocked;               // the last call of the other side was no more than that
    bool told_up;               // what the other side was told
    uint32_t told;
    uint32_t heard; // the generation that it told last
    bool hungry;    // on its dock's list of those
    struct zmtp__shore *hungry_next;
    bool over;   // left; only then may it be closed
    bool closed; // to be let go of when it comes off its dock's list
    uint8_t apart[FERRY_LINE];
    // It is on its dock's list, or is about to be put there by the one who set this.
    atomic_bool called;
    struct zmtp__shore *called_next;
    uint8_t apart_too[FERRY_LINE];
};

struct zmtp__ferry {
    const struct zmtp_allocator *allocator;
    bool bides;
    atomic_uint shores_open;
    struct zmtp__shore shores[2];
    struct ferry_passage passages[2]; // the first leads from shore 0
};

static struct zmtp__origin *berth_take_origin(struct ferry_berth *berth)
{
    struct zmtp__origin *origin = berth->origins;
    if (!origin) return NULL;
    berth->origins = origin->next;
    origin->next = NULL;
    return origin;
}

static void ferry_fini_berth(const struct zmtp__ferry *ferry, struct ferry_berth *berth)
{
    struct zmtp__origin *origin;
    while ((origin = berth_take_origin(berth)))
        zmtp__origin_unref(origin);
    zmtp__cargo_fini(&berth->cargo, ferry->allocator);
}

static void ferry_release(struct zmtp__ferry *ferry)
{
    if (atomic_fetch_sub_explicit(&ferry->shores_open, 1, memory_order_acq_rel) > 1) return;
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < FERRY_BERTHS; k++)
            ferry_fini_berth(ferry, &ferry->passages[i].berths[k]);
        ferry_fini_berth(ferry, &ferry->passages[i].last);
    }
    zmtp_free(ferry->allocator, ferry, sizeof *ferry);
}

int zmtp__ferry_open(const struct zmtp__ferry_config *config, struct zmtp__shore *shores[2])
{
    const struct zmtp_allocator *allocator = config->allocator ? config->allocator : zmtp_heap();
    shores[0] = shores[1] = NULL;
    struct zmtp__ferry *ferry = zmtp_alloc(allocator, sizeof *ferry);
    if (!ferry) return ZMTP_ERR_MEMORY;
    memset(ferry, 0, sizeof *ferry);
    ferry->allocator = allocator;
    ferry->bides = config->bides;
    atomic_init(&ferry->shores_open, 2);
    for (size_t i = 0; i < 2; i++) {
        struct zmtp__shore *shore = &ferry->shores[i];
        shore->ferry = ferry;
        shore->other = &ferry->shores[1 - i];
        shore->out = &ferry->passages[i];
        shore->in = &ferry->passages[1 - i];
        shore->dock = config->docks[i];
        shore->owner = config->owners[i];
        shore->out->count_max = config->count_max[i];
        shore->out->bytes_max = config->bytes_max[i];
        shores[i] = shore;
    }
    return ZMTP_OK;
}

void zmtp__shore_expect(struct zmtp_pipe_end *end)
{
    assert(end->in->count == 0 && !end->in->open);
    end->in->crosses = true;
}

bool zmtp__shore_leave_behind(struct zmtp_pipe_end *end)
{
    assert(end->other->closed && end->in->crosses);
    zmtp__queue_part(end->in);
    return zmtp__queue_messages(end->in) > 0;
}

void zmtp__shore_attach(struct zmtp__shore *shore, struct zmtp_pipe_end *end)
{
    assert(!shore->end && !shore->over && (end->in->count == 0 || end->in->crosses));
    assert(!end->in->open);
    end->in->crosses = true;
    shore->abroad = (struct zmtp__abroad){.landed = &shore->out->landed};
    end->in->abroad = &shore->abroad;
    end->out->debt = &shore->debt;
    shore->end = end;
    zmtp_pipe_own(end, &shore->dock->marks, shore);
}

bool zmtp__shore_attached(const struct zmtp__shore *shore)
{
    return shore->end != NULL;
}

void *zmtp__shore_owner(const struct zmtp__shore *shore)
{
    return shore->owner;
}

void zmtp__shore_own(struct zmtp__shore *shore, void *owner)
{
    shore->owner = owner;
}

bool zmtp__shore_left_alone(const struct zmtp__shore *shore)
{
    return atomic_load_explicit(&shore->in->left, memory_order_acquire);
}

// Calls. Why no call is lost:
//
// A shore is on its dock's list once, and |called| says so. Who brings news writes them, then exchanges
// |called| for true; the dock's thread exchanges it for false when it takes the shore off, then reads
// the news. Both are read-modify-writes of one object, so they have an order. When the caller's comes
// first it found false and puts the shore on the list, or found true and another has or will. When it
// comes after, it finds false. So after each news the shore comes off the list once more, by an exchange
// that follows the caller's, and acquires what that released.
//
// A dock's thread that wants to sleep (S1) stores |asleep|, then (S2) loads |called|. A caller (C1) puts
// a shore on |called|, then (C2) loads |asleep|. All four are sequentially consistent, so they have one
// order that all agree on. Were the call lost, then C2 found false, hence was before S1, and S2 found
// no shore, hence was before C1; but C1 is before C2 and S1 before S2: a circle. All callers who find
// |asleep| ring, each once until its shore has come off the list. Were one to ring for all and take |asleep| back, it
// might do so late, when the thread has found the call by itself and sleeps anew: nobody would ring any more, and
// where to ring is to work in the thread's place if nobody is there (compat/socket.h), the thread need not come.

static void shore_list(struct zmtp__shore *shore)
{
    struct zmtp__dock *dock = shore->dock;
    struct zmtp__shore *first = atomic_load_explicit(&dock->called, memory_order_relaxed);
    do
        shore->called_next = first;
    while (!atomic_compare_exchange_weak_explicit(&dock->called, &first, shore,
                                                  memory_order_seq_cst, memory_order_relaxed));
}

// Calls the other side: for |call|, a ring or a knock. Returns that, if it is asleep, or 0. Who has only knocked yet may
// still have to ring.
static unsigned shore_call(struct zmtp__shore *shore, unsigned call)
{
    struct zmtp__shore *const other = shore->other;
    if (!atomic_exchange_explicit(&other->called, true, memory_order_acq_rel))
        shore_list(other);
    else if (call == ZMTP__FERRY_KNOCK || !shore->knocked)
        return 0;
    shore->knocked = call == ZMTP__FERRY_KNOCK;
    return atomic_load_explicit(&other->dock->asleep, memory_order_seq_cst) ? call : 0;
}

bool zmtp__shore_hail(struct zmtp__shore *shore)
{
    return shore_call(shore, ZMTP__FERRY_RING) != 0;
}

void zmtp__dock_init(struct zmtp__dock *dock)
{
    *dock = (struct zmtp__dock){0};
    atomic_init(&dock->called, NULL);
    atomic_init(&dock->asleep, true);
}

// Takes all that were called, and puts them into the order in which they were.
static void dock_take(struct zmtp__dock *dock)
{
    if (!atomic_load_explicit(&dock->called, memory_order_relaxed)) return;
    struct zmtp__shore *shore = atomic_exchange_explicit(&dock->called, NULL, memory_order_acquire);
    while (shore) {
        struct zmtp__shore *const next = shore->called_next;
        shore->called_next = dock->taken;
        dock->taken = shore;
        shore = next;
    }
}

// The next that was called; it may have been closed meanwhile.
static struct zmtp__shore *dock_called(struct zmtp__dock *dock)
{
    if (!dock->taken) dock_take(dock);
    struct zmtp__shore *shore = dock->taken;
    if (shore) dock->taken = shore->called_next;
    return shore;
}

struct zmtp__shore *zmtp__dock_next(struct zmtp__dock *dock)
{
    const struct zmtp_pipe_end *end = zmtp_marks_take(&dock->marks);
    if (end) return zmtp_pipe_owner(end);
    struct zmtp__shore *shore;
    while ((shore = dock_called(dock))) {
        if (!shore->closed) {
            (void)atomic_exchange_explicit(&shore->called, false, memory_order_acq_rel);
            return shore;
        }
        ferry_release(shore->ferry); // |called| stays, so nobody puts it on the list again
    }
    return NULL;
}

void zmtp__dock_fini(struct zmtp__dock *dock)
{
    struct zmtp__shore *shore = zmtp__dock_next(dock);
    assert(!shore);
    (void)shore; // for builds without assertions
}

bool zmtp__dock_busy(const struct zmtp__dock *dock)
{
    return dock->marks.first || dock->taken ||
           atomic_load_explicit(&dock->called, memory_order_relaxed);
}

bool zmtp__dock_sleep(struct zmtp__dock *dock)
{
    if (dock->marks.first || dock->taken) return false;
    if (!atomic_load_explicit(&dock->asleep, memory_order_relaxed)) zmtp__dock_doze(dock);
    return !atomic_load_explicit(&dock->called, memory_order_seq_cst);
}

void zmtp__dock_doze(struct zmtp__dock *dock)
{
    atomic_store_explicit(&dock->asleep, true, memory_order_seq_cst);
}

void zmtp__dock_wake(struct zmtp__dock *dock)
{
    atomic_store_explicit(&dock->asleep, false, memory_order_relaxed);
}

// The writer takes note of what the reader has read.
static void passage_count(struct ferry_passage *out, size_t tail)
{
    for (; out->counted != tail; out->counted++) {
        const struct ferry_berth *berth = &out->berths[out->counted % FERRY_BERTHS];
        out->transit_count -= berth->count;
        out->transit_bytes -= berth->bytes;
    }
}

// May |size| more join |held|?
static bool ferry_admits(size_t held, size_t size, size_t max)
{
    return max == 0 || held + size <= max;
}

// Has the ring a berth for what waits in |queue|?
static bool passage_roomy(struct ferry_passage *out, const struct zmtp__queue *queue)
{
    passage_count(out, atomic_load_explicit(&out->tail, memory_order_seq_cst));
    const size_t used = atomic_load_explicit(&out->head, memory_order_relaxed) - out->counted;
    if (used == 0) return true;
    return used < FERRY_BERTHS && ferry_admits(out->transit_count, queue->count, out->count_max) &&
           ferry_admits(out->transit_bytes, queue->bytes, out->bytes_max);
}

// The same; if it has none, the reader calls when it has. As with sleep, the writer stores |starved|
// and then loads |tail|, the reader stores |tail| and then loads |starved|, and one finds the other's.
static bool passage_awaits_room(struct ferry_passage *out, const struct zmtp__queue *queue)
{
    if (passage_roomy(out, queue)) return true;
    atomic_store_explicit(&out->starved, true, memory_order_seq_cst);
    if (!passage_roomy(out, queue)) return false;
    atomic_store_explicit(&out->starved, false, memory_order_relaxed);
    return true;
}

// The reader has read up to |tail|. True: the writer waits for that, and is to be called. It may starve
// anew before |starved| is taken back here; but the call comes after, and makes it look again.
static bool passage_read(struct ferry_passage *in, size_t tail)
{
    atomic_store_explicit(&in->tail, tail, memory_order_seq_cst);
    if (!atomic_load_explicit(&in->starved, memory_order_seq_cst)) return false;
    atomic_store_explicit(&in->starved, false, memory_order_relaxed);
    return true;
}

static bool shore_has_news(const struct zmtp__shore *shore)
{
    const struct zmtp_link *link = zmtp_pipe_link(shore->end);
    return link->up != shore->told_up || link->generation != shore->told;
}

// Loads |berth| with all that the pipe holds for the other side: who spoke, and what was said.
static void shore_fill(struct zmtp__shore *shore, struct ferry_berth *berth)
{
    struct zmtp_pipe_end *end = shore->end;
    struct zmtp__queue *queue = end->in;
    const struct zmtp_link *link = zmtp_pipe_link(end);
    berth->heard = shore->heard;
    berth->news = shore_has_news(shore);
    berth->up = shore->told_up = link->up;
    berth->generation = shore->told = link->generation;
    berth->origins = zmtp__pipe_give_speakers(end);
    // Of one that spoke the commands that came first may be gone.
    for (struct zmtp__origin *origin = berth->origins; origin; origin = origin->next)
        origin->first = origin->first > queue->taken ? origin->first - queue->taken : 0;
    berth->count = queue->count;
    berth->bytes = queue->bytes;
    if (queue->count > 0) zmtp__queue_unload(queue, &berth->cargo);
}

// What the queue that is unloaded has abroad. The octets first, which the other side stores last.
static void shore_reckon(struct zmtp__shore *shore)
{
    const struct ferry_passage *out = shore->out;
    shore->abroad.bytes =
        out->shipped_bytes - atomic_load_explicit(&out->gone_bytes, memory_order_seq_cst);
    shore->abroad.count =
        out->shipped_count - atomic_load_explicit(&out->gone_count, memory_order_relaxed);
}

// The limits, before anything that they are for. True: the other side has to hear of them.
static bool shore_tell_limits(struct zmtp__shore *shore)
{
    const struct zmtp__queue *queue = shore->end->in;
    struct ferry_passage *out = shore->out;
    const bool same =
        atomic_load_explicit(&out->limit_count, memory_order_relaxed) == queue->count_max &&
        atomic_load_explicit(&out->limit_bytes, memory_order_relaxed) == queue->bytes_max;
    if (same) return false;
    atomic_store_explicit(&out->limit_count, queue->count_max, memory_order_relaxed);
    atomic_store_explicit(&out->limit_bytes, queue->bytes_max, memory_order_relaxed);
    return true;
}

static size_t ferry_half(size_t max)
{
    return max / 2 + max % 2;
}

// Tells the other side what has left the queue that is loaded. True: enough for it to hear of that now.
static bool shore_tell_gone(struct zmtp__shore *shore)
{
    const struct zmtp__queue *queue = shore->end->out;
    struct zmtp__debt *const debt = &shore->debt;
    struct ferry_passage *in = shore->in;
    debt->count_due = ferry_half(atomic_load_explicit(&in->limit_count, memory_order_relaxed));
    debt->bytes_due = ferry_half(atomic_load_explicit(&in->limit_bytes, memory_order_relaxed));
    if (!zmtp__queue_owes(queue)) return false;
    const size_t count = atomic_load_explicit(&in->gone_count, memory_order_relaxed);
    const size_t bytes = atomic_load_explicit(&in->gone_bytes, memory_order_relaxed);
    atomic_store_explicit(&in->gone_count, count + debt->count - queue->count,
                          memory_order_relaxed);
    atomic_store_explicit(&in->gone_bytes, bytes + debt->bytes - queue->bytes,
                          memory_order_seq_cst);
    debt->count = queue->count;
    debt->bytes = queue->bytes;
    if (!atomic_load_explicit(&in->thirsty, memory_order_seq_cst)) return false;
    atomic_store_explicit(&in->thirsty, false, memory_order_relaxed);
    return true;
}

// What has left elsewhere is room again. If the queue that is unloaded waits for more, the reader calls when it tells of
// that; else it need not, as the writer looks whenever it has filled its queue. As with a berth, the writer stores
// |thirsty| and then loads what is gone, the reader stores that and then loads |thirsty|, and one finds the other's.
static void shore_hear_gone(struct zmtp__shore *shore)
{
    const struct zmtp__queue *queue = shore->end->in;
    struct ferry_passage *out = shore->out;
    shore_reckon(shore);
    zmtp__pipe_consumed(shore->end);
    if (!queue->starved && !zmtp__queue_full(queue)) return;
    if (!atomic_load_explicit(&out->thirsty, memory_order_relaxed))
        atomic_store_explicit(&out->thirsty, true, memory_order_seq_cst);
    shore_reckon(shore);
    zmtp__pipe_consumed(shore->end);
}

void zmtp__shore_count(struct zmtp__shore *shore)
{
    if (shore->end) shore_hear_gone(shore);
}

// Has the reader said that it has nothing left?
static bool passage_dry(const struct ferry_passage *out, memory_order order)
{
    return atomic_load_explicit(&out->dried, order) ==
           atomic_load_explicit(&out->head, memory_order_relaxed);
}

// Do the messages in the pipe stay there? Who keeps the first stores |kept|, then loads |dried|; a reader that has
// nothing left stores |dried|, then loads |kept|. One finds the other's, so that either the messages are sent or the
// reader calls. In the same way who ships without a call and a reader that has nothing left find each other's |head|
// and |dried|.
static bool shore_keeps(struct zmtp__shore *shore)
{
    const struct zmtp__queue *queue = shore->end->in;
    struct ferry_passage *out = shore->out;
    shore->abroad.bide_bytes = shore->abroad.bide_count = 0;
    if (!shore->ferry->bides || shore_has_news(shore)) return false;
    if (passage_dry(out, memory_order_relaxed)) return false;
    shore->abroad.bide_bytes = FERRY_BIDE_BYTES;
    shore->abroad.bide_count = FERRY_BIDE_COUNT;
    if (zmtp__queue_bides(queue)) {
        atomic_store_explicit(&out->kept, true, memory_order_seq_cst);
        if (!passage_dry(out, memory_order_seq_cst)) return true;
    }
    shore->abroad.bide_bytes = shore->abroad.bide_count = 0;
    return false;
}

bool zmtp__shore_has_come(const struct zmtp__shore *shore)
{
    const struct ferry_passage *in = shore->in;
    return atomic_load_explicit(&in->head, memory_order_relaxed) !=
           atomic_load_explicit(&in->tail, memory_order_relaxed);
}

bool zmtp__shore_dries(const struct zmtp__shore *shore)
{
    if (!shore->debt.dries || !shore->end || shore->end->out->count > 0) return false;
    if (shore->converses || shore->end->in->written != shore->answered) return false;
    if (zmtp__shore_has_come(shore) || zmtp__shore_left_alone(shore)) return false;
    return shore->several || zmtp__shore_lacks(shore);
}

bool zmtp__shore_lacks(const struct zmtp__shore *shore)
{
    return atomic_load_explicit(&shore->in->kept, memory_order_relaxed);
}

// Says that nothing is left here, if so. True: the other side has kept something.
static bool shore_asks(struct zmtp__shore *shore)
{
    struct ferry_passage *in = shore->in;
    if (!shore->ferry->bides || shore->end->out->count > 0) return false;
    const size_t tail = atomic_load_explicit(&in->tail, memory_order_relaxed);
    shore->debt.dries = false;
    atomic_store_explicit(&in->dried, tail, memory_order_seq_cst);
    if (atomic_load_explicit(&in->head, memory_order_seq_cst) != tail) {
        zmtp__pipe_mark(shore->end); // it came meanwhile, and nobody calls
        return false;
    }
    return atomic_load_explicit(&in->kept, memory_order_seq_cst);
}

// Sends what the pipe holds for the other side. ZMTP__FERRY_RING: that is to be called; ZMTP__FERRY_KNOCK: for messages
// alone. 0: there is nothing, or it has to wait for room, or the other side looks by itself when it has nothing left.
static unsigned shore_ship(struct zmtp__shore *shore)
{
    const struct zmtp__queue *queue = shore->end->in;
    struct ferry_passage *out = shore->out;
    if (!shore_has_news(shore) && queue->count == 0) return 0;
    if (shore_keeps(shore) || !passage_awaits_room(out, queue)) return 0;
    const size_t head = atomic_load_explicit(&out->head, memory_order_relaxed);
    struct ferry_berth *berth = &out->berths[head % FERRY_BERTHS];
    shore_fill(shore, berth);
    out->transit_count += berth->count;
    out->transit_bytes += berth->bytes;
    out->shipped_count += berth->count;
    out->shipped_bytes += berth->bytes;
    shore_reckon(shore);
    atomic_store_explicit(&out->kept, false, memory_order_relaxed);
    const bool more = berth->news || berth->cargo.commands > 0;
    atomic_store_explicit(&out->head, head + 1, memory_order_seq_cst);
    zmtp__pipe_consumed(shore->end);
    if (!shore->ferry->bides || more) return ZMTP__FERRY_RING;
    const bool dry = atomic_load_explicit(&out->dried, memory_order_seq_cst) == head;
    return dry ? ZMTP__FERRY_KNOCK : 0;
}

// Tells the shore's pipe of the other side's link. |base| counts the messages before the cargo.
static void shore_hear(struct zmtp__shore *shore, struct ferry_berth *berth, uint64_t base)
{
    struct zmtp__origin *origin;
    zmtp_pipe_link_down(shore->end); // also when one connection has followed on another
    while ((origin = berth_take_origin(berth))) {
        zmtp__pipe_introduce_at(shore->end, origin, base + origin->first);
        zmtp__origin_unref(origin);
    }
    if (!berth->up) zmtp_pipe_link_down(shore->end);
    shore->heard = berth->generation;
    berth->news = false;
}

static int shore_load(struct zmtp__shore *shore, struct ferry_berth *berth)
{
    struct zmtp_pipe_end *end = shore->end;
    const struct zmtp_link *link = zmtp_pipe_link(end);
    const uint64_t base = end->out->taken + end->out->count;
    const size_t messages = zmtp__cargo_messages(&berth->cargo);
    if (berth->cargo.count > 0) {
        // Commands that were for a connection other than the present one are not to be seen. A core that has
        // its connections elsewhere tells of none, and commands are for it.
        const bool told = link->generation > 0;
        if (told && (!link->up || link->generation != berth->heard))
            zmtp__cargo_expire(&berth->cargo);
        const struct zmtp__cargo cargo = berth->cargo;
        const int result = zmtp__queue_load(end->out, &berth->cargo, shore->ferry->allocator);
        if (result < 0) return result;
        shore->debt.count += cargo.count;
        shore->debt.bytes += cargo.bytes;
        shore->debt.dries = shore->ferry->bides;
        shore->several = cargo.count > 1;
        shore->converses = shore->end->in->written != shore->answered;
        shore->answered = shore->end->in->written;
        zmtp__pipe_published(end);
    }
    if (berth->news) shore_hear(shore, berth, base);
    const size_t landed = atomic_load_explicit(&shore->in->landed, memory_order_relaxed);
    atomic_store_explicit(&shore->in->landed, landed + messages, memory_order_relaxed);
    return ZMTP_OK;
}

// Is there room for |cargo|? No: the shore's end is marked when there may be.
static bool shore_admits(const struct zmtp__shore *shore, const struct zmtp__cargo *cargo)
{
    struct zmtp__queue *queue = shore->end->out;
    if (queue->count == 0) return true;
    if (ferry_admits(queue->count, cargo->count, queue->count_max) &&
        ferry_admits(queue->bytes, cargo->bytes, queue->bytes_max))
        return true;
    zmtp__queue_refuse(queue);
    return false;
}

// What came of landing.
struct ferry_landing {
    bool all;     // the ring is empty
    bool awaited; // the other side waits for the berths that were left
    int result;
};

// Loads what has come, as far as there is room; of one that is |alone|, all.
static struct ferry_landing shore_land(struct zmtp__shore *shore, bool alone)
{
    struct ferry_passage *in = shore->in;
    struct ferry_landing landing = {.result = ZMTP_OK};
    const size_t begin = atomic_load_explicit(&in->tail, memory_order_relaxed);
    const size_t head = atomic_load_explicit(&in->head, memory_order_acquire);
    size_t tail = begin;
    while (tail != head) {
        struct ferry_berth *berth = &in->berths[tail % FERRY_BERTHS];
        if (!alone && !shore_admits(shore, &berth->cargo)) break;
        landing.result = shore_load(shore, berth);
        if (landing.result < 0) break;
        tail++;
    }
    landing.all = tail == head;
    if (tail != begin) landing.awaited = passage_read(in, tail);
    return landing;
}

void zmtp__shore_put_off(struct zmtp__shore *shore)
{
    if (shore->hungry) return;
    shore->hungry = true;
    shore->hungry_next = shore->dock->hungry;
    shore->dock->hungry = shore;
}

static void shore_forget_hunger(struct zmtp__shore *shore)
{
    struct zmtp__shore **at = &shore->dock->hungry;
    if (!shore->hungry) return;
    while (*at != shore)
        at = &(*at)->hungry_next;
    *at = shore->hungry_next;
    shore->hungry = false;
}

void zmtp__dock_feed(struct zmtp__dock *dock)
{
    while (dock->hungry) {
        struct zmtp__shore *shore = dock->hungry;
        shore_forget_hunger(shore);
        // On this very thread, which needs no ring.
        if (!atomic_exchange_explicit(&shore->called, true, memory_order_acq_rel))
            shore_list(shore);
    }
}

// The shore's own side has closed its end of the pipe. What it sent goes to the other side in one piece,
// for which there is always room: so to leave takes no time and no memory.
static unsigned shore_leave(struct zmtp__shore *shore)
{
    struct zmtp_pipe_end *end = shore->end;
    if (end) shore_fill(shore, &shore->out->last);
    atomic_store_explicit(&shore->out->left, true, memory_order_release);
    zmtp_pipe_close(end);
    shore->end = NULL;
    shore->over = true;
    return ZMTP__FERRY_OVER | shore_call(shore, ZMTP__FERRY_RING);
}

// The other side has left, and all it sent has been loaded. What it has not loaded is lost.
static unsigned shore_end(struct zmtp__shore *shore)
{
    struct zmtp_pipe_end *end = shore->end, *const near = end->other;
    const size_t lost = zmtp__queue_settle(end->in);
    end->out->debt = NULL;
    zmtp_pipe_close(end);
    near->stranded += lost;
    near->out->withdrawn += lost;
    shore->end = NULL;
    shore->over = true;
    return ZMTP__FERRY_OVER;
}

unsigned zmtp__shore_work(struct zmtp__shore *shore)
{
    if (!shore->end) return 0; // what comes waits until it is attached
    if (shore->end->other->closed) return shore_leave(shore);
    // Looked at before the ring, which then holds all that there will ever be.
    const bool alone = zmtp__shore_left_alone(shore);
    // To keep to limits would hold back nobody now, and who waits to send to the side that has left, before
    // reading more of it, would never hear that it has.
    struct ferry_landing landing = shore_land(shore, alone);
    if (alone && landing.all) {
        landing.result = shore_load(shore, &shore->in->last);
        if (landing.result == ZMTP_OK) return shore_end(shore);
    }
    if (landing.result < 0) zmtp__shore_put_off(shore);
    if (alone) return 0; // and send to nobody
    shore_hear_gone(shore);
    bool news = shore_tell_limits(shore) || landing.awaited;
    news |= shore_tell_gone(shore);
    news |= shore_asks(shore);
    const unsigned shipped = shore_ship(shore);
    const unsigned call = news ? ZMTP__FERRY_RING : shipped;
    return call ? shore_call(shore, call) : 0;
}

unsigned zmtp__shore_refuse(struct zmtp__shore *shore)
{
    assert(!shore->end && !shore->over);
    return shore_leave(shore);
}

void zmtp__shore_close(struct zmtp__shore *shore)
{
    assert(shore->over);
    shore_forget_hunger(shore);
    shore->closed = true;
    if (!atomic_exchange_explicit(&shore->called, true, memory_order_acq_rel))
        ferry_release(shore->ferry);
}
