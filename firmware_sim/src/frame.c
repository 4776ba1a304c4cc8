/* frame.c - one frame of the whole street, or many quiet ones at once.
 * Only what is at work is looked at: the lists of busy telephones, ports and channels. */
#include "sim.h"

static inline bool bit_set(const uint64_t *bits, uint32_t i)
{
    return bits[i >> 6] >> (i & 63) & 1u;
}

/* ---- the card's edge ---------------------------------------------------------------------- */

/* a delay of whole frames: put one in, take the oldest out */
static sim_sig_t delay(ctb_board_t *b, struct sim_late *late, sim_sig_t sig, uint8_t *out)
{
    uint32_t slot = (uint32_t)(b->frame % b->spec.latency);
    uint8_t *place = late->frames + (size_t)slot * SIM_N;
    bool live = late->live[slot];
    if (live) memcpy(out, place, SIM_N);
    if (sig) memcpy(place, sig, SIM_N);
    late->pending += (uint32_t)(sig != NULL) - (uint32_t)live;
    late->live[slot] = sig != NULL;
    return live ? out : NULL;
}

static sim_sig_t mapped(uint8_t *out, sim_sig_t in, const uint8_t *map)
{
    for (uint32_t i = 0; i < SIM_N; i++) out[i] = map[in[i]];
    return out;
}

static void chan_send(ctb_board_t *b, sim_chan_t *c, sim_sig_t host)
{
    uint8_t late[SIM_N];
    if (host && b->spec.ulaw) host = mapped(c->tx_buffer, host, sim_ulaw_to_alaw);
    if (c->place >= 0) host = sim_media_tx(b, c, host);
    if (host && c->gain_tx) host = mapped(c->tx_buffer, host, c->map_tx);
    if (b->spec.latency) {
        host = delay(b, &c->late_tx, host, late);
        if (host) host = memcpy(c->tx_buffer, late, SIM_N);
    }
    c->tx = host;
    c->tx_frame = b->frame;
    if (host && c->type == CTB_LINE_FXS && !c->tel->loop) sim_display_wake(b, c->tel);
}

static void to_host(ctb_board_t *b, const sim_chan_t *c, sim_sig_t sig)
{
    uint8_t *out = b->rx + (size_t)c->index * SIM_N;
    if (!sig) return;
    if (b->spec.ulaw) mapped(out, sig, sim_alaw_to_ulaw);
    else memcpy(out, sig, SIM_N);
    b->rx_live[c->index >> 6] |= 1ull << (c->index & 63);
}

void sim_chan_rx(ctb_board_t *b, sim_chan_t *c, sim_sig_t sig)
{
    if (sig && c->gain_rx) sig = mapped(c->rx_buffer, sig, c->map_rx);
    c->rx = sig;
    c->rx_frame = b->frame;
    if (!b->spec.latency) to_host(b, c, sig);
}

static void send_all(ctb_board_t *b, const uint8_t *tx, const uint64_t *live)
{
    if (b->spec.latency) {
        for (uint32_t i = 0; i < b->chan_count; i++)
            chan_send(b, &b->chans[i], bit_set(live, i) ? tx + (size_t)i * SIM_N : NULL);
        return;
    }
    for (uint32_t word = 0; word * 64 < b->chan_count; word++)
        for (uint64_t bits = live[word]; bits; bits &= bits - 1) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(bits);
            if (i < b->chan_count && b->chans[i].place < 0)
                chan_send(b, &b->chans[i], tx + (size_t)i * SIM_N);
        }
    for (uint32_t k = 0; k < b->busy_chan_count; k++) {
        sim_chan_t *c = b->busy_chans[k];
        chan_send(b, c, bit_set(live, c->index) ? tx + (size_t)c->index * SIM_N : NULL);
    }
}

static void receive_late(ctb_board_t *b)
{
    uint8_t out[SIM_N];
    for (uint32_t i = 0; i < b->chan_count; i++) {
        sim_chan_t *c = &b->chans[i];
        sim_sig_t sig = c->rx_frame == b->frame ? c->rx : NULL;
        if (sig || c->late_rx.pending) to_host(b, c, delay(b, &c->late_rx, sig, out));
    }
}

/* ---- lists of the busy: whoever has no more work drops out here ------------------------------ */

static void drop_idle_tels(ctb_board_t *b)
{
    for (uint32_t i = 0; i < b->busy_tel_count;) {
        sim_tel_t *t = b->busy_tels[i];
        if (sim_tel_works(t)) {
            i++;
            continue;
        }
        t->place = -1;
        b->busy_tels[i] = b->busy_tels[--b->busy_tel_count];
        if (i < b->busy_tel_count) b->busy_tels[i]->place = (int32_t)i;
    }
}

static void drop_idle_ports(ctb_board_t *b)
{
    for (uint32_t i = 0; i < b->busy_port_count;) {
        sim_port_t *p = b->busy_ports[i];
        if (sim_port_works(p)) {
            i++;
            continue;
        }
        p->place = -1;
        b->busy_ports[i] = b->busy_ports[--b->busy_port_count];
        if (i < b->busy_port_count) b->busy_ports[i]->place = (int32_t)i;
    }
}

void sim_chan_wake(ctb_board_t *b, sim_chan_t *c)
{
    if (c->place >= 0 || !c->media || !sim_media_works(c)) return;
    c->place = (int32_t)b->busy_chan_count;
    b->busy_chans[b->busy_chan_count++] = c;
}

