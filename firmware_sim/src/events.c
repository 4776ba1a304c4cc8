/* events.c - the way up: a ring of events, whose last place is kept for the news of a loss. */
#include "sim.h"

static ctb_event_t *put(ctb_board_t *b, uint32_t channel, uint32_t kind, int32_t a)
{
    uint32_t place = b->event_head + b->event_count++;
    /* sounds of one frame are made line by line: what ended earlier in it goes before */
    for (; place > b->event_head && b->events[(place - 1) % SIM_EVENTS].at > b->at; place--)
        b->events[place % SIM_EVENTS] = b->events[(place - 1) % SIM_EVENTS];
    ctb_event_t *e = &b->events[place % SIM_EVENTS];
    *e = (ctb_event_t){ .at = b->at, .board_at = b->at, .channel = channel,
                        .kind = (uint16_t)kind, .span = CTB_NO_SPAN, .a = a };
    return e;
}

ctb_event_t *sim_post(ctb_board_t *b, uint32_t channel, uint32_t kind, int32_t a)
{
    if (b->event_count < SIM_EVENTS - 1) return put(b, channel, kind, a);
    if (b->event_count == SIM_EVENTS - 1) put(b, CTB_NO_CHANNEL, CTB_EV_OVERRUN, 0);
    b->events[(b->event_head + b->event_count - 1) % SIM_EVENTS].a++;
    return &b->spare_event;
}

bool sim_next_event(ctb_board_t *b, ctb_event_t *out)
{
    if (!b->event_count) return false;
    *out = b->events[b->event_head];
    b->event_head = (b->event_head + 1) % SIM_EVENTS;
    b->event_count--;
    return true;
}
