// Rows in the order of their creation, found by their ids, of which a snapshot costs one counter: the
// rows and the pages that hold them are shared, and whoever changes the table copies the one page (of
// at most TABLE_PAGE_ROWS pointers) and the list of pages that a snapshot still refers to.
//
// A row does not change once it is in the table: it is replaced by another. Everything here belongs to
// the loop's thread, taking and releasing snapshots too; in between, any thread may read a snapshot.
#ifndef GARDEN_DAEMON_TABLE_H
#define GARDEN_DAEMON_TABLE_H

#include "../value.h"

enum { TABLE_PAGE_ROWS = 256 };

// The first member of every row.
struct table_row {
    size_t references;
    uint64_t serial; // ascending in the order of creation; a replacement has that of the row before
    struct garden_uuid id;
};

struct table_page {
    size_t references, count;
    struct table_row *rows[TABLE_PAGE_ROWS];
};

// A snapshot, which is also what the table itself points to.
struct table_root {
    size_t references;
    size_t row_count, page_count, page_space;
    struct table_page *pages[];
};

struct table {
    const struct zmtp_allocator *allocator;
    // Frees a row and all that it owns.
    void (*row_free)(const struct zmtp_allocator *allocator, struct table_row *row);
    struct table_root *root; // null: nothing was ever added
    size_t count;
    uint64_t serial_next;
    struct table_row **slots; // by id; a power of two of them, at least half of them empty
    size_t slot_count;
};

void table_init(struct table *table, const struct zmtp_allocator *allocator,
                void (*row_free)(const struct zmtp_allocator *allocator, struct table_row *row));
// Every snapshot must have been released.
void table_fini(struct table *table);

struct table_row *table_find(const struct table *table, struct garden_uuid id);

// Each returns false without memory, and then nothing has changed and a |row| given is the caller's.
// Takes |row|, whose id is new.
bool table_add(struct table *table, struct table_row *row);
// Puts |row| in the place of |old|, of the same id.
bool table_replace(struct table *table, struct table_row *old, struct table_row *row);
bool table_remove(struct table *table, struct table_row *row);
// After it, and until the next snapshot is taken, removing or replacing |row| cannot fail.
bool table_prepare(struct table *table, const struct table_row *row);

// The table as it is now, for as long as the caller likes; null, which every function takes, while the
// table has had no row.
struct table_root *table_snapshot(struct table *table);
void table_release(struct table *table, struct table_root *snapshot);

// The rows one after the other: begin with a zeroed cursor; null after the last.
struct table_cursor {
    size_t page, row;
};
struct table_row *table_next(const struct table_root *root, struct table_cursor *cursor);
size_t table_rows(const struct table_root *root);

#endif
