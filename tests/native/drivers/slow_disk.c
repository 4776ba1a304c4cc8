/* slow_disk.c - preloaded into a test's own process: each read and write at a place in a file
 * (pread, pwrite) takes slow_disk_ms milliseconds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/types.h>
#include <time.h>

volatile int slow_disk_ms = 0;

static void wait_for_disk(void)
{
    struct timespec nap = {slow_disk_ms / 1000, slow_disk_ms % 1000 * 1000000};
    if (slow_disk_ms)
        nanosleep(&nap, NULL);
}

ssize_t pread(int fd, void *data, size_t n, off_t at)
{
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pread");
    wait_for_disk();
    return real(fd, data, n, at);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    wait_for_disk();
    return real(fd, data, n, at);
}
