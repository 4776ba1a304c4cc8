/* alloc.c - the only allocator of the engine.  What: zeroed memory.  How: calloc, with a
 * countdown that makes the nth allocation fail, so that a test can walk every failure. */
#include <stdlib.h>
#include "engine.h"

static _Atomic int64_t fail_in = -1;

void ctb_engine_fail_alloc(int64_t nth) { atomic_store(&fail_in, nth); }

void *ctb_zalloc(size_t bytes)
{
    int64_t n = atomic_load(&fail_in);
    if (n >= 0) {
        if (n == 0)
            return NULL;
        atomic_store(&fail_in, n - 1);
    }
    return calloc(1, bytes ? bytes : 1);
}
