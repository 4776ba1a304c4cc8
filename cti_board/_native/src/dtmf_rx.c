/* dtmf_rx.c - a bank of DTMF receivers (ITU-T Q.23 signals, ITU-T Q.24 limits).
 *
 * How:
 * 1. A band-pass of 650-1720 Hz (elliptic, order 6 high-pass and 4 low-pass) takes away
 *    dial tone (50 dB at 450 Hz) and two thirds of white noise.
 * 2. Sub-blocks of 2.5 ms are correlated with eight carriers beside the DTMF frequencies
 *    (multiples of 12.5 Hz: four frames are whole cycles, the quarter turns between frames
 *    are exact), and four of them are summed to phasors of 10 ms.
 * 3. Every 2.5 ms the last 30 ms are judged as three such phasors: the strongest carrier of
 *    each group; its frequency from the phase slope; its power summed coherently at that
 *    frequency; flatness over the thirds; level, twist; the share of the two tones in the
 *    band and in the whole signal.  A tone cut or bent anywhere in 30 ms loses coherence.
 * 4. Some windows in a row begin a digit; a tone gone for some 2.5 ms steps ends it; shorter
 *    breaks are bridged.  Begin and end are placed by the energy of the sub-blocks.
 * Limits: docs/tones.md. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "simd.h"

#define HOP 20                 /* samples of a sub-block: 2.5 ms */
#define HOPS 8                 /* sub-blocks of a frame */
#define TONES 8                /* carriers; 0-3 low group, 4-7 high group */
#define PARTS (2 * TONES)      /* real parts, then imaginary parts */
#define SECTIONS 5
#define PHASOR_PAST 8          /* phasors kept from the frame before */
#define ENERGY_PAST 24         /* sub-block energies kept */

#define WINDOW_SAMPLES 240.0f  /* the decision window: 30 ms */
/* band-pass gain squared that is left out of the filter and put into constants */
#define FILTER_GAIN 0.056915174767751375
#define FILTER_GAIN2 ((float)(FILTER_GAIN * FILTER_GAIN))
/* the outer sub-blocks of a phasor count less: the other group, 268 Hz off, leaks 13 dB less */
#define EDGE_WEIGHT 0.6f       /* chosen: zero of the weights near 268 Hz (941 and 1209 Hz) */
#define WEIGHT_SHARE ((1.0f + EDGE_WEIGHT) / 2.0f)
/* 1/|response|^2 of a phasor off its carrier, in 1 - cos(phase in 10 ms); fitted to 1 % */
#define BEND_LOSS 0.1304f
#define BEND_LOSS2 0.0526f
/* |S|^2 of the coherent 30 ms sum to the tone's energy in the window: (A N/2)^2 -> A^2 N/2 */
#define ENERGY_OF_SUM (2.0f / (WINDOW_SAMPLES * WEIGHT_SHARE * WEIGHT_SHARE))
/* five overlapping phasors: amplitude A -> A/2 a sample, weights of one phasor times five */
#define TAPER_SAMPLES (5.0f * 4.0f * HOP * WEIGHT_SHARE)
#define MEAN_SQUARE_OF_TAPER (2.0f / (TAPER_SAMPLES * TAPER_SAMPLES))

/* chosen: 240 dB under full scale; keeps a silent filter out of slow denormal numbers */
#define NOT_ZERO 1e-12f
#define FREQUENCY_LIMIT 0.021  /* chosen: between accept 1.8 % (NTT) and reject 3.0 %, ITU-T Q.24 */
#define FLATNESS 0.40f         /* chosen: weakest third within 4 dB of the strongest */
#define LEAKAGE 0.02f         /* chosen: what a group 8 dB stronger may take from that */
#define PURITY 0.88f           /* chosen: share of the tones in the band; 26.4 of 30 ms */
#define GUARD 1.10f            /* chosen: whole signal over the tones, when nothing steady is under */
#define STEADY_SHARE 1.6f      /* chosen: allowance for a steady background (dial tone, noise) */
#define ALONE_SHARE 0.8f       /* chosen: white noise has 0.45 in the band to 1 outside */
#define STEADY_FRAMES 17       /* chosen: 340 ms make a background steady */
#define STEADY_STRIKE 6        /* chosen: one frame that differs costs six */
#define STEADY_MOST 34         /* chosen: three of them are forgiven after 680 ms */
#define STEADY_AGE 25          /* chosen: a background not seen for 500 ms is forgotten */
#define TWIST_MARGIN_DB 1.3f   /* chosen: accept this much beyond the nominal twist */
#define GONE_POWER 0.2f        /* chosen: a tone 7 dB under its level is gone */
#define BEGIN_DELAY 24         /* samples; measured: filter delay and the slow rise of its output */
#define END_DELAY 8            /* samples; measured likewise */
#define ONSET_ROWS 18          /* chosen: look back 45 ms for the first sample */

