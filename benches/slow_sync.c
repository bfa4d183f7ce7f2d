/* Makes every sync take 4 ms longer, as on a disk without a cache that outlives a loss of power:
 *   cc -shared -fPIC -o target/slow_sync.so benches/slow_sync.c
 *   LD_PRELOAD=$PWD/target/slow_sync.so cargo bench -p benches --bench checkin_inserts
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static int slowly(const char *name, int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct timespec pause = {0, 4 * 1000 * 1000};
    nanosleep(&pause, 0);
    return real(file);
}

int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
