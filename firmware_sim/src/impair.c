/* impair.c - what a subscriber's line does to sound: loss, slope, noise, echo.
 * Noise is a function of seed, line, direction and sample number, so that frames which nobody
 * looked at change nothing. */
#include "sim.h"

#include <math.h>

static uint64_t mix(uint64_t x)              /* the finalizer of SplitMix64 (Steele et al., 2014) */
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

float sim_noise(uint64_t key, uint64_t sample)
{
    uint64_t h = mix(key ^ mix(sample));
    int32_t sum = (int32_t)(h & 0xFFFF) + (int32_t)(h >> 16 & 0xFFFF) +
                  (int32_t)(h >> 32 & 0xFFFF) + (int32_t)(h >> 48);
    return (float)(sum - 131070) * (1.0f / 37836.8f);  /* four uniforms: bell-shaped, variance 1 */
}

/* three taps, alike at both ends: the gain at 1400 Hz is f dB over that at 800 Hz, and 1 between */
static void set_tilt(sim_impair_t *im, double f)
{
    const double low = 2 * cos(SIM_TWO_PI * 800 / CTB_RATE);
    const double high = 2 * cos(SIM_TWO_PI * 1400 / CTB_RATE);
    double ratio = pow(10.0, f / 20.0);
    im->tilt = fabs(f) >= 0.005;
    if (!im->tilt) return;
    double centre = (low * ratio - high) / (1 - ratio);
    double middle = sqrt(fabs((centre + low) * (centre + high)));
    double sign = centre + low < 0 ? -1 : 1;
    im->fir[0] = (float)(sign * centre / middle);
    im->fir[1] = (float)(sign / middle);
}

int sim_impair_set(ctb_board_t *b, uint32_t end, const ctb_args_t *a)
{
    sim_impair_t *im = &b->impairs[end];
    if (a->b < 0 || a->b > 6000 || a->c > 0 || a->c < -10000 || a->d < 0 || a->d > 6000 ||
        a->e < 0 || a->e >= (int)SIM_ECHO_MAX - 2 * (int)SIM_N || a->f < -800 || a->f > 800)
        return -EINVAL;
    bool had_echo = im->echo;
    memset(im, 0, sizeof *im);
    im->gain = (float)pow(10.0, -a->b / 2000.0);
    im->noise = a->c ? (float)(sim_amplitude(a->c / 100.0) * sqrt(0.5)) : 0;
    im->echo = a->d > 0;
    im->echo_gain = (float)pow(10.0, -a->d / 2000.0);
    im->delay = (uint32_t)a->e;
    im->key = mix(b->spec.seed * 0x100000001B3u + 2 * (uint64_t)end);
    set_tilt(im, a->f / 100.0);
    im->on = a->b || im->noise > 0 || im->echo || im->tilt;
    b->echoes += (uint32_t)im->echo - (uint32_t)had_echo;
    b->tels[end].impair = im;
    return 0;
}

bool sim_impair_sounds(const sim_impair_t *im, uint64_t now)
{
    return im->noise > 0 || (im->echo && now < im->sound_end + im->delay);
}

/* keep a frame for the echo; what was passed over since was silence */
static void remember(sim_impair_t *im, int16_t *history, uint64_t *end, sim_sig_t in, uint64_t now)
{
    if (!im->echo) return;
    uint64_t gap = now - *end < SIM_ECHO_MAX ? now - *end : SIM_ECHO_MAX;
    for (uint64_t i = now - gap; i < now; i++) history[i % SIM_ECHO_MAX] = 0;
    for (uint32_t i = 0; i < SIM_N; i++)
        history[(now + i) % SIM_ECHO_MAX] = in ? sim_alaw_linear[in[i]] : 0;
    *end = now + SIM_N;
    if (in) im->sound_end = now + SIM_N;
}

static void add_echo(const sim_impair_t *im, const int16_t *history, uint64_t end, uint64_t now,
                     int32_t *out)
{
    for (uint32_t i = 0; i < SIM_N; i++) {
        uint64_t from = now + i - im->delay;
        if (now + i < im->delay || from >= end || from + SIM_ECHO_MAX < end) continue;
        out[i] += (int32_t)(im->echo_gain * history[from % SIM_ECHO_MAX]);
    }
}

static void pass(const sim_impair_t *im, float before[2], sim_sig_t in, uint64_t key, uint64_t now,
                 int32_t *out)
{
    for (uint32_t i = 0; i < SIM_N; i++) {
        float x = in ? im->gain * sim_alaw_linear[in[i]] : 0.0f, y = x;
        if (im->tilt) {
            y = im->fir[0] * before[0] + im->fir[1] * (x + before[1]);
            before[1] = before[0];
            before[0] = x;
        }
        if (im->noise > 0) y += im->noise * sim_noise(key, now + i);
        out[i] = (int32_t)(y + (y < 0 ? -0.5f : 0.5f));
    }
}

void sim_impair_up(sim_impair_t *im, sim_sig_t mouth, uint64_t now, int32_t *out)
{
    remember(im, im->up, &im->up_end, mouth, now);
    pass(im, im->up_before, mouth, im->key, now, out);
}

void sim_impair_up_echo(sim_impair_t *im, sim_sig_t down, uint64_t now, int32_t *out)
{
    remember(im, im->down, &im->down_end, down, now);
    add_echo(im, im->down, im->down_end, now, out);
}

void sim_impair_down(sim_impair_t *im, sim_sig_t in, uint64_t now, uint8_t *out)
{
    int32_t acc[SIM_N];
    pass(im, im->down_before, in, mix(im->key), now, acc);
    if (im->echo) add_echo(im, im->up, im->up_end, now, acc);
    sim_encode(out, acc, SIM_N);
}
