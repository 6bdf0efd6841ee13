// From fields to steps. The fields come in the order of the text, each behind its parent, so what an edge
// leads to is known when what is selected of it comes; a fold ends where a field is not below it.
#include "plan.h"

#include <string.h>

#include "../core/error.h"
#include "plan_build.h"

// ---- What the parts share

int garden__query_memory(struct garden__query_build *build, struct garden__query_place place)
{
    return garden__query_fail(build->error, build->arena->error, place,
                              "no memory for so large a query");
}

struct garden__query_step *garden__query_emit(struct garden__query_build *build,
                                              enum garden__query_step_kind kind,
                                              struct garden__query_place place)
{
    struct garden__query_plan *plan = build->plan;
    struct garden__query_step *steps = garden__query_grow(
        build->arena, plan->steps, plan->step_count, &plan->step_space, sizeof *steps);
    if (!steps) return NULL; // those that are there are looked at when the query is closed
    plan->steps = steps;
    struct garden__query_step *step = &plan->steps[plan->step_count++];
    *step = (struct garden__query_step){.kind = kind,
                                        .place = place,
                                        .from = GARDEN__QUERY_NONE,
                                        .to = GARDEN__QUERY_NONE,
                                        .fold = GARDEN__QUERY_NONE};
    return step;
}

bool garden__query_directive_is(const struct garden__query_directive *directive, const char *name)
{
    return garden_text_is(directive->name, name);
}

int garden__query_only_argument(struct garden__query_build *build,
                                const struct garden__query_directive *directive, const char *name,
                                const struct garden__query_argument **out)
{
    *out = NULL;
    for (size_t i = 0; i < directive->argument_count; i++) {
        const struct garden__query_argument *argument =
            &build->document->arguments[directive->argument + i];
        if (!name)
            return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, argument->place,
                                      "@%.*s takes no argument", (int)directive->name.size,
                                      directive->name.data);
        if (*out || !garden_text_is(argument->name, name))
            return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, argument->place,
                                      "@%.*s takes one argument, %s", (int)directive->name.size,
                                      directive->name.data, name);
        *out = argument;
    }
    return GARDEN_OK;
}

static int plan_no_directive(struct garden__query_build *build,
                             const struct garden__query_directive *directive, const char *where)
{
    static const char *const names[] = {"output",  "filter", "tag",      "optional",
                                        "recurse", "fold",   "transform"};
    struct garden_near near;
    char meant[GARDEN_NEAR_SIZE];
    garden_near_init(&near, directive->name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (garden__query_directive_is(directive, names[i]))
            return garden__query_fail(build->error, GARDEN_ERR_STATE, directive->place,
                                      "@%s is not for %s", names[i], where);
        garden_near_offer(&near, names[i]);
    }
    garden_near_text(&near, meant);
    return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, directive->place,
                              "there is no directive @%.*s%s", (int)directive->name.size,
                              directive->name.data, meant);
}

// ---- Properties

static int plan_subject(struct garden__query_build *build, const struct garden__query_field *field,
                        const struct garden__query_scope *scope,
                        const struct garden_query_property *property,
                        struct garden__query_subject *out)
{
    *out = (struct garden__query_subject){.name = field->alias.size ? field->alias : field->name,
                                          .suffix = "",
                                          .prefix = scope->prefix,
                                          .fold = scope->fold};
    out->operand = (struct garden__query_operand){
        .kind = GARDEN__QUERY_PROPERTY,
        .slot = scope->slot,
        .shape = {property->scalar, property->list, property->nullable, false}};
    if (garden_text_is(field->name, "__typename")) {
        out->operand.kind = GARDEN__QUERY_TYPENAME;
        return GARDEN_OK;
    }
    out->operand.handle = build->config->adapter->property(scope->type->name, property->name);
    if (out->operand.handle) return GARDEN_OK;
    return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, field->place,
                              "'%s' cannot be read here", property->name);
}

