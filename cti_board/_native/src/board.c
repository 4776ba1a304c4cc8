/* board.c - opening a driver, swapping frames with it, taking its events.
 *
 * What: a board whose clock differs from the engine's crosses an elastic buffer of whole
 * frames; a repeated or dropped frame is a slip, counted and reported (ITU-T G.823 calls the
 * effect; the size of one frame is chosen).  How: see exchange_elastic. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "engine.h"

#define FIFO 3u                    /* frames: 1 in the middle, 0 and 3 are the edges */
#define BILLION 1000000000ll

static int fail(char *err, size_t size, int code, const char *format, const char *a, const char *b)
{
    snprintf(err, size, format, a, b);
    return code;
}

static int load(ctb_slot_t *s, const char *path, char *err, size_t size)
{
    s->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!s->library)
        return fail(err, size, -ENOENT, "the driver library cannot be loaded: %s%s", dlerror(), "");
    ctb_driver_get_fn get;
    *(void **)&get = dlsym(s->library, "ctb_driver_get");
    if (!get)
        return fail(err, size, -ENOEXEC, "%s has no ctb_driver_get: it is not a driver for this ABI%s", path, "");
    s->driver = get(CTB_ABI_VERSION);
    char ours[32], theirs[64];
    snprintf(ours, sizeof ours, "%u", CTB_ABI_VERSION);
    if (!s->driver)
        return fail(err, size, -EPROTO, "%s does not speak driver ABI version %s; install a driver built for it", path, ours);
    if (s->driver->abi_version != CTB_ABI_VERSION || s->driver->struct_size != sizeof(ctb_driver_t)) {
        snprintf(theirs, sizeof theirs, "%u (struct of %u bytes)", s->driver->abi_version, s->driver->struct_size);
        return fail(err, size, -EPROTO, "the driver speaks ABI version %s, this program version %s", theirs, ours);
    }
    if (!s->driver->open || !s->driver->close || !s->driver->describe || !s->driver->describe_span ||
        !s->driver->describe_channel || !s->driver->exchange || !s->driver->next_event || !s->driver->command)
        return fail(err, size, -ENOSYS, "driver %s lacks an operation that every driver must have%s", s->driver->name, "");
    return 0;
}

static size_t rounded(size_t size) { return (size + 63) & ~(size_t)63; }

static int buffers(ctb_slot_t *s)
{
    size_t sound = (size_t)s->channels * FRAME, bits = s->words * sizeof(uint64_t);
    s->rx = ctb_zalloc(sound), s->tx = ctb_zalloc(sound);
    s->rx_live = ctb_zalloc(bits), s->tx_live = ctb_zalloc(bits);
    s->chan = ctb_zalloc(s->channels * sizeof *s->chan);
    s->tone_storage = ctb_zalloc(s->channels * (rounded(ctb_tone_gen_size()) + rounded(ctb_dial_gen_size())
                                                + rounded(ctb_fax_gen_size())));
    if (!s->rx || !s->tx || !s->rx_live || !s->tx_live || !s->chan || !s->tone_storage)
        return -ENOMEM;
    if (s->info.law == CTB_LAW_ULAW && (!(s->law_rx = ctb_zalloc(sound)) || !(s->law_tx = ctb_zalloc(sound))))
        return -ENOMEM;
    if (s->elastic) {
        s->fifo_rx = ctb_zalloc(sound * FIFO), s->fifo_tx = ctb_zalloc(sound * FIFO);
        s->fifo_rx_live = ctb_zalloc(bits * FIFO), s->fifo_tx_live = ctb_zalloc(bits * FIFO);
        if (!s->fifo_rx || !s->fifo_tx || !s->fifo_rx_live || !s->fifo_tx_live)
            return -ENOMEM;
        s->rx_fill = s->tx_fill = 1;
    }
    return 0;
}

