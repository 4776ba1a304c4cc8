/* tone_gen.c - tones with cadence, and DTMF strings, added into a linear mix.
 *
 * How: 32-bit phase accumulators (the phase is exact for ever: no drift of level or
 * frequency) and a sine table with linear interpolation (error below -115 dB). */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "simd.h"

#define SINE_BITS 11
#define SINE_SIZE (1 << SINE_BITS)
#define SAMPLES_PER_MS (CTB_RATE / 1000)
#define PAUSE_MS 500          /* ',' in a dial string */
#define DIAL_DIGITS 255
#define OVERLOAD_DBM0 3.14    /* ITU-T G.711 clause 4, A-law */

static float sine[SINE_SIZE + 1];

__attribute__((constructor)) static void tone_gen_make_table(void)
{
    for (int i = 0; i <= SINE_SIZE; i++)
        sine[i] = (float)sin(2.0 * CTB_PI * i / SINE_SIZE);
}

typedef struct pair {
    uint32_t phase[2], step[2];
    float peak[2];
} pair_t;

struct ctb_tone_gen {
    ctb_tone_t tone;
    pair_t pair;
    uint32_t index;           /* step of the cadence */
    uint32_t cycles_left;     /* meaningful when tone.cycles > 0 */
    uint64_t left;            /* samples left in this part */
    int on, done;
};

struct ctb_dial_gen {
    char digits[DIAL_DIGITS + 1];
    pair_t pair;
    uint32_t next;            /* digit to be sent after this one */
    uint32_t on_samples, off_samples;
    uint64_t left;
    float peak[2];
    int on;
};

static float peak_of(double dbm0)
{
    return (float)(32768.0 * pow(10.0, (dbm0 - OVERLOAD_DBM0) / 20.0));
}

static void pair_set(pair_t *pair, int which, double hz, float peak)
{
    pair->phase[which] = 0;
    pair->step[which] = (uint32_t)(int64_t)(hz / CTB_RATE * 4294967296.0 + 0.5);
    pair->peak[which] = hz > 0 ? peak : 0.0f;
}

static inline float sine_at(uint32_t phase)
{
    uint32_t i = phase >> (32 - SINE_BITS);
    float part = (float)(phase << SINE_BITS >> 8) * (1.0f / 16777216.0f);
    return sine[i] + part * (sine[i + 1] - sine[i]);
}

static void pair_add(pair_t *pair, int32_t *acc, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float v = pair->peak[0] * sine_at(pair->phase[0]) + pair->peak[1] * sine_at(pair->phase[1]);
        acc[i] += (int32_t)(v < 0 ? v - 0.5f : v + 0.5f);
        pair->phase[0] += pair->step[0];
        pair->phase[1] += pair->step[1];
    }
}

/* ---- a tone with cadence ------------------------------------------------------ */

size_t ctb_tone_gen_size(void)
{
    return sizeof(ctb_tone_gen_t);
}

static void tone_enter_step(ctb_tone_gen_t *g)
{
    const ctb_tone_step_t *step = &g->tone.step[g->index];
    for (int i = 0; i < 2; i++)
        pair_set(&g->pair, i, step->hz[i], peak_of(step->dbm0[i]));
    g->on = 1;
    g->left = step->on_ms == 0 && step->off_ms == 0 ? UINT64_MAX
                                                    : (uint64_t)step->on_ms * SAMPLES_PER_MS;
}

void ctb_tone_gen_start(ctb_tone_gen_t *g, const ctb_tone_t *tone)
{
    memset(g, 0, sizeof *g);
    g->tone = *tone;
    g->cycles_left = tone->cycles;
    g->done = tone->steps == 0 || tone->steps > CTB_TONE_STEPS;
    if (!g->done)
        tone_enter_step(g);
}

static void tone_next_part(ctb_tone_gen_t *g)
{
    if (g->on && g->tone.step[g->index].off_ms > 0) {
        g->on = 0;
        g->left = (uint64_t)g->tone.step[g->index].off_ms * SAMPLES_PER_MS;
        return;
    }
    if (++g->index == g->tone.steps) {
        g->index = 0;
        if (g->tone.cycles > 0 && --g->cycles_left == 0) {
            g->done = 1;
            return;
        }
    }
    tone_enter_step(g);
}

size_t ctb_tone_gen_add(ctb_tone_gen_t *g, int32_t *acc, size_t n)
{
    size_t made = 0;
    while (!g->done) {
        size_t part = n - made;
        if (part > g->left)
            part = (size_t)g->left;
        if (g->on)
            pair_add(&g->pair, acc + made, part);
        made += part;
        if (g->left != UINT64_MAX)
            g->left -= part;
        if (g->left > 0)
            break;
        tone_next_part(g);
    }
    return made;
}

/* ---- a DTMF string (ITU-T Q.23) ------------------------------------------------ */

static const char keys[] = "123A456B789C*0#D";
static const double low_hz[4] = {697, 770, 852, 941};
static const double high_hz[4] = {1209, 1336, 1477, 1633};

size_t ctb_dial_gen_size(void)
{
    return sizeof(ctb_dial_gen_t);
}

static void dial_enter_digit(ctb_dial_gen_t *g)
{
    char digit = g->digits[g->next];
    if (digit == '\0')
        return;
    g->next++;
    if (digit == ',') {
        g->on = 0;
        g->left = PAUSE_MS * SAMPLES_PER_MS;
        return;
    }
    int key = (int)(strchr(keys, digit) - keys);
    pair_set(&g->pair, 0, low_hz[key / 4], g->peak[0]);
    pair_set(&g->pair, 1, high_hz[key % 4], g->peak[1]);
    g->on = 1;
    g->left = g->on_samples;
}

int ctb_dial_gen_start(ctb_dial_gen_t *g, const char *digits, int on_ms, int off_ms,
                       int level_cdbm0, int twist_cdb, int *bad)
{
    size_t i;
    memset(g, 0, sizeof *g);
    for (i = 0; digits[i] != '\0'; i++) {
        if (i == DIAL_DIGITS || (digits[i] != ',' && strchr(keys, digits[i]) == NULL)) {
            *bad = (int)i;
            return -EINVAL;
        }
        g->digits[i] = digits[i];
    }
    if (on_ms <= 0 || off_ms < 0) {
        *bad = -1;
        return -EINVAL;
    }
    g->on_samples = (uint32_t)on_ms * SAMPLES_PER_MS;
    g->off_samples = (uint32_t)off_ms * SAMPLES_PER_MS;
    g->peak[0] = peak_of(level_cdbm0 / 100.0);
    g->peak[1] = peak_of((level_cdbm0 + twist_cdb) / 100.0);
    dial_enter_digit(g);
    return 0;
}

/* the pause after the last digit belongs to the string, so that strings can follow each other */
size_t ctb_dial_gen_add(ctb_dial_gen_t *g, int32_t *acc, size_t n)
{
    size_t made = 0;
    while (g->left > 0) {
        size_t part = n - made;
        if (part > g->left)
            part = (size_t)g->left;
        if (g->on)
            pair_add(&g->pair, acc + made, part);
        made += part;
        g->left -= part;
        if (g->left > 0)
            break;
        if (g->on && g->off_samples > 0) {
            g->on = 0;
            g->left = g->off_samples;
        } else {
            dial_enter_digit(g);
        }
    }
    return made;
}
