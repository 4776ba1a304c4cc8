/* line.c - debounces one line: hook, flash, pulses; ringing, feed, polarity; CAS bits.
 *
 * What: raw levels with exact sample times become line events.  It holds no opinion about
 * calls: a ring is a ring, an on-hook is an on-hook.
 * How: each level has one timer.  An edge sets or stops it; when it runs out the level is
 * decided.  Timers are served in order of time, before any edge of the same sample.
 *
 * Limits:
 *  - a train of more than ten pulses, or with a pulse too long, is no digit: it is dropped;
 *  - an open interval between pulse_max and flash_min, or flash_max and on_hook, says nothing;
 *  - where the flash range begins inside the pulse range, a first pulse that long is a flash;
 *  - polarity is not looked at while a burst of ringing is present or the feed is gone. */
#include "ctb_line.h"

#include <string.h>

#define MS(n) ((uint64_t)(n) * (CTB_RATE / 1000u))
#define BATTERY_BIT 1
#define POLARITY_BIT 2
#define WINK_MIN_MS  100           /* chosen: around the 140..290 that exchanges send */
#define WINK_MAX_MS  350

const ctb_line_params_t ctb_line_default = {
    .flash_min_ms = 180, .flash_max_ms = 800,
        /* chosen: above any pulse, 180 takes the 200 ms keys sold in China too; 300..1000 is
           usual in North America, 80..200 for an exchange of China: set per line */
    .on_hook_ms = 850,         /* chosen: flash_max and a margin of 50 */
    .pulse_min_ms = 10,        /* chosen: 20 pulses a second at 33 % make still closes for 16 */
    .pulse_max_ms = 120,       /* chosen: 7 pulses a second at 75 % break open for 107 */
    .pulse_gap_ms = 200,       /* chosen: the longest make is 71 (7/s, 50 %); pauses of 240 */
    .off_hook_ms = 30,         /* chosen: longer than contact bounce, ring trip well within 200 */
    .ring_min_ms = 100,        /* chosen: over two periods of 25 Hz; the shortest gap of a
                                  national ringing cadence is 200 */
    .ring_timeout_ms = 6000,   /* chosen: half as long again as the 4 s pause */
    .break_min_ms = 250,       /* chosen: exchanges break for 250..800; a reversal relay for less */
    .break_max_ms = 900,       /* chosen: the longest loop break of an exchange is 800 */
    .polarity_ms = 30,         /* chosen: reported within 50, longer than relay bounce */
    .cas_ms = 20,              /* ITU-T Q.421: recognition time 20 +- 7 ms */
};

enum phase { ON_HOOK, CLOSING, OFF_HOOK, OPEN, SETTLING, GAP };

typedef struct report { ctb_event_t *out; int count; } report_t;

static ctb_event_t *report_add(report_t *r, uint16_t kind, uint64_t at, int32_t a)
{
    if (r->count >= CTB_LINE_OUT) return &r->out[CTB_LINE_OUT - 1];
    ctb_event_t *e = &r->out[r->count++];
    memset(e, 0, sizeof *e);
    e->kind = kind;
    e->at = at;
    e->board_at = at;
    e->channel = CTB_NO_CHANNEL;
    e->span = CTB_NO_SPAN;
    e->a = a;
    return e;
}

