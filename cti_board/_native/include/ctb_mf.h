/* ctb_mf.h - R2 interregister signals: two of six frequencies, compelled (ITU-T Q.441).
 *
 * Banks as in ctb_dsp.h: CTB_LANES lines side by side, one frame at a time, no allocation
 * and no libm while it listens. */
#ifndef CTB_MF_H
#define CTB_MF_H
#include "ctb_dsp.h"

enum ctb_mf_set {
    CTB_MF_FORWARD = 0,       /* 1380 1500 1620 1740 1860 1980 Hz, ITU-T Q.441 table 5 */
    CTB_MF_BACKWARD = 1       /* 1140 1020 900 780 660 540 Hz */
};

typedef struct ctb_mf_params {
    uint32_t set;             /* enum ctb_mf_set: what the far end sends */
    uint32_t frequencies;     /* 6, or fewer: China's backward signals use the first 4 */
    float min_dbm0;           /* per tone, accept */
    float twist_db;           /* between the two tones, accept */
    float min_on_ms;          /* shortest signal to report */
    float min_off_ms;         /* gap that ends a signal; shorter ones are bridged */
} ctb_mf_params_t;
extern const ctb_mf_params_t ctb_mf_forward;      /* ITU-T Q.454, Q.455 */
extern const ctb_mf_params_t ctb_mf_backward;
extern const ctb_mf_params_t ctb_mf_backward_cn;  /* four frequencies, six signals */

/* Hits: CTB_EV_MF_BEGIN, CTB_EV_MF_END.  _arm resets one lane. */
typedef struct ctb_mf_bank ctb_mf_bank_t;
int  ctb_mf_bank_alloc(ctb_mf_bank_t **out);
void ctb_mf_bank_free(ctb_mf_bank_t *bank);
void ctb_mf_bank_arm(ctb_mf_bank_t *bank, int lane, const ctb_mf_params_t *params);
int  ctb_mf_bank_run(ctb_mf_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                     ctb_hit_t *hits, int max);

/* A signal 1..15 as a continuous tone for the tone generator; -EINVAL for another number.
 * level: of each tone, 0.01 dBm0 */
int  ctb_mf_tone(ctb_tone_t *out, int set, int signal, int level_cdbm0);
#endif
