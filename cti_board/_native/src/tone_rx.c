/* tone_rx.c - a bank of call-progress detectors: which tone of the plan is on a line.
 *
 * How:
 * 1. Steps of 10 ms are correlated with every frequency of the plan.  A single frequency is
 *    judged over 30 ms at the frequency that its phase slope shows (within 25 Hz); a pair
 *    over 50 ms at its exact frequencies, because a pair may lie 40 Hz apart.  Either must
 *    make up about half of all energy: what counts is tone against noise, not tone against
 *    silence, so a noisy pause is still a pause.
 * 2. The result is a symbol (a pair of the plan, or none) each 10 ms; runs of symbols, with
 *    gaps of up to 20 ms bridged, are compared with the plan's cadences in any rotation.
 * 3. A continuous tone is on after 300 ms, or, where a cadence of the plan uses the same
 *    frequencies, when it has lasted longer than that cadence's longest burst: before that
 *    the two cannot be told apart.
 * Limits: docs/tones.md. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "simd.h"

#define STEP 80                 /* samples: 10 ms */
#define STEPS 2                 /* of a frame */
#define STEP_MS 10
#define MAX_HZ 12
#define MAX_SYMBOLS 16
#define MAX_TONES 32
#define MAX_PARTS (2 * CTB_TONE_STEPS)
#define RUNS 32                 /* runs remembered */
#define PAST 4                  /* steps kept from the frame before */

#define ONE_STEPS 3             /* chosen: 30 ms to judge one frequency */
#define TWO_STEPS 5             /* chosen: 50 ms to judge two, 440 and 480 Hz are orthogonal */
#define TOLERANCE_HZ 32.0       /* chosen: a little over 25 Hz, GB/T 3380 */
#define LEAST_DBM0 (-43.0f)     /* chosen: 3 dB under the faintest tone to be found */
#define PURITY_ONE 0.5f         /* chosen: tone over noise at 0 dB, edges in the window's middle */
#define PURITY_TWO 0.4f         /* chosen: as above, with 1.5 % of frequency error */
#define PAIR_TWIST 0.1f         /* chosen: 10 dB between the two of a pair */
#define GLITCH_STEPS 3          /* chosen: 30 ms of another symbol begin a new run */
#define CONTINUOUS_MS 300       /* chosen: see above */
#define TIMING_SHARE 0.10f      /* 10 % of a cadence's times, GB/T 3380 ... */
#define TIMING_EXTRA_MS 12.0f   /* chosen: ... and the grain of the steps */
#define TIMING_LEAST_MS 32.0f   /* chosen: 25 ms and the grain, for short bursts */

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

typedef struct lanes {
    row_t phasor[MAX_HZ][2][PAST + STEPS];
    row_t energy[PAST + STEPS];
    irow_t symbol, length;            /* the run that goes on, steps */
    irow_t other, other_length;       /* what may begin a new one */
    irow_t run_symbol[RUNS], run_length[RUNS];   /* newest first */
    irow_t active, position;          /* tone index + 1 that is on; its part that goes on */
    row_t level;                      /* strongest mean square in the newest burst */
} lanes_t;

typedef struct part {
    int32_t symbol;
    int32_t least, most;              /* steps */
} part_t;

typedef struct pattern {
    uint32_t id;
    int parts;                        /* 0 = continuous */
    int needed;                       /* runs to hear (continuous: steps) */
    int symbol;                       /* continuous: its symbol */
    part_t part[MAX_PARTS];
} pattern_t;

typedef struct symbol {
    int first, second;                /* frequencies; second < 0 = one only */
} symbol_t;

struct ctb_tone_bank {
    lanes_t lanes;
    irow_t found[STEPS];              /* of this frame: symbol, 0 = none */
    row_t power[STEPS];
    /* of the plan */
    float carrier[MAX_HZ][STEP][2];
    float turn[MAX_HZ][TWO_STEPS][2]; /* e^(-j w n), n steps */
    float hz[MAX_HZ];
    int hz_count, symbol_count, pattern_count;
    symbol_t symbol[MAX_SYMBOLS];
    pattern_t pattern[MAX_TONES];
    ctb_park_t park;
};

static float least_power, slope_limit;

