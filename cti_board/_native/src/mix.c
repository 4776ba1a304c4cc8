/* mix.c - what each channel sends in this frame: the sum of what was put on it.
 *
 * What: players, tones, digits, one listened channel, a conference.  How: one source alone
 * is a copy of A-law bytes; several are summed in linear and coded once.  A listened channel
 * is heard one frame later (20 ms). */
#include <string.h>
#include "engine.h"

/* Player's next bytes; pads with idle.  Returns samples of sound; ends the player at its end. */
static uint64_t player_take(ctb_engine_t *e, ctb_chan_t *c, int i, uint8_t *out)
{
    ctb_player_t *p = c->player[i];
    uint64_t n = p->paused ? 0 : ctb_ring_read(&p->ring, out, FRAME);
    p->played += n;
    if (n)
        p->started = true;
    if (!__atomic_load_n(&p->ring.closed, __ATOMIC_ACQUIRE)) {
        if (ctb_ring_used(&p->ring) + CTB_IO_CHUNK <= p->ring.size)
            ctb_io_want(e);
        if (n < FRAME && p->started && !p->paused) {
            e->stats.underruns++;
            ctb_emit_simple(e, CTB_EV_MEDIA_UNDERRUN, c->board, c->number, e->frames * FRAME + n,
                            p->cookie, (int)(FRAME - n), 0, 0, 0);
        }
    } else if (!p->paused && !ctb_ring_used(&p->ring)) {
        int error = atomic_load(&p->io_error);
        ctb_end_player(e, c, i, error ? CTB_DONE_ERROR : CTB_DONE_END, error, e->frames * FRAME + n);
    }
    return n;
}

static void add_alaw(int32_t *acc, const uint8_t *in, uint64_t n, int gain_q12)
{
    int16_t linear[FRAME];
    ctb_alaw_decode(linear, in, n);
    if (gain_q12 == 4096)
        for (uint64_t i = 0; i < n; i++)
            acc[i] += linear[i];
    else
        for (uint64_t i = 0; i < n; i++)
            acc[i] += (int32_t)((int64_t)linear[i] * gain_q12 >> 12);
}

static int16_t clamp(int32_t v) { return (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v); }

static void code(uint8_t *tx, const int32_t *acc)
{
    int16_t linear[FRAME];
    for (int i = 0; i < FRAME; i++)
        linear[i] = clamp(acc[i]);
    ctb_alaw_encode(tx, linear, FRAME);
}

static const uint8_t *listened(ctb_engine_t *e, const ctb_chan_t *c)
{
    if (c->listen_board < 0)
        return NULL;
    ctb_slot_t *s = ctb_slot(e, (uint32_t)c->listen_board);
    if (!s || (uint32_t)c->listen_channel >= s->channels || !ctb_bit(s->rx_live, (uint32_t)c->listen_channel))
        return NULL;
    return s->rx + (size_t)c->listen_channel * FRAME;
}

static void tones_add(ctb_engine_t *e, ctb_chan_t *c, int32_t *acc)
{
    if (c->tone_on) {
        size_t n = ctb_tone_gen_add(c->tone, acc, FRAME);
        if (n < FRAME) {
            c->tone_on = false;
            ctb_emit_simple(e, CTB_EV_TONE_DONE, c->board, c->number, e->frames * FRAME + n, c->tone_cookie,
                            CTB_DONE_END, 0, 0, 0);
        }
    }
    if (c->dial_on) {
        size_t n = ctb_dial_gen_add(c->dial, acc, FRAME);
        if (n < FRAME) {
            c->dial_on = false;
            ctb_emit_simple(e, CTB_EV_TONE_DONE, c->board, c->number, e->frames * FRAME + n, c->dial_cookie,
                            CTB_DONE_END, 0, 0, 0);
        }
    }
}

static void fax_add(ctb_engine_t *e, ctb_chan_t *c, int32_t *acc)
{
    size_t n = ctb_fax_gen_add(c->fax, acc, FRAME);
    if (n == FRAME)
        return;
    c->fax_on = false;
    ctb_emit_simple(e, CTB_EV_TONE_DONE, c->board, c->number, e->frames * FRAME + n, c->fax_cookie,
                    CTB_DONE_END, 0, 0, 0);
}

