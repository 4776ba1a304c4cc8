/* faults.c - things that go wrong in the street, and options of the exchange's lines. */
#include "sim.h"

static bool is_flag(int value)
{
    return value == 0 || value == 1;
}

static sim_chan_t *channel(ctb_board_t *b, int number, uint32_t type)
{
    if (number < 0 || (uint32_t)number >= b->chan_count) return NULL;
    sim_chan_t *c = &b->chans[number];
    return !type || c->type == type ? c : NULL;
}

static int line_cut(ctb_board_t *b, const ctb_args_t *a)
{
    sim_chan_t *c = channel(b, a->c, 0);
    if (!c || c->type == CTB_LINE_E1_CAS || !is_flag(a->d)) return -EINVAL;
    if (c->type == CTB_LINE_FXO) sim_fxo_cut(b, c, a->d);
    else sim_fxs_cut(b, c, a->d);
    return 0;
}

static int stuck_key(ctb_board_t *b, uint32_t end, const ctb_args_t *a)
{
    double hz[2];
    sim_tel_t *t = &b->tels[end];
    if (!is_flag(a->d)) return -EINVAL;
    if (!a->d) {
        t->stuck = 0;
        return 0;
    }
    if (sim_dtmf_hz(a->text[0], hz)) return -EINVAL;
    t->stuck = a->text[0];
    sim_osc_start(&t->stuck_osc[0], hz[0], -9.0);      /* as DIAL without levels */
    sim_osc_start(&t->stuck_osc[1], hz[1], -7.0);
    return 0;
}

/* ---- alarms ---------------------------------------------------------------------------- */

#define NO_FRAME (CTB_ALARM_LOS | CTB_ALARM_AIS | CTB_ALARM_LFA)

bool sim_span_silent(const ctb_board_t *b, uint32_t span)
{
    return b->spans[span].alarms & NO_FRAME;
}

bool sim_span_frozen(const ctb_board_t *b, uint32_t span)
{
    return b->spans[span].alarms & (NO_FRAME | CTB_ALARM_LMFA);
}

static void tell_alarm(ctb_board_t *b, uint32_t span, uint32_t bit, bool raised)
{
    uint32_t kind = raised ? CTB_EV_ALARM_RAISED : CTB_EV_ALARM_CLEARED;
    sim_post(b, CTB_NO_CHANNEL, kind, (int32_t)bit)->span = (uint16_t)span;
}

/* alarms by fault, and RAI that the far end sends back when the card gives it no good signal */
void sim_alarms_set(ctb_board_t *b, uint32_t span, uint32_t far_alarms, uint32_t sent)
{
    sim_span_t *s = &b->spans[span];
    s->far_alarms = far_alarms;
    s->sent_alarms = sent;
    uint32_t alarms = far_alarms | ((sent & NO_FRAME) ? (uint32_t)CTB_ALARM_RAI : 0u);
    uint32_t changed = alarms ^ s->alarms;
    s->alarms = alarms;
    for (uint32_t bit = 1; bit <= CTB_ALARM_RAI; bit <<= 1)
        if (changed & bit) tell_alarm(b, span, bit, alarms & bit);
    if (!sim_span_frozen(b, span)) sim_e1_thaw(b, span);
}

static sim_span_t *e1_span(ctb_board_t *b, int number)
{
    if (number < 0 || (uint32_t)number >= b->span_count) return NULL;
    return b->spans[number].kind == CTB_SPAN_E1 ? &b->spans[number] : NULL;
}

static int alarm(ctb_board_t *b, const ctb_args_t *a)
{
    sim_span_t *s = e1_span(b, a->c);
    if (!s || a->d < 0 || a->d >= 2 * CTB_ALARM_RAI) return -EINVAL;
    sim_alarms_set(b, (uint32_t)a->c, (uint32_t)a->d, s->sent_alarms);
    return 0;
}

/* ---- the rest ------------------------------------------------------------------------------ */

static int no_dial_tone(ctb_board_t *b, const ctb_args_t *a)
{
    sim_chan_t *c = channel(b, a->c, CTB_LINE_FXO);
    if (!c || !is_flag(a->d)) return -EINVAL;
    c->port->dead = a->d;
    if (a->d && c->port->tone == CTB_TONE_DIAL) c->port->tone = CTB_TONE_NONE;
    return 0;
}

static int missed_ring(ctb_board_t *b, const ctb_args_t *a)
{
    sim_chan_t *c = channel(b, a->c, CTB_LINE_FXO);
    if (!c || a->d < 0) return -EINVAL;
    c->missed_rings = (uint32_t)a->d;
    return 0;
}

int sim_fault(ctb_board_t *b, uint32_t end, const ctb_args_t *a)
{
    sim_span_t *span;
    switch (a->b) {
    case CTB_SF_LINE_CUT: return line_cut(b, a);
    case CTB_SF_STUCK_KEY: return stuck_key(b, end, a);
    case CTB_SF_ALARM: return alarm(b, a);
    case CTB_SF_MISSED_RING: return missed_ring(b, a);
    case CTB_SF_NO_DIAL_TONE: return no_dial_tone(b, a);
    case CTB_SF_STOP_CLOCK:
        if (a->d < -1) return -EINVAL;
        b->stopped = a->d;
        return 0;
    case CTB_SF_CONGESTION:
        if (!is_flag(a->d)) return -EINVAL;
        b->congestion = a->d;
        return 0;
    case CTB_SF_NO_SEIZE_ACK:
        span = e1_span(b, a->c);
        if (!span || !is_flag(a->d)) return -EINVAL;
        span->no_ack = a->d;
        return 0;
    default: return -EINVAL;
    }
}

static int set_option(sim_port_t *p, int option, int value)
{
    uint32_t on = (uint32_t)value >> 16, off = (uint32_t)value & 0xFFFFu;
    switch (option) {
    case CTB_SO_CLEAR:
        if (value < 0 || value > 7) return -EINVAL;
        p->clear = (uint8_t)value;
        return 0;
    case CTB_SO_ANSWER_REVERSAL:
        if (!is_flag(value)) return -EINVAL;
        p->answer_reversal = value;
        return 0;
    case CTB_SO_CALLER_ID:
        if (value < 0 || value > 3) return -EINVAL;
        p->caller_id = (uint8_t)value;
        return 0;
    case CTB_SO_RING_MS:
        if (!on || !off) return -EINVAL;
        memset(p->ring_ms, 0, sizeof p->ring_ms);
        p->ring_ms[0][0] = (uint16_t)on;
        p->ring_ms[0][1] = (uint16_t)off;
        return 0;
    default: return -EINVAL;
    }
}

int sim_option(ctb_board_t *b, const ctb_args_t *a)
{
    sim_chan_t *c = channel(b, a->c, CTB_LINE_FXO);
    if (c) return set_option(c->port, a->b, a->d);
    if (a->c != -1) return -EINVAL;
    int result = 0;
    for (uint32_t i = 0; i < b->spec.fxo && !result; i++)
        result = set_option(b->chans[i].port, a->b, a->d);
    return result;
}
