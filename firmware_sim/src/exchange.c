/* exchange.c - the line circuits of the exchange: who is off-hook, who hears what.
 *
 * A port is an outside subscriber's line, an FXO line of the card or an E1 timeslot.
 * First-party release: whoever leaves, the other hears that the call is over. */
#include "sim.h"

#include <stdio.h>

#define DIAL_TONE_DELAY_MS 200u     /* chosen: a digital exchange needs 100..400 ms */
#define FIRST_DIGIT_MS     20000u   /* chosen, ITU-T E.180-era practice: 10..20 s */
#define INTERDIGIT_MS      5000u    /* chosen: digits are counted, so this is for short numbers */
#define CLEAR_MS           400u     /* chosen: shorter openings are pulses or a flash */
#define PULSE_MAX_MS       150u     /* chosen: a break of 10 pulses/s is 60..70 ms */
#define PULSE_END_MS       300u     /* chosen: longer than any make, shorter than a pause */
#define BUSY_MS            60000u   /* then the howler ... */
#define HOWLER_MS          60000u   /* ... then the line is parked (chosen) */
#define BREAK_MS           400u     /* loop break that tells of clearing; Telcordia: 350 ms up */

static void state_timeout(ctb_board_t *b, void *owner);
static void loop_timeout(ctb_board_t *b, void *owner);
static void send_caller_id(ctb_board_t *b, sim_port_t *p);

void sim_port_init(ctb_board_t *b, sim_port_t *p, enum sim_port_kind kind, uint32_t index)
{
    static const char *const form[] = { "88%06u", "66%06u", "7700%04u" };
    p->b = b;
    p->kind = kind;
    p->index = index;
    p->place = -1;
    snprintf(p->number, sizeof p->number, form[kind], index);
    p->caller_id = 1;
    p->clear = 1;
    memcpy(p->ring_ms, b->spec.country->ring_ms, sizeof p->ring_ms);
    sim_timer_init(&p->state_timer, state_timeout, p);
    sim_timer_init(&p->loop_timer, loop_timeout, p);
    sim_timer_init(&p->ring_timer, sim_ring_timeout, p);
    if (kind == SIM_TRUNK_E1) sim_e1_init(p);
}

/* ---- which ports have work in a frame ----------------------------------------------- */

bool sim_port_works(const sim_port_t *p)
{
    switch (p->state) {
    case SIM_REGISTER: case SIM_TALK: case SIM_TONE: return true;
    case SIM_CALLING: return p->tone != CTB_TONE_NONE;
    default: return p->dtmf.active || p->fsk.active;
    }
}

/* nothing would change if a frame of silence from the subscribers went by */
bool sim_port_rests(const sim_port_t *p)
{
    return !p->tone && !p->dtmf.active && !p->fsk.active &&
           (p->state != SIM_REGISTER || sim_digit_rests(&p->rx));
}

void sim_port_wake(ctb_board_t *b, sim_port_t *p)
{
    if (p->place >= 0 || !sim_port_works(p)) return;
    p->place = (int32_t)b->busy_port_count;
    b->busy_ports[b->busy_port_count++] = p;
}

void sim_port_state(ctb_board_t *b, sim_port_t *p, enum sim_port_state state)
{
    p->state = state;
    p->tone = CTB_TONE_NONE;
    sim_timer_stop(b, &p->state_timer);
    sim_port_wake(b, p);
}

void sim_port_tone(ctb_board_t *b, sim_port_t *p, int tone)
{
    p->tone = tone;
    p->tone_frame = b->at == b->now + SIM_N ? b->frame + 1 : b->frame;
    sim_port_wake(b, p);
}

/* ---- the loop of an analog line --------------------------------------------------------- */

void sim_exchange_register(ctb_board_t *b, sim_port_t *p)
{
    p->digit_count = 0;
    p->pulses = 0;
    p->caller = true;
    p->from[0] = 0;
    sim_digit_reset(&p->rx);
    sim_port_state(b, p, SIM_REGISTER);
    sim_timer_at(b, &p->state_timer, b->at + SIM_MS(DIAL_TONE_DELAY_MS));
}

