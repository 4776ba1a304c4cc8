/* fax_gen.c - the sender of facsimile and modem tones, added into a linear mix.
 *
 * How: a 32-bit phase accumulator over a sine table; a reversal adds half a turn, amplitude
 * modulation multiplies with a second accumulator at 15 Hz. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "ctb_fax.h"
#include "simd.h"

#define SINE_BITS 11
#define SINE_SIZE (1 << SINE_BITS)
#define SAMPLES_PER_MS (CTB_RATE / 1000)
#define OVERLOAD_DBM0 3.14     /* ITU-T G.711 clause 4, A-law */
#define HALF_TURN 0x80000000u
#define REVERSAL_MS 450        /* ITU-T V.25, V.8 */
#define MODULATION_HZ 15.0     /* ITU-T V.8 */
#define MODULATION 0.2f        /* ITU-T V.8: 20 % */

struct ctb_fax_gen {
    uint32_t phase, step;
    uint32_t am_phase, am_step;        /* step 0 = no modulation */
    float peak;
    uint64_t at;                       /* samples made */
    uint64_t length;                   /* samples to make, UINT64_MAX = for ever */
    uint32_t on, period;               /* samples of a burst, and of burst and pause; 0 = no pause */
    uint32_t reversal;                 /* samples between two reversals, 0 = none */
};

typedef struct sender {
    double hz;
    int ms;                            /* 0 = until it is stopped */
    int on_ms, off_ms;
    int reversals, modulated;
} sender_t;

static const sender_t senders[] = {
    [CTB_FAX_CNG] = {1100, 0, 500, 3000, 0, 0},        /* ITU-T T.30 clause 4.3.3.2 */
    [CTB_FAX_CED] = {2100, 3000, 0, 0, 0, 0},          /* ITU-T T.30: 2.6 to 4.0 s */
    [CTB_FAX_ANS_PR] = {2100, 3300, 0, 0, 1, 0},       /* ITU-T V.25: 3.3 +- 0.7 s */
    [CTB_FAX_ANSAM] = {2100, 5000, 0, 0, 0, 1},        /* ITU-T V.8: 5 +- 1 s */
    [CTB_FAX_ANSAM_PR] = {2100, 5000, 0, 0, 1, 1},
    [CTB_FAX_CT] = {1300, 0, 600, 1750, 0, 0},         /* ITU-T V.25: 0.5-0.7 s on, 1.5-2.0 s off */
};

static float sine[SINE_SIZE + 1];

__attribute__((constructor)) static void fax_make_sine(void)
{
    for (int i = 0; i <= SINE_SIZE; i++)
        sine[i] = (float)sin(2.0 * CTB_PI * i / SINE_SIZE);
}

static inline float sine_at(uint32_t phase)
{
    uint32_t i = phase >> (32 - SINE_BITS);
    float part = (float)(phase << SINE_BITS >> 8) * (1.0f / 16777216.0f);
    return sine[i] + part * (sine[i + 1] - sine[i]);
}

static uint32_t step_of(double hz)
{
    return (uint32_t)(hz / CTB_RATE * 4294967296.0 + 0.5);
}

size_t ctb_fax_gen_size(void)
{
    return sizeof(ctb_fax_gen_t);
}

int ctb_fax_gen_start(ctb_fax_gen_t *g, int tone, int level_cdbm0, int ms)
{
    const sender_t *sender;
    memset(g, 0, sizeof *g);
    if (tone < CTB_FAX_CNG || tone > CTB_FAX_CT || ms < 0)
        return -EINVAL;
    if (level_cdbm0 < CTB_LEAST_CDBM0 || level_cdbm0 > CTB_MOST_CDBM0)
        return -EINVAL;
    sender = &senders[tone];
    if (ms == 0)
        ms = sender->ms;
    g->step = step_of(sender->hz);
    g->am_step = sender->modulated ? step_of(MODULATION_HZ) : 0;
    g->peak = (float)(32768.0 * pow(10.0, (level_cdbm0 / 100.0 - OVERLOAD_DBM0) / 20.0));
    g->length = ms == 0 ? UINT64_MAX : (uint64_t)ms * SAMPLES_PER_MS;
    g->on = (uint32_t)sender->on_ms * SAMPLES_PER_MS;
    g->period = (uint32_t)(sender->on_ms + sender->off_ms) * SAMPLES_PER_MS;
    g->reversal = sender->reversals ? REVERSAL_MS * SAMPLES_PER_MS : 0;
    return 0;
}

/* every burst begins with phase 0 */
static int32_t sample_next(ctb_fax_gen_t *g)
{
    float v;
    if (g->period != 0 && g->at % g->period >= g->on) {
        g->phase = 0;
        return 0;
    }
    if (g->reversal != 0 && g->at != 0 && g->at % g->reversal == 0)
        g->phase += HALF_TURN;
    v = g->peak * sine_at(g->phase);
    if (g->am_step != 0)
        v *= 1.0f + MODULATION * sine_at(g->am_phase);
    g->phase += g->step;
    g->am_phase += g->am_step;
    return (int32_t)(v < 0 ? v - 0.5f : v + 0.5f);
}

size_t ctb_fax_gen_add(ctb_fax_gen_t *g, int32_t *acc, size_t n)
{
    size_t made = 0;
    for (; made < n && g->at < g->length; made++, g->at++)
        acc[made] += sample_next(g);
    return made;
}
