/* events.c - events of one frame, sorted by (at, board, channel, seq), into the ring.
 *
 * What: nothing is lost silently.  How: a full ring keeps one slot for Overrun; completions
 * (play, record, tone) wait in a list of their own; after an overrun the levels that Python
 * was told are compared with what they are now and the differences are posted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "engine.h"

int ctb_events_alloc(ctb_engine_t *e)
{
    e->must_room = CTB_MAX_CHANNELS * 8;
    e->ring = ctb_zalloc(EVENT_RING * sizeof *e->ring);
    e->scratch = ctb_zalloc(SCRATCH * sizeof *e->scratch);
    e->must = ctb_zalloc(e->must_room * sizeof *e->must);
    return e->ring && e->scratch && e->must ? 0 : -ENOMEM;
}

static bool is_completion(const ctb_event_t *ev)
{
    switch (ev->kind) {
    case CTB_EV_BOARD_LOST: case CTB_EV_BOARD_BACK: return true;
    case CTB_EV_RECORD_DATA: case CTB_EV_MEDIA_OVERRUN: case CTB_EV_MEDIA_UNDERRUN:
    case CTB_EV_RECORD_ERROR: return false;
    default: return ev->cookie != 0;   /* somebody waits for it */
    }
}

void ctb_emit(ctb_engine_t *e, const ctb_event_t *ev)
{
    if (e->scratched >= SCRATCH) {
        if (is_completion(ev) && e->musts < e->must_room)
            e->must[e->musts++] = *ev;
        else
            e->seq++, e->lost++, e->stats.events_lost++;
        return;
    }
    ctb_event_t *slot = &e->scratch[e->scratched];
    *slot = *ev;
    slot->seq = e->scratched++;    /* order of arrival; the final number comes when posted */
}

void ctb_emit_simple(ctb_engine_t *e, uint16_t kind, uint32_t board, uint32_t channel, uint64_t at,
                     uint64_t cookie, int a, int b, int c, int d)
{
    ctb_event_t ev = {.at = at, .cookie = cookie, .board = board, .channel = channel, .kind = kind,
                      .span = CTB_NO_SPAN, .a = a, .b = b, .c = c, .d = d};
    ctb_emit(e, &ev);
}

/* Levels that Python now believes. */
static void tell(ctb_engine_t *e, const ctb_event_t *ev)
{
    ctb_slot_t *s = ctb_slot(e, ev->board);
    if (s && ev->span < 64 && ev->kind == CTB_EV_ALARM_RAISED)
        s->alarms_told[ev->span] |= (uint64_t)ev->a;
    if (s && ev->span < 64 && ev->kind == CTB_EV_ALARM_CLEARED)
        s->alarms_told[ev->span] &= ~(uint64_t)ev->a;
    if (!s || ev->channel >= s->channels)
        return;
    ctb_chan_t *c = &s->chan[ev->channel];
    switch (ev->kind) {
    case CTB_EV_OFF_HOOK: c->told_hook = 1; break;
    case CTB_EV_ON_HOOK: c->told_hook = 0; break;
    case CTB_EV_CAS: c->told_cas = ev->a; break;
    case CTB_EV_BATTERY: c->told_battery = ev->a; break;
    case CTB_EV_POLARITY: c->told_polarity = ev->a; break;
    case CTB_EV_RING_BEGIN: c->told_ring = 1; break;
    case CTB_EV_RING_STOPPED: c->told_ring = 0; break;
    case CTB_EV_DTMF_BEGIN: c->told_digit = ev->a; break;
    case CTB_EV_DTMF_END: c->told_digit = 0; break;
    case CTB_EV_TONE_ON: c->told_tone = ev->a; break;
    case CTB_EV_TONE_OFF: c->told_tone = 0; break;
    case CTB_EV_MF_BEGIN: c->told_mf = ev->a; break;
    case CTB_EV_MF_END: c->told_mf = 0; break;
    case CTB_EV_FAX_ON: c->told_fax = ev->a; break;
    case CTB_EV_FAX_OFF: c->told_fax = 0; break;
    case CTB_EV_BEEP_ON: c->told_beep = 1; break;
    case CTB_EV_BEEP_OFF: c->told_beep = 0; break;
    case CTB_EV_TALK_BEGIN: *(ev->b ? &c->told_talk_tx : &c->told_talk) = 1; break;
    case CTB_EV_TALK_END: *(ev->b ? &c->told_talk_tx : &c->told_talk) = 0; break;
    default: break;
    }
}

