// A query that runs: one step after the other, and back to the last step that has another way. Its state
// is in the steps, so that it stops at each row and goes on from there, and no call is in another.
#include <string.h>

#include "../core/error.h"
#include "plan.h"

enum {
    RUN_TEXT_MAX = 16 * 1024,
    RUN_DEPTH_MAX = 32,
    RUN_RECURSE_MAX = 256,
    RUN_MEMORY_MAX = 64 * 1024 * 1024,
    RUN_STEP_COST = 16,         // of a meter's, beside what a step says itself
    RUN_SCRAP_MAX = 256 * 1024, // what may lie about before it is released
};

struct garden_query {
    struct garden_query_config config;
    struct garden__query_plan plan;
    struct garden_arena arena; // of the plan, and of what its steps keep
    struct garden_arena scrap; // of values that are looked at; empty whenever a query begins anew
    struct garden__query_slot *slots;
    struct garden_error *error; // of the call under way
    size_t at, choice;          // the step to come, and the last that has another way
    struct garden__query_meter meter;
    bool begun;
    int ended; // 1: there are no more rows; negative: why not
};

void garden_query_config_init(struct garden_query_config *config)
{
    *config = (struct garden_query_config){.text_max = RUN_TEXT_MAX,
                                           .depth_max = RUN_DEPTH_MAX,
                                           .recurse_max = RUN_RECURSE_MAX,
                                           .memory_max = RUN_MEMORY_MAX};
}

static void run_defaults(struct garden_query_config *config)
{
    struct garden_query_config other;
    garden_query_config_init(&other);
    if (config->text_max == 0) config->text_max = other.text_max;
    if (config->depth_max == 0) config->depth_max = other.depth_max;
    if (config->recurse_max == 0) config->recurse_max = other.recurse_max;
    if (config->memory_max == 0) config->memory_max = other.memory_max;
}

static int run_prepare(struct garden_query *query, struct garden_text text,
                       const struct garden_map *variables, struct garden_error *error)
{
    const struct garden_query_config *config = &query->config;
    struct garden__query_document document;
    if (text.size > config->text_max)
        return garden__fail(error, GARDEN_ERR_LIMIT,
                            "the query has %zu octets, and may have at most %zu", text.size,
                            config->text_max);
    if (!garden_text_valid(text))
        return garden__fail(error, GARDEN_ERR_FORMAT, "the query is not UTF-8");
    int result = garden__query_parse(&document, text, config->depth_max, &query->arena, error);
    if (result == GARDEN_OK)
        result =
            garden__query_plan(&query->plan, config, &document, variables, &query->arena, error);
    if (result < 0) return result;
    query->slots = garden_arena_alloc(&query->arena, query->plan.slot_count, sizeof *query->slots);
    if (!query->slots) return garden__fail(error, query->arena.error, "no memory for the query");
    return GARDEN_OK;
}

int garden_query_open(struct garden_query **out, const struct garden_query_config *config,
                      struct garden_text text, const struct garden_map *variables,
                      struct garden_error *error)
{
    if (!out || !config || !config->schema || !config->adapter || config->schema->type_count == 0 ||
        (!text.data && text.size))
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "a query needs a schema, an adapter and a text");
    struct garden_query *query = zmtp_alloc(config->allocator, sizeof *query);
    if (!query) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a query");
    *query = (struct garden_query){.config = *config,
                                   .choice = GARDEN__QUERY_NONE,
                                   .meter = {0, config->check, config->check_user}};
    run_defaults(&query->config);
    garden_arena_init(&query->arena, config->allocator, query->config.memory_max);
    garden_arena_init(&query->scrap, config->allocator, query->config.memory_max);
    const int result = run_prepare(query, text, variables, error);
    if (result < 0) {
        garden_query_close(query);
        return result;
    }
    *out = query;
    return GARDEN_OK;
}

// ---- Walks

