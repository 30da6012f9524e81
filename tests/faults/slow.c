/* A disk that is slow: writing and syncing of files under SLOW_FOLDER takes so many milliseconds
   longer as the file SLOW says, where the calls are counted, too; those that the process's first
   thread had to wait for once more by themselves. Loaded by LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct disk { long milliseconds, writes, syncs, held_up; };

static volatile struct disk *disk;
static const char *folder;
static pid_t process; /* a forked child keeps its parent's, and holds up nobody */

__attribute__((constructor)) static void attach(void) {
    const char *path = getenv("SLOW");
    process = getpid();
    folder = getenv("SLOW_FOLDER");
    int file = path && folder ? open(path, O_RDWR) : -1;
    void *page = file < 0
        ? MAP_FAILED : mmap(0, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    disk = page == MAP_FAILED ? 0 : page;
}

static void dawdle(int file, volatile long *calls) {
    char link[32], path[PATH_MAX];
    struct timespec time;
    ssize_t length;
    if (!disk || !disk->milliseconds) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path - 1);
    if (length < (ssize_t)strlen(folder) || strncmp(path, folder, strlen(folder))) return;
    __atomic_add_fetch(calls, 1, __ATOMIC_RELAXED);
    if (gettid() == process) __atomic_add_fetch(&disk->held_up, 1, __ATOMIC_RELAXED);
    time.tv_sec = disk->milliseconds / 1000;
    time.tv_nsec = disk->milliseconds % 1000 * 1000000;
    nanosleep(&time, 0);
}

#define SLOWLY(result, name, counted, parameters, ...) \
    result name parameters { \
        static result (*real) parameters; \
        if (!real) real = dlsym(RTLD_NEXT, #name); \
        dawdle(file, &disk->counted); \
        return real(__VA_ARGS__); \
    }

SLOWLY(ssize_t, write, writes, (int file, const void *data, size_t size), file, data, size)
SLOWLY(ssize_t, writev, writes, (int file, const struct iovec *data, int count), file, data, count)
SLOWLY(ssize_t, pwrite, writes, (int file, const void *data, size_t size, off_t at),
       file, data, size, at)
SLOWLY(ssize_t, pwrite64, writes, (int file, const void *data, size_t size, off64_t at),
       file, data, size, at)
SLOWLY(int, fsync, syncs, (int file), file)
SLOWLY(int, fdatasync, syncs, (int file), file)
