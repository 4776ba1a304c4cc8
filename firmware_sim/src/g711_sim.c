/* g711_sim.c - the street's own G.711.  Filled once when the library is loaded. */
#include "sim.h"

#include <math.h>

int16_t sim_alaw_linear[256];
uint8_t sim_linear_alaw_table[4096];
uint8_t sim_alaw_to_ulaw[256], sim_ulaw_to_alaw[256];

/* ITU-T G.711 table 1a: eight segments, the first two of equal step; even bits inverted */
static int16_t alaw_value(uint8_t code)
{
    unsigned bits = code ^ 0x55u, segment = (bits >> 4) & 7u, step = bits & 15u;
    int magnitude = segment ? (int)((2 * step + 33) << (segment - 1)) : (int)(2 * step + 1);
    magnitude *= 8;                          /* 13 bits, left-justified in 16 */
    return (int16_t)((bits & 0x80u) ? magnitude : -magnitude);
}

static uint8_t alaw_code(int x)              /* x: 16 bits */
{
    unsigned sign = x >= 0 ? 0x80u : 0u;
    unsigned m = (unsigned)(x >= 0 ? x : -x - 1) >> 4, segment = 0;   /* 11 bits */
    while (segment < 7 && m >= (32u << (segment ? segment - 1 : 0)) / (segment ? 1u : 2u))
        segment++;
    unsigned step = segment > 1 ? (m >> (segment - 1)) & 15u : m & 15u;
    return (uint8_t)((sign | segment << 4 | step) ^ 0x55u);
}

/* ITU-T G.711 table 2a: biased logarithm, all bits inverted */
static int16_t ulaw_value(uint8_t code)
{
    unsigned bits = ~(unsigned)code & 0xFFu, segment = (bits >> 4) & 7u, step = bits & 15u;
    int magnitude = (int)(((2 * step + 33) << segment) - 33) * 4;
    return (int16_t)((bits & 0x80u) ? -magnitude : magnitude);
}

static uint8_t ulaw_code(int x)
{
    unsigned sign = x < 0 ? 0x80u : 0u;
    unsigned m = (unsigned)(x < 0 ? -x : x) / 4 + 33, segment = 0;
    if (m > 0x1FFFu) m = 0x1FFFu;
    while (segment < 7 && m >= (64u << segment)) segment++;
    return (uint8_t)~(sign | segment << 4 | ((m >> (segment + 1)) & 15u));
}

__attribute__((constructor)) static void fill_tables(void)
{
    for (int code = 0; code < 256; code++) sim_alaw_linear[code] = alaw_value((uint8_t)code);
    for (int i = 0; i < 4096; i++) sim_linear_alaw_table[i] = alaw_code(i * 16 - 32768);
    for (int code = 0; code < 256; code++) {
        sim_alaw_to_ulaw[code] = ulaw_code(sim_alaw_linear[code]);
        sim_ulaw_to_alaw[code] = alaw_code(ulaw_value((uint8_t)code));
    }
    sim_alaw_to_ulaw[SIM_SILENCE] = 0xFF;    /* silence stays silence */
    sim_ulaw_to_alaw[0xFF] = sim_ulaw_to_alaw[0x7F] = SIM_SILENCE;
    for (int i = 0; i < 4096; i++)
        sim_sine[i] = (int16_t)lround(32767.0 * sin(SIM_TWO_PI * i / 4096.0));
}

void sim_encode(uint8_t *out, const int32_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = sim_to_alaw(in[i]);
}

void sim_add(int32_t *acc, sim_sig_t in)
{
    if (!in) return;
    for (size_t i = 0; i < SIM_N; i++) acc[i] += sim_alaw_linear[in[i]];
}

void sim_gain_map(uint8_t map[256], double db)
{
    double gain = pow(10.0, db / 20.0);
    for (int code = 0; code < 256; code++)
        map[code] = sim_to_alaw((int32_t)lround(sim_alaw_linear[code] * gain));
    map[SIM_SILENCE] = SIM_SILENCE;
}

/* ITU-T G.711 clause 4: the A-law overload point is +3.14 dBm0 */
double sim_amplitude(double dbm0)
{
    return 32768.0 * pow(10.0, (dbm0 - 3.14) / 20.0);
}
