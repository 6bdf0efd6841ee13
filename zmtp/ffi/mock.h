// What libzmtp-mock.so has beside the functions of ffi.h: an in-memory network, and a script for it. Every endpoint leads
// to a socket of the same process, whatever its scheme; nothing of the system is asked for but memory, descriptors
// and, where a message is to be late, a thread. So a program's tests need no ports, lose what they say, and fail where
// they want it to fail.
//
// The patterns are the engine's own, so that turns, envelopes, topics and limits are what they are elsewhere. A script
// is the process's, and what it says of a socket ends with it.
#ifndef ZMTP_FFI_MOCK_H
#define ZMTP_FFI_MOCK_H

#include "../ffi.h"

#ifdef __cplusplus
extern "C" {
#endif

// Of the messages that the socket sends from now on, so many of a thousand are lost on their way; the same |seed| loses
// the same ones.
ZMTP_FFI_EXPORT int32_t zmtp_mock_loss(uint64_t socket, int32_t per_mille, uint32_t seed);
// The next |count| that it sends are lost.
ZMTP_FFI_EXPORT int32_t zmtp_mock_drop(uint64_t socket, int32_t count);
// How many of its messages were lost so.
ZMTP_FFI_EXPORT int64_t zmtp_mock_lost(uint64_t socket);
// What it sends from now on arrives as much later; at most an hour.
ZMTP_FFI_EXPORT int32_t zmtp_mock_delay(uint64_t socket, int32_t delay_ms);
// All connections to the endpoint break, and none is made until |for_ms| are over. What waits to be sent by who dialled
// goes on waiting. ZMTP_FFI_NOT_FOUND: nobody is bound there.
ZMTP_FFI_EXPORT int32_t zmtp_mock_cut(const char *endpoint, int32_t for_ms);
// The function of ffi.h, by its name, fails with the code, |times| in a row, after it was called |after| times.
ZMTP_FFI_EXPORT int32_t zmtp_mock_fail(const char *function, int32_t code, int32_t after,
                                       int32_t times);
// An endpoint that answers: whoever connects there (a REQ or a DEALER) and sends |request| as the last part gets
// |reply|. A request of 0 octets is any that has no reply of its own.
ZMTP_FFI_EXPORT int32_t zmtp_mock_reply(const char *endpoint, const void *request,
                                        size_t request_size, const void *reply, size_t reply_size);
// Forgets failures and replies.
ZMTP_FFI_EXPORT int32_t zmtp_mock_reset(void);

#ifdef __cplusplus
}
#endif
#endif
