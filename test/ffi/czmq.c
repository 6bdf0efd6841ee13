// Runs the self-tests of an installed libczmq, each in a process of its own, so that one that crashes or
// hangs is counted and the others go on. With LD_LIBRARY_PATH it runs on the drop-in. Reports in TAP.
//
//     czmq [NAME...]    all, or those named, such as zsock
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CZMQ_SECONDS = 60 };

// The classes of czmq 4.2 that have a test in a library without drafts.
static const char *const czmq_classes[] = {
    "zactor",  "zarmour", "zauth", "zbeacon",      "zcert", "zcertstore", "zchunk",  "zclock",
    "zconfig", "zdigest", "zdir",  "zdir_patch",   "zfile", "zframe",     "zgossip", "zhash",
    "zhashx",  "ziflist", "zlist", "zlistx",       "zloop", "zmonitor",   "zmsg",    "zpoller",
    "zproxy",  "zrex",    "zsock", "zsock_option", "zstr",  "zsys",       "zuuid",
};

static bool czmq_wanted(const char *name, int count, char **names)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return count == 0;
}

static int czmq_run(void (*test)(bool verbose), const char *folder)
{
    const pid_t child = fork();
    if (child == 0) {
        // What they print is not TAP, and they write files where they are.
        if (chdir(folder) < 0 || !freopen("log", "w", stdout) || !freopen("log", "a", stderr))
            _exit(99);
        alarm(CZMQ_SECONDS);
        test(false);
        exit(0);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) < 0) return -1;
    return status;
}

static void czmq_show_log(const char *folder)
{
    char path[256], line[512];
    snprintf(path, sizeof path, "%s/log", folder);
    FILE *log = fopen(path, "r");
    while (log && fgets(line, sizeof line, log))
        printf("# %s", line);
    if (log) fclose(log);
}

int main(int argc, char **argv)
{
    void *library = dlopen("libczmq.so.4", RTLD_NOW | RTLD_GLOBAL);
    const char *const why = library ? "" : dlerror();
    if (strstr(why, "libczmq.so.4: cannot open")) {
        printf("1..0 # SKIP libczmq4 is not installed\n");
        return 0;
    }
    if (!library) {
        printf("not ok 1 - czmq loads\n# %s\n1..1\n", why);
        return 1;
    }
    int count = 0;
    for (size_t i = 0; i < sizeof czmq_classes / sizeof *czmq_classes; i++) {
        const char *const name = czmq_classes[i];
        char symbol[64], folder[] = "/tmp/czmq-XXXXXX";
        snprintf(symbol, sizeof symbol, "%s_test", name);
        void (*test)(bool verbose);
        *(void **)&test = dlsym(library, symbol);
        if (!czmq_wanted(name, argc - 1, argv + 1)) continue;
        if (!test) {
            printf("not ok %d - czmq %s is not in the library\n", ++count, name);
            continue;
        }
        if (!mkdtemp(folder)) return 1;
        const int status = czmq_run(test, folder);
        count++;
        printf("%s %d - czmq %s\n", status == 0 ? "ok" : "not ok", count, name);
        if (status != 0 && WIFSIGNALED(status)) printf("# %s\n", strsignal(WTERMSIG(status)));
        if (status != 0) czmq_show_log(folder);
        fflush(stdout);
        char command[64];
        snprintf(command, sizeof command, "rm -rf '%s'", folder);
        if (system(command) != 0) return 1;
    }
    printf("1..%d\n", count);
    return 0;
}
