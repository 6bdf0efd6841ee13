// The names of messages that options take, and what was meant by one that is none.
#include <string.h>

#include "tool.h"

#define KINDS_ROW(row, constant, wire, fields) #wire,
#define KINDS_UNIT(row, constant, wire) #wire,
#define KINDS_ALIAS(row, constant, wire, tagged) #wire,
#define KINDS_NONE(...)
#define KINDS_OF(table) table(KINDS_ROW, KINDS_UNIT, KINDS_ALIAS, KINDS_NONE, KINDS_NONE)

static const char *const kinds_events[] = {KINDS_OF(GARDEN_TABLE_event)};
// As garden_message_name() has them; some are in two tables.
static const char *const kinds_others[] = {
    KINDS_OF(GARDEN_TABLE_shell_request) KINDS_OF(GARDEN_TABLE_shell_reply)
        KINDS_OF(GARDEN_TABLE_control_request) KINDS_OF(GARDEN_TABLE_control_reply)
            KINDS_OF(GARDEN_TABLE_query_reply) "QueryRequest",
};

static bool kinds_look(const char *const *names, size_t count, const char *name,
                       struct garden_near *near)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) return true;
        garden_near_offer(near, names[i]);
    }
    return false;
}

int tool_check_kind(const struct tool *tool, const char *name, bool events_only)
{
    struct garden_near near;
    char meant[GARDEN_NEAR_SIZE];
    garden_near_init(&near, garden_text_of(name));
    if (kinds_look(kinds_events, sizeof kinds_events / sizeof *kinds_events, name, &near))
        return TOOL_OK;
    if (!events_only &&
        kinds_look(kinds_others, sizeof kinds_others / sizeof *kinds_others, name, &near))
        return TOOL_OK;
    garden_near_text(&near, meant);
    return tool_usage(tool, "there is no %s '%s'%s", events_only ? "event" : "message", name,
                      meant);
}
