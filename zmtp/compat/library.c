#include "library.h"

#include "../curve.h"
#include "../ws/ws.h"
#include "../zmq.h"

#include <string.h>

void zmq_version(int *major, int *minor, int *patch)
{
    if (major) *major = ZMQ_VERSION_MAJOR;
    if (minor) *minor = ZMQ_VERSION_MINOR;
    if (patch) *patch = ZMQ_VERSION_PATCH;
}

// "pgm", "tipc", "norm", "gssapi", "vmci" and "WSS" are not here, and neither is what nobody knows.
int zmq_has(const char *capability)
{
    if (!capability) return 0;
    if (strcmp(capability, "ipc") == 0 || strcmp(capability, "vsock") == 0) return 1;
    if (strcmp(capability, "curve") == 0) return zmtp_sodium() != NULL;
    if (strcmp(capability, "WS") == 0) return zmtp__ws_built();
    if (strcmp(capability, "draft") == 0) return zmq__draft;
    return 0;
}