/* denominators and numerators 1 + b1 z^-1 + z^-2 over 1 + a1 z^-1 + a2 z^-2 */
static const float section[SECTIONS][3] = {
    {-1.984148403f, -0.835349943f, 0.267537165f},
    {-1.904270499f, -1.475456307f, 0.757637557f},
    {-1.851786837f, -1.710271474f, 0.946772090f},
    {1.564331739f, -0.338975502f, 0.162552227f},
    {0.516970981f, -0.181611926f, 0.728124946f},
};

static const double nominal_hz[TONES] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};
static const int carrier_index[TONES] = {56, 62, 68, 75, 97, 107, 118, 131};  /* x 12.5 Hz */
/* what the band-pass takes from each tone's power */
static const float tone_gain[TONES] = {1.04350536f, 1.01509737f, 1.00369117f, 1.03107724f,
                                       1.05300721f, 1.04494406f, 1.02863714f, 1.00193987f};
static const char keys[] = "123A456B789C*0#D";

const ctb_dtmf_params_t ctb_dtmf_default = {
    .min_dbm0 = -28.0f,        /* between accept -24 and reject -29, ITU-T Q.24 (NTT) */
    .twist_high_db = 4.0f,     /* ITU-T Q.24 (AT&T) */
    .twist_low_db = 8.0f,
    .min_on_ms = 32.0f,        /* between reject 23-24 and accept 40, ITU-T Q.24 */
    .min_off_ms = 20.0f,       /* between bridged 10 and pause 30-40, ITU-T Q.24 */
};

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

/* everything a lane remembers: rows only, see ctb_park_t */
typedef struct lanes {
    row_t filter[SECTIONS][2];
    row_t turn_re, turn_im;            /* the carriers' phase at the frame's start: 1, -j, -1, j */
    row_t past[3][PARTS];              /* the last sub-blocks, newest first */
    row_t phasor[PHASOR_PAST + HOPS][PARTS];
    row_t band[ENERGY_PAST + HOPS];    /* energy after the band-pass, of sub-blocks */
    row_t whole[PHASOR_PAST + 4 + HOPS];   /* energy of everything */
    row_t background;                  /* steady energy out of the band, of 30 ms; 0 = none */
    row_t steady;                      /* its candidate ... */
    irow_t steady_frames, steady_age, steady_odd;
    row_t min_power, twist_high, twist_low;   /* parameters */
    irow_t need_on, need_off;
    irow_t digit, next, run, gone;     /* key + 1 that is on; candidate, its windows; steps gone */
    row_t on_low, on_high;             /* |10 ms phasor|^2 under which a tone is gone */
    row_t on_energy;                   /* band energy of a full sub-block */
    irow_t length;                     /* samples from the tone's first to this frame's start */
} lanes_t;

struct ctb_dtmf_bank {
    lanes_t lanes;
    /* of this frame only */
    row_t filtered[CTB_FRAME_SAMPLES];
    irow_t found[HOPS];                /* key + 1, or 0 */
    row_t low[HOPS], high[HOPS];       /* mean squares of the two tones */
    ctb_park_t park;
};

/* constants made once, for all instruction sets */
static _Alignas(64) float carrier[CTB_FRAME_SAMPLES][PARTS];
static float centre_re[TONES], centre_im[TONES], slope_limit[TONES];

__attribute__((constructor)) static void dtmf_make_tables(void)
{
    for (int t = 0; t < TONES; t++) {
        double hz = 12.5 * carrier_index[t], off = nominal_hz[t] - hz;
        for (int i = 0; i < (int)CTB_FRAME_SAMPLES; i++) {
            double phase = 2.0 * CTB_PI * hz * i / CTB_RATE;
            carrier[i][t] = (float)(FILTER_GAIN * cos(phase));
            carrier[i][TONES + t] = (float)(-FILTER_GAIN * sin(phase));
        }
        centre_re[t] = (float)cos(2.0 * CTB_PI * off * 0.01);
        centre_im[t] = (float)sin(2.0 * CTB_PI * off * 0.01);
        slope_limit[t] = (float)cos(2.0 * CTB_PI * FREQUENCY_LIMIT * nominal_hz[t] * 0.01);
    }
}

#define CTB_CLONE_FILE "dtmf_rx_bank.inc"
#include "simd_clones.h"

typedef void (*dtmf_listen_fn)(ctb_dtmf_bank_t *bank, const float (*in)[CTB_LANES]);

