/* line_fxs.c - the card's ports that face a telephone: ringing current, ring trip, feed. */
#include "sim.h"

static void burst_timeout(ctb_board_t *b, void *owner);
static void feed_back(ctb_board_t *b, void *owner);

void sim_fxs_init(sim_chan_t *c)
{
    sim_timer_init(&c->pulse_timer, NULL, c);
    sim_timer_init(&c->line_timer, feed_back, c);
    sim_timer_init(&c->break_timer, burst_timeout, c);
}

bool sim_fxs_connected(const sim_chan_t *c)
{
    return c->hook && !c->cut && !c->broken;
}

/* the loop as the card sees it; lifting the handset trips the ring, in a burst or between two */
void sim_fxs_loop(ctb_board_t *b, sim_chan_t *c)
{
    bool closed = c->tel->loop && !c->cut;
    if (c->hook == closed) return;
    c->hook = closed;
    if (closed && c->ring_on_ms) sim_fxs_ring_stop(b, c, true);
    sim_post(b, c->index, CTB_EV_RAW_HOOK, closed);
}

void sim_fxs_cut(ctb_board_t *b, sim_chan_t *c, bool cut)
{
    if (c->cut == cut) return;
    c->cut = cut;
    if (cut && c->ring_burst) sim_tel_ring_over(b, c->tel, false);
    sim_fxs_loop(b, c);
}

static void tell_caller(ctb_board_t *b, sim_chan_t *c)
{
    if (!c->cut) sim_tel_report(b, c->tel, CTB_SE_CALLER_ID, 0, 0, c->ring_number);
}

static void burst_timeout(ctb_board_t *b, void *owner)
{
    sim_chan_t *c = owner;
    c->ring = !c->ring;
    if (!c->cut) sim_tel_ring(b, c->tel, c->ring);
    if (c->ring && c->ring_burst++ == 0 && c->ring_caller_id == 2) tell_caller(b, c);
    if (!c->ring && c->ring_burst == 1 && c->ring_caller_id == 1) tell_caller(b, c);
    sim_timer_at(b, &c->break_timer, b->at + SIM_MS(c->ring ? c->ring_on_ms : c->ring_off_ms));
}

void sim_fxs_ring_stop(ctb_board_t *b, sim_chan_t *c, bool answered)
{
    if (!c->ring_on_ms) return;
    sim_timer_stop(b, &c->break_timer);
    c->ring_on_ms = 0;
    c->ring = false;
    if (!c->cut && c->ring_burst) sim_tel_ring_over(b, c->tel, answered);
    c->ring_burst = 0;
}

static int ring(ctb_board_t *b, sim_chan_t *c, const ctb_args_t *a)
{
    if (a->a == 0) {
        sim_fxs_ring_stop(b, c, false);
        return 0;
    }
    if (a->a < 0 || a->b <= 0 || a->a > 60000 || a->b > 60000 || a->c < 0 || a->c > 2)
        return -EINVAL;
    if (c->hook) return 0;                   /* off-hook already: tripped at once */
    bool goes_on = c->ring_on_ms != 0;
    c->ring_on_ms = (uint32_t)a->a;
    c->ring_off_ms = (uint32_t)a->b;
    c->ring_caller_id = a->text[0] && b->spec.board_media ? a->c : 0;
    memcpy(c->ring_number, a->text, sizeof c->ring_number - 1);
    if (goes_on) return 0;
    c->ring_burst = 0;
    sim_timer_at(b, &c->break_timer, b->at);
    return 0;
}

static void feed_back(ctb_board_t *b, void *owner)
{
    (void)b;
    ((sim_chan_t *)owner)->broken = false;
}

int sim_fxs_command(ctb_board_t *b, sim_chan_t *c, uint32_t op, const ctb_args_t *a)
{
    switch (op) {
    case CTB_OP_RING: return ring(b, c, a);
    case CTB_OP_POLARITY:
        if (a->a != 0 && a->a != 1) return -EINVAL;
        c->reversed = a->a;
        return 0;
    case CTB_OP_LOOP_BREAK:
        if (a->a < 1 || a->a > 5000) return -EINVAL;
        c->broken = true;
        sim_timer_at(b, &c->line_timer, b->at + SIM_MS(a->a));
        return 0;
    default: return -ENOSYS;
    }
}
