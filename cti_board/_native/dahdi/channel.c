/* channel.c - one DAHDI channel: opened, given its buffers and law, asked what it can do.
 *
 * What: blocks of one frame, 32 of them, no conversion by the kernel: its A-law expansion leaves
 * out the half step of ITU-T G.711, so the bytes of the line are what we exchange.
 * How: a channel has a file of its own (open `channel`, DAHDI_SPECIFY), which nobody else can
 * have at the same time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dahdi.h"

/* The kernel names signalling by what the far side is: "fxs" signalling faces an exchange. */
uint32_t ctb_dahdi_line_type(unsigned sig)
{
    switch (sig) {
    case DAHDI_SIG_FXSLS: case DAHDI_SIG_FXSKS: return CTB_LINE_FXO;
    case DAHDI_SIG_FXOLS: case DAHDI_SIG_FXOKS: return CTB_LINE_FXS;
    case DAHDI_SIG_CAS: return CTB_LINE_E1_CAS;
    case DAHDI_SIG_CLEAR: return CTB_LINE_E1_CLEAR;
    case DAHDI_SIG_HDLCFCS: case DAHDI_SIG_HARDHDLC: return CTB_LINE_E1_HDLC;
    default: return 0;
    }
}

const char *ctb_dahdi_sig_name(unsigned sig)
{
    if (!sig)
        return "no signalling";
    if (sig == DAHDI_SIG_EM)
        return "E&M signalling, which this driver does not speak";
    if (sig & DAHDI_SIG_SLAVE)
        return "no signalling of its own (it is a slave of another channel)";
    return "a signalling that this driver does not speak";
}

static int failed(const ctb_board_t *b, const ctb_dahdi_channel_t *c, const char *what, char *err, size_t size)
{
    int rc = -errno;
    if (rc == -EBUSY)
        snprintf(err, size, "dahdi: channel %d is in use by another program: see who with  sudo fuser -v %s/*  and stop it "
                 "(often  sudo systemctl stop asterisk ), or leave the channel out with dahdi:channels=...", c->number, b->spec.device);
    else if (rc == -EACCES || rc == -EPERM)
        snprintf(err, size, "dahdi: no permission for channel %d: run  sudo usermod -aG %s $USER  and log in again", c->number,
                 ctb_dahdi_group(b->spec.device));
    else
        snprintf(err, size, "dahdi: channel %d: %s: %s; run  sudo dahdi_cfg -v  and see  dmesg", c->number, what, strerror(-rc));
    return rc;
}

static int law_set(ctb_board_t *b, ctb_dahdi_channel_t *c)
{
    const ctb_dahdi_span_t *s = &b->span[c->span];
    if (s->analog)
        return 0;                  /* what the card's codec speaks */
    int law = strncmp(s->info.spantype, "T1", 2) ? DAHDI_LAW_ALAW : DAHDI_LAW_MULAW;
    c->law = law;                  /* ITU-T G.704: an E1 carries A-law, whatever the file says */
    return ioctl(c->fd, DAHDI_SETLAW, &law);
}

static int buffers_set(const ctb_dahdi_channel_t *c)
{
    int one = 1;
    bool hdlc = c->type == CTB_LINE_E1_HDLC;
    struct dahdi_bufferinfo info = {.numbufs = BUFFERS, .bufsize = hdlc ? HDLC_BYTES : FRAME};
    if (ioctl(c->fd, DAHDI_SET_BUFINFO, &info) < 0)
        return -1;
    if (c->type == CTB_LINE_E1_CLEAR && ioctl(c->fd, DAHDI_AUDIOMODE, &one) < 0)
        return -1;                 /* else the kernel's own silence is 0xff, and gains are refused */
    return hdlc ? 0 : ioctl(c->fd, DAHDI_BUFFER_EVENTS, &one);
}

static int timings_set(const ctb_dahdi_channel_t *c)
{
    struct dahdi_params p = {0};
    if (c->type != CTB_LINE_FXS)
        return 0;
    if (ioctl(c->fd, DAHDI_GET_PARAMS, &p) < 0)
        return -1;
    p.rxflashtime = OPENING_MS;    /* longer openings are told as such, and the media plane judges */
    return ioctl(c->fd, DAHDI_SET_PARAMS, &p);
}

static uint64_t abilities(ctb_board_t *b, const ctb_dahdi_channel_t *c)
{
    bool analog = b->span[c->span].analog;
    int normal = 0;
    switch (c->type) {
    case CTB_LINE_FXO:
        return CTB_CAP_FLASH | CTB_CAP_PULSE_DIAL | CTB_CAP_GAIN | (analog ? CTB_CAP_POLARITY : 0)
            | (c->sig == DAHDI_SIG_FXSKS ? CTB_CAP_LOOP_BREAK : 0);
    case CTB_LINE_FXS:
        return CTB_CAP_RING | CTB_CAP_GAIN | (ioctl(c->fd, DAHDI_SETPOLARITY, &normal) == 0 ? CTB_CAP_POLARITY : 0);
    case CTB_LINE_E1_CAS: return CTB_CAP_CAS | CTB_CAP_GAIN;
    case CTB_LINE_E1_HDLC: return CTB_CAP_HDLC;
    default: return CTB_CAP_GAIN;
    }
}

/* What the line is now, where that is not what the media plane takes for granted. */
static void state_read(ctb_board_t *b, ctb_dahdi_channel_t *c)
{
    struct dahdi_params p = {0};
    int bits;
    if (c->type == CTB_LINE_E1_CAS && ioctl(c->fd, DAHDI_GETRXBITS, &bits) == 0)
        ctb_dahdi_event(b, c, DAHDI_EV_BITSCHANGED);
    if (c->type == CTB_LINE_FXO) {
        c->watch = WATCH_FRAMES;
        ctb_dahdi_levels_sample(b, c);
    }
    if (c->type == CTB_LINE_FXS && ioctl(c->fd, DAHDI_GET_PARAMS, &p) == 0 && p.rxhooksig == DAHDI_RX_OFFHOOK)
        ctb_dahdi_event(b, c, DAHDI_EV_RINGOFFHOOK);
}

int ctb_dahdi_channel_start(ctb_board_t *b, ctb_dahdi_channel_t *c, char *err, size_t size)
{
    char path[160];
    snprintf(path, sizeof path, "%s/channel", b->spec.device);
    c->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (c->fd < 0 || ioctl(c->fd, DAHDI_SPECIFY, &c->number) < 0)
        return failed(b, c, "it cannot be opened", err, size);
    if (buffers_set(c) < 0)
        return failed(b, c, "its buffers cannot be set", err, size);
    if (c->type != CTB_LINE_E1_HDLC && law_set(b, c) < 0)
        return failed(b, c, "its law cannot be set", err, size);
    if (timings_set(c) < 0)
        return failed(b, c, "its timing cannot be set", err, size);
    c->capabilities = abilities(b, c);
    state_read(b, c);
    return 0;
}

void ctb_dahdi_channel_stop(ctb_dahdi_channel_t *c)
{
    if (c->fd >= 0)
        close(c->fd);              /* the kernel hangs up */
    c->fd = -1;
}
