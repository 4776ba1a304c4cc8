/* dtmf_rx.c - a bank of DTMF receivers (ITU-T Q.23 signals, ITU-T Q.24 limits).
 *
 * How:
 * 1. Two all-pass chains halve the rate: their sum is the half below 2 kHz, their difference
 *    the half above, whose energy tells how much noise lies where no digit is.
 * 2. A band-pass of 660-1670 Hz (elliptic, order 5 high-pass and 2 low-pass) takes away
 *    dial tone (40 dB at 450 Hz).
 * 3. Sub-blocks of 2.5 ms are correlated with eight carriers beside the DTMF frequencies
 *    (multiples of 12.5 Hz: four frames are whole cycles, the quarter turns between frames
 *    are exact), and four of them are summed to phasors of 10 ms.
 * 4. Every 2.5 ms the last 30 ms are judged as three such phasors: the strongest carrier of
 *    each group; its frequency from the phase slope; its power summed coherently at that
 *    frequency; flatness over the thirds; level, twist; the share of the two tones in the
 *    band.  A tone cut or bent anywhere in 30 ms loses coherence.
 * 5. Some windows in a row make a candidate.  A fitted sum of what is wrong with it (energy
 *    that is neither the tones' nor white noise's, no silence before, bent or uneven tones,
 *    frequency and twist far from the middle) tells a digit from speech.
 * 6. A tone gone for some 2.5 ms steps ends the digit; shorter breaks are bridged.  Begin and
 *    end are placed by the energy of the sub-blocks.
 * Limits: docs/tones.md. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "simd.h"

#define HALF_RATE (CTB_RATE / 2)
#define HALF_SAMPLES 80        /* of a frame */
#define HOP 10                 /* samples of a sub-block at half the rate: 2.5 ms */
#define HOP_SAMPLES 20         /* the same at the full rate */
#define HOPS 8                 /* sub-blocks of a frame */
#define TONES 8                /* carriers; 0-3 low group, 4-7 high group */
#define PARTS (2 * TONES)      /* real parts, then imaginary parts */
#define SECTIONS 3
#define PHASOR_PAST 8          /* phasors kept from the frame before */
#define ENERGY_PAST 24         /* sub-block energies kept */

#define WINDOW_HOPS 12         /* the decision window: 30 ms */
#define WINDOW_SAMPLES 240.0f
/* half-band all-passes: all above 2340 Hz is 33 dB down in the lower half, fitted */
#define HALF_EVEN 0.73702298f
#define HALF_ODD 0.25791363f
/* band-pass gain squared that is left out of the filter and put into constants */
#define FILTER_GAIN 0.18356588612844578
#define FILTER_GAIN2 ((float)(FILTER_GAIN * FILTER_GAIN))
#define EDGE_POLE 0.011077205f /* the high-pass's section of order 1 */
#define MOST_GAIN 1.12f        /* the largest of tone_gain, and what a bend takes */
/* the outer sub-blocks of a phasor count less: the other group, 268 Hz off, leaks 13 dB less */
#define EDGE_WEIGHT 0.6f       /* chosen: zero of the weights near 268 Hz (941 and 1209 Hz) */
#define WEIGHT_SHARE ((1.0f + EDGE_WEIGHT) / 2.0f)
/* 1/|response|^2 of a phasor off its carrier, in 1 - cos(phase in 10 ms); fitted to 1 % */
#define BEND_LOSS 0.1304f
#define BEND_LOSS2 0.0526f
/* |S|^2 of the coherent 30 ms sum to the tone's energy in the window: (A N/2)^2 -> A^2 N/2 */
#define ENERGY_OF_SUM (2.0f / (WINDOW_SAMPLES * WEIGHT_SHARE * WEIGHT_SHARE))
/* five overlapping phasors: amplitude A -> A/2 a sample, weights of one phasor times five */
#define TAPER_SAMPLES (5.0f * 4.0f * HOP_SAMPLES * WEIGHT_SHARE)
#define MEAN_SQUARE_OF_TAPER (2.0f / (TAPER_SAMPLES * TAPER_SAMPLES))

