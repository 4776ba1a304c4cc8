/* route.c - the numbering plan of the exchange: prefix 66 the card's lines, 7700 its E1
 * timeslots, 88 outside subscribers. */
#include "sim.h"

#include <stdlib.h>

#define NUMBER_DIGITS 8u
#define NO_ANSWER_MS  90000u                 /* chosen */
#define PILOT         8000u                  /* 66008000 hunts for a free FXO line */
static const char *const prefixes_table[] = { "6600", "7700", "8800" };

static bool known_prefix(const char *digits)
{
    for (size_t i = 0; i < sizeof prefixes_table / sizeof *prefixes_table; i++) {
        size_t n = strlen(digits);
        if (!strncmp(prefixes_table[i], digits, n < 4 ? n : 4)) return true;
    }
    return false;
}

static sim_port_t *hunt(ctb_board_t *b, sim_port_t *from, sim_port_t *to)
{
    for (sim_port_t *p = from; p < to; p++)
        if (p->kind == SIM_TRUNK_E1 ? sim_e1_free(b, p) : p->state == SIM_IDLE) return p;
    return NULL;
}

/* the line that is called, or NULL and the tone that says why not */
static sim_port_t *find_called(ctb_board_t *b, const char *digits, int *tone)
{
    uint32_t line = (uint32_t)atoi(digits + 4);
    sim_port_t *first_fxo = b->ports + b->first_fxo_port, *first_e1 = b->ports + b->first_e1_port;
    sim_port_t *end = b->ports + b->port_count, *called = NULL;
    *tone = b->spec.country->vacant;
    if (digits[0] == '6' && line == PILOT && b->spec.fxo) {
        called = hunt(b, first_fxo, first_e1);
        *tone = CTB_TONE_BUSY;
    } else if (digits[0] == '6' && line < b->spec.fxo) {
        called = first_fxo + line;
    } else if (digits[0] == '7' && b->spec.e1) {
        called = hunt(b, first_e1, end);
        *tone = CTB_TONE_CONGESTION;         /* no free circuit */
    } else if (digits[0] == '8' && line < b->spec.phones) {
        called = b->ports + line;
    }
    if (called && called->state != SIM_IDLE) {
        *tone = CTB_TONE_BUSY;
        return NULL;
    }
    return called;
}

static void set_up(ctb_board_t *b, sim_port_t *caller, sim_port_t *called)
{
    sim_port_state(b, caller, SIM_CALLING);
    sim_timer_at(b, &caller->state_timer, b->at + SIM_MS(NO_ANSWER_MS));
    caller->peer = called;
    called->peer = caller;
    if (called->kind == SIM_TRUNK_E1) memcpy(called->digits, caller->digits, sizeof called->digits);
    else sim_exchange_alert(b, called);
    sim_ring_start(b, called);
}

bool sim_route(ctb_board_t *b, sim_port_t *p, bool all)
{
    int tone;
    if (!known_prefix(p->digits) || (all && p->digit_count < NUMBER_DIGITS)) {
        sim_exchange_fail(b, p, b->spec.country->vacant);
        return true;
    }
    if (p->digit_count < NUMBER_DIGITS) return false;
    if (b->congestion) {
        sim_exchange_fail(b, p, CTB_TONE_CONGESTION);
        return true;
    }
    sim_port_t *called = find_called(b, p->digits, &tone);
    if (called) set_up(b, p, called);
    else sim_exchange_fail(b, p, tone);
    return true;
}
