// Lists of things that are on several lists at once: joining and leaving one costs the same however long it is, and
// cannot fail. What has joined last comes first.
#ifndef ZMTP_IO_HOOK_H
#define ZMTP_IO_HOOK_H

#include <stddef.h>

// One of a thing's places on lists; on none when it is zeroes. A list is a pointer to its first hook.
struct zmtp__hook {
    struct zmtp__hook *next, **at; // |at|: what points at this one; null: it is on no list
    void *owner;
};

// Harmless for one on no list.
static inline void zmtp__hook_out(struct zmtp__hook *hook)
{
    if (!hook->at) return;
    *hook->at = hook->next;
    if (hook->next) hook->next->at = hook->at;
    hook->next = NULL;
    hook->at = NULL;
}

// |hook| of |owner| comes first on |list|, and leaves the one it is on.
static inline void zmtp__hook_in(struct zmtp__hook **list, struct zmtp__hook *hook, void *owner)
{
    zmtp__hook_out(hook);
    *hook = (struct zmtp__hook){.next = *list, .at = list, .owner = owner};
    if (hook->next) hook->next->at = &hook->next;
    *list = hook;
}

#endif
