/* beep_rx.c - a bank of detectors of steady tones of one or two frequencies, none known before.
 *
 * How: a sinusoid x satisfies x[n-L] + x[n+L] = y x[n] with y = 2 cos(2 pi f L / 8000) for each n;
 * two of them satisfy an equation of the same kind with x[n-2L] + x[n+2L] too.  The least eigenvalue
 * of the covariance of these terms (each scaled to the same share of white noise) is the power of
 * what no such equation explains, noise and speech.  Whether it is under a share of all power is
 * seen from the signs of minors, without solving anything.  L = 13 parts the harmonics of a voice;
 * L = 2 tells the frequency, and the neighbours x[n-1] + x[n+1] whether it is over 2000 Hz.  150 ms
 * under that share, of steady level and frequency, begin a tone; over 30 (two frequencies: 50) ms
 * its loss, a level 6 dB down, or another frequency end it.
 * Limits: a glide is no tone; two frequencies are not measured; shorter than 150 ms is not seen. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ctb_beep.h"
#include "simd.h"

#define STEP 80                /* samples: 10 ms */
#define STEPS 2                /* of a frame */
#define LAG 13                 /* samples; chosen: voices' harmonics, 70 to 300 Hz apart, differ well */
#define HISTORY (4 * LAG)      /* samples before this frame that the equations need */
#define WINDOW 15              /* steps; chosen: under the shortest information tone less its edges */
#define MIDDLE 5               /* steps: longer than a beat of 25 Hz and more */
#define SHORT 3                /* steps */
#define LOUDEST 8.0f           /* of a sample; more, or no number, is a fault and heard as silence */
#define HALF_ROOT 0.70710678118654752f

enum { XX, NN, FF, XN, XF, NF, CC, XC, SIDE, SUMS };

static const float LEAST_POWER = CTB_POWER_0DBM0 * 3.1623e-5f;   /* chosen: -45 dBm0 */
static const double SINGLE_REST = 0.12;    /* chosen: 9 dB; speech is seldom over 8 dB for so long */
static const double PAIR_REST = 0.03;      /* chosen: 15 dB; two free frequencies fit vowels better */
static const double SINGLE_GONE = 0.30;    /* chosen: 5 dB, so that noise does not chop a tone */
static const double PAIR_GONE = 0.15;
static const float SINGLE_FLAT = 2.5f;     /* chosen: 4 dB between the steps of a window */
static const float PAIR_FLAT = 1.5f;       /* chosen: 1.8 dB between its thirds */
static const int PAIR_STEPS = 3;           /* chosen: the edge of a single tone is past */
static const float FADED = 0.25f;          /* chosen: 6 dB under its level, a tone has ended */
static const int LOWEST_HZ = 330, HIGHEST_HZ = 3800;
static const float STEADY = 0.02f;         /* chosen: noise 10 dB down moves it by half of that */
static const float DRIFT = 0.05f;          /* chosen: half the least step between information tones */

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

typedef struct lanes {
    row_t past[WINDOW][SUMS];      /* newest first */
    row_t last[HISTORY];
    irow_t kind;                   /* 0 none, 1 or 2 frequencies */
    irow_t hz10;                   /* of one frequency */
    irow_t age;                    /* steps since the tone's first */
    irow_t pairs;                  /* steps in which two frequencies were seen and not one */
    row_t level;                   /* mean square */
} lanes_t;

struct ctb_beep_bank {
    lanes_t lanes;
    row_t sound[HISTORY + STEPS * STEP];
    row_t brief[STEPS][SUMS], middle[STEPS][SUMS], oldest[STEPS][SUMS], whole[STEPS][SUMS];
    row_t least[STEPS], most[STEPS];                /* power of the window's steps */
    row_t least_third[STEPS], most_third[STEPS];
    ctb_park_t park;
};

#define CTB_CLONE_FILE "beep_rx_bank.inc"
#include "simd_clones.h"

