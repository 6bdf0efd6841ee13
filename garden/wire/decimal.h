// Doubles and floats to decimal text and back, exactly, in no locale: the nearest double to a text,
// and the shortest text that reads back as the same number.
#ifndef GARDEN_WIRE_DECIMAL_H
#define GARDEN_WIRE_DECIMAL_H

#include "../value.h"

enum { GARDEN__DECIMAL_MAX = 32 };

// |text| follows JSON's grammar of numbers. GARDEN_ERR_RANGE above the largest double; what is too
// small becomes zero, as rounding says.
int garden__decimal_parse(struct garden_text text, double *out);

// Writes a finite number, always with a '.' or an 'e' in it. Returns the size; no zero follows.
size_t garden__decimal_format(double number, char out[GARDEN__DECIMAL_MAX]);
size_t garden__decimal_format_float(float number, char out[GARDEN__DECIMAL_MAX]);

#endif
