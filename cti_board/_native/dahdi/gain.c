/* gain.c - a gain as a table of 256 codes, which the kernel applies to each sample.
 *
 * How: ITU-T G.711's decoding and encoding, with a factor between them.  The factor is a power
 * of 10^(1/2000), one hundredth of a decibel, by repeated squaring: no library, same bits
 * everywhere. */
#include <errno.h>
#include "dahdi.h"

#define STEP 1.0011519555540172    /* 10^(0.01 dB / 20) */
#define MOST 2400                  /* chosen: 24 dB either way; more is no line's gain */

static double factor_of(int centibel)
{
    double factor = 1.0, power = STEP;
    for (unsigned n = (unsigned)(centibel < 0 ? -centibel : centibel); n; n >>= 1, power *= power)
        if (n & 1)
            factor *= power;
    return centibel < 0 ? 1.0 / factor : factor;
}

static int alaw_decode(unsigned code)          /* G.711 table 1a, in units of 1/32768 */
{
    code ^= 0x55;
    int segment = code >> 4 & 7, value = (int)(code & 15) << 4;
    value = segment ? (value + 0x108) << (segment - 1) : value + 8;
    return code & 0x80 ? value : -value;
}

static int ulaw_decode(unsigned code)          /* G.711 table 2a */
{
    code = ~code & 0xff;
    int value = (((int)(code & 15) << 3) + 0x84) << (code >> 4 & 7);
    return code & 0x80 ? 0x84 - value : value - 0x84;
}

/* the code whose value is nearest; the table is small and this is not in a frame */
static uint8_t encode(uint32_t law, int value, unsigned like)
{
    int best = 1 << 30;
    unsigned found = like;
    for (unsigned i = 0; i < 256; i++) {
        unsigned code = (like + i) & 255;
        int miss = (law == CTB_LAW_ALAW ? alaw_decode(code) : ulaw_decode(code)) - value;
        miss = miss < 0 ? -miss : miss;
        if (miss < best)
            best = miss, found = code;
    }
    return (uint8_t)found;
}

int ctb_dahdi_gain_table(uint8_t table[256], uint32_t law, int centibel)
{
    if (centibel < -MOST || centibel > MOST)
        return -ERANGE;
    double factor = factor_of(centibel);
    for (unsigned code = 0; code < 256; code++) {
        int value = law == CTB_LAW_ALAW ? alaw_decode(code) : ulaw_decode(code);
        double scaled = value * factor;
        table[code] = encode(law, (int)(scaled < 0 ? scaled - 0.5 : scaled + 0.5), code);
    }
    return 0;
}
