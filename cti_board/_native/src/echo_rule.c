/* echo_rule.c - the decisions of the echo canceller, lane by lane, once a hop of 4 ms.
 *
 * What: when to adapt, which filter to believe, what to give out, when to keep out of the way.
 * How: mean energies of the line, of both filters' errors and of the echo; the best ratio of
 * residue to echo of late (`leak`) says what residue to expect, more than that is the near end.
 * Limits: docs/echo.md. */
#include <string.h>

#include "echo.h"

#define POWER(ratio) (HOP * CTB_POWER_0DBM0 * (ratio))    /* energy of a hop */
#define MEAN_SHARE (1.0f / 8)  /* chosen: means over 32 ms */
#define PEAK_FALL 0.9f         /* chosen: 7 dB over the longest tail */
#define TX_ACTIVE POWER(1e-5f) /* chosen: -50 dBm0, its echo is under the noise of a line */
#define IDLE_HOPS (HISTORY + WINDOW / HOP)     /* no sample of tx is in any filter */
#define NARROW_BINS 18         /* chosen: two tones fill less; a dull vowel may, too */
#define LEAK_FALL 0.1f         /* chosen: 40 ms */
#define LEAK_RISE 1.0005f      /* chosen: 0.5 dB/s, slower than any talk */
#define LEAK_GOOD 0.05f        /* chosen: 13 dB, the main filter has proved itself */
#define TAKE_GOOD 0.15f        /* chosen: the shadow must be 8 dB better than a proven filter ... */
#define TAKE_NEW 0.3f          /* ... or 5 dB better than another */
#define TAKE_HOPS 6            /* chosen: for 24 ms */
#define HARM_HOPS 4            /* chosen: 16 ms when the main filter does harm */
#define GIVE_BACK 2.0f         /* chosen: 3 dB worse than the main filter, it starts from that */
#define SPREAD_TAKEN 1e-3f     /* chosen: and all of the filter: a new path may differ anywhere */
#define SPREAD_START 0.1f      /* chosen: an echo path of 6 dB, G.168's least loss, over 3 parts */
#define SHADOW_STEP 1.2f       /* chosen: fastest in trials; 2 is unstable */
#define SHADOW_FLOOR (0.3f / BINS) /* chosen: a third of the mean bin */
#define NARROW_STEP 0.25f      /* chosen: a notch of a few Hz, which lets digits pass */
#define NARROW_FLOOR 0.25f     /* chosen: only the tone's own bins learn */
#define BYPASS_ON 1.6f         /* chosen: residue 2 dB over the line: the filter does harm */
#define BYPASS_OFF 0.9f
#define PREFER 0.5f            /* chosen: while tx is narrow the shadow speaks when 3 dB better */
#define LEAVE 1.1f             /* chosen: until it is worse */
#define NEAR_RATIO 16.0f       /* chosen: residue 12 dB over the best is the near end */
#define NEAR_HOP 2.0f          /* chosen: and 3 dB more for a single hop */
#define NLP_LEAK 0.06f         /* chosen: 12 dB of cancelling before the residue can be told */
#define NLP_CALM 12            /* chosen: hops; 48 ms after the near end was last heard */
#define NLP_LOUDEST POWER(1e-3f)   /* chosen: -30 dBm0; the faintest digit, ITU-T Q.24, is louder */
#define FLOOR_START POWER(3.2e-7f) /* chosen: -65 dBm0, a quiet line */
#define FLOOR_LEAST POWER(1e-8f)
#define FLOOR_MOST POWER(1e-4f)    /* chosen: -40 dBm0; what is louder is somebody */
#define FLOOR_FALL 0.1f
#define FLOOR_RISE 1.0023f     /* chosen: 2.5 dB/s */
#define FLOOR_RISE_IDLE 1.0093f/* chosen: 10 dB/s while there is no echo */
#define FLOOR_SPAN 1.6f        /* chosen: 2 dB over the floor is still noise */
#define LEARN_LEAST 0.02f      /* chosen: mean of 200 ms */
#define LONG_SHARE (1.0f / 32) /* chosen: ERLE over 128 ms */

/* tone disabler, ITU-T G.168 clause 7: 2100 Hz with reversals of phase every 450 +-25 ms,
 * accepted to -31 dBm0; off until both directions are under -36 dBm0 for 250 +-150 ms */