static int32_t ms_between(uint64_t from, uint64_t to)
{
    uint64_t unit = CTB_RATE / 1000u;
    return (int32_t)((to - from + unit / 2) / unit);
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

static void timer_stop(ctb_line_t *line, int timer) { line->timer[timer] = CTB_LINE_NEVER; }

/* ---- FXS: hook ------------------------------------------------------------- */

static void hook_edge(ctb_line_t *line, uint64_t at, int closed)
{
    uint64_t *timer = &line->timer[CTB_LT_HOOK];
    line->raw_hook = closed;
    switch ((enum phase)line->phase) {
    case ON_HOOK:
        line->phase = CLOSING;
        *timer = at + MS(line->params.off_hook_ms);
        return;
    case CLOSING:
        line->phase = ON_HOOK;
        timer_stop(line, CTB_LT_HOOK);
        return;
    case OFF_HOOK:
    case GAP:
        line->phase = OPEN;
        line->open_at = at;
        *timer = at + MS(line->params.on_hook_ms);
        return;
    case OPEN:
        line->phase = SETTLING;
        line->close_at = at;
        *timer = at + MS(line->params.pulse_min_ms);
        return;
    case SETTLING:                       /* it bounced: still the same open interval */
        line->phase = OPEN;
        *timer = later(at, line->open_at + MS(line->params.on_hook_ms));
        return;
    }
}

/* the loop was open from open_at to close_at and has settled */
static void hook_classify(ctb_line_t *line, uint64_t at, report_t *r)
{
    const ctb_line_params_t *p = &line->params;
    uint64_t length = line->close_at - line->open_at;
    int train = line->pulses > 0 || line->spoilt;
    int pulse = length >= MS(p->pulse_min_ms) && length <= MS(p->pulse_max_ms);

    if (pulse && (train || length < MS(p->flash_min_ms))) {
        line->pulses++;
    } else if (length >= MS(p->flash_min_ms) && length <= MS(p->flash_max_ms)) {
        report_add(r, CTB_EV_HOOK_FLASH, at, ms_between(line->open_at, line->close_at));
        line->pulses = 0;
        line->spoilt = 0;
    } else if (length > MS(p->pulse_max_ms)) {
        line->spoilt = train;            /* a digit with a wrong pulse is no digit */
    }
    train = line->pulses > 0 || line->spoilt;
    line->phase = train ? GAP : OFF_HOOK;
    line->timer[CTB_LT_HOOK] =
        train ? later(at, line->close_at + MS(p->pulse_gap_ms)) : CTB_LINE_NEVER;
}

static void hook_digit(ctb_line_t *line, uint64_t at, report_t *r)
{
    int pulses = line->pulses;
    if (!line->spoilt && pulses >= 1 && pulses <= 10)
        report_add(r, CTB_EV_PULSE_DIGIT, at, '0' + pulses % 10);
    line->pulses = 0;
    line->spoilt = 0;
    line->phase = OFF_HOOK;
}

static void hook_fire(ctb_line_t *line, uint64_t at, report_t *r)
{
    switch ((enum phase)line->phase) {
    case CLOSING:
        line->phase = OFF_HOOK;
        line->hook = 1;
        report_add(r, CTB_EV_OFF_HOOK, at, 0);
        return;
    case OPEN:
        line->phase = ON_HOOK;
        line->hook = 0;
        line->pulses = 0;
        line->spoilt = 0;
        report_add(r, CTB_EV_ON_HOOK, at, 0);
        return;
    case SETTLING:
        hook_classify(line, at, r);
        return;
    case GAP:
        hook_digit(line, at, r);
        return;
    case ON_HOOK:
    case OFF_HOOK:
        return;
    }
}

/* ---- FXO: ringing, feed, polarity ------------------------------------------ */

static void polarity_restart(ctb_line_t *line, uint64_t at)
{
    int quiet = !line->raw_ring && !line->ringing && line->raw_battery;
    line->timer[CTB_LT_POLARITY] = quiet && line->raw_polarity != line->polarity
        ? at + MS(line->params.polarity_ms) : CTB_LINE_NEVER;
}

static void polarity_fire(ctb_line_t *line, uint64_t at, report_t *r)
{
    uint64_t held = at - line->polarity_at;
    line->polarity = line->raw_polarity;
    line->polarity_at = at;
    report_add(r, CTB_EV_POLARITY, at, line->polarity);
    if (!line->polarity && held >= MS(WINK_MIN_MS) && held <= MS(WINK_MAX_MS))
        report_add(r, CTB_EV_WINK, at, ms_between(at - held, at));
}

/* too short to be ringing, unless it was our off-hook that ended it: whoever seizes may judge */
static void ring_short(ctb_line_t *line, uint64_t at, report_t *r)
{
    if (at < line->short_at) return;
    line->short_at = at + MS(line->params.ring_min_ms);
    report_add(r, CTB_EV_RING_END, at, ms_between(line->ring_at, at));
}

static void ring_edge(ctb_line_t *line, uint64_t at, int on, report_t *r)
{
    line->raw_ring = on;
    if (on == line->ringing) {           /* back before it was decided: a glitch or a bridge */
        timer_stop(line, CTB_LT_RING);
        if (!on) ring_short(line, at, r);
        if (!on && line->stop_at != CTB_LINE_NEVER) {
            line->timer[CTB_LT_STOPPED] = later(at, line->stop_at);
            line->stop_at = CTB_LINE_NEVER;
        }
    } else {
        line->timer[CTB_LT_RING] = at + MS(line->params.ring_min_ms);
        if (on) {
            line->ring_at = at;
            line->stop_at = line->timer[CTB_LT_STOPPED];
            timer_stop(line, CTB_LT_STOPPED);
        } else {
            line->ring_off_at = at;
        }
    }
    polarity_restart(line, at);
}

static void ring_fire(ctb_line_t *line, uint64_t at, report_t *r)
{
    line->ringing = line->raw_ring;
    if (line->ringing) {
        line->stop_at = CTB_LINE_NEVER;
        report_add(r, CTB_EV_RING_BEGIN, at, 0);
    } else {
        report_add(r, CTB_EV_RING_END, at, ms_between(line->ring_at, line->ring_off_at));
        line->timer[CTB_LT_STOPPED] =
            later(at, line->ring_off_at + MS(line->params.ring_timeout_ms));
    }
    polarity_restart(line, at);
}

static void battery_edge(ctb_line_t *line, uint64_t at, int present, report_t *r)
{
    line->raw_battery = present;
    if (present == line->battery) {
        timer_stop(line, CTB_LT_BATTERY);
        if (present && at - line->battery_at >= MS(line->params.break_min_ms))
            report_add(r, CTB_EV_LOOP_BREAK, at, ms_between(line->battery_at, at));
    } else {                             /* a loss: break_max; a return: as long as a break */
        line->battery_at = at;
        line->timer[CTB_LT_BATTERY] =
            at + MS(present ? line->params.break_min_ms : line->params.break_max_ms);
    }
    polarity_restart(line, at);
}

static void battery_fire(ctb_line_t *line, uint64_t at, report_t *r)
{
    line->battery = line->raw_battery;
    report_add(r, CTB_EV_BATTERY, at, line->battery);
}

/* ---- E1: signalling bits ---------------------------------------------------- */

static void cas_edge(ctb_line_t *line, uint64_t at, int bits)
{
    line->raw_cas = bits;
    line->timer[CTB_LT_CAS] =
        bits == line->cas ? CTB_LINE_NEVER : at + MS(line->params.cas_ms);
}

static void cas_fire(ctb_line_t *line, uint64_t at, report_t *r)
{
    report_add(r, CTB_EV_CAS, at, line->raw_cas)->b = line->cas;
    line->cas = line->raw_cas;
}

/* ---- timers ----------------------------------------------------------------- */

static int timer_first(const ctb_line_t *line)
{
    int first = 0;
    for (int i = 1; i < CTB_LINE_TIMERS; i++)
        if (line->timer[i] < line->timer[first]) first = i;
    return first;
}

static void timers_serve(ctb_line_t *line, uint64_t now, report_t *r)
{
    if (now > line->now) line->now = now;
    for (int i = timer_first(line); line->timer[i] <= line->now; i = timer_first(line)) {
        uint64_t at = line->timer[i];
        timer_stop(line, i);
        switch (i) {
        case CTB_LT_HOOK: hook_fire(line, at, r); break;
        case CTB_LT_RING: ring_fire(line, at, r); break;
        case CTB_LT_STOPPED: report_add(r, CTB_EV_RING_STOPPED, at, 0); break;
        case CTB_LT_BATTERY: battery_fire(line, at, r); break;
        case CTB_LT_POLARITY: polarity_fire(line, at, r); break;
        case CTB_LT_CAS: cas_fire(line, at, r); break;
        default: break;
        }
    }
    line->due = line->timer[timer_first(line)];
    line->pending = line->due != CTB_LINE_NEVER;
}

/* ---- raw events ------------------------------------------------------------- */

static void level_set(ctb_line_t *line, int kind, uint64_t at, int32_t level, report_t *r)
{
    int fxo = line->type == CTB_LINE_FXO;
    int on = level != 0;
    if (kind == CTB_EV_RAW_HOOK && line->type == CTB_LINE_FXS && on != line->raw_hook)
        hook_edge(line, at, on);
    else if (kind == CTB_EV_RAW_RING && fxo && on != line->raw_ring)
        ring_edge(line, at, on, r);
    else if (kind == CTB_EV_RAW_BATTERY && fxo && on != line->raw_battery)
        battery_edge(line, at, on, r);
    else if (kind == CTB_EV_RAW_POLARITY && fxo && on != line->raw_polarity) {
        line->raw_polarity = on;
        polarity_restart(line, at);
    } else if (kind == CTB_EV_RAW_CAS && line->type == CTB_LINE_E1_CAS
               && (level & 15) != line->raw_cas)
        cas_edge(line, at, level & 15);
}

/* what was decided before, once more: whoever asks may have missed it */
static void levels_repeat(const ctb_line_t *line, uint64_t at, report_t *r)
{
    if (line->type == CTB_LINE_FXS) {
        report_add(r, line->hook ? CTB_EV_OFF_HOOK : CTB_EV_ON_HOOK, at, 0);
    } else if (line->type == CTB_LINE_FXO) {
        if (!line->ringing && line->timer[CTB_LT_STOPPED] == CTB_LINE_NEVER
            && line->stop_at == CTB_LINE_NEVER)
            report_add(r, CTB_EV_RING_STOPPED, at, 0);
        report_add(r, CTB_EV_BATTERY, at, line->battery);
        report_add(r, CTB_EV_POLARITY, at, line->polarity);
    } else if (line->type == CTB_LINE_E1_CAS && line->cas >= 0) {
        report_add(r, CTB_EV_CAS, at, line->cas)->b = line->cas;
    }
}

static void levels_read(ctb_line_t *line, const ctb_event_t *raw, uint64_t at, report_t *r)
{
    levels_repeat(line, at, r);
    if (line->pulses > 0 || line->phase == OPEN || line->phase == SETTLING) {
        line->pulses = 0;
        line->spoilt = 1;
    }
    level_set(line, CTB_EV_RAW_HOOK, at, raw->a, r);
    level_set(line, CTB_EV_RAW_RING, at, raw->b, r);
    level_set(line, CTB_EV_RAW_BATTERY, at, raw->c & BATTERY_BIT, r);
    level_set(line, CTB_EV_RAW_POLARITY, at, raw->c & POLARITY_BIT, r);
    level_set(line, CTB_EV_RAW_CAS, at, raw->d, r);
}

/* ---- interface -------------------------------------------------------------- */

void ctb_line_init(ctb_line_t *line, uint32_t type)
{
    memset(line, 0, sizeof *line);
    line->type = type;
    line->params = ctb_line_default;
    line->battery = line->raw_battery = 1;
    line->cas = line->raw_cas = -1;      /* unknown: the first bits are always reported */
    line->stop_at = CTB_LINE_NEVER;
    line->due = CTB_LINE_NEVER;
    for (int i = 0; i < CTB_LINE_TIMERS; i++) timer_stop(line, i);
}

static void param_set(int32_t *param, int32_t value) { if (value > 0) *param = value; }

void ctb_line_set(ctb_line_t *line, const ctb_line_params_t *params)
{
    ctb_line_params_t *p = &line->params;
    param_set(&p->flash_min_ms, params->flash_min_ms);
    param_set(&p->flash_max_ms, params->flash_max_ms);
    param_set(&p->on_hook_ms, params->on_hook_ms);
    param_set(&p->pulse_min_ms, params->pulse_min_ms);
    param_set(&p->pulse_max_ms, params->pulse_max_ms);
    param_set(&p->pulse_gap_ms, params->pulse_gap_ms);
    param_set(&p->off_hook_ms, params->off_hook_ms);
    param_set(&p->ring_min_ms, params->ring_min_ms);
    param_set(&p->ring_timeout_ms, params->ring_timeout_ms);
    param_set(&p->break_min_ms, params->break_min_ms);
    param_set(&p->break_max_ms, params->break_max_ms);
    param_set(&p->polarity_ms, params->polarity_ms);
    param_set(&p->cas_ms, params->cas_ms);
    if (p->flash_max_ms < p->flash_min_ms) p->flash_max_ms = p->flash_min_ms;
    if (p->on_hook_ms <= p->flash_max_ms) p->on_hook_ms = p->flash_max_ms + 1;
    if (p->break_max_ms <= p->break_min_ms) p->break_max_ms = p->break_min_ms + 1;
}

int ctb_line_raw(ctb_line_t *line, const ctb_event_t *raw, ctb_event_t *out)
{
    report_t r = { out, 0 };
    timers_serve(line, raw->at, &r);
    uint64_t at = line->now;
    if (raw->kind == CTB_EV_LINE_STATE) levels_read(line, raw, at, &r);
    else level_set(line, raw->kind, at, raw->a, &r);
    timers_serve(line, at, &r);
    return r.count;
}

int ctb_line_tick(ctb_line_t *line, uint64_t now, ctb_event_t *out)
{
    report_t r = { out, 0 };
    timers_serve(line, now, &r);
    return r.count;
}
