/* echo.h - the state of the echo canceller, shared by its filters and its rules. */
#ifndef CTB_ECHO_STATE_H
#define CTB_ECHO_STATE_H
#include "ctb_echo.h"
#include "simd.h"

#define HOP 32                            /* samples from one adaptation to the next: 4 ms */
#define HOPS ((int)CTB_FRAME_SAMPLES / HOP)
#define WINDOW 128                        /* samples of a transform */
#define POINTS (WINDOW / 2)
#define BINS (POINTS + 1)
#define PART (WINDOW - HOP)               /* samples of the echo path that a filter's part models */
#define PART_HOPS (PART / HOP)
#define PARTS 6                           /* 576 samples: at least CTB_ECHO_TAIL_MAX */
#define HISTORY (PART_HOPS * (PARTS - 1)) /* spectra of tx older than this frame */
#define RING 2048                         /* samples; more than CTB_ECHO_DELAY_MAX */
#define SHARE ((float)HOP / WINDOW)       /* of a transform's samples that are new */
#define TINY 1e-20f                       /* keeps silence out of slow denormal numbers */

typedef float row_t[CTB_LANES];
typedef int32_t irow_t[CTB_LANES];

typedef struct spectrum {
    row_t re[BINS], im[BINS];
} spectrum_t;

typedef struct filter {
    spectrum_t part[PARTS];
} filter_t;

/* what an output sample is made of */
enum echo_source { FROM_MAIN, FROM_SHADOW, FROM_LINE, FROM_NOISE, SOURCES };
enum echo_path { PATH_TX, PATH_RX, PATHS };

typedef struct lanes {
    row_t past[WINDOW];                   /* the last of tx, delayed */
    spectrum_t tx[HISTORY + HOPS];        /* of `past`, hop by hop; the newest of a frame last */
    filter_t main, shadow;
    row_t spread[PARTS][BINS];            /* mean square error of the main filter, as it thinks */
    row_t near_power[BINS];               /* of what is not echo, for the step size */
    row_t floor_power[BINS];              /* of the line's noise in a Hann window, times 4 */
    row_t rest[WINDOW];                   /* the last errors of the main filter */
    row_t overlap[WINDOW];                /* comfort noise to come */
    row_t mix[SOURCES];                   /* share of each source at the end of the last hop */
    irow_t dice;                          /* of the comfort noise */
    irow_t parts, nonlinear, tone_disable;
    /* rules: means over 8 hops of the energy of a hop */
    row_t rx_mean, main_mean, shadow_mean, echo_mean, tx_peak, echo_peak;
    row_t leak;                           /* residue over echo, the best of late */
    row_t floor;                          /* energy of a hop of the line's noise */
    row_t long_rx, long_main;             /* for the ERLE, while there is echo alone */
    irow_t active, narrow, near, better, calm, plain, worse, shadow_heard;
    irow_t idle;                          /* hops since tx was last heard */
    /* tone disabler */
    row_t tone_re[PATHS][3], tone_im[PATHS][3];  /* 2100 Hz in this hop and the two before */
    row_t turn_re[PATHS], turn_im[PATHS];        /* mean phase step from hop to hop */
    irow_t tone_hops[PATHS], since[PATHS], reversals[PATHS];
    irow_t off, quiet;                    /* disabled; hops without signal since */
} lanes_t;

struct ctb_echo_bank {
    lanes_t lanes;
    /* of the hop at hand */
    spectrum_t work, main_spectrum, shadow_spectrum;
    row_t main_error[HOP], shadow_error[HOP], slope[PART], gain[BINS], noise[WINDOW];
    row_t rx_power, tx_power, main_power, shadow_power, echo_power, shadow_echo;
    row_t adapt_main, adapt_shadow;       /* step sizes, 0 = held */
    row_t shadow_floor;                   /* bins under this share of all tx learn more slowly */
    row_t learn;                          /* share of this hop in the floor, 0 = held */
    row_t comfort;                        /* 1 = makes comfort noise */
    row_t mix[SOURCES];
    row_t tone_re[PATHS], tone_im[PATHS];
    irow_t width;                         /* bins that the signal tx fills */
    uint32_t deaf;                        /* lanes without rx in this run */
    int parts;                            /* of the longest filter among the lanes of the mask */
    uint32_t delay[CTB_LANES], at[CTB_LANES];
    float (*ring)[RING];
    ctb_park_t park;
};

/* echo_rule.c */
void ctb_echo_lane_reset(ctb_echo_bank_t *bank, int lane, const ctb_echo_params_t *params);
void ctb_echo_rule_adapt(ctb_echo_bank_t *bank, int lane);   /* after the errors are known */
void ctb_echo_rule_output(ctb_echo_bank_t *bank, int lane);  /* before the hop is given out */
#endif
