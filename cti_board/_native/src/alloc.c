/* alloc.c - the only allocator of the engine.  What: zeroed memory.  How: calloc, with a
 * countdown that makes the nth allocation fail, so that a test can walk every failure. */
#include <stdlib.h>
#include <string.h>
#include "engine.h"

static _Atomic int64_t fail_in = -1;

void ctb_engine_fail_alloc(int64_t nth) { atomic_store(&fail_in, nth); }

static bool fails_now(void)
{
    int64_t n = atomic_load(&fail_in);
    if (n > 0)
        atomic_store(&fail_in, n - 1);
    return n == 0;
}

void *ctb_zalloc(size_t bytes) { return fails_now() ? NULL : calloc(1, bytes ? bytes : 1); }

void *ctb_zalloc_vectors(size_t bytes)
{
    size_t whole = (bytes + 63) / 64 * 64;
    void *p = fails_now() ? NULL : aligned_alloc(64, whole);
    return p ? memset(p, 0, whole) : NULL;
}