// The filters of |scope|'s own properties that need no tag, before any edge is followed. |parent| is the
// field that selects them.
static int plan_early_filters(struct garden__query_build *build, size_t parent)
{
    const struct garden__query_document *document = build->document;
    const struct garden__query_scope *scope = &build->scopes[parent];
    const size_t depth = document->fields[parent].depth;
    for (size_t i = parent + 1; i < document->field_count && document->fields[i].depth > depth;
         i++) {
        const struct garden__query_field *field = &document->fields[i];
        struct garden__query_subject subject;
        if (field->depth != depth + 1 || field->coercion) continue;
        const struct garden_query_property *property =
            garden__query_property(scope->type, field->name);
        if (!property) continue; // an edge, or told when its turn comes
        for (size_t d = 0; d < field->directive_count; d++) {
            const struct garden__query_directive *directive =
                &document->directives[field->directive + d];
            if (!garden__query_directive_is(directive, "filter")) continue;
            int result = plan_subject(build, field, scope, property, &subject);
            if (result == GARDEN_OK)
                result = garden__query_filter(build, directive, &subject, GARDEN__QUERY_EARLY);
            if (result < 0) return result;
        }
    }
    return GARDEN_OK;
}

static int plan_property(struct garden__query_build *build, size_t index,
                         const struct garden__query_scope *scope,
                         const struct garden_query_property *property)
{
    const struct garden__query_field *field = &build->document->fields[index];
    struct garden__query_subject subject;
    if (field->argument_count)
        return garden__query_fail(build->error, GARDEN_ERR_FORMAT, field->place,
                                  "'%s' is a property and takes no parameters", property->name);
    int result = plan_subject(build, field, scope, property, &subject);
    for (size_t i = 0; i < field->directive_count && result == GARDEN_OK; i++) {
        const struct garden__query_directive *directive =
            &build->document->directives[field->directive + i];
        if (garden__query_directive_is(directive, "filter"))
            result = garden__query_filter(build, directive, &subject, GARDEN__QUERY_LATE);
        else if (garden__query_directive_is(directive, "output"))
            result = garden__query_output(build, directive, &subject);
        else if (garden__query_directive_is(directive, "tag"))
            result = garden__query_tag(build, directive, &subject);
        else
            result = plan_no_directive(build, directive, "properties, only for edges");
    }
    return result;
}

// ---- Edges

struct plan_edge {
    bool optional, fold, transform;
    size_t recurse;
    size_t count_directive; // the first of those of the count
};

static int plan_recurse(struct garden__query_build *build,
                        const struct garden__query_directive *directive, struct plan_edge *out)
{
    const struct garden__query_argument *argument;
    const int result = garden__query_only_argument(build, directive, "depth", &argument);
    const size_t max = build->config->recurse_max;
    if (result < 0) return result;
    if (!argument || argument->variable || argument->value.type != GARDEN_INT ||
        argument->value.integer < 1)
        return garden__query_fail(build->error, GARDEN_ERR_TYPE, directive->place,
                                  "expected @recurse(depth: n), where n is 1 or more");
    if ((uint64_t)argument->value.integer > max)
        return garden__query_fail(build->error, GARDEN_ERR_LIMIT, argument->value_place,
                                  "@recurse goes at most %zu deep", max);
    out->recurse = (size_t)argument->value.integer;
    return GARDEN_OK;
}

static int plan_transform(struct garden__query_build *build,
                          const struct garden__query_directive *directive, struct plan_edge *out)
{
    const struct garden__query_argument *argument;
    const int result = garden__query_only_argument(build, directive, "op", &argument);
    if (result < 0) return result;
    out->transform = true;
    if (!argument || argument->variable || argument->value.type != GARDEN_TEXT ||
        !garden_text_is(argument->value.text, "count"))
        return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, directive->place,
                                  "expected @transform(op: \"count\"), the only one there is");
    if (!out->fold)
        return garden__query_fail(build->error, GARDEN_ERR_STATE, directive->place,
                                  "@transform counts what is folded: expected @fold before it");
    return GARDEN_OK;
}

static int plan_edge_directives(struct garden__query_build *build,
                                const struct garden__query_field *field, struct plan_edge *out)
{
    int result = GARDEN_OK;
    *out = (struct plan_edge){.count_directive = field->directive_count};
    for (size_t i = 0; i < field->directive_count && result == GARDEN_OK; i++) {
        const struct garden__query_directive *directive =
            &build->document->directives[field->directive + i];
        const struct garden__query_argument *none;
        const bool again = out->fold || out->optional || out->recurse;
        if (garden__query_directive_is(directive, "transform")) {
            out->count_directive = i + 1;
            return plan_transform(build, directive, out); // what follows is the count's
        }
        if (garden__query_directive_is(directive, "fold") && !again) {
            out->fold = true;
            result = garden__query_only_argument(build, directive, NULL, &none);
        } else if (garden__query_directive_is(directive, "optional") && !out->fold &&
                   !out->optional) {
            out->optional = true;
            result = garden__query_only_argument(build, directive, NULL, &none);
        } else if (garden__query_directive_is(directive, "recurse") && !out->fold &&
                   !out->recurse) {
            result = plan_recurse(build, directive, out);
        } else {
            result = plan_no_directive(build, directive,
                                       again ? "an edge with what is before it, but behind "
                                               "@fold @transform(op: \"count\")"
                                             : "an edge; for counts: @fold @transform(op: "
                                               "\"count\") before it");
        }
    }
    return result;
}

