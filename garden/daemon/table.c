#include "table.h"

#include <assert.h>
#include <string.h>

enum { TABLE_SLOTS_MIN = 16, TABLE_PAGES_MIN = 4 };

void table_init(struct table *table, const struct zmtp_allocator *allocator,
                void (*row_free)(const struct zmtp_allocator *allocator, struct table_row *row))
{
    *table = (struct table){.allocator = allocator ? allocator : zmtp_heap(), .row_free = row_free};
}

// ---- References

static void table_row_drop(struct table *table, struct table_row *row)
{
    if (--row->references == 0) table->row_free(table->allocator, row);
}

static void table_page_drop(struct table *table, struct table_page *page)
{
    if (--page->references > 0) return;
    for (size_t i = 0; i < page->count; i++)
        table_row_drop(table, page->rows[i]);
    zmtp_free(table->allocator, page, sizeof *page);
}

static size_t table_root_size(size_t page_space)
{
    return sizeof(struct table_root) + page_space * sizeof(struct table_page *);
}

void table_release(struct table *table, struct table_root *snapshot)
{
    if (!snapshot || --snapshot->references > 0) return;
    for (size_t i = 0; i < snapshot->page_count; i++)
        table_page_drop(table, snapshot->pages[i]);
    zmtp_free(table->allocator, snapshot, table_root_size(snapshot->page_space));
}

struct table_root *table_snapshot(struct table *table)
{
    if (table->root) table->root->references++;
    return table->root;
}

void table_fini(struct table *table)
{
    table_release(table, table->root);
    zmtp_free(table->allocator, table->slots, table->slot_count * sizeof(struct table_row *));
    *table = (struct table){0};
}

// ---- By id

static size_t table_hash(struct garden_uuid id)
{
    uint64_t halves[2];
    memcpy(halves, id.octets, sizeof halves);
    uint64_t mixed = (halves[0] ^ (halves[1] >> 32 | halves[1] << 32)) * 0x9e3779b97f4a7c15u;
    mixed ^= mixed >> 29;
    return (size_t)(mixed * 0xbf58476d1ce4e5b9u >> 16);
}

// The slot of |id|, or the empty one where it would be.
static size_t table_slot(const struct table *table, struct garden_uuid id)
{
    const size_t mask = table->slot_count - 1;
    size_t slot = table_hash(id) & mask;
    while (table->slots[slot] && !garden_uuid_equal(table->slots[slot]->id, id))
        slot = (slot + 1) & mask;
    return slot;
}

struct table_row *table_find(const struct table *table, struct garden_uuid id)
{
    return table->slot_count ? table->slots[table_slot(table, id)] : NULL;
}

// Room for one more.
static bool table_widen(struct table *table)
{
    if ((table->count + 1) * 2 <= table->slot_count) return true;
    const size_t before = table->slot_count;
    const size_t wider = before ? before * 2 : TABLE_SLOTS_MIN;
    struct table_row **old = table->slots;
    struct table_row **slots = zmtp_alloc(table->allocator, wider * sizeof *slots);
    if (!slots) return false;
    memset(slots, 0, wider * sizeof *slots);
    table->slots = slots;
    table->slot_count = wider;
    for (size_t i = 0; i < before; i++)
        if (old[i]) slots[table_slot(table, old[i]->id)] = old[i];
    zmtp_free(table->allocator, old, before * sizeof *old);
    return true;
}

// Empties |slot| and moves up those that were put behind it because it was taken.
static void table_vacate(struct table *table, size_t slot)
{
    const size_t mask = table->slot_count - 1;
    for (size_t next = (slot + 1) & mask; table->slots[next]; next = (next + 1) & mask) {
        const size_t home = table_hash(table->slots[next]->id) & mask;
        if (((next - home) & mask) < ((next - slot) & mask)) continue; // it is at its place
        table->slots[slot] = table->slots[next];
        slot = next;
    }
    table->slots[slot] = NULL;
}

// ---- In order

// The table's own root, which no snapshot refers to, with room for |more| pages. False: no memory.
static bool table_own_root(struct table *table, size_t more)
{
    struct table_root *old = table->root;
    const size_t count = old ? old->page_count : 0;
    if (old && old->references == 1 && old->page_space - count >= more) return true;
    size_t space = old ? old->page_space : TABLE_PAGES_MIN;
    if (space - count < more) space *= 2;
    struct table_root *root = zmtp_alloc(table->allocator, table_root_size(space));
    if (!root) return false;
    *root = (struct table_root){
        .references = 1, .row_count = table->count, .page_count = count, .page_space = space};
    for (size_t i = 0; i < count; i++) {
        root->pages[i] = old->pages[i];
        root->pages[i]->references++;
    }
    table_release(table, old);
    table->root = root;
    return true;
}

