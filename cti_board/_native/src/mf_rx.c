/* mf_rx.c - a bank of R2 receivers: two of six frequencies (ITU-T Q.441, limits Q.454, Q.455).
 *
 * How:
 * 1. Sub-blocks of 1.25 ms are correlated with the six carriers of the set and with two more,
 *    120 Hz beside it.  Every 2.5 ms sixteen of them are summed under a raised cosine: a
 *    window of 20 ms whose side lobes leave no more than -50 dB of the other direction's
 *    signals, 240 Hz away and more.  So no filter is needed against the echo of our own.
 * 2. The two strongest carriers are a signal when both have the level, the twist, the
 *    frequency (phase slope over 5 ms), and stand out of the six others: a third tone or
 *    noise is none of the two.  The same is asked of two windows together, 20 ms apart, with
 *    less distance to noise: what is too noisy to be sure of in 20 ms may be sure in 40.
 * 3. Some windows in a row begin a signal; one tone 12 dB under its level ends it.  Begin and
 *    end are where the amplitude passes one half: there the window's middle is at the edge.
 * Limits: docs/r2-and-fax.md. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "ctb_mf.h"
#include "simd.h"

#define SUB 10                 /* samples of a sub-block: 1.25 ms */
#define SUBS 16                /* sub-blocks of a frame, and of a window */
#define HOP 20                 /* a window every 2.5 ms */
#define HOPS 8
#define TONES 6
#define CARRIERS 8             /* guard, six tones, guard */
#define PARTS (2 * CARRIERS)   /* real parts, then imaginary parts */
#define SUB_PAST 14            /* sub-blocks kept from the frame before */
#define WINDOW_PAST 2          /* windows kept: the slope is taken over 5 ms */
#define POWER_PAST 24          /* powers kept: 60 ms */
#define APART 8                /* the two windows that are judged together are 20 ms apart */
#define SETS 2
#define HALF_WINDOW (SUBS * SUB / 2)

#define LEVEL_MARGIN_DB 2.5f   /* chosen: accept this much under the least level; -42 is none */
#define TWIST_MARGIN_DB 2.0f   /* chosen: accept this much beyond the nominal twist */
#define SLOPE_ONE 0.63f        /* chosen: tan(32 degrees), 18 Hz in 5 ms; Q.454 has 10 Hz, and */
#define SLOPE_TWO 0.51f        /*   at 60 Hz one tone lies between two carriers; then 15 Hz */
#define THIRD 0.08f            /* chosen: a third tone 11 dB under the weaker one is too much, */
#define THIRD_NOISE 0.5f       /* chosen: unless it stands out of noise by less than 4 dB */
#define REST_ONE 0.5f          /* chosen: weaker tone over the mean of the six others: 12 ... */
#define REST_TWO 0.75f         /* ... and 8; in white noise alone one window in 10^4 passes */
#define STEADY 0.25f           /* chosen: of two windows none is 6 dB under the other */
#define LEAKAGE 0.0008f        /* chosen: what 10 Hz off leaves 120 Hz away, -31 dB */
#define GONE_POWER 0.06f       /* chosen: an interruption of 7 ms leaves -8.7 dB, Q.455 */
#define NEED_TWO 3             /* chosen: two windows together, three times */
#define HALF_THERE 0.15f       /* chosen: half the amplitude is 0.25 */
#define RISE 1.5f              /* chosen: the power of a run of windows stays between these */
#define FALL 0.7f              /*   shares of its first one; a burst of 7 ms does so for two */
#define FOLLOW 0.125f          /* chosen: the level is followed over 20 ms */

static const double base_hz[SETS] = {1380.0, 1140.0};       /* ITU-T Q.441 table 5 */
static const double step_hz[SETS] = {120.0, -120.0};

const ctb_mf_params_t ctb_mf_forward = {
    .set = CTB_MF_FORWARD,
    .frequencies = TONES,
    .min_dbm0 = -35.0f,        /* ITU-T Q.454: -5 to -35 dBm */
    .twist_db = 7.0f,          /* ITU-T Q.454: 5 dB adjacent, 7 dB else */
    .min_on_ms = 20.0f,        /* chosen: no signal under 7 ms (Q.455), operation within 32 */
    .min_off_ms = 10.0f,       /* chosen: an interruption of 7 ms does not end it, Q.455 */
};
const ctb_mf_params_t ctb_mf_backward = {
    .set = CTB_MF_BACKWARD, .frequencies = TONES, .min_dbm0 = -35.0f, .twist_db = 7.0f,
    .min_on_ms = 20.0f, .min_off_ms = 10.0f,
};
const ctb_mf_params_t ctb_mf_backward_cn = {     /* GF 002: four frequencies, six signals */
    .set = CTB_MF_BACKWARD, .frequencies = 4, .min_dbm0 = -35.0f, .twist_db = 7.0f,
    .min_on_ms = 20.0f, .min_off_ms = 10.0f,
};

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

