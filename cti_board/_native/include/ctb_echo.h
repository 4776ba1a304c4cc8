/* ctb_echo.h - line cleaning: the echo canceller.
 *
 * Banks as in ctb_dsp.h: CTB_LANES lines side by side, one frame at a time, in place. */
#ifndef CTB_ECHO_H
#define CTB_ECHO_H
#include "ctb_dsp.h"

#define CTB_ECHO_TAIL_MAX 512u      /* samples: 64 ms */
#define CTB_ECHO_DELAY_MAX 1600u    /* samples: 200 ms */

/* echo.c, echo_rule.c: a line echo canceller, tested after ITU-T G.168 */
typedef struct ctb_echo_params {
    uint32_t tail_ms;         /* 16..64, in steps of 8: length of the echo path that is modelled */
    uint32_t delay;           /* samples from a tx sample to the first that its echo can reach:
                                 the card's latencies; 0..CTB_ECHO_DELAY_MAX */
    uint32_t nonlinear;       /* 1: the residue is replaced by comfort noise (NLP) */
    uint32_t tone_disable;    /* 1: off while 2100 Hz with phase reversals is on the line, G.168 7.1 */
} ctb_echo_params_t;
extern const ctb_echo_params_t ctb_echo_default;

typedef struct ctb_echo_bank ctb_echo_bank_t;
int  ctb_echo_bank_alloc(ctb_echo_bank_t **out);
void ctb_echo_bank_free(ctb_echo_bank_t *bank);
int  ctb_echo_bank_arm(ctb_echo_bank_t *bank, int lane, const ctb_echo_params_t *params);  /* -EINVAL */
/* takes the echo of tx out of rx, in place, for the lanes in mask; the others keep their state
 * and their rx.  Without delay: the first sample in is the first sample out */
void ctb_echo_bank_run(ctb_echo_bank_t *bank, float (*rx)[CTB_LANES], const float (*tx)[CTB_LANES],
                       uint32_t mask);
/* these lanes have no rx in the next run (a frame that never came): tx is heard, nothing is learned */
void ctb_echo_bank_deaf(ctb_echo_bank_t *bank, uint32_t lanes);
/* the echo begins at another place, its path is the same: nothing that was learned is lost */
void ctb_echo_bank_delay(ctb_echo_bank_t *bank, int lane, uint32_t delay);
/* echo return loss enhancement of the filter, 0.01 dB, over the last 128 ms of echo alone (0: there
 * was none yet); *double_talk = 1 while the far end of the line is heard over the echo */
int32_t ctb_echo_bank_erle(const ctb_echo_bank_t *bank, int lane, int *double_talk);

#endif
