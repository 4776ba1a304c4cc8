/* recorder.c - what a line said (and what we said) into a ring; from there a WAV file or a
 * stream of bytes to Python.
 *
 * What: A-law, mono (rx) or stereo with rx left and tx right, of the same frame.  How: the
 * frame writes the ring and never waits; a full ring counts lost samples and posts
 * MediaOverrun; the I/O side writes data first and then the header, at least once a second. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine.h"

#define HEADER 58                  /* RIFF, fmt of 18 bytes, fact, data */
#define MOST_BYTES 0xFFFFFF00ull   /* RIFF sizes have 32 bits */
#define FLUSH_SAMPLES 4000         /* chosen: 0.5 s, half of the longest that may be lost */

int ctb_recorder_new(ctb_recorder_t **out, ctb_engine_t *engine, uint64_t cookie, int sides,
                     uint32_t ring_ms)
{
    if (sides != 1 && sides != 2)
        return -EINVAL;
    ctb_recorder_t *r = ctb_zalloc(sizeof *r);
    if (!r)
        return -ENOMEM;
    if (ring_ms < 2000)
        ring_ms = 2000;
    if (ctb_ring_alloc(&r->ring, (uint64_t)ring_ms * 8 * (uint32_t)sides) < 0) {
        free(r);
        return -ENOMEM;
    }
    r->engine = engine;
    r->cookie = cookie;
    r->sides = sides;
    r->fd = -1;
    atomic_fetch_add(&engine->recorders, 1);
    *out = r;
    return 0;
}

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = v & 255, p[1] = v >> 8 & 255, p[2] = v >> 16 & 255, p[3] = v >> 24;
}

/* RIFF WAVE, format tag 6 (A-law), 8 bits, 8000 Hz; sizes as of now */
static int write_header(ctb_recorder_t *r)
{
    uint8_t h[HEADER] = "RIFF....WAVEfmt ";
    uint64_t pad = r->written & 1, sides = (uint64_t)r->sides;
    put32(h + 4, (uint32_t)(HEADER - 8 + r->written + pad));
    put32(h + 16, 18);
    h[20] = 6, h[22] = (uint8_t)r->sides;
    put32(h + 24, CTB_RATE);
    put32(h + 28, (uint32_t)(CTB_RATE * sides));
    h[32] = (uint8_t)r->sides, h[34] = 8;
    memcpy(h + 38, "fact", 4);
    put32(h + 42, 4);
    put32(h + 46, (uint32_t)(r->written / sides));
    memcpy(h + 50, "data", 4);
    put32(h + 54, (uint32_t)r->written);
    ssize_t done = pwrite(r->fd, h, HEADER, 0);
    return done == HEADER ? 0 : done < 0 ? -errno : -ENOSPC;
}

int ctb_recorder_file(ctb_recorder_t *r, int fd)
{
    r->fd = fd;
    return write_header(r);
}

void ctb_recorder_limits(ctb_recorder_t *r, uint64_t max_samples, uint32_t silence_ms)
{
    r->max_samples = max_samples;
    r->silence_samples = (uint64_t)silence_ms * 8;
}

void ctb_recorder_free(ctb_recorder_t *r)
{
    if (!r)
        return;
    ctb_io_remove_recorder(r->engine, r);
    atomic_fetch_sub(&r->engine->recorders, 1);
    free(r->ring.data);
    free(r);
}

uint64_t ctb_recorder_read(ctb_recorder_t *r, uint8_t *out, uint64_t size)
{
    uint64_t n = ctb_ring_read(&r->ring, out, size);
    __atomic_store_n(&r->notified, false, __ATOMIC_RELEASE);
    return n;
}

static void fail_file(ctb_recorder_t *r, int error)
{
    int none = 0;
    atomic_compare_exchange_strong(&r->io_error, &none, error);
}

