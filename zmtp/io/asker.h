// The engine's side of ZAP: one DEALER of its own asks the handler at ZMTP_ZAP_ENDPOINT for all
// connections, and gives each the verdict that the handler sends for it. It is opened when somebody
// has to be judged, and closed with the last socket whose guard asks this way.
//
// What waits is bounded: connections by |pending_max| of their listeners, requests by the limits of the
// DEALER's queue, the default ones; and nobody waits longer than |limits.authorise_ms|.
#ifndef ZMTP_IO_ASKER_H
#define ZMTP_IO_ASKER_H

#include "uv_socket.h"

// A socket that asks begins or ends.
void zmtp__asker_join(struct zmtp_uv *uv);
void zmtp__asker_leave(struct zmtp_uv *uv);
// Such a socket begins to listen. The way to a handler of another thread takes a while to open, so it
// had better be there before the first guest is.
void zmtp__asker_prepare(struct zmtp_uv *uv);
// Asks about |conn|, which waits for a verdict. Where there is nobody to be asked it has that at once.
void zmtp__asker_ask(struct zmtp__conn *conn, const char *domain,
                     const struct zmtp_credentials *credentials);
// |conn| is over, or judged. Why it was not answered, if that is so; else null.
const char *zmtp__asker_forget(struct zmtp__conn *conn);

#endif
