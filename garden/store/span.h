// Where the values of a JSON text begin and end, without what they are: to look at a long list item by item.
// Nothing is checked that a decoder will check: on a text that is no JSON the spans are some part of it.
#ifndef GARDEN_STORE_SPAN_H
#define GARDEN_STORE_SPAN_H

#include <zmtp/base.h>

// Takes white space off the front.
void garden__span_skip(struct zmtp_bytes *rest);
// Takes a value off the front: up to the end of the text, list, map, or of the number or word. Takes at
// least an octet if there is one.
struct zmtp_bytes garden__span_value(struct zmtp_bytes *rest);

#endif
