/* sim.h - what the rooms of the simulated card share.
 *
 * Street: telephones (sim_tel) -> line circuits of the exchange (sim_port) or FXS ports;
 * card: channels (sim_chan).  Time is the board's sample counter; `b->at` is the instant
 * at which whatever is being done happens, and stamps every event.
 * Sound is A-law, one frame at a time: a pointer to 160 codes, NULL = silence. */
#ifndef SIM_H
#define SIM_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "ctb_driver.h"
#include "ctb_street.h"

#define SIM_N        CTB_FRAME_SAMPLES
#define SIM_SUB      80u                     /* detectors look at 10 ms steps */
#define SIM_MS(ms)   ((uint64_t)(ms) * 8u)
#define SIM_SILENCE  CTB_IDLE_ALAW
#define SIM_EVENTS   8192u
#define SIM_TWO_PI   6.283185307179586

typedef const uint8_t *sim_sig_t;            /* SIM_N A-law codes, or NULL */

/* ---- g711_sim.c ------------------------------------------------------------ */
extern int16_t sim_alaw_linear[256];
extern uint8_t sim_linear_alaw_table[4096];  /* by linear >> 4 */
extern uint8_t sim_alaw_to_ulaw[256], sim_ulaw_to_alaw[256];
static inline uint8_t sim_to_alaw(int32_t x)
{
    if (x > 32767) x = 32767;
    if (x < -32768) x = -32768;
    return sim_linear_alaw_table[(x + 32768) >> 4];
}
void sim_encode(uint8_t *out, const int32_t *in, size_t n);
void sim_add(int32_t *acc, sim_sig_t in);              /* NULL adds nothing */
void sim_gain_map(uint8_t map[256], double db);        /* A-law to A-law */
double sim_amplitude(double dbm0);                     /* peak of a sine, 16-bit linear */

/* ---- timer.c --------------------------------------------------------------- */
typedef struct sim_timer sim_timer_t;
typedef void (*sim_timer_fn)(ctb_board_t *b, void *owner);
struct sim_timer {
    uint64_t at, order;
    int32_t place;                           /* in the heap; -1 = not running */
    sim_timer_fn fn;
    void *owner;
};
void sim_timer_init(sim_timer_t *t, sim_timer_fn fn, void *owner);
void sim_timer_at(ctb_board_t *b, sim_timer_t *t, uint64_t at);
static inline bool sim_timer_runs(const sim_timer_t *t) { return t->place >= 0; }
void sim_timer_stop(ctb_board_t *b, sim_timer_t *t);
void sim_timers_run(ctb_board_t *b, uint64_t end);     /* all that are due before end */
#define SIM_TIMERS_PER_CHAN 3
#define SIM_TIMERS_PER_PORT 3
#define SIM_TIMERS_PER_TEL  2

/* ---- tones_sim.c ----------------------------------------------------------- */
typedef struct sim_tone {                    /* one whole cadence, ready to be copied */
    uint8_t *loop;
    uint8_t *live;                           /* per frame: 1 = not all silence */
    uint32_t frames;
} sim_tone_t;

#define SIM_TONES 9                          /* enum ctb_street_tone */
#define SIM_RING_PAIRS 2
typedef struct sim_country {
    const char *name;
    int vacant;                              /* which tone tells of a vacant number */
    bool v23;                                /* caller identity by V.23, else Bell 202 */
    uint16_t ring_ms[SIM_RING_PAIRS][2];     /* on, off; 0 = no second burst */
    uint32_t count;
    ctb_tone_t tone[SIM_TONES];
} sim_country_t;
const sim_country_t *sim_country_find(const char *name, size_t length);
extern const char sim_country_names[];
int  sim_tones_render(sim_tone_t out[SIM_TONES], const sim_country_t *country);
void sim_tones_free(sim_tone_t tones[SIM_TONES]);

extern int16_t sim_sine[4096];
typedef struct sim_osc { uint32_t phase, step; float gain; } sim_osc_t;
void sim_osc_start(sim_osc_t *o, double hz, double dbm0);
void sim_osc_add(sim_osc_t *o, int32_t *acc, size_t n);

