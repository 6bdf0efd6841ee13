// Who may connect over tcp, and over ws, by the address that they come from.
#ifndef ZMTP_IO_GATE_H
#define ZMTP_IO_GATE_H

#include "address.h"

struct zmtp__gate;

// What is wrong with the networks, as a constant sentence; null: nothing.
const char *zmtp__gate_flaw(const char *networks);
// Reads |networks|, in which there is no flaw; null when there are none to go by, and everybody may come
// in. ZMTP_ERR_MEMORY.
int zmtp__gate_open(struct zmtp__gate **out, const char *networks,
                    const struct zmtp_allocator *allocator);
void zmtp__gate_close(struct zmtp__gate *gate);
// May whoever has this address come in? A null gate lets everybody in, and one that is not null nobody of
// whom no address of IP is known.
bool zmtp__gate_admits(const struct zmtp__gate *gate, const struct zmtp__address *address);

#endif
