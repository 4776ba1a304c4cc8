/* fsk_rx.c - caller identification by frequency shift keying, 1200 bit/s.
 *
 * What: Bell 202 (1200/2200 Hz; Telcordia GR-30) and ITU-T V.23 (1300/2100 Hz; ETSI EN
 * 300 659), single and multiple data messages (04H, 80H).
 * How: two filters one bit long, midway between the two standards' frequencies (50 Hz off
 * costs 0.02 dB in a filter 1200 Hz wide); the difference of their powers; a bit clock that
 * is pulled by the zero crossings; characters of 8 bits between start and stop bit; the
 * message with its checksum.
 * Limits: docs/tones.md. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "simd.h"

#define MARK_HZ 1250.0         /* between 1200 (Bell 202) and 1300 (V.23) */
#define SPACE_HZ 2150.0        /* between 2200 and 2100 */
#define CYCLE 160              /* samples after which both repeat: 25 and 43 periods */
#define BAUD 1200.0f
#define WINDOW 7               /* samples of a bit, 6.67: the outer two count 5/6 */
#define EDGE_WEIGHT (5.0f / 6.0f)
#define CLOCK_PULL 0.12f       /* chosen: of the error at each crossing */
#define CLOCK_DRIFT 0.004f     /* chosen: of the error, into the rate */
#define CLOCK_RANGE 0.04f      /* chosen: rates within 4 %; GR-30 allows 1 % */
#define CARRIER_DBM0 (-48.0)   /* chosen: 12 dB under the faintest space, GR-30 */
#define LEVEL_SHARE (1.0f / 32)/* chosen: 4 ms */
#define PURITY 0.35f           /* chosen: both filters' share of the whole; noise alone has 0.3 */
#define NOT_ZERO 1e-20f        /* chosen: keeps silence out of slow denormal numbers */
#define MARK_BITS 16           /* chosen: marks before a message; GR-30 sends 80 to 180 */
#define SDMF 0x04              /* Telcordia GR-30, ETSI EN 300 659-3 */
#define MDMF 0x80
#define PARAM_NUMBER 0x02
#define PARAM_NO_NUMBER 0x04
#define SDMF_TIME 8            /* MMDDHHMM before the number */

enum char_state { CHAR_IDLE, CHAR_BITS, CHAR_STOP };
enum message_state { MESSAGE_HUNT, MESSAGE_LENGTH, MESSAGE_BODY, MESSAGE_CHECKSUM };

struct ctb_fsk_rx {
    float product[4][8];       /* mark re, im, space re, im of the last 8 samples */
    unsigned time;             /* sample number */
    float level, tones;        /* mean squares: of everything, of both filters */
    float last;                /* difference of the powers, one sample ago */
    float phase, rate;         /* of the bit clock; bits, bits a sample */
    enum char_state char_state;
    int bit, marks, marks_before, errors;
    unsigned byte;
    enum message_state state;
    unsigned type, length, sum;
    unsigned got;
    uint8_t body[256];
};

static float mark_carrier[CYCLE][2], space_carrier[CYCLE][2];
static float carrier_power;

__attribute__((constructor)) static void fsk_make_tables(void)
{
    for (int i = 0; i < CYCLE; i++) {
        mark_carrier[i][0] = (float)cos(2.0 * CTB_PI * MARK_HZ * i / CTB_RATE);
        mark_carrier[i][1] = (float)sin(2.0 * CTB_PI * MARK_HZ * i / CTB_RATE);
        space_carrier[i][0] = (float)cos(2.0 * CTB_PI * SPACE_HZ * i / CTB_RATE);
        space_carrier[i][1] = (float)sin(2.0 * CTB_PI * SPACE_HZ * i / CTB_RATE);
    }
    carrier_power = CTB_POWER_0DBM0 * (float)pow(10.0, CARRIER_DBM0 / 10.0);
}

void ctb_fsk_rx_reset(ctb_fsk_rx_t *rx)
{
    memset(rx, 0, sizeof *rx);
    rx->rate = BAUD / CTB_RATE;
}