int ctb_dtmf_bank_alloc(ctb_dtmf_bank_t **out)
{
    ctb_dtmf_bank_t *bank = ctb_zalloc_vectors(sizeof *bank);
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
        ctb_dtmf_bank_arm(bank, lane, &ctb_dtmf_default);
    *out = bank;
    return 0;
}

void ctb_dtmf_bank_free(ctb_dtmf_bank_t *bank)
{
    if (bank == NULL)
        return;
    ctb_park_free(&bank->park);
    free(bank);
}

static int at_least(int value, int least)
{
    return value < least ? least : value;
}

void ctb_dtmf_bank_arm(ctb_dtmf_bank_t *bank, int lane, const ctb_dtmf_params_t *params)
{
    lanes_t *s = &bank->lanes;
    ctb_park_clear(&bank->park, lane);
    s->turn_re[lane] = 1.0f;
    s->min_power[lane] = CTB_POWER_0DBM0 * ctb_db_power(params->min_dbm0);
    s->twist_high[lane] = ctb_db_power(params->twist_high_db + TWIST_MARGIN_DB);
    s->twist_low[lane] = ctb_db_power(params->twist_low_db + TWIST_MARGIN_DB);
    /* a tone of T ms fills (T - 30 + 7) / 2.5 windows well enough */
    s->need_on[lane] = at_least((int)((params->min_on_ms - 23.0f) / 2.5f), 1);
    s->need_off[lane] = at_least((int)(params->min_off_ms / 2.5f) - 1, 1);
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
    return (int)(age * HOP) + BEGIN_DELAY;
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
    return at_least((int)(age * HOP), least * HOP) + END_DELAY;
}

static float phasor_power(const lanes_t *s, int lane, int hop, int tone)
{
    float re = s->phasor[PHASOR_PAST + hop][tone][lane];
    float im = s->phasor[PHASOR_PAST + hop][TONES + tone][lane];
    return re * re + im * im;
}

static ctb_hit_t digit_begin(ctb_dtmf_bank_t *bank, int lane, int hop)
{
    lanes_t *s = &bank->lanes;
    float low = bank->low[hop][lane], high = bank->high[hop][lane], energy = 0.0f;
    int key = s->next[lane] - 1, age;
    for (int i = 0; i < HOPS; i++)
        energy += s->band[ENERGY_PAST + hop - i][lane];
    s->on_energy[lane] = energy / HOPS;
    age = tone_age(s, lane, hop, s->on_energy[lane]);
    s->digit[lane] = s->next[lane];
    s->gone[lane] = 0;
    s->length[lane] = age - (hop + 1) * HOP;
    s->on_low[lane] = GONE_POWER * phasor_power(s, lane, hop, key / 4);
    s->on_high[lane] = GONE_POWER * phasor_power(s, lane, hop, 4 + key % 4);
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_DTMF_BEGIN, .offset = (hop + 1) * HOP,
                       .a = keys[key], .b = ctb_power_cdbm0(low),
                       .c = ctb_ratio_cdb(high / low), .d = age};
}

static ctb_hit_t digit_end(ctb_dtmf_bank_t *bank, int lane, int hop, int age)
{
    lanes_t *s = &bank->lanes;
    int key = s->digit[lane] - 1;
    s->digit[lane] = 0;
    return (ctb_hit_t){.lane = (uint16_t)lane, .kind = CTB_EV_DTMF_END, .offset = (hop + 1) * HOP,
                       .a = keys[key], .b = s->length[lane] + (hop + 1) * HOP - age, .d = age};
}

static int lane_step(ctb_dtmf_bank_t *bank, int lane, int hop, ctb_hit_t *hits, int count, int max)
{
    lanes_t *s = &bank->lanes;
    int found = bank->found[hop][lane], key = s->digit[lane] - 1;
    s->run[lane] = found != 0 && found == s->next[lane] ? s->run[lane] + 1 : found != 0;
    s->next[lane] = found;
    if (key >= 0 && s->run[lane] >= s->need_on[lane] && found != key + 1) {
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
    } else if (s->run[lane] >= s->need_on[lane]) {
        count = ctb_hit_put(hits, count, max, digit_begin(bank, lane, hop));
    }
    return count;
}

static uint32_t lanes_busy(const ctb_dtmf_bank_t *bank, uint32_t mask)
{
    uint32_t busy = 0;
    for (int lane = 0; lane < CTB_LANES; lane++) {
        int32_t any = bank->lanes.digit[lane] | bank->lanes.run[lane];
        for (int hop = 0; hop < HOPS; hop++)
            any |= bank->found[hop][lane];
        busy |= (uint32_t)(any != 0) << lane;
    }
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
        bank->lanes.length[__builtin_ctz(left)] += (int32_t)CTB_FRAME_SAMPLES;
    return count;
}
