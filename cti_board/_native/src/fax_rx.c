/* fax_rx.c - a bank of detectors of facsimile and modem tones: CNG, CED, ANS, ANSam, CT.
 *
 * How:
 * 1. Steps of 5 ms are correlated with 1100, 1300 and 2100 Hz and with the second harmonics
 *    of the first two.  Four steps of which one carrier has more than half of all energy make
 *    it a candidate.
 * 2. A candidate sums up until it is judged: its share of the energy, its frequency and how
 *    steadily it turns (the phase from step to step), how level it is.  White noise keeps all
 *    of that; speech and music do not for half a second.
 * 3. Calling tones are bursts, so they are judged at their end: a length as in the standard,
 *    quiet before and after, no second harmonic.  Begin and end come together.
 * 4. 2100 Hz is judged when the kind is certain: at a reversal of phase 450 ms after the begin
 *    or after the reversal before, else after 500 ms without one; amplitude modulation is the
 *    share of 15 Hz in the amplitudes of all steps.
 * Limits: docs/r2-and-fax.md. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "ctb_fax.h"
#include "simd.h"

#define STEP 40                /* samples: 5 ms */
#define STEPS 4
#define STEP_MS 5
#define MAIN 3                 /* 1100, 1300, 2100 Hz */
#define CARRIERS 5             /* and 2200, 2600 Hz */
#define PARTS (2 * CARRIERS)
#define PAST 20                /* steps kept: 100 ms */
#define WINDOW 4               /* steps that make a candidate */
#define MS(n) ((n) / STEP_MS)  /* in steps */

#define MIN_DBM0 (-46.0f)      /* ITU-T T.30 and V.25: to -43 dBm; 3 dB of margin chosen */
#define FOUND 0.55f            /* chosen: a tone 5 dB over white noise has 0.76 of the energy, */
#define IMPURE 0.40f           /* chosen: and 38 Hz off its carrier 0.67 */
#define PURE 0.62f             /* chosen: 2 dB over noise, corrected for the frequency */
#define TURN 0.85f             /* chosen: noise at 2 dB leaves 0.97, vibrato and speech less */
#define LEVEL_LEAST 0.45f      /* chosen: 20 ms against all before; 20 % modulation has 0.64 */
#define LEVEL_MOST 2.2f        /*   to 1.44 in 5 ms */
#define QUIET 0.45f            /* chosen: before and after a calling tone; noise at 3.5 dB */
#define HARMONIC 0.02f         /* chosen: the second harmonic, 17 dB down, ... */
#define HARMONIC_REST 0.2f     /* ... unless it is noise: that has 0.05 of it in 200 Hz */
#define GONE_POWER 0.25f       /* chosen: half the amplitude ... */
#define GONE_STEPS 6           /* ... for 30 ms: a lost packet of 20 ms is bridged */
#define SETTLED 4              /* steps after which the begin is placed */
#define CERTAIN MS(500)        /* chosen: a reversal comes after 475 ms at the latest, V.25 */
#define MODULATION 0.10f       /* chosen: half of the 20 % of ITU-T V.8 */
#define MODULATION_STEPS MS(300)       /* chosen: four and a half periods of 15 Hz */
#define REVERSAL_LEAST MS(415)         /* ITU-T V.25: 450 +- 25 ms; two steps of margin */
#define REVERSAL_MOST MS(485)
#define REVERSAL_SPAN 3        /* steps: before and after, one may be cut in two */
#define REVERSAL_COS (-0.80f)  /* chosen: 180 +- 37 degrees; V.25 has +- 10 */
#define REVERSAL_REST MS(50)   /* chosen: one reversal is seen in two or three steps */
#define SLOPE_FOLLOW 0.1f      /* chosen: the slope of the phase over 50 ms */
#define AM_TABLE 40            /* steps: three periods of 15 Hz */

enum { NONE, CNG, CT, ANSWER };        /* the candidate's carrier + 1 */

typedef struct tone_limits {
    int least, most;           /* length, samples; most 0 = judged while it is on */
    float off_hz;              /* accepted */
} tone_limits_t;

static const double carrier_hz[CARRIERS] = {1100, 1300, 2100, 2200, 2600};
static const tone_limits_t limits[MAIN + 1] = {
    [CNG] = {8 * 405, 8 * 610, 42.0f},   /* ITU-T T.30: 500 ms +- 15 %, 1100 +- 38 Hz; margins chosen */
    [CT] = {8 * 480, 8 * 730, 24.0f},    /* ITU-T V.25: 500 to 700 ms, 1300 Hz; margins chosen */
    [ANSWER] = {0, 0, 22.0f},            /* ITU-T V.25: 2100 +- 15 Hz; margin chosen */
};

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

