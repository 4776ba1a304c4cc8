/* tone_rx.c - a bank of call-progress detectors: which tone of the plan is on a line.
 *
 * How:
 * 1. Steps of 10 ms are correlated with every frequency of the plan.  A single frequency is
 *    judged over 30 ms at the frequency that its phase slope shows (within 25 Hz); a pair
 *    over 50 ms at its frequencies and a little beside them, because a pair may lie 40 Hz
 *    apart.  Either must make up about half of what is not steady white noise: what counts
 *    is tone against speech and music, not tone against silence, so a noisy pause is still
 *    a pause.  White noise is what the differences of neighbouring samples show at their
 *    least; speech and music have little there, and not steadily.
 * 2. The result is a symbol (a frequency or pair of the plan, or none) each 10 ms; runs of
 *    symbols, with gaps of up to 20 ms bridged, are compared with the plan's cadences in any
 *    rotation.  A run without a tone that is as loud as the tone is speech or music, no pause.
 * 3. A continuous tone is on after 300 ms, or the time that its first step names, or, where
 *    a cadence of the plan uses the same frequencies, when it has lasted longer than that
 *    cadence's longest burst: before that the two cannot be told apart.  It must be steady.
 * 4. Bursts of different frequencies (special information tone) have a beginning: they are
 *    told when the last burst ends, once is enough.
 * Limits: docs/tones.md. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "simd.h"

#define STEP 80                 /* samples: 10 ms */
#define HALF_STEP (STEP / 2)
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
#define WIDE_FROM_HZ 900.0f     /* special information tone and above: within 50 Hz, ITU-T E.180; */
#define WIDE_SLOPE (-1.0f)      /* there the step's own selectivity decides */
#define PAIR_NEAR_HZ 30.0f      /* chosen: half a main lobe of 50 ms, and the shift */
#define BROAD_HZ 16.0f          /* chosen: what lies this near to the middle of a beat is one with it */
#define PAIR_SHIFT_HZ 8.0       /* chosen: a pair is looked for here too, within 1.5 % of 620 Hz */
#define LEAST_DBM0 (-43.0f)     /* chosen: 3 dB under the faintest tone to be found */
#define PURITY_ONE 0.5f         /* chosen: tone over the rest at 0 dB, edges in the window's middle */
#define PURITY_STILL 0.4f       /* chosen: 1 dB less for a tone that is there, noise makes no holes */
#define PURITY_TWO 0.5f         /* chosen: as PURITY_ONE */
#define PURITY_FOUR 0.4f        /* chosen: of a pair from WIDE_FROM_HZ on: a howler has four */
#define PURITY_LEAST 0.15f      /* chosen: of all energy, so that noise alone is never a tone ... */
#define PURITY_BROAD 0.2f       /* chosen: ... nor without regard to its phase ... */
#define PURITY_WIDE 0.3f        /* chosen: ... nor where any phase slope is taken */
#define LEAST_REST 0.1f         /* chosen: of all energy, what the white noise is not */
#define FLOOR_RISE 1.03f        /* chosen: 13 dB a second; speech falls back between its sounds */
#define PAIR_TWIST 0.1f         /* chosen: 10 dB between the two of a pair */
#define KEEP_STEPS 2            /* chosen: 20 ms more for each part of a tone that is on */
#define GLITCH_STEPS 3          /* chosen: 30 ms of another symbol begin a new run */
#define CONTINUOUS_MS 300       /* chosen: see above */
#define STEADY 0.4f             /* chosen: a continuous tone's least power over its most, 4 dB */
#define SMOOTH 0.25f            /* chosen: over some 40 ms, a period of 25 Hz modulation */
#define EDGE_STEPS 8            /* of a burst, until that is full of it */
#define PURITY_MEAN 0.6f        /* chosen: of a continuous tone; a note of a chord has half */
#define LOUD 0.5f               /* chosen: sound that is no steady noise, over the tone: 3 dB under it */
#define LOUD_STEPS 4            /* chosen: of a pause, and a quarter of its steps, may be loud */
#define LOUD_PAUSE (-1)         /* a run without a tone that is no pause: speech or music */
#define TIMING_SHARE 0.10f      /* 10 % of a cadence's times, GB/T 3380 ... */
#define TIMING_EXTRA_MS 16.0f   /* chosen: ... and the grain of the steps */
#define TIMING_LEAST_MS 32.0f   /* chosen: 25 ms and the grain, for short bursts */
#define MELODY_SLACK_MS 82.0f   /* special information tone: 70 ms (ITU-T E.180) and the grain */
#define MELODY_GAP 6            /* its bursts follow within 30 ms (E.180), and a window's edges */

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

