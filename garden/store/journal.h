// An append-only file of checked records. A crash can tear the last record only: reading stops at the
// first one that is not whole, and what follows is cut off before anything is appended. When whole records
// follow it, that was no crash: nothing is cut off, and what is whole can still be scanned.
//
//   file    = "GRDNJRN1" *record
//   record  = size (u32, of the payload)  type (u32)  payload  check (8 octets: SipHash-2-4 of the
//             record before it, with a fixed key; it guards against accidents, not against people)
// Numbers are little-endian.
#ifndef GARDEN_STORE_JOURNAL_H
#define GARDEN_STORE_JOURNAL_H

#include "store.h"

enum { GARDEN__JOURNAL_PAYLOAD_MAX = 2048 };

struct garden__journal {
    const struct garden_fs *fs;
    int file;         // -1: not open
    uint64_t size;    // octets of whole records
    uint64_t dropped; // octets cut off when it was opened
};

// Makes the staged file |name|, which must not exist.
int garden__journal_create(struct garden__journal *journal, struct garden_store *store,
                           const char *name, struct garden_error *error);
// Opens it again, calls |each| with every whole record, and cuts off a torn end. A negative result of
// |each| stops the reading and is returned. GARDEN_ERR_CORRUPT when it is damaged before its end.
int garden__journal_open(struct garden__journal *journal, struct garden_store *store,
                         const char *name,
                         int (*each)(void *context, uint32_t type, struct zmtp_bytes payload),
                         void *context, struct garden_error *error);
// Reads it without a lock and changes nothing: what is whole, however long it still is, on both sides of
// any damage. One that is empty, or was cut off within its first octets, has no records.
int garden__journal_peek(const struct garden_store *store, const char *name,
                         int (*each)(void *context, uint32_t type, struct zmtp_bytes payload),
                         void *context, struct garden_error *error);
// On success the record is on the disk. On failure the file is as it was.
int garden__journal_append(struct garden__journal *journal, uint32_t type,
                           struct zmtp_bytes payload, struct garden_error *error);
// The same, but a crash of the machine may lose it, unless something was appended after it: for what is told
// of files that are not on the disk either. A process that is killed loses nothing.
int garden__journal_add(struct garden__journal *journal, uint32_t type, struct zmtp_bytes payload,
                        struct garden_error *error);
void garden__journal_close(struct garden__journal *journal);

// Payloads: a cursor that writes, and one that reads and goes |bad| at the first overrun.
struct garden__record {
    uint8_t data[GARDEN__JOURNAL_PAYLOAD_MAX];
    size_t size;
    bool bad;
};
void garden__record_put_u64(struct garden__record *record, uint64_t value);
void garden__record_put(struct garden__record *record, const void *data, size_t size);

struct garden__record_reader {
    struct zmtp_bytes in;
    size_t at;
    bool bad;
};
uint64_t garden__record_take_u64(struct garden__record_reader *reader);
// Null and |bad| when fewer than |size| octets are left.
const uint8_t *garden__record_take(struct garden__record_reader *reader, size_t size);

#endif
