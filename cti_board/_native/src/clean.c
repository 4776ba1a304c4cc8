/* clean.c - line cleaning of channels: the echo canceller, then the automatic level.
 *
 * What: the received frame is replaced before anybody hears it: detectors, recorders and
 * listeners get the clean line.  How: the lanes of a group are expanded, cleaned and coded
 * again.  A line without sound either way for longer than any echo rests: time stands still
 * for it, with or without a jump over quiet frames.
 * A frame that never came teaches the canceller nothing.
 * Limits: a card that plays, records or connects by itself is not cleaned here: -ENOTSUP. */
#include <errno.h>
#include "engine.h"

#define REST_FRAMES 15             /* 300 ms: the longest delay and tail, and a frame */

/* samples from a frame that was sent to the first that its echo can reach */
static int32_t echo_delay(const ctb_slot_t *s)
{
    uint32_t buffers = s->elastic ? (s->rx_fill + s->tx_fill) * FRAME : 0;
    uint32_t delay = s->info.latency_rx + s->info.latency_tx + buffers;
    return (int32_t)(delay > CTB_ECHO_DELAY_MAX ? CTB_ECHO_DELAY_MAX : delay);
}

/* A card that sends by itself what we do not see, or hears before we do, is not cleaned here. */
bool ctb_host_sends_all(const ctb_chan_t *c)
{
    uint64_t sends = CTB_CAP_BOARD_PLAY | CTB_CAP_BOARD_TONE | CTB_CAP_BOARD_DIAL;
    return !(c->caps & CTB_CAP_BOARD_LISTEN) && !(c->caps & CTB_CAP_BOARD_RECORD && c->caps & sends);
}

static int arm(ctb_slot_t *s, ctb_chan_t *c)
{
    int rc = 0;
    ctb_group_t *g = &s->group[c->group];
    uint32_t lane = 1u << c->lane;
    g->echo_mask = c->clean.echo ? g->echo_mask | lane : g->echo_mask & ~lane;
    g->agc_mask = c->clean.level ? g->agc_mask | lane : g->agc_mask & ~lane;
    c->silent_frames = REST_FRAMES;
    c->echo_delay = -1;
    if (c->clean.level)
        rc = ctb_agc_bank_arm(g->agc, c->lane, &c->clean.agc_params);
    if (rc < 0 || !c->clean.echo)
        return rc;
    c->echo_delay = echo_delay(s);
    c->clean.echo_params.delay = (uint32_t)c->echo_delay;
    return ctb_echo_bank_arm(g->echo, c->lane, &c->clean.echo_params);
}

int ctb_clean_set(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a)
{
    ctb_clean_t want = {.echo = a->a != 0, .level = a->d != 0, .echo_params = ctb_echo_default,
                        .agc_params = ctb_agc_default};
    bool was = c->clean.echo || c->clean.level;
    int rc = 0;
    if (want.echo && !ctb_host_sends_all(c))
        return -ENOTSUP;
    if (want.level && c->caps & (CTB_CAP_BOARD_RECORD | CTB_CAP_BOARD_LISTEN))
        return -ENOTSUP;           /* its recordings and listeners would hear the line as it is */
    want.echo_params.tail_ms = (uint32_t)a->a;
    want.echo_params.nonlinear = a->b != 0;
    want.echo_params.tone_disable = a->c != 0;
    want.agc_params.target_dbm0 = (float)a->e / 100.0f;
    want.agc_params.max_gain_db = (float)a->f / 100.0f;
    if ((want.echo || want.level) && !ctb_lane_hold(s, c))
        return -ENOSPC;
    c->clean = want;
    if (c->lane >= 0 && (rc = arm(s, c)) < 0) {       /* words that the banks refuse: off */
        c->clean.echo = c->clean.level = false;
        arm(s, c);
    }
    ctb_lane_release(s, c);
    e->cleaning += (uint32_t)(c->clean.echo || c->clean.level) - (uint32_t)was;
    return rc;
}

/* lanes that have sound, or had it lately */
static uint32_t awake(const ctb_slot_t *s, ctb_group_t *g, uint32_t mask)
{
    uint32_t out = 0;
    for (uint32_t left = mask; left; left &= left - 1) {
        ctb_chan_t *c = g->chan[__builtin_ctz(left)];
        if (ctb_bit(s->rx_live, c->number) || ctb_bit(s->tx_live, c->number))
            c->silent_frames = 0;
        else if (c->silent_frames < REST_FRAMES)
            c->silent_frames++;
        if (c->silent_frames < REST_FRAMES)
            out |= left & -left;
    }
    return out;
}

/* a board's buffer slipped: the echo comes from another place, over the same path */
static void follow_slips(ctb_slot_t *s, ctb_group_t *g)
{
    for (uint32_t left = g->echo_mask; left; left &= left - 1) {
        ctb_chan_t *c = g->chan[__builtin_ctz(left)];
        if (c->echo_delay == echo_delay(s))
            continue;
        c->echo_delay = echo_delay(s);
        ctb_echo_bank_delay(g->echo, c->lane, (uint32_t)c->echo_delay);
    }
}

static void clean_group(ctb_slot_t *s, ctb_group_t *g)
{
    static _Thread_local float rx[FRAME][CTB_LANES] __attribute__((aligned(64)));
    static _Thread_local float tx[FRAME][CTB_LANES] __attribute__((aligned(64)));
    uint32_t lanes = awake(s, g, g->echo_mask | g->agc_mask);
    uint8_t *dst[CTB_LANES] = {0};
    uint32_t deaf = 0;
    if (s->elastic)
        follow_slips(s, g);
    if (!lanes)
        return;
    ctb_group_lanes(rx, s, g, false);
    for (uint32_t left = lanes; left; left &= left - 1)
        if (!ctb_bit(s->rx_live, g->chan[__builtin_ctz(left)]->number))
            deaf |= left & -left;
    if (lanes & g->echo_mask) {
        ctb_group_lanes(tx, s, g, true);
        ctb_echo_bank_deaf(g->echo, deaf);
        ctb_echo_bank_run(g->echo, rx, (const float (*)[CTB_LANES])tx, lanes & g->echo_mask);
    }
    if (lanes & g->agc_mask & ~deaf)
        ctb_agc_bank_run(g->agc, rx, lanes & g->agc_mask & ~deaf);
    for (uint32_t left = lanes; left; left &= left - 1) {
        const ctb_chan_t *c = g->chan[__builtin_ctz(left)];
        if (ctb_bit(s->rx_live, c->number))       /* silence stays silence */
            dst[c->lane] = s->rx + (size_t)c->number * FRAME;
    }
    ctb_lanes_to_alaw(dst, (const float (*)[CTB_LANES])rx);
}

void ctb_clean_frame(ctb_engine_t *e)
{
    for (uint32_t b = 0; e->cleaning && b < CTB_MAX_BOARDS; b++) {
        ctb_slot_t *s = ctb_slot(e, b);
        for (uint32_t g = 0; s && g < s->groups; g++)
            if (s->group[g].echo_mask | s->group[g].agc_mask)
                clean_group(s, &s->group[g]);
    }
}

bool ctb_clean_resting(const ctb_engine_t *e)
{
    for (uint32_t b = 0; e->cleaning && b < CTB_MAX_BOARDS; b++) {
        const ctb_slot_t *s = &e->slot[b];
        for (uint32_t i = 0; s->open && i < s->channels; i++)
            if ((s->chan[i].clean.echo || s->chan[i].clean.level) && s->chan[i].silent_frames < REST_FRAMES)
                return false;
    }
    return true;
}
