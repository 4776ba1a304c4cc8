/* tones_sim.c - the sounds that the exchange and its subscribers make: country tone plans,
 * sines, tones with cadence, DTMF. */
#include "sim.h"

#include <stdlib.h>

int16_t sim_sine[4096];                      /* filled by g711_sim.c when the library is loaded */

#define ONE(hz, level, on, off)         { { (hz), 0 }, { (level), 0 }, (on), (off) }
#define TWO(low, high, level, on, off)  { { (low), (high) }, { (level), (level) }, (on), (off) }

static const sim_country_t countries_table[] = {
    /* China: GB/T 3380-1982, 450 Hz, -10 dBm0; ring 1 s / 4 s */
    { "cn", CTB_TONE_VACANT, false, { { 1000, 4000 }, { 0, 0 } }, 7, {
        { CTB_TONE_DIAL, 1, 0, 1, { ONE(450, -10, 0, 0) } },
        { CTB_TONE_RINGBACK, 1, 0, 1, { ONE(450, -10, 1000, 4000) } },
        { CTB_TONE_BUSY, 1, 0, 2, { ONE(450, -10, 350, 350) } },
        { CTB_TONE_CONGESTION, 1, 0, 2, { ONE(450, -10, 700, 700) } },
        { CTB_TONE_VACANT, 4, 0, 1, { ONE(450, -10, 100, 100), ONE(450, -10, 100, 100),
                                      ONE(450, -10, 100, 100), ONE(450, -10, 400, 400) } },
        { CTB_TONE_CALL_WAITING, 1, 0, 1, { ONE(450, -10, 400, 4000) } },
        /* 950 Hz rising in five steps; how long each lasts is chosen */
        { CTB_TONE_HOWLER, 5, 0, 1, { ONE(950, -20, 2000, 0), ONE(950, -16, 2000, 0),
                                      ONE(950, -12, 2000, 0), ONE(950, -8, 2000, 0),
                                      ONE(950, -4, 2000, 0) } } } },
    /* United States: ANSI T1.401, Telcordia SR-2275; SIT: ITU-T E.180 clause 9.  The howler has
     * four frequencies there, of which the two that carry are sent. */
    { "us", CTB_TONE_SIT, false, { { 2000, 4000 }, { 0, 0 } }, 7, {
        { CTB_TONE_DIAL, 1, 0, 1, { TWO(350, 440, -13, 0, 0) } },
        { CTB_TONE_RINGBACK, 1, 0, 1, { TWO(440, 480, -19, 2000, 4000) } },
        { CTB_TONE_BUSY, 1, 0, 2, { TWO(480, 620, -24, 500, 500) } },
        { CTB_TONE_CONGESTION, 1, 0, 2, { TWO(480, 620, -24, 250, 250) } },
        { CTB_TONE_SIT, 3, 0, 1, { ONE(950, -14, 330, 0), ONE(1400, -14, 330, 0),
                                   ONE(1800, -14, 330, 1000) } },
        { CTB_TONE_CALL_WAITING, 1, 0, 1, { ONE(440, -13, 300, 9700) } },
        { CTB_TONE_HOWLER, 1, 0, 2, { TWO(1400, 2060, -6, 100, 100) } } } },
    /* United Kingdom: ITU-T E.180 supplement 2, BS 6305 */
    { "uk", CTB_TONE_VACANT, true, { { 400, 200 }, { 400, 2000 } }, 7, {
        { CTB_TONE_DIAL, 1, 0, 1, { TWO(350, 440, -13, 0, 0) } },
        { CTB_TONE_RINGBACK, 2, 0, 1, { TWO(400, 450, -13, 400, 200),
                                        TWO(400, 450, -13, 400, 2000) } },
        { CTB_TONE_BUSY, 1, 0, 2, { ONE(400, -10, 375, 375) } },
        { CTB_TONE_CONGESTION, 2, 0, 1, { ONE(400, -10, 400, 350), ONE(400, -10, 225, 525) } },
        { CTB_TONE_VACANT, 1, 0, 1, { ONE(400, -10, 0, 0) } },
        { CTB_TONE_CALL_WAITING, 1, 0, 1, { ONE(400, -13, 100, 2500) } },
        { CTB_TONE_HOWLER, 1, 0, 1, { ONE(2500, -6, 0, 0) } } } },
    /* Germany, and most of Europe: ITU-T E.180 supplement 2, 425 Hz; SIT: E.180 clause 9 */
    { "de", CTB_TONE_SIT, true, { { 1000, 4000 }, { 0, 0 } }, 7, {
        { CTB_TONE_DIAL, 1, 0, 1, { ONE(425, -10, 0, 0) } },
        { CTB_TONE_RINGBACK, 1, 0, 1, { ONE(425, -10, 1000, 4000) } },
        { CTB_TONE_BUSY, 1, 0, 2, { ONE(425, -10, 480, 480) } },
        { CTB_TONE_CONGESTION, 1, 0, 2, { ONE(425, -10, 240, 240) } },
        { CTB_TONE_SIT, 3, 0, 1, { ONE(950, -14, 330, 0), ONE(1400, -14, 330, 0),
                                   ONE(1800, -14, 330, 1000) } },
        { CTB_TONE_CALL_WAITING, 1, 0, 1, { ONE(425, -13, 200, 5000) } },
        { CTB_TONE_HOWLER, 1, 0, 1, { ONE(950, -6, 0, 0) } } } },
};
const char sim_country_names[] = "cn, us, uk, de (or eu)";