/* everything a lane remembers: rows only, see ctb_park_t */
typedef struct lanes {
    row_t phasor[PAST + STEPS][PARTS]; /* |phasor|^2 = mean square of the tone */
    row_t energy[PAST + STEPS];        /* mean square of everything */
    irow_t tone;                       /* the candidate, or NONE */
    irow_t next, run;                  /* found last, in how many steps */
    irow_t kind;                       /* what was reported and is on: enum ctb_fax_tone */
    irow_t steps, gone;                /* of the candidate; steps without it */
    irow_t age;                        /* samples from its first one to this step's end */
    irow_t since, reversals;           /* steps since its begin or the last reversal */
    row_t power, rest, harmonic;       /* sums: the tone, everything, its second harmonic */
    row_t turn_re, turn_im;            /* sum of the phase's turns from step to step */
    row_t slope_re, slope_im;          /* the same, of the last 50 ms */
    row_t am, am_re, am_im, one_re, one_im;    /* sums: amplitude, at 15 Hz, and 15 Hz itself */
    row_t before;                      /* energy of 50 ms before the candidate */
} lanes_t;

struct ctb_fax_bank {
    lanes_t lanes;
    irow_t found[STEPS];               /* NONE, or whose the last four steps are */
    ctb_park_t park;
};

/* constants made once, for all instruction sets; all carriers have whole cycles in a frame */
static _Alignas(64) float carrier[CTB_FRAME_SAMPLES][PARTS];
static float am_re[AM_TABLE], am_im[AM_TABLE];
static float turn_limit[MAIN + 1];
static float min_power;

__attribute__((constructor)) static void fax_make_tables(void)
{
    double scale = 1.0 / sqrt(STEP * STEP / 2.0);      /* A STEP/2 -> A/sqrt(2) */
    for (int i = 0; i < (int)CTB_FRAME_SAMPLES; i++)
        for (int k = 0; k < CARRIERS; k++) {
            double phase = 2.0 * CTB_PI * carrier_hz[k] * i / CTB_RATE;
            carrier[i][k] = (float)(scale * cos(phase));
            carrier[i][CARRIERS + k] = (float)(-scale * sin(phase));
        }
    for (int i = 0; i < AM_TABLE; i++) {
        am_re[i] = (float)cos(2.0 * CTB_PI * 3 * i / AM_TABLE);
        am_im[i] = (float)sin(2.0 * CTB_PI * 3 * i / AM_TABLE);
    }
    for (int t = CNG; t <= ANSWER; t++)
        turn_limit[t] = (float)cos(2.0 * CTB_PI * limits[t].off_hz * STEP / CTB_RATE);
    min_power = CTB_POWER_0DBM0 * ctb_db_power(MIN_DBM0);
}

#define CTB_CLONE_FILE "fax_rx_bank.inc"
#include "simd_clones.h"

typedef void (*fax_listen_fn)(ctb_fax_bank_t *bank, const float (*in)[CTB_LANES]);

int ctb_fax_bank_alloc(ctb_fax_bank_t **out)
{
    ctb_fax_bank_t *bank = CTB_BANK_ALLOC(ctb_fax_bank_t);
    if (bank == NULL)
        return -ENOMEM;
    *out = bank;
    return 0;
}

void ctb_fax_bank_free(ctb_fax_bank_t *bank)
{
    CTB_BANK_FREE(ctb_fax_bank_t, bank);
}

void ctb_fax_bank_arm(ctb_fax_bank_t *bank, int lane)
{
    ctb_park_clear(&bank->park, lane);
}

/* ---- one lane's candidate, step by step -------------------------------------------------- */

typedef struct phasor { float re, im; } phasor_t;

static phasor_t phasor_at(const lanes_t *s, int lane, int now, int k)
{
    return (phasor_t){s->phasor[now][k][lane], s->phasor[now][CARRIERS + k][lane]};
}

static float power_at(const lanes_t *s, int lane, int now, int k)
{
    phasor_t p = phasor_at(s, lane, now, k);
    return p.re * p.re + p.im * p.im;
}

