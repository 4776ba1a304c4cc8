/* fsk_tx.c - caller identity by frequency shift, on hook: Bell 202 (Telcordia GR-30) or V.23
 * (ETSI EN 300 659-1), multiple data message format. */
#include "sim.h"

#include <stdio.h>

#define BAUD         1200u
#define SEIZURE_BITS 300u                    /* Telcordia GR-30: alternating, from space */
#define MARK_BITS    180u                    /* Telcordia GR-30 */
#define TAIL_BITS    10u                     /* chosen: the last stop bit is not cut off */
#define LEVEL_DBM0   -13.5                   /* Telcordia GR-30: -13.5 dBm +-1.5 */

static void put_parameter(sim_fsk_tx_t *f, uint8_t type, const char *text)
{
    uint8_t length = (uint8_t)strlen(text);
    f->message[f->bytes++] = type;
    f->message[f->bytes++] = length;
    memcpy(&f->message[f->bytes], text, length);
    f->bytes += length;
}

void sim_fsk_tx_start(sim_fsk_tx_t *f, bool v23, uint64_t now, const char *number)
{
    char date[16], digits[24];
    uint32_t minute = (uint32_t)(now / CTB_RATE / 60), day = minute / 1440;
    *f = (sim_fsk_tx_t){ .active = true };
    /* the street's calendar begins on 1 January 00:00 and its months have 28 days */
    snprintf(date, sizeof date, "%02u%02u%02u%02u", (day / 28 % 12 + 1) % 100u, day % 28 + 1,
             minute / 60 % 24, minute % 60);
    snprintf(digits, sizeof digits, "%.20s", number);
    f->message[f->bytes++] = 0x80;           /* GR-30: MDMF call set-up */
    f->message[f->bytes++] = 0;
    put_parameter(f, 0x01, date);
    put_parameter(f, 0x02, digits);
    f->message[1] = (uint8_t)(f->bytes - 2);
    uint8_t sum = 0;
    for (uint32_t i = 0; i < f->bytes; i++) sum = (uint8_t)(sum + f->message[i]);
    f->message[f->bytes++] = (uint8_t)-sum;  /* all bytes add up to 0 mod 256 */
    f->bits = SEIZURE_BITS + MARK_BITS + 10 * f->bytes + TAIL_BITS;
    sim_osc_start(&f->osc, v23 ? 1300.0 : 1200.0, LEVEL_DBM0);
    f->mark = f->osc.step;
    sim_osc_start(&f->osc, v23 ? 2100.0 : 2200.0, LEVEL_DBM0);
    f->space = f->osc.step;
}

static bool bit_now(const sim_fsk_tx_t *f)   /* true = mark */
{
    uint32_t bit = f->bit;
    if (bit < SEIZURE_BITS) return bit & 1u;
    bit -= SEIZURE_BITS;
    if (bit < MARK_BITS) return true;
    bit -= MARK_BITS;
    uint32_t byte = bit / 10, place = bit % 10;
    if (byte >= f->bytes || place == 9) return true;
    return place > 0 && (f->message[byte] >> (place - 1) & 1u);   /* start bit, then LSB first */
}

size_t sim_fsk_tx_add(sim_fsk_tx_t *f, int32_t *acc, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (f->bit >= f->bits) {
            f->active = false;
            return i;
        }
        f->osc.step = bit_now(f) ? f->mark : f->space;
        sim_osc_add(&f->osc, &acc[i], 1);
        f->baud_phase += BAUD;
        if (f->baud_phase >= CTB_RATE) {
            f->baud_phase -= CTB_RATE;
            f->bit++;
        }
    }
    return n;
}