typedef struct lanes {
    row_t phasor[MAX_HZ][2][PAST + STEPS];
    row_t energy[PAST + STEPS], hiss[PAST + STEPS];
    row_t floor;                      /* mean square of steady white noise */
    irow_t was;                       /* symbol found in the step before */
    irow_t symbol, length;            /* the run that goes on, steps */
    irow_t other, other_length;       /* what may begin a new one */
    irow_t run_symbol[RUNS], run_length[RUNS];   /* newest first */
    irow_t active, position;          /* tone index + 1 that is on; its part that goes on */
    row_t level, before;              /* mean square: strongest in the newest burst; of the last */
    row_t smooth, least, most;        /* its power over some 40 ms, and the bounds of that */
    row_t share;                      /* sum of its purities */
    irow_t loud;                      /* loud steps of the pause */
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
    int melody;                       /* steps the longest part may last: bursts of different
                                         frequencies; 0 = any other tone */
    part_t part[MAX_PARTS];
} pattern_t;

typedef struct symbol {
    int first, second;                /* frequencies; second < 0 = one only */
    float purity;                     /* least, of a pair */
} symbol_t;

struct ctb_tone_bank {
    lanes_t lanes;
    irow_t found[STEPS];              /* of this frame: symbol, 0 = none */
    irow_t calm;                      /* of a step: all ones = the pause goes on, nothing else */
    row_t power[STEPS], rest[STEPS];  /* mean squares: the tone; all but steady noise */
    /* of the plan */
    float carrier[MAX_HZ][HALF_STEP][2];   /* about a step's middle: cosine, -sine */
    float turn[MAX_HZ][TWO_STEPS][2]; /* e^(-j w n), n steps */
    float hz[MAX_HZ];
    float slope[MAX_HZ];              /* least cosine of the phase per step: the tolerance */
    float pure[MAX_HZ];               /* least share of all energy */
    float leak[MAX_HZ];               /* of a tone's energy, in the hiss */
    int paired[MAX_HZ];               /* part of a pair */
    float shift[MAX_HZ];              /* 1 = looked for above and below too */
    int broad[MAX_HZ];                /* the middle of a pair that beats: any tone near it */
    int hz_count, symbol_count, pattern_count;
    symbol_t symbol[MAX_SYMBOLS];
    pattern_t pattern[MAX_TONES];
    ctb_park_t park;
};

static float least_power, slope_limit;
static float pair_turn[3][2];         /* cosine, sine of PAIR_SHIFT_HZ over 0..2 steps */

__attribute__((constructor)) static void tone_make_limits(void)
{
    least_power = CTB_POWER_0DBM0 * (float)pow(10.0, LEAST_DBM0 / 10.0);
    slope_limit = (float)cos(2.0 * CTB_PI * TOLERANCE_HZ * STEP / CTB_RATE);
    for (int i = 0; i < 3; i++) {
        double phase = 2.0 * CTB_PI * PAIR_SHIFT_HZ * STEP * i / CTB_RATE;
        pair_turn[i][0] = (float)cos(phase);
        pair_turn[i][1] = (float)sin(phase);
    }
}

#define CTB_CLONE_FILE "tone_rx_bank.inc"
#include "simd_clones.h"

