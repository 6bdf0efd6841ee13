// A ferry: joins two pipes that live on two threads, so that sockets, connections and queues stay what
// they are, the property of one thread.
//
//     thread 0                                                     thread 1
//     socket | pipe | shore 0  == ring of cargoes ==>  shore 1 | pipe | socket or connection
//                              <== ring of cargoes ==
//
// A shore owns the far end of a pipe of its own thread. It unloads that pipe's queue as a whole: the
// array of ranges is the cargo, by exchange with an empty one, so that neither messages nor ranges are
// touched, however many there are. The other shore loads the cargo into its pipe's queue, large runs by
// reference and small ones copied, and marks it. What one end of a pipe tells the other (its link, and
// who speaks there) goes along; so does the end: what was sent before a close is still received. A
// message has left the sender's queue when it was loaded on the other side; until then it counts as
// waiting, and when that side leaves before, as lost.
//
// Here is no lock, no wait and no system call. Each direction is a ring with one writer and one reader;
// atomic operations are by cargo. A shore that has news for the other one calls it: puts it on the
// list of the other thread's dock, once. Only when that thread has said that it sleeps is it to be
// woken, by all who get ZMTP__FERRY_RING from zmtp__shore_work.
//
// Limits: a message waits in one of three places, its sender's queue, the ring, its receiver's queue, and the
// limits of the first are for all three: a sender's queue knows what it has abroad, and is full with that. The
// receiver's side tells it when half of the limits have left, rounded up, which is when libzmq's pipes do, and calls if
// the queue is full. So room is heard of by batches, and who is not refused never waits for that. Limits may change, in the queue;
// the shore is to be marked then.
//
// A ferry may bide: what is sent while the other side has more to receive stays in the sender's queue, until that
// side has nothing left, or a ring's berth is worth it by its messages or octets, or the queue is full. So a stream crosses by batches
// although each send is looked at, and a message that is awaited at once. Who has nothing left says so, and calls
// when something was kept; that needs a thread that works for the sender when no call is there to do so.
//
// The ring and the receiver's queue may have limits as well, for a sender that must not have much abroad. Each
// takes a cargo when it is empty, or when with it its limits are kept. Cargoes are never split, so nobody has to
// look for the messages in them.
#ifndef ZMTP_MSG_FERRY_H
#define ZMTP_MSG_FERRY_H

#include "pipe.h"

struct zmtp__ferry;
struct zmtp__shore;

// Where one thread's shores have their news noted. One for each thread; other threads touch |called|
// and look at |asleep| only. It must outlive the shores at it, and the last call of each of their other sides:
// until those have left.
struct zmtp__dock {
    struct zmtp_marks marks;              // ends of pipes at shores, with news of this thread
    struct zmtp__shore *taken;            // those called by other threads, the first called first
    _Atomic(struct zmtp__shore *) called; // and since, the last first
    struct zmtp__shore *hungry;           // those that could not do all for want of memory
    atomic_bool asleep;
};
void zmtp__dock_init(struct zmtp__dock *dock);
// Lets go of shores that were closed while they were called. No shore is open, and no thread calls.
void zmtp__dock_fini(struct zmtp__dock *dock);
// A shore with news: let it work, or attach its pipe first. Null: none.
struct zmtp__shore *zmtp__dock_next(struct zmtp__dock *dock);
bool zmtp__dock_busy(const struct zmtp__dock *dock); // would that find one?
// There may be memory again: hungry shores have news. To be called a while after one came to be hungry.
void zmtp__dock_feed(struct zmtp__dock *dock);
static inline bool zmtp__dock_hungry(const struct zmtp__dock *dock)
{
    return dock->hungry != NULL;
}
// It sleeps, as far as its thread knows, and has nothing to do: to wake it and have it sleep again would change nothing.
static inline bool zmtp__dock_quiet(const struct zmtp__dock *dock)
{
    return atomic_load_explicit(&dock->asleep, memory_order_relaxed) && !dock->marks.first &&
           !dock->taken && !dock->hungry &&
           !atomic_load_explicit(&dock->called, memory_order_relaxed);
}
// From now on who calls is told to ring. False: somebody has called meanwhile, so do not sleep. A dock
// is asleep at first.
bool zmtp__dock_sleep(struct zmtp__dock *dock);
// The same, with news that wait for a later call.
void zmtp__dock_doze(struct zmtp__dock *dock);
// Somebody looks now, and will until the next sleep: callers need not ring.
void zmtp__dock_wake(struct zmtp__dock *dock);