__attribute__((constructor)) static void tone_make_limits(void)
{
    least_power = CTB_POWER_0DBM0 * (float)pow(10.0, LEAST_DBM0 / 10.0);
    slope_limit = (float)cos(2.0 * CTB_PI * TOLERANCE_HZ * STEP / CTB_RATE);
}

#define CTB_CLONE_FILE "tone_rx_bank.inc"
#include "simd_clones.h"

typedef void (*tone_listen_fn)(ctb_tone_bank_t *bank, const float (*in)[CTB_LANES]);

int ctb_tone_bank_alloc(ctb_tone_bank_t **out)
{
    ctb_tone_bank_t *bank = ctb_zalloc_vectors(sizeof *bank);
    int err;
    if (bank == NULL)
        return -ENOMEM;
    memset(bank, 0, sizeof *bank);
    err = ctb_park_alloc(&bank->park, &bank->lanes, sizeof bank->lanes);
    if (err != 0) {
        free(bank);
        return err;
    }
    *out = bank;
    return 0;
}

void ctb_tone_bank_free(ctb_tone_bank_t *bank)
{
    if (bank == NULL)
        return;
    ctb_park_free(&bank->park);
    free(bank);
}

void ctb_tone_bank_arm(ctb_tone_bank_t *bank, int lane)
{
    ctb_park_clear(&bank->park, lane);
}

/* ---- the plan ------------------------------------------------------------------- */

static int plan_hz(ctb_tone_bank_t *bank, float hz)
{
    int f = 0;
    while (f < bank->hz_count && bank->hz[f] != hz)
        f++;
    if (f < bank->hz_count)
        return f;
    if (f == MAX_HZ || !(hz >= 100.0f && hz <= 3900.0f))
        return -EINVAL;
    for (int i = 0; i < STEP; i++) {
        double phase = 2.0 * CTB_PI * hz * i / CTB_RATE;
        bank->carrier[f][i][0] = (float)cos(phase);
        bank->carrier[f][i][1] = (float)-sin(phase);
    }
    for (int i = 0; i < TWO_STEPS; i++) {
        double phase = 2.0 * CTB_PI * hz * i * STEP / CTB_RATE;
        bank->turn[f][i][0] = (float)cos(phase);
        bank->turn[f][i][1] = (float)-sin(phase);
    }
    bank->hz[f] = hz;
    bank->hz_count++;
    return f;
}

static int plan_symbol(ctb_tone_bank_t *bank, const ctb_tone_step_t *step)
{
    float low = step->hz[0], high = step->hz[1];
    symbol_t want = {.second = -1};
    if (low == 0.0f || (high != 0.0f && high < low)) {
        low = step->hz[1];
        high = step->hz[0];
    }
    want.first = plan_hz(bank, low);
    if (want.first < 0)
        return want.first;
    if (high != 0.0f) {
        want.second = plan_hz(bank, high);
        if (want.second < 0)
            return want.second;
    }
    for (int i = 0; i < bank->symbol_count; i++)
        if (bank->symbol[i].first == want.first && bank->symbol[i].second == want.second)
            return i + 1;
    if (bank->symbol_count == MAX_SYMBOLS)
        return -EINVAL;
    bank->symbol[bank->symbol_count++] = want;
    return bank->symbol_count;
}

static void plan_part(pattern_t *p, int symbol, uint32_t ms)
{
    part_t *part = &p->part[p->parts++];
    float slack = TIMING_SHARE * (float)ms + TIMING_EXTRA_MS;
    if (slack < TIMING_LEAST_MS)
        slack = TIMING_LEAST_MS;
    part->symbol = symbol;
    part->least = (int)(((float)ms - slack) / STEP_MS + 0.5f);
    part->most = (int)(((float)ms + slack) / STEP_MS + 0.5f);
}