static int run_begin_walk(struct garden_query *query, struct garden__query_step *step,
                          const struct garden_query_vertex *from)
{
    const struct garden_query_adapter *adapter = query->config.adapter;
    struct garden_error why = {0};
    void **walk = &step->walks[step->depth];
    if (!*walk) *walk = garden_arena_alloc(&query->arena, 1, adapter->walk_size);
    if (!*walk)
        return garden__query_fail(query->error, query->arena.error, step->place,
                                  "the query needs more memory than it may");
    memset(*walk, 0, adapter->walk_size);
    const int result =
        adapter->begin(query->config.user, step->edge, from, step->parameters, *walk, &why);
    if (result < 0)
        return garden__query_fail(query->error, result, step->place, "%s",
                                  why.text[0] ? why.text : garden_err_text(result));
    step->depth++;
    return GARDEN_OK;
}

static void run_end_walk(const struct garden_query *query, struct garden__query_step *step)
{
    const struct garden_query_adapter *adapter = query->config.adapter;
    if (adapter->end) adapter->end(query->config.user, step->walks[step->depth - 1]);
    step->depth--;
}

void garden_query_close(struct garden_query *query)
{
    if (!query) return;
    for (size_t i = 0; i < query->plan.step_count; i++)
        while (query->plan.steps[i].depth > 0)
            run_end_walk(query, &query->plan.steps[i]);
    garden_arena_fini(&query->scrap);
    garden_arena_fini(&query->arena);
    zmtp_free(query->config.allocator, query, sizeof *query);
}

// The next vertex of a walk: 1, 0 or an error. A recursion tells a vertex before those behind it.
static int run_next(struct garden_query *query, struct garden__query_step *step,
                    struct garden_query_vertex *out)
{
    const struct garden_query_adapter *adapter = query->config.adapter;
    for (;;) {
        if (step->fresh && step->depth < step->recurse) {
            const int result = run_begin_walk(query, step, &step->here);
            if (result < 0) return result;
        }
        step->fresh = false;
        if (step->depth == 0) return 0;
        const int result = adapter->next(query->config.user, step->walks[step->depth - 1], out);
        if (result < 0)
            return garden__query_fail(query->error, result, step->place, "%s",
                                      garden_err_text(result));
        if (result > 0) {
            step->fresh = step->recurse > 0;
            step->here = *out;
            return 1;
        }
        run_end_walk(query, step);
    }
}

// ---- Values

static bool run_operand_absent(const struct garden_query *query,
                               const struct garden__query_operand *operand)
{
    if (operand->kind == GARDEN__QUERY_VALUE) return false;
    if (operand->kind == GARDEN__QUERY_COUNT) return query->plan.folds[operand->fold].absent;
    return !query->slots[operand->slot].present;
}

static struct garden_value run_read(const struct garden_query *query,
                                    const struct garden__query_operand *operand,
                                    struct garden_arena *arena)
{
    const struct garden_query_adapter *adapter = query->config.adapter;
    if (run_operand_absent(query, operand)) return garden_value_null();
    switch (operand->kind) {
    case GARDEN__QUERY_VALUE:
        return operand->value;
    case GARDEN__QUERY_COUNT:
        return garden_value_uint(query->plan.folds[operand->fold].count);
    case GARDEN__QUERY_TYPENAME:
        return garden_value_text(
            garden_text_of(adapter->type(query->config.user, query->slots[operand->slot].vertex)));
    case GARDEN__QUERY_PROPERTY:
        break;
    }
    return adapter->read(query->config.user, operand->handle, query->slots[operand->slot].vertex,
                         arena);
}

static int run_memory(struct garden_query *query, int code)
{
    return garden__fail(query->error, code,
                        code == GARDEN_ERR_LIMIT ? "the query needs more memory than it may"
                                                 : "no memory for the query");
}

static int run_ended(struct garden_query *query, int code)
{
    return garden__fail(query->error, code, "the query was ended before it was done");
}

