/* talk_rx.c - a bank of talk detectors: energy over a threshold, with hangover.
 *
 * How: the variance of 10 ms steps (a constant offset is not talk) against two levels.
 * Steps between the levels neither count for a beginning nor for an end.
 * Limits: any sound is talk, tones and noise included. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "simd.h"

#define STEP 80                /* samples: 10 ms */
#define STEPS 2                /* of a frame */
#define STEP_MS 10

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

typedef struct lanes {
    row_t on_power, off_power;
    irow_t need_on, need_off;      /* steps */
    irow_t talking, loud, quiet;   /* state; steps at or over on; steps under off */
    irow_t length;                 /* steps since the beginning */
    row_t energy;                  /* sum of mean squares over the `loud` steps */
} lanes_t;

struct ctb_talk_bank {
    lanes_t lanes;
    row_t power[STEPS];
    ctb_park_t park;
};

const ctb_talk_params_t ctb_talk_default = {
    .on_dbm0 = -38.0f,         /* chosen: 12 dB over the noise of a poor line (-50 dBm0) */
    .off_dbm0 = -42.0f,        /* chosen: 4 dB lower, so that a level on the edge does not chatter */
    .min_ms = 60.0f,           /* chosen: longer than clicks, shorter than a syllable */
    .hang_ms = 400.0f,         /* chosen: longer than the stops and pauses inside a phrase */
};

#define CTB_CLONE_FILE "talk_rx_bank.inc"
#include "simd_clones.h"

typedef void (*talk_listen_fn)(ctb_talk_bank_t *bank, const float (*in)[CTB_LANES]);

int ctb_talk_bank_alloc(ctb_talk_bank_t **out)
{
    ctb_talk_bank_t *bank = ctb_zalloc_vectors(sizeof *bank);
    int err;
    if (bank == NULL)
        return -ENOMEM;
    memset(bank, 0, sizeof *bank);
    err = ctb_park_alloc(&bank->park, &bank->lanes, sizeof bank->lanes);
    if (err != 0) {
        free(bank);
        return err;
    }
    for (int lane = 0; lane < CTB_LANES; lane++)    /* a lane never armed is armed as usual */
        ctb_talk_bank_arm(bank, lane, &ctb_talk_default);
    *out = bank;
    return 0;
}

void ctb_talk_bank_free(ctb_talk_bank_t *bank)
{
    if (bank == NULL)
        return;
    ctb_park_free(&bank->park);
    free(bank);
}

static int steps_of(float ms)
{
    int steps = (int)(ms / STEP_MS + 0.5f);
    return steps < 1 ? 1 : steps;
}

void ctb_talk_bank_arm(ctb_talk_bank_t *bank, int lane, const ctb_talk_params_t *params)
{
    lanes_t *s = &bank->lanes;
    ctb_park_clear(&bank->park, lane);
    s->on_power[lane] = CTB_POWER_0DBM0 * ctb_db_power(params->on_dbm0);
    s->off_power[lane] = CTB_POWER_0DBM0 * ctb_db_power(params->off_dbm0);
    s->need_on[lane] = steps_of(params->min_ms);
    s->need_off[lane] = steps_of(params->hang_ms);
}

static int talk_step(ctb_talk_bank_t *bank, int lane, int step, ctb_hit_t *hits, int count, int max)
{
    lanes_t *s = &bank->lanes;
    float power = bank->power[step][lane];
    ctb_hit_t hit = {.lane = (uint16_t)lane, .offset = (step + 1) * STEP};
    s->quiet[lane] = power < s->off_power[lane] ? s->quiet[lane] + 1 : 0;
    if (!s->talking[lane]) {
        if (s->quiet[lane] > 0) {
            s->loud[lane] = 0;
            s->energy[lane] = 0.0f;
        } else if (power >= s->on_power[lane]) {
            s->loud[lane]++;
            s->energy[lane] += power;
        }
        if (s->loud[lane] < s->need_on[lane])
            return count;
        s->talking[lane] = 1;
        s->length[lane] = s->loud[lane];
        hit.kind = CTB_EV_TALK_BEGIN;
        hit.a = ctb_power_cdbm0(s->energy[lane] / (float)s->loud[lane]);
        return ctb_hit_put(hits, count, max, hit);
    }
    s->length[lane]++;
    if (s->quiet[lane] < s->need_off[lane])
        return count;
    hit.kind = CTB_EV_TALK_END;
    hit.a = (s->length[lane] - s->quiet[lane]) * STEP_MS;
    s->talking[lane] = 0;
    s->loud[lane] = 0;
    s->energy[lane] = 0.0f;
    return ctb_hit_put(hits, count, max, hit);
}

int ctb_talk_bank_run(ctb_talk_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                      ctb_hit_t *hits, int max)
{
    talk_listen_fn listen = CTB_CHOOSE(talk_listen);
    int count = 0;
    mask &= 0xFFFFu;
    if (mask == 0)
        return 0;
    if (bank->park.active != mask)
        ctb_park_switch(&bank->park, mask);
    listen(bank, in);
    for (int step = 0; step < STEPS; step++)
        for (uint32_t left = mask; left != 0; left &= left - 1)
            count = talk_step(bank, __builtin_ctz(left), step, hits, count, max);
    return count;
}