void sim_port_loop(ctb_board_t *b, sim_port_t *p, bool closed)
{
    if (p->loop == closed) return;
    p->loop = closed;
    if (!closed) {
        p->opened_at = b->at;
        sim_timer_at(b, &p->loop_timer, b->at + SIM_MS(CLEAR_MS));
        return;
    }
    sim_timer_stop(b, &p->loop_timer);
    if (p->state == SIM_IDLE) {
        sim_exchange_register(b, p);
    } else if (p->state == SIM_RINGING) {
        sim_exchange_answer(b, p);
    } else if (p->state == SIM_REGISTER && b->at - p->opened_at <= SIM_MS(PULSE_MAX_MS)) {
        p->pulses++;
        sim_timer_at(b, &p->loop_timer, b->at + SIM_MS(PULSE_END_MS));
    }
}

/* open for CLEAR_MS: the subscriber hung up; closed for PULSE_END_MS: a digit was dialled */
static void loop_timeout(ctb_board_t *b, void *owner)
{
    sim_port_t *p = owner;
    if (!p->loop) {
        sim_exchange_leave(b, p);
        return;
    }
    uint32_t pulses = p->pulses;
    p->pulses = 0;
    if (p->state == SIM_REGISTER && pulses && pulses <= 10)
        sim_port_digit(b, p, (char)('0' + pulses % 10));
}

void sim_port_digit(ctb_board_t *b, sim_port_t *p, char digit)
{
    if (p->kind == SIM_TRUNK_E1 && p->step == SIM_SEIZING) return;
    if (p->state != SIM_REGISTER || p->dead || p->digit_count + 1 >= sizeof p->digits) return;
    p->digits[p->digit_count++] = digit;
    p->digits[p->digit_count] = 0;
    p->tone = CTB_TONE_NONE;                 /* the first digit ends the dial tone */
    sim_timer_at(b, &p->state_timer, b->at + SIM_MS(INTERDIGIT_MS));
    sim_route(b, p, false);
}

static void register_timeout(ctb_board_t *b, sim_port_t *p)
{
    if (p->digit_count) {
        sim_route(b, p, true);
    } else if (p->tone || p->kind == SIM_TRUNK_E1) {
        sim_exchange_fail(b, p, CTB_TONE_BUSY);
    } else if (!p->dead) {
        sim_port_tone(b, p, CTB_TONE_DIAL);
        sim_timer_at(b, &p->state_timer, b->at + SIM_MS(FIRST_DIGIT_MS));
    }
}

static void no_answer(ctb_board_t *b, sim_port_t *caller)
{
    sim_port_t *called = caller->peer;
    caller->peer = NULL;
    if (called) {
        called->peer = NULL;
        sim_ring_stop(b, called, false);
    }
    sim_exchange_fail(b, caller, CTB_TONE_BUSY);
}

static void howl(ctb_board_t *b, sim_port_t *p)
{
    if (p->tone == CTB_TONE_HOWLER || p->kind == SIM_TRUNK_E1) {
        sim_port_state(b, p, SIM_PARKED);
        return;
    }
    sim_port_tone(b, p, CTB_TONE_HOWLER);
    sim_timer_at(b, &p->state_timer, b->at + SIM_MS(HOWLER_MS));
}

static void state_timeout(ctb_board_t *b, void *owner)
{
    sim_port_t *p = owner;
    bool e1 = p->kind == SIM_TRUNK_E1;
    if (p->state == SIM_REGISTER && !(e1 && p->step == SIM_SEIZING)) register_timeout(b, p);
    else if (p->state == SIM_CALLING) no_answer(b, p);
    else if (p->state == SIM_TONE) howl(b, p);
    else if (e1) sim_e1_state_timeout(b, p);
    else if (p->state == SIM_RINGING) send_caller_id(b, p);
}

/* ---- calls --------------------------------------------------------------------------------- */

void sim_exchange_fail(ctb_board_t *b, sim_port_t *p, int tone)
{
    sim_port_state(b, p, SIM_TONE);
    sim_port_tone(b, p, tone);
    sim_timer_at(b, &p->state_timer, b->at + SIM_MS(BUSY_MS));
}

void sim_exchange_alert(ctb_board_t *b, sim_port_t *called)
{
    if (called->peer) sim_port_tone(b, called->peer, CTB_TONE_RINGBACK);
}

static void tell_answered(ctb_board_t *b, sim_port_t *caller)
{
    if (caller->kind == SIM_OUTSIDE)
        sim_tel_report(b, caller->tel, CTB_SE_ANSWERED, 0, 0, "");
    else if (caller->kind == SIM_TRUNK_E1)
        sim_e1_answered(b, caller);
    else if (caller->answer_reversal)
        sim_fxo_polarity(b, caller->chan, true);
}