typedef struct sim_tone_tx {                 /* a tone with cadence, sample by sample */
    ctb_tone_t tone;
    bool on, sounding;
    uint32_t step, cycle;
    uint64_t left;                           /* of this on or off; UINT64_MAX = for ever */
    sim_osc_t osc[2];
} sim_tone_tx_t;
int    sim_tone_check(const ctb_tone_t *tone);
void   sim_tone_tx_start(sim_tone_tx_t *t, const ctb_tone_t *tone);
size_t sim_tone_tx_add(sim_tone_tx_t *t, int32_t *acc, size_t n);   /* < n: it ended there */

typedef struct sim_dtmf_tx {
    char digits[64];
    uint32_t next, on, off, left;
    bool active, sounding;
    double level, twist;
    sim_osc_t osc[2];
} sim_dtmf_tx_t;
int    sim_dtmf_hz(char digit, double hz[2]);          /* -EINVAL: no such key */
int    sim_dtmf_check(const char *digits, int on, int off, int level, int twist);
void   sim_dtmf_tx_start(sim_dtmf_tx_t *t, const char *digits, uint32_t on_ms, uint32_t off_ms,
                         double low_dbm0, double twist_db);
size_t sim_dtmf_tx_add(sim_dtmf_tx_t *t, int32_t *acc, size_t n);   /* < n: it ended there */

/* ---- fsk_tx.c: caller identity --------------------------------------------- */
typedef struct sim_fsk_tx {
    uint8_t message[64];
    uint32_t bytes, bit, bits;               /* bit now being sent */
    uint32_t baud_phase;
    bool active;
    uint32_t mark, space;
    sim_osc_t osc;
} sim_fsk_tx_t;
void   sim_fsk_tx_start(sim_fsk_tx_t *f, bool v23, uint64_t now, const char *number);
size_t sim_fsk_tx_add(sim_fsk_tx_t *f, int32_t *acc, size_t n);

/* ---- digit_rx.c ------------------------------------------------------------- */
#define SIM_BANK 16
typedef struct sim_bank {                    /* phasors of up to 16 frequencies over 10 ms */
    uint32_t count, width;
    float hz[SIM_BANK];
    float cs[SIM_SUB][SIM_BANK], sn[SIM_SUB][SIM_BANK];
    float turn_re[SIM_BANK], turn_im[SIM_BANK];        /* by one step of 10 ms */
} sim_bank_t;
typedef struct sim_window {                  /* two steps together: 20 ms every 10 ms */
    float re[SIM_BANK], im[SIM_BANK], energy;          /* of the step before */
    float power[SIM_BANK], total;                      /* share of the window, mean square */
} sim_window_t;
void sim_bank_init(sim_bank_t *bank, const double *hz, uint32_t count);
void sim_window_run(sim_window_t *w, const sim_bank_t *bank, const float *x);

typedef struct sim_digit_rx {
    sim_window_t w;
    char candidate, digit;
    uint32_t hits, misses;
    uint64_t begun, last;                    /* first sample of the tone, last one heard */
    float low, high;                         /* mean squares of the two tones */
} sim_digit_rx_t;
enum { SIM_DIGIT_NONE, SIM_DIGIT_BEGIN, SIM_DIGIT_END };
void sim_digit_reset(sim_digit_rx_t *rx);
bool sim_digit_rests(const sim_digit_rx_t *rx);
int  sim_digit_run(sim_digit_rx_t *rx, const float *x, uint64_t end, char *digit);
int  sim_centibel(double mean_square);                 /* 0.01 dBm0 */

/* ---- display.c: what an on-hook telephone shows ------------------------------- */
typedef struct sim_display {
    uint32_t frames;                         /* still to listen; 0 = nothing was heard lately */
    float past[7];
    int tone;                                /* last one: 1 mark, -1 space */
    uint32_t neither, marks;                 /* samples without a carrier; of marks */
    uint32_t bit, clock;                     /* of a character, from 1; thirds of a sample */
    uint8_t byte, message[258];
    uint32_t size;
    sim_digit_rx_t rx;
    bool spelling;
    uint8_t digits[20];
    uint32_t keyed;
} sim_display_t;
struct sim_tel;
void sim_display_wake(ctb_board_t *b, struct sim_tel *t);        /* there is sound on its line */
void sim_display_run(ctb_board_t *b, struct sim_tel *t, sim_sig_t sig);

