/* display.c - the telephone's display: who calls, out of what an on-hook line sounds like.
 *
 * FSK by the middle frequencies of Bell 202 and V.23 (1250 and 2150 Hz), each character timed
 * by the edge of its start bit; a number in DTMF between D, A, B or C and C or #.
 * Limits: for clean lines (12 dB over noise); numbers only; a wrong checksum shows nothing. */
#include "sim.h"

#define TAPS          7u         /* a bit is 6 2/3 samples */
#define THIRDS        20u        /* ... and 20 thirds of a sample: 1200 bit/s */
#define QUIET         1.0e-5f    /* mean square, about -44 dBm0 (chosen): below is silence */
#define TONE_SHARE    0.4f       /* chosen: of both filters in all power; noise has 0.3 */
#define MARKS         20u        /* bits of mark before a message; Telcordia GR-30: 80 up */
#define LISTEN_FRAMES 25u        /* chosen: half a second of silence ends the listening */
#define MDMF          0x80       /* Telcordia GR-30 */
#define SDMF          0x04
#define PARAM_NUMBER  0x02
#define SDMF_DATE     8u
#define MOST_DIGITS   20u

static void show(ctb_board_t *b, sim_tel_t *t, const uint8_t *digits, uint32_t count)
{
    char text[MOST_DIGITS + 1] = "";
    if (count > MOST_DIGITS) count = MOST_DIGITS;
    memcpy(text, digits, count);
    sim_tel_report(b, t, CTB_SE_CALLER_ID, 0, 0, text);
}

/* ---- a message ------------------------------------------------------------------------------ */

/* a display shows digits; a letter in place of the number says that there is none */
static uint32_t dialled(const uint8_t *from, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        if ((from[i] < '0' || from[i] > '9') && from[i] != '*' && from[i] != '#' && from[i] != '+') return 0;
    return size;
}

static void show_message(ctb_board_t *b, sim_tel_t *t, const uint8_t *m, uint32_t size)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < size; i++) sum = (uint8_t)(sum + m[i]);
    if (sum) return;
    if (m[0] == SDMF && m[1] > SDMF_DATE && dialled(m + 2 + SDMF_DATE, m[1] - SDMF_DATE))
        show(b, t, m + 2 + SDMF_DATE, m[1] - SDMF_DATE);
    if (m[0] != MDMF) return;
    for (uint32_t at = 2; at + 2 < size && at + 2 + m[at + 1] < size; at += 2u + m[at + 1])
        if (m[at] == PARAM_NUMBER && dialled(m + at + 2, m[at + 1])) show(b, t, m + at + 2, m[at + 1]);
}

static void take_byte(ctb_board_t *b, sim_tel_t *t, uint8_t byte)
{
    sim_display_t *d = &t->display;
    d->message[d->size++] = byte;
    if (d->size == 1 && byte != MDMF && byte != SDMF) d->size = 0;
    if (d->size < 2 || d->size < d->message[1] + 3u) return;
    show_message(b, t, d->message, d->size);
    d->size = 0;
}

/* ---- bits ------------------------------------------------------------------------------------- */

static float dot(const float *x, const float *y)
{
    float sum = 0;
    for (uint32_t i = 0; i < TAPS; i++) sum += x[i] * y[i];
    return sum;
}

