/* ctb_fax.h - tones of facsimile and data equipment: calling tones and answer tones.
 *
 * Banks as in ctb_dsp.h: CTB_LANES lines side by side, one frame at a time. */
#ifndef CTB_FAX_H
#define CTB_FAX_H
#include "ctb_dsp.h"

enum ctb_fax_tone {           /* `a` of CTB_EV_FAX_ON and CTB_EV_FAX_OFF */
    CTB_FAX_CNG = 1,          /* 1100 Hz, 0.5 s on 3 s off, ITU-T T.30 */
    CTB_FAX_CED = 2,          /* 2100 Hz: answer tone without reversals, ITU-T T.30, V.25 */
    CTB_FAX_ANS_PR = 3,       /* 2100 Hz, phase reversed each 450 ms: disables echo cancellers, G.164 */
    CTB_FAX_ANSAM = 4,        /* 2100 Hz, 15 Hz amplitude modulation, ITU-T V.8 */
    CTB_FAX_ANSAM_PR = 5,     /* both */
    CTB_FAX_CT = 6            /* 1300 Hz, modem's calling tone, ITU-T V.25 */
};

/* Hits: CTB_EV_FAX_ON (a = tone, b = level 0.01 dBm0, d = samples since its begin) once the kind
 * is certain, CTB_EV_FAX_OFF (b = length in samples, d = samples since its end).  An answer tone
 * is on after 450 to 510 ms; each burst of a calling tone is judged when it has ended, ON and OFF
 * come together.  _arm resets one lane. */
typedef struct ctb_fax_bank ctb_fax_bank_t;
int  ctb_fax_bank_alloc(ctb_fax_bank_t **out);
void ctb_fax_bank_free(ctb_fax_bank_t *bank);
void ctb_fax_bank_arm(ctb_fax_bank_t *bank, int lane);
int  ctb_fax_bank_run(ctb_fax_bank_t *bank, const float (*in)[CTB_LANES], uint32_t mask,
                      ctb_hit_t *hits, int max);

/* The sender: plain struct, no allocation inside.  start: -EINVAL for a kind that is not named
 * above or ms < 0.  It lasts ms; 0 = the standard's length of an answer tone, calling tones go on
 * until they are stopped.  add: into a linear accumulator; returns samples made, < n = it ended
 * there. */
typedef struct ctb_fax_gen ctb_fax_gen_t;
size_t ctb_fax_gen_size(void);
int    ctb_fax_gen_start(ctb_fax_gen_t *g, int tone, int level_cdbm0, int ms);
size_t ctb_fax_gen_add(ctb_fax_gen_t *g, int32_t *acc, size_t n);
#endif