static void conf_add(ctb_engine_t *e, ctb_chan_t *c, int32_t *acc)
{
    ctb_conf_t *conf = &e->conf[c->conf];
    for (uint32_t m = 0; m < conf->members; m++)
        if (conf->member[m] == c) {
            bool talks = c->conf_mode == 1;
            for (int i = 0; i < FRAME; i++)
                acc[i] += conf->sum[i] - (talks ? conf->own[m][i] : 0);
        }
}

static void conf_sums(ctb_engine_t *e)
{
    for (uint32_t k = 0; e->conferring && k < CTB_MAX_CONFERENCES; k++) {
        ctb_conf_t *conf = &e->conf[k];
        if (!conf->members)
            continue;
        memset(conf->sum, 0, sizeof conf->sum);
        for (uint32_t m = 0; m < conf->members; m++) {
            ctb_chan_t *c = conf->member[m];
            ctb_slot_t *s = &e->slot[c->board];
            if (c->conf_mode == 1 && ctb_bit(s->rx_live, c->number))
                ctb_alaw_decode(conf->own[m], s->rx + (size_t)c->number * FRAME, FRAME);
            else
                memset(conf->own[m], 0, sizeof conf->own[m]);
            for (int i = 0; i < FRAME; i++)
                conf->sum[i] += conf->own[m][i];
        }
    }
}

/* Host-side players of the channel; a card's own players are not the host's to read. */
static uint32_t host_players(const ctb_chan_t *c, int *only)
{
    uint32_t n = 0;
    for (int i = 0; i < CHAN_PLAYERS; i++)
        if (c->player[i] && !c->player[i]->on_board)
            n++, *only = i;
    return n;
}

/* The card reads these rings itself; the host only keeps them filled. */
static void feed_board_players(ctb_engine_t *e, const ctb_chan_t *c)
{
    for (int i = 0; i < CHAN_PLAYERS; i++) {
        const ctb_player_t *p = c->player[i];
        if (p && p->on_board && !__atomic_load_n(&p->ring.closed, __ATOMIC_ACQUIRE) &&
            ctb_ring_used(&p->ring) + CTB_IO_CHUNK <= p->ring.size)
            ctb_io_want(e);
    }
}

static void speak(ctb_engine_t *e, ctb_chan_t *c)
{
    ctb_slot_t *s = &e->slot[c->board];
    uint8_t *tx = s->tx + (size_t)c->number * FRAME, bytes[FRAME];
    const uint8_t *heard = listened(e, c);
    int only = 0;
    uint32_t players = host_players(c, &only);
    bool tones = c->tone_on || c->dial_on || c->fax_on, conf = c->conf >= 0;
    if (c->players > players)
        feed_board_players(e, c);
    if (!players && !tones && !conf) {
        if (heard) {
            memcpy(tx, heard, FRAME);
            ctb_set_bit(s->tx_live, c->number);
        }
        return;
    }
    if (players == 1 && !tones && !conf && !heard && c->player[only]->gain_q12 == 4096) {
        uint64_t n = player_take(e, c, only, tx);
        memset(tx + n, CTB_IDLE_ALAW, FRAME - n);
        if (n)
            ctb_set_bit(s->tx_live, c->number);
        return;
    }
    int32_t acc[FRAME] = {0};
    for (int i = 0; i < CHAN_PLAYERS; i++)
        if (c->player[i] && !c->player[i]->on_board) {
            int gain = c->player[i]->gain_q12;
            add_alaw(acc, bytes, player_take(e, c, i, bytes), gain);
        }
    if (heard)
        add_alaw(acc, heard, FRAME, 4096);
    tones_add(e, c, acc);
    if (c->fax_on)
        fax_add(e, c, acc);
    if (conf)
        conf_add(e, c, acc);
    code(tx, acc);
    ctb_set_bit(s->tx_live, c->number);
}

void ctb_mix_frame(ctb_engine_t *e)
{
    for (uint32_t b = 0; b < CTB_MAX_BOARDS; b++)
        if (e->slot[b].open)
            memset(e->slot[b].tx_live, 0, e->slot[b].words * sizeof(uint64_t));
    conf_sums(e);
    for (uint32_t i = 0; i < e->speakings; i++)
        speak(e, e->speaking[i]);
    for (uint32_t i = 0; i < e->speakings;) {       /* those that fell silent leave the list */
        ctb_chan_t *c = e->speaking[i];
        ctb_speaking_update(e, c);
        if (c->tx_place >= 0)
            i++;
    }
}
