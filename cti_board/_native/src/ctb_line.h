/* ctb_line.h - one line's raw levels become debounced line events (milliseconds, C).
 * Used by the engine only; no allocation, no clock: time is the board's sample number.
 *
 * A level that must be held for n ms is decided at the sample at which the n ms ran out,
 * and an edge at that very sample comes too late.  So an interval `from..to` contains
 * `from` and does not contain `to` when `to` is a timer (on_hook_ms, break_max_ms).
 * Samples never run backwards: a raw event older than the last call counts as now. */
#ifndef CTB_LINE_H
#define CTB_LINE_H
#include "ctb_driver.h"

typedef struct ctb_line_params {   /* all ms; 0 or less in ctb_line_set = keep */
    int32_t flash_min_ms, flash_max_ms;   /* FXS: open interval that is a hook flash */
    int32_t on_hook_ms;                   /* FXS: open this long: on-hook (> flash_max) */
    int32_t pulse_min_ms, pulse_max_ms;   /* FXS: open interval that is a dial pulse; a change
                                             shorter than pulse_min is contact bounce */
    int32_t pulse_gap_ms;                 /* FXS: closed this long: the pulse digit ends */
    int32_t off_hook_ms;                  /* FXS: closed this long: off-hook (ring trip too) */
    int32_t ring_min_ms;                  /* FXO: shorter bursts are not ringing (RING_END
                                             alone, once in so long: our off-hook may have
                                             tripped it), shorter gaps do not end a burst */
    int32_t ring_timeout_ms;              /* FXO: no burst for this long: RING_STOPPED */
    int32_t break_min_ms, break_max_ms;   /* FXO: loss of feed that is a loop break (CPC) */
    int32_t polarity_ms;                  /* FXO: a reversal held this long */
    int32_t cas_ms;                       /* E1: bits held this long */
} ctb_line_params_t;

extern const ctb_line_params_t ctb_line_default;

enum ctb_line_timer {
    CTB_LT_HOOK, CTB_LT_RING, CTB_LT_STOPPED, CTB_LT_BATTERY, CTB_LT_POLARITY, CTB_LT_CAS,
    CTB_LINE_TIMERS
};

#define CTB_LINE_OUT   8
#define CTB_LINE_NEVER UINT64_MAX
typedef struct ctb_line {
    uint32_t type;                        /* enum ctb_line_type */
    uint32_t pending;                     /* a timer runs: call ctb_line_tick every frame ... */
    uint64_t due;                         /* ... or at the frame that holds this sample */
    ctb_line_params_t params;
    /* private from here: the levels decided, the levels seen, since when */
    int32_t hook, ringing, battery, polarity, cas;
    int32_t raw_hook, raw_ring, raw_battery, raw_polarity, raw_cas;
    int32_t phase, pulses, spoilt;
    uint64_t now, open_at, close_at, ring_at, ring_off_at, stop_at, short_at, battery_at, polarity_at;
    uint64_t timer[CTB_LINE_TIMERS];      /* sample at which it runs out, or CTB_LINE_NEVER */
} ctb_line_t;

void ctb_line_init(ctb_line_t *line, uint32_t type);
/* Unfit values are raised: flash_max to flash_min, on_hook over flash_max, break_max over
 * break_min.  Timers that run already are not changed. */
void ctb_line_set(ctb_line_t *line, const ctb_line_params_t *params);
/* A raw event (kinds 1..6) at raw->at.  Writes debounced events (kind, at, a, b, text; the
 * caller fills board, channel, seq) to out[], at most CTB_LINE_OUT; returns how many.
 * LINE_STATE: the levels decided before are reported once more (whoever asked may have missed
 * them; ringing only when there is none), then it counts as edges of those levels that differ.
 * A dial pulse train that it meets is dropped, because edges may be missing from it. */
int ctb_line_raw(ctb_line_t *line, const ctb_event_t *raw, ctb_event_t *out);
/* Time goes on to `now` (samples, a frame's end): timers that have run out report. */
int ctb_line_tick(ctb_line_t *line, uint64_t now, ctb_event_t *out);
/* An event decided by a timer has at = the sample at which the timer ran out, not the end
 * of the frame.  Events of one call are in order of `at`. */
#endif