void sim_exchange_answer(ctb_board_t *b, sim_port_t *called)
{
    sim_port_t *caller = called->peer;
    sim_ring_stop(b, called, true);
    if (!caller) return;
    sim_port_state(b, called, SIM_TALK);
    sim_port_state(b, caller, SIM_TALK);
    tell_answered(b, caller);
}

static void clear_fxo(ctb_board_t *b, sim_port_t *p)
{
    if (p->clear & 2) sim_fxo_polarity(b, p->chan, !p->chan->reversed);
    if (p->clear & 4) sim_fxo_break(b, p->chan, BREAK_MS);
    if (!(p->clear & 1)) p->tone = CTB_TONE_NONE;      /* the line just goes quiet */
}

/* the other party left */
static void tell_left(ctb_board_t *b, sim_port_t *p)
{
    p->peer = NULL;
    if (p->state == SIM_RINGING) {
        sim_ring_stop(b, p, false);
        return;
    }
    if (p->kind == SIM_TRUNK_E1) {
        sim_e1_released(b, p);
        return;
    }
    sim_exchange_fail(b, p, CTB_TONE_BUSY);
    if (p->kind == SIM_TRUNK_FXO) clear_fxo(b, p);
    else sim_tel_report(b, p->tel, CTB_SE_CLEARED, 0, 0, "");
}

void sim_exchange_leave(ctb_board_t *b, sim_port_t *p)
{
    sim_port_t *peer = p->peer;
    p->peer = NULL;
    if (p->kind == SIM_TRUNK_FXO && p->chan->reversed) sim_fxo_polarity(b, p->chan, false);
    if (p->state != SIM_IDLE) sim_port_state(b, p, SIM_IDLE);
    if (peer) tell_left(b, peer);
}

/* ---- ringing, by line current or by seizing the timeslot ----------------------------------- */

#define CALLER_ID_GAP_MS 500u                /* Telcordia GR-30: at least 500 ms after ring 1 */
#define FSK_ROOM_MS      1200u               /* chosen: message 0.65 s and its margins */
#define REVERSAL_LEAD_MS 300u                /* chosen; ETSI EN 300 659-1: 100 ms at least */
#define DTMF_ID_LEAD_MS  300u                /* chosen: before and after the digits */
#define DTMF_ID_MS       60u                 /* chosen: YD/T 1277.1 asks 50..70 ms */
#define DTMF_ID_DBM0     -9.0                /* chosen: within the telephone's own range */

static void ring_line(ctb_board_t *b, sim_port_t *p, bool on)
{
    if (p->ring_on == on) return;
    p->ring_on = on;
    if (p->kind == SIM_OUTSIDE) sim_tel_ring(b, p->tel, on);
    else sim_fxo_ring(b, p->chan, on);
}

void sim_ring_start(ctb_board_t *b, sim_port_t *p)
{
    if (p->peer) memcpy(p->from, p->peer->number, sizeof p->peer->number);
    p->caller = false;
    sim_port_state(b, p, SIM_RINGING);
    if (p->kind == SIM_TRUNK_E1) {
        sim_e1_call(b, p);
        return;
    }
    p->burst = 0;
    p->told_caller = false;
    sim_timer_at(b, &p->ring_timer, b->at);
    if (p->kind == SIM_TRUNK_FXO && p->caller_id == 3 && p->from[0]) {
        sim_fxo_polarity(b, p->chan, !p->chan->reversed);
        sim_timer_at(b, &p->state_timer, b->at + SIM_MS(REVERSAL_LEAD_MS));
        sim_timer_at(b, &p->ring_timer, b->at + SIM_MS(REVERSAL_LEAD_MS + FSK_ROOM_MS));
    }
    if (p->kind == SIM_TRUNK_FXO && p->caller_id == 2 && p->from[0]) {
        char text[40];
        snprintf(text, sizeof text, ",D%.20sC", p->from);    /* D, number, C: China's second form */
        sim_dtmf_tx_start(&p->dtmf, text, DTMF_ID_MS, DTMF_ID_MS, DTMF_ID_DBM0, 2.0);
        uint64_t length = SIM_MS(500 + (strlen(text) - 1) * 2 * DTMF_ID_MS + DTMF_ID_LEAD_MS);
        sim_timer_at(b, &p->ring_timer, b->at + length);
        sim_port_wake(b, p);
    }
}

static void send_caller_id(ctb_board_t *b, sim_port_t *p)
{
    sim_fsk_tx_start(&p->fsk, b->spec.country->v23, b->at, p->from);
    sim_port_wake(b, p);
}