typedef void (*tone_listen_fn)(ctb_tone_bank_t *bank, const float (*in)[CTB_LANES]);
typedef void (*tone_calm_fn)(ctb_tone_bank_t *bank, int step);

int ctb_tone_bank_alloc(ctb_tone_bank_t **out)
{
    ctb_tone_bank_t *bank = CTB_BANK_ALLOC(ctb_tone_bank_t);
    if (bank == NULL)
        return -ENOMEM;
    *out = bank;
    return 0;
}

void ctb_tone_bank_free(ctb_tone_bank_t *bank)
{
    CTB_BANK_FREE(ctb_tone_bank_t, bank);
}

void ctb_tone_bank_arm(ctb_tone_bank_t *bank, int lane)
{
    ctb_park_clear(&bank->park, lane);
}

/* ---- the plan ------------------------------------------------------------------- */

static int plan_hz(ctb_tone_bank_t *bank, float hz)
{
    int f = 0;
    while (f < bank->hz_count && bank->hz[f] != hz
           && !(bank->broad[f] && bank->hz[f] - hz < BROAD_HZ && hz - bank->hz[f] < BROAD_HZ))
        f++;
    if (f < bank->hz_count)
        return f;
    if (f == MAX_HZ || !(hz >= 100.0f && hz <= 3900.0f))
        return -EINVAL;
    for (int i = 0; i < HALF_STEP; i++) {
        double phase = 2.0 * CTB_PI * hz * (i - (STEP - 1) / 2.0) / CTB_RATE;
        bank->carrier[f][i][0] = (float)cos(phase);
        bank->carrier[f][i][1] = (float)-sin(phase);
    }
    for (int i = 0; i < TWO_STEPS; i++) {
        double phase = 2.0 * CTB_PI * hz * i * STEP / CTB_RATE;
        bank->turn[f][i][0] = (float)cos(phase);
        bank->turn[f][i][1] = (float)-sin(phase);
    }
    bank->hz[f] = hz;
    bank->slope[f] = hz >= WIDE_FROM_HZ ? WIDE_SLOPE : slope_limit;
    bank->pure[f] = hz >= WIDE_FROM_HZ ? PURITY_WIDE : PURITY_LEAST;
    bank->leak[f] = 2.0f * (float)pow(sin(CTB_PI * hz / CTB_RATE), 2.0);
    bank->paired[f] = bank->broad[f] = 0;
    bank->hz_count++;
    return f;
}

/* the two of a step in order; high = 0 where there is one */
static void step_hz(const ctb_tone_step_t *step, float *low, float *high)
{
    *low = step->hz[0];
    *high = step->hz[1];
    if (*low == 0.0f || (*high != 0.0f && *high < *low)) {
        *low = step->hz[1];
        *high = step->hz[0];
    }
}

/* Two frequencies that 50 ms cannot part (Australia: 413 and 438 Hz) beat: their middle is
 * heard, without regard to its phase, and every other tone near it is one with it. */
static int plan_beats(ctb_tone_bank_t *bank, const ctb_tone_t *tone)
{
    for (uint32_t i = 0; i < tone->steps && i < CTB_TONE_STEPS; i++) {
        float low, high;
        int f;
        step_hz(&tone->step[i], &low, &high);
        if (high == 0.0f || high - low >= PAIR_NEAR_HZ)
            continue;
        f = plan_hz(bank, (low + high) / 2.0f);
        if (f < 0)
            return f;
        bank->broad[f] = 1;
        bank->pure[f] = PURITY_BROAD;
    }
    return 0;
}

/* what lies nearer would be heard at a shifted frequency of its neighbour */
static void plan_shifts(ctb_tone_bank_t *bank)
{
    for (int f = 0; f < bank->hz_count; f++) {
        bank->shift[f] = 1.0f;
        for (int g = 0; g < bank->hz_count; g++)
            if (g != f && bank->hz[f] - bank->hz[g] < PAIR_NEAR_HZ
                && bank->hz[g] - bank->hz[f] < PAIR_NEAR_HZ)
                bank->shift[f] = 0.0f;
    }
}