/* chosen: 240 dB under full scale; keeps a silent filter out of slow denormal numbers */
#define LOUDEST 8.0f            /* of a sample; more, or no number, is a fault and heard as silence */
#define NOT_ZERO 1e-12f
#define FLATNESS 0.35f         /* chosen: weakest third within 4.6 dB of the strongest */
#define LEAKAGE 0.02f          /* chosen: what a group 8 dB stronger may take from that */
#define PURITY 0.80f           /* chosen: share of the tones in the band; 24 of 30 ms */
#define WINDOW_LOST_MS 21.0f   /* measured: half of the tones of 21 + 2.5 n ms make n windows */
#define FORGIVEN 2             /* chosen: windows that noise may spoil in a candidate */
#define LEAST_WINDOWS 4        /* chosen: fewer decide too early */
#define STEADY_SHARE 1.4f      /* chosen: allowance for a steady dial tone */
#define STEADY_MORE 1.2f       /* chosen: a dial tone's 20 ms differ by 0.8 dB at most (350 + 440 Hz beat) */
#define STEADY_LESS 0.83f
#define ALONE_SHARE 0.25f      /* chosen: white noise has 1.7 in the band to 1 below it, a tone none */
#define STEADY_FRAMES 17       /* chosen: 340 ms make a dial tone */
#define STEADY_STRIKE 6        /* chosen: one frame that differs costs six */
#define STEADY_MOST 34         /* chosen: three of them are forgiven after 680 ms */
#define STEADY_AGE 25          /* chosen: a dial tone not seen for 500 ms is forgotten */
#define OFF_UNIT 1.15          /* chosen: the score's unit is 2 % where 2.3 % are accepted */
#define TWIST_MARGIN_DB 1.3f   /* chosen: accept this much beyond the nominal twist */
#define GONE_POWER 0.2f        /* chosen: a tone 7 dB under its level is gone */
#define BEGIN_DELAY 24         /* samples; measured: filter delay and the slow rise of its output */
#define END_DELAY 8            /* samples; measured likewise */
#define ONSET_ROWS 18          /* chosen: look back 45 ms for the first sample */

/* denominators and numerators 1 + b1 z^-1 + z^-2 over 1 + a1 z^-1 + a2 z^-2 */
static const float section[SECTIONS][3] = {
    {-1.710322432f, -0.544968510f, 0.444436868f},
    {-1.429002109f, -1.005647557f, 0.866177410f},
    {1.976332175f, 1.597127116f, 0.693043797f},
};

static const double nominal_hz[TONES] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};
static const int carrier_index[TONES] = {56, 62, 68, 75, 97, 107, 118, 131};  /* x 12.5 Hz */
/* what the filters take from each tone's power */
static const float tone_gain[TONES] = {1.05861853f, 1.08555391f, 1.04741314f, 1.04011199f,
                                       1.07272974f, 1.06391775f, 1.04008792f, 1.03552046f};
static const char keys[] = "123A456B789C*0#D";

const ctb_dtmf_params_t ctb_dtmf_default = {
    .min_dbm0 = -27.0f,        /* between accept -25 (AT&T) and reject -29, ITU-T Q.24 (NTT) */
    .twist_high_db = 6.0f,     /* chosen: ITU-T Q.24 asks +4 (AT&T), 5 (NTT) */
    .twist_low_db = 8.5f,      /* chosen: ITU-T Q.24 asks -8 (AT&T) */
    .min_on_ms = 32.0f,        /* between reject 23-24 and accept 40, ITU-T Q.24 */
    .min_off_ms = 27.5f,       /* between bridged 20 (Denmark) and pause 30, ITU-T Q.24 */
    .max_off_percent = 2.3f,   /* between accept 1.8 (NTT) and reject 3.0, ITU-T Q.24 */
};

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