typedef void (*beep_listen_fn)(ctb_beep_bank_t *bank, const float (*in)[CTB_LANES]);

static double turn[2001];          /* 2 cos(4 pi f / 8000) at each Hz, falling */

__attribute__((constructor)) static void beep_make_tables(void)
{
    for (int hz = 0; hz <= 2000; hz++)
        turn[hz] = 2.0 * cos(4.0 * CTB_PI * hz / CTB_RATE);
}

int ctb_beep_bank_alloc(ctb_beep_bank_t **out)
{
    ctb_beep_bank_t *bank = CTB_BANK_ALLOC(ctb_beep_bank_t);
    if (bank == NULL)
        return -ENOMEM;
    *out = bank;
    return 0;
}

void ctb_beep_bank_free(ctb_beep_bank_t *bank)
{
    CTB_BANK_FREE(ctb_beep_bank_t, bank);
}

void ctb_beep_bank_arm(ctb_beep_bank_t *bank, int lane)
{
    ctb_park_clear(&bank->park, lane);
}

/* the lesser eigenvalue of these two terms is under a share of all power */
static bool is_under(double all, double term, double cross, double share)
{
    double rest = share * all;
    return all > 0 && (term - rest) * (all - rest) <= cross * cross;
}

static bool is_single(row_t *sums, int lane, double share)
{
    return is_under(sums[XX][lane], sums[NN][lane], sums[XN][lane], share)
        && is_under(sums[XX][lane], sums[CC][lane], sums[XC][lane], share);
}

/* the same of the equation with two frequencies: not positive definite without that share */
static bool is_pair(row_t *sums, int lane, double share)
{
    double rest = share * sums[XX][lane];
    double x = sums[XX][lane] - rest, n = sums[NN][lane] - rest, f = sums[FF][lane] - rest;
    double xn = sums[XN][lane], xf = sums[XF][lane], nf = sums[NF][lane];
    double minor = x * n - xn * xn;
    double det = x * (n * f - nf * nf) - xn * (xn * f - nf * xf) + xf * (xn * nf - n * xf);
    return minor <= 0 || det <= 0;
}

/* frequency of a single tone, 0.1 Hz: the eigenvector of the lesser eigenvalue, then the table */
static int32_t hz10_of(row_t *sums, int lane)
{
    double x = sums[XX][lane], n = sums[CC][lane], cross = sums[XC][lane], y;
    double gap = x - n, root = __builtin_sqrt(gap * gap + 4.0 * cross * cross);
    int low = 0, high = 2000;
    double hz;
    /* close = (y / sqrt 2) x for a tone: the slope of the greater axis */
    y = gap + root > 0 ? cross * 2.0 / (gap + root) * 1.4142135623730951 : (cross < 0 ? -2.0 : 2.0);
    if (y >= turn[0] || y <= turn[2000])
        hz = y >= turn[0] ? 0.0 : 2000.0;
    else {
        while (high - low > 1) {
            int mid = (low + high) / 2;
            if (turn[mid] >= y)
                low = mid;
            else
                high = mid;
        }
        hz = low + (turn[low] - y) / (turn[low] - turn[high]);
    }
    if (sums[SIDE][lane] < 0)
        hz = 4000.0 - hz;
    return (int32_t)(hz * 10.0 + 0.5);
}

/* the same from the first third to the last: no glide, not one frequency after the other */
static bool is_steady(ctb_beep_bank_t *bank, int step, int lane)
{
    int32_t before = hz10_of(bank->oldest[step], lane), after = hz10_of(bank->middle[step], lane);
    return abs(after - before) < (float)before * STEADY;
}