const sim_country_t *sim_country_find(const char *name, size_t length)
{
    if (length == 2 && !memcmp(name, "eu", 2)) name = "de";
    for (size_t i = 0; i < sizeof countries_table / sizeof *countries_table; i++)
        if (length == 2 && !memcmp(name, countries_table[i].name, 2)) return &countries_table[i];
    return NULL;
}

/* ---- ready-made cadences ------------------------------------------------------------- */

static uint32_t loop_samples(const ctb_tone_t *tone)
{
    uint64_t samples = 0;
    for (uint32_t i = 0; i < tone->steps; i++)
        samples += SIM_MS(tone->step[i].on_ms) + SIM_MS(tone->step[i].off_ms);
    return samples ? (uint32_t)samples : 800;   /* continuous: whole periods of n x 10 Hz */
}

static int render(sim_tone_t *out, const ctb_tone_t *tone)
{
    /* twice: 425 Hz has half a period over in 800 samples, and half a frame becomes a whole one */
    uint32_t n = 2 * loop_samples(tone) / SIM_N * SIM_N;
    int32_t acc[SIM_N];
    sim_tone_tx_t tx;
    out->frames = n / SIM_N;
    out->loop = malloc(n);
    out->live = calloc(out->frames, 1);
    if (!out->loop || !out->live) return -ENOMEM;
    sim_tone_tx_start(&tx, tone);
    for (uint32_t f = 0; f < out->frames; f++) {
        memset(acc, 0, sizeof acc);
        sim_tone_tx_add(&tx, acc, SIM_N);
        sim_encode(out->loop + f * SIM_N, acc, SIM_N);
        for (uint32_t i = 0; i < SIM_N && !out->live[f]; i++) out->live[f] = acc[i] != 0;
    }
    return 0;
}

int sim_tones_render(sim_tone_t out[SIM_TONES], const sim_country_t *country)
{
    for (uint32_t i = 0; i < country->count; i++) {
        int err = render(&out[country->tone[i].id], &country->tone[i]);
        if (err) return err;
    }
    return 0;
}

void sim_tones_free(sim_tone_t tones[SIM_TONES])
{
    for (int i = 0; i < SIM_TONES; i++) {
        free(tones[i].loop);
        free(tones[i].live);
    }
}

/* ---- sines ------------------------------------------------------------------------------ */

void sim_osc_start(sim_osc_t *o, double hz, double dbm0)
{
    o->phase = 0;
    o->step = (uint32_t)(hz * 4294967296.0 / CTB_RATE + 0.5);
    o->gain = (float)(sim_amplitude(dbm0) / 32767.0);
}

void sim_osc_add(sim_osc_t *o, int32_t *acc, size_t n)
{
    uint32_t phase = o->phase;
    for (size_t i = 0; i < n; i++) {
        float s = o->gain * sim_sine[phase >> 20];
        acc[i] += (int32_t)(s + (s < 0 ? -0.5f : 0.5f));
        phase += o->step;
    }
    o->phase = phase;
}

/* ---- a tone with cadence ------------------------------------------------------------------ */

#define MAX_DBM0 10                          /* chosen: far over full scale, far from overflow */

int sim_tone_check(const ctb_tone_t *tone)
{
    if (tone->steps < 1 || tone->steps > CTB_TONE_STEPS) return -EINVAL;
    for (uint32_t i = 0; i < tone->steps; i++)
        for (int k = 0; k < 2; k++)
            if (!(tone->step[i].hz[k] >= 0 && tone->step[i].hz[k] < CTB_RATE / 2) ||
                !(tone->step[i].dbm0[k] >= -100 && tone->step[i].dbm0[k] <= MAX_DBM0))
                return -EINVAL;
    return 0;
}

