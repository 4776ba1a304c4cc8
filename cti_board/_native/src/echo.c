/* echo.c - a bank of line echo cancellers, tested after ITU-T G.168.
 *
 * What: takes the echo of what we send (tx) out of what we hear (rx), without delay.
 * How: two adaptive filters in the frequency domain, in parts of 96 samples, every 4 ms.  The
 * main filter weighs in each bin how wrong it may still be against what else is in the error
 * (a Kalman filter with a diagonal matrix), so near-end speech hardly moves it.  The shadow
 * learns as fast as it can and may be wrong; when it proves better for a while, as after a
 * change of the path, the main filter starts from it, and when it is worse it starts from the
 * main filter.  While tx is narrow (tones) the main filter is held, for a tone says nothing of
 * other frequencies, and the shadow speaks.  The rules are in echo_rule.c.
 * Limits: docs/echo.md. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"

#define NEAR_LEAST 0.05f       /* chosen: of the error, at least so much is not echo */
#define NEAR_SHARE 0.15f       /* chosen: mean over 27 ms */
#define SPREAD_GROWTH 1e-5f    /* chosen: the path's drift: 0.1 % of its power in half a second */
#define SPREAD_TRUST 0.7f      /* chosen: bins are not independent, so an update teaches less */
#define SPREAD_LEAST 1e-8f     /* chosen: -80 dB; keeps out of denormal numbers */
#define WIDTH_SHARE 1e-4f      /* chosen: -40 dB; a Hann window leaks less beyond two bins */
#define TX_SILENT (24.0f / 32768.0f)   /* chosen: idle codes of A-law and mu-law are not speech */
#define TONE_HZ 2100.0         /* ITU-T G.168 clause 7, V.25 */

const ctb_echo_params_t ctb_echo_default = {
    .tail_ms = 32,             /* chosen: hybrids of local lines end within 20 ms */
    .delay = 0,
    .nonlinear = 1,
    .tone_disable = 1,
};

static float echo_turn[POINTS / 4][3][2], echo_split[POINTS / 2 + 1][2];
static float echo_carrier[HOP][2], echo_fade[WINDOW];
static int echo_rev[POINTS];

__attribute__((constructor)) static void echo_make_tables(void)
{
    for (int i = 0; i < POINTS / 4; i++)
        for (int m = 0; m < 3; m++) {
            echo_turn[i][m][0] = (float)cos(2.0 * CTB_PI * i * (m + 1) / POINTS);
            echo_turn[i][m][1] = (float)-sin(2.0 * CTB_PI * i * (m + 1) / POINTS);
        }
    for (int k = 0; k <= POINTS / 2; k++) {
        echo_split[k][0] = (float)cos(2.0 * CTB_PI * k / WINDOW);
        echo_split[k][1] = (float)-sin(2.0 * CTB_PI * k / WINDOW);
    }
    for (int k = 0; k < POINTS; k++)
        echo_rev[k] = (k & 3) * 16 + (k >> 2 & 3) * 4 + (k >> 4);
    for (int i = 0; i < HOP; i++) {
        echo_carrier[i][0] = (float)cos(2.0 * CTB_PI * TONE_HZ * i / CTB_RATE);
        echo_carrier[i][1] = (float)-sin(2.0 * CTB_PI * TONE_HZ * i / CTB_RATE);
    }
    for (int i = 0; i < WINDOW; i++)
        echo_fade[i] = (float)sin(CTB_PI * (i + 0.5) / WINDOW);
}

#define CTB_CLONE_FILE "echo_bank.inc"
#include "simd_clones.h"

typedef void (*echo_hear_fn)(ctb_echo_bank_t *bank, int hop, const float (*rx)[CTB_LANES]);
typedef void (*echo_adapt_fn)(ctb_echo_bank_t *bank, int hop);
typedef void (*echo_noise_fn)(ctb_echo_bank_t *bank);
typedef void (*echo_speak_fn)(ctb_echo_bank_t *bank, float (*rx)[CTB_LANES]);