/* ---- hear.c: tones with cadence, speech --------------------------------------- */
typedef struct sim_plan {
    sim_bank_t bank;
    uint32_t count, signatures;
    int8_t sig[SIM_BANK][2];                 /* indices into the bank, -1 = none */
    struct sim_plan_tone {
        uint32_t id, segments;               /* cadence as a ring of (signature, steps of 10 ms) */
        int8_t   sig[2 * CTB_TONE_STEPS];
        uint16_t len[2 * CTB_TONE_STEPS];    /* 0 = continuous */
        uint16_t longest_on, longest_off, confirm, need;
    } tone[SIM_BANK];
} sim_plan_t;
int sim_plan_make(sim_plan_t *plan, const ctb_tone_t *tones, uint32_t count);

#define SIM_HISTORY 8
typedef struct sim_ear {
    sim_window_t w;
    int8_t run_sig, next_sig;
    uint32_t run, next;                      /* length of the run; of the one that may follow */
    int8_t sig[SIM_HISTORY];
    uint16_t len[SIM_HISTORY];
    uint32_t segments;
    uint32_t tone;                           /* now reported */
    uint64_t tone_begun;
    float tone_level;
    bool speech;
    uint32_t speech_score, speech_hang;
    uint64_t speech_begun, speech_last;
    float speech_level;
} sim_ear_t;
typedef struct sim_heard {                   /* what one step brought */
    bool tone, speech_begin, speech_end;
    uint32_t tone_id;                        /* now, 0 = none */
} sim_heard_t;
void sim_ear_reset(sim_ear_t *ear);
bool sim_ear_rests(const sim_ear_t *ear);
void sim_ear_run(sim_ear_t *ear, const sim_plan_t *plan, const float *x, uint64_t end,
                 bool digit, sim_heard_t *out);

/* ---- impair.c ---------------------------------------------------------------- */
#define SIM_ECHO_MAX 4096u
typedef struct sim_impair {
    bool on, tilt, echo;
    float gain, noise, echo_gain;            /* noise: rms in 16-bit linear */
    float fir[2];                            /* centre, sides */
    uint32_t delay;
    uint64_t key, sound_end, up_end, down_end;         /* histories are written up to here */
    float up_before[2], down_before[2];
    int16_t up[SIM_ECHO_MAX], down[SIM_ECHO_MAX];      /* the last samples, by sample number */
} sim_impair_t;
int  sim_impair_set(ctb_board_t *b, uint32_t end, const ctb_args_t *args);
bool sim_impair_sounds(const sim_impair_t *im, uint64_t now);
void sim_impair_up(sim_impair_t *im, sim_sig_t mouth, uint64_t now, int32_t *out);
/* add what comes back of `down`: after all that goes up in this frame is known */
void sim_impair_up_echo(sim_impair_t *im, sim_sig_t down, uint64_t now, int32_t *out);
void sim_impair_down(sim_impair_t *im, sim_sig_t in, uint64_t now, uint8_t *out);
float sim_noise(uint64_t key, uint64_t sample);        /* mean 0, variance 1 */

/* ---- pulses: a loop that opens and closes, for telephones and for the card ------ */
typedef struct sim_pulse_tx {
    char digits[64];
    uint32_t next, left, brk, make;
    bool active, open;
    uint64_t cookie;
} sim_pulse_tx_t;
#define SIM_INTERDIGIT_MS 800u               /* chosen: dials give 600..900 ms */
int  sim_pulse_start(sim_pulse_tx_t *p, const char *digits, int rate_x10, int break_percent);
/* the next change: true = in `*wait` samples the loop goes as p->open says; false = done */
bool sim_pulse_next(sim_pulse_tx_t *p, uint64_t *wait);

/* ---- telephones (telephone.c) -------------------------------------------------- */
typedef struct sim_chan sim_chan_t;
typedef struct sim_port sim_port_t;
typedef struct sim_media sim_media_t;

typedef struct sim_tel {
    ctb_board_t *b;
    uint32_t end;
    int32_t place;                           /* in the board's list of working telephones */
    char number[16];
    sim_chan_t *fxs;                         /* where it is plugged in: ... */
    sim_port_t *port;                        /* ... one of the two */
    bool off_hook, loop, ringing;
    struct { const uint8_t *data; uint64_t size, pos, times, cookie; bool active, for_ever; } play;
    sim_dtmf_tx_t dial;
    uint64_t dial_cookie;
    sim_pulse_tx_t pulse;
    sim_timer_t pulse_timer, flash_timer;
    char stuck;
    sim_osc_t stuck_osc[2];
    struct { uint8_t *data; uint64_t size, pos, cookie; } hear;
    uint32_t watch;
    sim_ear_t ear;
    sim_digit_rx_t digit;
    sim_display_t display;
    sim_impair_t *impair;
    sim_sig_t mouth, heard;                  /* this frame: after / before the line's faults */
    uint8_t mouth_buffer[SIM_N], heard_buffer[SIM_N];
    int32_t line_up[SIM_N];
} sim_tel_t;

