// What can go wrong in libgarden. 0 is success, a positive value a count, a negative one of these.
#ifndef GARDEN_ERRORS_H
#define GARDEN_ERRORS_H

#ifdef __cplusplus
extern "C" {
#endif

enum garden_err {
    GARDEN_OK = 0,
    // This program: the call was wrong, and nothing was changed.
    GARDEN_ERR_ARGUMENT = -1, // an argument is out of its range
    GARDEN_ERR_STATE = -2,    // not now
    // The world: nothing was lost, the caller still owns what it passed.
    GARDEN_ERR_MEMORY = -3,    // the allocator said no
    GARDEN_ERR_SYSTEM = -4,    // a call of the operating system failed
    GARDEN_ERR_NO_SPACE = -5,  // the disk or a quota is full
    GARDEN_ERR_EXISTS = -6,    // the name is taken
    GARDEN_ERR_NOT_FOUND = -7, // there is no such thing
    GARDEN_ERR_ACCESS = -8,    // permission denied, or a read-only place
    GARDEN_ERR_TIMEOUT = -9,   // no answer in time
    GARDEN_ERR_DEAD = -10,     // the peer is gone
    // The input: somebody's bytes are not what they should be.
    GARDEN_ERR_FORMAT = -11,  // malformed
    GARDEN_ERR_VERSION = -12, // of another protocol version
    GARDEN_ERR_TYPE = -13,    // an unknown message type, or a value of the wrong type
    GARDEN_ERR_LIMIT = -14,   // larger, deeper or more than allowed
    GARDEN_ERR_RANGE = -15,   // a number outside its range, NaN or infinite
    GARDEN_ERR_CORRUPT = -16  // stored bytes are not those that were stored
};

// For people: one line that says what was wrong and what to do.
struct garden_error {
    int code;
    char text[256];
};

// A sentence for |error|; never fails, never allocates.
const char *garden_err_text(int error);

#ifdef __cplusplus
}
#endif
#endif