int ctb_echo_bank_alloc(ctb_echo_bank_t **out)
{
    ctb_echo_bank_t *bank = ctb_zalloc_vectors(sizeof *bank);
    int err = -ENOMEM;
    if (bank == NULL)
        return err;
    bank->ring = ctb_zalloc_vectors(CTB_LANES * sizeof *bank->ring);
    if (bank->ring == NULL)
        goto out;
    err = ctb_park_alloc(&bank->park, &bank->lanes, sizeof bank->lanes);
    if (err != 0)
        goto out;
    for (int lane = 0; lane < CTB_LANES; lane++)    /* a lane never armed is armed as usual */
        ctb_echo_bank_arm(bank, lane, &ctb_echo_default);
    *out = bank;
    return 0;
out:
    free(bank->ring);
    free(bank);
    return err;
}

void ctb_echo_bank_free(ctb_echo_bank_t *bank)
{
    if (bank == NULL)
        return;
    ctb_park_free(&bank->park);
    free(bank->ring);
    free(bank);
}

int ctb_echo_bank_arm(ctb_echo_bank_t *bank, int lane, const ctb_echo_params_t *params)
{
    if (lane < 0 || lane >= CTB_LANES || params->tail_ms < 16 || params->tail_ms > 64
        || params->tail_ms % 8 != 0 || params->delay > CTB_ECHO_DELAY_MAX
        || params->nonlinear > 1 || params->tone_disable > 1)
        return -EINVAL;
    ctb_park_clear(&bank->park, lane);
    ctb_echo_lane_reset(bank, lane, params);
    bank->delay[lane] = params->delay;
    bank->at[lane] = 0;
    memset(bank->ring[lane], 0, sizeof bank->ring[lane]);
    return 0;
}

/* The hop of tx whose echo may begin now goes to `past`; quieter than anything said is nothing.
 * 1 = there is something. */
static int hop_take(ctb_echo_bank_t *bank, int lane, const float (*tx)[CTB_LANES])
{
    row_t *past = bank->lanes.past + WINDOW - HOP;
    float *ring = bank->ring[lane], loudest = 0.0f;
    uint32_t at = bank->at[lane], from = at - bank->delay[lane];
    for (uint32_t i = 0; i < HOP; i++)
        ring[(at + i) % RING] = tx[i][lane];
    for (uint32_t i = 0; i < HOP; i++) {
        float x = ring[(from + i) % RING], size = x < 0 ? -x : x;
        past[i][lane] = x;
        loudest = size > loudest ? size : loudest;
    }
    bank->at[lane] = at + HOP;
    if (loudest > TX_SILENT)
        return 1;
    for (int i = 0; i < HOP; i++)
        past[i][lane] = 0.0f;
    return 0;
}

/* 1 = no sample of tx is in the filter of any lane of the mask */
static int bank_idle(ctb_echo_bank_t *bank, const float (*tx)[CTB_LANES], uint32_t mask)
{
    lanes_t *s = &bank->lanes;
    int idle = 1;
    memmove(s->past, s->past + HOP, (WINDOW - HOP) * sizeof s->past[0]);
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        int lane = __builtin_ctz(left);
        if (hop_take(bank, lane, tx))
            s->idle[lane] = 0;
        else if (s->idle[lane] < HISTORY + WINDOW / HOP)
            s->idle[lane]++;
        idle = idle && s->idle[lane] >= HISTORY + WINDOW / HOP;
    }
    return idle;
}

/* lanes outside the mask: held, and their sound goes through as it is */
static void bank_pass(ctb_echo_bank_t *bank, uint32_t mask)
{
    lanes_t *s = &bank->lanes;
    for (uint32_t left = ~mask & 0xFFFFu; left != 0; left &= left - 1) {
        int lane = __builtin_ctz(left);
        bank->adapt_main[lane] = bank->adapt_shadow[lane] = 0.0f;
        bank->learn[lane] = bank->comfort[lane] = 0.0f;
        for (int source = 0; source < SOURCES; source++)
            s->mix[source][lane] = bank->mix[source][lane] = source == FROM_LINE ? 1.0f : 0.0f;
    }
}

