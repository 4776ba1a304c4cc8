/* pulse.c - dialling by breaking the loop: ITU-T Q.23's elder sister, 10 pulses a second. */
#include "sim.h"

int sim_pulse_start(sim_pulse_tx_t *p, const char *digits, int rate_x10, int break_percent)
{
    if (rate_x10 < 50 || rate_x10 > 250 || break_percent < 20 || break_percent > 80) return -EINVAL;
    if (!*digits || strlen(digits) >= sizeof p->digits) return -EINVAL;
    if (strspn(digits, "0123456789,") != strlen(digits)) return -EINVAL;
    memset(p, 0, sizeof *p);
    strcpy(p->digits, digits);
    uint32_t period = 10u * CTB_RATE / (uint32_t)rate_x10;
    p->brk = period * (uint32_t)break_percent / 100;
    p->make = period - p->brk;
    p->active = true;
    return 0;
}

/* Called at the start and whenever the change announced before was made (p->open: which).
 * After a break comes a make, after the last make of a digit the pause that ends it. */
bool sim_pulse_next(sim_pulse_tx_t *p, uint64_t *wait)
{
    if (p->open) {
        p->open = false;
        p->left--;
        *wait = p->brk;
        return true;
    }
    *wait = p->make;
    if (!p->left) *wait = SIM_MS(p->next ? SIM_INTERDIGIT_MS : 100);
    while (!p->left) {
        char digit = p->digits[p->next++];
        if (!digit) {
            p->active = false;
            return false;
        }
        if (digit == ',') *wait += SIM_MS(500);
        else p->left = digit == '0' ? 10 : (uint32_t)(digit - '0');
    }
    p->open = true;
    return true;
}