static uint32_t ring_pair(const sim_port_t *p)
{
    return p->ring_ms[1][0] ? p->burst % SIM_RING_PAIRS : 0;
}

static void ring_gap(ctb_board_t *b, sim_port_t *p)
{
    uint32_t off_ms = p->ring_ms[ring_pair(p)][1];
    p->burst++;
    ring_line(b, p, false);
    sim_timer_at(b, &p->ring_timer, b->at + SIM_MS(off_ms));
    if (p->told_caller || !p->from[0] || p->caller_id != 1 || off_ms < FSK_ROOM_MS) return;
    p->told_caller = true;
    if (p->kind == SIM_OUTSIDE) sim_tel_report(b, p->tel, CTB_SE_CALLER_ID, 0, 0, p->from);
    else sim_timer_at(b, &p->state_timer, b->at + SIM_MS(CALLER_ID_GAP_MS));
}

void sim_ring_timeout(ctb_board_t *b, void *owner)
{
    sim_port_t *p = owner;
    if (p->ring_on) {
        ring_gap(b, p);
        return;
    }
    p->fsk.active = false;
    ring_line(b, p, true);
    sim_timer_at(b, &p->ring_timer, b->at + SIM_MS(p->ring_ms[ring_pair(p)][0]));
}

void sim_ring_stop(ctb_board_t *b, sim_port_t *p, bool answered)
{
    if (p->kind == SIM_TRUNK_E1) {
        if (!answered) sim_e1_released(b, p);
        return;
    }
    sim_timer_stop(b, &p->ring_timer);
    p->fsk.active = p->dtmf.active = false;
    ring_line(b, p, false);
    if (p->kind == SIM_OUTSIDE) sim_tel_ring_over(b, p->tel, answered);
    if (answered) return;
    sim_port_state(b, p, SIM_IDLE);
    if (p->kind == SIM_TRUNK_FXO && p->chan->reversed) sim_fxo_polarity(b, p->chan, false);
}

/* ---- sound ----------------------------------------------------------------------------------- */

void sim_port_up(ctb_board_t *b, sim_port_t *p)
{
    if (p->kind == SIM_OUTSIDE) p->up = p->loop ? p->tel->mouth : NULL;
    else if (p->kind == SIM_TRUNK_FXO) p->up = p->loop ? sim_chan_tx(b, p->chan) : NULL;
    else p->up = sim_span_silent(b, p->chan->span) ? NULL : sim_chan_tx(b, p->chan);
}

static sim_sig_t send_signals(ctb_board_t *b, sim_port_t *p)
{
    int32_t acc[SIM_N] = { 0 };
    if (p->fsk.active) sim_fsk_tx_add(&p->fsk, acc, SIM_N);
    if (p->dtmf.active) {
        sim_dtmf_tx_add(&p->dtmf, acc, SIM_N);
        if (!p->dtmf.active && p->kind == SIM_TRUNK_E1) b->found[b->found_count++] = p;
    }
    sim_encode(p->buffer, acc, SIM_N);
    return p->buffer;
}

/* what the line hears; advance = false looks without sending on */
sim_sig_t sim_port_down(ctb_board_t *b, sim_port_t *p, bool advance)
{
    if (p->dtmf.active || p->fsk.active) return advance ? send_signals(b, p) : NULL;
    if (p->tone) {
        const sim_tone_t *t = &b->tones[p->tone];
        uint32_t f = (uint32_t)((b->frame - p->tone_frame) % t->frames);
        return t->live[f] ? t->loop + (size_t)f * SIM_N : NULL;
    }
    return p->state == SIM_TALK && p->peer ? p->peer->up : NULL;
}

void sim_port_receive(ctb_board_t *b, sim_port_t *p)
{
    float x[SIM_N];
    char digit;
    if (p->state != SIM_REGISTER || (!p->up && sim_digit_rests(&p->rx))) return;
    for (uint32_t i = 0; i < SIM_N; i++)
        x[i] = p->up ? (float)sim_alaw_linear[p->up[i]] * (1.0f / 32768.0f) : 0.0f;
    for (uint32_t i = 0; i < SIM_N; i += SIM_SUB)
        if (sim_digit_run(&p->rx, x + i, b->now + i + SIM_SUB, &digit) == SIM_DIGIT_BEGIN) {
            p->found = digit;
            b->found[b->found_count++] = p;
        }
}
