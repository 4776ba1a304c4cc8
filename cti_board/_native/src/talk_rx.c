/* talk_rx.c - a bank of talk detectors: sound that stands out of the line's own noise.
 *
 * How: the variance of 10 ms steps (a constant offset is not talk) against two levels.
 * Steps between the levels neither count for a beginning nor for an end.  The least smoothed
 * level of the last four seconds is the line's noise, for speech pauses for breath and between
 * syllables; both levels stay over it.  So a steady sound is talk for four seconds at most.
 * Limits: tones and music that pause are talk; a noise that changes faster than that is, too. */
#include <errno.h>
#include <string.h>

#include "simd.h"

#define STEP 80                /* samples: 10 ms */
#define STEPS 2                /* of a frame */
#define STEP_MS 10
#define MOST_MS 86400000.0f    /* chosen: a day; longer times are that */
#define PARTS 7                /* whole parts of the memory for noise */
#define PART_FRAMES 25         /* 500 ms; chosen: with PARTS longer than speech goes without a pause */
#define SMOOTHING 0.33f        /* a frame; chosen: 50 ms, longer than a pitch period, shorter than a stop */
#define ON_OVER_NOISE 8.0f     /* chosen: 9 dB, over the peaks of 10 ms steps of pink noise */
#define OFF_OVER_NOISE 4.0f    /* chosen: 6 dB, so that these steps do not hold talk for ever */
#define LONG 27                /* counts stand still at 2^27 steps, 15 days */
#define LOUDEST 64.0f          /* mean square; more, or no number, is a fault and heard as silence */

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

typedef struct lanes {
    row_t on_power, off_power;
    irow_t need_on, need_off;      /* steps */
    irow_t talking, loud, quiet;   /* state; steps at or over on; steps under off */
    irow_t length;                 /* steps since the beginning */
    row_t energy;                  /* sum of mean squares over the `loud` steps */
    row_t smooth, lowest;          /* level over 50 ms; its least in this part */
    row_t past[PARTS];             /* its least in the parts before, 0 in those that were not */
    irow_t age;                    /* frames of this part */
} lanes_t;

struct ctb_talk_bank {
    lanes_t lanes;
    row_t power[STEPS], level[STEPS];         /* of the step; of the talk that begins with it */
    irow_t change[STEPS], length[STEPS];      /* -1 talk begins, 1 it ends; steps that it lasted */
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
    ctb_talk_bank_t *bank = CTB_BANK_ALLOC(ctb_talk_bank_t);
    if (bank == NULL)
        return -ENOMEM;
    for (int lane = 0; lane < CTB_LANES; lane++)    /* a lane never armed is armed as usual */
        ctb_talk_bank_arm(bank, lane, &ctb_talk_default);
    *out = bank;
    return 0;
}

void ctb_talk_bank_free(ctb_talk_bank_t *bank)
{
    CTB_BANK_FREE(ctb_talk_bank_t, bank);
}

static int steps_of(float ms)
{
    return ms > STEP_MS ? (int)((ms < MOST_MS ? ms : MOST_MS) / STEP_MS + 0.5f) : 1;
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

static ctb_hit_t talk_hit(const ctb_talk_bank_t *bank, int lane, int step)
{
    ctb_hit_t hit = {.lane = (uint16_t)lane, .offset = (step + 1) * STEP, .kind = CTB_EV_TALK_END};
    if (bank->change[step][lane] < 0) {
        hit.kind = CTB_EV_TALK_BEGIN;
        hit.a = ctb_power_cdbm0(bank->level[step][lane]);
    } else {
        hit.a = bank->length[step][lane] * STEP_MS;
    }
    return hit;
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
        for (uint32_t left = mask; left != 0; left &= left - 1) {
            int lane = __builtin_ctz(left);
            if (bank->change[step][lane] != 0)
                count = ctb_hit_put(hits, count, max, talk_hit(bank, lane, step));
        }
    return count;
}
