// The state as messages of the protocol, which is how it is kept: a change is the shell request that made
// it, and a state is the shortest list of requests that makes it again. What a request would take from
// outside comes with it: its header's msg_id is the id of what it makes, its timestamp the time. The
// parent is the header of the client's own request, where there was one; answers that were given are kept
// as themselves.
#ifndef GARDEN_DAEMON_SAVE_H
#define GARDEN_DAEMON_SAVE_H

#include "../core/record.h"
#include "state.h"

// Whether a request changes what is kept. Those of playing do not: the playhead is kept as a Seek.
bool save_is_change(enum garden_shell_request_kind kind);

// |content|, executed at |moment| for the client's |request| (null: nobody's), in the octets of |form|.
int save_change(const struct garden_shell_request *content, const struct state_moment *moment,
                const struct garden_header *request, struct garden_form form,
                struct garden_buffer *out);

// Hands all that |snapshot| has to |put|, in an order in which it can be made again. A negative result of
// |put| stops it and is returned.
int save_snapshot(const struct snapshot *snapshot, struct garden_buffer *octets,
                  int (*put)(void *context, struct zmtp_bytes octets), void *context);

// Makes again what |octets| tell, and adds answers of clients' requests to |answers|. What a request is
// refused for now, it was refused for then: that is no error. GARDEN_ERR_MEMORY, or an error of
// decoding.
int save_restore(struct state *state, int64_t now_ns, struct zmtp_bytes octets,
                 struct garden__record *answers);

#endif
