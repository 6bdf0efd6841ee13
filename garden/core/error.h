// Filling the one line that a person reads.
#ifndef GARDEN_CORE_ERROR_H
#define GARDEN_CORE_ERROR_H

#include "../errors.h"

// Fills |error| (which may be null) and returns |code|. The text is UTF-8, whatever the arguments are.
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int garden__fail(struct garden_error *error, int code, const char *format, ...);
// Makes |text| UTF-8 in its place.
void garden__text_mend(char *text);

#endif