// The same for a page of the table's own root.
static struct table_page *table_own_page(struct table *table, size_t at)
{
    struct table_page *old = table->root->pages[at];
    if (old->references == 1) return old;
    struct table_page *page = zmtp_alloc(table->allocator, sizeof *page);
    if (!page) return NULL;
    *page = *old;
    page->references = 1;
    for (size_t i = 0; i < page->count; i++)
        page->rows[i]->references++;
    table_page_drop(table, old);
    table->root->pages[at] = page;
    return page;
}

// Where |row|, which is there, is: pages and their rows ascend by serial.
static struct table_cursor table_place(const struct table *table, const struct table_row *row)
{
    const struct table_root *root = table->root;
    size_t low = 0, high = root->page_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (root->pages[middle]->rows[0]->serial <= row->serial)
            low = middle;
        else
            high = middle;
    }
    const struct table_page *page = root->pages[low];
    struct table_cursor place = {.page = low};
    high = page->count;
    while (high - place.row > 1) {
        const size_t middle = place.row + (high - place.row) / 2;
        if (page->rows[middle]->serial <= row->serial)
            place.row = middle;
        else
            high = middle;
    }
    assert(page->rows[place.row] == row);
    return place;
}

// A page at the end with room for a row.
static struct table_page *table_last_page(struct table *table)
{
    const size_t count = table->root ? table->root->page_count : 0;
    const bool full = count == 0 || table->root->pages[count - 1]->count == TABLE_PAGE_ROWS;
    if (!table_own_root(table, full ? 1 : 0)) return NULL;
    if (!full) return table_own_page(table, count - 1);
    struct table_page *page = zmtp_alloc(table->allocator, sizeof *page);
    if (!page) return NULL;
    page->references = 1;
    page->count = 0;
    table->root->pages[table->root->page_count++] = page; // always filled by the caller
    return page;
}

bool table_add(struct table *table, struct table_row *row)
{
    if (!table_widen(table)) return false;
    struct table_page *page = table_last_page(table);
    if (!page) return false;
    row->references = 1;
    row->serial = table->serial_next++;
    page->rows[page->count++] = row;
    table->slots[table_slot(table, row->id)] = row;
    table->root->row_count = ++table->count;
    return true;
}

bool table_replace(struct table *table, struct table_row *old, struct table_row *row)
{
    if (!table_own_root(table, 0)) return false;
    const struct table_cursor place = table_place(table, old);
    struct table_page *page = table_own_page(table, place.page);
    if (!page) return false;
    row->references = 1;
    row->serial = old->serial;
    page->rows[place.row] = row;
    table->slots[table_slot(table, row->id)] = row;
    table_row_drop(table, old);
    return true;
}

bool table_prepare(struct table *table, const struct table_row *row)
{
    return table_own_root(table, 0) && table_own_page(table, table_place(table, row).page);
}

bool table_remove(struct table *table, struct table_row *row)
{
    if (!table_own_root(table, 0)) return false;
    const struct table_cursor place = table_place(table, row);
    struct table_page *page = table_own_page(table, place.page);
    if (!page) return false;
    struct table_root *root = table->root;
    table_vacate(table, table_slot(table, row->id));
    page->count--;
    memmove(&page->rows[place.row], &page->rows[place.row + 1],
            (page->count - place.row) * sizeof(struct table_row *));
    root->row_count = --table->count;
    table_row_drop(table, row);
    if (page->count > 0) return true;
    table_page_drop(table, page);
    root->page_count--;
    memmove(&root->pages[place.page], &root->pages[place.page + 1],
            (root->page_count - place.page) * sizeof(struct table_page *));
    return true;
}

// ---- Reading

struct table_row *table_next(const struct table_root *root, struct table_cursor *cursor)
{
    if (!root || cursor->page == root->page_count) return NULL;
    const struct table_page *page = root->pages[cursor->page];
    struct table_row *row = page->rows[cursor->row];
    if (++cursor->row == page->count) *cursor = (struct table_cursor){.page = cursor->page + 1};
    return row;
}

size_t table_rows(const struct table_root *root)
{
    return root ? root->row_count : 0;
}