static int plan_no_parameter(struct garden__query_build *build,
                             const struct garden_query_edge *edge,
                             const struct garden__query_argument *argument)
{
    struct garden_near near;
    char meant[GARDEN_NEAR_SIZE];
    garden_near_init(&near, argument->name);
    for (size_t i = 0; i < GARDEN_QUERY_PARAMETERS_MAX && edge->parameters[i].name; i++)
        garden_near_offer(&near, edge->parameters[i].name);
    garden_near_text(&near, meant);
    return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, argument->place,
                              "'%s' has no parameter '%.*s'%s", edge->name,
                              (int)argument->name.size, argument->name.data, meant);
}

static int plan_parameters(struct garden__query_build *build,
                           const struct garden__query_field *field,
                           const struct garden_query_edge *edge, struct garden_value *out)
{
    bool given[GARDEN_QUERY_PARAMETERS_MAX] = {false};
    size_t i;
    for (size_t a = 0; a < field->argument_count; a++) {
        const struct garden__query_argument *argument =
            &build->document->arguments[field->argument + a];
        for (i = 0; i < GARDEN_QUERY_PARAMETERS_MAX && edge->parameters[i].name; i++)
            if (garden_text_is(argument->name, edge->parameters[i].name)) break;
        if (i == GARDEN_QUERY_PARAMETERS_MAX || !edge->parameters[i].name)
            return plan_no_parameter(build, edge, argument);
        if (given[i])
            return garden__query_fail(build->error, GARDEN_ERR_EXISTS, argument->place,
                                      "'%s' is given twice", edge->parameters[i].name);
        given[i] = true;
        const struct garden__query_shape shape = {.scalar = edge->parameters[i].scalar,
                                                  .nullable = !edge->parameters[i].required};
        const int result = garden__query_argument_value(
            build, argument->variable ? argument->value.text : argument->name, argument->variable,
            &argument->value, shape, argument->value_place, &out[i]);
        if (result < 0) return result;
    }
    for (i = 0; i < GARDEN_QUERY_PARAMETERS_MAX && edge->parameters[i].name; i++)
        if (edge->parameters[i].required && !given[i])
            return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, field->place,
                                      "'%s' needs the parameter '%s: %s!'", edge->name,
                                      edge->parameters[i].name,
                                      garden_query_scalar_name(edge->parameters[i].scalar));
    return GARDEN_OK;
}

// Begins the fold of what the edge |field| leads to.
static int plan_open_fold(struct garden__query_build *build, size_t field,
                          const struct garden__query_scope *from, size_t *out)
{
    struct garden__query_plan *plan = build->plan;
    const struct garden__query_place place = build->document->fields[field].place;
    plan->folds = garden__query_grow(build->arena, plan->folds, plan->fold_count, &plan->fold_space,
                                     sizeof *plan->folds);
    if (!plan->folds) return garden__query_memory(build, place);
    const size_t level = from->fold == GARDEN__QUERY_NONE ? 0 : plan->folds[from->fold].level + 1;
    plan->folds[plan->fold_count] =
        (struct garden__query_fold){.parent = from->fold, .level = level, .slot = from->slot};
    struct garden__query_step *step = garden__query_emit(build, GARDEN__QUERY_FOLD, place);
    if (!step) return garden__query_memory(build, place);
    step->fold = *out = plan->fold_count++;
    build->open[build->open_count].field = field;
    build->open[build->open_count++].step = plan->step_count - 1;
    return GARDEN_OK;
}