/* I/O side: everything in the ring goes to the file, then the header tells of it. */
void ctb_recorder_drain(ctb_recorder_t *r)
{
    bool last = __atomic_load_n(&r->ring.closed, __ATOMIC_ACQUIRE);
    uint64_t used = ctb_ring_used(&r->ring);
    while (used) {
        uint64_t at = r->ring.tail & (r->ring.size - 1);
        uint64_t n = r->ring.size - at < used ? r->ring.size - at : used;
        if (!atomic_load(&r->io_error)) {
            ssize_t done = r->written + n > MOST_BYTES ? (errno = EFBIG, -1)
                         : pwrite(r->fd, r->ring.data + at, n, (off_t)(HEADER + r->written));
            if (done < 0) {
                if (errno == EINTR)
                    continue;
                fail_file(r, -errno);
                write_header(r);
            } else {
                n = (uint64_t)done;
                r->written += n;
            }
        }
        if (atomic_load(&r->io_error))
            atomic_fetch_add(&r->refused, n);
        __atomic_store_n(&r->ring.tail, r->ring.tail + n, __ATOMIC_RELEASE);
        used -= n;
    }
    if (!atomic_load(&r->io_error)) {
        uint8_t pad = 0;
        if (last && (r->written & 1) && pwrite(r->fd, &pad, 1, (off_t)(HEADER + r->written)) != 1)
            fail_file(r, -ENOSPC);
        int rc = write_header(r);
        if (rc < 0)
            fail_file(r, rc);
    }
    if (last)
        atomic_store(&r->flushed, true);
}

/* ---- frame side -------------------------------------------------------------- */

static uint64_t keep(ctb_recorder_t *r, const uint8_t *rx, const uint8_t *tx, uint64_t samples)
{
    uint8_t both[FRAME * 2];
    const uint8_t *data = rx;
    uint64_t room = (r->ring.size - ctb_ring_used(&r->ring)) / (uint64_t)r->sides;
    uint64_t fits = samples < room ? samples : room;
    if (r->mask) {
        memset(both, CTB_IDLE_ALAW, sizeof both);
        data = both;
    } else if (r->sides == 2) {
        for (uint64_t i = 0; i < FRAME; i++)
            both[2 * i] = rx[i], both[2 * i + 1] = tx[i];
        data = both;
    }
    ctb_ring_write(&r->ring, data, fits * (uint64_t)r->sides);
    r->lost += samples - fits;
    r->samples += fits;
    return fits;
}

static bool is_silent(const uint8_t *rx)
{
    int16_t linear[FRAME];
    int32_t sum = 0;
    ctb_alaw_decode(linear, rx, FRAME);
    for (int i = 0; i < FRAME; i++)
        sum += linear[i] < 0 ? -linear[i] : linear[i];
    return sum < 260 * FRAME;      /* chosen: mean magnitude of about -38 dBm0 */
}

static const uint8_t idle_frame[FRAME] = {[0 ... FRAME - 1] = CTB_IDLE_ALAW};

/* A limit is reached: ours ends at once, the card's when the card says so. */
static void close_ring(ctb_slot_t *s, ctb_recorder_t *r, int reason)
{
    if (r->on_board) {
        ctb_args_t args = {.cookie = r->cookie, .a = reason};
        if (!r->stop_sent)
            s->driver->command(s->board, r->channel, CTB_OP_RECORD_STOP, &args);
        r->stop_sent = r->limited = true;
        r->reason = reason;
        return;
    }
    r->closing = true;
    r->reason = reason;
    __atomic_store_n(&r->ring.closed, 1, __ATOMIC_RELEASE);
}

static void record_frame(ctb_engine_t *e, ctb_slot_t *s, ctb_recorder_t *r)
{
    uint32_t ch = r->channel;
    const uint8_t *rx = ctb_bit(s->rx_live, ch) ? s->rx + (size_t)ch * FRAME : idle_frame;
    const uint8_t *tx = ctb_bit(s->tx_live, ch) ? s->tx + (size_t)ch * FRAME : idle_frame;
    uint64_t want = FRAME;
    if (r->max_samples && r->samples + r->lost + want > r->max_samples)
        want = r->max_samples - r->samples - r->lost;
    if (!r->on_board) {
        keep(r, rx, tx, want);
        e->stats.recorded_bytes += want * (uint64_t)r->sides;
    }
    if (r->silence_samples) {
        r->silent = is_silent(rx) ? r->silent + FRAME : 0;
        if (r->silent >= r->silence_samples)
            close_ring(s, r, CTB_DONE_SILENCE);
    }
    if (r->max_samples && r->samples + r->lost >= r->max_samples)
        close_ring(s, r, CTB_DONE_END);
}

