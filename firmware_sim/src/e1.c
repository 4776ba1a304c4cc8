/* e1.c - timeslots with channel-associated signalling, the exchange's end: ITU-T Q.421 digital
 * line signalling, bits A and B; C = 0, D = 1.  Address digits go as DTMF in the timeslot.
 *
 *   forward   idle 10, seized 00, clear-forward 10
 *   backward  idle 10, seizing acknowledged 11, answered 01, clear-back 11, blocked 11 */
#include "sim.h"

enum { IDLE = 0x9, SEIZED = 0x1, ANSWERED = 0x5, BACK_11 = 0xD };      /* ABCD */

#define ACK_DELAY_MS    10u      /* chosen: "immediately", Q.422 */
#define IDLE_DELAY_MS   20u      /* chosen: release guard of the exchange's end */
#define ACK_TIMEOUT_MS  2000u    /* chosen: Q.424 keeps it between 0.1 and 2 s */
#define DOUBLE_MS       100u     /* ITU-T Q.422: seized at least 100 ms at double seizure */
#define ADDRESS_WAIT_MS 150u     /* chosen: the card's receiver is attached by then */
#define ADDRESS_MS      70u      /* chosen: over 40 ms of ITU-T Q.24 */
#define RELEASE_MS      1000u    /* chosen: timed release after clear-back */

void sim_e1_init(sim_port_t *p)
{
    p->sent_bits = p->card_bits = p->line_bits = p->told_bits = IDLE;
}

static void show_bits(ctb_board_t *b, sim_port_t *p)
{
    if (p->told_bits == p->line_bits || sim_span_frozen(b, p->chan->span)) return;
    p->told_bits = p->line_bits;
    sim_post(b, p->chan->index, CTB_EV_RAW_CAS, p->line_bits);
}

static void send_bits(ctb_board_t *b, sim_port_t *p, uint8_t abcd)
{
    p->line_bits = abcd;
    show_bits(b, p);
}

bool sim_e1_free(ctb_board_t *b, const sim_port_t *p)
{
    return p->state == SIM_IDLE && p->card_bits >> 2 == 2 && !sim_span_frozen(b, p->chan->span);
}

static void take_bits(ctb_board_t *b, sim_port_t *p);

static void come_to_rest(ctb_board_t *b, sim_port_t *p)
{
    sim_port_state(b, p, SIM_IDLE);
    send_bits(b, p, IDLE);
    take_bits(b, p);                         /* the card may have seized again meanwhile */
}

/* ---- calls to the card ------------------------------------------------------------------ */

void sim_e1_call(ctb_board_t *b, sim_port_t *p)
{
    p->step = SIM_SEIZING;
    send_bits(b, p, SEIZED);
    sim_timer_at(b, &p->state_timer, b->at + SIM_MS(ACK_TIMEOUT_MS));
}

/* clear-forward; the timeslot is free when the card's bits are idle again */
static void clear_forward(ctb_board_t *b, sim_port_t *p)
{
    p->dtmf.active = false;
    sim_port_state(b, p, SIM_RELEASE);
    send_bits(b, p, IDLE);
    if (p->card_bits >> 2 == 2) sim_port_state(b, p, SIM_IDLE);
}

static void refuse(ctb_board_t *b, sim_port_t *p)
{
    sim_port_t *caller = p->peer;
    p->peer = NULL;
    if (caller) {
        caller->peer = NULL;
        sim_exchange_fail(b, caller, CTB_TONE_CONGESTION);
    }
    clear_forward(b, p);
}

static void send_address(ctb_board_t *b, sim_port_t *p)
{
    p->step = SIM_ADDRESS;
    sim_dtmf_tx_start(&p->dtmf, p->digits + strlen(p->digits) - 4, ADDRESS_MS, ADDRESS_MS, -9.0,
                      2.0);
    sim_port_wake(b, p);
}

void sim_e1_address_sent(ctb_board_t *b, sim_port_t *p)
{
    if (p->state != SIM_RINGING || p->step != SIM_ADDRESS) return;
    p->step = SIM_ALERTED;
    sim_exchange_alert(b, p);
}