static int plan_count_directives(struct garden__query_build *build,
                                 const struct garden__query_field *field,
                                 const struct plan_edge *edge,
                                 const struct garden__query_subject *subject)
{
    int result = GARDEN_OK;
    for (size_t i = edge->count_directive; i < field->directive_count && result == GARDEN_OK; i++) {
        const struct garden__query_directive *directive =
            &build->document->directives[field->directive + i];
        if (garden__query_directive_is(directive, "filter")) {
            result = garden__query_filter(build, directive, subject, GARDEN__QUERY_EARLY);
            if (result == GARDEN_OK)
                result = garden__query_filter(build, directive, subject, GARDEN__QUERY_LATE);
        } else if (garden__query_directive_is(directive, "output")) {
            result = garden__query_output(build, directive, subject);
        } else if (garden__query_directive_is(directive, "tag")) {
            result = garden__query_tag(build, directive, subject);
        } else {
            result = plan_no_directive(build, directive, "a count");
        }
    }
    return result;
}

static struct garden__query_scope plan_outer(const struct garden__query_build *build, size_t index)
{
    const size_t parent = build->document->fields[index].parent;
    if (parent != GARDEN__QUERY_NONE) return build->scopes[parent];
    return (struct garden__query_scope){.type = &build->config->schema->types[0],
                                        .slot = GARDEN__QUERY_NONE,
                                        .fold = GARDEN__QUERY_NONE,
                                        .prefix = {"", 0}};
}

static int plan_close_fold(struct garden__query_build *build)
{
    const size_t index = build->open[--build->open_count].field;
    const size_t begun = build->open[build->open_count].step;
    const struct garden__query_field *field = &build->document->fields[index];
    const struct garden__query_scope outer = plan_outer(build, index);
    struct plan_edge edge;
    struct garden__query_step *step =
        garden__query_emit(build, GARDEN__QUERY_FOLD_END, field->place);
    if (!step) return garden__query_memory(build, field->place);
    step->fold = build->plan->steps[begun].fold;
    build->plan->steps[begun].jump = build->plan->step_count;
    const int result = plan_edge_directives(build, field, &edge);
    if (result < 0) return result;
    const struct garden__query_subject subject = {
        .operand = {.kind = GARDEN__QUERY_COUNT,
                    .fold = build->plan->steps[begun].fold,
                    .shape = {.scalar = GARDEN_QUERY_INT}},
        .name = field->alias.size ? field->alias : field->name,
        .suffix = "count",
        .prefix = outer.prefix,
        .fold = outer.fold};
    return plan_count_directives(build, field, &edge, &subject);
}

static bool plan_prefix(struct garden__query_build *build, struct garden_text before,
                        struct garden_text alias, struct garden_text *out)
{
    *out = before;
    if (alias.size == 0) return true;
    char *text = garden_arena_alloc(build->arena, before.size + alias.size, 1);
    if (!text) return false;
    if (before.size) memcpy(text, before.data, before.size);
    memcpy(text + before.size, alias.data, alias.size);
    *out = (struct garden_text){text, before.size + alias.size};
    return true;
}

// The step that follows |edge| from |from| to a new slot, which |to| then has.
static int plan_walk(struct garden__query_build *build, const struct garden__query_field *field,
                     const struct garden__query_scope *from, const struct garden_query_edge *edge,
                     const struct plan_edge *how, struct garden__query_scope *to)
{
    const size_t depth = how->recurse ? how->recurse : 1;
    struct garden_value *parameters =
        garden_arena_alloc(build->arena, GARDEN_QUERY_PARAMETERS_MAX, sizeof *parameters);
    void **walks = garden_arena_alloc(build->arena, depth, sizeof *walks);
    if (!parameters || !walks) return garden__query_memory(build, field->place);
    const int result = plan_parameters(build, field, edge, parameters);
    if (result < 0) return result;
    struct garden__query_step *step = garden__query_emit(build, GARDEN__QUERY_WALK, field->place);
    if (!step) return garden__query_memory(build, field->place);
    step->from = from->slot;
    step->to = to->slot = build->plan->slot_count++;
    step->edge = build->config->adapter->edge(from->type->name, edge->name);
    step->parameters = parameters;
    step->optional = how->optional;
    step->recurse = how->recurse;
    step->walks = walks;
    to->type = garden__query_type(build->config->schema, garden_text_of(edge->to));
    if (!step->edge || !to->type)
        return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, field->place,
                                  "'%s' cannot be followed here", edge->name);
    if (how->recurse && to->type != from->type)
        return garden__query_fail(
            build->error, GARDEN_ERR_TYPE, field->place,
            "@recurse needs an edge to the type it comes from, and '%s' leads "
            "from %s to %s",
            edge->name, from->type->name, to->type->name);
    return GARDEN_OK;
}

