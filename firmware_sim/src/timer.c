/* timer.c - what is due when: a heap of the timers that live in the street's things.
 * Ties go in the order in which they were set, so a run is the same every time. */
#include "sim.h"

static bool before(const sim_timer_t *x, const sim_timer_t *y)
{
    return x->at != y->at ? x->at < y->at : x->order < y->order;
}

static void put(ctb_board_t *b, uint32_t place, sim_timer_t *t)
{
    b->heap[place] = t;
    t->place = (int32_t)place;
}

static void sift(ctb_board_t *b, uint32_t place, sim_timer_t *t)
{
    while (place > 0 && before(t, b->heap[(place - 1) / 2])) {
        put(b, place, b->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= b->heap_count) break;
        if (child + 1 < b->heap_count && before(b->heap[child + 1], b->heap[child])) child++;
        if (!before(b->heap[child], t)) break;
        put(b, place, b->heap[child]);
        place = child;
    }
    put(b, place, t);
}

void sim_timer_init(sim_timer_t *t, sim_timer_fn fn, void *owner)
{
    *t = (sim_timer_t){ .place = -1, .fn = fn, .owner = owner };
}

void sim_timer_stop(ctb_board_t *b, sim_timer_t *t)
{
    if (t->place < 0) return;
    uint32_t place = (uint32_t)t->place;
    sim_timer_t *last = b->heap[--b->heap_count];
    t->place = -1;
    if (last != t) sift(b, place, last);
}

void sim_timer_at(ctb_board_t *b, sim_timer_t *t, uint64_t at)
{
    sim_timer_stop(b, t);
    t->at = at;
    t->order = b->timer_order++;
    sift(b, b->heap_count++, t);
}

void sim_timers_run(ctb_board_t *b, uint64_t end)
{
    while (b->heap_count && b->heap[0]->at < end) {
        sim_timer_t *t = b->heap[0];
        b->at = t->at > b->now ? t->at : b->now;
        sim_timer_stop(b, t);
        t->fn(b, t->owner);
    }
}
