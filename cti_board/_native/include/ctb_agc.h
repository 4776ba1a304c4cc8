/* ctb_agc.h - line cleaning: automatic level.
 *
 * Banks as in ctb_dsp.h: CTB_LANES lines side by side, one frame at a time, in place. */
#ifndef CTB_AGC_H
#define CTB_AGC_H
#include "ctb_dsp.h"

typedef struct ctb_agc_params {
    float target_dbm0;        /* active speech level to reach, ITU-T P.56 */
    float max_gain_db;        /* 0..30 */
    float max_loss_db;        /* 0..30 */
    float threshold_dbm0;     /* softer is noise: the gain holds */
} ctb_agc_params_t;
extern const ctb_agc_params_t ctb_agc_default;

typedef struct ctb_agc_bank ctb_agc_bank_t;
int  ctb_agc_bank_alloc(ctb_agc_bank_t **out);
void ctb_agc_bank_free(ctb_agc_bank_t *bank);
int  ctb_agc_bank_arm(ctb_agc_bank_t *bank, int lane, const ctb_agc_params_t *params);     /* -EINVAL */
void ctb_agc_bank_run(ctb_agc_bank_t *bank, float (*io)[CTB_LANES], uint32_t mask);
int32_t ctb_agc_bank_gain(const ctb_agc_bank_t *bank, int lane);   /* 0.01 dB */

#endif