static bool post(ctb_engine_t *e, ctb_event_t *ev, uint32_t reserve)
{
    uint64_t used = e->ring_head - __atomic_load_n(&e->ring_tail, __ATOMIC_ACQUIRE);
    if (used + reserve >= EVENT_RING)
        return false;
    ev->seq = ++e->seq;
    e->ring[e->ring_head & (EVENT_RING - 1)] = *ev;
    __atomic_store_n(&e->ring_head, e->ring_head + 1, __ATOMIC_RELEASE);
    tell(e, ev);
    e->stats.events++;
    return true;
}

static int compare(const void *a, const void *b)
{
    const ctb_event_t *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (x->board != y->board)
        return x->board < y->board ? -1 : 1;
    if (x->channel != y->channel)
        return x->channel < y->channel ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

uint32_t ctb_events_flush(ctb_engine_t *e)
{
    uint32_t posted = 0;
    if (e->lost)
        ctb_events_recover(e);
    while (e->musts && post(e, &e->must[0], 1)) {
        posted++;
        memmove(e->must, e->must + 1, --e->musts * sizeof *e->must);
    }
    if (e->scratched > 1)
        qsort(e->scratch, e->scratched, sizeof *e->scratch, compare);
    for (uint32_t i = 0; i < e->scratched; i++) {
        ctb_event_t *ev = &e->scratch[i];
        if (!e->lost && post(e, ev, 1)) {
            posted++;
        } else if (is_completion(ev) && e->musts < e->must_room) {
            e->must[e->musts++] = *ev;
        } else {
            e->seq++;              /* the gap shows */
            e->lost++;
            e->stats.events_lost++;
        }
    }
    e->scratched = 0;
    return posted + (e->lost > 0);       /* losses wake the reader too */
}

/* Differences between what Python was told and what is. */
static void repost_levels(ctb_engine_t *e, uint32_t b, ctb_chan_t *c, uint64_t at)
{
    const ctb_line_t *l = &c->line;
    if (c->told_hook != l->hook)
        ctb_emit_simple(e, l->hook ? CTB_EV_OFF_HOOK : CTB_EV_ON_HOOK, b, c->number, at, 0, 0, 0, 0, 0);
    if (c->told_cas != l->cas)
        ctb_emit_simple(e, CTB_EV_CAS, b, c->number, at, 0, l->cas, c->told_cas, 0, 0);
    if (c->told_battery != l->battery)
        ctb_emit_simple(e, CTB_EV_BATTERY, b, c->number, at, 0, l->battery, 0, 0, 0);
    if (c->told_polarity != l->polarity)
        ctb_emit_simple(e, CTB_EV_POLARITY, b, c->number, at, 0, l->polarity, 0, 0, 0);
    if (c->told_ring && l->timer[CTB_LT_STOPPED] == CTB_LINE_NEVER && !l->ringing)
        ctb_emit_simple(e, CTB_EV_RING_STOPPED, b, c->number, at, 0, 0, 0, 0, 0);
    if (c->told_digit && c->told_digit != c->now_digit)
        ctb_emit_simple(e, CTB_EV_DTMF_END, b, c->number, at, 0, c->told_digit, 0, 0, 0);
    if (c->told_tone && c->told_tone != c->now_tone)
        ctb_emit_simple(e, CTB_EV_TONE_OFF, b, c->number, at, 0, c->told_tone, 0, 0, 0);
    if (c->told_mf && c->told_mf != c->now_mf)
        ctb_emit_simple(e, CTB_EV_MF_END, b, c->number, at, 0, c->told_mf, 0, 0, 0);
    if (c->told_fax && c->told_fax != c->now_fax)
        ctb_emit_simple(e, CTB_EV_FAX_OFF, b, c->number, at, 0, c->told_fax, 0, 0, 0);
    if (c->told_beep && !c->now_beep)
        ctb_emit_simple(e, CTB_EV_BEEP_OFF, b, c->number, at, 0, 0, 0, 0, 0);
    if (c->told_talk && !c->now_talk)
        ctb_emit_simple(e, CTB_EV_TALK_END, b, c->number, at, 0, 0, 0, 0, 0);
    if (c->told_talk_tx && !c->now_talk_tx)
        ctb_emit_simple(e, CTB_EV_TALK_END, b, c->number, at, 0, 0, 1, 0, 0);
}

void ctb_events_recover(ctb_engine_t *e)
{
    uint64_t used = e->ring_head - __atomic_load_n(&e->ring_tail, __ATOMIC_ACQUIRE);
    if (used > EVENT_RING / 2)
        return;
    uint64_t at = e->frames * FRAME;
    ctb_event_t over = {.at = at, .board = CTB_NO_CHANNEL, .channel = CTB_NO_CHANNEL, .kind = CTB_EV_OVERRUN,
                        .span = CTB_NO_SPAN, .a = (int32_t)(e->lost > INT32_MAX ? INT32_MAX : e->lost)};
    e->lost = 0;
    post(e, &over, 0);
    for (ctb_recorder_t *r = e->active_recorders; r; r = r->next_active)
        __atomic_store_n(&r->notified, false, __ATOMIC_RELEASE);   /* its RecordData may be lost */
    for (uint32_t b = 0; b < CTB_MAX_BOARDS; b++) {
        ctb_slot_t *s = ctb_slot(e, b);
        if (!s)
            continue;
        for (uint32_t i = 0; i < s->channels; i++)
            repost_levels(e, b, &s->chan[i], at);
        for (uint32_t span = 0; span < s->info.spans && span < 64; span++) {
            uint32_t now = 0;
            if (!s->driver->get_alarms || s->driver->get_alarms(s->board, span, &now) < 0)
                continue;
            for (uint32_t bit = 1; bit <= CTB_ALARM_RAI; bit <<= 1) {
                if (!((now ^ s->alarms_told[span]) & bit))
                    continue;
                ctb_event_t ev = {.at = at, .board = b, .channel = CTB_NO_CHANNEL, .span = (uint16_t)span,
                                  .kind = now & bit ? CTB_EV_ALARM_RAISED : CTB_EV_ALARM_CLEARED, .a = (int32_t)bit};
                ctb_emit(e, &ev);
            }
        }
    }
}

/* What the watchdog saw, told by the reader itself: the frame thread hangs and cannot. */
static uint32_t tell_hung(ctb_engine_t *e, ctb_event_t *out)
{
    int hung = atomic_load(&e->hung), board = hung ? hung : e->hung_told;
    if (hung == e->hung_told)
        return 0;
    e->hung_told = hung;
    *out = (ctb_event_t){.at = __atomic_load_n(&e->frames, __ATOMIC_ACQUIRE) * FRAME,
                         .board = (uint32_t)board - 1, .channel = CTB_NO_CHANNEL, .span = CTB_NO_SPAN,
                         .kind = hung ? CTB_EV_BOARD_LOST : CTB_EV_BOARD_BACK, .a = hung ? -ETIMEDOUT : 0};
    return 1;
}

uint32_t ctb_engine_poll(ctb_engine_t *e, ctb_event_t *out, uint32_t max)
{
    uint64_t head = __atomic_load_n(&e->ring_head, __ATOMIC_ACQUIRE);
    uint32_t n = max ? tell_hung(e, out) : 0;
    uint64_t tail = e->ring_tail;
    while (n < max && tail < head)
        out[n++] = e->ring[tail++ & (EVENT_RING - 1)];
    __atomic_store_n(&e->ring_tail, tail, __ATOMIC_RELEASE);
    while (e->garbage_tail < __atomic_load_n(&e->garbage_head, __ATOMIC_ACQUIRE)) {
        free(e->garbage[e->garbage_tail & (COMMAND_RING - 1)]);
        __atomic_store_n(&e->garbage_tail, e->garbage_tail + 1, __ATOMIC_RELEASE);
    }
    return n;
}
