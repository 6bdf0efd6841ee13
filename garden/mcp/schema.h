// What a tool takes and gives, as tables: a table is printed as JSON Schema, and arguments are checked by it.
#ifndef GARDEN_MCP_SCHEMA_H
#define GARDEN_MCP_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum mcp_type {
    MCP_TEXT,
    MCP_UUID,    // a text
    MCP_HASH,    // a text of 64 hex digits
    MCP_REAL,    // finite
    MCP_INTEGER, // within |min| and |max|
    MCP_FLAG,
    MCP_ENUM,     // one of |values|
    MCP_TEXTS,    // a list of texts
    MCP_INTEGERS, // a list of whole numbers, which only tools give
    MCP_MAP,      // an object with whatever in it
    MCP_MAPS,     // a list of them
    // Of |fields|, which may have objects of plain fields among them, but no deeper ones.
    MCP_OBJECT,
    MCP_OBJECTS, // a list
    // An object whose member "type" says which of |choices| it is. Not within another object.
    MCP_CHOICE,
};
struct mcp_choice;
struct mcp_field {
    const char *name;
    enum mcp_type type;
    bool optional; // may be left out; in what a tool gives it may also be null
    const char *about;
    bool above_min;  // more than |min|
    double min, max; // of numbers; both 0: any
    const char *const *values;
    const struct mcp_field *fields;   // up to a null name
    const struct mcp_choice *choices; // up to a null type
};
struct mcp_choice {
    const char *type, *wire; // its name, and the protocol's for it
    const char *about;
    const struct mcp_field *fields;
};

// A reference of the caller's; null: no memory. |closed|: nothing but the fields may be there.
json_t *schema_print(const struct mcp_field *fields, bool closed);

enum { SCHEMA_WHY_SIZE = 512 };
// Whether |arguments|, an object or null, are as |fields| want them; else |why| names the first that is not, and
// what was expected.
bool schema_check(const struct mcp_field *fields, json_t *arguments, char why[SCHEMA_WHY_SIZE]);
// The choice that a checked object has made.
const struct mcp_choice *schema_choice(const struct mcp_field *field, json_t *object);

#endif