int ctb_fsk_rx_alloc(ctb_fsk_rx_t **out)
{
    ctb_fsk_rx_t *rx = ctb_zalloc(sizeof *rx);
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

/* ---- the message ---------------------------------------------------------------- */

static void put_number(ctb_event_t *out, const uint8_t *from, unsigned count)
{
    size_t n = 0;
    if (count == 1 && (from[0] == 'P' || from[0] == 'O')) {   /* private, out of area */
        out->c = from[0];
        return;
    }
    for (unsigned i = 0; i < count && n < sizeof out->text - 1; i++)
        if (from[i] > ' ' && from[i] < 0x7F)
            out->text[n++] = (char)from[i];
    out->text[n] = '\0';
}

/* 1 = there is a number, or the reason why there is none */
static int message_number(const ctb_fsk_rx_t *rx, ctb_event_t *out)
{
    int found = 0;
    if (rx->type == SDMF) {
        if (rx->length <= SDMF_TIME)
            return 0;
        put_number(out, rx->body + SDMF_TIME, rx->length - SDMF_TIME);
        return 1;
    }
    for (unsigned i = 0; i + 2 <= rx->length; i += 2 + rx->body[i + 1]) {
        unsigned size = rx->body[i + 1];
        if (i + 2 + size > rx->length)
            break;
        if ((rx->body[i] == PARAM_NUMBER || rx->body[i] == PARAM_NO_NUMBER) && size > 0) {
            put_number(out, rx->body + i + 2, size);
            found = 1;
        }
    }
    return found;
}

static int message_byte(ctb_fsk_rx_t *rx, unsigned byte, ctb_event_t *out)
{
    rx->sum += byte;
    switch (rx->state) {
    case MESSAGE_HUNT:
        if ((byte == SDMF || byte == MDMF) && rx->marks_before >= MARK_BITS) {
            rx->type = rx->sum = byte;
            rx->errors = 0;
            rx->state = MESSAGE_LENGTH;
        }
        return 0;
    case MESSAGE_LENGTH:
        rx->length = byte;
        rx->got = 0;
        rx->state = byte > 0 ? MESSAGE_BODY : MESSAGE_HUNT;
        return 0;
    case MESSAGE_BODY:
        rx->body[rx->got++] = (uint8_t)byte;
        if (rx->got == rx->length)
            rx->state = MESSAGE_CHECKSUM;
        return 0;
    case MESSAGE_CHECKSUM:
        break;
    }
    rx->state = MESSAGE_HUNT;
    memset(out, 0, sizeof *out);
    out->kind = CTB_EV_CALLER_ID;
    out->a = 1;
    out->b = (rx->sum & 0xFF) == 0;
    return message_number(rx, out) || !out->b;
}

/* ---- bits to characters ----------------------------------------------------------- */

static int take_bit(ctb_fsk_rx_t *rx, int bit, ctb_event_t *out)
{
    switch (rx->char_state) {
    case CHAR_IDLE:
        if (bit) {
            rx->marks++;
            return 0;
        }
        rx->marks_before = rx->marks;
        rx->marks = 0;
        rx->byte = 0;
        rx->bit = 0;
        rx->char_state = CHAR_BITS;
        return 0;
    case CHAR_BITS:
        rx->byte |= (unsigned)bit << rx->bit;
        if (++rx->bit == 8)
            rx->char_state = CHAR_STOP;
        return 0;
    case CHAR_STOP:
        break;
    }
    rx->char_state = CHAR_IDLE;
    /* one bad stop bit is left to the checksum to judge */
    if (!bit && (rx->state == MESSAGE_HUNT || ++rx->errors > 1)) {
        rx->state = MESSAGE_HUNT;
        return 0;
    }
    rx->marks = 1;
    return message_byte(rx, rx->byte, out);
}

/* ---- samples to bits ---------------------------------------------------------------- */

/* difference of the two filters' powers, mark minus space */
static float fsk_filter(ctb_fsk_rx_t *rx, float x)
{
    unsigned at = rx->time % CYCLE, now = rx->time & 7;
    float sum[4], mark, space;
    rx->product[0][now] = x * mark_carrier[at][0];
    rx->product[1][now] = x * mark_carrier[at][1];
    rx->product[2][now] = x * space_carrier[at][0];
    rx->product[3][now] = x * space_carrier[at][1];
    for (int k = 0; k < 4; k++) {
        const float *p = rx->product[k];
        sum[k] = EDGE_WEIGHT * (p[now] + p[(now + 2) & 7]);
        for (unsigned i = 3; i < 8; i++)
            sum[k] += p[(now + i) & 7];
    }
    rx->time++;
    mark = sum[0] * sum[0] + sum[1] * sum[1];
    space = sum[2] * sum[2] + sum[3] * sum[3];
    rx->level += (x * x + NOT_ZERO - rx->level) * LEVEL_SHARE;
    /* |sum|^2 of a tone of mean square 1 is (6.67^2) / 2 */
    rx->tones += ((mark + space) * 0.045f + NOT_ZERO - rx->tones) * LEVEL_SHARE;
    return mark - space;
}

static void carrier_lost(ctb_fsk_rx_t *rx)
{
    rx->char_state = CHAR_IDLE;
    rx->state = MESSAGE_HUNT;
    rx->marks = 0;
    rx->rate = BAUD / CTB_RATE;
}

static void clock_pull(ctb_fsk_rx_t *rx, float difference)
{
    float nominal = BAUD / CTB_RATE, error, drift;
    if ((difference < 0.0f) == (rx->last < 0.0f))
        return;
    /* the crossing lies difference / (difference - last) of a sample back */
    error = rx->phase - rx->rate * (difference / (difference - rx->last));
    error -= error > 0.5f ? 1.0f : 0.0f;
    rx->phase -= CLOCK_PULL * error;
    drift = rx->rate - CLOCK_DRIFT * error * nominal;
    if (drift > nominal * (1.0f - CLOCK_RANGE) && drift < nominal * (1.0f + CLOCK_RANGE))
        rx->rate = drift;
}

static int fsk_sample(ctb_fsk_rx_t *rx, float x, ctb_event_t *out)
{
    float difference = fsk_filter(rx, x), before = rx->phase;
    int found = 0;
    if (rx->level < carrier_power || rx->tones < rx->level * PURITY) {
        carrier_lost(rx);
        rx->last = difference;
        return 0;
    }
    rx->phase += rx->rate;
    if (before < 0.5f && rx->phase >= 0.5f) {
        float back = (rx->phase - 0.5f) / rx->rate;
        found = take_bit(rx, difference + (rx->last - difference) * back > 0.0f, out);
    }
    clock_pull(rx, difference);
    if (rx->phase >= 1.0f)
        rx->phase -= 1.0f;
    rx->last = difference;
    return found;
}

int ctb_fsk_rx_run(ctb_fsk_rx_t *rx, const int16_t *in, size_t n, ctb_event_t *out)
{
    int found = 0;
    for (size_t i = 0; i < n; i++)
        found |= fsk_sample(rx, (float)in[i] * (1.0f / 32768.0f), out);
    return found;
}