/* everything a lane remembers: rows only, see ctb_park_t */
typedef struct lanes {
    row_t split[6];                    /* last inputs and outputs of the all-passes, of order 1 */
    row_t filter[SECTIONS + 1][2];     /* the last two inputs and outputs of the sections */
    row_t turn_re, turn_im;            /* the carriers' phase at the frame's start: 1, -j, -1, j */
    row_t past[3][PARTS];              /* the last sub-blocks, newest first */
    row_t phasor[PHASOR_PAST + HOPS][PARTS];
    row_t power[PHASOR_PAST + HOPS][TONES];    /* |phasor|^2 */
    row_t band[ENERGY_PAST + HOPS];    /* energy of sub-blocks: after the band-pass, */
    row_t below[ENERGY_PAST + HOPS];   /* of all below 2 kHz, */
    row_t above[ENERGY_PAST + HOPS];   /* of all above */
    row_t background;                  /* energy of a steady dial tone in 30 ms; 0 = none */
    row_t steady;                      /* its candidate ... */
    irow_t steady_frames, steady_age, steady_odd;
    row_t min_power, twist_high, twist_low, slope_limit[TONES], off_scale[TONES];   /* parameters */
    irow_t need_on, need_off;
    irow_t digit, gone;                /* key + 1 that is on; steps gone */
    irow_t next, run, missed;          /* candidate's key + 1; its windows, last spoilt ones */
    row_t before;                      /* energy of a sub-block before the candidate */
    row_t on_low, on_high;             /* |10 ms phasor|^2 under which a tone is gone */
    row_t on_energy;                   /* band energy of a full sub-block */
    irow_t length;                     /* samples from the tone's first to this frame's start */
} lanes_t;

struct ctb_dtmf_bank {
    lanes_t lanes;
    /* of this frame only */
    row_t filtered[HALF_SAMPLES];
    irow_t found[HOPS];                /* key + 1, or 0 */
    irow_t heard;                      /* not 0: some found */
    ctb_park_t park;
};

/* constants made once, for all instruction sets */
static float carrier[HOP / 2][PARTS];      /* from the middle of a sub-block outwards */
static float middle[HOPS][PARTS];          /* phase of the middles in a frame */
static float centre_re[TONES], centre_im[TONES];

__attribute__((constructor)) static void dtmf_make_tables(void)
{
    for (int t = 0; t < TONES; t++) {
        double hz = 12.5 * carrier_index[t], off = nominal_hz[t] - hz;
        for (int i = 0; i < HOP / 2; i++) {
            double phase = 2.0 * CTB_PI * hz * (i + 0.5) / HALF_RATE;
            carrier[i][t] = (float)(FILTER_GAIN * cos(phase));
            carrier[i][TONES + t] = (float)(FILTER_GAIN * sin(phase));
        }
        for (int hop = 0; hop < HOPS; hop++) {
            double phase = 2.0 * CTB_PI * hz * (hop * HOP + HOP / 2 - 0.5) / HALF_RATE;
            middle[hop][t] = (float)cos(phase);
            middle[hop][TONES + t] = (float)-sin(phase);
        }
        centre_re[t] = (float)cos(2.0 * CTB_PI * off * 0.01);
        centre_im[t] = (float)sin(2.0 * CTB_PI * off * 0.01);
    }
}

#define CTB_CLONE_FILE "dtmf_rx_bank.inc"
#include "simd_clones.h"

typedef void (*dtmf_listen_fn)(ctb_dtmf_bank_t *bank, const float (*in)[CTB_LANES]);

int ctb_dtmf_bank_alloc(ctb_dtmf_bank_t **out)
{
    ctb_dtmf_bank_t *bank = CTB_BANK_ALLOC(ctb_dtmf_bank_t);
    if (bank == NULL)
        return -ENOMEM;
    for (int lane = 0; lane < CTB_LANES; lane++)    /* a lane never armed is armed as usual */
        ctb_dtmf_bank_arm(bank, lane, &ctb_dtmf_default);
    *out = bank;
    return 0;
}

void ctb_dtmf_bank_free(ctb_dtmf_bank_t *bank)
{
    CTB_BANK_FREE(ctb_dtmf_bank_t, bank);
}

static int at_least(int value, int least)
{
    return value < least ? least : value;
}

static float at_least_f(float value, float least)
{
    return value < least ? least : value;
}

static float at_most_f(float value, float most)
{
    return value > most ? most : value;
}

