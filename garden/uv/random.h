// Uuids and the wall clock, from the system.
#ifndef GARDEN_UV_RANDOM_H
#define GARDEN_UV_RANDOM_H

#include "../value.h"

struct garden_uuid garden__uuid_new(void);
struct garden_time garden__time_now(void);

#endif