/* amplitude of a step against the whole candidate's */
static float share_at(const lanes_t *s, int lane, int now)
{
    float mean = s->power[lane] / (float)s->steps[lane];
    return __builtin_sqrtf(power_at(s, lane, now, s->tone[lane] - 1) / mean);
}

/* a times the conjugate of b */
static phasor_t phasor_turn(phasor_t a, phasor_t b)
{
    return (phasor_t){a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im};
}

/* samples from the tone's first one to the end of step `now`; the tone fills its last steps */
static int begin_age(const lanes_t *s, int lane, int now)
{
    int k = now;
    float part;
    while (k > 0 && share_at(s, lane, k - 1) >= 0.5f)
        k--;
    part = share_at(s, lane, k) + (k > 0 ? share_at(s, lane, k - 1) : 0.0f);
    part = part > 1.5f ? 1.5f : part;
    return (now - k) * STEP + (int)(part * STEP + 0.5f);
}

/* samples from the tone's last one to the end of step `now` */
static int end_age(const lanes_t *s, int lane, int now)
{
    int k = now;
    float part;
    while (k > 0 && share_at(s, lane, k) < 0.5f)
        k--;
    part = share_at(s, lane, k) + (k < now ? share_at(s, lane, k + 1) : 0.0f);
    part = part > 1.5f ? 1.5f : part;
    return (now - k + 1) * STEP - (int)(part * STEP + 0.5f);
}

static void candidate_add(lanes_t *s, int lane, int now)
{
    int k = s->tone[lane] - 1, n = s->steps[lane] % AM_TABLE;
    phasor_t p = phasor_at(s, lane, now, k);
    phasor_t turn = phasor_turn(p, phasor_at(s, lane, now - 1, k));
    float power = p.re * p.re + p.im * p.im, amplitude = __builtin_sqrtf(power);
    s->steps[lane]++;
    s->since[lane]++;
    s->power[lane] += power;
    s->rest[lane] += s->energy[now][lane];
    if (k + MAIN < CARRIERS)
        s->harmonic[lane] += power_at(s, lane, now, k + MAIN);
    s->turn_re[lane] += turn.re;
    s->turn_im[lane] += turn.im;
    s->slope_re[lane] += (turn.re - s->slope_re[lane]) * SLOPE_FOLLOW;
    s->slope_im[lane] += (turn.im - s->slope_im[lane]) * SLOPE_FOLLOW;
    s->am[lane] += amplitude;
    s->am_re[lane] += amplitude * am_re[n];
    s->am_im[lane] += amplitude * am_im[n];
    s->one_re[lane] += am_re[n];
    s->one_im[lane] += am_im[n];
}

static void candidate_drop(lanes_t *s, int lane)
{
    s->tone[lane] = NONE;
    s->kind[lane] = 0;
}

/* a tone after silence is found in its first, cut step: the last two of four are whole */
static void candidate_start(lanes_t *s, int lane, int now, int tone)
{
    float before = 0.0f;
    for (int i = WINDOW + 2; i < WINDOW + 12; i++)
        before += s->energy[now - i][lane];
    s->tone[lane] = tone;
    s->kind[lane] = s->run[lane] = 0;
    s->steps[lane] = s->gone[lane] = s->since[lane] = s->reversals[lane] = 0;
    s->power[lane] = s->rest[lane] = s->harmonic[lane] = 0.0f;
    s->turn_re[lane] = s->turn_im[lane] = s->slope_re[lane] = s->slope_im[lane] = 0.0f;
    s->am[lane] = s->am_re[lane] = s->am_im[lane] = s->one_re[lane] = s->one_im[lane] = 0.0f;
    s->before[lane] = before / 10.0f;
    candidate_add(s, lane, now - 1);
    candidate_add(s, lane, now);
    s->slope_re[lane] = s->turn_re[lane] / 2.0f;
    s->slope_im[lane] = s->turn_im[lane] / 2.0f;
    s->since[lane] = WINDOW;
}

/* frequency, steadiness and purity of all that was summed; *power = mean square of the tone */
static int candidate_good(const lanes_t *s, int lane, float *power)
{
    float re = s->turn_re[lane], im = s->turn_im[lane];
    float length = __builtin_sqrtf(re * re + im * im) + 1e-30f, bend = 1.0f - re / length;
    float whole = s->power[lane] / (1.0f - bend / 6.0f);   /* what 5 ms lose off the carrier */
    *power = whole / (float)s->steps[lane];
    return re / length >= turn_limit[s->tone[lane]] && length >= s->power[lane] * TURN
           && whole >= s->rest[lane] * PURE;
}