static int channels(ctb_slot_t *s, uint32_t board)
{
    size_t tone = rounded(ctb_tone_gen_size()), dial = rounded(ctb_dial_gen_size());
    size_t all = tone + dial + rounded(ctb_fax_gen_size());
    for (uint32_t i = 0; i < s->channels; i++) {
        ctb_chan_t *c = &s->chan[i];
        int rc = s->driver->describe_channel(s->board, i, &c->info);
        if (rc < 0)
            return rc;
        c->board = board, c->number = i, c->caps = c->info.capabilities;
        c->listen_board = c->conf = c->group = c->lane = c->tx_place = c->line_place = -1;
        c->dtmf = ctb_dtmf_default;
        c->mf = ctb_mf_forward;
        c->echo_delay = -1;
        c->tone = (ctb_tone_gen_t *)(s->tone_storage + i * all);
        c->dial = (ctb_dial_gen_t *)(s->tone_storage + i * all + tone);
        c->fax = (ctb_fax_gen_t *)(s->tone_storage + i * all + tone + dial);
        ctb_line_init(&c->line, c->info.type);
        c->told_hook = c->line.hook, c->told_cas = c->line.cas;
        c->told_battery = c->line.battery, c->told_polarity = c->line.polarity;
        if (c->info.type == CTB_LINE_FXO && ctb_fsk_rx_alloc(&c->fsk) < 0)
            return -ENOMEM;
        if (s->driver->channel_open && (rc = s->driver->channel_open(s->board, i)) < 0)
            return rc;
        c->opened = true;
    }
    return 0;
}

/* Read once: later the driver belongs to the frame thread alone. */
static int spans(ctb_slot_t *s)
{
    for (uint32_t i = 0; i < s->info.spans && i < 64; i++) {
        int rc = s->driver->describe_span(s->board, i, &s->span[i]);
        if (rc < 0)
            return rc;
        if (s->driver->get_alarms && s->driver->get_alarms(s->board, i, &s->alarms_now[i]) < 0)
            s->alarms_now[i] = 0;
        s->alarms_told[i] = s->alarms_now[i];
    }
    return 0;
}

static void ctb_slot_free(ctb_slot_t *s)
{
    for (uint32_t i = 0; s->chan && i < s->channels; i++) {
        ctb_fsk_rx_free(s->chan[i].fsk);
        if (s->board && s->driver->channel_close && s->chan[i].opened)
            s->driver->channel_close(s->board, i);
    }
    if (s->board)
        s->driver->close(s->board);
    ctb_groups_free(s);
    void *all[] = {s->rx, s->tx, s->rx_live, s->tx_live, s->chan, s->tone_storage, s->law_rx, s->law_tx,
                   s->fifo_rx, s->fifo_tx, s->fifo_rx_live, s->fifo_tx_live};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    if (s->library)
        dlclose(s->library);
    memset(s, 0, sizeof *s);
}

int ctb_engine_board_open(ctb_engine_t *e, const char *library, const char *spec, uint32_t *board, char *err,
                          size_t size)
{
    ctb_slot_t fresh = {0};
    uint32_t b = 0;
    int rc;
    while (b < CTB_MAX_BOARDS && e->slot[b].open)
        b++;
    if (b == CTB_MAX_BOARDS)
        return fail(err, size, -ENOSPC, "all board places are taken%s%s", "", "");
    if ((rc = load(&fresh, library, err, size)) < 0)
        goto out;
    err[0] = 0;
    if ((rc = fresh.driver->open(&fresh.board, spec, err, size)) < 0) {
        fresh.board = NULL;
        if (!err[0])
            fail(err, size, rc, "driver %s cannot open the board: %s", fresh.driver->name, strerror(-rc));
        goto out;
    }
    rc = fresh.driver->describe(fresh.board, &fresh.info);
    if (rc < 0 || fresh.info.channels > CTB_MAX_CHANNELS) {
        rc = fail(err, size, rc < 0 ? rc : -E2BIG, "driver %s describes a board that cannot be used%s", fresh.driver->name, "");
        goto out;
    }
    if (fresh.info.capabilities & CTB_CAP_PACED && (!e->wall || atomic_load(&e->master) >= 0)) {
        rc = fail(err, size, -ENOTSUP, e->wall ? "%s paces itself, and another card is the time base already%s"
                  : "%s paces itself: it runs on the wall clock, not in virtual time%s", fresh.info.model, "");
        goto out;
    }
    fresh.channels = fresh.info.channels;
    fresh.words = (fresh.channels + 63) / 64 ? (fresh.channels + 63) / 64 : 1;
    fresh.elastic = fresh.info.rate_ppb != 0 && !(fresh.info.capabilities & CTB_CAP_PACED);
    if ((rc = buffers(&fresh)) < 0 || (rc = ctb_groups_alloc(&fresh)) < 0 ||
        (rc = channels(&fresh, b)) < 0 || (rc = spans(&fresh)) < 0) {
        fail(err, size, rc, "driver %s: %s", fresh.driver->name, strerror(-rc));
        goto out;
    }
    ctb_gate_take(e);
    e->slot[b] = fresh;
    for (uint32_t i = 0; i < fresh.channels; i++)     /* lanes hold no pointers yet; channels do not move */
        e->slot[b].chan[i].board = b;
    e->slot[b].open = true;
    if (fresh.info.capabilities & CTB_CAP_PACED)
        atomic_store(&e->master, (int)b);
    pthread_mutex_unlock(&e->gate);
    *board = b;
    return 0;
out:
    ctb_slot_free(&fresh);
    return rc;
}