void sim_tel_init(ctb_board_t *b, sim_tel_t *t, uint32_t end);
int  sim_street_command(ctb_board_t *b, uint32_t end, const ctb_args_t *args);
void sim_tel_wake(ctb_board_t *b, sim_tel_t *t);
bool sim_tel_works(const sim_tel_t *t);
bool sim_tel_rests(const sim_tel_t *t, uint64_t now);  /* idle_hint may pass over it */
void sim_tel_mouth(ctb_board_t *b, sim_tel_t *t);
void sim_tel_listen(ctb_board_t *b, sim_tel_t *t);
ctb_event_t *sim_tel_report(ctb_board_t *b, const sim_tel_t *t, int what, int value,
                            uint64_t cookie, const char *text);
void sim_tel_ring(ctb_board_t *b, sim_tel_t *t, bool on);
void sim_tel_ring_over(ctb_board_t *b, sim_tel_t *t, bool answered);

/* ---- the exchange (exchange.c, route.c, e1.c) ------------------------------------ */
enum sim_port_kind { SIM_OUTSIDE, SIM_TRUNK_FXO, SIM_TRUNK_E1 };
enum sim_port_state {
    SIM_IDLE,
    SIM_REGISTER,        /* off-hook: dial tone, digits */
    SIM_CALLING,         /* a call is being set up, ringback */
    SIM_RINGING,         /* is being called */
    SIM_TALK,
    SIM_TONE,            /* busy, congestion, vacant; after a while the howler */
    SIM_PARKED,          /* off-hook and forgotten */
    SIM_RELEASE          /* E1: waits for the other end to be idle */
};
enum sim_seize_step { SIM_SEIZING, SIM_DOUBLE, SIM_ACKED, SIM_ADDRESS, SIM_ALERTED };

struct sim_port {
    ctb_board_t *b;
    enum sim_port_kind kind;
    enum sim_port_state state;
    uint32_t index;
    int32_t place;
    char number[16];
    sim_tel_t *tel;
    sim_chan_t *chan;
    sim_port_t *peer;
    bool caller, loop;
    int tone;                                /* enum ctb_street_tone being sent */
    uint64_t tone_frame;                     /* frame at which it began */
    char digits[24], from[24];
    uint32_t digit_count, pulses;
    uint64_t opened_at;
    bool dead;                               /* fault: no dial tone, no register */
    sim_timer_t state_timer, loop_timer, ring_timer;
    sim_digit_rx_t rx;
    char found;                              /* digit heard in this frame */
    bool ring_on, told_caller;
    uint32_t burst;
    uint16_t ring_ms[SIM_RING_PAIRS][2];
    uint8_t caller_id, clear;
    bool answer_reversal;
    sim_dtmf_tx_t dtmf;
    sim_fsk_tx_t fsk;
    enum sim_seize_step step;
    uint8_t sent_bits, card_bits;            /* E1: as the card sends; as we see them */
    uint8_t line_bits, told_bits;            /* to the card; as it last saw them */
    sim_sig_t up;
    uint8_t buffer[SIM_N];
};