#define TONE_LEAST POWER(5e-4f)    /* -33 dBm0: 2 dB of margin */
#define TONE_PURE 0.8f         /* chosen: of a hop's energy; 2100 +-21 Hz loses 0.02 */
#define TONE_TURN_RE (-0.80901699f)/* a hop is 8.4 periods: what takes their phase off */
#define TONE_TURN_IM (-0.58778525f)
#define TURN_SHARE 0.1f
#define REVERSAL_COS2 0.45f    /* chosen: 132 degrees; 155 must, 110 must not count */
#define REVERSAL_LEAST 103     /* hops: 412 ms, a reversal is placed to one or two hops */
#define REVERSAL_MOST 122
#define REVERSALS 2            /* chosen: within 1 s, and no speech does it */
#define RELEASE POWER(2.5e-4f) /* -36 dBm0 */
#define RELEASE_HOPS 63        /* 250 ms */

static void spread_raise(lanes_t *s, int lane)
{
    for (int p = 0; p < s->parts[lane]; p++)
        for (int k = 0; k < BINS; k++) {
            float re = s->main.part[p].re[k][lane], im = s->main.part[p].im[k][lane];
            s->spread[p][k][lane] += re * re + im * im + SPREAD_TAKEN;
        }
}

static void filter_copy(filter_t *to, const filter_t *from, int parts, int lane)
{
    for (int p = 0; p < parts; p++)
        for (int k = 0; k < BINS; k++) {
            to->part[p].re[k][lane] = from->part[p].re[k][lane];
            to->part[p].im[k][lane] = from->part[p].im[k][lane];
        }
}

void ctb_echo_lane_reset(ctb_echo_bank_t *bank, int lane, const ctb_echo_params_t *params)
{
    lanes_t *s = &bank->lanes;
    s->parts[lane] = (int32_t)(params->tail_ms * (CTB_RATE / 1000) + PART - 1) / PART;
    s->nonlinear[lane] = (int32_t)params->nonlinear;
    s->tone_disable[lane] = (int32_t)params->tone_disable;
    s->leak[lane] = 1.0f;
    s->floor[lane] = s->main_mean[lane] = s->rx_mean[lane] = FLOOR_START;
    s->mix[FROM_MAIN][lane] = 1.0f;
    s->idle[lane] = IDLE_HOPS;
    s->dice[lane] = 1;
    for (int path = 0; path < PATHS; path++)
        s->turn_re[path][lane] = 1.0f;
    for (int p = 0; p < s->parts[lane]; p++)
        for (int k = 0; k < BINS; k++)
            s->spread[p][k][lane] = SPREAD_START;
    for (int k = 0; k < BINS; k++)
        s->floor_power[k][lane] = FLOOR_START / HOP * WINDOW * 1.5f;
}

/* ---- tone disabler ---------------------------------------------------------------- */

/* 1 = the phase turned over between the last pure hop and this one, `hops` later */
static int tone_reversed(lanes_t *s, int path, int lane, int hops, float energy)
{
    float re = s->tone_re[path][0][lane], im = s->tone_im[path][0][lane];
    float br = s->tone_re[path][hops][lane], bi = s->tone_im[path][hops][lane];
    float sr = s->turn_re[path][lane], si = s->turn_im[path][lane];
    float dr = re * br + im * bi, di = im * br - re * bi;
    float er = TONE_TURN_RE, ei = TONE_TURN_IM, along, size;
    if (hops == 2) {
        float again = sr * sr - si * si;
        si = 2.0f * sr * si;
        sr = again;
        again = er * er - ei * ei;
        ei = 2.0f * er * ei;
        er = again;
    }
    float tr = dr * er - di * ei, ti = dr * ei + di * er;
    along = tr * sr + ti * si;
    size = (tr * tr + ti * ti) * (sr * sr + si * si);
    if (hops == 1 && along > 0.0f) {
        float scale = 1.0f / (energy * (HOP / 2) + TINY);
        s->turn_re[path][lane] += (tr * scale - sr) * TURN_SHARE;
        s->turn_im[path][lane] += (ti * scale - si) * TURN_SHARE;
    }
    return along < 0.0f && along * along > REVERSAL_COS2 * size;
}