/* Whoever listened to this board hears nothing, also when another takes its place. */
static void drop_listeners(ctb_engine_t *e, uint32_t board)
{
    for (uint32_t b = 0; b < CTB_MAX_BOARDS; b++) {
        ctb_slot_t *s = ctb_slot(e, b);
        for (uint32_t i = 0; s && i < s->channels; i++)
            if (s->chan[i].listen_board == (int32_t)board) {
                s->chan[i].listen_board = -1;
                ctb_speaking_update(e, &s->chan[i]);
            }
    }
}

static void quiet_board(ctb_engine_t *e, ctb_slot_t *s, uint32_t board)
{
    ctb_commands_run(e);
    for (uint32_t i = 0; i < s->channels; i++) {
        ctb_channel_quiet(e, s, &s->chan[i]);
        s->chan[i].line.pending = 0;
        ctb_timing_update(e, &s->chan[i]);
    }
    drop_listeners(e, board);
}

/* Recordings of the board that are still to be put into their files.  Outside the gate: a
 * slow disk holds this caller, not the frames. */
static void flush_files(ctb_engine_t *e, uint32_t board)
{
    struct timespec moment = {0, 1000000};
    for (;;) {
        bool waiting = false;
        ctb_gate_take(e);
        for (ctb_recorder_t *r = e->active_recorders; r; r = r->next_active)
            waiting |= r->board == board && r->fd >= 0 && !atomic_load(&r->flushed);
        pthread_mutex_unlock(&e->gate);
        if (!waiting)
            return;
        if (e->wall && e->io_running) {
            ctb_io_want(e);
            nanosleep(&moment, NULL);
        } else {
            atomic_store(&e->io_stalled_until, 0);
            ctb_io_service(e);
        }
    }
}

static void end_recorders(ctb_engine_t *e, uint32_t board)
{
    ctb_recorder_t **link = &e->active_recorders;
    while (*link) {
        ctb_recorder_t *r = *link;
        if (r->board != board) {
            link = &r->next_active;
            continue;
        }
        *link = r->next_active;
        ctb_recorder_done(e, r, CTB_DONE_CLOSED, e->frames * FRAME);
    }
}

int ctb_engine_board_close(ctb_engine_t *e, uint32_t board)
{
    ctb_slot_t *s = ctb_slot(e, board), old;
    if (!s)
        return -ENODEV;
    ctb_gate_take(e);
    quiet_board(e, s, board);
    pthread_mutex_unlock(&e->gate);
    flush_files(e, board);
    ctb_gate_take(e);
    quiet_board(e, s, board);
    end_recorders(e, board);
    ctb_events_flush(e);
    old = *s;
    memset(s, 0, sizeof *s);
    if (atomic_load(&e->master) == (int)board)
        atomic_store(&e->master, -1);
    pthread_mutex_unlock(&e->gate);
    ctb_slot_free(&old);
    return 0;
}

/* ---- events of the driver ------------------------------------------------------ */

void ctb_line_events(ctb_engine_t *e, ctb_slot_t *s, uint32_t board, ctb_chan_t *c, ctb_event_t *out, int n,
                        uint64_t base)
{
    for (int i = 0; i < n; i++) {
        out[i].board = board;
        out[i].channel = c->number;
        out[i].span = CTB_NO_SPAN;
        out[i].board_at = out[i].at;
        out[i].at += base;
        ctb_emit(e, &out[i]);
        if (out[i].kind == CTB_EV_PULSE_DIGIT)
            ctb_stop_on_digit(e, s, c, out[i].a, out[i].at);
    }
    ctb_timing_update(e, c);
}