void sim_port_init(ctb_board_t *b, sim_port_t *p, enum sim_port_kind kind, uint32_t index);
bool sim_port_works(const sim_port_t *p);
bool sim_port_rests(const sim_port_t *p);
void sim_port_wake(ctb_board_t *b, sim_port_t *p);
void sim_port_state(ctb_board_t *b, sim_port_t *p, enum sim_port_state state);
void sim_port_tone(ctb_board_t *b, sim_port_t *p, int tone);
void sim_port_loop(ctb_board_t *b, sim_port_t *p, bool closed);
void sim_port_up(ctb_board_t *b, sim_port_t *p);
sim_sig_t sim_port_down(ctb_board_t *b, sim_port_t *p, bool advance);
void sim_port_receive(ctb_board_t *b, sim_port_t *p);  /* digits out of p->up */
void sim_port_digit(ctb_board_t *b, sim_port_t *p, char digit);
void sim_exchange_register(ctb_board_t *b, sim_port_t *p);
void sim_exchange_fail(ctb_board_t *b, sim_port_t *p, int tone);
void sim_exchange_answer(ctb_board_t *b, sim_port_t *called);
void sim_exchange_leave(ctb_board_t *b, sim_port_t *p);       /* p ends its part of the call */
void sim_exchange_alert(ctb_board_t *b, sim_port_t *called);  /* the caller hears ringback */
void sim_ring_start(ctb_board_t *b, sim_port_t *p);
void sim_ring_stop(ctb_board_t *b, sim_port_t *p, bool answered);
void sim_ring_timeout(ctb_board_t *b, void *owner);
/* route.c: what to do with the digits; false = not enough of them yet */
bool sim_route(ctb_board_t *b, sim_port_t *p, bool all);

void sim_e1_init(sim_port_t *p);
void sim_e1_call(ctb_board_t *b, sim_port_t *p);        /* seize towards the card */
void sim_e1_released(ctb_board_t *b, sim_port_t *p);    /* the other party left */
void sim_e1_answered(ctb_board_t *b, sim_port_t *p);
void sim_e1_card_bits(ctb_board_t *b, sim_port_t *p, uint8_t abcd);
void sim_e1_state_timeout(ctb_board_t *b, sim_port_t *p);
void sim_e1_address_sent(ctb_board_t *b, sim_port_t *p);
void sim_e1_thaw(ctb_board_t *b, uint32_t span);
bool sim_e1_free(ctb_board_t *b, const sim_port_t *p);

/* ---- the card's channels (sim_driver.c, line_fxo.c, line_fxs.c) -------------------- */
struct sim_chan {
    ctb_board_t *b;
    uint32_t index, type, span, slot;
    bool opened, cut;
    sim_tel_t *tel;
    sim_port_t *port;
    sim_media_t *media;                      /* only with media=board */
    sim_sig_t tx, rx;                        /* of frame tx_frame, rx_frame */
    uint64_t tx_frame, rx_frame;
    bool gain_rx, gain_tx;
    uint8_t map_rx[256], map_tx[256];
    uint8_t tx_buffer[SIM_N], rx_buffer[SIM_N];
    bool hook, flashing, pulse_open, ring, battery, broken, reversed;  /* FXO: as the card knows the line */
    uint32_t missed_rings;
    sim_pulse_tx_t pulse;
    sim_timer_t pulse_timer, line_timer;     /* FXO: flash; FXS: loop break */
    sim_timer_t break_timer;                 /* FXO: loop break by the exchange; FXS: ring */
    uint32_t ring_on_ms, ring_off_ms, ring_burst;      /* FXS */
    int ring_caller_id;
    int32_t place;                           /* in the list of channels with media at work */
    char ring_number[24];
    struct sim_late { uint8_t *frames, *live; uint32_t pending; } late_tx, late_rx;
};
void sim_chan_rx(ctb_board_t *b, sim_chan_t *c, sim_sig_t sig);
void sim_chan_wake(ctb_board_t *b, sim_chan_t *c);     /* it has media at work */
static inline sim_sig_t sim_chan_tx(const ctb_board_t *b, const sim_chan_t *c);
int  sim_fxo_command(ctb_board_t *b, sim_chan_t *c, uint32_t op, const ctb_args_t *args);
void sim_fxo_ring(ctb_board_t *b, sim_chan_t *c, bool on);
void sim_fxo_polarity(ctb_board_t *b, sim_chan_t *c, bool reversed);
void sim_fxo_break(ctb_board_t *b, sim_chan_t *c, uint32_t ms);
void sim_fxo_cut(ctb_board_t *b, sim_chan_t *c, bool cut);
void sim_fxo_init(sim_chan_t *c);
int  sim_fxs_command(ctb_board_t *b, sim_chan_t *c, uint32_t op, const ctb_args_t *args);
void sim_fxs_loop(ctb_board_t *b, sim_chan_t *c);
void sim_fxs_cut(ctb_board_t *b, sim_chan_t *c, bool cut);
void sim_fxs_init(sim_chan_t *c);
void sim_fxs_ring_stop(ctb_board_t *b, sim_chan_t *c, bool answered);
bool sim_fxs_connected(const sim_chan_t *c);

