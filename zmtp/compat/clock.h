// The time that nobody sets, since some moment of the past.
#ifndef ZMTP_COMPAT_CLOCK_H
#define ZMTP_COMPAT_CLOCK_H

#include <stdint.h>

uint64_t zmq__clock_us(void);
uint64_t zmq__clock_ms(void);

#endif