static void finish_on_board(ctb_engine_t *e, ctb_chan_t *c, const ctb_event_t *ev)
{
    if (ev->kind == CTB_EV_PLAY_DONE)
        for (int i = 0; i < CHAN_PLAYERS; i++)
            if (c->player[i] && c->player[i]->cookie == ev->cookie) {
                int error = atomic_load(&c->player[i]->io_error);
                c->player[i] = NULL, c->players--;
                ctb_emit_simple(e, CTB_EV_PLAY_DONE, c->board, c->number, ev->at, ev->cookie,
                                error ? CTB_DONE_ERROR : ev->a, ev->b, error ? error : ev->c, 0);
                return;
            }
    if (ev->kind == CTB_EV_RECORD_DONE)
        for (ctb_recorder_t *r = e->active_recorders; r; r = r->next_active)
            if (r->cookie == ev->cookie && !r->closing) {
                r->samples = r->ring.head / (uint64_t)r->sides;
                r->lost = r->ring.lost / (uint64_t)r->sides;
                e->stats.recorded_bytes += r->ring.head;
                r->closing = true;
                if (!r->limited)
                    r->reason = ev->a;
                __atomic_store_n(&r->ring.closed, 1, __ATOMIC_RELEASE);
            }
}

void ctb_board_event(ctb_engine_t *e, ctb_slot_t *s, uint32_t board, const ctb_event_t *raw, uint64_t base)
{
    ctb_event_t ev = *raw;
    ctb_chan_t *c = ev.channel < s->channels && ev.kind != CTB_EV_STREET ? &s->chan[ev.channel] : NULL;
    if (ev.kind <= CTB_EV_LINE_STATE) {
        ctb_event_t out[CTB_LINE_OUT];
        if (c)
            ctb_line_events(e, s, board, c, out, ctb_line_raw(&c->line, raw, out), base);
        return;
    }
    ev.board = board;
    ev.board_at = raw->at;
    ev.at = raw->at + base;
    ev.text[sizeof ev.text - 1] = 0;
    if (c && (ev.kind == CTB_EV_PLAY_DONE || ev.kind == CTB_EV_RECORD_DONE)) {
        finish_on_board(e, c, &ev);
        return;
    }
    if (ev.span < 64 && ev.kind == CTB_EV_ALARM_RAISED)
        __atomic_or_fetch(&s->alarms_now[ev.span], (uint32_t)ev.a, __ATOMIC_RELEASE);
    if (ev.span < 64 && ev.kind == CTB_EV_ALARM_CLEARED)
        __atomic_and_fetch(&s->alarms_now[ev.span], ~(uint32_t)ev.a, __ATOMIC_RELEASE);
    ctb_emit(e, &ev);
    if (!c)
        return;
    switch (ev.kind) {
    case CTB_EV_DTMF_BEGIN:
        c->now_digit = ev.a;
        ctb_stop_on_digit(e, s, c, ev.a, ev.at);
        break;
    case CTB_EV_DTMF_END: c->now_digit = 0; break;
    case CTB_EV_TONE_ON: c->now_tone = ev.a; break;
    case CTB_EV_TONE_OFF: c->now_tone = 0; break;
    case CTB_EV_TALK_BEGIN: c->now_talk = 1; break;
    case CTB_EV_TALK_END: c->now_talk = 0; break;
    default: break;
    }
}

static void take_events(ctb_engine_t *e, ctb_slot_t *s, uint32_t board)
{
    ctb_event_t raw;
    uint64_t base = e->frames * FRAME - (s->frames * FRAME - FRAME);
    for (int i = 0; i < 4096 && s->driver->next_event(s->board, &raw) == 1; i++)
        ctb_board_event(e, s, board, &raw, base);
}

/* ---- frames -------------------------------------------------------------------- */

static void missed(ctb_engine_t *e, ctb_slot_t *s, uint32_t board, int rc)
{
    memset(s->rx_live, 0, s->words * sizeof(uint64_t));
    if (++s->missed == LOST_AFTER_FRAMES && !s->lost) {
        s->lost = true;
        ctb_emit_simple(e, CTB_EV_BOARD_LOST, board, CTB_NO_CHANNEL, (e->frames + 1) * FRAME, 0, rc, 0, 0, 0);
    }
}

