/* simd.h - what the detector banks share: the choice of instruction set, levels, hits. */
#ifndef CTB_SIMD_H
#define CTB_SIMD_H
#include <stddef.h>

#include "ctb_alloc.h"
#include "ctb_dsp.h"

enum ctb_simd { CTB_SIMD_NONE, CTB_SIMD_SSE, CTB_SIMD_AVX2, CTB_SIMD_AVX512 };

/* clang has no `#pragma GCC target`; other machines have no x86 sets */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CTB_X86_CLONES 1
#else
#define CTB_X86_CLONES 0
#endif

#define CTB_PI 3.14159265358979323846

/* mean square (1.0 = full scale squared) of a sine of 0 dBm0: overload is +3.14 dBm0, ITU-T G.711 */
#define CTB_POWER_0DBM0 0.2426308f

enum ctb_simd ctb_simd_level(void);

/* 10 log10 of a mean square against 0 dBm0, in 0.01 dB; no libm, one code for all sets */
int32_t ctb_power_cdbm0(float mean_square);
/* 10 log10(ratio) in 0.01 dB */
int32_t ctb_ratio_cdb(float ratio);

/* set-up only: 10^(db/10) */
float ctb_db_power(float db);

/* A bank's state is rows of CTB_LANES 32-bit words, so a lane is one column.  A lane that
 * leaves the mask is parked in `store` (one word a row) and comes back untouched. */
typedef struct ctb_park {
    uint32_t (*rows)[CTB_LANES];
    uint32_t *store;             /* CTB_LANES columns of `count` words */
    size_t count;
    uint32_t active;             /* lanes whose column is in the rows */
} ctb_park_t;

int  ctb_park_alloc(ctb_park_t *park, void *rows, size_t bytes);
void ctb_park_free(ctb_park_t *park);
void ctb_park_switch(ctb_park_t *park, uint32_t mask);
void ctb_park_clear(ctb_park_t *park, int lane);  /* zero a lane's column, make it active */

/* A bank, zeroed: its `lanes` stand first, its `park` anywhere.  NULL: no memory. */
void *ctb_bank_alloc(size_t size, size_t lanes, size_t park);
void ctb_bank_free(void *bank, size_t park);      /* NULL is nothing */
#define CTB_BANK_ALLOC(type) ctb_bank_alloc(sizeof(type), sizeof(lanes_t), offsetof(type, park))
#define CTB_BANK_FREE(type, bank) ctb_bank_free(bank, offsetof(type, park))

#define CTB_LEAST_CDBM0 (-9000)     /* of what a sender is asked for: under the last step of A-law ... */
#define CTB_MOST_CDBM0 314          /* ... to the overload point, ITU-T G.711 */
#define CTB_LONGEST (1 << 30)       /* samples, 37 hours: lengths stop there */

static inline int32_t ctb_longer(int32_t samples)
{
    return samples < CTB_LONGEST ? samples + (int32_t)CTB_FRAME_SAMPLES : samples;
}

static inline int ctb_hit_put(ctb_hit_t *hits, int count, int max, ctb_hit_t hit)
{
    if (count < max)
        hits[count++] = hit;
    return count;
}
#endif