static int plan_tone(ctb_tone_bank_t *bank, const ctb_tone_t *tone)
{
    pattern_t *p = &bank->pattern[bank->pattern_count];
    memset(p, 0, sizeof *p);
    p->id = tone->id;
    if (tone->steps < 1 || tone->steps > CTB_TONE_STEPS)
        return -EINVAL;
    for (uint32_t i = 0; i < tone->steps; i++) {
        const ctb_tone_step_t *step = &tone->step[i];
        int symbol = plan_symbol(bank, step);
        if (symbol < 0)
            return symbol;
        if (step->on_ms == 0 && step->off_ms == 0) {
            if (tone->steps > 1)
                return -EINVAL;
            p->symbol = symbol;
            p->needed = CONTINUOUS_MS / STEP_MS;
            break;
        }
        if (step->on_ms == 0)
            return -EINVAL;
        plan_part(p, symbol, step->on_ms);
        if (step->off_ms > 0)
            plan_part(p, 0, step->off_ms);
    }
    if (p->parts > 0) {
        p->needed = p->parts * (tone->min_cycles > 0 ? (int)tone->min_cycles : 1);
        if (tone->min_cycles > RUNS || p->needed > RUNS)
            return -EINVAL;
    }
    bank->pattern_count++;
    return 0;
}

/* a continuous tone must outlast every burst of its own frequencies */
static void plan_outlast(ctb_tone_bank_t *bank)
{
    for (int i = 0; i < bank->pattern_count; i++)
        for (int j = 0; j < bank->pattern_count; j++)
            for (int k = 0; k < bank->pattern[j].parts; k++) {
                const part_t *part = &bank->pattern[j].part[k];
                pattern_t *p = &bank->pattern[i];
                if (p->parts == 0 && part->symbol == p->symbol && part->most >= p->needed)
                    p->needed = part->most + 1;
            }
}

int ctb_tone_bank_plan(ctb_tone_bank_t *bank, const ctb_tone_t *tones, int count)
{
    if (count < 0 || count > MAX_TONES)
        return -EINVAL;
    bank->hz_count = bank->symbol_count = bank->pattern_count = 0;
    memset(&bank->lanes, 0, sizeof bank->lanes);
    memset(bank->park.store, 0, bank->park.count * CTB_LANES * sizeof(uint32_t));
    for (int i = 0; i < count; i++) {
        int err = plan_tone(bank, &tones[i]);
        if (err != 0) {
            bank->hz_count = bank->symbol_count = bank->pattern_count = 0;
            return err;
        }
    }
    plan_outlast(bank);
    return 0;
}

/* ---- one lane, step by step -------------------------------------------------------- */

static int pattern_matches(const lanes_t *s, int lane, const pattern_t *p, int *rotation)
{
    for (int r = 0; r < p->parts; r++) {
        int i = 0;
        while (i < p->needed) {
            const part_t *part = &p->part[(r + p->needed - 1 - i) % p->parts];
            int length = s->run_length[i][lane];
            if (s->run_symbol[i][lane] != part->symbol || length < part->least
                || length > part->most)
                break;
            i++;
        }
        if (i == p->needed) {
            *rotation = r;
            return 1;
        }
    }
    return 0;
}

static ctb_hit_t tone_off(ctb_tone_bank_t *bank, int lane, int step)
{
    int index = bank->lanes.active[lane] - 1;
    bank->lanes.active[lane] = 0;
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_TONE_OFF, .offset = (step + 1) * STEP,
                       .a = (int32_t)bank->pattern[index].id};
}

static ctb_hit_t tone_on(ctb_tone_bank_t *bank, int lane, int step, int index, int steps)
{
    /* the window's middle is where a symbol changes */
    bank->lanes.active[lane] = index + 1;
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_TONE_ON, .offset = (step + 1) * STEP,
                       .a = (int32_t)bank->pattern[index].id,
                       .b = ctb_power_cdbm0(bank->lanes.level[lane]),
                       .d = steps * STEP + STEP};
}

/* a run ended: does a cadence of the plan end here with it? the longest pattern wins */
static int tone_match(ctb_tone_bank_t *bank, int lane, int step, ctb_hit_t *hits, int count, int max)
{
    lanes_t *s = &bank->lanes;
    int best = -1, rotation = 0, r, steps = s->length[lane];
    for (int i = 0; i < bank->pattern_count; i++)
        if (bank->pattern[i].parts > 0
            && (best < 0 || bank->pattern[i].parts > bank->pattern[best].parts)
            && pattern_matches(s, lane, &bank->pattern[i], &r)) {
            best = i;
            rotation = r;
        }
    if (best < 0)
        return count;
    for (int i = 0; i < bank->pattern[best].needed; i++)
        steps += s->run_length[i][lane];
    s->position[lane] = (rotation + bank->pattern[best].needed) % bank->pattern[best].parts;
    return ctb_hit_put(hits, count, max, tone_on(bank, lane, step, best, steps));
}