void ctb_dtmf_bank_arm(ctb_dtmf_bank_t *bank, int lane, const ctb_dtmf_params_t *params)
{
    lanes_t *s = &bank->lanes;
    ctb_park_clear(&bank->park, lane);
    s->turn_re[lane] = 1.0f;
    s->min_power[lane] = CTB_POWER_0DBM0 * ctb_db_power(params->min_dbm0);
    s->twist_high[lane] = ctb_db_power(params->twist_high_db + TWIST_MARGIN_DB);
    s->twist_low[lane] = ctb_db_power(params->twist_low_db + TWIST_MARGIN_DB);
    for (int t = 0; t < TONES; t++) {      /* phase in 10 ms of a tone that is just accepted */
        double phase = 2.0 * CTB_PI * 0.01 * params->max_off_percent * nominal_hz[t] * 0.01;
        s->slope_limit[t][lane] = (float)cos(phase);
        s->off_scale[t][lane] = (float)(OFF_UNIT / phase);
    }
    s->need_on[lane] = at_least((int)((params->min_on_ms - WINDOW_LOST_MS) / 2.5f), LEAST_WINDOWS);
    s->need_off[lane] = at_least((int)(params->min_off_ms / 2.5f) - 1, 1);
}

/* ---- digit or speech ------------------------------------------------------------- */

/* one tone in the window that ends with a sub-block, measured once more and closer */
typedef struct tone_heard {
    float power;              /* energy of the tone in the window */
    float level;              /* mean square, tapered: the other group leaks less */
    float flat;               /* the weakest third to the strongest */
    float coherence;          /* coherent power to that of the parts */
    float error;              /* of the frequency, 1 = 2 % where 2.3 % are accepted */
} tone_heard_t;

static void tone_measure(tone_heard_t *out, const lanes_t *s, int lane, int hop, int tone)
{
    float re[5], im[5], p[5];
    for (int i = 0; i < 5; i++) {
        re[i] = s->phasor[hop + 2 * i][tone][lane];
        im[i] = s->phasor[hop + 2 * i][TONES + tone][lane];
        p[i] = s->power[hop + 2 * i][tone][lane];
    }
    float best = p[0] + p[2] + p[4] + 1e-30f;
    float weak = at_most_f(at_most_f(p[0], p[2]), p[4]);
    float strong = at_least_f(at_least_f(p[0], p[2]), p[4]) + 1e-30f;
    float ar = re[0] * re[2] + im[0] * im[2] + (re[2] * re[4] + im[2] * im[4]);
    float ai = re[0] * im[2] - im[0] * re[2] + (re[2] * im[4] - im[2] * re[4]);
    float br = re[0] * re[4] + im[0] * im[4], bi = re[0] * im[4] - im[0] * re[4];
    float length = __builtin_sqrtf(ar * ar + ai * ai + 1e-30f), ur = ar / length, ui = ai / length;
    float power = best + 2.0f * length + 2.0f * (br * (ur * ur - ui * ui) + bi * (2.0f * ur * ui));
    float bend = 1.0f - ur, gain = tone_gain[tone] * (1.0f + bend * (BEND_LOSS + BEND_LOSS2 * bend));
    /* five phasors, 5 ms apart, turned back by the slope; hr, hi = half of it */
    float hr = __builtin_sqrtf((1.0f + ur) * 0.5f + 1e-6f), hi = 0.5f * ui / hr;
    float sr = re[2] + hr * (re[1] + re[3]) + hi * (im[3] - im[1]) + ur * (re[0] + re[4])
               + ui * (im[4] - im[0]);
    float si = im[2] + hr * (im[1] + im[3]) + hi * (re[1] - re[3]) + ur * (im[0] + im[4])
               + ui * (re[0] - re[4]);
    out->power = power * gain * ENERGY_OF_SUM;
    out->level = (sr * sr + si * si) * gain * MEAN_SQUARE_OF_TAPER;
    out->flat = weak / strong;
    out->coherence = power / (3.0f * best);
    out->error = (ui * centre_re[tone] - ur * centre_im[tone]) * s->off_scale[tone][lane];
}

/* What speaks against a candidate, times its weight.  Fitted by logistic regression (signs held)
 * on digits in noise, bent, twisted and over dial tone, and on recorded speech; docs/tones.md. */