static int kind_of(ctb_beep_bank_t *bank, int step, int lane)
{
    row_t *whole = bank->whole[step];
    int pairs = bank->lanes.pairs[lane];
    bank->lanes.pairs[lane] = 0;
    if (!(whole[XX][lane] > LEAST_POWER * (WINDOW * STEP)))
        return 0;
    if (bank->most[step][lane] < bank->least[step][lane] * SINGLE_FLAT && is_single(whole, lane, SINGLE_REST)
        && is_steady(bank, step, lane)) {
        int32_t hz = hz10_of(whole, lane) / 10;
        return hz >= LOWEST_HZ && hz <= HIGHEST_HZ;
    }
    if (bank->most_third[step][lane] < bank->least_third[step][lane] * PAIR_FLAT && is_pair(whole, lane, PAIR_REST)
        && is_steady(bank, step, lane)) {
        bank->lanes.pairs[lane] = pairs + 1;
        return pairs + 1 < PAIR_STEPS ? 0 : 2;
    }
    return 0;
}

static bool goes_on(ctb_beep_bank_t *bank, int step, int lane)
{
    lanes_t *s = &bank->lanes;
    row_t *sums = s->kind[lane] == 1 ? bank->brief[step] : bank->middle[step];
    float least = s->level[lane] * FADED * (float)((s->kind[lane] == 1 ? SHORT : MIDDLE) * STEP);
    if (!(sums[XX][lane] > least))
        return false;
    if (s->kind[lane] == 2)
        return is_pair(sums, lane, PAIR_GONE);
    int32_t off = hz10_of(sums, lane) - s->hz10[lane];
    return is_single(sums, lane, SINGLE_GONE) && abs(off) < (float)s->hz10[lane] * DRIFT;
}

static ctb_hit_t beep_begins(ctb_beep_bank_t *bank, int step, int lane, int kind)
{
    lanes_t *s = &bank->lanes;
    s->kind[lane] = kind;
    s->hz10[lane] = kind == 1 ? hz10_of(bank->whole[step], lane) : 0;
    s->level[lane] = bank->whole[step][XX][lane] / (WINDOW * STEP);
    s->age[lane] = kind == 1 ? WINDOW : WINDOW + PAIR_STEPS - 1;
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_BEEP_ON, .offset = (step + 1) * STEP,
                       .a = s->hz10[lane], .b = ctb_power_cdbm0(s->level[lane]), .d = s->age[lane] * STEP};
}

static ctb_hit_t beep_ends(ctb_beep_bank_t *bank, int step, int lane)
{
    lanes_t *s = &bank->lanes;
    int late = s->kind[lane] == 1 ? 2 : 4;     /* steps from the tone's end to this */
    ctb_hit_t hit = {.lane = (uint16_t)lane, .kind = CTB_EV_BEEP_OFF, .offset = (step + 1) * STEP,
                     .a = s->hz10[lane], .b = (s->age[lane] - late) * STEP, .d = late * STEP};
    s->kind[lane] = 0;
    return hit;
}

int ctb_beep_bank_run(ctb_beep_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                      ctb_hit_t *hits, int max)
{
    beep_listen_fn listen = CTB_CHOOSE(beep_listen);
    lanes_t *s = &bank->lanes;
    int count = 0;
    mask &= 0xFFFFu;
    if (mask == 0)
        return 0;
    if (bank->park.active != mask)
        ctb_park_switch(&bank->park, mask);
    listen(bank, in);
    for (int step = 0; step < STEPS; step++)
        for (uint32_t left = mask; left != 0; left &= left - 1) {
            int lane = __builtin_ctz(left), kind;
            s->age[lane] += s->kind[lane] != 0 && s->age[lane] < CTB_LONGEST / STEP;
            if (s->kind[lane] != 0 && !goes_on(bank, step, lane))
                count = ctb_hit_put(hits, count, max, beep_ends(bank, step, lane));
            else if (s->kind[lane] == 0 && (kind = kind_of(bank, step, lane)) != 0)
                count = ctb_hit_put(hits, count, max, beep_begins(bank, step, lane, kind));
        }
    return count;
}