/* the run that goes on is closed and `other` begins */
static void run_close(lanes_t *s, int lane)
{
    for (int i = RUNS - 1; i > 0; i--) {
        s->run_symbol[i][lane] = s->run_symbol[i - 1][lane];
        s->run_length[i][lane] = s->run_length[i - 1][lane];
    }
    s->run_symbol[0][lane] = s->symbol[lane];
    s->run_length[0][lane] = s->length[lane];
    s->symbol[lane] = s->other[lane];
    s->length[lane] = s->other_length[lane];
    s->other_length[lane] = 0;
}

/* 1 = a new run began */
static int run_step(lanes_t *s, int lane, int found)
{
    if (found == s->symbol[lane]) {
        s->length[lane] += 1 + s->other_length[lane];
        s->other_length[lane] = 0;
        return 0;
    }
    if (found != s->other[lane]) {
        s->length[lane] += s->other_length[lane];
        s->other[lane] = found;
        s->other_length[lane] = 0;
    }
    if (++s->other_length[lane] < GLITCH_STEPS)
        return 0;
    run_close(s, lane);
    return 1;
}

/* 0 = the tone that is on no longer continues */
static int tone_continues(ctb_tone_bank_t *bank, int lane, int new_run)
{
    lanes_t *s = &bank->lanes;
    const pattern_t *p = &bank->pattern[s->active[lane] - 1];
    const part_t *part = &p->part[s->position[lane]];
    if (p->parts == 0)
        return !new_run;
    if (!new_run)
        return s->length[lane] <= part->most;
    if (s->run_length[0][lane] < part->least || s->run_length[0][lane] > part->most)
        return 0;
    s->position[lane] = (s->position[lane] + 1) % p->parts;
    return s->symbol[lane] == p->part[s->position[lane]].symbol;
}

static int tone_continuous(ctb_tone_bank_t *bank, int lane, int step, ctb_hit_t *hits, int count,
                           int max)
{
    lanes_t *s = &bank->lanes;
    for (int i = 0; i < bank->pattern_count; i++) {
        const pattern_t *p = &bank->pattern[i];
        if (p->parts == 0 && p->symbol == s->symbol[lane] && s->length[lane] >= p->needed)
            return ctb_hit_put(hits, count, max, tone_on(bank, lane, step, i, s->length[lane]));
    }
    return count;
}

static int tone_step(ctb_tone_bank_t *bank, int lane, int step, ctb_hit_t *hits, int count, int max)
{
    lanes_t *s = &bank->lanes;
    int found = bank->found[step][lane];
    int new_run = run_step(s, lane, found);
    if (found != 0) {
        if (s->symbol[lane] == 0 && s->other_length[lane] == 1)
            s->level[lane] = 0.0f;
        if (bank->power[step][lane] > s->level[lane])
            s->level[lane] = bank->power[step][lane];
    }
    if (s->active[lane] != 0 && !tone_continues(bank, lane, new_run))
        count = ctb_hit_put(hits, count, max, tone_off(bank, lane, step));
    if (s->active[lane] == 0 && new_run)
        count = tone_match(bank, lane, step, hits, count, max);
    if (s->active[lane] == 0 && found != 0 && found == s->symbol[lane])
        count = tone_continuous(bank, lane, step, hits, count, max);
    return count;
}

int ctb_tone_bank_run(ctb_tone_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                      ctb_hit_t *hits, int max)
{
    tone_listen_fn listen = CTB_CHOOSE(tone_listen);
    int count = 0;
    mask &= 0xFFFFu;
    if (mask == 0 || bank->symbol_count == 0)
        return 0;
    if (bank->park.active != mask)
        ctb_park_switch(&bank->park, mask);
    listen(bank, in);
    for (int step = 0; step < STEPS; step++)
        for (uint32_t left = mask; left != 0; left &= left - 1)
            count = tone_step(bank, __builtin_ctz(left), step, hits, count, max);
    return count;
}