enum { REST, MORE_REST, UNDER, MORE_UNDER, NOISE, MORE_NOISE, BEFORE, UNEVEN_LOW, UNEVEN_HIGH, INCOHERENT,
       OFF, TWIST, EVIDENCE };
static const float weight[EVIDENCE] = {
    [REST] = 3.5f,            /* in the band and not the tones', to the tones */
    [MORE_REST] = 32.0f,      /* the same beyond what white noise explains */
    [UNDER] = 5.0f,           /* below the band and no dial tone, root of its share */
    [MORE_UNDER] = 7.5f,      /* the same beyond what white noise explains */
    [NOISE] = 1.6f,           /* above 2 kHz, root of its share; it excuses what lies elsewhere, */
    [MORE_NOISE] = 180.0f,    /* but more than at an SNR of 2.8 dB is no noise under a digit */
    [BEFORE] = 21.0f,         /* energy in the band before the candidate to that in it */
    [UNEVEN_LOW] = 0.8f,      /* log10 of the strongest third to the weakest */
    [UNEVEN_HIGH] = 3.8f,
    [INCOHERENT] = 30.0f,     /* what the thirds of both tones lose by being added */
    [OFF] = 6.1f,             /* square of the low tone's frequency error, 1 = 2 % */
    [TWIST] = 0.04f,          /* square of dB from the middle */
};
#define WRONG_ENOUGH 8.4f      /* fitted: 99 in 100 digits of 50 ms found at an SNR of 4.5 dB */
#define MIDDLE_TWIST_DB 1.3f   /* chosen: halfway between -8.5 and +6 */
#define NOISE_IN_BAND 0.6f     /* chosen: white noise in the band to that above 2 kHz */
#define NOISE_UNDER 0.6f       /* chosen: below the band likewise, and a third more */
#define NOISE_EXCUSES 0.3f     /* chosen: SNR 3 dB has 0.25 */
#define NOISE_MOST 0.25f
#define GRADUAL 0.005f         /* chosen: silence 10 ms sooner; a codec smears the first 10 ms */
#define GRADUAL_SHARE 0.3f
#define SHORT_RUN 24.0f        /* chosen: a tone of 85 ms needs less of a silence before it, */
#define LONG_RUN 56.0f         /* chosen: and one of 165 ms none */

/* energies of the window that ends with sub-block `hop`: in the band, below 2 kHz, above */
static void window_energies(float sum[3], const lanes_t *s, int lane, int hop)
{
    int last = ENERGY_PAST + hop;
    sum[0] = sum[1] = sum[2] = 0.0f;
    for (int i = 0; i < WINDOW_HOPS; i++) {
        sum[0] += s->band[last - i][lane];
        sum[1] += s->below[last - i][lane];
        sum[2] += s->above[last - i][lane];
    }
}

/* what is wrong with a candidate in the window that ends with sub-block `hop`; 0 = nothing */
static void gather_evidence(float wrong[EVIDENCE], const lanes_t *s, int lane, int hop,
                            const tone_heard_t *low, const tone_heard_t *high)
{
    float energy[3], tones = low->power + high->power;
    window_energies(energy, s, lane, hop);
    float rest = at_least_f(energy[0] - tones, 0.0f) / tones;
    float noise = at_most_f(energy[2] / tones, 1.0f);
    float under = energy[1] - at_least_f(tones, energy[0]) - s->background[lane] * STEADY_SHARE;
    float before = s->before[lane] * WINDOW_HOPS / energy[0], run = (float)s->run[lane];
    float twist = (float)ctb_ratio_cdb(high->level / low->level) * 0.01f + MIDDLE_TWIST_DB;
    before *= at_most_f(at_least_f((LONG_RUN - run) / (LONG_RUN - SHORT_RUN), 0.0f), 1.0f);
    wrong[REST] = rest;
    wrong[MORE_REST] = at_least_f(rest - NOISE_IN_BAND * noise, 0.0f);
    under = at_most_f(at_least_f(under / tones, 0.0f), 1.0f);
    wrong[UNDER] = __builtin_sqrtf(under);
    wrong[MORE_UNDER] = __builtin_sqrtf(at_least_f(under - NOISE_UNDER * noise, 0.0f));
    wrong[NOISE] = __builtin_sqrtf(at_most_f(noise, NOISE_EXCUSES));
    wrong[MORE_NOISE] = at_least_f(noise - NOISE_MOST, 0.0f);
    wrong[BEFORE] = at_most_f(before, 1.5f);
    wrong[UNEVEN_LOW] = -(float)ctb_ratio_cdb(low->flat + 0.01f) * 0.001f;
    wrong[UNEVEN_HIGH] = -(float)ctb_ratio_cdb(high->flat + 0.01f) * 0.001f;
    wrong[INCOHERENT] = at_least_f(1.0f - low->coherence, 0.0f)
                        + at_least_f(1.0f - high->coherence, 0.0f);
    wrong[OFF] = low->error * low->error;
    wrong[TWIST] = twist * twist;
}

