/* command.c - what the media plane asks of a line, as requests to the kernel.
 *
 * HOOK and its kind answer "in progress" on a file that does not wait: that is success.  What a
 * channel's capabilities do not name is refused with -ENOSYS. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "dahdi.h"

static int hook(const ctb_dahdi_channel_t *c, int what)
{
    return ioctl(c->fd, DAHDI_HOOK, &what) == 0 || errno == EINPROGRESS ? 0 : -errno;
}

static int exchange_line_hook(ctb_dahdi_channel_t *c, int off_hook)
{
    if (c->type != CTB_LINE_FXO)
        return -ENOSYS;
    if (!off_hook)
        c->watch = WATCH_FRAMES;
    return hook(c, off_hook ? DAHDI_OFFHOOK : DAHDI_ONHOOK);
}

static int ring(const ctb_dahdi_channel_t *c, const ctb_args_t *a)
{
    struct dahdi_ring_cadence cadence = {.ms = {a->a, a->b}};
    if (c->type != CTB_LINE_FXS)
        return -ENOSYS;
    if (!a->a)
        return c->hook ? 0 : hook(c, DAHDI_RINGOFF);   /* off-hook: it has stopped, and must stay fed */
    if (a->a < 0 || a->b <= 0)
        return -EINVAL;
    if (ioctl(c->fd, DAHDI_SETCADENCE, &cadence) < 0)
        return -errno;
    return hook(c, DAHDI_RING);
}

static int flash(const ctb_dahdi_channel_t *c, const ctb_args_t *a)
{
    struct dahdi_params p = {0};
    if (c->type != CTB_LINE_FXO)
        return -ENOSYS;
    if (a->a <= 0)
        return -EINVAL;
    if (ioctl(c->fd, DAHDI_GET_PARAMS, &p) < 0)
        return -errno;
    p.flashtime = a->a;
    return ioctl(c->fd, DAHDI_SET_PARAMS, &p) < 0 ? -errno : hook(c, DAHDI_FLASH);
}

static int pulse_dial(ctb_dahdi_channel_t *c, const ctb_args_t *a)
{
    struct dahdi_params p = {0};
    struct dahdi_dialoperation dial = {.op = DAHDI_DIAL_REPLACE};
    if (c->type != CTB_LINE_FXO)
        return -ENOSYS;
    if (a->a <= 0 || a->b <= 0 || a->b >= 100 || !a->text[0] || strspn(a->text, "0123456789") != strlen(a->text))
        return -EINVAL;
    if (c->dialling)
        return -EBUSY;
    if (ioctl(c->fd, DAHDI_GET_PARAMS, &p) < 0)
        return -errno;
    int period = 10000 / a->a;     /* ms; a->a is ten times the pulses of a second */
    p.pulsebreaktime = period * a->b / 100;
    p.pulsemaketime = period - p.pulsebreaktime;
    if (p.pulsebreaktime < 1 || p.pulsemaketime < 1)
        return -EINVAL;
    snprintf(dial.dialstr, sizeof dial.dialstr, "P%.63s", a->text);
    if (ioctl(c->fd, DAHDI_SET_PARAMS, &p) < 0 || ioctl(c->fd, DAHDI_DIAL, &dial) < 0)
        return -errno;
    c->dialling = true;
    c->cookie = a->cookie;
    return 0;
}

static int cas(const ctb_dahdi_channel_t *c, int bits)
{
    bits &= 0xf;
    if (c->type != CTB_LINE_E1_CAS)
        return -ENOSYS;
    return ioctl(c->fd, DAHDI_SETTXBITS, &bits) < 0 ? -errno : 0;
}

static int polarity(const ctb_dahdi_channel_t *c, int reversed)
{
    reversed = reversed != 0;
    if (c->type != CTB_LINE_FXS || !(c->capabilities & CTB_CAP_POLARITY))
        return -ENOSYS;
    return ioctl(c->fd, DAHDI_SETPOLARITY, &reversed) < 0 ? -errno : 0;
}

static int gain(const ctb_board_t *b, const ctb_dahdi_channel_t *c, const ctb_args_t *a)
{
    struct dahdi_gains gains = {0};
    if (!(c->capabilities & CTB_CAP_GAIN))
        return -ENOSYS;
    int rc = ctb_dahdi_gain_table(gains.rxgain, b->law, a->a);
    if (rc == 0)
        rc = ctb_dahdi_gain_table(gains.txgain, b->law, a->b);
    if (rc == 0 && ioctl(c->fd, DAHDI_SETGAINS, &gains) < 0)
        rc = -errno;
    return rc;
}

static int resync(ctb_board_t *b, ctb_dahdi_channel_t *c)
{
    ctb_dahdi_events_take(b, c);
    ctb_event_t e = {.at = b->frames * CTB_FRAME_SAMPLES, .channel = c->index, .span = CTB_NO_SPAN, .kind = CTB_EV_LINE_STATE,
                     .a = c->hook, .b = c->ring, .c = c->battery | c->polarity << 1, .d = c->cas < 0 ? 0 : c->cas};
    ctb_dahdi_post(b, &e);
    return 0;
}

int ctb_dahdi_command(ctb_board_t *b, uint32_t channel, uint32_t op, const ctb_args_t *a)
{
    if (op == CTB_OP_ALARM)
        return -ENOSYS;            /* its channel is a span */
    if (channel >= b->channels)
        return -EINVAL;
    ctb_dahdi_channel_t *c = &b->channel[channel];
    switch (op) {
    case CTB_OP_HOOK: return exchange_line_hook(c, a->a != 0);
    case CTB_OP_RING: return ring(c, a);
    case CTB_OP_FLASH: return flash(c, a);
    case CTB_OP_PULSE_DIAL: return pulse_dial(c, a);
    case CTB_OP_CAS: return cas(c, a->a);
    case CTB_OP_POLARITY: return polarity(c, a->a);
    case CTB_OP_GAIN: return gain(b, c, a);
    case CTB_OP_RESYNC: return resync(b, c);
    default: return -ENOSYS;
    }
}
