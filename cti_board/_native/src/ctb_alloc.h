/* ctb_alloc.h - every allocation of the media plane, so that a test can make each one fail. */
#ifndef CTB_ALLOC_H
#define CTB_ALLOC_H
#include <stddef.h>

void *ctb_zalloc(size_t bytes);            /* zeroed; free() gives it back */
void *ctb_zalloc_vectors(size_t bytes);    /* the same, on a boundary of 64 bytes */
#endif