static int levels_fit(const lanes_t *s, int lane, float low, float high)
{
    return low >= s->min_power[lane] && high >= s->min_power[lane]
           && high <= low * s->twist_high[lane] && low <= high * s->twist_low[lane];
}

/* the candidate is a digit */
static int digit_sure(const ctb_dtmf_bank_t *bank, int lane, int hop, tone_heard_t heard[2])
{
    const lanes_t *s = &bank->lanes;
    int key = bank->found[hop][lane] - 1;
    float wrong[EVIDENCE], sum = 0.0f;
    tone_measure(&heard[0], s, lane, hop, key / 4);
    tone_measure(&heard[1], s, lane, hop, 4 + key % 4);
    if (!levels_fit(s, lane, heard[0].level, heard[1].level))
        return 0;
    gather_evidence(wrong, s, lane, hop, &heard[0], &heard[1]);
    for (int i = 0; i < EVIDENCE; i++)
        sum += wrong[i] * weight[i];
    return sum < WRONG_ENOUGH;
}

/* ---- one lane's digit, step by step -------------------------------------------- */

/* samples from the tone's first sample to the end of sub-block `hop` */
static int tone_age(const lanes_t *s, int lane, int hop, float full)
{
    int now = ENERGY_PAST + hop;
    float age = 0.0f;
    for (int i = 0; i < ONSET_ROWS; i++) {
        float part = s->band[now - i][lane] / full;
        age += part < 1.0f ? part : 1.0f;
        if (i >= HOPS && part < 0.3f)
            break;
    }
    return (int)(age * HOP_SAMPLES) + BEGIN_DELAY;
}

/* samples from the tone's last sample to the end of sub-block `hop` */
static int silence_age(const lanes_t *s, int lane, int hop, int least)
{
    int now = ENERGY_PAST + hop;
    float age = 0.0f, full = s->on_energy[lane];
    for (int i = 0; i < ONSET_ROWS; i++) {
        float part = s->band[now - i][lane] / full;
        if (part > 0.8f)
            break;
        age += 1.0f - part;
    }
    return at_least((int)(age * HOP_SAMPLES), least * HOP_SAMPLES) + END_DELAY;
}

static float phasor_power(const lanes_t *s, int lane, int hop, int tone)
{
    return s->power[PHASOR_PAST + hop][tone][lane];
}

static ctb_hit_t digit_begin(ctb_dtmf_bank_t *bank, int lane, int hop, const tone_heard_t heard[2])
{
    lanes_t *s = &bank->lanes;
    float low = heard[0].level, high = heard[1].level, energy = 0.0f;
    int key = s->next[lane] - 1, age;
    for (int i = 0; i < HOPS; i++)
        energy += s->band[ENERGY_PAST + hop - i][lane];
    s->on_energy[lane] = energy / HOPS;
    age = tone_age(s, lane, hop, s->on_energy[lane]);
    s->digit[lane] = s->next[lane];
    s->gone[lane] = 0;
    s->length[lane] = age - (hop + 1) * HOP_SAMPLES;
    s->on_low[lane] = GONE_POWER * phasor_power(s, lane, hop, key / 4);
    s->on_high[lane] = GONE_POWER * phasor_power(s, lane, hop, 4 + key % 4);
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_DTMF_BEGIN, .offset = (hop + 1) * HOP_SAMPLES,
                       .a = keys[key], .b = ctb_power_cdbm0(low),
                       .c = ctb_ratio_cdb(high / low), .d = age};
}

