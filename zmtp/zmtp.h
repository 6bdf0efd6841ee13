// libzmtp: ZMTP 3.1 in C. This header brings the whole native API; the README of this folder is the
// map. The layers below uv.h (see `make core`) need no operating system and can be included alone.
#ifndef ZMTP_ZMTP_H
#define ZMTP_ZMTP_H

#include "base.h"
#include "config.h"
#include "curve.h"
#include "msg.h"
#include "peer.h"
#include "socket.h"
#include "uv.h"
#include "wire.h"
#include "zap.h"

#endif
