// Words for calls that were wrong, or came at the wrong time: what is the matter with it for a socket of
// this type, and what to do. They are constants, looked up when somebody asks.
#ifndef ZMTP_IO_WORDS_H
#define ZMTP_IO_WORDS_H

#include "../uv.h"

enum zmtp__call {
    ZMTP__CALL_OTHER, // has said itself what was wrong, or has nothing special to say
    ZMTP__CALL_SEND,
    ZMTP__CALL_RECV,
    ZMTP__CALL_SUBSCRIBE,
    ZMTP__CALL_CANCEL,
    ZMTP__CALL_REQUEST,
};

// Null: the error's own text says as much.
const char *zmtp__words(enum zmtp__call call, enum zmtp_socket_type type, int error);

#endif
