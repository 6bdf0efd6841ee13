// What the two flavours of the library differ in, but for the names they export.
#ifndef ZMTP_COMPAT_LIBRARY_H
#define ZMTP_COMPAT_LIBRARY_H

#include <stdbool.h>

// Made with DRAFT=1: what libzmq calls a draft is told of, and taken. In flavour.c alone, which is compiled twice.
extern const bool zmq__draft;

#endif