// 1: the filter lets it through.
static int run_filter(struct garden_query *query, const struct garden__query_step *step)
{
    // What @optional did not find is filtered by nothing.
    if (run_operand_absent(query, &step->left) || run_operand_absent(query, &step->right)) return 1;
    const struct garden_value left = run_read(query, &step->left, &query->scrap);
    const struct garden_value right = run_read(query, &step->right, &query->scrap);
    if (query->scrap.error) return run_memory(query, query->scrap.error);
    if (right.type == GARDEN_LIST) query->meter.spent += right.list.count;
    const int holds = garden__query_holds(step->op, &left, &right, step->regex, &query->meter);
    return holds < 0 ? run_ended(query, holds) : (holds == 1) != step->negated;
}

static bool run_is_of(const struct garden_query *query, const struct garden__query_step *step)
{
    const struct garden__query_slot *slot = &query->slots[step->to];
    return !slot->present ||
           strcmp(query->config.adapter->type(query->config.user, slot->vertex), step->type) == 0;
}

// ---- Folds

static void run_fold_begin(struct garden_query *query, size_t fold)
{
    struct garden__query_plan *plan = &query->plan;
    plan->folds[fold].count = 0;
    plan->folds[fold].absent = !query->slots[plan->folds[fold].slot].present;
    for (size_t i = 0; i < plan->output_count; i++) {
        const size_t level = plan->folds[fold].level;
        if (level < plan->outputs[i].level && plan->outputs[i].folds[level] == fold)
            plan->outputs[i].cells[level].count = 0;
    }
}

// What the fold at |level| of |output| has gathered, in |arena|.
static struct garden_value run_gathered(const struct garden_query *query,
                                        const struct garden__query_output *output, size_t level,
                                        struct garden_arena *arena)
{
    const struct garden__query_cell *cell = &output->cells[level];
    if (query->plan.folds[output->folds[level]].absent) return garden_value_null();
    struct garden_value *items = garden_arena_alloc(arena, cell->count, sizeof *items);
    if (!items) return garden_value_null();
    if (cell->count) memcpy(items, cell->items, cell->count * sizeof *items);
    return garden_value_list(items, cell->count);
}

static int run_fold_take(struct garden_query *query, size_t fold)
{
    struct garden__query_plan *plan = &query->plan;
    const size_t level = plan->folds[fold].level;
    plan->folds[fold].count++;
    for (size_t i = 0; i < plan->output_count; i++) {
        struct garden__query_output *output = &plan->outputs[i];
        if (level >= output->level || output->folds[level] != fold) continue;
        struct garden__query_cell *cell = &output->cells[level];
        cell->items = garden__query_grow(&query->arena, cell->items, cell->count, &cell->space,
                                         sizeof *cell->items);
        if (!cell->items) return run_memory(query, query->arena.error);
        cell->items[cell->count++] = level + 1 == output->level
                                         ? run_read(query, &output->operand, &query->scrap)
                                         : run_gathered(query, output, level + 1, &query->scrap);
        if (query->scrap.error) return run_memory(query, query->scrap.error);
    }
    return GARDEN_OK;
}

// ---- Rows

static int run_row(struct garden_query *query, struct garden_arena *arena, struct garden_value *row)
{
    const struct garden__query_plan *plan = &query->plan;
    struct garden_entry *entries = garden_arena_alloc(arena, plan->output_count, sizeof *entries);
    if (!entries) return run_memory(query, arena->error);
    for (size_t i = 0; i < plan->output_count; i++) {
        const struct garden__query_output *output = &plan->outputs[i];
        entries[i].key = output->name;
        if (output->level == 0) {
            entries[i].value = run_read(query, &output->operand, arena);
        } else { // what was gathered lies in memory that is used again
            const struct garden_value gathered = run_gathered(query, output, 0, &query->scrap);
            if (query->scrap.error) return run_memory(query, query->scrap.error);
            const int result = garden_value_copy(arena, &gathered, &entries[i].value);
            if (result < 0) return run_memory(query, result);
        }
    }
    if (arena->error) return run_memory(query, arena->error);
    *row = garden_value_map(entries, plan->output_count);
    return 1;
}

// ---- Steps

// Makes |index| the last step that has another way.
static void run_choose(struct garden_query *query, size_t index)
{
    query->plan.steps[index].previous = query->choice;
    query->choice = index;
}