static int swap(ctb_engine_t *e, ctb_slot_t *s, uint32_t board, const uint8_t *tx, const uint64_t *tx_live,
                uint8_t *rx, uint64_t *rx_live)
{
    const uint8_t *out = tx;
    size_t n = (size_t)s->channels * FRAME;
    if (s->law_tx) {
        ctb_alaw_to_ulaw(s->law_tx, tx, n);
        out = s->law_tx;
    }
    atomic_store(&e->exchanging, (int)board);
    int rc = s->driver->exchange(s->board, out, tx_live, s->law_rx ? s->law_rx : rx, rx_live);
    atomic_store(&e->exchanging, -1);
    if (rc != 1) {
        missed(e, s, board, rc);
        take_events(e, s, board);
        return 0;
    }
    s->frames++;
    s->missed = 0;
    if (s->lost) {
        s->lost = false;
        ctb_emit_simple(e, CTB_EV_BOARD_BACK, board, CTB_NO_CHANNEL, (e->frames + 1) * FRAME, 0, 0, 0, 0, 0);
    }
    if (s->law_rx)
        ctb_ulaw_to_alaw(rx, s->law_rx, n);
    take_events(e, s, board);
    return 1;
}

static void slip(ctb_engine_t *e, uint32_t board, int frames, int tx)
{
    if (tx)
        e->stats.slips_tx++;
    else
        e->stats.slips_rx++;
    ctb_emit_simple(e, CTB_EV_SLIP, board, CTB_NO_CHANNEL, e->frames * FRAME, 0, frames, tx, 0, 0);
}

/* Push the engine's tx frame, let the board run the frames that its own clock owes, pop one
 * rx frame.  A fill that leaves 0..FIFO is a slip: empty repeats the last, full drops one. */
static void exchange_elastic(ctb_engine_t *e, ctb_slot_t *s, uint32_t board)
{
    size_t sound = (size_t)s->channels * FRAME, bits = s->words * sizeof(uint64_t);
    if (s->tx_fill == FIFO) {
        memmove(s->fifo_tx, s->fifo_tx + sound, sound * (FIFO - 1));
        memmove(s->fifo_tx_live, s->fifo_tx_live + s->words, bits * (FIFO - 1));
        s->tx_fill--;
        slip(e, board, -1, 1);
    }
    memcpy(s->fifo_tx + sound * s->tx_fill, s->tx, sound);
    memcpy(s->fifo_tx_live + s->words * s->tx_fill++, s->tx_live, bits);
    for (s->phase += BILLION + s->info.rate_ppb; s->phase >= BILLION; s->phase -= BILLION) {
        if (s->rx_fill == FIFO) {
            memmove(s->fifo_rx, s->fifo_rx + sound, sound * (FIFO - 1));
            memmove(s->fifo_rx_live, s->fifo_rx_live + s->words, bits * (FIFO - 1));
            s->rx_fill--;
            slip(e, board, -1, 0);
        }
        if (!swap(e, s, board, s->fifo_tx, s->fifo_tx_live, s->fifo_rx + sound * s->rx_fill,
                  s->fifo_rx_live + s->words * s->rx_fill))
            continue;
        s->rx_fill++;
        if (s->tx_fill > 1) {
            memmove(s->fifo_tx, s->fifo_tx + sound, sound * (FIFO - 1));
            memmove(s->fifo_tx_live, s->fifo_tx_live + s->words, bits * (FIFO - 1));
            s->tx_fill--;
        } else {
            slip(e, board, 1, 1);
        }
    }
    memcpy(s->rx, s->fifo_rx, sound);
    memcpy(s->rx_live, s->fifo_rx_live, bits);
    if (s->missed)
        memset(s->rx_live, 0, bits);   /* stopped: silence, not its last frame again */
    if (s->rx_fill > 1) {
        memmove(s->fifo_rx, s->fifo_rx + sound, sound * (FIFO - 1));
        memmove(s->fifo_rx_live, s->fifo_rx_live + s->words, bits * (FIFO - 1));
        s->rx_fill--;
    } else if (!s->missed) {
        slip(e, board, 1, 0);
    }
}

void ctb_boards_exchange(ctb_engine_t *e)
{
    struct timespec t0 = {0}, t1 = {0};
    if (e->wall)
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t0);
    for (uint32_t b = 0; b < CTB_MAX_BOARDS; b++) {
        ctb_slot_t *s = ctb_slot(e, b);
        if (!s)
            continue;
        if (s->elastic)
            exchange_elastic(e, s, b);
        else
            swap(e, s, b, s->tx, s->tx_live, s->rx, s->rx_live);
        for (uint32_t w = 0; w < s->words; w++)
            e->stats.leg_frames += (uint64_t)__builtin_popcountll(s->rx_live[w] | s->tx_live[w]);
    }
    if (e->wall) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t1);
        e->stats.driver_ns += (uint64_t)((t1.tv_sec - t0.tv_sec) * BILLION + t1.tv_nsec - t0.tv_nsec);
    }
}