static void report(ctb_engine_t *e, ctb_recorder_t *r, uint64_t at)
{
    uint64_t used = ctb_ring_used(&r->ring);
    if (r->fd < 0) {
        if (used >= r->ring.size / 2 && !__atomic_load_n(&r->notified, __ATOMIC_ACQUIRE)) {
            __atomic_store_n(&r->notified, true, __ATOMIC_RELEASE);
            ctb_emit_simple(e, CTB_EV_RECORD_DATA, r->board, r->channel, at, r->cookie, (int)used, 0, 0, 0);
        }
    } else if (used >= (uint64_t)FLUSH_SAMPLES * (uint64_t)r->sides || r->closing) {
        ctb_io_want(e);
    }
    if (r->lost != r->lost_reported && r->lost - r->lost_reported >= (r->lost_reported ? CTB_RATE : 1)) {
        r->lost_reported = r->lost;
        ctb_emit_simple(e, CTB_EV_MEDIA_OVERRUN, r->board, r->channel, at, r->cookie, (int)r->lost, 0, 0, 0);
    }
    int error = atomic_load(&r->io_error);
    if (error && !r->error_reported) {
        r->error_reported = error;
        ctb_emit_simple(e, CTB_EV_RECORD_ERROR, r->board, r->channel, at, r->cookie, error, 0, 0, 0);
    }
}

static void detach(ctb_engine_t *e, ctb_recorder_t *r)
{
    ctb_slot_t *s = ctb_slot(e, r->board);
    if (!s)
        return;
    ctb_chan_t *c = &s->chan[r->channel];
    for (uint32_t i = 0; i < CHAN_RECORDERS; i++)
        if (c->recorder[i] == r)
            c->recorder[i] = NULL, c->recorders--;
}

static int32_t count32(uint64_t n) { return n > INT32_MAX ? INT32_MAX : (int32_t)n; }

/* What the file did not take is lost, whoever lost it: samples are those that can be heard. */
void ctb_recorder_done(ctb_engine_t *e, ctb_recorder_t *r, int reason, uint64_t at)
{
    uint64_t refused = atomic_load(&r->refused) / (uint64_t)r->sides;
    r->samples -= refused < r->samples ? refused : r->samples;
    r->lost += refused;
    ctb_event_t ev = {.at = at, .board_at = r->began_at, .cookie = r->cookie, .board = r->board,
                      .channel = r->channel, .kind = CTB_EV_RECORD_DONE, .span = CTB_NO_SPAN, .a = reason,
                      .b = count32(r->samples), .c = atomic_load(&r->io_error), .d = count32(r->lost)};
    ctb_emit(e, &ev);
}

void ctb_recorders_frame(ctb_engine_t *e)
{
    uint64_t at = (e->frames + 1) * FRAME;
    ctb_recorder_t **link = &e->active_recorders;
    while (*link) {
        ctb_recorder_t *r = *link;
        ctb_slot_t *s = ctb_slot(e, r->board);
        if (!r->closing && r->on_board) {
            r->samples = r->ring.head / (uint64_t)r->sides;
            r->lost = r->ring.lost / (uint64_t)r->sides;
        }
        if (!r->closing && s)
            record_frame(e, s, r);
        report(e, r, at);
        if (r->closing && (r->fd < 0 || atomic_load(&r->flushed))) {
            *link = r->next_active;
            detach(e, r);
            ctb_recorder_done(e, r, r->reason, at);
            continue;
        }
        link = &r->next_active;
    }
}