static int plan_follow(struct garden__query_build *build, size_t index,
                       const struct garden__query_scope *from, const struct garden_query_edge *edge)
{
    const struct garden__query_field *field = &build->document->fields[index];
    struct garden__query_scope *to = &build->scopes[index];
    struct plan_edge how;
    if (from->slot == GARDEN__QUERY_NONE && field->directive_count)
        return plan_no_directive(build, &build->document->directives[field->directive],
                                 "where a query begins");
    int result = plan_edge_directives(build, field, &how);
    if (result < 0) return result;
    to->fold = from->fold;
    if (!plan_prefix(build, from->prefix, field->alias, &to->prefix))
        return garden__query_memory(build, field->place);
    if (how.fold) result = plan_open_fold(build, index, from, &to->fold);
    if (result == GARDEN_OK) result = plan_walk(build, field, from, edge, &how, to);
    return result < 0 ? result : plan_early_filters(build, index);
}

// ---- Coercions

// Whether the selections that |index| is of have nothing else in them.
static bool plan_is_alone(const struct garden__query_document *document, size_t index)
{
    const struct garden__query_field *field = &document->fields[index];
    if (field->parent == GARDEN__QUERY_NONE || index != field->parent + 1) return false;
    for (size_t i = index + 1;
         i < document->field_count && document->fields[i].depth >= field->depth; i++)
        if (document->fields[i].depth == field->depth) return false;
    return true;
}

static int plan_coercion(struct garden__query_build *build, size_t index,
                         const struct garden__query_scope *scope)
{
    const struct garden__query_field *field = &build->document->fields[index];
    struct garden_near near;
    char meant[GARDEN_NEAR_SIZE];
    const struct garden_query_schema *schema = build->config->schema;
    const struct garden_query_type *type = garden__query_type(schema, field->name);
    if (scope->slot == GARDEN__QUERY_NONE || !plan_is_alone(build->document, index))
        return garden__query_fail(
            build->error, GARDEN_ERR_FORMAT, field->place,
            "'... on %.*s' must be all that is selected of a vertex: expected "
            "the rest inside of it",
            (int)field->name.size, field->name.data);
    if (field->directive_count)
        return plan_no_directive(build, &build->document->directives[field->directive],
                                 "a coercion");
    garden_near_init(&near, field->name);
    for (size_t i = 0; i < schema->type_count; i++)
        if (schema->types[i].interface &&
            strcmp(schema->types[i].interface, scope->type->name) == 0)
            garden_near_offer(&near, schema->types[i].name);
    garden_near_text(&near, meant);
    if (!type)
        return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, field->place,
                                  "there is no type '%.*s'%s", (int)field->name.size,
                                  field->name.data, meant);
    if (!type->interface || strcmp(type->interface, scope->type->name) != 0)
        return garden__query_fail(
            build->error, GARDEN_ERR_TYPE, field->place, "'... on %s' cannot be here, as %s %s%s",
            type->name, scope->type->name,
            scope->type->is_interface ? "is an interface that it has not" : "is no interface",
            meant);
    struct garden__query_step *step = garden__query_emit(build, GARDEN__QUERY_COERCE, field->place);
    if (!step) return garden__query_memory(build, field->place);
    step->to = scope->slot;
    step->type = type->name;
    build->scopes[index] = *scope;
    build->scopes[index].type = type;
    return plan_early_filters(build, index);
}

// ---- All

static int plan_unknown(struct garden__query_build *build, const struct garden__query_field *field,
                        const struct garden__query_scope *scope)
{
    char meant[GARDEN__QUERY_CHOICES_SIZE];
    garden__query_choices(scope->type, field->name, meant);
    if (scope->slot == GARDEN__QUERY_NONE)
        return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, field->place,
                                  "no query begins with '%.*s'%s", (int)field->name.size,
                                  field->name.data, meant);
    return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, field->place,
                              "%s has no property or edge '%.*s'%s", scope->type->name,
                              (int)field->name.size, field->name.data, meant);
}

