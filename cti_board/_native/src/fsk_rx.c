/* fsk_rx.c - caller identification by frequency shift keying, 1200 bit/s.
 *
 * What: Bell 202 (1200/2200 Hz; Telcordia GR-30) and ITU-T V.23 (1300/2100 Hz; ETSI EN 300
 * 659).  A message is told with its bytes, right or not.
 * How: at the middle of each bit two matched filters give the phasors of mark and space.  A
 * bit clock that knows its own uncertainty in time and rate is led by the crossings between
 * bits: the seizure teaches the rate, the first start bit the time.  The tones join without a
 * jump of phase, so a sequence of bits has a known course of phase: eight survivors (the last
 * three bits) carry their own references, and the best decides twelve bits later.  The turn
 * of phase from bit to bit is learned, so a frequency that is off costs little.
 * Limits: docs/caller-id.md. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctb_callerid.h"
#include "simd.h"

#define BIT (20.0f / 3.0f)       /* samples: 1200 bit/s, Telcordia GR-30, ETSI EN 300 659-1 */
#define KERNELS 3
#define FRACTIONS 64             /* chosen: time to 1/128 sample, 0.03 rad at 2200 Hz */
#define TAPS 8
#define TURNS 1024               /* chosen: angles to 0.003 rad */
#define PAST 208                 /* samples kept: TRAIN_BITS at the slowest rate, and more */
#define BLOCK 160
#define AHEAD 10.0f              /* samples that a bit may need after its middle */

#define RATE_RANGE 0.045f        /* chosen: rates within 4.5 %; GR-30 allows 1 % */
#define CARRIER_DBM0 (-52.0)     /* chosen: 16 dB under the faintest space of GR-30 */
#define PURITY 0.55f             /* chosen: the stronger tone's share of all; noise has 0.45 */
#define SHARE (1.0f / 16)        /* chosen: means over 13 ms */
#define LOST_BITS 20             /* chosen: 17 ms without a carrier end a message */
#define NOT_ZERO 1e-12f          /* chosen: keeps silence out of slow denormal numbers */

#define EDGE_VARIANCE 0.006f     /* chosen: of a crossing's time, bits^2, without noise ... */
#define EDGE_NOISE 0.15f         /* chosen: ... and more by the share that is noise */
#define TIME_UNKNOWN 0.08f       /* variance of a time within a bit: 1/12 */
#define RATE_UNKNOWN 3.0e-4f     /* chosen: 1.7 % */
#define TIME_KNOWN 0.02f         /* chosen: a variance with which a crossing can be judged */
#define TIME_WANDERS 1.0e-5f     /* chosen: bits^2 a bit */
#define STEADY_BITS 12           /* chosen: marks or alternations that are no accident */
#define MARK_BITS 24             /* chosen: before a message; GR-30 sends 80 to 180 */
#define NOISE_COSTS 16           /* chosen: marks that a space among them takes away */
#define MOST_MARKS 64
#define TRAIN_BITS 20            /* a message's type and length: heard twice before they are read */
#define PASSES 2
#define PRIOR 3.0f               /* chosen: what we expect weighs as three turns that we saw */
#define SPACE_TO_MARK 1.7244f    /* frequencies: between 1.833 (Bell 202) and 1.615 (V.23) */
#define LEAK 0.09f               /* of either tone's power into the other's filter: sinc^2(0.75) */
#define HALVES 0.05f             /* half a bit's power in its own filter less that in the other's */
#define CROSSING 0.7f            /* chosen: bits of time for a difference of powers at a crossing */
#define GAP_BITS 60              /* chosen: marks between characters; GR-30 allows 10 */

#define MARK_MARK_SPACE 6
#define STATES 8                 /* survivors: the last three bits */
#define DELAY 12                 /* chosen: bits to a decision */
#define MEMORY 32                /* of phasors, bits; more than DELAY */
#define REFERENCE 0.60f          /* chosen: share of the old in a survivor's phase reference */
#define DOUBT 0.25f              /* chosen: of a bit's energy; two of them spoil a short message ... */
#define DOUBT_BITS 300           /* ... chosen: one more is allowed in so many bits */
#define LEARN 0.04f              /* chosen: of the turn from bit to bit */