// Takes the next way of the walk at |index|, which is the last choice. 1: the step behind it is next; 0: it
// has no more.
static int run_take_way(struct garden_query *query, size_t index)
{
    struct garden__query_step *step = &query->plan.steps[index];
    struct garden__query_slot *slot = &query->slots[step->to];
    const int result = run_next(query, step, &slot->vertex);
    if (result < 0) return result;
    if (result == 0) query->choice = step->previous;
    slot->present = result > 0;
    if (result == 0 && (!step->optional || step->found)) return 0;
    step->found = true;
    query->at = index + 1;
    return 1;
}

static int run_walk(struct garden_query *query, size_t index)
{
    struct garden__query_step *step = &query->plan.steps[index];
    const bool root = step->from == GARDEN__QUERY_NONE;
    step->found = false;
    if (!root && !query->slots[step->from].present) { // @optional found nothing: nor does this
        query->slots[step->to].present = false;
        query->at = index + 1;
        return 1;
    }
    if (step->recurse) { // the vertex itself is the first
        step->here = query->slots[step->from].vertex;
        step->fresh = true;
        query->slots[step->to] = query->slots[step->from];
        step->found = true;
        run_choose(query, index);
        query->at = index + 1;
        return 1;
    }
    const int result = run_begin_walk(query, step, root ? NULL : &query->slots[step->from].vertex);
    if (result < 0) return result;
    run_choose(query, index);
    return run_take_way(query, index);
}

// Back to the last step that has another way. 1: goes on; 0: there is none left.
static int run_back(struct garden_query *query)
{
    while (query->choice != GARDEN__QUERY_NONE) {
        const size_t index = query->choice;
        struct garden__query_step *step = &query->plan.steps[index];
        if (step->kind == GARDEN__QUERY_FOLD) { // all of it is gathered
            query->choice = step->previous;
            query->at = step->jump;
            return 1;
        }
        if (index == 0 && query->scrap.bytes > RUN_SCRAP_MAX)
            garden_arena_fini(&query->scrap); // nothing of the last vertex is needed any more
        const int result = run_take_way(query, index);
        if (result != 0) return result;
    }
    return 0;
}

// One step. 1: goes on; 2: there is a row; 0: this way leads nowhere.
static int run_step(struct garden_query *query, size_t index)
{
    struct garden__query_step *step = &query->plan.steps[index];
    int result = 1;
    query->at = index + 1;
    switch (step->kind) {
    case GARDEN__QUERY_WALK:
        return run_walk(query, index);
    case GARDEN__QUERY_COERCE:
        return run_is_of(query, step);
    case GARDEN__QUERY_FILTER:
        return run_filter(query, step);
    case GARDEN__QUERY_FOLD:
        run_fold_begin(query, step->fold);
        if (query->plan.folds[step->fold].absent)
            query->at = step->jump;
        else
            run_choose(query, index);
        return 1;
    case GARDEN__QUERY_FOLD_END:
        result = run_fold_take(query, step->fold);
        return result < 0 ? result : 0;
    case GARDEN__QUERY_ROW:
        return 2;
    }
    return result;
}

int garden_query_next(struct garden_query *query, struct garden_arena *arena,
                      struct garden_value *row, struct garden_error *error)
{
    if (!query || !arena || !row) return garden__fail(error, GARDEN_ERR_ARGUMENT, "no query");
    query->error = error;
    if (query->ended)
        return query->ended > 0 ? 0 : garden__fail(error, query->ended, "the query has failed");
    int result = 1;
    if (query->begun) result = run_back(query);
    query->begun = true;
    while (result == 1) {
        result = garden__query_spend(&query->meter, RUN_STEP_COST);
        if (result < 0) {
            (void)run_ended(query, result);
            break;
        }
        result = run_step(query, query->at);
        if (result == 0) result = run_back(query);
    }
    if (result == 2) result = run_row(query, arena, row);
    if (result <= 0) query->ended = result < 0 ? result : 1;
    return result;
}
