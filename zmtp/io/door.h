// Who may connect over ipc, by what the system says of the process at the other side.
#ifndef ZMTP_IO_DOOR_H
#define ZMTP_IO_DOOR_H

#include "../uv.h"

struct zmtp__door;

// What is wrong with the list, as a constant sentence; null: nothing.
const char *zmtp__door_flaw(const struct zmtp_uv_ipc_allow *allow);
// Copies |allow|; null when everybody may come in. ZMTP_ERR_MEMORY.
int zmtp__door_open(struct zmtp__door **out, const struct zmtp_uv_ipc_allow *allow,
                    const struct zmtp_allocator *allocator);
void zmtp__door_close(struct zmtp__door *door);
// May the process at the other side of |fd| come in? A null door lets everybody in, and one that is not
// null nobody of whom the system says nothing.
bool zmtp__door_admits(const struct zmtp__door *door, int fd,
                       const struct zmtp_uv_process *process);

// Who is at the other side of |fd|, over ipc.
struct zmtp_uv_process zmtp__door_process(int fd);

#endif