enum { BELL202 = CTB_FSK_BELL202, V23 = CTB_FSK_V23, MIDWAY };
enum fsk_state { FSK_HUNT, FSK_TRAIN, FSK_MESSAGE };

typedef float four_t __attribute__((vector_size(16)));
typedef int32_t four_int_t __attribute__((vector_size(16)));
typedef uint32_t four_bits_t __attribute__((vector_size(16)));

typedef struct phasor { float re, im; } phasor_t;
typedef struct tones { phasor_t tone[2]; } tones_t;      /* [0] space, [1] mark */

typedef struct bit_clock {
    float at;                    /* middle of the next bit, index into `sound` */
    float rate;                  /* samples a bit */
    float time_var, cross_var, rate_var;
    float moved;                 /* samples by which crossings have moved it */
} bit_clock_t;

struct ctb_fsk_rx {
    float sound[PAST + BLOCK];
    uint64_t time;               /* sample number of sound[0] */
    uint64_t begin;              /* of the message's first start bit */
    bit_clock_t clock, saved;
    enum fsk_state state;
    int standard;                /* kernel */
    float level, pure;           /* means: of all power, of the stronger tone's */
    float power[2];              /* of space, of mark: squares of their amplitudes */
    float last;                  /* normalised mark minus space of the bit before */
    tones_t before;
    phasor_t mark_turn;          /* mean product of a mark and the mark before */
    int alternate, marks, lost;
    /* the first bits of what may be a message */
    uint64_t saved_time;
    int pass, trained;           /* bits of this pass */
    float heard[2];              /* sums of the tones' powers ... */
    int count[2];                /* ... over so many bits */
    phasor_t seen[2][2];         /* sums of the turns from tone to tone */
    /* the sequence */
    struct survivors {           /* of states 0..3 and 4..7, side by side */
        four_t metric[2], re[2], im[2];    /* im, re: the phase reference */
        four_bits_t path[2];
    } survivors;
    phasor_t turn[2][2];         /* from tone to tone */
    tones_t memory[MEMORY];
    uint32_t bits;               /* of the message, so far */
    uint32_t doubt, doubts;      /* bits that were won narrowly: the last 32; their count */
    /* characters */
    int place, gap, errors;      /* place: -1 between characters, 0..7 bits, 8 stop */
    uint32_t byte, sum;
    uint32_t decided;            /* last bit */
    ctb_fsk_message_t message;
};

static const double tone_hz[KERNELS][2] = {   /* space, mark */
    {2200.0, 1200.0},            /* Bell 202: Telcordia GR-30 */
    {2100.0, 1300.0},            /* ITU-T V.23: ETSI EN 300 659-1 */
    {2150.0, 1250.0},            /* midway, until it is known which */
};
static four_t kernel[KERNELS][FRACTIONS][TAPS];      /* space re, im, mark re, im */
static phasor_t turns[TURNS];
static float carrier_power;

static void make_kernel(int k, int f)
{
    double centre = TAPS / 2 - 1 + (double)f / FRACTIONS, half = CTB_RATE / 2400.0;
    double weight[TAPS], value[TAPS][4], sum[4] = {0.0, 0.0, 0.0, 0.0};
    for (int i = 0; i < TAPS; i++) {
        double from = i - 0.5 > centre - half ? i - 0.5 : centre - half;
        double to = i + 0.5 < centre + half ? i + 0.5 : centre + half;
        weight[i] = to > from ? (to - from) / half : 0.0;
        for (int tone = 0; tone < 2; tone++) {
            double angle = 2.0 * CTB_PI * tone_hz[k][tone] * (i - centre) / CTB_RATE;
            value[i][2 * tone] = weight[i] * cos(angle);
            value[i][2 * tone + 1] = -weight[i] * sin(angle);
        }
        for (int c = 0; c < 4; c++)
            sum[c] += value[i][c];
    }
    /* deaf to what stands still: direct current, hum, the end of a ring */
    for (int i = 0; i < TAPS; i++)
        for (int c = 0; c < 4; c++)
            kernel[k][f][i][c] = (float)(value[i][c] - 0.5 * weight[i] * sum[c]);
}

