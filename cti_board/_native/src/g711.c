/* g711.c - ITU-T G.711 A-law and mu-law, bit-exact to the ITU-T G.191 tools.
 *
 * How: every direction is a table made once when the library is loaded; an A-law
 * encoder sees 12 bits of a sample and a mu-law encoder 14, so their tables stay in
 * the first-level cache.  Frames for the detectors are expanded without a table. */
#include <string.h>

#include "simd.h"

static int16_t alaw_linear[256], ulaw_linear[256];
static uint8_t linear_alaw[1 << 12], linear_ulaw[1 << 14];
static uint8_t ulaw_alaw[256], alaw_ulaw[256];

#define ALAW_TOGGLE 0x55     /* ITU-T G.711 table 1a note 2: even bits inverted */
#define ULAW_BIAS   33       /* ITU-T G.711 table 2a: segments start at 2^k - 33 */
#define ULAW_CLIP   0x1FFF

static int16_t expand_alaw(uint8_t code)
{
    int x = (code ^ ALAW_TOGGLE) & 0x7F, exponent = x >> 4, mantissa = x & 15;
    if (exponent > 0)
        mantissa += 16;
    mantissa = (mantissa << 4) + 8;
    if (exponent > 1)
        mantissa <<= exponent - 1;
    return (int16_t)(code & 0x80 ? mantissa : -mantissa);
}

/* twelve: 12 magnitude bits with their sign, one's complement for negatives */
static uint8_t compress_alaw(int twelve)
{
    int x = twelve < 0 ? ~twelve : twelve, exponent = 1;
    if (x > 15) {
        for (; x > 31; x >>= 1)
            exponent++;
        x += (exponent << 4) - 16;
    }
    return (uint8_t)((twelve < 0 ? x : x | 0x80) ^ ALAW_TOGGLE);
}

static int16_t expand_ulaw(uint8_t code)
{
    int x = ~code & 0x7F, exponent = x >> 4, step = 8 << exponent;
    int value = (0x80 << exponent) + step * (x & 15) + step / 2 - 4 * ULAW_BIAS;
    return (int16_t)(code & 0x80 ? value : -value);
}

static uint8_t compress_ulaw(int fourteen)
{
    int x = (fourteen < 0 ? ~fourteen : fourteen) + ULAW_BIAS, segment = 1;
    if (x > ULAW_CLIP)
        x = ULAW_CLIP;
    for (int i = x >> 6; i != 0; i >>= 1)
        segment++;
    x = (8 - segment) << 4 | (15 - (x >> segment & 15));
    return (uint8_t)(fourteen < 0 ? x : x | 0x80);
}

__attribute__((constructor)) static void g711_make_tables(void)
{
    for (int i = 0; i < 1 << 12; i++)
        linear_alaw[i] = compress_alaw(i < 1 << 11 ? i : i - (1 << 12));
    for (int i = 0; i < 1 << 14; i++)
        linear_ulaw[i] = compress_ulaw(i < 1 << 13 ? i : i - (1 << 14));
    for (int i = 0; i < 256; i++) {
        alaw_linear[i] = expand_alaw((uint8_t)i);
        ulaw_linear[i] = expand_ulaw((uint8_t)i);
    }
    for (int i = 0; i < 256; i++) {
        ulaw_alaw[i] = ctb_linear_to_alaw(ulaw_linear[i]);
        alaw_ulaw[i] = ctb_linear_to_ulaw(alaw_linear[i]);
    }
}

int16_t ctb_alaw_to_linear(uint8_t code)
{
    return alaw_linear[code];
}

uint8_t ctb_linear_to_alaw(int16_t linear)
{
    return linear_alaw[(uint16_t)linear >> 4];
}

int16_t ctb_ulaw_to_linear(uint8_t code)
{
    return ulaw_linear[code];
}

uint8_t ctb_linear_to_ulaw(int16_t linear)
{
    return linear_ulaw[(uint16_t)linear >> 2];
}

void ctb_alaw_decode(int16_t *restrict out, const uint8_t *restrict in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alaw_linear[in[i]];
}

void ctb_alaw_encode(uint8_t *restrict out, const int16_t *restrict in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = linear_alaw[(uint16_t)in[i] >> 4];
}

void ctb_ulaw_decode(int16_t *restrict out, const uint8_t *restrict in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ulaw_linear[in[i]];
}

void ctb_ulaw_encode(uint8_t *restrict out, const int16_t *restrict in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = linear_ulaw[(uint16_t)in[i] >> 2];
}

void ctb_ulaw_to_alaw(uint8_t *out, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ulaw_alaw[in[i]];
}

void ctb_alaw_to_ulaw(uint8_t *out, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alaw_ulaw[in[i]];
}

/* ---- A-law to lanes ------------------------------------------------------------------ */

#define WORD 4                                  /* codes that travel together */
#define WORDS (CTB_FRAME_SAMPLES / WORD)

typedef struct ctb_codes {
    _Alignas(64) uint32_t word[WORDS][CTB_LANES];
    _Alignas(64) int32_t sounding[CTB_LANES];   /* all ones; 0 = the lane is silent */
} ctb_codes_t;

#define CTB_CLONE_FILE "g711_lanes.inc"
#include "simd_clones.h"

typedef void (*alaw_lanes_fn)(float (*out)[CTB_LANES], const ctb_codes_t *codes);

void ctb_alaw_to_lanes(float (*out)[CTB_LANES], const uint8_t *const src[CTB_LANES])
{
    alaw_lanes_fn expand = CTB_CHOOSE(alaw_lanes);
    ctb_codes_t codes;
    for (int lane = 0; lane < CTB_LANES; lane++) {
        codes.sounding[lane] = src[lane] == NULL ? 0 : -1;
        for (unsigned i = 0; i < WORDS; i++) {
            uint32_t word = 0;
            if (src[lane] != NULL)
                memcpy(&word, src[lane] + i * WORD, sizeof word);
            codes.word[i][lane] = word;
        }
    }
    expand(out, &codes);
}
