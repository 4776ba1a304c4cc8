/* dahdi_kernel.c - the kernel's side of the DAHDI driver, for tests without the kernel.
 *
 * Stands in for open, close, read, write, poll and ioctl (linked with --wrap).  Channels 1 to 31
 * of one span; poll lets 20 ms of the line go by.  It has the traps of the real one: while an
 * event waits, read and write fail with 500; a short read loses the rest of its block. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include "dahdi_abi.h"

#define EXPORT __attribute__((visibility("default")))
#define CTL 999
#define FD 1000

struct line {
    int sig, bits, hooksig, busy, specified, event[64], events, rx, written, tx, hook, polarity, dead;
    unsigned char sent[64][160];
    struct dahdi_params params;
    struct dahdi_gains gains;
    struct dahdi_ring_cadence cadence;
    char dial[DAHDI_MAX_DIAL];
};
EXPORT struct line fake_line[32];
EXPORT int fake_open_errno, fake_spans = 1, fake_analog, fake_alarms, fake_numbered = 1, fake_calls;
static int next_fd;
static int owner[64];

EXPORT void fake_reset(void)
{
    memset(fake_line, 0, sizeof fake_line);
    memset(owner, 0, sizeof owner);
    fake_open_errno = fake_analog = fake_alarms = fake_calls = next_fd = 0;
    fake_spans = fake_numbered = 1;
}
EXPORT void fake_set(int n, int sig, int bits, int hooksig)
{
    fake_line[n].sig = sig, fake_line[n].bits = bits, fake_line[n].hooksig = hooksig;
}
EXPORT void fake_busy(int n) { fake_line[n].busy = 1; }
EXPORT void fake_dead(int n, int dead) { fake_line[n].dead = dead; }
EXPORT void fake_event(int n, int event) { fake_line[n].event[fake_line[n].events++] = event; }
EXPORT void fake_blocks(int n, int blocks) { fake_line[n].rx += blocks; }
EXPORT int fake_written(int n) { return fake_line[n].written; }
EXPORT int fake_sent(int n, int block) { return fake_line[n].sent[block & 63][0]; }
EXPORT int fake_hook(int n) { return fake_line[n].hook; }
EXPORT int fake_polarity(int n) { return fake_line[n].polarity; }
EXPORT int fake_gain(int n, int tx, int code)
{
    return tx ? fake_line[n].gains.txgain[code] : fake_line[n].gains.rxgain[code];
}
EXPORT int fake_cadence(int n, int i) { return fake_line[n].cadence.ms[i]; }
EXPORT int fake_flash_ms(int n) { return fake_line[n].params.flashtime; }
EXPORT int fake_break_ms(int n) { return fake_line[n].params.pulsebreaktime; }
EXPORT const char *fake_dial(int n) { return fake_line[n].dial; }

static int fail(int code) { errno = code; return -1; }

int __wrap_open(const char *path, int flags, ...)
{
    (void)flags;
    if (fake_open_errno)
        return fail(fake_open_errno);
    return strstr(path, "/ctl") ? CTL : FD + next_fd++;
}

int __wrap_close(int fd)
{
    if (fd >= FD && owner[fd - FD])
        fake_line[owner[fd - FD]].specified = 0;
    return 0;
}

static struct line *line_of(int fd) { return fd >= FD && owner[fd - FD] ? &fake_line[owner[fd - FD]] : NULL; }

static int control(unsigned long request, void *p)
{
    if (request == DAHDI_SPANSTAT) {
        struct dahdi_spaninfo *s = p;
        if (s->spanno > fake_spans)
            return fail(EINVAL);
        s->linecompat = fake_analog ? 0 : 1;
        s->alarms = fake_alarms;
        strcpy(s->name, "FAKE/1");
        strcpy(s->spantype, fake_analog ? "FXS" : "E1");
        return 0;
    }
    struct dahdi_params *q = p;
    if (request != DAHDI_GET_PARAMS || q->channo > 31 || !fake_numbered)
        return fail(EINVAL);
    q->sigtype = fake_line[q->channo].sig;
    q->spanno = 1;
    q->chanpos = q->channo;
    q->curlaw = DAHDI_LAW_MULAW;
    return 0;
}

static int specify(int fd, int n)
{
    if (n > 31 || fake_line[n].busy || fake_line[n].specified)
        return fail(n > 31 ? EINVAL : EBUSY);
    fake_line[n].specified = 1;
    owner[fd - FD] = n;
    return 0;
}

static int channel(struct line *l, unsigned long request, void *p)
{
    int *value = p;
    switch (request) {
    case DAHDI_GETEVENT:
        *value = l->events ? l->event[0] : 0;
        if (l->events)
            memmove(l->event, l->event + 1, sizeof(int) * (size_t)--l->events);
        return 0;
    case DAHDI_GETRXBITS: *value = l->bits; return 0;
    case DAHDI_SETTXBITS: l->tx = *value; return 0;
    case DAHDI_GET_PARAMS: *(struct dahdi_params *)p = l->params, ((struct dahdi_params *)p)->rxhooksig = l->hooksig; return 0;
    case DAHDI_SET_PARAMS: l->params = *(struct dahdi_params *)p; return 0;
    case DAHDI_SETGAINS: l->gains = *(struct dahdi_gains *)p; return 0;
    case DAHDI_SETCADENCE: l->cadence = *(struct dahdi_ring_cadence *)p; return 0;
    case DAHDI_DIAL: strcpy(l->dial, ((struct dahdi_dialoperation *)p)->dialstr); return 0;
    case DAHDI_FLUSH: l->rx = 0; return 0;
    case DAHDI_HOOK: l->hook = *value; return *value >= DAHDI_FLASH && *value <= DAHDI_RING ? fail(EINPROGRESS) : 0;
    case DAHDI_SETPOLARITY:
        if (!fake_analog)
            return fail(ENOTTY);
        l->polarity = *value;
        return 0;
    case DAHDI_SET_BUFINFO: case DAHDI_AUDIOMODE: case DAHDI_BUFFER_EVENTS: case DAHDI_SETLAW: return 0;
    default: return fail(ENOTTY);
    }
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *p = va_arg(list, void *);
    va_end(list);
    fake_calls++;
    if (fd == CTL)
        return control(request, p);
    struct line *l = line_of(fd);
    if (!l)
        return request == DAHDI_SPECIFY ? specify(fd, *(int *)p) : fail(ENOSYS);
    return channel(l, request, p);
}

long __wrap_read(int fd, void *to, size_t size)
{
    struct line *l = line_of(fd);
    fake_calls++;
    if (!l)
        return fail(EBADF);
    if (l->events)
        return fail(DAHDI_ELAST);
    if (!l->rx)
        return fail(EAGAIN);
    size = size < 160 ? size : 160;
    memset(to, l->rx--, size);     /* the block's value: how many waited */
    return (long)size;
}

long __wrap_write(int fd, const void *from, size_t size)
{
    struct line *l = line_of(fd);
    fake_calls++;
    if (!l)
        return fail(EBADF);
    if (l->events)
        return fail(DAHDI_ELAST);
    memcpy(l->sent[l->written++ & 63], from, size < 160 ? size : 160);
    return (long)size;
}

int __wrap_poll(struct pollfd *p, unsigned long n, int ms)
{
    (void)n, (void)ms;
    fake_calls++;
    struct line *waited = line_of(p->fd);
    if (waited->dead)
        return 0;
    for (int i = 1; i < 32; i++)
        fake_line[i].rx += fake_line[i].sig && !fake_line[i].dead;
    p->revents = POLLIN;
    return 1;
}