/* the last 20 ms are as loud as all before and still the tone's */
static int candidate_level(const lanes_t *s, int lane, int now)
{
    float power = 0.0f, energy = 0.0f, mean = s->power[lane] / (float)s->steps[lane];
    for (int i = 0; i < WINDOW; i++) {
        power += power_at(s, lane, now - i, s->tone[lane] - 1);
        energy += s->energy[now - i][lane];
    }
    return power >= energy * IMPURE && power >= mean * (WINDOW * LEVEL_LEAST)
           && power <= mean * (WINDOW * LEVEL_MOST);
}

static ctb_hit_t tone_on(lanes_t *s, int lane, int step, int kind, float power)
{
    s->kind[lane] = kind;
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_FAX_ON, .offset = (step + 1) * STEP,
                       .a = kind, .b = ctb_power_cdbm0(power), .d = s->age[lane]};
}

static ctb_hit_t tone_off(lanes_t *s, int lane, int step, int age)
{
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_FAX_OFF, .offset = (step + 1) * STEP,
                       .a = s->kind[lane], .b = s->age[lane] - age, .d = age};
}

/* ---- calling tones: judged when they have ended -------------------------------------------- */

static int calling_good(const lanes_t *s, int lane, int now, int length, float *power)
{
    int tone = s->tone[lane];
    float mean = s->rest[lane] / (float)s->steps[lane], after = 0.0f;
    for (int i = 0; i < GONE_STEPS - 1; i++)
        after += s->energy[now - i][lane];
    after /= GONE_STEPS - 1;
    return candidate_good(s, lane, power) && length >= limits[tone].least
           && length <= limits[tone].most && s->before[lane] <= mean * QUIET
           && after <= mean * QUIET
           && (s->harmonic[lane] <= s->power[lane] * HARMONIC
               || s->harmonic[lane] <= (s->rest[lane] - s->power[lane]) * HARMONIC_REST);
}

static int calling_end(lanes_t *s, int lane, int step, ctb_hit_t *hits, int count, int max)
{
    int age = end_age(s, lane, PAST + step), kind = s->tone[lane] == CNG ? CTB_FAX_CNG : CTB_FAX_CT;
    float power;
    if (!calling_good(s, lane, PAST + step, s->age[lane] - age, &power))
        return count;
    count = ctb_hit_put(hits, count, max, tone_on(s, lane, step, kind, power));
    return ctb_hit_put(hits, count, max, tone_off(s, lane, step, age));
}

/* ---- answer tones: judged when the kind is certain ------------------------------------------ */

static int answer_reversed(const lanes_t *s, int lane, int now)
{
    int k = ANSWER - 1;
    phasor_t u = {s->slope_re[lane], s->slope_im[lane]}, across, u2, u3;
    float length = __builtin_sqrtf(u.re * u.re + u.im * u.im) + 1e-30f, size;
    u.re /= length;
    u.im /= length;
    u2 = (phasor_t){u.re * u.re - u.im * u.im, 2.0f * u.re * u.im};
    u3 = (phasor_t){u2.re * u.re - u2.im * u.im, u2.re * u.im + u2.im * u.re};
    across = phasor_turn(phasor_at(s, lane, now, k), phasor_at(s, lane, now - REVERSAL_SPAN, k));
    size = __builtin_sqrtf(across.re * across.re + across.im * across.im) + 1e-30f;
    across = phasor_turn(across, u3);
    return across.re <= size * REVERSAL_COS;
}

static int answer_modulated(const lanes_t *s, int lane)
{
    float mean = s->am[lane] / (float)s->steps[lane];
    float re = s->am_re[lane] - mean * s->one_re[lane];
    float im = s->am_im[lane] - mean * s->one_im[lane];
    float least = s->am[lane] * (MODULATION / 2.0f);
    return re * re + im * im >= least * least;
}