/* everything a lane remembers: rows only, see ctb_park_t */
typedef struct lanes {
    row_t sub[SUB_PAST + SUBS][PARTS];
    row_t window[WINDOW_PAST + HOPS][PARTS];
    row_t power[POWER_PAST + HOPS][CARRIERS];      /* mean square of a tone at the carrier */
    row_t slope_re[APART + HOPS][TONES], slope_im[APART + HOPS][TONES];
    row_t min_power, twist;            /* parameters */
    irow_t backward;                   /* -1 = the lane hears the backward set */
    irow_t frequencies, need_on, need_off;
    irow_t signal, next[2], run[2], gone;      /* pair on; candidates and their windows */
    row_t first[2];                    /* mean squares of the tones where run[0] began */
    row_t on[2];                       /* mean squares of the tones that are on */
    irow_t length;                     /* samples from the first one to this frame's start */
} lanes_t;

struct ctb_mf_bank {
    lanes_t lanes;
    irow_t found[2][HOPS];             /* lower tone + 1 | higher tone + 1 << 4, or 0 */
    ctb_park_t park;
};

/* constants made once, for all instruction sets */
static _Alignas(64) float carrier[SETS][CTB_FRAME_SAMPLES][PARTS];
static float frame_re[SETS][CARRIERS], frame_im[SETS][CARRIERS];   /* a carrier's turn in 20 ms */
static float taper[SUBS];

static double carrier_hz(int set, int k)
{
    return base_hz[set] + step_hz[set] * (k - 1);
}

__attribute__((constructor)) static void mf_make_tables(void)
{
    double scale = 1.0 / sqrt(2.0 * HALF_WINDOW * HALF_WINDOW / 4.0);  /* A -> A^2 / 2 */
    for (int j = 0; j < SUBS; j++)
        taper[j] = (float)(0.5 - 0.5 * cos(2.0 * CTB_PI * (j + 0.5) / SUBS));
    for (int set = 0; set < SETS; set++)
        for (int k = 0; k < CARRIERS; k++) {
            double turn = 2.0 * CTB_PI * carrier_hz(set, k) / CTB_RATE;
            for (int i = 0; i < (int)CTB_FRAME_SAMPLES; i++) {
                carrier[set][i][k] = (float)(scale * cos(turn * i));
                carrier[set][i][CARRIERS + k] = (float)(-scale * sin(turn * i));
            }
            frame_re[set][k] = (float)cos(turn * CTB_FRAME_SAMPLES);
            frame_im[set][k] = (float)sin(turn * CTB_FRAME_SAMPLES);
        }
}

#define CTB_CLONE_FILE "mf_rx_bank.inc"
#include "simd_clones.h"

typedef void (*mf_listen_fn)(ctb_mf_bank_t *bank, const float (*in)[CTB_LANES]);

int ctb_mf_bank_alloc(ctb_mf_bank_t **out)
{
    ctb_mf_bank_t *bank = CTB_BANK_ALLOC(ctb_mf_bank_t);
    if (bank == NULL)
        return -ENOMEM;
    for (int lane = 0; lane < CTB_LANES; lane++)    /* a lane never armed is armed as usual */
        ctb_mf_bank_arm(bank, lane, &ctb_mf_forward);
    *out = bank;
    return 0;
}

void ctb_mf_bank_free(ctb_mf_bank_t *bank)
{
    CTB_BANK_FREE(ctb_mf_bank_t, bank);
}

static int at_least(int value, int least)
{
    return value < least ? least : value;
}

void ctb_mf_bank_arm(ctb_mf_bank_t *bank, int lane, const ctb_mf_params_t *params)
{
    lanes_t *s = &bank->lanes;
    ctb_park_clear(&bank->park, lane);
    s->min_power[lane] = CTB_POWER_0DBM0 * ctb_db_power(params->min_dbm0 - LEVEL_MARGIN_DB);
    s->twist[lane] = ctb_db_power(params->twist_db + TWIST_MARGIN_DB);
    s->backward[lane] = params->set == CTB_MF_BACKWARD ? -1 : 0;
    s->frequencies[lane] = params->frequencies < TONES ? (int32_t)params->frequencies : TONES;
    /* a tone of T ms fills (T - 12) / 2.5 windows well enough; is 10 dB down for T - 5 ms */
    s->need_on[lane] = at_least((int)((params->min_on_ms - 12.0f) / 2.5f), 2);
    s->need_off[lane] = at_least((int)((params->min_off_ms - 5.0f) / 2.5f), 1);
}

/* ---- one lane's signal, step by step ------------------------------------------------ */

