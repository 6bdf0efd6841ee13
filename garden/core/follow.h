// A subscriber that wants every event, in order, once. Numbers that jump tell of a gap: then what comes
// live is held back until the daemon has been asked for what is missing. No I/O: the owner delivers,
// asks and answers.
#ifndef GARDEN_CORE_FOLLOW_H
#define GARDEN_CORE_FOLLOW_H

#include "../value.h"

struct garden__held {
    struct garden__held *next;
    uint64_t seq;
    size_t size;
    uint8_t octets[]; // the message
};

struct garden__follow {
    const struct zmtp_allocator *allocator;
    size_t count_max, bytes_max;       // of what is held; more is asked for again
    bool known;                        // |next| is
    struct garden_uuid session;        // nil: not told yet
    uint64_t next;                     // is to be delivered next
    uint64_t target;                   // numbers below it have been given out, as far as was heard
    bool asking;                       // an answer is outstanding
    bool stale;                        // to what was asked of a former session
    struct garden__held *first, *last; // ascending
    size_t count, bytes;
};

void garden__follow_init(struct garden__follow *follow, const struct zmtp_allocator *allocator,
                         size_t count_max, size_t bytes_max);
void garden__follow_fini(struct garden__follow *follow);

// A welcome, or an answer of a |session|, whose next event will be |next|. True: it is another session
// than before, so the former one's last events may be lost; it is followed from its first event on.
bool garden__follow_session(struct garden__follow *follow, struct garden_uuid session,
                            uint64_t next);
// The connection went. Without a welcome nothing would tell of another session, so any number may come.
void garden__follow_cut(struct garden__follow *follow);

// An event that came live, or in an answer. True: deliver it now. False: it was delivered before, or
// there is a gap before it; with |octets| it is held back then.
bool garden__follow_event(struct garden__follow *follow, uint64_t seq, struct zmtp_bytes octets);
// One that was held back and is to be delivered now; null: none. The caller frees it.
struct garden__held *garden__follow_take(struct garden__follow *follow);
void garden__follow_free(struct garden__follow *follow, struct garden__held *held);

// True: ask for the events from |*from| on, now, and call garden__follow_answered afterwards.
bool garden__follow_ask(struct garden__follow *follow, uint64_t *from);
// The answer begins with number |first|, before its events are told. True: the |*count| from |*lost| on
// are lost for good.
bool garden__follow_answered(struct garden__follow *follow, uint64_t first, uint64_t *lost,
                             uint64_t *count);
// True: what was asked, and is answered now, is of no use any more. Ask again.
bool garden__follow_stale(struct garden__follow *follow);
// There is no answer, or it brought nothing new: goes on at what is held. The same result.
bool garden__follow_give_up(struct garden__follow *follow, uint64_t *lost, uint64_t *count);

#endif