/* the kind where it is certain, else 0 */
static int answer_kind(lanes_t *s, int lane, int now)
{
    int since = s->since[lane], reversed = 0, modulated;
    if (since > REVERSAL_REST && answer_reversed(s, lane, now)) {
        /* the first of the two or three steps in which it is seen: it lies one or two back */
        reversed = since >= REVERSAL_LEAST && since <= REVERSAL_MOST;
        s->reversals[lane]++;
        s->since[lane] = 0;
    }
    if (s->steps[lane] < MODULATION_STEPS)
        return 0;
    modulated = answer_modulated(s, lane);
    if (reversed)
        return modulated ? CTB_FAX_ANSAM_PR : CTB_FAX_ANS_PR;
    if (s->since[lane] >= CERTAIN)
        return modulated ? CTB_FAX_ANSAM : CTB_FAX_CED;
    return 0;
}

static int answer_step(lanes_t *s, int lane, int step, ctb_hit_t *hits, int count, int max)
{
    int kind = answer_kind(s, lane, PAST + step), was = s->kind[lane];
    float power;
    if (kind == 0 || kind == was || !candidate_good(s, lane, &power))
        return count;
    if (was != 0) {            /* only reversals that were missed at first change the kind */
        if (kind != CTB_FAX_ANS_PR && kind != CTB_FAX_ANSAM_PR)
            return count;
        count = ctb_hit_put(hits, count, max, tone_off(s, lane, step, 0));
    }
    return ctb_hit_put(hits, count, max, tone_on(s, lane, step, kind, power));
}

/* ---- a step ------------------------------------------------------------------------------ */

static int tone_goes_on(lanes_t *s, int lane, int step, ctb_hit_t *hits, int count, int max)
{
    int now = PAST + step;
    candidate_add(s, lane, now);
    s->age[lane] += s->age[lane] < CTB_LONGEST ? STEP : 0;
    if (s->steps[lane] == SETTLED)
        s->age[lane] = begin_age(s, lane, now);
    if (s->kind[lane] == 0 && s->gone[lane] == 0 && s->steps[lane] > 2 * WINDOW
        && !candidate_level(s, lane, now)) {
        candidate_drop(s, lane);
        return count;
    }
    return s->tone[lane] == ANSWER ? answer_step(s, lane, step, hits, count, max) : count;
}

static int lane_step(ctb_fax_bank_t *bank, int lane, int step, ctb_hit_t *hits, int count, int max)
{
    lanes_t *s = &bank->lanes;
    int now = PAST + step, tone = s->tone[lane];
    if (tone == NONE) {
        int found = bank->found[step][lane];
        s->run[lane] = found != NONE && found == s->next[lane] ? s->run[lane] + 1 : found != NONE;
        s->next[lane] = found;
        if (s->run[lane] >= WINDOW)
            candidate_start(s, lane, now, found);
        return count;
    }
    if (power_at(s, lane, now, tone - 1) * (float)s->steps[lane] >= s->power[lane] * GONE_POWER) {
        s->gone[lane] = 0;
        return tone_goes_on(s, lane, step, hits, count, max);
    }
    s->age[lane] += s->age[lane] < CTB_LONGEST ? STEP : 0;
    s->since[lane]++;
    if (++s->gone[lane] < GONE_STEPS)
        return count;
    if (s->kind[lane] != 0)
        count = ctb_hit_put(hits, count, max, tone_off(s, lane, step, end_age(s, lane, now)));
    else if (tone != ANSWER && s->steps[lane] > SETTLED)
        count = calling_end(s, lane, step, hits, count, max);
    candidate_drop(s, lane);
    return count;
}

static uint32_t lanes_busy(const ctb_fax_bank_t *bank, uint32_t mask)
{
    uint32_t busy = 0;
    for (int lane = 0; lane < CTB_LANES; lane++) {
        int32_t any = bank->lanes.tone[lane] | bank->lanes.run[lane];
        for (int step = 0; step < STEPS; step++)
            any |= bank->found[step][lane];
        busy |= (uint32_t)(any != 0) << lane;
    }
    return busy & mask;
}

int ctb_fax_bank_run(ctb_fax_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                     ctb_hit_t *hits, int max)
{
    fax_listen_fn listen = CTB_CHOOSE(fax_listen);
    uint32_t busy;
    int count = 0;
    mask &= 0xFFFFu;
    if (mask == 0)
        return 0;
    if (bank->park.active != mask)
        ctb_park_switch(&bank->park, mask);
    listen(bank, in);
    busy = lanes_busy(bank, mask);
    for (int step = 0; step < STEPS && busy != 0; step++)
        for (uint32_t left = busy; left != 0; left &= left - 1)
            count = lane_step(bank, __builtin_ctz(left), step, hits, count, max);
    return count;
}