static void called_bits(ctb_board_t *b, sim_port_t *p, unsigned ab)
{
    if (p->state == SIM_RINGING && p->step == SIM_SEIZING && ab == 3) {
        p->step = SIM_ACKED;
        sim_timer_at(b, &p->state_timer, b->at + SIM_MS(ADDRESS_WAIT_MS));
    } else if (p->state == SIM_RINGING && p->step == SIM_SEIZING && ab == 0) {
        p->step = SIM_DOUBLE;                /* both ends seized at once */
        sim_timer_at(b, &p->state_timer, b->at + SIM_MS(DOUBLE_MS));
    } else if (p->state == SIM_RINGING && p->step >= SIM_ACKED && ab == 1) {
        p->dtmf.active = false;
        sim_exchange_answer(b, p);
    } else if (p->state == SIM_RINGING && p->step >= SIM_ACKED && ab == 2) {
        refuse(b, p);
    } else if (p->state == SIM_TALK && (ab == 3 || ab == 2)) {      /* clear-back */
        sim_exchange_leave(b, p);            /* the caller hears it at once, ... */
        sim_port_state(b, p, SIM_RELEASE);
        if (ab == 2) clear_forward(b, p);
        else sim_timer_at(b, &p->state_timer, b->at + SIM_MS(RELEASE_MS));   /* ... we clear later */
    }
}

/* ---- calls from the card ------------------------------------------------------------------ */

static void seized(ctb_board_t *b, sim_port_t *p)
{
    if (b->spans[p->chan->span].no_ack) return;
    sim_exchange_register(b, p);
    p->step = SIM_SEIZING;
    sim_timer_at(b, &p->state_timer, b->at + SIM_MS(ACK_DELAY_MS));
}

void sim_e1_answered(ctb_board_t *b, sim_port_t *p)
{
    send_bits(b, p, ANSWERED);
}

static void cleared_by_card(ctb_board_t *b, sim_port_t *p)
{
    sim_exchange_leave(b, p);
    sim_port_state(b, p, SIM_RELEASE);
    sim_timer_at(b, &p->state_timer, b->at + SIM_MS(IDLE_DELAY_MS));
}

/* ---- both ------------------------------------------------------------------------------------ */

/* the other party left: clear-back to a card that called, clear-forward to one that was called */
void sim_e1_released(ctb_board_t *b, sim_port_t *p)
{
    p->peer = NULL;
    if (!p->caller) {
        clear_forward(b, p);
        return;
    }
    send_bits(b, p, BACK_11);
    sim_exchange_fail(b, p, CTB_TONE_BUSY);
}

static void take_bits(ctb_board_t *b, sim_port_t *p)
{
    unsigned ab = p->card_bits >> 2;
    if (p->state == SIM_IDLE) {
        if (ab == 0) seized(b, p);
    } else if (p->state == SIM_RELEASE) {
        if (ab == 2 && !p->caller) clear_forward(b, p);
    } else if (p->caller) {
        if (ab == 2) cleared_by_card(b, p);
    } else {
        called_bits(b, p, ab);
    }
}

void sim_e1_card_bits(ctb_board_t *b, sim_port_t *p, uint8_t abcd)
{
    p->sent_bits = abcd;
    if (sim_span_frozen(b, p->chan->span) || p->card_bits == abcd) return;
    p->card_bits = abcd;
    take_bits(b, p);
}

void sim_e1_thaw(ctb_board_t *b, uint32_t span)
{
    for (uint32_t i = b->first_e1_port; i < b->port_count; i++) {
        sim_port_t *p = &b->ports[i];
        if (p->chan->span != span) continue;
        show_bits(b, p);
        sim_e1_card_bits(b, p, p->sent_bits);
    }
}

void sim_e1_state_timeout(ctb_board_t *b, sim_port_t *p)
{
    if (p->state == SIM_REGISTER) {          /* the seizure is acknowledged now */
        p->step = SIM_ACKED;
        send_bits(b, p, BACK_11);
        sim_timer_at(b, &p->state_timer, b->at + SIM_MS(20000));    /* for the first digit */
    } else if (p->state == SIM_RINGING && p->step == SIM_ACKED) {
        send_address(b, p);
    } else if (p->state == SIM_RINGING && p->step < SIM_ACKED) {     /* no acknowledgement, or double seizure */
        refuse(b, p);
    } else if (p->state == SIM_RELEASE) {
        if (p->caller) come_to_rest(b, p);
        else clear_forward(b, p);
    }
}