static int plan_symbol(ctb_tone_bank_t *bank, const ctb_tone_step_t *step)
{
    float low, high;
    symbol_t want = {.second = -1};
    step_hz(step, &low, &high);
    if (high != 0.0f && high - low < PAIR_NEAR_HZ) {
        low = (low + high) / 2.0f;
        high = 0.0f;
    }
    want.first = plan_hz(bank, low);
    if (want.first < 0)
        return want.first;
    if (high != 0.0f) {
        want.second = plan_hz(bank, high);
        if (want.second < 0)
            return want.second;
        bank->paired[want.first] = bank->paired[want.second] = 1;
        want.purity = low >= WIDE_FROM_HZ ? PURITY_FOUR : PURITY_TWO;
    }
    for (int i = 0; i < bank->symbol_count; i++)
        if (bank->symbol[i].first == want.first && bank->symbol[i].second == want.second)
            return i + 1;
    if (bank->symbol_count == MAX_SYMBOLS)
        return -EINVAL;
    bank->symbol[bank->symbol_count++] = want;
    return bank->symbol_count;
}

static void plan_part(pattern_t *p, int symbol, uint32_t ms, float least_slack)
{
    part_t *part = &p->part[p->parts++];
    float slack = TIMING_SHARE * (float)ms + TIMING_EXTRA_MS;
    if (slack < least_slack)
        slack = least_slack;
    part->symbol = symbol;
    part->least = (int)(((float)ms - slack) / STEP_MS + 0.5f);
    part->most = (int)(((float)ms + slack) / STEP_MS + 0.5f);
}

/* 1 = one sound without a pause; *mixed = bursts of different frequencies */
static int plan_is_continuous(const ctb_tone_t *tone, const int *symbols, int *mixed)
{
    int one = 1;
    *mixed = 0;
    for (uint32_t i = 0; i < tone->steps; i++) {
        *mixed |= symbols[i] != symbols[0];
        one &= tone->step[i].off_ms == 0 && symbols[i] == symbols[0];
    }
    return one;
}

static void plan_continuous(pattern_t *p, const ctb_tone_t *tone, int symbol)
{
    p->symbol = symbol;
    p->needed = (int)tone->step[0].on_ms / STEP_MS;
    if (p->needed < CONTINUOUS_MS / STEP_MS)
        p->needed = CONTINUOUS_MS / STEP_MS;
}

static int plan_cadence(pattern_t *p, const ctb_tone_t *tone, const int *symbols, int mixed)
{
    float slack = mixed ? MELODY_SLACK_MS : TIMING_LEAST_MS;
    for (uint32_t i = 0; i < tone->steps; i++) {
        const ctb_tone_step_t *step = &tone->step[i];
        if (step->on_ms == 0)
            return -EINVAL;
        plan_part(p, symbols[i], step->on_ms, slack);
        if (step->off_ms > 0 && (!mixed || step->off_ms / STEP_MS > MELODY_GAP))
            plan_part(p, 0, step->off_ms, slack);
    }
    for (int i = 0; mixed && i < p->parts; i++)
        if (p->part[i].most > p->melody)
            p->melody = p->part[i].most;
    p->needed = p->parts * (tone->min_cycles > 0 ? (int)tone->min_cycles : 1);
    if (tone->min_cycles > RUNS || p->needed > RUNS)
        return -EINVAL;
    if (mixed && p->part[p->parts - 1].symbol == 0)
        p->needed--;                  /* it may be sent once: its last pause is not waited for */
    return 0;
}