static int plan_field(struct garden__query_build *build, size_t index)
{
    const struct garden__query_field *field = &build->document->fields[index];
    while (build->open_count > 0 &&
           field->depth <=
               build->document->fields[build->open[build->open_count - 1].field].depth) {
        const int result = plan_close_fold(build);
        if (result < 0) return result;
    }
    const struct garden__query_scope scope = plan_outer(build, index);
    if (field->parent == GARDEN__QUERY_NONE && index > 0)
        return garden__query_fail(build->error, GARDEN_ERR_FORMAT, field->place,
                                  "expected '}': a query begins with one edge only");
    if (!scope.type) {
        const struct garden__query_field *parent = &build->document->fields[field->parent];
        return garden__query_fail(build->error, GARDEN_ERR_FORMAT, field->place,
                                  "'%.*s' is a property and nothing can be selected of it",
                                  (int)parent->name.size, parent->name.data);
    }
    if (field->coercion) return plan_coercion(build, index, &scope);
    const struct garden_query_property *property =
        scope.slot == GARDEN__QUERY_NONE ? NULL : garden__query_property(scope.type, field->name);
    if (property) return plan_property(build, index, &scope, property);
    const struct garden_query_edge *edge = garden__query_edge(scope.type, field->name);
    return edge ? plan_follow(build, index, &scope, edge) : plan_unknown(build, field, &scope);
}

static int plan_check_used(struct garden__query_build *build)
{
    const struct garden__query_place start = build->document->fields[0].place;
    for (size_t i = 0; i < build->tag_count; i++)
        if (!build->tags[i].used)
            return garden__query_fail(build->error, GARDEN_ERR_FORMAT, build->tags[i].place,
                                      "the tag '%.*s' is never used: expected a filter with "
                                      "[\"%%%.*s\"]",
                                      (int)build->tags[i].name.size, build->tags[i].name.data,
                                      (int)build->tags[i].name.size, build->tags[i].name.data);
    if (build->plan->output_count == 0)
        return garden__query_fail(build->error, GARDEN_ERR_FORMAT, start,
                                  "the query tells nothing: expected an @output");
    for (size_t i = 0; build->variables && i < build->variables->count; i++)
        if (!build->plan->used[i])
            return garden__fail(build->error, GARDEN_ERR_ARGUMENT,
                                "the query does not use the variable $%.*s that it was given",
                                (int)build->variables->entries[i].key.size,
                                build->variables->entries[i].key.data);
    return GARDEN_OK;
}

// Counts were added where their folds end: columns are to be in the order of the text.
static void plan_sort_outputs(struct garden__query_plan *plan)
{
    for (size_t i = 1; i < plan->output_count; i++) {
        const struct garden__query_output output = plan->outputs[i];
        size_t at = i;
        for (; at > 0; at--) {
            const struct garden__query_place before = plan->outputs[at - 1].place;
            if (before.line < output.place.line ||
                (before.line == output.place.line && before.column < output.place.column))
                break;
            plan->outputs[at] = plan->outputs[at - 1];
        }
        plan->outputs[at] = output;
    }
}

int garden__query_plan(struct garden__query_plan *out, const struct garden_query_config *config,
                       const struct garden__query_document *document,
                       const struct garden_map *variables, struct garden_arena *arena,
                       struct garden_error *error)
{
    struct garden__query_build build = {.plan = out,
                                        .config = config,
                                        .document = document,
                                        .variables = variables,
                                        .arena = arena,
                                        .error = error};
    const struct garden__query_place start = {1, 1};
    *out = (struct garden__query_plan){0};
    build.scopes = garden_arena_alloc(arena, document->field_count, sizeof *build.scopes);
    build.open = garden_arena_alloc(arena, config->depth_max + 1, sizeof *build.open);
    out->used = garden_arena_alloc(arena, variables ? variables->count : 0, sizeof *out->used);
    if (!build.scopes || !build.open || !out->used) return garden__query_memory(&build, start);
    int result = GARDEN_OK;
    for (size_t i = 0; i < document->field_count && result == GARDEN_OK; i++)
        result = plan_field(&build, i);
    while (build.open_count > 0 && result == GARDEN_OK)
        result = plan_close_fold(&build);
    if (result == GARDEN_OK) result = plan_check_used(&build);
    if (result < 0) return result;
    plan_sort_outputs(out);
    if (!garden__query_emit(&build, GARDEN__QUERY_ROW, start))
        return garden__query_memory(&build, start);
    return GARDEN_OK;
}
