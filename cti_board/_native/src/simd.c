/* simd.c - run-time choice of the instruction set, levels without libm, parked lanes. */
#include "simd.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const set_names[] = {"none", "sse", "avx2", "avx512"};

static enum ctb_simd set_of_machine(void)
{
#if CTB_X86_CLONES
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return CTB_SIMD_AVX512;
    if (__builtin_cpu_supports("avx2"))
        return CTB_SIMD_AVX2;
    return CTB_SIMD_SSE;
#else
    return CTB_SIMD_NONE;
#endif
}

static enum ctb_simd simd_set;

__attribute__((constructor)) static void simd_choose(void)
{
    const char *wish = getenv("CTB_SIMD");
    simd_set = set_of_machine();
    for (int i = 0; wish != NULL && i < (int)simd_set; i++)
        if (strcmp(wish, set_names[i]) == 0)
            simd_set = (enum ctb_simd)i;
}

enum ctb_simd ctb_simd_level(void)
{
    return simd_set;
}

const char *ctb_simd_name(void)
{
    return set_names[simd_set];
}

/* ln(m) = 2 atanh((m-1)/(m+1)) for 0.707 <= m < 1.414, five terms: error below 1e-7 */
static double log_near_one(double m)
{
    double z = (m - 1.0) / (m + 1.0), z2 = z * z;
    return 2.0 * z * (1.0 + z2 * (1.0 / 3 + z2 * (1.0 / 5 + z2 * (1.0 / 7 + z2 / 9))));
}

int32_t ctb_ratio_cdb(float ratio)
{
    uint32_t bits;
    float mantissa;
    int exponent;
    double cdb;
    if (!(ratio > 1e-20f))
        return -20000;
    memcpy(&bits, &ratio, sizeof bits);
    exponent = (int)(bits >> 23) - 127;
    bits = (bits & 0x007FFFFFu) | 0x3F800000u;
    memcpy(&mantissa, &bits, sizeof mantissa);
    if (mantissa > 1.41421356f) {
        mantissa *= 0.5f;
        exponent++;
    }
    cdb = (exponent * 0.6931471805599453 + log_near_one(mantissa)) * 434.29448190325183;
    return (int32_t)(cdb < 0 ? cdb - 0.5 : cdb + 0.5);
}

int32_t ctb_power_cdbm0(float mean_square)
{
    return ctb_ratio_cdb(mean_square / CTB_POWER_0DBM0);
}

float ctb_db_power(float db)
{
    return (float)pow(10.0, db / 10.0);
}

int ctb_park_alloc(ctb_park_t *park, void *rows, size_t bytes)
{
    park->rows = rows;
    park->count = bytes / sizeof(park->rows[0]);
    park->active = 0;
    park->store = ctb_zalloc(park->count * CTB_LANES * sizeof(uint32_t));
    return park->store == NULL ? -ENOMEM : 0;
}

void ctb_park_free(ctb_park_t *park)
{
    free(park->store);
}

void ctb_park_switch(ctb_park_t *park, uint32_t mask)
{
    uint32_t change = (park->active ^ mask) & 0xFFFFu;
    for (int lane = 0; change >> lane; lane++) {
        uint32_t *column = park->store + (size_t)lane * park->count;
        if (!(change >> lane & 1))
            continue;
        for (size_t i = 0; i < park->count; i++) {
            if (mask >> lane & 1)
                park->rows[i][lane] = column[i];
            else
                column[i] = park->rows[i][lane];
        }
    }
    park->active = mask & 0xFFFFu;
}

void ctb_park_clear(ctb_park_t *park, int lane)
{
    for (size_t i = 0; i < park->count; i++)
        park->rows[i][lane] = 0;
    park->active |= 1u << lane;
}

static ctb_park_t *park_of(void *bank, size_t park)
{
    return (ctb_park_t *)(void *)((char *)bank + park);
}

void *ctb_bank_alloc(size_t size, size_t lanes, size_t park)
{
    void *bank = ctb_zalloc_vectors(size);
    if (bank == NULL || ctb_park_alloc(park_of(bank, park), bank, lanes) == 0)
        return bank;
    free(bank);
    return NULL;
}

void ctb_bank_free(void *bank, size_t park)
{
    if (bank == NULL)
        return;
    ctb_park_free(park_of(bank, park));
    free(bank);
}
