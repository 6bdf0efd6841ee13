// libgarden: the garden protocol in C. This header brings all of it; the README of this folder is the map.
#ifndef GARDEN_GARDEN_H
#define GARDEN_GARDEN_H

#include "blocking.h"
#include "capture.h"
#include "client.h"
#include "errors.h"
#include "lanes.h"
#include "messages.h"
#include "server.h"
#include "store.h"
#include "stream.h"
#include "value.h"
#include "wire.h"

#endif
