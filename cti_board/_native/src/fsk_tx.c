/* fsk_tx.c - a message of caller identification as sound, 1200 bit/s.
 *
 * What: Bell 202 (Telcordia GR-30) and ITU-T V.23 (ETSI EN 300 659-1): channel seizure, marks,
 * characters of a start bit, eight bits (lowest first) and a stop bit, some marks at the end.
 * How: one phase that never jumps; a sample in which a bit ends turns by the frequencies of
 * both bits, each for its share of it, so bits are 6 2/3 samples long and not 6 or 7. */
#include <errno.h>
#include <math.h>

#include "ctb_callerid.h"
#include "simd.h"

#define TAIL_BITS 10             /* chosen: the last stop bit is not cut off */
#define CHARACTER_BITS 10
#define SINE_SIZE 4096           /* chosen: with interpolation -120 dB */
#define MOST_BITS 100000         /* chosen: of seizure, of marks */
#define LEVEL_MIN (-9000)        /* chosen, 0.01 dBm0 */
#define LEVEL_MAX 314            /* the overload point, ITU-T G.711 */
#define THIRDS 3                 /* of a sample: a bit is CTB_RATE * 3 / 1200 of them */
#define BIT_THIRDS 20

const ctb_fsk_tx_params_t ctb_fsk_tx_default = {
    .standard = CTB_FSK_BELL202,
    .seizure_bits = 300,         /* Telcordia GR-30, ETSI EN 300 659-1: on-hook */
    .mark_bits = 180,
    .level_cdbm0 = -1350,        /* Telcordia GR-30: -13.5 dBm */
    .twist_cdb = 0,
};

static const double tone_hz[2][2] = {   /* space, mark */
    {2200.0, 1200.0},            /* Telcordia GR-30 */
    {2100.0, 1300.0},            /* ETSI EN 300 659-1 */
};
static float sine[SINE_SIZE + 1];

__attribute__((constructor)) static void make_sine(void)
{
    for (int i = 0; i <= SINE_SIZE; i++)
        sine[i] = (float)sin(2.0 * CTB_PI * i / SINE_SIZE);
}

static size_t all_bits(const ctb_fsk_tx_params_t *p, size_t size)
{
    return p->seizure_bits + p->mark_bits + CHARACTER_BITS * size + TAIL_BITS;
}

size_t ctb_fsk_tx_length(const ctb_fsk_tx_params_t *params, size_t size)
{
    return (all_bits(params, size) * BIT_THIRDS + THIRDS - 1) / THIRDS;
}

/* 1 = mark */
static int bit_at(const ctb_fsk_tx_params_t *p, const uint8_t *message, size_t size, size_t bit)
{
    if (bit < p->seizure_bits)
        return bit & 1;          /* alternating, from space */
    bit -= p->seizure_bits;
    if (bit < p->mark_bits)
        return 1;
    bit -= p->mark_bits;
    size_t place = bit % CHARACTER_BITS;
    if (bit / CHARACTER_BITS >= size || place == CHARACTER_BITS - 1)
        return 1;
    return place > 0 && (message[bit / CHARACTER_BITS] >> (place - 1) & 1);
}

static float sine_at(uint32_t phase)
{
    uint32_t i = phase / (UINT32_MAX / SINE_SIZE + 1u);
    float part = (float)(phase % (UINT32_MAX / SINE_SIZE + 1u)) * (SINE_SIZE / 4294967296.0f);
    return sine[i] + part * (sine[i + 1] - sine[i]);
}

int ctb_fsk_tx_make(const ctb_fsk_tx_params_t *params, const uint8_t *message, size_t size, int16_t *out)
{
    int32_t space_cdb = params->level_cdbm0 + params->twist_cdb;
    if (params->standard > CTB_FSK_V23 || params->seizure_bits > MOST_BITS ||
        params->mark_bits > MOST_BITS || params->level_cdbm0 < LEVEL_MIN ||
        params->level_cdbm0 > LEVEL_MAX || space_cdb < LEVEL_MIN || space_cdb > LEVEL_MAX)
        return -EINVAL;
    float peak[2];
    uint32_t step[2], phase = 0;             /* step: of a third of a sample */
    for (int b = 0; b < 2; b++) {
        float db = (float)(b ? params->level_cdbm0 : space_cdb) * 0.01f;
        peak[b] = 32768.0f * sqrtf(2.0f * CTB_POWER_0DBM0 * ctb_db_power(db));
        step[b] = (uint32_t)(tone_hz[params->standard][b] / (CTB_RATE * THIRDS) * 4294967296.0 + 0.5);
    }
    size_t n = ctb_fsk_tx_length(params, size), last = all_bits(params, size) - 1;
    for (size_t i = 0; i < n; i++) {
        float level = 0.0f;
        for (size_t third = THIRDS * i; third < THIRDS * i + THIRDS; third++) {
            size_t bit = third / BIT_THIRDS;
            int mark = bit_at(params, message, size, bit < last ? bit : last);
            phase += step[mark];
            level += peak[mark] * (1.0f / THIRDS);
        }
        float x = level * sine_at(phase);
        x = x > 32767.0f ? 32767.0f : x < -32768.0f ? -32768.0f : x;
        out[i] = (int16_t)(x < 0.0f ? x - 0.5f : x + 0.5f);
    }
    return 0;
}