/* mark or space: +1, -1; 0 = neither */
static int tone_now(const sim_display_t *d)
{
    static const float mark_re[TAPS] = { 1.0f, 0.5556f, -0.3827f, -0.9808f, -0.7071f, 0.1951f,
                                         0.9239f };
    static const float mark_im[TAPS] = { 0.0f, 0.8315f, 0.9239f, 0.1951f, -0.7071f, -0.9808f,
                                         -0.3827f };
    static const float space_re[TAPS] = { 1.0f, -0.1175f, -0.9724f, 0.3461f, 0.8910f, -0.5556f,
                                          -0.7604f };
    static const float space_im[TAPS] = { 0.0f, 0.9931f, -0.2334f, -0.9382f, 0.4540f, 0.8315f,
                                          -0.6494f };
    float energy = dot(d->past, d->past);
    float re = dot(d->past, mark_re), im = dot(d->past, mark_im), mark = re * re + im * im;
    re = dot(d->past, space_re), im = dot(d->past, space_im);
    float space = re * re + im * im;
    /* a tone of mean square 1: energy 7, |dot|^2 = 49 / 2 */
    if (energy < QUIET * TAPS || mark + space < TONE_SHARE * energy * TAPS * 0.5f) return 0;
    return mark > space ? 1 : -1;
}

static void bit_sample(ctb_board_t *b, sim_tel_t *t)
{
    sim_display_t *d = &t->display;
    int tone = tone_now(d);
    d->neither = tone ? 0 : d->neither + 1;
    if (d->neither > THIRDS) {               /* longer than an edge: the carrier is gone */
        d->marks = d->size = d->bit = d->clock = 0;
        return;
    }
    if (tone) d->tone = tone;
    tone = d->tone;
    if (!d->bit) {                           /* between characters: marks, then a start bit */
        if (tone > 0) {
            d->marks++;
        } else if (d->size || d->marks >= MARKS * THIRDS / 3) {
            d->bit = 1;
            d->byte = 0;
            d->clock = THIRDS / 2 - 1;       /* the edge was just seen: its middle in half a bit */
        } else {
            d->marks = 0;
        }
        return;
    }
    if (d->clock >= 3) {
        d->clock -= 3;
        return;
    }
    d->clock = d->clock + THIRDS - 3;
    if (d->bit >= 2 && d->bit <= 9 && tone > 0) d->byte |= (uint8_t)(1u << (d->bit - 2));
    if (++d->bit <= 10) return;
    d->bit = 0;                              /* that was the stop bit */
    d->marks = 0;
    take_byte(b, t, d->byte);
}

/* ---- digits ------------------------------------------------------------------------------------- */

static void take_digit(ctb_board_t *b, sim_tel_t *t, char digit)
{
    sim_display_t *d = &t->display;
    if (d->keyed && (digit == 'C' || digit == '#')) {
        show(b, t, d->digits, d->keyed);
        d->spelling = false;
        d->keyed = 0;
    } else if (digit >= 'A' && digit <= 'D') {
        d->spelling = true;
        d->keyed = 0;
    } else if (d->spelling && digit >= '0' && digit <= '9' && d->keyed < MOST_DIGITS) {
        d->digits[d->keyed++] = (uint8_t)digit;
    }
}

/* ---- the line -------------------------------------------------------------------------------------- */

void sim_display_wake(ctb_board_t *b, sim_tel_t *t)
{
    if (!t->display.frames) {
        memset(&t->display, 0, sizeof t->display);
        sim_digit_reset(&t->display.rx);
    }
    t->display.frames = LISTEN_FRAMES;
    sim_tel_wake(b, t);
}

void sim_display_run(ctb_board_t *b, sim_tel_t *t, sim_sig_t sig)
{
    sim_display_t *d = &t->display;
    float x[SIM_N];
    char digit;
    d->frames--;
    for (uint32_t i = 0; i < SIM_N; i++) {
        x[i] = sig ? (float)sim_alaw_linear[sig[i]] * (1.0f / 32768.0f) : 0.0f;
        memmove(d->past, d->past + 1, (TAPS - 1) * sizeof *d->past);
        d->past[TAPS - 1] = x[i];
        b->at = b->now + i;
        bit_sample(b, t);
    }
    for (uint32_t i = 0; i < SIM_N; i += SIM_SUB) {
        b->at = b->now + i + SIM_SUB;
        if (sim_digit_run(&d->rx, x + i, b->at, &digit) == SIM_DIGIT_BEGIN) take_digit(b, t, digit);
    }
}