static int plan_tone(ctb_tone_bank_t *bank, const ctb_tone_t *tone)
{
    pattern_t *p = &bank->pattern[bank->pattern_count];
    int symbols[CTB_TONE_STEPS], mixed, err = 0;
    memset(p, 0, sizeof *p);
    p->id = tone->id;
    if (tone->steps < 1 || tone->steps > CTB_TONE_STEPS)
        return -EINVAL;
    for (uint32_t i = 0; i < tone->steps; i++) {
        symbols[i] = plan_symbol(bank, &tone->step[i]);
        if (symbols[i] < 0)
            return symbols[i];
    }
    if (plan_is_continuous(tone, symbols, &mixed))
        plan_continuous(p, tone, symbols[0]);
    else
        err = plan_cadence(p, tone, symbols, mixed);
    if (err == 0)
        bank->pattern_count++;
    return err;
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
    for (int i = 0; i < 2 * count; i++) {
        int err = i < count ? plan_beats(bank, &tones[i]) : plan_tone(bank, &tones[i - count]);
        if (err != 0) {
            bank->hz_count = bank->symbol_count = bank->pattern_count = 0;
            return err;
        }
    }
    plan_shifts(bank);
    plan_outlast(bank);
    return 0;
}

/* ---- one lane, step by step -------------------------------------------------------- */

static int pattern_matches(const lanes_t *s, int lane, const pattern_t *p, int *rotation)
{
    /* a melody has a beginning: the newest run is its last burst */
    int last = p->part[p->parts - 1].symbol == 0 ? p->parts - 1 : 0;
    for (int r = p->melody ? last : 0; r < (p->melody ? last + 1 : p->parts); r++) {
        int i = 0;
        while (i < p->needed) {
            const part_t *part = &p->part[(r + RUNS * p->parts - 1 - i) % p->parts];
            int length = s->run_length[i][lane];
            if (s->run_symbol[i][lane] != part->symbol || length < part->least
                || length > part->most)
                break;
            i++;
        }
        if (i == p->needed) {
            *rotation = r;            /* of the part that goes on now */
            return 1;
        }
    }
    return 0;
}

/* steps since the tone that is on was last heard: what is not of it came after a pause of its */
static int tone_gone(const lanes_t *s, int lane, const pattern_t *p, int new_run)
{
    int steps = s->length[lane] + s->other_length[lane];
    if (p->parts > 0 && s->symbol[lane] != 0 && s->run_symbol[0][lane] <= 0)
        steps += s->run_length[0][lane];
    else if (p->parts > 0 && !new_run && s->symbol[lane] != 0)
        steps = 0;                    /* it goes on, longer than it may */
    return steps;
}

static ctb_hit_t tone_off(ctb_tone_bank_t *bank, int lane, int step, int new_run)
{
    int index = bank->lanes.active[lane] - 1;
    int gone = tone_gone(&bank->lanes, lane, &bank->pattern[index], new_run);
    bank->lanes.active[lane] = 0;
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_TONE_OFF, .offset = (step + 1) * STEP,
                       .a = (int32_t)bank->pattern[index].id, .d = gone * STEP + STEP};
}

/* smoothed where the burst is long enough: the two of a pair beat in the window */
static float burst_power(const lanes_t *s, int lane)
{
    return s->most[lane] > 0.0f ? s->most[lane] : s->level[lane];
}

static ctb_hit_t tone_on(ctb_tone_bank_t *bank, int lane, int step, int index, int steps)
{
    lanes_t *s = &bank->lanes;
    float power = burst_power(s, lane);
    if (s->length[lane] <= EDGE_STEPS && s->before[lane] > power)
        power = s->before[lane];      /* this burst has only begun */
    s->active[lane] = index + 1;
    /* the window's middle is where a symbol changes */
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_TONE_ON, .offset = (step + 1) * STEP,
                       .a = (int32_t)bank->pattern[index].id,
                       .b = ctb_power_cdbm0(power),
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
    /* a tone begins with a burst, whatever the pause before it was */
    for (int i = 0; i < bank->pattern[best].needed; i++)
        if (i + 1 < bank->pattern[best].needed || s->run_symbol[i][lane] != 0)
            steps += s->run_length[i][lane];
    s->position[lane] = rotation;
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
    if (s->symbol[lane] == 0 && s->loud[lane] > LOUD_STEPS + s->length[lane] / 4)
        s->run_symbol[0][lane] = LOUD_PAUSE;
    s->loud[lane] = 0;
    s->run_length[0][lane] = s->length[lane];
    s->symbol[lane] = s->other[lane];
    s->length[lane] = s->other_length[lane];
    s->other_length[lane] = 0;
}

