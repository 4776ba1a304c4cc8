/* g711.c - ITU-T G.711 A-law and mu-law, bit-exact to the ITU-T G.191 tools.
 *
 * How: the definitions fill tables once when the library is loaded; blocks go through vector
 * arithmetic where the processor has it (g711_block.inc) and through the tables elsewhere.
 * Frames for the banks are expanded and compressed without a table (g711_lanes.inc). */
#include <string.h>

#include "simd.h"

static int16_t alaw_linear[256], ulaw_linear[256];
static uint8_t linear_alaw[1 << 12], linear_ulaw[1 << 14];
static uint8_t ulaw_alaw[256], alaw_ulaw[256];
static uint64_t alaw_quarter[4][256], ulaw_quarter[4][256];    /* a sample where it stands in a word */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HALF(k) (k)
#else
#define HALF(k) (1 - (k))
#endif

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
        for (int k = 0; k < 4; k++) {
            alaw_quarter[k][i] = (uint64_t)(uint16_t)alaw_linear[i] << 16 * k;
            ulaw_quarter[k][i] = (uint64_t)(uint16_t)ulaw_linear[i] << 16 * k;
        }
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

/* ---- blocks -------------------------------------------------------------------------- */

static void expand_by_table(int16_t *out, const uint8_t *in, size_t n, const int16_t table[256])
{
    for (size_t i = 0; i < n; i++)
        out[i] = table[in[i]];
}

/* without vectors: eight at a time, each quarter of a word from a table of its own */
static void expand_by_words(int16_t *out, const uint8_t *in, size_t n, const int16_t table[256],
                            uint64_t (*const quarter)[256])
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t c, half[2];
        memcpy(&c, in + i, sizeof c);
        for (int k = 0; k < 2; k++, c >>= 32)
            half[HALF(k)] = quarter[0][c & 0xFF] | quarter[1][c >> 8 & 0xFF]
                            | quarter[2][c >> 16 & 0xFF] | quarter[3][c >> 24 & 0xFF];
        memcpy(out + i, half, sizeof half);
    }
    expand_by_table(out + i, in + i, n - i, table);
}

static void compress_by_table(uint8_t *out, const int16_t *in, size_t n, const uint8_t *table, int shift)
{
    for (size_t i = 0; i < n; i++)
        out[i] = table[(uint16_t)in[i] >> shift];
}

#if CTB_X86_CLONES
#include <immintrin.h>

/* by the upper four bits of a toggled A-law code (8 = positive): what is added to twice the step,
 * and the power of two with its sign; products are in steps of 1/4096 (ITU-T G.711 table 1) */
static const int8_t alaw_half[16] = {1, 33, 33, 33, 33, 33, 33, 33, 1, 33, 33, 33, 33, 33, 33, 33};
static const int8_t alaw_power[16] = {-1, -1, -2, -4, -8, -16, -32, -64, 1, 1, 2, 4, 8, 16, 32, 64};
/* the same of an inverted mu-law code (8 = negative), in steps of 1/8192 (ITU-T G.711 table 2) */
static const int8_t ulaw_power[16] = {1, 2, 4, 8, 16, 32, 64, 64, -1, -2, -4, -8, -16, -32, -64, -64};
static const int8_t ulaw_last[16] = {[7] = -1, [15] = -1};
static const int8_t ulaw_minus[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1};
#endif

#define CTB_CLONE_FILE "g711_block.inc"
#include "simd_clones.h"
#undef CTB_CLONE_FILE

void ctb_alaw_decode(int16_t *out, const uint8_t *in, size_t n)
{
    CTB_CHOOSE(alaw_expand)(out, in, n);
}

void ctb_alaw_encode(uint8_t *out, const int16_t *in, size_t n)
{
    CTB_CHOOSE(alaw_compress)(out, in, n);
}

void ctb_ulaw_decode(int16_t *out, const uint8_t *in, size_t n)
{
    CTB_CHOOSE(ulaw_expand)(out, in, n);
}

void ctb_ulaw_encode(uint8_t *out, const int16_t *in, size_t n)
{
    CTB_CHOOSE(ulaw_compress)(out, in, n);
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

/* ---- lanes ------------------------------------------------------------------ */

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

void ctb_lanes_to_alaw(uint8_t *const dst[CTB_LANES], const float (*in)[CTB_LANES])
{
    ctb_codes_t codes;
    CTB_CHOOSE(lanes_alaw)(&codes, in);
    for (int lane = 0; lane < CTB_LANES; lane++)
        for (unsigned i = 0; i < WORDS && dst[lane] != NULL; i++)
            memcpy(dst[lane] + i * WORD, &codes.word[i][lane], WORD);
}
