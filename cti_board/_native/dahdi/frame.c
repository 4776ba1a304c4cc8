/* frame.c - one frame of every channel, at the card's pace.
 *
 * What: waits for the next block of one channel, the master, and then swaps one block of each.
 * System calls of a frame with n channels in use: one poll, n + 1 reads, n writes, and one request
 * for each event and each line that is being watched.
 * How: all channels' blocks are begun anew together, the master's last, so that when the master's
 * block is whole the others' are too.  A channel that is late is waited for once a frame, for a
 * few milliseconds in all; its late block is dropped when it comes, so channels stay aligned.
 * Towards the line `prefill` blocks of silence go first: the stock for frames in which this program
 * is late.  One block is written for each that is read, silence too, so that what waits in the
 * kernel both ways together stays the same, and with it the delay, however late we are.
 *
 * Limits: a stock that ran out makes a gap, reported as a slip (tx), and is laid in again once
 * the program has caught up; blocks lost in the kernel (640 ms late) are a slip (rx). */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "dahdi.h"

#define WAIT_MS 100                /* chosen: half of what makes a board lost; then a frame is missed */
#define LATE_MS 15                 /* chosen: more than the bursts of any kernel timer, less than a frame */
#define GONE 8                     /* chosen: after 160 ms a silent channel is no longer waited for */

#define FRAME_NS 20000000ll
#define ALIGN_NS (FRAME_NS / 2)    /* chosen: a block begun half a frame apart is still in time */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static bool has_sound(const ctb_dahdi_channel_t *c) { return c->open && c->type != CTB_LINE_E1_HDLC; }

static bool is_live(const uint64_t *bits, uint32_t i) { return bits[i / 64] >> (i % 64) & 1; }

static void flush(const ctb_dahdi_channel_t *c, int what) { (void)ioctl(c->fd, DAHDI_FLUSH, &what); }

static int master_find(ctb_board_t *b, uint32_t from)
{
    for (uint32_t i = 0; i < b->channels; i++) {
        uint32_t k = (from + i) % b->channels;
        if (has_sound(&b->channel[k]) && !b->channel[k].gone) {
            b->master = k;
            return 0;
        }
    }
    return -ENODEV;
}

static int block_write(ctb_board_t *b, ctb_dahdi_channel_t *c, const uint8_t *tx)
{
    for (int i = 0; i < 8; i++) {
        if (write(c->fd, tx, (size_t)FRAME) > 0)
            return 0;
        if (errno != DAHDI_ELAST)
            break;
        ctb_dahdi_events_take(b, c);
    }
    if (errno != EAGAIN && errno != EINTR && errno != DAHDI_ELAST)
        return -errno;
    b->slipped_tx = true;          /* no room: this frame is dropped */
    return 0;
}

static void silence_make(const ctb_board_t *b, uint8_t out[CTB_FRAME_SAMPLES])
{
    memset(out, b->law == CTB_LAW_ALAW ? CTB_IDLE_ALAW : 0xFF, CTB_FRAME_SAMPLES);   /* ITU-T G.711: zero */
}

static int stock_lay(ctb_board_t *b, ctb_dahdi_channel_t *c, int blocks)
{
    uint8_t silence[CTB_FRAME_SAMPLES];
    int rc = 0;
    silence_make(b, silence);
    for (int i = 0; i < blocks && rc == 0; i++)
        rc = block_write(b, c, silence);
    c->starved = false;
    return rc;
}

static int channel_begin(ctb_board_t *b, ctb_dahdi_channel_t *c)
{
    flush(c, DAHDI_FLUSH_READ | DAHDI_FLUSH_WRITE);
    ctb_dahdi_events_take(b, c);   /* of the gap before */
    c->owed = 0, c->gone = false;
    return c->dialling ? 0 : stock_lay(b, c, b->spec.prefill);
}

/* Again when something held us up between the first channel and the last. */
static int align(ctb_board_t *b)
{
    int rc = 0;
    for (int64_t began = now_ns() - ALIGN_NS, tries = 0; now_ns() - began >= ALIGN_NS && tries < 10; tries++) {
        began = now_ns();
        for (uint32_t i = 0; i < b->channels && rc == 0; i++)
            if (has_sound(&b->channel[i]) && i != b->master)
                rc = channel_begin(b, &b->channel[i]);
        if (rc == 0)
            rc = channel_begin(b, &b->channel[b->master]);
    }
    b->realign = false;
    return rc;
}

/* 1 = a block, 0 = none yet, -errno; events that stand before it are taken */
static int block_read(ctb_board_t *b, ctb_dahdi_channel_t *c, uint8_t *rx)
{
    for (int i = 0; i < 8; i++) {
        ssize_t n = read(c->fd, rx, (size_t)FRAME);
        if (n > 0) {
            memset(rx + n, CTB_IDLE_ALAW, (size_t)(FRAME - n));
            return 1;
        }
        if (n == 0 || errno == EAGAIN || errno == EINTR)
            return 0;
        if (errno != DAHDI_ELAST)
            return -errno;
        ctb_dahdi_events_take(b, c);
    }
    return 0;
}

