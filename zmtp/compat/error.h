// How a call of zmq.h fails: -1, and the reason in errno and in an errno of this library's own. The second is
// for hosts (virtual machines that call through an FFI) whose own work changes errno before their program can
// ask for it. Each thread has one of each.
#ifndef ZMTP_COMPAT_ERROR_H
#define ZMTP_COMPAT_ERROR_H

// |error| is an errno, or a negative zmtp_err, which is told as the nearest errno. Always -1.
int zmq__fail(int error);
// The same for those who return a pointer. Always null.
void *zmq__fail_null(int error);
// The errno of a negative zmtp_err; any other number stays as it is.
int zmq__errno_of(int error);

#endif
