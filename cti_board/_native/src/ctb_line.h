/* ctb_line.h - one line's raw levels become debounced line events (milliseconds, C).
 * Used by the engine only; no allocation, no clock: time is the board's sample number. */
#ifndef CTB_LINE_H
#define CTB_LINE_H
#include "ctb_driver.h"

typedef struct ctb_line_params {   /* all ms; 0 in ctb_line_set = keep */
    int32_t flash_min_ms, flash_max_ms;   /* FXS: open interval that is a hook flash */
    int32_t on_hook_ms;                   /* FXS: open longer than this: on-hook (> flash_max) */
    int32_t pulse_min_ms, pulse_max_ms;   /* FXS: open interval that is a dial pulse */
    int32_t pulse_gap_ms;                 /* FXS: closed this long: the pulse digit ends */
    int32_t off_hook_ms;                  /* FXS: closed this long: off-hook (ring trip too) */
    int32_t ring_min_ms;                  /* FXO: shorter bursts are not ringing */
    int32_t ring_timeout_ms;              /* FXO: no burst for this long: RING_STOPPED */
    int32_t break_min_ms, break_max_ms;   /* FXO: loss of feed that is a loop break (CPC) */
    int32_t polarity_ms;                  /* FXO: a reversal held this long */
    int32_t cas_ms;                       /* E1: bits held this long */
} ctb_line_params_t;

#define CTB_LINE_OUT 8
typedef struct ctb_line {
    uint32_t type;                        /* enum ctb_line_type */
    uint32_t pending;                     /* a timer runs: call ctb_line_tick every frame */
    ctb_line_params_t params;
    /* last level reported up (what Python believes) and the level seen */
    int32_t hook, ringing, battery, polarity, cas;
    int32_t raw_hook, raw_ring, raw_battery, raw_polarity, raw_cas;
    uint64_t hook_at, ring_at, battery_at, polarity_at, cas_at, ring_last;
    int32_t pulses, ring_reported, awaiting, before;
    int32_t reserved[8];
} ctb_line_t;

void ctb_line_init(ctb_line_t *line, uint32_t type);
void ctb_line_set(ctb_line_t *line, const ctb_line_params_t *params);
/* A raw event (kinds 1..6) at raw->at.  Writes debounced events (kind, at, a, b, text; the
 * caller fills board, channel, seq) to out[], at most CTB_LINE_OUT; returns how many. */
int ctb_line_raw(ctb_line_t *line, const ctb_event_t *raw, ctb_event_t *out);
/* Time goes on to `now` (samples, a frame's end): timers that have run out report. */
int ctb_line_tick(ctb_line_t *line, uint64_t now, ctb_event_t *out);
/* ring_timeout etc. must be exact to the sample: an event decided by a timer has at = the
 * sample at which the timer ran out, not the end of the frame. */
#endif