static void tone_step_begin(sim_tone_tx_t *t)
{
    const ctb_tone_step_t *s = &t->tone.step[t->step];
    t->on = true;
    t->left = s->on_ms || s->off_ms ? SIM_MS(s->on_ms) : UINT64_MAX;
    for (int k = 0; k < 2; k++) {
        memset(&t->osc[k], 0, sizeof t->osc[k]);
        if (s->hz[k] > 0) sim_osc_start(&t->osc[k], s->hz[k], s->dbm0[k]);
    }
}

void sim_tone_tx_start(sim_tone_tx_t *t, const ctb_tone_t *tone)
{
    memset(t, 0, sizeof *t);
    t->tone = *tone;
    t->sounding = true;
    tone_step_begin(t);
}

static bool tone_advance(sim_tone_tx_t *t)   /* false = the tone is over */
{
    if (t->on) {
        t->on = false;
        t->left = SIM_MS(t->tone.step[t->step].off_ms);
        return true;
    }
    if (++t->step == t->tone.steps) {
        t->step = 0;
        if (++t->cycle == t->tone.cycles) return false;
    }
    tone_step_begin(t);
    return true;
}

size_t sim_tone_tx_add(sim_tone_tx_t *t, int32_t *acc, size_t n)
{
    size_t done = 0;
    while (done < n) {
        if (!t->left) {
            if (!tone_advance(t)) return done;
            continue;
        }
        size_t m = t->left < n - done ? (size_t)t->left : n - done;
        for (int k = 0; t->on && k < 2; k++)
            if (t->osc[k].step) sim_osc_add(&t->osc[k], acc + done, m);
        if (t->left != UINT64_MAX) t->left -= m;
        done += m;
    }
    return n;
}

/* ---- DTMF ---------------------------------------------------------------------------------- */

#define COMMA_MS 500                         /* ctb_street.h: ',' is a pause */

/* times in ms, levels in 0.01 dB */
int sim_dtmf_check(const char *digits, int on, int off, int level, int twist)
{
    double hz[2];
    if (!*digits || strlen(digits) >= sizeof ((sim_dtmf_tx_t *)0)->digits) return -EINVAL;
    if (on < 0 || on > 10000 || off < 0 || off > 10000) return -EINVAL;
    if (level < -10000 || level > 100 * MAX_DBM0 || twist < -3000 || twist > 3000) return -EINVAL;
    for (const char *d = digits; *d; d++)
        if (*d != ',' && sim_dtmf_hz(*d, hz)) return -EINVAL;
    return 0;
}

static void dtmf_next(sim_dtmf_tx_t *t)
{
    double hz[2];
    char digit = t->digits[t->next++];
    t->active = digit != 0;
    t->sounding = digit && digit != ',';
    t->left = digit == ',' ? (uint32_t)SIM_MS(COMMA_MS) : t->on;
    if (!t->sounding || sim_dtmf_hz(digit, hz)) return;
    sim_osc_start(&t->osc[0], hz[0], t->level);
    sim_osc_start(&t->osc[1], hz[1], t->level + t->twist);
}

void sim_dtmf_tx_start(sim_dtmf_tx_t *t, const char *digits, uint32_t on_ms, uint32_t off_ms,
                       double low_dbm0, double twist_db)
{
    memset(t, 0, sizeof *t);
    strncpy(t->digits, digits, sizeof t->digits - 1);
    t->on = (uint32_t)SIM_MS(on_ms);
    t->off = (uint32_t)SIM_MS(off_ms);
    t->level = low_dbm0;
    t->twist = twist_db;
    dtmf_next(t);
}

size_t sim_dtmf_tx_add(sim_dtmf_tx_t *t, int32_t *acc, size_t n)
{
    size_t done = 0;
    while (done < n && t->active) {
        size_t m = t->left < n - done ? t->left : n - done;
        if (t->sounding)
            for (int k = 0; k < 2; k++) sim_osc_add(&t->osc[k], acc + done, m);
        t->left -= (uint32_t)m;
        done += m;
        if (t->left) continue;
        if (t->sounding) {                   /* every key is followed by its pause */
            t->sounding = false;
            t->left = t->off;
            if (t->left) continue;
        }
        dtmf_next(t);
    }
    return done;
}
