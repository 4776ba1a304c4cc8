/* digit_rx.c - the street's own digit receiver: is it a DTMF key, and which.
 *
 * Phasors of the eight frequencies over steps of 10 ms, two steps at a time; a key is heard
 * when two windows running agree, and is over when two running do not show it.
 * Limits: keys of 40 ms and pauses of 40 ms are always told apart (ITU-T Q.24); twist to
 * 10 dB; two tones must hold 70 % of all power, so a key under loud speech is not heard. */
#include "sim.h"

#include <math.h>

static const double key_hz[8] = { 697, 770, 852, 941, 1209, 1336, 1477, 1633 };   /* ITU-T Q.23 */
static const char key_names[4][5] = { "123A", "456B", "789C", "*0#D" };
static sim_bank_t key_bank;

#define MIN_MEAN_SQUARE 0.5e-4f  /* of one tone, full scale = 1: about -40 dBm0, chosen: Q.24 asks -25 */
#define PURITY          0.7f     /* chosen: a window that the tone fills to two thirds */
#define NEIGHBOUR       0.25f    /* chosen: 6 dB over the next key of the same group */
#define TWIST           10.0f    /* as a ratio of powers; ITU-T Q.24 (Australia): 10 dB */

__attribute__((constructor)) static void fill_bank(void)
{
    sim_bank_init(&key_bank, key_hz, 8);
}

int sim_dtmf_hz(char digit, double hz[2])
{
    for (int row = 0; row < 4; row++) {
        const char *place = digit ? strchr(key_names[row], digit) : NULL;
        if (!place) continue;
        hz[0] = key_hz[row];
        hz[1] = key_hz[4 + (place - key_names[row])];
        return 0;
    }
    return -EINVAL;
}

void sim_bank_init(sim_bank_t *bank, const double *hz, uint32_t count)
{
    memset(bank, 0, sizeof *bank);
    bank->count = count;
    bank->width = (count + 3u) & ~3u;
    for (uint32_t k = 0; k < count; k++) {
        double w = SIM_TWO_PI * hz[k] / CTB_RATE;
        bank->hz[k] = (float)hz[k];
        for (uint32_t i = 0; i < SIM_SUB; i++) {
            bank->cs[i][k] = (float)cos(w * i);
            bank->sn[i][k] = (float)-sin(w * i);
        }
        bank->turn_re[k] = (float)cos(w * SIM_SUB);
        bank->turn_im[k] = (float)-sin(w * SIM_SUB);
    }
}

/* Four partial sums each: one alone would wait for its own last addition 80 times. */
static void phasors_4(const sim_bank_t *bank, const float *x, uint32_t k0, float *re, float *im)
{
    float r[4][4] = { { 0 } }, m[4][4] = { { 0 } };
    for (uint32_t i = 0; i < SIM_SUB; i += 4)
        for (uint32_t j = 0; j < 4; j++)
            for (uint32_t k = 0; k < 4; k++) {
                r[j][k] += x[i + j] * bank->cs[i + j][k0 + k];
                m[j][k] += x[i + j] * bank->sn[i + j][k0 + k];
            }
    for (uint32_t k = 0; k < 4; k++) {
        re[k] = (r[0][k] + r[1][k]) + (r[2][k] + r[3][k]);
        im[k] = (m[0][k] + m[1][k]) + (m[2][k] + m[3][k]);
    }
}

static float energy_of(const float *x)
{
    float part[8] = { 0 };
    for (uint32_t i = 0; i < SIM_SUB; i += 8)
        for (uint32_t j = 0; j < 8; j++) part[j] += x[i + j] * x[i + j];
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

void sim_window_run(sim_window_t *w, const sim_bank_t *bank, const float *x)
{
    float re[SIM_BANK], im[SIM_BANK], energy = energy_of(x);
    for (uint32_t k = 0; k < bank->width; k += 4) phasors_4(bank, x, k, re + k, im + k);
    const float scale = 2.0f / (4.0f * SIM_SUB * SIM_SUB);   /* mean square of a whole window */
    for (uint32_t k = 0; k < bank->width; k++) {
        float sr = w->re[k] + re[k] * bank->turn_re[k] - im[k] * bank->turn_im[k];
        float si = w->im[k] + re[k] * bank->turn_im[k] + im[k] * bank->turn_re[k];
        w->power[k] = (sr * sr + si * si) * scale;
        w->re[k] = re[k];
        w->im[k] = im[k];
    }
    w->total = (w->energy + energy) / (2.0f * SIM_SUB);
    w->energy = energy;
}

void sim_digit_reset(sim_digit_rx_t *rx)
{
    memset(rx, 0, sizeof *rx);
}

bool sim_digit_rests(const sim_digit_rx_t *rx)
{
    return rx->w.energy == 0 && !rx->hits && !rx->digit;
}

static int strongest(const float *power, float *next)
{
    int best = 0;
    *next = 0;
    for (int k = 1; k < 4; k++)
        if (power[k] > power[best]) best = k;
    for (int k = 0; k < 4; k++)
        if (k != best && power[k] > *next) *next = power[k];
    return best;
}

static char key_in_window(const sim_window_t *w, float *low, float *high)
{
    float next_low, next_high;
    int row = strongest(w->power, &next_low), column = strongest(w->power + 4, &next_high);
    *low = w->power[row];
    *high = w->power[4 + column];
    if (*low < MIN_MEAN_SQUARE || *high < MIN_MEAN_SQUARE) return 0;
    if (*low > TWIST * *high || *high > TWIST * *low) return 0;
    if (next_low > NEIGHBOUR * *low || next_high > NEIGHBOUR * *high) return 0;
    return *low + *high >= PURITY * w->total ? key_names[row][column] : 0;
}

int sim_digit_run(sim_digit_rx_t *rx, const float *x, uint64_t end, char *digit)
{
    float low, high, step_before = rx->w.energy;
    sim_window_run(&rx->w, &key_bank, x);
    char key = key_in_window(&rx->w, &low, &high);
    if (key && key == rx->digit) {
        rx->misses = 0;
        rx->last = end;
        return SIM_DIGIT_NONE;
    }
    if (rx->digit) {
        if (++rx->misses < 2) return SIM_DIGIT_NONE;
        *digit = rx->digit;
        rx->digit = 0;
        rx->hits = 0;
        return SIM_DIGIT_END;
    }
    if (!key || key != rx->candidate) {
        /* the step before may have been filled in part: its energy says from where */
        float share = rx->w.energy > 0 ? step_before / rx->w.energy : 0;
        rx->candidate = key;
        rx->hits = key ? 1 : 0;
        rx->begun = end - SIM_SUB - (uint64_t)(SIM_SUB * (share > 1 ? 1 : share));
        return SIM_DIGIT_NONE;
    }
    if (++rx->hits < 2) return SIM_DIGIT_NONE;
    rx->digit = *digit = key;
    rx->candidate = 0;
    rx->misses = 0;
    rx->last = end;
    rx->low = low;
    rx->high = high;
    return SIM_DIGIT_BEGIN;
}

int sim_centibel(double mean_square)
{
    return mean_square <= 0 ? -9999 : (int)lround(1000.0 * log10(mean_square * 2.0) + 314.0);
}
