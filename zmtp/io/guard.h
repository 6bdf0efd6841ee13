// Who may come in: the list of allowed keys of a socket that is a server, and the copy of what its
// connections bring to their handshakes.
#ifndef ZMTP_IO_GUARD_H
#define ZMTP_IO_GUARD_H

#include "../uv.h"

struct zmtp__guard;

// What is wrong with what |config| says of security and whom to let in, as a constant sentence; null:
// nothing. Files are not looked at.
const char *zmtp__guard_flaw(const struct zmtp_uv_config *config);
// Copies what |config| says of security, and reads its file or folder; null for the NULL mechanism
// of those who do not judge, where there is nothing to guard. ZMTP_ERR_ARGUMENT when that is
// not complete or not readable as keys, ZMTP_ERR_NOT_FOUND and the like for a path, ZMTP_ERR_MEMORY.
// What is wrong with a path, or with what lies there, goes into |words|, of ZMTP__TEXT_MAX octets.
int zmtp__guard_open(struct zmtp__guard **out, const struct zmtp_uv_config *config,
                     const struct zmtp_allocator *allocator, char *words);
void zmtp__guard_close(struct zmtp__guard *guard);
// Lives as long as the guard; null for a null one.
const struct zmtp_security *zmtp__guard_security(const struct zmtp__guard *guard);
// The ZAP domain in which a handler has to be asked; null: none has.
const char *zmtp__guard_domain(const struct zmtp__guard *guard);
// Judges, and sets |*verdict|; false when a ZAP handler or the socket's user has to be asked.
bool zmtp__guard_judge(struct zmtp__guard *guard, const struct zmtp_credentials *credentials,
                       enum zmtp_verdict *verdict);

#endif