static int pair_low(int pair) { return (pair & 15) - 1; }
static int pair_high(int pair) { return (pair >> 4) - 1; }

/* ITU-T Q.441 table 5: 1 = tones 0 and 1, 2 = 0 and 2, 3 = 1 and 2, ... 15 = 4 and 5 */
static int signal_of(int pair)
{
    int i = pair_low(pair), j = pair_high(pair);
    return j * (j - 1) / 2 + i + 1;
}

static float power_at(const lanes_t *s, int lane, int now, int tone)
{
    return s->power[now][1 + tone][lane];
}

/* the weaker of the two tones against its level that is on, as an amplitude */
static float share_at(const lanes_t *s, int lane, int now, int pair)
{
    float low = power_at(s, lane, now, pair_low(pair)) / s->on[0][lane];
    float high = power_at(s, lane, now, pair_high(pair)) / s->on[1][lane];
    return __builtin_sqrtf(low < high ? low : high);
}

/* Samples from where the amplitude passed one half to the end of window `now`, looking back:
 * rising = 1 for the first sample of a tone, 0 for its last one. */
static int edge_age(const lanes_t *s, int lane, int now, int pair, int rising)
{
    float after = share_at(s, lane, now, pair);
    for (int i = now; i > 0; i--) {
        float before = share_at(s, lane, i - 1, pair);
        if (rising ? before < 0.5f : before >= 0.5f) {
            float span = after - before, part = 0.5f;
            if (span > 0.01f || span < -0.01f)
                part = (after - 0.5f) / span;
            part = part < 0.0f ? 0.0f : part > 1.0f ? 1.0f : part;
            return (int)(((float)(now - i) + part) * HOP + 0.5f) + HALF_WINDOW;
        }
        after = before;
    }
    return now * HOP + HALF_WINDOW;
}

static ctb_hit_t signal_begin(ctb_mf_bank_t *bank, int lane, int hop, int pair)
{
    lanes_t *s = &bank->lanes;
    int now = POWER_PAST + hop, age;
    float ratio;
    s->on[0][lane] = power_at(s, lane, now, pair_low(pair));
    s->on[1][lane] = power_at(s, lane, now, pair_high(pair));
    age = edge_age(s, lane, now, pair, 1);
    s->signal[lane] = pair;
    s->gone[lane] = 0;
    s->length[lane] = age - (hop + 1) * HOP;
    ratio = s->on[1][lane] / s->on[0][lane];       /* the set may run down in frequency */
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_MF_BEGIN, .offset = (hop + 1) * HOP,
                       .a = signal_of(pair),
                       .b = ctb_power_cdbm0(ratio > 1.0f ? s->on[1][lane] : s->on[0][lane]),
                       .c = s->backward[lane] ? -ctb_ratio_cdb(ratio) : ctb_ratio_cdb(ratio),
                       .d = age};
}

static ctb_hit_t signal_end(ctb_mf_bank_t *bank, int lane, int hop)
{
    lanes_t *s = &bank->lanes;
    int pair = s->signal[lane], age = edge_age(s, lane, POWER_PAST + hop, pair, 0);
    s->signal[lane] = 0;
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_MF_END, .offset = (hop + 1) * HOP,
                       .a = signal_of(pair), .b = s->length[lane] + (hop + 1) * HOP - age,
                       .d = age};
}

/* a run begins anew where the power of a tone has left that of its first window */
static void run_steady(lanes_t *s, int lane, int now)
{
    float low = power_at(s, lane, now, pair_low(s->next[0][lane]));
    float high = power_at(s, lane, now, pair_high(s->next[0][lane]));
    float *first_low = &s->first[0][lane], *first_high = &s->first[1][lane];
    if (s->run[0][lane] > 1 && low <= *first_low * RISE && low >= *first_low * FALL
        && high <= *first_high * RISE && high >= *first_high * FALL)
        return;
    s->run[0][lane] = 1;
    *first_low = low;
    *first_high = high;
}

/* a burst of 7 ms is steady for three windows, but it was not half there 10 ms ago */
static int run_long(const lanes_t *s, int lane, int now)
{
    int back = s->need_on[lane] + 1, pair = s->next[0][lane];
    int then = now - (back < POWER_PAST ? back : POWER_PAST);
    return power_at(s, lane, then, pair_low(pair)) >= s->first[0][lane] * HALF_THERE
           && power_at(s, lane, then, pair_high(pair)) >= s->first[1][lane] * HALF_THERE;
}