static ctb_hit_t digit_end(ctb_dtmf_bank_t *bank, int lane, int hop, int age)
{
    lanes_t *s = &bank->lanes;
    int key = s->digit[lane] - 1;
    s->digit[lane] = 0;
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_DTMF_END, .offset = (hop + 1) * HOP_SAMPLES,
                       .a = keys[key], .b = s->length[lane] + (hop + 1) * HOP_SAMPLES - age, .d = age};
}

/* follows the candidate; 1 = it is a digit by now */
static int candidate_step(ctb_dtmf_bank_t *bank, int lane, int hop, tone_heard_t heard[2])
{
    lanes_t *s = &bank->lanes;
    int found = bank->found[hop][lane];
    if (found == 0) {
        if (s->next[lane] != 0 && ++s->missed[lane] > FORGIVEN)
            s->next[lane] = s->run[lane] = 0;
        return 0;
    }
    if (found != s->next[lane])
        s->run[lane] = 0;
    s->next[lane] = found;
    s->missed[lane] = 0;
    if (++s->run[lane] == 1) {
        int first = ENERGY_PAST + hop - WINDOW_HOPS - 2;
        float before = (s->band[first][lane] + s->band[first - 1][lane])
                       + (s->band[first - 2][lane] + s->band[first - 3][lane]);
        float earlier = (s->band[first - 6][lane] + s->band[first - 7][lane])
                        + (s->band[first - 8][lane] + s->band[first - 9][lane]);
        if (earlier < GRADUAL * before)
            before *= GRADUAL_SHARE;
        s->before[lane] = s->digit[lane] != 0 ? 0.0f : 0.25f * before;
    }
    return s->run[lane] >= s->need_on[lane] && s->digit[lane] != found
           && digit_sure(bank, lane, hop, heard);
}

static int lane_step(ctb_dtmf_bank_t *bank, int lane, int hop, ctb_hit_t *hits, int count, int max)
{
    lanes_t *s = &bank->lanes;
    tone_heard_t heard[2];
    int sure = candidate_step(bank, lane, hop, heard), key = s->digit[lane] - 1;
    if (key >= 0 && sure) {
        /* another digit without a pause: the old one ended where the new one began */
        int age = tone_age(s, lane, hop, s->band[ENERGY_PAST + hop][lane]);
        count = ctb_hit_put(hits, count, max, digit_end(bank, lane, hop, age));
        key = -1;
    }
    if (key >= 0) {
        int gone = phasor_power(s, lane, hop, key / 4) < s->on_low[lane]
                   || phasor_power(s, lane, hop, 4 + key % 4) < s->on_high[lane];
        s->gone[lane] = gone ? s->gone[lane] + 1 : 0;
        if (s->gone[lane] >= s->need_off[lane]) {
            int age = silence_age(s, lane, hop, s->gone[lane]);
            count = ctb_hit_put(hits, count, max, digit_end(bank, lane, hop, age));
        }
    } else if (sure) {
        count = ctb_hit_put(hits, count, max, digit_begin(bank, lane, hop, heard));
    }
    return count;
}

static uint32_t lanes_busy(const ctb_dtmf_bank_t *bank, uint32_t mask)
{
    uint32_t busy = 0;
    for (int lane = 0; lane < CTB_LANES; lane++)
        busy |= (uint32_t)((bank->lanes.digit[lane] | bank->lanes.next[lane] | bank->heard[lane]) != 0)
                << lane;
    return busy & mask;
}

int ctb_dtmf_bank_run(ctb_dtmf_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                      ctb_hit_t *hits, int max)
{
    dtmf_listen_fn listen = CTB_CHOOSE(dtmf_listen);
    uint32_t busy;
    int count = 0;
    if ((mask & 0xFFFFu) == 0)
        return 0;
    if (bank->park.active != (mask & 0xFFFFu))
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
