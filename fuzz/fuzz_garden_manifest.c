// A manifest: what is read adds up or is refused, prints back to what reads the same, and any slice of it is made of
// pieces that meet.
#include <string.h>

#include "check.h"
#include "fuzz.h"

#include "garden/store.h"

// Walks [from, to): each piece begins where the one before ended.
static void walk(const struct garden_manifest *manifest, uint64_t from, uint64_t to)
{
    struct garden_slice slice;
    struct garden_piece piece;
    uint64_t position = from;
    if (from >= to) {
        fuzz_check(garden_slice_open(&slice, manifest, from, to) == GARDEN_ERR_RANGE);
        return;
    }
    fuzz_check(garden_slice_open(&slice, manifest, from, to) == GARDEN_OK);
    while (garden_slice_next(&slice, &piece)) {
        fuzz_check(piece.first == position && piece.count > 0);
        fuzz_check(piece.gap || piece.byte_length == piece.count * manifest->frame_size);
        position += piece.count;
    }
    fuzz_check(position == to);
}

static void print_again(const struct garden_manifest *manifest, const struct zmtp_allocator *heap)
{
    struct garden_manifest back;
    char *text = NULL, *again = NULL;
    size_t size = 0, again_size = 0;
    fuzz_check(garden_manifest_print(manifest, &text, &size) == GARDEN_OK);
    fuzz_check(garden_manifest_parse(heap, zmtp_bytes_of(text, size), &back, NULL) == GARDEN_OK);
    fuzz_check(garden_manifest_print(&back, &again, &again_size) == GARDEN_OK);
    fuzz_check(size == again_size && memcmp(text, again, size) == 0);
    zmtp_free(heap, text, size + 1);
    zmtp_free(heap, again, again_size + 1);
    garden_manifest_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zmtp_budget budget;
    struct garden_manifest manifest;
    struct garden_error error = {.text = ""};
    zmtp_budget_init(&budget, zmtp_heap());
    const struct zmtp_allocator *heap = &budget.allocator;
    const int result = garden_manifest_parse(heap, zmtp_bytes_of(data, size), &manifest, &error);
    fuzz_check(result == GARDEN_OK || error.text[0] != '\0');
    if (result == GARDEN_OK) {
        // What is read was checked.
        fuzz_check(garden_manifest_check(&manifest, NULL) == GARDEN_OK);
        const uint64_t end = garden_manifest_end(&manifest);
        walk(&manifest, 0, end);
        walk(&manifest, end / 3, end - end / 3);
        walk(&manifest, end / 2, end / 2 + (end > end / 2));
        print_again(&manifest, heap);
        garden_manifest_fini(&manifest);
    }
    fuzz_check(budget.bytes == 0 && budget.blocks == 0);
    return 0;
}
