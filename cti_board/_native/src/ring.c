/* ring.c - byte rings with one writer and one reader (ctb_ring_t of the driver ABI). */
#include <errno.h>
#include <string.h>
#include "engine.h"

int ctb_ring_alloc(ctb_ring_t *r, uint64_t bytes)
{
    uint64_t size = 1024;
    while (size < bytes)
        size <<= 1;
    memset(r, 0, sizeof *r);
    r->data = ctb_zalloc(size);
    if (!r->data)
        return -ENOMEM;
    r->size = size;
    return 0;
}

uint64_t ctb_ring_write(ctb_ring_t *r, const uint8_t *data, uint64_t n)
{
    uint64_t head = r->head, room = r->size - (head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE));
    if (n > room)
        n = room;
    uint64_t at = head & (r->size - 1), first = r->size - at < n ? r->size - at : n;
    memcpy(r->data + at, data, first);
    memcpy(r->data, data + first, n - first);
    __atomic_store_n(&r->head, head + n, __ATOMIC_RELEASE);
    return n;
}

uint64_t ctb_ring_read(ctb_ring_t *r, uint8_t *out, uint64_t n)
{
    uint64_t tail = r->tail, used = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) - tail;
    if (n > used)
        n = used;
    uint64_t at = tail & (r->size - 1), first = r->size - at < n ? r->size - at : n;
    memcpy(out, r->data + at, first);
    memcpy(out + first, r->data, n - first);
    __atomic_store_n(&r->tail, tail + n, __ATOMIC_RELEASE);
    return n;
}
