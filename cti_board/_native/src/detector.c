/* detector.c - the detector banks as the engine sees them: one row each.
 *
 * A row's place is the number of its CTB_ARM_ bit.  Caller ID (CTB_ARM_FSK) is no bank: few
 * lines wait for it, and each only around its first rings. */
#include "engine.h"

/* typed functions behind untyped ones: a function pointer is never cast */
#define BANK(noun)                                                                          \
    static int noun##_alloc(void **out)                                                     \
    {                                                                                       \
        ctb_##noun##_bank_t *bank = NULL;                                                   \
        int rc = ctb_##noun##_bank_alloc(&bank);                                            \
        *out = bank;                                                                        \
        return rc;                                                                          \
    }                                                                                       \
    static void noun##_free(void *bank) { ctb_##noun##_bank_free(bank); }                   \
    static int noun##_run(void *bank, const float (*in)[CTB_LANES], uint32_t mask,          \
                          ctb_hit_t *hits, int max)                                         \
    {                                                                                       \
        return ctb_##noun##_bank_run(bank, in, mask, hits, max);                            \
    }

BANK(dtmf)
BANK(tone)
BANK(talk)
BANK(mf)
BANK(fax)
BANK(beep)

static void dtmf_arm(void *bank, int lane, const ctb_chan_t *c) { ctb_dtmf_bank_arm(bank, lane, &c->dtmf); }
static void mf_arm(void *bank, int lane, const ctb_chan_t *c) { ctb_mf_bank_arm(bank, lane, &c->mf); }

static void tone_arm(void *bank, int lane, const ctb_chan_t *c)
{
    (void)c;
    ctb_tone_bank_arm(bank, lane);
}

static void talk_arm(void *bank, int lane, const ctb_chan_t *c)
{
    (void)c;
    ctb_talk_bank_arm(bank, lane, &ctb_talk_default);
}

static void fax_arm(void *bank, int lane, const ctb_chan_t *c)
{
    (void)c;
    ctb_fax_bank_arm(bank, lane);
}

static void beep_arm(void *bank, int lane, const ctb_chan_t *c)
{
    (void)c;
    ctb_beep_bank_arm(bank, lane);
}

const ctb_detector_t ctb_detectors[CTB_DETECTORS] = {
    {CTB_CAP_BOARD_DTMF, false, dtmf_alloc, dtmf_free, dtmf_arm, dtmf_run},
    {CTB_CAP_BOARD_TONES, false, tone_alloc, tone_free, tone_arm, tone_run},
    {CTB_CAP_BOARD_TALK, false, talk_alloc, talk_free, talk_arm, talk_run},
    {0},
    {0, false, mf_alloc, mf_free, mf_arm, mf_run},
    {0, false, fax_alloc, fax_free, fax_arm, fax_run},
    {0, true, talk_alloc, talk_free, talk_arm, talk_run},
    {0, false, beep_alloc, beep_free, beep_arm, beep_run},
};

_Static_assert(CTB_ARM_DTMF == 1 && CTB_ARM_TONES == 2 && CTB_ARM_TALK == 4 && CTB_ARM_FSK == 8
               && CTB_ARM_MF == 16 && CTB_ARM_FAX == 32 && CTB_ARM_TALK_TX == 64
               && CTB_ARM_BEEP == 128,
               "the rows stand in the order of the bits");
