#include "random.h"

#include <sodium.h>
#include <time.h>

struct garden_uuid garden__uuid_new(void)
{
    uint8_t octets[16];
    randombytes_buf(octets, sizeof octets);
    return garden_uuid_v4(octets);
}

struct garden_time garden__time_now(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail for this clock
    return (struct garden_time){.seconds = now.tv_sec, .nanos = (uint32_t)now.tv_nsec};
}