__attribute__((constructor)) static void fsk_make_tables(void)
{
    for (int k = 0; k < KERNELS; k++)
        for (int f = 0; f < FRACTIONS; f++)
            make_kernel(k, f);
    for (int i = 0; i < TURNS; i++) {
        turns[i].re = (float)cos(2.0 * CTB_PI * i / TURNS);
        turns[i].im = (float)sin(2.0 * CTB_PI * i / TURNS);
    }
    carrier_power = 2.0f * CTB_POWER_0DBM0 * (float)pow(10.0, CARRIER_DBM0 / 10.0);
}

/* ---- phasors ---------------------------------------------------------------------- */

static inline phasor_t times(phasor_t a, phasor_t b)
{
    return (phasor_t){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static inline phasor_t against(phasor_t a, phasor_t b)      /* a times b's conjugate */
{
    return (phasor_t){a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im};
}

static inline float square(phasor_t a)
{
    return a.re * a.re + a.im * a.im;
}

static phasor_t turn_by(float cycles)
{
    int i = (int)(cycles * TURNS + (cycles < 0.0f ? -0.5f : 0.5f));
    return turns[(unsigned)i % TURNS];
}

static phasor_t unit(phasor_t a)
{
    float scale = 1.0f / __builtin_sqrtf(square(a) + NOT_ZERO * NOT_ZERO);
    return (phasor_t){a.re * scale, a.im * scale};
}

/* angle in cycles, -0.5..0.5, to 0.001 */
static float cycles_of(phasor_t a)
{
    float x = a.re < 0.0f ? -a.re : a.re, y = a.im < 0.0f ? -a.im : a.im;
    float low = x < y ? x : y, high = x < y ? y : x;
    float z = low / (high + NOT_ZERO * NOT_ZERO);
    float angle = z * (0.125f + 0.0434f * (1.0f - z));
    if (y > x)
        angle = 0.25f - angle;
    if (a.re < 0.0f)
        angle = 0.5f - angle;
    return a.im < 0.0f ? -angle : angle;
}

/* ---- receivers come and go ---------------------------------------------------------- */

static void hunt(ctb_fsk_rx_t *rx)
{
    rx->state = FSK_HUNT;
    rx->standard = MIDWAY;
    rx->clock.rate = BIT;
    rx->clock.moved = 0.0f;
    rx->alternate = rx->marks = 0;
    rx->mark_turn = (phasor_t){0.0f, 0.0f};
}

void ctb_fsk_rx_reset(ctb_fsk_rx_t *rx)
{
    memset(rx, 0, sizeof *rx);
    rx->clock.at = PAST - AHEAD;
    hunt(rx);
}

int ctb_fsk_rx_alloc(ctb_fsk_rx_t **out)
{
    ctb_fsk_rx_t *rx = ctb_zalloc_vectors(sizeof *rx);
    if (rx == NULL)
        return -ENOMEM;
    ctb_fsk_rx_reset(rx);
    *out = rx;
    return 0;
}

void ctb_fsk_rx_free(ctb_fsk_rx_t *rx)
{
    free(rx);
}

/* ---- bits to characters, characters to a message -------------------------------------- */

static int known_type(uint32_t type)
{
    switch (type) {
    case 0x04: case 0x06:                              /* Telcordia GR-30: single data */
    case 0x80: case 0x82: case 0x84: case 0x86: case 0x89: /* many; ETSI EN 300 659-3, 5.2 */
        return 1;
    default:
        return 0;
    }
}

static void message_done(ctb_fsk_rx_t *rx, ctb_fsk_message_t *out)
{
    ctb_fsk_message_t *m = &rx->message;
    float end = rx->clock.at - ((float)DELAY - 1.5f) * rx->clock.rate;
    m->right = (rx->sum & 0xFF) == 0 && rx->errors == 0 && rx->doubts <= 1 + rx->bits / DOUBT_BITS;
    m->standard = (uint32_t)rx->standard;
    m->offset = (int32_t)(end + 0.5f);
    m->length = (uint32_t)(rx->time + (uint64_t)m->offset - rx->begin);
    *out = *m;
    hunt(rx);
}

/* 1 = the message is whole */
static int take_byte(ctb_fsk_rx_t *rx, uint32_t byte, ctb_fsk_message_t *out)
{
    ctb_fsk_message_t *m = &rx->message;
    if (m->size == 0 && !known_type(byte)) {
        hunt(rx);
        return 0;
    }
    m->data[m->size++] = (uint8_t)byte;
    rx->sum += byte;
    if (m->size < 3 || m->size < (uint32_t)m->data[1] + 3)
        return 0;
    message_done(rx, out);
    return 1;
}

static int take_bit(ctb_fsk_rx_t *rx, uint32_t bit, ctb_fsk_message_t *out)
{
    if (rx->place < 0) {
        if (!bit) {
            rx->place = 0;
            rx->byte = 0;
            rx->gap = 0;
        } else if (++rx->gap > GAP_BITS) {
            hunt(rx);
        }
        return 0;
    }
    if (rx->place < 8) {
        rx->byte |= bit << rx->place++;
        return 0;
    }
    rx->place = -1;
    /* one bad stop bit is left to the checksum to judge */
    if (!bit && ++rx->errors > 1) {
        hunt(rx);
        return 0;
    }
    return take_byte(rx, rx->byte, out);
}

/* ---- the sequence -------------------------------------------------------------------- */

/* the turns of phase, from the marks before and the bits of the last pass; and with them which
 * standard it is */
static void begin_turns(ctb_fsk_rx_t *rx)
{
    float mark = 1.0f + cycles_of(rx->mark_turn), power = rx->power[0] + NOT_ZERO;
    phasor_t seen = rx->seen[0][0], prior = turn_by(mark * SPACE_TO_MARK);
    seen.re += power * prior.re;
    seen.im += power * prior.im;
    float space = mark * SPACE_TO_MARK + cycles_of(against(seen, prior));
    rx->standard = space > mark * SPACE_TO_MARK ? BELL202 : V23;
    float ratio = (float)(tone_hz[rx->standard][0] / tone_hz[rx->standard][1]);
    float expected[2] = {mark * ratio, mark};
    for (int from = 0; from < 2; from++)
        for (int to = 0; to < 2; to++) {
            float scale = PRIOR * __builtin_sqrtf(rx->power[from] * rx->power[to]) + NOT_ZERO;
            prior = turn_by(0.5f * (expected[from] + expected[to]));
            rx->turn[from][to].re = rx->seen[from][to].re + scale * prior.re;
            rx->turn[from][to].im = rx->seen[from][to].im + scale * prior.im;
            rx->turn[from][to] = unit(rx->turn[from][to]);
        }
    rx->turn[1][1] = unit(rx->mark_turn);
}

static void begin_sequence(ctb_fsk_rx_t *rx)
{
    begin_turns(rx);
    rx->bits = rx->doubt = rx->doubts = 0;
    rx->place = -1;
    rx->gap = rx->errors = 0;
    rx->sum = 0;
    rx->decided = 1;
    rx->message.size = 0;
    rx->clock.moved = 0.0f;
    rx->survivors.metric[0] = (four_t){-1e6f, -1e6f, -1e6f, -1e6f};
    rx->survivors.metric[1] = (four_t){-1e6f, -1e6f, 0.0f, -1e6f};  /* mark, mark, space */
    for (int half = 0; half < 2; half++)
        rx->survivors.path[half] = (four_bits_t){MARK_MARK_SPACE, MARK_MARK_SPACE,
                                                 MARK_MARK_SPACE, MARK_MARK_SPACE};
}

/* the tones of a bit, amplitude 1, as if the clock had never been moved */
static tones_t upright(const ctb_fsk_rx_t *rx, const tones_t *q)
{
    tones_t r;
    for (int b = 0; b < 2; b++) {
        float scale = 1.0f / __builtin_sqrtf(rx->power[b] + NOT_ZERO);
        float hz = (float)tone_hz[rx->standard][b];
        phasor_t back = turn_by(-rx->clock.moved * hz / (float)CTB_RATE);
        r.tone[b] = times(q->tone[b], back);
        r.tone[b].re *= scale;
        r.tone[b].im *= scale;
    }
    return r;
}

static void learn_turn(ctb_fsk_rx_t *rx, uint32_t from, uint32_t to)
{
    const tones_t *now = &rx->memory[(rx->bits - DELAY) % MEMORY];
    const tones_t *then = &rx->memory[(rx->bits - DELAY - 1) % MEMORY];
    phasor_t z = against(now->tone[to], then->tone[from]), *turn = &rx->turn[from][to];
    turn->re += LEARN * z.re;
    turn->im += LEARN * z.im;
    *turn = unit(*turn);
}

static inline four_t choose(four_int_t mask, four_t yes, four_t no)
{
    return (four_t)((mask & (four_int_t)yes) | (~mask & (four_int_t)no));
}

/* what becomes of the survivors if the bit is `to`: state s goes on to 2s + to mod 8, so 0..3
 * and 4..7 compete; metric[1] has by how much they won */
static inline void extend_to(const ctb_fsk_rx_t *rx, const tones_t *r, int to, float weight,
                             struct survivors *out)
{
    const struct survivors *old = &rx->survivors;
    phasor_t zero = rx->turn[0][to], one = rx->turn[1][to], now = r->tone[to];
    four_t re = {zero.re, one.re, zero.re, one.re}, im = {zero.im, one.im, zero.im, one.im};
    four_t metric[2], e_re[2], e_im[2];
    for (int half = 0; half < 2; half++) {
        e_re[half] = old->re[half] * re - old->im[half] * im;
        e_im[half] = old->re[half] * im + old->im[half] * re;
        metric[half] = old->metric[half] +
                       weight * (now.re * e_re[half] + now.im * e_im[half] - 0.5f);
    }
    four_int_t second = metric[1] > metric[0];
    out->metric[1] = choose(second, metric[1] - metric[0], metric[0] - metric[1]);
    out->metric[0] = choose(second, metric[1], metric[0]);
    out->re[0] = REFERENCE * choose(second, e_re[1], e_re[0]) + (1.0f - REFERENCE) * now.re;
    out->im[0] = REFERENCE * choose(second, e_im[1], e_im[0]) + (1.0f - REFERENCE) * now.im;
    four_bits_t which = (four_bits_t)second;
    out->path[0] = (((which & old->path[1]) | (~which & old->path[0])) << 1) + (uint32_t)to;
}

/* states 0..3 and 4..7 out of what a space and a mark make of them, by turns */
#define MIX(a, b, low, high) do { \
        (low)[0] = (a)[0], (low)[1] = (b)[0], (low)[2] = (a)[1], (low)[3] = (b)[1]; \
        (high)[0] = (a)[2], (high)[1] = (b)[2], (high)[2] = (a)[3], (high)[3] = (b)[3]; \
    } while (0)

/* the survivors after one more bit; the path of the best */
static uint32_t extend(ctb_fsk_rx_t *rx, const tones_t *r)
{
    struct survivors space, mark, *now = &rx->survivors;
    float scale = 2.0f / (rx->power[0] + rx->power[1] + NOT_ZERO), best = -1e9f;
    uint32_t path = 0, doubt = 0;
    extend_to(rx, r, 0, rx->power[0] * scale, &space);
    extend_to(rx, r, 1, rx->power[1] * scale, &mark);
    for (int s = 0; s < STATES / 2; s++) {
        if (space.metric[0][s] > best) {
            best = space.metric[0][s], path = space.path[0][s];
            doubt = space.metric[1][s] < DOUBT;
        }
        if (mark.metric[0][s] > best) {
            best = mark.metric[0][s], path = mark.path[0][s];
            doubt = mark.metric[1][s] < DOUBT;
        }
    }
    rx->doubt = rx->doubt << 1 | doubt;
    space.metric[0] -= best;
    mark.metric[0] -= best;
    MIX(space.metric[0], mark.metric[0], now->metric[0], now->metric[1]);
    MIX(space.re[0], mark.re[0], now->re[0], now->re[1]);
    MIX(space.im[0], mark.im[0], now->im[0], now->im[1]);
    MIX(space.path[0], mark.path[0], now->path[0], now->path[1]);
    return path;
}

static int sequence_bit(ctb_fsk_rx_t *rx, const tones_t *q, ctb_fsk_message_t *out)
{
    tones_t r = upright(rx, q);
    rx->memory[rx->bits % MEMORY] = r;
    if (rx->bits++ == 0) {                             /* the start bit: space */
        for (int half = 0; half < 2; half++) {
            rx->survivors.re[half] = r.tone[0].re - (four_t){0.0f};
            rx->survivors.im[half] = r.tone[0].im - (four_t){0.0f};
        }
        return 0;
    }
    uint32_t path = extend(rx, &r);
    if (rx->bits < DELAY)
        return 0;
    rx->doubts += rx->doubt >> (DELAY - 1) & 1u;
    uint32_t bit = path >> (DELAY - 1) & 1u;
    if (rx->bits > DELAY)
        learn_turn(rx, rx->decided, bit);
    rx->decided = bit;
    return take_bit(rx, bit, out);
}

/* ---- the bit clock --------------------------------------------------------------------- */

static void filter(const ctb_fsk_rx_t *rx, float at, tones_t *out)
{
    int fine = (int)(at * FRACTIONS + 0.5f);
    const float *x = rx->sound + fine / FRACTIONS - (TAPS / 2 - 1);
    const four_t *k = kernel[rx->standard][fine % FRACTIONS];
    four_t even = x[0] * k[0], odd = x[1] * k[1], sum;
    for (int i = 2; i < TAPS; i += 2) {
        even += x[i] * k[i];
        odd += x[i + 1] * k[i + 1];
    }
    sum = even + odd;
    out->tone[0] = (phasor_t){sum[0], sum[1]};
    out->tone[1] = (phasor_t){sum[2], sum[3]};
}

/* mark minus space: +1 in a mark, -1 in a space, whatever their levels */
static float difference(const ctb_fsk_rx_t *rx, const tones_t *q)
{
    float raw = square(q->tone[1]) - square(q->tone[0]), mark = rx->power[1];
    return (raw * (2.0f / (1.0f - LEAK)) - mark + rx->power[0]) / (mark + rx->power[0] + NOT_ZERO);
}

static void clock_start(bit_clock_t *c)
{
    c->time_var = TIME_UNKNOWN;
    c->cross_var = 0.0f;
    c->rate_var = RATE_UNKNOWN;
}

static void clock_advance(bit_clock_t *c)
{
    c->at += c->rate;
    c->time_var += 2.0f * c->cross_var + c->rate_var + TIME_WANDERS;
    c->cross_var += c->rate_var;
    if (c->time_var > TIME_UNKNOWN) {
        c->cross_var *= TIME_UNKNOWN / c->time_var;
        c->time_var = TIME_UNKNOWN;
    }
}

/* a crossing shows that we are `late`, in bits */
static void clock_correct(bit_clock_t *c, float late, float variance)
{
    float sum = c->time_var + variance, gain = c->time_var / sum, drift = c->cross_var / sum;
    float rate = c->rate - drift * late * BIT;
    c->at -= gain * late * c->rate;
    c->moved -= gain * late * c->rate;
    if (rate > BIT * (1.0f - RATE_RANGE) && rate < BIT * (1.0f + RATE_RANGE))
        c->rate = rate;
    c->rate_var -= drift * c->cross_var;
    c->cross_var *= 1.0f - gain;
    c->time_var *= 1.0f - gain;
}

/* how late the crossing before this bit shows us to be, in bits */
static float lateness(const ctb_fsk_rx_t *rx, int bit)
{
    tones_t q;
    filter(rx, rx->clock.at - 0.5f * rx->clock.rate, &q);
    float raw = square(q.tone[1]) - square(q.tone[0]), mark = rx->power[1], space = rx->power[0];
    float late = CROSSING * (raw - HALVES * (mark - space)) / (mark + space + NOT_ZERO);
    late = late > 0.5f ? 0.5f : late < -0.5f ? -0.5f : late;
    return bit ? late : -late;
}

/* ---- is there a carrier? ------------------------------------------------------------------ */

static void measure(ctb_fsk_rx_t *rx, const tones_t *q, int bit)
{
    const float *x = rx->sound + (int)(rx->clock.at + 0.5f) - 3;
    four_t squares = {0.0f}, sums = {0.0f};
    float space = square(q->tone[0]), mark = square(q->tone[1]);
    float strong = mark > space ? mark : space;
    for (int i = 0; i < 8; i += 4) {
        four_t part = {x[i], x[i + 1], x[i + 2], x[i + 3]};
        squares += part * part;
        sums += part;
    }
    float mean = (sums[0] + sums[1] + sums[2] + sums[3]) * 0.125f;
    float all = (squares[0] + squares[1]) + (squares[2] + squares[3]) - 8.0f * mean * mean;
    rx->level += SHARE * (all * (2.0f / 8.0f) + NOT_ZERO - rx->level);
    rx->pure += SHARE * (strong + NOT_ZERO - rx->pure);
    int good = rx->level > carrier_power && rx->pure > PURITY * rx->level;
    rx->lost = good ? 0 : rx->lost + 1;
    if (rx->state == FSK_HUNT && rx->alternate < STEADY_BITS && rx->marks < STEADY_BITS) {
        rx->power[0] = rx->power[1] = rx->pure;
        return;
    }
    rx->power[bit] += SHARE * ((bit ? mark : space) + NOT_ZERO - rx->power[bit]);
    float floor = rx->power[!bit] * (1.0f / 40.0f);
    rx->power[bit] = rx->power[bit] < floor ? floor : rx->power[bit];
}

/* runs of marks and alternations: what stands before a message */
static void count_runs(ctb_fsk_rx_t *rx, const tones_t *q, int bit, int changed)
{
    int steady = rx->marks >= STEADY_BITS || rx->alternate >= STEADY_BITS;
    if (changed)
        rx->alternate += rx->alternate < MOST_MARKS;
    else if (!bit || rx->marks > STEADY_BITS)
        rx->alternate = 0;
    if (bit && !changed) {
        phasor_t z = against(q->tone[1], rx->before.tone[1]);
        rx->mark_turn.re += SHARE * (z.re - rx->mark_turn.re);
        rx->mark_turn.im += SHARE * (z.im - rx->mark_turn.im);
        rx->marks += rx->marks < MOST_MARKS;
    } else if (!bit) {
        rx->marks = rx->marks > NOISE_COSTS ? rx->marks - NOISE_COSTS : 0;
        if (rx->marks == 0)
            rx->mark_turn = (phasor_t){0.0f, 0.0f};
    }
    if (rx->lost)
        rx->marks = rx->alternate = 0;
    if (!steady && !(rx->marks >= STEADY_BITS || rx->alternate >= STEADY_BITS)) {
        rx->clock.rate = BIT;
        clock_start(&rx->clock);
    }
}

/* marks that hang together, and then a space */
static int may_start(const ctb_fsk_rx_t *rx, int bit)
{
    return !bit && rx->marks >= MARK_BITS &&
           square(rx->mark_turn) > 0.25f * rx->power[1] * rx->power[1];
}

static void begin_pass(ctb_fsk_rx_t *rx)
{
    rx->trained = 0;
    memset(rx->heard, 0, sizeof rx->heard);
    memset(rx->count, 0, sizeof rx->count);
    memset(rx->seen, 0, sizeof rx->seen);
    rx->last = 1.0f;
}

/* the edge of what may be the first start bit: where nothing is known of the time, it says all */
static void try_start(ctb_fsk_rx_t *rx)
{
    rx->saved = rx->clock;
    rx->saved_time = rx->time;
    rx->pass = 0;
    rx->message.level_cdbm0 = ctb_power_cdbm0(rx->power[1] * 0.5f);
    rx->state = FSK_TRAIN;
    begin_pass(rx);
    for (int i = 0; i < 2 && rx->clock.time_var > TIME_KNOWN; i++)
        rx->clock.at -= lateness(rx, 0) * rx->clock.rate;
}

/* it was noise among the marks */
static void start_failed(ctb_fsk_rx_t *rx)
{
    rx->clock = rx->saved;
    rx->clock.at += (float)rx->trained * BIT - (float)(rx->time - rx->saved_time);
    rx->marks -= NOISE_COSTS;
    rx->state = FSK_HUNT;
    rx->last = 1.0f;
}

/* back to the first start bit, with what is known of the clock by now */
static void rewind_clock(ctb_fsk_rx_t *rx)
{
    bit_clock_t *c = &rx->clock;
    float n = (float)TRAIN_BITS;
    c->at -= n * c->rate;
    c->time_var += n * n * c->rate_var - 2.0f * n * c->cross_var;
    c->cross_var -= n * c->rate_var;
    c->time_var = c->time_var < TIME_WANDERS ? TIME_WANDERS : c->time_var;
}

static void end_pass(ctb_fsk_rx_t *rx)
{
    for (int b = 0; b < 2; b++)
        if (rx->count[b] > 2)
            rx->power[b] = rx->heard[b] / (float)rx->count[b];
    rewind_clock(rx);
    if (++rx->pass < PASSES) {
        rx->clock.time_var += TIME_KNOWN;
        rx->clock.cross_var = 0.0f;
        begin_pass(rx);
        return;
    }
    begin_sequence(rx);
    rx->begin = rx->time + (uint64_t)(rx->clock.at - 0.5f * rx->clock.rate);
    rx->state = FSK_MESSAGE;
}

static void train_bit(ctb_fsk_rx_t *rx, const tones_t *q, float now)
{
    int bit = now > 0.0f, from = rx->last > 0.0f;
    if (rx->trained == 1 && rx->pass == 0 && now + rx->last > 0.0f) {
        start_failed(rx);      /* the second bit of every type is space, too */
        return;
    }
    if (rx->trained > 0) {
        phasor_t z = against(q->tone[bit], rx->before.tone[from]);
        rx->seen[from][bit].re += z.re;
        rx->seen[from][bit].im += z.im;
    }
    rx->heard[bit] += square(q->tone[bit]);
    rx->count[bit]++;
    rx->trained++;
}

static float edge_variance(const ctb_fsk_rx_t *rx)
{
    float noise = 1.0f - rx->pure / rx->level;
    return EDGE_VARIANCE + (noise > 0.0f ? EDGE_NOISE * noise : 0.0f);
}

static void hunt_bit(ctb_fsk_rx_t *rx, const tones_t *q, float now, int changed)
{
    int bit = now > 0.0f;
    if (changed && rx->marks < STEADY_BITS)
        clock_correct(&rx->clock, lateness(rx, bit), edge_variance(rx));
    count_runs(rx, q, bit, changed);
}

static int one_bit(ctb_fsk_rx_t *rx, ctb_fsk_message_t *out)
{
    tones_t q;
    int found = 0;
    filter(rx, rx->clock.at, &q);
    float now = difference(rx, &q);
    if (rx->state == FSK_HUNT && may_start(rx, now > 0.0f)) {
        try_start(rx);
        filter(rx, rx->clock.at, &q);
        now = difference(rx, &q);
    }
    int bit = now > 0.0f, changed = bit != (rx->last > 0.0f);
    measure(rx, &q, bit);
    if (rx->state == FSK_HUNT) {
        hunt_bit(rx, &q, now, changed);
    } else if (rx->state == FSK_TRAIN) {
        if (changed)
            clock_correct(&rx->clock, lateness(rx, bit), edge_variance(rx));
        train_bit(rx, &q, now);
    } else {
        if (changed && rx->bits >= TRAIN_BITS)
            clock_correct(&rx->clock, lateness(rx, bit), edge_variance(rx));
        found = sequence_bit(rx, &q, out);
        if (rx->lost > LOST_BITS)
            hunt(rx);
    }
    rx->last = now;
    rx->before = q;
    return found;
}

static int run_block(ctb_fsk_rx_t *rx, const int16_t *in, int n, ctb_fsk_message_t *out)
{
    int found = 0;
    for (int i = 0; i < n; i++)
        rx->sound[PAST + i] = (float)in[i] * (1.0f / 32768.0f);
    while (rx->clock.at + AHEAD < (float)(PAST + n)) {
        if (one_bit(rx, out)) {
            out->offset -= PAST;
            found = 1;
        }
        clock_advance(&rx->clock);
        if (rx->state == FSK_TRAIN && rx->trained == TRAIN_BITS)
            end_pass(rx);
    }
    memmove(rx->sound, rx->sound + n, PAST * sizeof *rx->sound);
    rx->clock.at -= (float)n;
    rx->time += (uint64_t)n;
    return found;
}

int ctb_fsk_rx_run(ctb_fsk_rx_t *rx, const int16_t *in, size_t n, ctb_fsk_message_t *out)
{
    int found = 0;
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t part = n - at < BLOCK ? n - at : BLOCK;
        if (run_block(rx, in + at, (int)part, out)) {
            out->offset += (int32_t)at;
            found = 1;
        }
    }
    return found;
}