/* the pair that has been found often enough, or 0 */
static int lane_candidate(ctb_mf_bank_t *bank, int lane, int hop)
{
    lanes_t *s = &bank->lanes;
    int pair = 0;
    for (int i = 0; i < 2; i++) {
        int found = bank->found[i][hop][lane];
        s->run[i][lane] = found != 0 && found == s->next[i][lane] ? s->run[i][lane] + 1 : found != 0;
        s->next[i][lane] = found;
    }
    if (s->run[0][lane] > 0)
        run_steady(s, lane, POWER_PAST + hop);
    if (s->run[0][lane] >= s->need_on[lane] && run_long(s, lane, POWER_PAST + hop))
        pair = s->next[0][lane];
    else if (s->run[1][lane] >= at_least(s->need_on[lane] - APART, NEED_TWO))
        pair = s->next[1][lane];
    return pair != 0 && pair_high(pair) < s->frequencies[lane] ? pair : 0;
}

static void signal_follow(lanes_t *s, int lane, int now, int pair)
{
    float low = power_at(s, lane, now, pair_low(pair));
    float high = power_at(s, lane, now, pair_high(pair));
    s->on[0][lane] += (low - s->on[0][lane]) * FOLLOW;
    s->on[1][lane] += (high - s->on[1][lane]) * FOLLOW;
}

static int lane_step(ctb_mf_bank_t *bank, int lane, int hop, ctb_hit_t *hits, int count, int max)
{
    lanes_t *s = &bank->lanes;
    int now = POWER_PAST + hop, pair = s->signal[lane];
    int candidate = lane_candidate(bank, lane, hop);
    if (pair != 0 && candidate != 0 && candidate != pair) {
        count = ctb_hit_put(hits, count, max, signal_end(bank, lane, hop));
        pair = 0;
    }
    if (pair != 0) {
        int gone = power_at(s, lane, now, pair_low(pair)) < s->on[0][lane] * GONE_POWER
                   || power_at(s, lane, now, pair_high(pair)) < s->on[1][lane] * GONE_POWER;
        s->gone[lane] = gone ? s->gone[lane] + 1 : 0;
        if (s->gone[lane] >= s->need_off[lane])
            count = ctb_hit_put(hits, count, max, signal_end(bank, lane, hop));
        else if (bank->found[0][hop][lane] == pair)
            signal_follow(s, lane, now, pair);
    } else if (candidate != 0) {
        count = ctb_hit_put(hits, count, max, signal_begin(bank, lane, hop, candidate));
    }
    return count;
}

static uint32_t lanes_busy(const ctb_mf_bank_t *bank, uint32_t mask)
{
    uint32_t busy = 0;
    for (int lane = 0; lane < CTB_LANES; lane++) {
        const lanes_t *s = &bank->lanes;
        int32_t any = s->signal[lane] | s->run[0][lane] | s->run[1][lane];
        for (int hop = 0; hop < HOPS; hop++)
            any |= bank->found[0][hop][lane] | bank->found[1][hop][lane];
        busy |= (uint32_t)(any != 0) << lane;
    }
    return busy & mask;
}

int ctb_mf_bank_run(ctb_mf_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                    ctb_hit_t *hits, int max)
{
    mf_listen_fn listen = CTB_CHOOSE(mf_listen);
    uint32_t busy;
    int count = 0;
    mask &= 0xFFFFu;
    if (mask == 0)
        return 0;
    if (bank->park.active != mask)
        ctb_park_switch(&bank->park, mask);
    listen(bank, in);
    busy = lanes_busy(bank, mask);
    for (int hop = 0; hop < HOPS && busy != 0; hop++)
        for (uint32_t left = busy; left != 0; left &= left - 1)
            count = lane_step(bank, __builtin_ctz(left), hop, hits, count, max);
    for (uint32_t left = busy; left != 0; left &= left - 1)
        bank->lanes.length[__builtin_ctz(left)] = ctb_longer(bank->lanes.length[__builtin_ctz(left)]);
    return count;
}

/* ---- the sender: a continuous tone for the generator ---------------------------------- */

int ctb_mf_tone(ctb_tone_t *out, int set, int signal, int level_cdbm0)
{
    if (set < 0 || set >= SETS || signal < 1 || signal > TONES * (TONES - 1) / 2)
        return -EINVAL;
    if (level_cdbm0 < CTB_LEAST_CDBM0 || level_cdbm0 > CTB_MOST_CDBM0)
        return -EINVAL;
    memset(out, 0, sizeof *out);
    out->id = (uint32_t)signal;
    out->steps = 1;
    out->cycles = 1;
    for (int j = 1, n = 0; j < TONES; j++)
        for (int i = 0; i < j; i++)
            if (++n == signal) {
                out->step[0].hz[0] = (float)carrier_hz(set, 1 + i);
                out->step[0].hz[1] = (float)carrier_hz(set, 1 + j);
            }
    out->step[0].dbm0[0] = out->step[0].dbm0[1] = (float)level_cdbm0 / 100.0f;
    return 0;
}