static int master_wait(ctb_board_t *b, uint8_t *rx)
{
    ctb_dahdi_channel_t *m = &b->channel[b->master];
    uint8_t *to = rx + (size_t)b->master * CTB_FRAME_SAMPLES;
    int rc = block_read(b, m, to);
    b->behind = rc == 1 && b->frames;
    for (int i = 0; i < 8 && rc == 0; i++) {
        struct pollfd p = {.fd = m->fd, .events = POLLIN | POLLPRI};
        int n = poll(&p, 1, WAIT_MS);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        rc = block_read(b, m, to);
    }
    return rc;
}

static int late_read(ctb_board_t *b, ctb_dahdi_channel_t *c, uint8_t *rx)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    if (b->waited || c->owed)
        return 0;
    b->waited = true;
    return poll(&p, 1, LATE_MS) > 0 ? block_read(b, c, rx) : 0;
}

static int channel_read(ctb_board_t *b, ctb_dahdi_channel_t *c, uint8_t *rx)
{
    int rc = block_read(b, c, rx);
    if (rc == 0 && !c->gone)
        rc = late_read(b, c, rx);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        c->owed++;
        c->gone = c->owed >= GONE;
        if (c->gone)
            c->owed = GONE;
    } else if (c->gone) {
        b->realign = true;         /* it is back */
    } else if (c->owed && block_read(b, c, rx) == 1) {
        c->owed--;
        b->slipped_rx = true;      /* the block before it is dropped */
    }
    return rc;
}

static int channel_write(ctb_board_t *b, ctb_dahdi_channel_t *c, const uint8_t *tx, bool live)
{
    uint8_t silence[CTB_FRAME_SAMPLES];
    int rc = 0;
    c->live = live;
    if (c->dialling) {             /* a write would end the kernel's dialling */
        c->starved = true;
        return 0;
    }
    if (c->starved) {
        if (b->behind)
            return 0;              /* the line's time for it has gone by */
        rc = stock_lay(b, c, b->spec.prefill - 1);   /* a block has been read already */
    }
    if (!live)
        silence_make(b, silence);
    return rc < 0 ? rc : block_write(b, c, live ? tx : silence);
}

static void slips_report(ctb_board_t *b)
{
    ctb_event_t e = {.at = b->frames * CTB_FRAME_SAMPLES, .channel = CTB_NO_CHANNEL, .span = CTB_NO_SPAN,
                     .kind = CTB_EV_SLIP, .a = -1};
    if (b->slipped_rx)
        ctb_dahdi_post(b, &e);
    e.b = 1;
    if (b->slipped_tx)
        ctb_dahdi_post(b, &e);
    b->slipped_rx = b->slipped_tx = false;
}

static int begin(ctb_board_t *b)
{
    int rc = master_find(b, 0);
    if (rc == 0)
        rc = align(b);
    b->running = rc == 0;
    return rc;
}

static int swap_all(ctb_board_t *b, const uint8_t *tx, const uint64_t *tx_live, uint8_t *rx, uint64_t *rx_live)
{
    b->waited = false;
    for (uint32_t i = 0; i < b->channels; i++) {
        ctb_dahdi_channel_t *c = &b->channel[i];
        if (!has_sound(c))
            continue;
        size_t at = (size_t)i * CTB_FRAME_SAMPLES;
        int rc = i == b->master ? 1 : channel_read(b, c, rx + at);
        if (rc < 0)
            return rc;
        if (rc == 1)
            rx_live[i / 64] |= 1ull << (i % 64);
        if (c->type == CTB_LINE_FXO && c->watch)
            ctb_dahdi_levels_sample(b, c);
        if ((rc = channel_write(b, c, tx + at, is_live(tx_live, i))) < 0)
            return rc;
    }
    return 1;
}

int ctb_dahdi_exchange(ctb_board_t *b, const uint8_t *tx, const uint64_t *tx_live, uint8_t *rx, uint64_t *rx_live)
{
    int rc = b->removed ? -ENODEV : b->running ? 0 : begin(b);
    memset(rx_live, 0, (b->channels + 63) / 64 * sizeof *rx_live);
    if (rc == 0)
        rc = master_wait(b, rx);
    b->stopped = rc == 0 ? b->stopped + 1 : 0;
    if (b->stopped >= 2 && master_find(b, b->master + 1) == 0)
        b->realign = true;         /* another channel may still have a clock */
    if (rc == 1)
        rc = swap_all(b, tx, tx_live, rx, rx_live);
    if (b->realign && rc >= 0) {
        int again = align(b);
        rc = again < 0 ? again : rc;
    }
    if (rc == 1)
        b->frames++;
    ctb_dahdi_alarms_report(b);
    slips_report(b);
    return rc;
}
