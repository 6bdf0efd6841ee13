// Runs one fuzz target over recorded inputs: replay_X FILE-OR-FOLDER... Needs no fuzzing compiler.
// Every input is handed over in a block of exactly its size, so that a read beyond it shows under a
// sanitizer or valgrind.
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { REPLAY_PATH_MAX = 4096 };

static unsigned long replay_count;

static void replay_die(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(1);
}

static void replay_file(const char *path, size_t size)
{
    FILE *const file = fopen(path, "rb");
    if (!file) replay_die(path);
    uint8_t *const data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size) replay_die(path);
    (void)fclose(file); // opened for reading: nothing can be lost
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    replay_count++;
}

static void replay_folder(const char *path)
{
    struct dirent **entries = NULL;
    const int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) replay_die(path);
    for (int i = 0; i < count; i++) {
        char name[REPLAY_PATH_MAX];
        const int size = snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        free(entries[i]);
        struct stat status;
        if (size < 0 || size >= REPLAY_PATH_MAX || stat(name, &status) != 0) replay_die(name);
        if (S_ISREG(status.st_mode)) replay_file(name, (size_t)status.st_size);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) != 0) replay_die(argv[i]);
        if (S_ISDIR(status.st_mode))
            replay_folder(argv[i]);
        else
            replay_file(argv[i], (size_t)status.st_size);
    }
    // In the form that test/run counts: no input at all is a failure.
    printf("1..1\n%s 1 - %lu inputs\n", replay_count ? "ok" : "not ok", replay_count);
    return replay_count ? 0 : 1;
}