struct zmtp__ferry_config {
    // Called from both threads; null: the heap. The pipes at the shores must be made with it, and with a
    // pool of it or none, and so must the origins that are introduced there: what crosses is freed on
    // the other thread.
    const struct zmtp_allocator *allocator;
    struct zmtp__dock *docks[2];
    void *owners[2];
    // Limits of the ring that leads from shore 0, and from shore 1. 0: none.
    size_t count_max[2], bytes_max[2];
    bool bides;
};
// Both shores belong to the caller's thread, until the other one is hailed. ZMTP_ERR_MEMORY.
int zmtp__ferry_open(const struct zmtp__ferry_config *config, struct zmtp__shore *shores[2]);
// Calls the other side, which finds its shore at its dock and attaches a pipe to it. True: ring.
bool zmtp__shore_hail(struct zmtp__shore *shore);

// |end| will be attached to a shore later on: what is sent to it from now on, before anything else was, waits in
// its pipe for that.
void zmtp__shore_expect(struct zmtp_pipe_end *end);
// |end| is the shore's from now on, and marked. Nothing has been sent to it yet, unless it was expected.
void zmtp__shore_attach(struct zmtp__shore *shore, struct zmtp_pipe_end *end);
// The other side of an expected |end| has closed: it needs no pool any more, and any thread may attach or close it.
// False: no message waits there.
bool zmtp__shore_leave_behind(struct zmtp_pipe_end *end);
bool zmtp__shore_attached(const struct zmtp__shore *shore);
void *zmtp__shore_owner(const struct zmtp__shore *shore);
void zmtp__shore_own(struct zmtp__shore *shore, void *owner);

// Does what can be done for a shore with news; what there is no memory for makes it hungry. A mix of:
enum {
    ZMTP__FERRY_RING = 1, // wake the other side's thread
    // Of a ferry that bides: the same, if it waits for messages; if it does not, it need not look before it does, or is
    // called for something else.
    ZMTP__FERRY_KNOCK = 4,
    // A side has left, all was loaded, the pipe's end is closed: close the shore.
    ZMTP__FERRY_OVER = 2,
};
unsigned zmtp__shore_work(struct zmtp__shore *shore);
// Of a ferry that bides. What came last is all received, and was several messages, or more are kept for this side, and none
// was answered: so they come as a stream, and the next batch is likely to cross by itself before long. Who works for the shore now says that it
// has nothing left, and has every message cross by itself, or calls for the few that were kept; so it may look for a
// while first whether something has come.
bool zmtp__shore_dries(const struct zmtp__shore *shore);
bool zmtp__shore_has_come(const struct zmtp__shore *shore); // to be loaded
bool zmtp__shore_lacks(const struct zmtp__shore *shore);    // does the other side keep something?
// There is no memory to attach a pipe: it is hungry.
void zmtp__shore_put_off(struct zmtp__shore *shore);
// Leaves without a pipe ever having been attached; what came and will come is lost to the sender.
// ZMTP__FERRY_RING as above, and always ZMTP__FERRY_OVER.
unsigned zmtp__shore_refuse(struct zmtp__shore *shore);
// What has left on the other side, as far as it has told, counts no more for this one, which else hears of that when it
// works; for who asks how much there is.
void zmtp__shore_count(struct zmtp__shore *shore);
// After ZMTP__FERRY_OVER. The ferry's memory goes with the second shore, or with its dock.
void zmtp__shore_close(struct zmtp__shore *shore);
// Has the other side left? What it sent may still be on its way.
bool zmtp__shore_left_alone(const struct zmtp__shore *shore);

#endif
