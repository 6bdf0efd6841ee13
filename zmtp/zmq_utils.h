// Deprecated: all of it is in zmq.h.
#ifndef ZMTP_ZMQ_UTILS_H
#define ZMTP_ZMQ_UTILS_H

#include "zmq.h"

#endif
