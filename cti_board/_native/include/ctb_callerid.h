/* ctb_callerid.h - calling line identification: FSK (Telcordia GR-30 Bell 202, ETSI EN 300 659
 * V.23), sent and heard.
 *
 * One channel each, no bank: a line listens only around its first rings. */
#ifndef CTB_CALLERID_H
#define CTB_CALLERID_H
#include "ctb_dsp.h"

#define CTB_FSK_SDMF 0x04              /* single data message: Telcordia GR-30 */
#define CTB_FSK_MDMF 0x80              /* multiple data message, call set-up */
#define CTB_FSK_MESSAGE_MAX 258       /* type, length, 255 bytes, checksum */

enum ctb_fsk_standard { CTB_FSK_BELL202 = 0, CTB_FSK_V23 = 1 };

/* ---- fsk_rx.c: hears both standards at once -------------------------------------- */
typedef struct ctb_fsk_message {
    uint8_t  data[CTB_FSK_MESSAGE_MAX];   /* type, length, parameters, checksum */
    uint32_t size;                        /* bytes in data */
    uint32_t right;                       /* 1: the checksum is right, mod 256, and so is
                                             every stop bit, and the bits were not in doubt */
    uint32_t standard;                    /* enum ctb_fsk_standard */
    int32_t  level_cdbm0;
    int32_t  offset;                      /* sample of this call's input at which it ended; it
                                             may lie before the first */
    uint32_t length;                      /* samples from its first start bit to its end */
} ctb_fsk_message_t;

typedef struct ctb_fsk_rx ctb_fsk_rx_t;
int  ctb_fsk_rx_alloc(ctb_fsk_rx_t **out);
void ctb_fsk_rx_free(ctb_fsk_rx_t *rx);
void ctb_fsk_rx_reset(ctb_fsk_rx_t *rx);
/* 1 = a whole message ended, *out is filled (also when its checksum is wrong); else 0.  Of
 * several that end in one call the last is told: hand over a frame at a time */
int  ctb_fsk_rx_run(ctb_fsk_rx_t *rx, const int16_t *in, size_t n, ctb_fsk_message_t *out);

/* ---- fsk_tx.c: a message as sound ------------------------------------------------- */
typedef struct ctb_fsk_tx_params {
    uint32_t standard;
    uint32_t seizure_bits;    /* alternating; 300 on-hook, 0 off-hook (GR-30) */
    uint32_t mark_bits;       /* 180 on-hook, 80 off-hook (GR-30) */
    int32_t  level_cdbm0;     /* of the mark tone */
    int32_t  twist_cdb;       /* space over mark */
} ctb_fsk_tx_params_t;
extern const ctb_fsk_tx_params_t ctb_fsk_tx_default;
/* samples that `size` message bytes take with these parameters */
size_t ctb_fsk_tx_length(const ctb_fsk_tx_params_t *params, size_t size);
/* writes that many samples; the bytes go out as they are (checksum included by the caller).
 * -EINVAL: no such standard, or a level beyond the overload point */
int  ctb_fsk_tx_make(const ctb_fsk_tx_params_t *params, const uint8_t *message, size_t size, int16_t *out);

/* ---- callerid.c: what a message says ---------------------------------------------- */
typedef struct ctb_caller_id {
    char number[32];          /* digits; empty = not given */
    char name[52];            /* bytes as sent, NUL-terminated: untrusted, any encoding */
    char date[12];            /* MMDDhhmm, or empty */
    char number_absence;      /* 'O' out of area, 'P' private, 0 */
    char name_absence;
} ctb_caller_id_t;
/* SDMF (04H) and MDMF (80H); -EBADMSG = lengths do not fit, -EPROTO = another message type */
int  ctb_caller_id_parse(ctb_caller_id_t *out, const uint8_t *message, size_t size);
/* number TAB date TAB name, as CTB_EV_CALLER_ID has it, cut to `room` with its NUL */
void ctb_caller_id_text(char *out, size_t room, const ctb_caller_id_t *id);
#endif
