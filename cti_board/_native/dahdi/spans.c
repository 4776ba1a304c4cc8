/* spans.c - what the kernel has: spans, their channels and alarms; and why it has not.
 *
 * What: DAHDI_SPANSTAT for each span, DAHDI_GET_PARAMS for each channel number, through the
 * control file, so that nothing is opened yet.  Every refusal names the command that mends it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dahdi.h"

const char *ctb_dahdi_group(const char *path)
{
    static const char usual[] = "dialout";
    struct stat st;
    const struct group *g = stat(path, &st) == 0 ? getgrgid(st.st_gid) : NULL;
    return g && st.st_gid ? g->gr_name : usual;
}

int ctb_dahdi_control_open(ctb_board_t *b, char *err, size_t size)
{
    char path[160];
    snprintf(path, sizeof path, "%s/ctl", b->spec.device);
    b->control = open(path, O_RDWR | O_CLOEXEC);
    if (b->control >= 0)
        return 0;
    int rc = -errno;
    if (rc == -EACCES || rc == -EPERM)
        snprintf(err, size, "dahdi: no permission for %s: run  sudo usermod -aG %s $USER  and log in again", path,
                 ctb_dahdi_group(path));
    else if (rc == -ENOENT || rc == -ENXIO || rc == -ENODEV || rc == -ENOTDIR)
        snprintf(err, size, "dahdi: %s is not there: the kernel's driver is not loaded; run  sudo modprobe dahdi  "
                 "and the card's own module, then  sudo dahdi_cfg -v", path);
    else
        snprintf(err, size, "dahdi: %s: %s", path, strerror(-rc));
    return rc;
}

uint32_t ctb_dahdi_alarm_bits(int kernel)
{
    uint32_t bits = 0;
    if (kernel & DAHDI_ALARM_LOS) bits |= CTB_ALARM_LOS;
    if (kernel & DAHDI_ALARM_LFA) bits |= CTB_ALARM_LFA;
    if (kernel & DAHDI_ALARM_LMFA) bits |= CTB_ALARM_LMFA;
    if (kernel & DAHDI_ALARM_BLUE) bits |= CTB_ALARM_AIS;
    if (kernel & DAHDI_ALARM_YELLOW) bits |= CTB_ALARM_RAI;
    if (kernel & DAHDI_ALARM_RED && !bits) bits = CTB_ALARM_LOS;   /* a card that does not say why */
    return bits;
}

int ctb_dahdi_alarms_read(ctb_board_t *b, uint32_t span, uint32_t *out)
{
    struct dahdi_spaninfo info = {.spanno = b->span[span].number};
    if (ioctl(b->control, DAHDI_SPANSTAT, &info) < 0)
        return -errno;
    *out = ctb_dahdi_alarm_bits(info.alarms);
    return 0;
}

static int spans_find(ctb_board_t *b, char *err, size_t size)
{
    b->span = calloc(DAHDI_MAX_SPANS, sizeof *b->span);
    if (!b->span)
        return -ENOMEM;
    uint32_t seen = 0;
    for (int n = 1; n <= DAHDI_MAX_SPANS; n++) {
        ctb_dahdi_span_t *s = &b->span[b->spans];
        s->info = (struct dahdi_spaninfo){.spanno = n};
        bool there = ioctl(b->control, DAHDI_SPANSTAT, &s->info) == 0;
        seen += there;
        if (there && (b->spec.any_span || b->spec.span[n])) {
            s->number = n;
            s->analog = s->info.linecompat == 0;
            s->alarms = ctb_dahdi_alarm_bits(s->info.alarms);
            b->spans++;
        } else if (!there && b->spec.span[n]) {
            snprintf(err, size, "dahdi: there is no span %d; dahdi_scan  lists what there is", n);
            return -ENOENT;
        }
    }
    if (b->spans)
        return 0;
    snprintf(err, size, seen ? "dahdi: no span is wanted" : "dahdi: the kernel's driver is loaded and has no span: run  "
             "sudo modprobe  with the card's module (wct4xxp, wcte12xp, wctdm24xxp, dahdi_dynamic ...), then  sudo dahdi_cfg -v");
    return -ENOENT;
}

static int channel_wanted(ctb_board_t *b, const struct dahdi_params *p, char *err, size_t size)
{
    uint32_t span = 0;
    while (span < b->spans && b->span[span].number != p->spanno)
        span++;
    bool named = !b->spec.any_channel && b->spec.channel[p->channo];
    if (span == b->spans || (!b->spec.any_channel && !named))
        return 0;
    uint32_t type = ctb_dahdi_line_type((unsigned)p->sigtype);
    if (!type) {
        snprintf(err, size, "dahdi: channel %d of span %d has %s: give it a line in /etc/dahdi/system.conf "
                 "(cas=%d:1101 for E1 with R2, bchan=%d for PRI, fxsks=%d for an exchange line, fxoks=%d for a telephone) "
                 "and run  sudo dahdi_cfg -v", p->channo, p->spanno, ctb_dahdi_sig_name((unsigned)p->sigtype), p->channo,
                 p->channo, p->channo, p->channo);
        return named ? -EINVAL : 0;
    }
    ctb_dahdi_channel_t *c = &b->channel[b->channels];
    *c = (ctb_dahdi_channel_t){.fd = -1, .number = p->channo, .timeslot = p->chanpos, .law = p->curlaw, .index = b->channels,
                               .span = span, .type = type, .sig = (unsigned)p->sigtype, .battery = 1, .cas = -1};
    if (!b->span[span].channels)
        b->span[span].first = b->channels;
    b->span[span].channels++;
    b->channels++;
    return 0;
}

/* Channels are numbered span after span, as the board's are: describe_span names a range. */
int ctb_dahdi_spans_read(ctb_board_t *b, char *err, size_t size)
{
    int rc = spans_find(b, err, size), seen = 0;
    if (rc < 0)
        return rc;
    b->channel = calloc(DAHDI_MAX_CHANNELS, sizeof *b->channel);
    if (!b->channel)
        return -ENOMEM;
    for (int n = 1; n <= DAHDI_MAX_CHANNELS && rc == 0; n++) {
        struct dahdi_params p = {.channo = n};
        bool there = ioctl(b->control, DAHDI_GET_PARAMS, &p) == 0 && p.spanno > 0;
        if (there) {
            seen++;
            rc = channel_wanted(b, &p, err, size);
        } else if (b->spec.channel[n]) {
            snprintf(err, size, "dahdi: there is no channel %d; run  cat /proc/dahdi/*  to see what there is", n);
            rc = -ENOENT;
        }
    }
    if (rc == 0 && !seen) {
        snprintf(err, size, "dahdi: the spans have no channel numbers: run  sudo dahdi_span_assignments auto  (or load it with  "
                 "sudo modprobe dahdi auto_assign_spans=1 ), then  sudo dahdi_cfg -v");
        rc = -ENOENT;
    } else if (rc == 0 && !b->channels) {
        if (!err[0])
            snprintf(err, size, "dahdi: no channel is wanted");
        rc = -EINVAL;
    }
    return rc;
}