static int any(const float *row)
{
    float sum = 0.0f;
    for (int lane = 0; lane < CTB_LANES; lane++)
        sum += row[lane];
    return sum > 0.0f;
}

static void bank_hop(ctb_echo_bank_t *bank, int hop, float (*rx)[CTB_LANES],
                     const float (*tx)[CTB_LANES], uint32_t mask)
{
    lanes_t *s = &bank->lanes;
    int idle = bank_idle(bank, tx, mask);
    echo_hear_fn hear = idle ? CTB_CHOOSE(echo_hear_idle) : CTB_CHOOSE(echo_hear);
    echo_adapt_fn adapt = CTB_CHOOSE(echo_adapt);
    echo_noise_fn learn = CTB_CHOOSE(echo_learn), comfort = CTB_CHOOSE(echo_comfort);
    echo_speak_fn speak = CTB_CHOOSE(echo_speak);
    hear(bank, hop, (const float (*)[CTB_LANES])rx);
    memmove(s->rest, s->rest + HOP, (WINDOW - HOP) * sizeof s->rest[0]);
    memcpy(s->rest + WINDOW - HOP, bank->main_error, sizeof bank->main_error);
    for (uint32_t left = mask; left != 0; left &= left - 1)
        ctb_echo_rule_adapt(bank, __builtin_ctz(left));
    if (any(bank->adapt_shadow))
        adapt(bank, hop);
    for (uint32_t left = mask; left != 0; left &= left - 1)
        ctb_echo_rule_output(bank, __builtin_ctz(left));
    if (any(bank->learn))
        learn(bank);
    if (any(bank->comfort))
        comfort(bank);
    speak(bank, rx);
    memmove(s->overlap, s->overlap + HOP, (WINDOW - HOP) * sizeof s->overlap[0]);
    memset(s->overlap + WINDOW - HOP, 0, HOP * sizeof s->overlap[0]);
}

void ctb_echo_bank_run(ctb_echo_bank_t *bank, float (*rx)[CTB_LANES], const float (*tx)[CTB_LANES],
                       uint32_t mask)
{
    lanes_t *s = &bank->lanes;
    mask &= 0xFFFFu;
    if (mask == 0)
        return;
    if (bank->park.active != mask)
        ctb_park_switch(&bank->park, mask);
    bank->parts = 1;
    for (uint32_t left = mask; left != 0; left &= left - 1)
        if (s->parts[__builtin_ctz(left)] > bank->parts)
            bank->parts = s->parts[__builtin_ctz(left)];
    bank_pass(bank, mask);
    for (int hop = 0; hop < HOPS; hop++)
        bank_hop(bank, hop, rx + hop * HOP, tx + hop * HOP, mask);
    memmove(s->tx, s->tx + HOPS, HISTORY * sizeof s->tx[0]);
    bank->deaf = 0;
}

void ctb_echo_bank_deaf(ctb_echo_bank_t *bank, uint32_t lanes)
{
    bank->deaf = lanes;
}

void ctb_echo_bank_delay(ctb_echo_bank_t *bank, int lane, uint32_t delay)
{
    bank->delay[lane] = delay < CTB_ECHO_DELAY_MAX ? delay : CTB_ECHO_DELAY_MAX;
}

int32_t ctb_echo_bank_erle(const ctb_echo_bank_t *bank, int lane, int *double_talk)
{
    const lanes_t *s = &bank->lanes;
    *double_talk = s->active[lane] && s->near[lane];
    if (!(s->long_main[lane] > 0.0f))
        return 0;
    return ctb_ratio_cdb(s->long_rx[lane] / s->long_main[lane]);
}
