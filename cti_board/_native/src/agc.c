/* agc.c - automatic level: each line's speech is brought to one level, slowly and without clipping.
 *
 * How: the level is that of the speech while it is there, after ITU-T P.56 method B on 10 ms
 * steps: an envelope of two stages of 30 ms, a threshold 15.9 dB under the level and a hangover
 * of 200 ms; here over the last three seconds of speech instead of the whole recording.  The gain
 * walks toward it by a few dB a second, and only while speech is heard: what is under the
 * threshold, less than 9 dB over the line's own noise (the least envelope of four seconds), or
 * steady for a second (tones, hum, noise) lets it hold.  A limiter then looks 2 ms ahead: it is at
 * the gain that a loud sample needs before the sample comes, and lets go within 100 ms.
 * Limits: music counts as speech; the first sample of a frame may be limited without the 2 ms. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "ctb_agc.h"
#include "simd.h"

#define STEP 80                /* samples: 10 ms */
#define STEPS 2                /* of a frame */
#define SUB 16                 /* samples: 2 ms, of the limiter */
#define SUBS 10                /* of a frame */
#define PARTS 7                /* whole parts of 500 ms that the noise is remembered for */
#define PART_STEPS 50

#define ENVELOPE 0.28346869f   /* 1 - exp(-10 ms / 30 ms), ITU-T P.56 method B */
#define MARGIN 0.025703958f    /* 15.9 dB under the level, ITU-T P.56 */
#define HANG_STEPS 20          /* 200 ms, ITU-T P.56 */
#define MEMORY_STEPS 300       /* chosen: 3 s of speech, a sentence */
#define FIRST_STEPS 20         /* chosen: speech heard before the gain moves, 200 ms */
#define OVER_NOISE 8.0f        /* chosen: 9 dB, as the talk detector */
#define STEADY 4.0f            /* chosen: 6 dB between least and greatest envelope; speech has 15 */
#define FORGET 0.9954f         /* chosen: 2 dB/s off a level while only much softer speech is heard */
#define UP 1.00345980f         /* chosen: 3 dB/s, 0.3 dB in a digit of 100 ms */
#define DOWN 0.99540543f       /* chosen: 4 dB/s */
#define NEAR 1.1220185f        /* chosen: within 0.5 dB the gain rests */
#define CEILING 0.98f          /* just under the A-law overload point, ITU-T G.711 (0.984) */
#define RELEASE 0.019801327f   /* a sub-block, 1 - exp(-2 ms / 100 ms); chosen: over a beat of a digit */
#define LOUDEST 8.0f           /* of a sample; more, or no number, is a fault and heard as silence */
#define UNKNOWN 1e9f           /* power: a part that was not heard yet */

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

typedef struct lanes {
    row_t target, most, least, threshold;  /* power; gains; power */
    row_t gain, limit;                     /* at the last sample */
    row_t level;                           /* active speech level, power */
    row_t stage, envelope;                 /* amplitudes */
    row_t lowest, highest;                 /* envelope's power in this part */
    row_t past[PARTS], before;             /* lowest of the parts before; highest of the last */
    irow_t heard, count, hang, age;        /* steps: since arming (0, 1), of speech, left, of part */
} lanes_t;

struct ctb_agc_bank {
    lanes_t lanes;
    irow_t wanted;                         /* all ones: the lane is in the mask */
    ctb_park_t park;
};

const ctb_agc_params_t ctb_agc_default = {
    .target_dbm0 = -19.0f,     /* chosen: the middle of what exchanges carry; P.800's -26 dBov is -20 */
    .max_gain_db = 20.0f,      /* chosen: a caller 20 dB too soft is still above a line's noise */
    .max_loss_db = 15.0f,      /* chosen: brings the loudest that A-law carries to the target */
    .threshold_dbm0 = -50.0f,  /* chosen: the noise of a poor line */
};

#define CTB_CLONE_FILE "agc_bank.inc"
#include "simd_clones.h"

int ctb_agc_bank_alloc(ctb_agc_bank_t **out)
{
    ctb_agc_bank_t *bank = CTB_BANK_ALLOC(ctb_agc_bank_t);
    if (bank == NULL)
        return -ENOMEM;
    for (int lane = 0; lane < CTB_LANES; lane++)    /* a lane never armed is armed as usual */
        ctb_agc_bank_arm(bank, lane, &ctb_agc_default);
    *out = bank;
    return 0;
}

void ctb_agc_bank_free(ctb_agc_bank_t *bank)
{
    CTB_BANK_FREE(ctb_agc_bank_t, bank);
}

static int within(float value, float least, float most)
{
    return value >= least && value <= most;    /* false for what is no number */
}

int ctb_agc_bank_arm(ctb_agc_bank_t *bank, int lane, const ctb_agc_params_t *params)
{
    lanes_t *s = &bank->lanes;
    if (lane < 0 || lane >= CTB_LANES || !within(params->target_dbm0, -40.0f, 0.0f)
        || !within(params->max_gain_db, 0.0f, 30.0f) || !within(params->max_loss_db, 0.0f, 30.0f)
        || !within(params->threshold_dbm0, -70.0f, -10.0f))
        return -EINVAL;
    ctb_park_clear(&bank->park, lane);
    s->target[lane] = CTB_POWER_0DBM0 * ctb_db_power(params->target_dbm0);
    s->threshold[lane] = CTB_POWER_0DBM0 * ctb_db_power(params->threshold_dbm0);
    s->most[lane] = ctb_db_power(params->max_gain_db / 2);
    s->least[lane] = ctb_db_power(-params->max_loss_db / 2);
    s->gain[lane] = s->limit[lane] = 1.0f;
    s->lowest[lane] = UNKNOWN;
    for (int k = 0; k < PARTS; k++)
        s->past[k][lane] = UNKNOWN;
    return 0;
}

void ctb_agc_bank_run(ctb_agc_bank_t *bank, float (*io)[CTB_LANES], uint32_t mask)
{
    mask &= 0xFFFFu;
    if (mask == 0)
        return;
    if (bank->park.active != mask)
        ctb_park_switch(&bank->park, mask);
    for (int lane = 0; lane < CTB_LANES; lane++)
        bank->wanted[lane] = -(int32_t)(mask >> lane & 1);
    CTB_CHOOSE(agc_frame)(bank, io);
}

int32_t ctb_agc_bank_gain(const ctb_agc_bank_t *bank, int lane)
{
    float gain = bank->lanes.gain[lane];
    if (!(bank->park.active >> lane & 1))
        memcpy(&gain, bank->park.store + (size_t)lane * bank->park.count
                          + offsetof(lanes_t, gain) / sizeof(row_t), sizeof gain);
    return ctb_ratio_cdb(gain * gain);
}
