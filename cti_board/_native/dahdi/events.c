/* events.c - what the kernel reports becomes what the driver ABI reports.
 *
 * What: hook, ringing, feed, CAS bits and alarms as levels; digits dialled by pulses and the end
 * of our own dialling as they are.
 * How: the kernel queues events for each channel, and while one waits, read and write fail with
 * errno 500; so they are taken where that happens, once a frame at the latest.
 *
 * Limits:
 *  - CAS bits are read when an event comes; what changed twice within a frame is one change.  An
 *    event without a change (some drivers mark the neighbour too) is not reported;
 *  - a telephone's opening is told after 210 ms, with the moment at which it began; what was
 *    shorter is a dial pulse, counted by the kernel;
 *  - ringing and feed of an exchange line are sampled once a frame while they may change. */
#include <errno.h>
#include <string.h>
#include "dahdi.h"

void ctb_dahdi_post(ctb_board_t *b, const ctb_event_t *event)
{
    if (b->event_count == EVENTS) {
        b->event[(b->event_head + EVENTS - 1) % EVENTS].a++;
        return;
    }
    ctb_event_t *e = &b->event[(b->event_head + b->event_count) % EVENTS];
    *e = *event;
    if (++b->event_count == EVENTS) {    /* the last place: how many found none */
        memset(e, 0, sizeof *e);
        e->at = event->at, e->channel = CTB_NO_CHANNEL, e->span = CTB_NO_SPAN;
        e->kind = CTB_EV_OVERRUN, e->a = 1;
    }
}

static void post(ctb_board_t *b, uint32_t channel, uint32_t span, int kind, int a, int64_t ago)
{
    uint64_t now = b->frames * CTB_FRAME_SAMPLES;
    ctb_event_t e = {.at = now > (uint64_t)ago ? now - (uint64_t)ago : 0, .channel = channel,
                     .kind = (uint16_t)kind, .span = (uint16_t)span, .a = a};
    ctb_dahdi_post(b, &e);
}

void ctb_dahdi_post_line(ctb_board_t *b, const ctb_dahdi_channel_t *c, int kind, int a, int ms_ago)
{
    post(b, c->index, CTB_NO_SPAN, kind, a, (int64_t)ms_ago * (CTB_RATE / 1000));
}

static void level(ctb_board_t *b, ctb_dahdi_channel_t *c, int *told, int kind, int value)
{
    if (*told != value)
        ctb_dahdi_post_line(b, c, kind, value, 0);
    *told = value;
}

/* An exchange line's own state: the kernel tells where ringing begins, not where it ends. */
void ctb_dahdi_levels_sample(ctb_board_t *b, ctb_dahdi_channel_t *c)
{
    struct dahdi_params p = {0};
    if (ioctl(c->fd, DAHDI_GET_PARAMS, &p) < 0)
        return;
    bool battery = c->sig != DAHDI_SIG_FXSKS || p.rxhooksig != DAHDI_RX_ONHOOK;
    level(b, c, &c->battery, CTB_EV_RAW_BATTERY, battery);
    level(b, c, &c->ring, CTB_EV_RAW_RING, p.rxhooksig == DAHDI_RX_RING);
    if (c->ring || !c->battery)
        c->watch = WATCH_FRAMES;
    else if (c->watch)
        c->watch--;
}

/* The telephone decides: its port feeds the line while it is off-hook. */
static void hook_follow(ctb_board_t *b, ctb_dahdi_channel_t *c, int off_hook)
{
    if (c->hook == off_hook)
        return;
    c->hook = off_hook;
    ctb_dahdi_post_line(b, c, CTB_EV_RAW_HOOK, off_hook, off_hook ? 0 : OPENING_MS);
    int hook = off_hook ? DAHDI_OFFHOOK : DAHDI_ONHOOK;
    (void)ioctl(c->fd, DAHDI_HOOK, &hook);   /* refused while the port ends a call: it is fed then */
}