/* ---- board_media.c ------------------------------------------------------------------- */
int  sim_media_alloc(ctb_board_t *b);
void sim_media_free(ctb_board_t *b);
int  sim_media_command(ctb_board_t *b, sim_chan_t *c, uint32_t op, const ctb_args_t *args);
int  sim_media_plan(ctb_board_t *b, const ctb_args_t *args);
bool sim_media_works(const sim_chan_t *c);
bool sim_media_rests(const sim_chan_t *c);
sim_sig_t sim_media_tx(ctb_board_t *b, sim_chan_t *c, sim_sig_t host);  /* all that is sent */
void sim_media_rx(ctb_board_t *b, sim_chan_t *c);
void sim_media_close(ctb_board_t *b, sim_chan_t *c, int reason);

/* ---- faults.c, spec.c ---------------------------------------------------------------- */
int  sim_fault(ctb_board_t *b, uint32_t end, const ctb_args_t *args);
int  sim_option(ctb_board_t *b, const ctb_args_t *args);
void sim_alarms_set(ctb_board_t *b, uint32_t span, uint32_t far_alarms, uint32_t sent);
bool sim_span_frozen(const ctb_board_t *b, uint32_t span);    /* no signalling gets through */
bool sim_span_silent(const ctb_board_t *b, uint32_t span);    /* no sound either */

typedef struct sim_spec {
    uint32_t fxo, fxs, e1, phones, latency;
    bool board_media, ulaw;
    uint64_t seed;
    double ppm;
    const sim_country_t *country;
} sim_spec_t;
int sim_spec_parse(sim_spec_t *out, const char *text, char *err, size_t err_size);

/* ---- the board ------------------------------------------------------------------------- */
typedef struct sim_span {
    uint32_t kind, first, channels;
    uint32_t alarms, far_alarms, sent_alarms;          /* on now; by fault; sent by the card */
    bool no_ack;
    char name[32];
} sim_span_t;

struct ctb_board {
    sim_spec_t spec;
    uint64_t now, at, frame;                 /* first sample of the coming frame; instant; number */
    uint64_t timer_order;
    sim_timer_t **heap;
    uint32_t heap_count;
    sim_span_t *spans;
    uint32_t span_count;
    sim_chan_t *chans;
    uint32_t chan_count;
    sim_tel_t *tels;
    uint32_t tel_count;
    sim_impair_t *impairs;
    sim_port_t *ports;                       /* outside lines, FXO lines, E1 timeslots */
    uint32_t port_count, first_fxo_port, first_e1_port;
    sim_tel_t **busy_tels;
    uint32_t busy_tel_count;
    sim_port_t **busy_ports;
    uint32_t busy_port_count;
    sim_chan_t **busy_chans;                 /* with media at work */
    uint32_t busy_chan_count;
    sim_media_t *media;
    sim_port_t **found;
    uint32_t found_count;
    sim_tone_t tones[SIM_TONES];
    sim_plan_t plan;                         /* the country's, for the street's ears */
    ctb_event_t *events, spare_event;
    uint32_t event_head, event_count;
    sim_plan_t card_plan;                    /* the card's, by CTB_OP_TONE_PLAN */
    int32_t stopped;                         /* frames without a frame; -1 = until told */
    bool congestion;
    uint32_t echoes;                         /* lines with an echo */
    uint8_t *latency_memory;
    uint8_t *rx;                             /* during exchange */
    uint64_t *rx_live;
};

static inline sim_sig_t sim_chan_tx(const ctb_board_t *b, const sim_chan_t *c)
{
    return c->tx_frame == b->frame ? c->tx : NULL;
}
/* never NULL; the caller may fill in the rest until the next call */
ctb_event_t *sim_post(ctb_board_t *b, uint32_t channel, uint32_t kind, int32_t a);
bool sim_next_event(ctb_board_t *b, ctb_event_t *out);

/* ---- frame.c, board.c ------------------------------------------------------------------- */
int  sim_frame(ctb_board_t *b, const uint8_t *tx, const uint64_t *tx_live, uint8_t *rx,
               uint64_t *rx_live);
int64_t sim_skip(ctb_board_t *b, int64_t max_frames, int *never);
int  sim_board_build(ctb_board_t *b);
void sim_board_free(ctb_board_t *b);

#endif
