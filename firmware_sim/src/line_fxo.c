/* line_fxo.c - the card's ports that face the exchange: the loop as the card drives it, and
 * ringing, feed and polarity as the card sees them. */
#include "sim.h"

/* the loop as the exchange sees it */
static void drive_loop(ctb_board_t *b, sim_chan_t *c)
{
    bool closed = c->hook && !c->flashing && !c->pulse_open && !c->cut;
    sim_port_loop(b, c->port, closed);
}

static void flash_over(ctb_board_t *b, void *owner)
{
    sim_chan_t *c = owner;
    c->flashing = false;
    drive_loop(b, c);
}

static void tone_done(ctb_board_t *b, sim_chan_t *c, int reason)
{
    sim_post(b, c->index, CTB_EV_TONE_DONE, reason)->cookie = c->pulse.cookie;
}

static void pulse_timeout(ctb_board_t *b, void *owner)
{
    sim_chan_t *c = owner;
    uint64_t wait;
    c->pulse_open = c->pulse.open;
    drive_loop(b, c);
    if (sim_pulse_next(&c->pulse, &wait)) sim_timer_at(b, &c->pulse_timer, b->at + wait);
    else tone_done(b, c, CTB_DONE_END);
}

/* the exchange's feed: there unless cut or broken for a moment */
static void show_battery(ctb_board_t *b, sim_chan_t *c)
{
    bool battery = !c->cut && !c->broken;
    if (c->battery == battery) return;
    c->battery = battery;
    sim_post(b, c->index, CTB_EV_RAW_BATTERY, battery);
}

static void break_over(ctb_board_t *b, void *owner)
{
    sim_chan_t *c = owner;
    c->broken = false;
    show_battery(b, c);
}

void sim_fxo_init(sim_chan_t *c)
{
    c->battery = true;
    sim_timer_init(&c->pulse_timer, pulse_timeout, c);
    sim_timer_init(&c->line_timer, flash_over, c);
    sim_timer_init(&c->break_timer, break_over, c);
}

void sim_fxo_ring(ctb_board_t *b, sim_chan_t *c, bool on)
{
    if (on && c->missed_rings) {
        c->missed_rings--;
        return;
    }
    on = on && !c->cut;
    if (c->ring == on) return;
    c->ring = on;
    sim_post(b, c->index, CTB_EV_RAW_RING, on);
}

void sim_fxo_polarity(ctb_board_t *b, sim_chan_t *c, bool reversed)
{
    if (c->reversed == reversed) return;
    c->reversed = reversed;
    if (!c->cut) sim_post(b, c->index, CTB_EV_RAW_POLARITY, reversed);
}

void sim_fxo_break(ctb_board_t *b, sim_chan_t *c, uint32_t ms)
{
    c->broken = true;
    show_battery(b, c);
    sim_timer_at(b, &c->break_timer, b->at + SIM_MS(ms));
}

void sim_fxo_cut(ctb_board_t *b, sim_chan_t *c, bool cut)
{
    if (c->cut == cut) return;
    c->cut = cut;
    if (cut) sim_fxo_ring(b, c, false);
    show_battery(b, c);
    drive_loop(b, c);
}

static int hook(ctb_board_t *b, sim_chan_t *c, int closed)
{
    if (closed != 0 && closed != 1) return -EINVAL;
    c->hook = closed;
    if (!closed) {
        sim_timer_stop(b, &c->line_timer);
        c->flashing = false;
        if (c->pulse.active) {
            sim_timer_stop(b, &c->pulse_timer);
            c->pulse.active = c->pulse_open = false;
            tone_done(b, c, CTB_DONE_STOPPED);
        }
    }
    drive_loop(b, c);
    return 0;
}

static int flash(ctb_board_t *b, sim_chan_t *c, int ms)
{
    if (ms < 1 || ms > 5000) return -EINVAL;
    if (!c->hook) return -ENOTCONN;
    c->flashing = true;
    drive_loop(b, c);
    sim_timer_at(b, &c->line_timer, b->at + SIM_MS(ms));
    return 0;
}

static int pulse_dial(ctb_board_t *b, sim_chan_t *c, const ctb_args_t *a)
{
    uint64_t wait;
    if (!c->hook) return -ENOTCONN;
    if (c->pulse.active) return -EBUSY;
    int err = sim_pulse_start(&c->pulse, a->text, a->a, a->b);
    if (err) return err;
    c->pulse.cookie = a->cookie;
    if (sim_pulse_next(&c->pulse, &wait)) sim_timer_at(b, &c->pulse_timer, b->at + wait);
    else tone_done(b, c, CTB_DONE_END);
    return 0;
}

int sim_fxo_command(ctb_board_t *b, sim_chan_t *c, uint32_t op, const ctb_args_t *a)
{
    switch (op) {
    case CTB_OP_HOOK: return hook(b, c, a->a);
    case CTB_OP_FLASH: return flash(b, c, a->a);
    case CTB_OP_PULSE_DIAL: return pulse_dial(b, c, a);
    default: return -ENOSYS;
    }
}