static void exchange_line_event(ctb_board_t *b, ctb_dahdi_channel_t *c, int event)
{
    switch (event) {
    case DAHDI_EV_RINGBEGIN: level(b, c, &c->ring, CTB_EV_RAW_RING, 1); break;
    case DAHDI_EV_ONHOOK: level(b, c, &c->battery, CTB_EV_RAW_BATTERY, 0); break;
    case DAHDI_EV_POLARITY: level(b, c, &c->polarity, CTB_EV_RAW_POLARITY, !c->polarity); return;
    case DAHDI_EV_RINGOFFHOOK: break;
    default: return;
    }
    c->watch = WATCH_FRAMES;
}

static void telephone_event(ctb_board_t *b, ctb_dahdi_channel_t *c, int event)
{
    switch (event) {
    case DAHDI_EV_RINGOFFHOOK: hook_follow(b, c, 1); break;
    case DAHDI_EV_ONHOOK: hook_follow(b, c, 0); break;
    case DAHDI_EV_WINKFLASH: ctb_dahdi_post_line(b, c, CTB_EV_HOOK_FLASH, OPENING_MS, 0); break;
    default:
        if (event & DAHDI_EV_PULSEDIGIT)
            ctb_dahdi_post_line(b, c, CTB_EV_PULSE_DIGIT, event & 0xff, 0);
    }
}

static void bits_event(ctb_board_t *b, ctb_dahdi_channel_t *c)
{
    int bits;
    if (ioctl(c->fd, DAHDI_GETRXBITS, &bits) == 0)
        level(b, c, &c->cas, CTB_EV_RAW_CAS, bits & 0xf);
}

static void dial_done(ctb_board_t *b, ctb_dahdi_channel_t *c)
{
    ctb_event_t e = {.at = b->frames * CTB_FRAME_SAMPLES, .channel = c->index, .kind = CTB_EV_TONE_DONE,
                     .span = CTB_NO_SPAN, .cookie = c->cookie, .a = CTB_DONE_END};
    if (c->dialling)
        ctb_dahdi_post(b, &e);
    c->dialling = false;
}

void ctb_dahdi_event(ctb_board_t *b, ctb_dahdi_channel_t *c, int event)
{
    switch (event) {
    case DAHDI_EV_ALARM: case DAHDI_EV_NOALARM: b->span[c->span].stale = true; return;
    case DAHDI_EV_DIALCOMPLETE: dial_done(b, c); return;
    case DAHDI_EV_REMOVED: b->removed = true; return;
    case DAHDI_EV_READ_OVERRUN: b->realign = b->slipped_rx = true; return;
    case DAHDI_EV_WRITE_UNDERRUN:
        b->slipped_tx |= c->live && !c->starved;
        c->starved = true;
        return;
    default: break;
    }
    if (c->type == CTB_LINE_E1_CAS && event == DAHDI_EV_BITSCHANGED)
        bits_event(b, c);
    else if (c->type == CTB_LINE_FXO)
        exchange_line_event(b, c, event);
    else if (c->type == CTB_LINE_FXS)
        telephone_event(b, c, event);
}

/* All events that wait; how many. */
int ctb_dahdi_events_take(ctb_board_t *b, ctb_dahdi_channel_t *c)
{
    int event, n = 0;
    while (n < 64 && ioctl(c->fd, DAHDI_GETEVENT, &event) == 0 && event != DAHDI_EV_NONE) {   /* its queue holds 64 */
        ctb_dahdi_event(b, c, event);
        n++;
    }
    return n;
}

void ctb_dahdi_alarms_report(ctb_board_t *b)
{
    for (uint32_t i = 0; i < b->spans; i++) {
        ctb_dahdi_span_t *s = &b->span[i];
        uint32_t now;
        if (!s->stale || ctb_dahdi_alarms_read(b, i, &now) < 0)
            continue;
        s->stale = false;
        for (uint32_t bit = 1; bit <= CTB_ALARM_RAI; bit <<= 1)
            if ((now ^ s->alarms) & bit)
                post(b, CTB_NO_CHANNEL, i, now & bit ? CTB_EV_ALARM_RAISED : CTB_EV_ALARM_CLEARED, (int)bit, 0);
        s->alarms = now;
    }
}
