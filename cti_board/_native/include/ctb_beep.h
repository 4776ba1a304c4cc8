/* ctb_beep.h - steady tones of any frequency: the beep of an answering machine, the three tones
 * of an information signal, one burst of any call-progress tone.
 *
 * Banks as in ctb_dsp.h: CTB_LANES lines side by side, one frame at a time. */
#ifndef CTB_BEEP_H
#define CTB_BEEP_H
#include "ctb_dsp.h"

/* Hits: CTB_EV_BEEP_ON once a tone of one or two frequencies (330 to 3800 Hz) was steady for
 * 150 ms: a = its frequency in 0.1 Hz, 0 of two frequencies together, b = level 0.01 dBm0,
 * d = samples since it began.  CTB_EV_BEEP_OFF: a = frequency, b = length in samples, d = samples
 * since its end.  _arm resets one lane. */
typedef struct ctb_beep_bank ctb_beep_bank_t;
int  ctb_beep_bank_alloc(ctb_beep_bank_t **out);
void ctb_beep_bank_free(ctb_beep_bank_t *bank);
void ctb_beep_bank_arm(ctb_beep_bank_t *bank, int lane);
int  ctb_beep_bank_run(ctb_beep_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                       ctb_hit_t *hits, int max);
#endif
