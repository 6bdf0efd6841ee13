#include <execinfo.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/monkey/monkey.h"

enum { LEDGER_FRAMES = 14 };

struct ledger_block {
    struct ledger_block *next, *previous;
    size_t size;
    int frames;
    void *frame[LEDGER_FRAMES];
    alignas(max_align_t) uint8_t memory[];
};

static void ledger_remove(struct ledger *ledger, struct ledger_block *block)
{
    if (block->next) block->next->previous = block->previous;
    if (block->previous)
        block->previous->next = block->next;
    else
        ledger->blocks = block->next;
}

static void ledger_add(struct ledger *ledger, struct ledger_block *block, size_t size)
{
    block->size = size;
    block->frames = backtrace(block->frame, LEDGER_FRAMES);
    block->previous = NULL;
    block->next = ledger->blocks;
    if (block->next) block->next->previous = block;
    ledger->blocks = block;
}

static struct ledger_block *ledger_block_of(void *memory)
{
    return (void *)((uint8_t *)memory - offsetof(struct ledger_block, memory));
}

static void ledger_wrong(const char *what)
{
    fprintf(stderr, "ledger: %s\n", what);
    abort();
}

// A block moves with each growth, so that nobody gets away with the old place.
static void *ledger_resize(void *context, void *memory, size_t old_size, size_t new_size)
{
    struct ledger *ledger = context;
    struct ledger_block *old = memory ? ledger_block_of(memory) : NULL, *block = NULL;
    if (!pthread_equal(ledger->thread, pthread_self())) ledger_wrong("used by another thread");
    if (old && old->size != old_size) ledger_wrong("a block is given back with another size");
    if (new_size > 0) {
        struct monkey_faults *const faults = monkey_faults;
        if (faults && random_below(&faults->random, 1000) < faults->engine) return NULL;
        block = malloc(sizeof *block + new_size);
        if (!block) return NULL;
        ledger_add(ledger, block, new_size);
        if (old) memcpy(block->memory, memory, old_size < new_size ? old_size : new_size);
    }
    if (old) {
        ledger_remove(ledger, old);
        free(old);
    }
    return block ? block->memory : NULL;
}

void ledger_init(struct ledger *ledger)
{
    *ledger = (struct ledger){.thread = pthread_self(),
                              .allocator = {.context = ledger, .resize = ledger_resize}};
}

bool ledger_settled(const struct ledger *ledger)
{
    for (const struct ledger_block *block = ledger->blocks; block; block = block->next) {
        fprintf(stderr, "%zu octets are left, of:\n", block->size);
        backtrace_symbols_fd(block->frame, block->frames, STDERR_FILENO);
    }
    return !ledger->blocks;
}