static void tone_path(ctb_echo_bank_t *bank, int path, int lane, float energy)
{
    lanes_t *s = &bank->lanes;
    float re = bank->tone_re[path][lane], im = bank->tone_im[path][lane];
    int pure = energy > TONE_LEAST && re * re + im * im > TONE_PURE * (HOP / 2) * energy;
    int last = s->tone_re[path][0][lane] != 0.0f, hops;
    for (int i = 2; i > 0; i--) {
        s->tone_re[path][i][lane] = s->tone_re[path][i - 1][lane];
        s->tone_im[path][i][lane] = s->tone_im[path][i - 1][lane];
    }
    s->tone_re[path][0][lane] = pure ? re : 0.0f;
    s->tone_im[path][0][lane] = pure ? im : 0.0f;
    s->since[path][lane] += s->since[path][lane] < 2 * REVERSAL_MOST;
    if (!pure) {
        if (!last)                 /* one hop may be spoilt by the reversal itself */
            s->tone_hops[path][lane] = s->reversals[path][lane] = 0;
        return;
    }
    hops = last ? 1 : 2;
    if (s->tone_hops[path][lane]++ == 0) {
        s->turn_re[path][lane] = 1.0f;
        s->turn_im[path][lane] = 0.0f;
    } else if (tone_reversed(s, path, lane, hops, energy)) {
        int paced = s->since[path][lane] >= REVERSAL_LEAST && s->since[path][lane] <= REVERSAL_MOST;
        s->reversals[path][lane] = paced ? s->reversals[path][lane] + 1 : 1;
        s->since[path][lane] = 0;
    }
}

static void tone_rule(ctb_echo_bank_t *bank, int lane)
{
    lanes_t *s = &bank->lanes;
    float tx = bank->tx_power[lane], rx = bank->rx_power[lane];
    if (!s->tone_disable[lane])
        return;
    tone_path(bank, PATH_TX, lane, tx);
    tone_path(bank, PATH_RX, lane, rx);
    if (s->reversals[PATH_TX][lane] >= REVERSALS || s->reversals[PATH_RX][lane] >= REVERSALS)
        s->off[lane] = 1;
    s->quiet[lane] = tx < RELEASE && rx < RELEASE ? s->quiet[lane] + 1 : 0;
    if (s->quiet[lane] >= RELEASE_HOPS)
        s->off[lane] = 0;
}

/* ---- adaptation --------------------------------------------------------------------- */

static void follow(float *mean, float now)
{
    *mean += (now - *mean) * MEAN_SHARE + TINY;
}

static void hold_peak(float *peak, float now)
{
    float fallen = *peak * PEAK_FALL + TINY;
    *peak = now > fallen ? now : fallen;
}

static void measure(ctb_echo_bank_t *bank, int lane)
{
    lanes_t *s = &bank->lanes;
    float expected, leak;
    follow(&s->rx_mean[lane], bank->rx_power[lane]);
    follow(&s->main_mean[lane], bank->main_power[lane]);
    follow(&s->shadow_mean[lane], bank->shadow_power[lane]);
    hold_peak(&s->tx_peak[lane], bank->tx_power[lane]);
    hold_peak(&s->echo_peak[lane], bank->echo_power[lane]);
    s->active[lane] = s->tx_peak[lane] > TX_ACTIVE && s->idle[lane] < IDLE_HOPS;
    s->narrow[lane] = bank->width[lane] > 0 && bank->width[lane] <= NARROW_BINS;
    leak = s->main_mean[lane] / (s->rx_mean[lane] + TINY);
    if (s->active[lane] && leak < s->leak[lane])
        s->leak[lane] += (leak - s->leak[lane]) * LEAK_FALL;
    else if (s->active[lane] && s->leak[lane] < 1.0f)
        s->leak[lane] *= LEAK_RISE;
    expected = NEAR_RATIO * s->leak[lane] * s->echo_peak[lane] + 4.0f * s->floor[lane];
    s->near[lane] = s->main_mean[lane] > expected || bank->main_power[lane] > NEAR_HOP * expected;
    s->calm[lane] = s->near[lane] ? 0 : s->calm[lane] + (s->calm[lane] < NLP_CALM);
    if (s->active[lane] && !s->near[lane] && s->rx_mean[lane] > 4.0f * s->floor[lane]) {
        s->long_rx[lane] += (bank->rx_power[lane] - s->long_rx[lane]) * LONG_SHARE;
        s->long_main[lane] += (bank->main_power[lane] - s->long_main[lane]) * LONG_SHARE + TINY;
    }
}

/* the shadow knows better for some time: the main filter starts from it and trusts itself less */
static void take_shadow(lanes_t *s, int lane)
{
    filter_copy(&s->main, &s->shadow, s->parts[lane], lane);
    spread_raise(s, lane);
    s->main_mean[lane] = s->shadow_mean[lane];
    s->leak[lane] = 1.0f;
    s->better[lane] = 0;
}