static void drop_idle_chans(ctb_board_t *b)
{
    for (uint32_t i = 0; i < b->busy_chan_count;) {
        sim_chan_t *c = b->busy_chans[i];
        if (sim_media_works(c)) {
            i++;
            continue;
        }
        c->place = -1;
        b->busy_chans[i] = b->busy_chans[--b->busy_chan_count];
        if (i < b->busy_chan_count) b->busy_chans[i]->place = (int32_t)i;
    }
}

/* ---- the frame ---------------------------------------------------------------------------------- */

static void add_echoes(ctb_board_t *b)
{
    for (uint32_t i = 0; i < b->busy_tel_count; i++) {
        sim_tel_t *t = b->busy_tels[i];
        if (!t->loop || !t->impair || !t->impair->echo) continue;
        sim_sig_t down = t->fxs ? sim_chan_tx(b, t->fxs) : sim_port_down(b, t->port, false);
        if (!down && !sim_impair_sounds(t->impair, b->now)) continue;
        if (!t->mouth) memset(t->line_up, 0, sizeof t->line_up);
        sim_impair_up_echo(t->impair, down, b->now, t->line_up);
        sim_encode(t->mouth_buffer, t->line_up, SIM_N);
        t->mouth = t->mouth_buffer;
        if (t->port) sim_port_up(b, t->port);
    }
}

static void carry_sound(ctb_board_t *b)
{
    for (uint32_t i = 0; i < b->busy_tel_count; i++) sim_tel_mouth(b, b->busy_tels[i]);
    for (uint32_t i = 0; i < b->busy_port_count; i++) sim_port_up(b, b->busy_ports[i]);
    if (b->echoes) add_echoes(b);
    for (uint32_t i = 0; i < b->busy_port_count; i++) {
        sim_port_t *p = b->busy_ports[i];
        sim_sig_t down = sim_port_down(b, p, true);
        if (p->kind == SIM_OUTSIDE) p->tel->heard = down;
        else if (p->kind == SIM_TRUNK_FXO ? !p->chan->cut : !sim_span_silent(b, p->chan->span))
            sim_chan_rx(b, p->chan, down);
        sim_port_receive(b, p);
    }
    for (uint32_t i = 0; i < b->busy_tel_count; i++) {
        sim_tel_t *t = b->busy_tels[i];
        if (t->fxs && t->loop && sim_fxs_connected(t->fxs)) {
            sim_chan_rx(b, t->fxs, t->mouth);
            t->heard = sim_chan_tx(b, t->fxs);
        } else if (t->fxs && t->display.frames) {
            sim_display_run(b, t, t->fxs->cut || t->fxs->broken ? NULL : sim_chan_tx(b, t->fxs));
        }
        sim_tel_listen(b, t);
    }
}

/* what was understood in this frame takes effect at its end */
static void act_on_found(ctb_board_t *b)
{
    b->at = b->now + SIM_N;
    for (uint32_t i = 0; i < b->found_count; i++) {
        sim_port_t *p = b->found[i];
        char digit = p->found;
        p->found = 0;
        if (digit) sim_port_digit(b, p, digit);
        else sim_e1_address_sent(b, p);
    }
    b->found_count = 0;
}

int sim_frame(ctb_board_t *b, const uint8_t *tx, const uint64_t *tx_live, uint8_t *rx,
              uint64_t *rx_live)
{
    memset(rx_live, 0, (b->chan_count + 63) / 64 * sizeof *rx_live);
    if (b->stopped) {
        if (b->stopped > 0) b->stopped--;
        return 0;
    }
    b->rx = rx;
    b->rx_live = rx_live;
    sim_timers_run(b, b->now + SIM_N);
    drop_idle_tels(b);
    drop_idle_ports(b);
    drop_idle_chans(b);
    send_all(b, tx, tx_live);
    carry_sound(b);
    if (b->spec.latency) receive_late(b);
    for (uint32_t i = 0; i < b->busy_chan_count; i++) sim_media_rx(b, b->busy_chans[i]);
    act_on_found(b);
    b->now += SIM_N;
    b->frame++;
    return 1;
}

/* ---- quiet frames ---------------------------------------------------------------------------------- */

static bool all_rests(const ctb_board_t *b)
{
    if (b->stopped || b->event_count) return false;
    for (uint32_t i = 0; i < b->busy_tel_count; i++)
        if (!sim_tel_rests(b->busy_tels[i], b->now)) return false;
    for (uint32_t i = 0; i < b->busy_port_count; i++)
        if (!sim_port_rests(b->busy_ports[i])) return false;
    for (uint32_t i = 0; i < b->busy_chan_count; i++)
        if (!sim_media_rests(b->busy_chans[i])) return false;
    for (uint32_t i = 0; b->spec.latency && i < b->chan_count; i++)
        if (b->chans[i].late_tx.pending || b->chans[i].late_rx.pending) return false;
    return true;
}

int64_t sim_skip(ctb_board_t *b, int64_t max_frames, int *never)
{
    *never = 0;
    if (max_frames <= 0 || !all_rests(b)) return 0;
    *never = b->heap_count == 0;
    if (b->heap_count) {
        int64_t quiet = (int64_t)((b->heap[0]->at - b->now) / SIM_N);
        if (b->heap[0]->at < b->now || quiet < max_frames)
            max_frames = b->heap[0]->at < b->now ? 0 : quiet;
    }
    b->now += (uint64_t)max_frames * SIM_N;
    b->frame += (uint64_t)max_frames;
    b->at = b->now;
    return max_frames;
}