/* two bursts of different frequencies and hardly a gap: no pause lay between them */
static void run_drop(lanes_t *s, int lane)
{
    s->run_length[0][lane] += s->length[lane] / 2;
    s->symbol[lane] = s->other[lane];
    s->length[lane] = s->other_length[lane] + s->length[lane] / 2;
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
    if (s->symbol[lane] == 0 && s->length[lane] <= MELODY_GAP && s->run_symbol[0][lane] > 0
        && s->run_symbol[0][lane] != found) {
        run_drop(s, lane);
        return 0;
    }
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
    if (p->melody)
        return s->length[lane] <= p->melody;
    if (!new_run)
        return s->length[lane] <= part->most + KEEP_STEPS;
    if (s->run_length[0][lane] < part->least - KEEP_STEPS
        || s->run_length[0][lane] > part->most + KEEP_STEPS)
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
        if (p->parts == 0 && p->symbol == s->symbol[lane] && s->length[lane] >= p->needed
            && s->least[lane] >= STEADY * s->most[lane]
            && s->share[lane] >= PURITY_MEAN * (float)s->length[lane])
            return ctb_hit_put(hits, count, max, tone_on(bank, lane, step, i, s->length[lane]));
    }
    return count;
}

static void tone_measure(lanes_t *s, int lane, int found, float power, float rest)
{
    if (found == 0) {
        s->loud[lane] += s->symbol[lane] == 0 && rest > LOUD * s->level[lane];
        return;
    }
    if (found != s->symbol[lane] && s->other_length[lane] == 1) {
        s->before[lane] = burst_power(s, lane);
        s->level[lane] = s->most[lane] = s->share[lane] = 0.0f;
        s->least[lane] = 1.0f;
        s->smooth[lane] = power;
    }
    if (power > s->level[lane])
        s->level[lane] = power;
    s->smooth[lane] += SMOOTH * (power - s->smooth[lane]);
    if (found == s->symbol[lane] && s->length[lane] > EDGE_STEPS) {
        if (s->smooth[lane] < s->least[lane])
            s->least[lane] = s->smooth[lane];
        if (s->smooth[lane] > s->most[lane])
            s->most[lane] = s->smooth[lane];
    }
    s->share[lane] += power < rest ? power / rest : 1.0f;
}

static int tone_step(ctb_tone_bank_t *bank, int lane, int step, ctb_hit_t *hits, int count, int max)
{
    lanes_t *s = &bank->lanes;
    int found = bank->found[step][lane];
    int new_run = run_step(s, lane, found);
    tone_measure(s, lane, found, bank->power[step][lane], bank->rest[step][lane]);
    if (s->active[lane] != 0 && !tone_continues(bank, lane, new_run))
        count = ctb_hit_put(hits, count, max, tone_off(bank, lane, step, new_run));
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
    tone_calm_fn calm = CTB_CHOOSE(tone_calm);
    int count = 0;
    mask &= 0xFFFFu;
    if (mask == 0 || bank->symbol_count == 0)
        return 0;
    if (bank->park.active != mask)
        ctb_park_switch(&bank->park, mask);
    listen(bank, in);
    for (int step = 0; step < STEPS; step++) {
        calm(bank, step);
        for (uint32_t left = mask; left != 0; left &= left - 1)
            if (bank->calm[__builtin_ctz(left)] == 0)
                count = tone_step(bank, __builtin_ctz(left), step, hits, count, max);
    }
    return count;
}