void ctb_echo_rule_adapt(ctb_echo_bank_t *bank, int lane)
{
    lanes_t *s = &bank->lanes;
    float take;
    int adapt;
    if (bank->deaf >> lane & 1) {
        bank->adapt_main[lane] = bank->adapt_shadow[lane] = 0.0f;
        return;
    }
    tone_rule(bank, lane);
    measure(bank, lane);
    adapt = s->active[lane] && !s->off[lane];
    take = s->leak[lane] < LEAK_GOOD && !s->worse[lane] ? TAKE_GOOD : TAKE_NEW;
    if (adapt && !s->narrow[lane] && s->shadow_mean[lane] < take * s->main_mean[lane])
        s->better[lane]++;
    else
        s->better[lane] = 0;
    if (s->better[lane] >= (s->worse[lane] ? HARM_HOPS : TAKE_HOPS))
        take_shadow(s, lane);
    if (s->active[lane] && s->shadow_mean[lane] > GIVE_BACK * s->main_mean[lane]) {
        filter_copy(&s->shadow, &s->main, s->parts[lane], lane);
        s->shadow_mean[lane] = s->main_mean[lane];
    }
    bank->adapt_main[lane] = adapt && !s->narrow[lane] ? 1.0f : 0.0f;
    bank->adapt_shadow[lane] = !adapt ? 0.0f : s->narrow[lane] ? NARROW_STEP : SHADOW_STEP;
    bank->shadow_floor[lane] = s->narrow[lane] ? NARROW_FLOOR : SHADOW_FLOOR;
}

/* ---- output -------------------------------------------------------------------------- */

static void floor_rule(ctb_echo_bank_t *bank, int lane)
{
    lanes_t *s = &bank->lanes;
    float *floor = &s->floor[lane], mean = s->main_mean[lane];
    int noise;
    if (mean < *floor)
        *floor += (mean - *floor) * FLOOR_FALL;
    else
        *floor *= s->active[lane] ? FLOOR_RISE : FLOOR_RISE_IDLE;
    if (*floor < FLOOR_LEAST)
        *floor = FLOOR_LEAST;
    if (*floor > FLOOR_MOST)
        *floor = FLOOR_MOST;
    noise = s->nonlinear[lane] && mean < FLOOR_SPAN * *floor
            && bank->main_power[lane] < 2.0f * FLOOR_SPAN * *floor
            && bank->echo_power[lane] < 0.5f * *floor;     /* no noise of A-law on an echo */
    s->plain[lane] = noise ? s->plain[lane] + (s->plain[lane] < WINDOW / HOP) : 0;
    bank->learn[lane] = s->plain[lane] >= WINDOW / HOP ? LEARN_LEAST : 0.0f;
}

/* 1 = what is left is residue: comfort noise takes its place */
static int residue_only(const lanes_t *s, int lane)
{
    float echo = s->echo_peak[lane];
    return s->nonlinear[lane] && s->active[lane] && s->leak[lane] < NLP_LEAK
           && s->calm[lane] >= NLP_CALM && s->main_mean[lane] < NLP_LOUDEST
           && echo > 4.0f * s->floor[lane];
}

void ctb_echo_rule_output(ctb_echo_bank_t *bank, int lane)
{
    lanes_t *s = &bank->lanes;
    enum echo_source from = FROM_MAIN;
    float mean = s->main_mean[lane], shadow = s->shadow_mean[lane];
    if (bank->deaf >> lane & 1) {
        bank->learn[lane] = bank->comfort[lane] = 0.0f;
        return;                                /* the mix of before; nobody hears it */
    }
    floor_rule(bank, lane);
    /* the far end raises both errors: what was preferred stays so */
    s->shadow_heard[lane]
        = s->narrow[lane] && shadow < (s->shadow_heard[lane] ? LEAVE : PREFER) * mean;
    if (s->shadow_heard[lane]) {
        from = FROM_SHADOW;
        mean = shadow;
    }
    if (mean > BYPASS_ON * s->rx_mean[lane])
        s->worse[lane] = 1;
    else if (mean < BYPASS_OFF * s->rx_mean[lane])
        s->worse[lane] = 0;
    if (s->off[lane] || (s->active[lane] && s->worse[lane]))
        from = FROM_LINE;
    else if (residue_only(s, lane))
        from = FROM_NOISE;
    bank->comfort[lane] = from == FROM_NOISE ? 1.0f : 0.0f;
    for (int source = 0; source < SOURCES; source++)
        bank->mix[source][lane] = source == (int)from ? 1.0f : 0.0f;
}
