/* ctb_dsp.h - signals: G.711, tones sent and heard, digits, talk.
 *
 * Detectors work on banks of CTB_LANES channels side by side: one SIMD lane is one
 * channel, so every instruction set computes the same numbers.  Input of a bank is
 * one frame, lane-major: in[sample][lane], 1.0 = full scale of 16-bit linear / 32768.
 * Levels: the A-law overload point is +3.14 dBm0 (ITU-T G.711 clause 4), so a sine of
 * 0 dBm0 has a peak of 10^(-3.14/20) = 0.6966 of full scale.
 * No detector allocates, reads a file or a clock, or calls libm in a frame. */
#ifndef CTB_DSP_H
#define CTB_DSP_H
#include "ctb_driver.h"

#define CTB_LANES 16

/* ---- simd.c: run-time choice; CTB_SIMD=none|sse|avx2|avx512 in the environment lowers it */
const char *ctb_simd_name(void);

/* ---- g711.c: bit-exact to ITU-T G.711 / G.191 ------------------------------- */
int16_t ctb_alaw_to_linear(uint8_t code);               /* 13-bit value left-justified in 16 */
uint8_t ctb_linear_to_alaw(int16_t linear);             /* 12 magnitude bits, one's complement negatives */
int16_t ctb_ulaw_to_linear(uint8_t code);
uint8_t ctb_linear_to_ulaw(int16_t linear);
void ctb_alaw_decode(int16_t *out, const uint8_t *in, size_t n);
void ctb_alaw_encode(uint8_t *out, const int16_t *in, size_t n);
void ctb_ulaw_decode(int16_t *out, const uint8_t *in, size_t n);
void ctb_ulaw_encode(uint8_t *out, const int16_t *in, size_t n);
void ctb_ulaw_to_alaw(uint8_t *out, const uint8_t *in, size_t n);   /* through linear */
void ctb_alaw_to_ulaw(uint8_t *out, const uint8_t *in, size_t n);
/* src[lane] = CTB_FRAME_SAMPLES A-law codes, or NULL = silence */
void ctb_alaw_to_lanes(float (*out)[CTB_LANES], const uint8_t *const src[CTB_LANES]);
/* dst[lane] takes CTB_FRAME_SAMPLES A-law codes, NULL = leave it out.  Samples are rounded to 16
 * bits (ties to even), limited to their range, and coded as ctb_alaw_encode does; NaN and
 * infinities are silence */
void ctb_lanes_to_alaw(uint8_t *const dst[CTB_LANES], const float (*in)[CTB_LANES]);

/* ---- tone_gen.c: a tone with cadence, DTMF strings --------------------------- */
typedef struct ctb_tone_gen ctb_tone_gen_t;              /* plain struct, no allocation inside */
size_t ctb_tone_gen_size(void);
void ctb_tone_gen_start(ctb_tone_gen_t *g, const ctb_tone_t *tone);
/* add into a linear accumulator; returns samples made: < n = the tone ended there */
size_t ctb_tone_gen_add(ctb_tone_gen_t *g, int32_t *acc, size_t n);

typedef struct ctb_dial_gen ctb_dial_gen_t;
size_t ctb_dial_gen_size(void);
/* digits 0-9 * # A-D, ',' = 500 ms pause; level of the low tone, twist = high over low, 0.01 dB.
 * -EINVAL names a bad digit by its index in *bad */
int  ctb_dial_gen_start(ctb_dial_gen_t *g, const char *digits, int on_ms, int off_ms,
                        int level_cdbm0, int twist_cdb, int *bad);
size_t ctb_dial_gen_add(ctb_dial_gen_t *g, int32_t *acc, size_t n);

/* ---- detectors -------------------------------------------------------------- */
typedef struct ctb_hit {      /* what a bank found in this frame */
    uint16_t lane;
    uint16_t kind;            /* CTB_EV_DTMF_BEGIN ... CTB_EV_TALK_END */
    int32_t  offset;          /* sample in the frame at which it was decided, 0..160 */
    int32_t  a, b, c, d;      /* as in enum ctb_event_kind */
} ctb_hit_t;

typedef struct ctb_dtmf_params {     /* national variants are data (docs/tones) */
    float min_dbm0;           /* per tone, accept */
    float twist_high_db;      /* high over low, accept */
    float twist_low_db;       /* low over high, accept */
    float min_on_ms;          /* shortest tone to report */
    float min_off_ms;         /* pause that ends a digit; shorter breaks are bridged */
    float max_off_percent;    /* greatest error of each frequency, accept */
} ctb_dtmf_params_t;
extern const ctb_dtmf_params_t ctb_dtmf_default;

/* A bank's _run looks at the lanes in `mask` and writes at most max hits, in order of
 * (offset, lane).  Lanes outside the mask keep their state.  _arm resets one lane. */
typedef struct ctb_dtmf_bank ctb_dtmf_bank_t;
int  ctb_dtmf_bank_alloc(ctb_dtmf_bank_t **out);
void ctb_dtmf_bank_free(ctb_dtmf_bank_t *bank);
void ctb_dtmf_bank_arm(ctb_dtmf_bank_t *bank, int lane, const ctb_dtmf_params_t *params);
int  ctb_dtmf_bank_run(ctb_dtmf_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                       ctb_hit_t *hits, int max);

/* call-progress tones: each frequency of the plan in 10 ms steps, then cadence against the
 * plan (docs/tone-plans.md).  A continuous tone (dial) is on after 300 ms [chosen], or after
 * the on_ms of its first step; a cadence after tone->min_cycles whole cycles; bursts of
 * different frequencies when the last one ends.  TONE_ON: d = samples since the first burst
 * began; TONE_OFF: d = samples since the last one ended. */
typedef struct ctb_tone_bank ctb_tone_bank_t;
int  ctb_tone_bank_alloc(ctb_tone_bank_t **out);
void ctb_tone_bank_free(ctb_tone_bank_t *bank);
int  ctb_tone_bank_plan(ctb_tone_bank_t *bank, const ctb_tone_t *tones, int count); /* all lanes */
void ctb_tone_bank_arm(ctb_tone_bank_t *bank, int lane);
int  ctb_tone_bank_run(ctb_tone_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                       ctb_hit_t *hits, int max);

/* talk: energy over a threshold with hangover */
typedef struct ctb_talk_params {
    float on_dbm0;            /* begins at this level ... */
    float off_dbm0;           /* ... ends below this one */
    float min_ms, hang_ms;    /* held this long / gone this long */
} ctb_talk_params_t;
extern const ctb_talk_params_t ctb_talk_default;
typedef struct ctb_talk_bank ctb_talk_bank_t;
int  ctb_talk_bank_alloc(ctb_talk_bank_t **out);
void ctb_talk_bank_free(ctb_talk_bank_t *bank);
void ctb_talk_bank_arm(ctb_talk_bank_t *bank, int lane, const ctb_talk_params_t *params);
int  ctb_talk_bank_run(ctb_talk_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                       ctb_hit_t *hits, int max);
#endif
