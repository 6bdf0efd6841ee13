// What the headers of HTTP say that a client sends: pure functions over their texts (RFC 9110, Content Negotiation).
#ifndef GARDEN_MCP_HEADERS_H
#define GARDEN_MCP_HEADERS_H

#include <stdbool.h>

// Whether a Content-Type is |type|, with parameters or without. Null: there is none.
bool header_is_type(const char *value, const char *type);
// Whether an Accept lets |type| come: the most specific of its ranges that |type| is in decides, unless its quality
// is 0. Null: there is none.
bool header_accepts(const char *value, const char *type);

#endif
