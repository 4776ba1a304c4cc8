/* engine.c - the frame, in order: commands, what we send, the swap with the cards, what we
 * hear, what is recorded, events.  Virtual time runs it in the caller; a wall clock in a thread. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "engine.h"

#define SETTLE_FRAMES 1000         /* chosen: 20 s; the longest pause of a plan is 14 s and its 10 % */

#define FRAME_NS 20000000ull

int ctb_engine_new(ctb_engine_t **out, int wall, int lead_frames)
{
    ctb_engine_t *e = ctb_zalloc(sizeof *e);
    if (!e)
        return -ENOMEM;
    e->wall = wall != 0;
    e->lead_frames = lead_frames > 0 ? lead_frames : 3;
    e->timer_fd = e->event_fd = e->io_fd = -1;
    e->deadline = UINT64_MAX;
    atomic_store(&e->master, -1);
    atomic_store(&e->exchanging, -1);
    pthread_mutex_init(&e->gate, NULL);
    pthread_mutex_init(&e->io_lock, NULL);
    pthread_cond_init(&e->io_idle, NULL);
    e->cmd = ctb_zalloc(COMMAND_RING * sizeof *e->cmd);
    e->garbage = ctb_zalloc(COMMAND_RING * sizeof *e->garbage);
    e->conf = ctb_zalloc(CTB_MAX_CONFERENCES * sizeof *e->conf);
    if (ctb_events_alloc(e) < 0 || !e->cmd || !e->garbage || !e->conf) {
        ctb_engine_free(e);
        return -ENOMEM;
    }
    e->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (e->event_fd < 0) {
        int rc = -errno;
        ctb_engine_free(e);
        return rc;
    }
    *out = e;
    return 0;
}

void ctb_engine_free(ctb_engine_t *e)
{
    if (!e)
        return;
    ctb_engine_stop(e);
    for (uint32_t b = 0; b < CTB_MAX_BOARDS; b++)
        if (e->slot[b].open)
            ctb_engine_board_close(e, b);
    while (e->garbage && e->garbage_tail < e->garbage_head)
        free(e->garbage[e->garbage_tail++ & (COMMAND_RING - 1)]);
    if (e->event_fd >= 0)
        close(e->event_fd);
    free(e->cmd);
    free(e->garbage);
    free(e->conf);
    free(e->ring);
    free(e->scratch);
    free(e->must);
    pthread_mutex_destroy(&e->gate);
    pthread_mutex_destroy(&e->io_lock);
    pthread_cond_destroy(&e->io_idle);
    free(e);
}

/* ---- one frame --------------------------------------------------------------------- */

static void tick_lines(ctb_engine_t *e)
{
    for (uint32_t i = 0; i < e->timings;) {
        ctb_chan_t *c = e->timing[i];
        ctb_slot_t *s = &e->slot[c->board];
        ctb_event_t out[CTB_LINE_OUT];
        uint64_t now = s->frames * FRAME, base = (e->frames + 1) * FRAME - now;
        int n = s->missed ? 0 : ctb_line_tick(&c->line, now, out);
        ctb_line_events(e, s, c->board, c, out, n, base);
        if (c->line_place == (int32_t)i)
            i++;
    }
}

static void hash_words(uint64_t *h, const uint8_t *data)
{
    for (int i = 0; i < FRAME; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, 8);
        *h = (*h ^ word) * 0x9E3779B97F4A7C15ull;
        *h ^= *h >> 29;
    }
}

static void hash_frame(ctb_engine_t *e)
{
    for (uint32_t b = 0; b < CTB_MAX_BOARDS; b++) {
        ctb_slot_t *s = ctb_slot(e, b);
        for (uint32_t i = 0; s && i < s->channels; i++) {
            if (ctb_bit(s->rx_live, i) || ctb_bit(s->tx_live, i))
                e->stats.media_hash = (e->stats.media_hash ^ (e->frames << 10 | i)) * 0x9E3779B97F4A7C15ull;
            if (ctb_bit(s->rx_live, i))
                hash_words(&e->stats.media_hash, s->rx + (size_t)i * FRAME);
            if (ctb_bit(s->tx_live, i))
                hash_words(&e->stats.media_hash, s->tx + (size_t)i * FRAME);
        }
    }
}

uint32_t ctb_frame(ctb_engine_t *e)
{
    ctb_commands_run(e);
    ctb_mix_frame(e);
    ctb_boards_exchange(e);
    tick_lines(e);
    ctb_clean_frame(e);
    ctb_detect_frame(e);
    ctb_recorders_frame(e);
    if (e->hashing)
        hash_frame(e);
    if (!e->wall && atomic_load(&e->io_wanted))
        ctb_io_service(e);
    e->stats.frames = __atomic_add_fetch(&e->frames, 1, __ATOMIC_ACQ_REL);
    return ctb_events_flush(e);
}

/* ---- virtual time ------------------------------------------------------------------- */

static bool idle(const ctb_engine_t *e)
{
    return !e->speakings && !e->timings && !e->active_recorders && !e->armed_any && !e->musts &&
           !e->lost && e->cmd_head == e->cmd_tail && ctb_clean_resting(e);
}

/* Skip frames in which nothing can happen: one board, on the engine's own clock. */
static int64_t jump_ahead(ctb_engine_t *e, int64_t most)
{
    ctb_slot_t *only = NULL;
    int never;
    for (uint32_t b = 0; b < CTB_MAX_BOARDS; b++) {
        if (!e->slot[b].open)
            continue;
        if (only || e->slot[b].elastic || !e->slot[b].driver->idle_hint ||
            !(e->slot[b].info.capabilities & CTB_CAP_SKIP) || e->slot[b].missed)
            return 0;
        only = &e->slot[b];
    }
    int64_t n = only ? only->driver->idle_hint(only->board, most, &never) : most;
    if (n <= 0)
        return 0;
    if (only) {
        only->frames += (uint64_t)n;
        memset(only->rx_live, 0, only->words * sizeof(uint64_t));
        memset(only->tx_live, 0, only->words * sizeof(uint64_t));
    }
    e->frames += (uint64_t)n;
    e->stats.frames = e->frames;
    e->stats.jumped += (uint64_t)n;
    return n;
}

int64_t ctb_engine_run(ctb_engine_t *e, int64_t max_frames, int jump)
{
    int64_t done = 0;
    while (done < max_frames) {
        if (jump && idle(e)) {
            done += jump_ahead(e, max_frames - done);
            if (done >= max_frames)
                break;
        }
        done++;
        if (ctb_frame(e))
            break;
    }
    return done;
}

int ctb_engine_quiet(ctb_engine_t *e)
{
    if (e->speakings || e->active_recorders || e->timings || e->musts || e->cmd_head != e->cmd_tail)
        return 0;
    if (e->armed_any && e->frames - e->sound_frame < SETTLE_FRAMES)
        return 0;                  /* a detector may still tell that what it heard has ended */
    for (uint32_t b = 0; b < CTB_MAX_BOARDS; b++) {
        ctb_slot_t *s = ctb_slot(e, b);
        int never = 0;
        if (!s)
            continue;
        if (!s->driver->idle_hint || s->missed)
            return 0;
        s->driver->idle_hint(s->board, 0, &never);
        if (!never)
            return 0;
    }
    return 1;
}

/* ---- the wall clock ------------------------------------------------------------------- */

static uint64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void wake(ctb_engine_t *e)
{
    uint64_t one = 1;
    if (write(e->event_fd, &one, sizeof one) < 0) { /* full: the loop will wake anyway */ }
}

void ctb_gate_take(ctb_engine_t *e)
{
    atomic_fetch_add(&e->gate_wanted, 1);
    pthread_mutex_lock(&e->gate);
    atomic_fetch_sub(&e->gate_wanted, 1);
}

/* One frame, `late` ns after it should have begun; later than the lead is an overrun. */
static void timed_frame(ctb_engine_t *e, uint64_t late)
{
    struct timespec moment = {0, 50000};
    if (late > e->stats.late_max_ns)
        e->stats.late_max_ns = late;
    while (atomic_load(&e->gate_wanted))
        nanosleep(&moment, NULL);  /* a board comes or goes: some microseconds */
    pthread_mutex_lock(&e->gate);
    if (late > (uint64_t)e->lead_frames * FRAME_NS) {
        e->stats.overruns++;
        ctb_emit_simple(e, CTB_EV_LATE, CTB_NO_CHANNEL, CTB_NO_CHANNEL, e->frames * FRAME, 0, 1, 0, 0, 0);
    }
    atomic_store(&e->progress_ns, now_ns(CLOCK_MONOTONIC));
    uint32_t posted = ctb_frame(e);
    atomic_store(&e->progress_ns, now_ns(CLOCK_MONOTONIC));
    bool due_now = ctb_engine_frames(e) >= __atomic_load_n(&e->deadline, __ATOMIC_ACQUIRE);
    if (due_now)
        __atomic_store_n(&e->deadline, UINT64_MAX, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&e->gate);
    if (posted || due_now)
        wake(e);
}

/* Frames by the card's own clock: its exchange waits.  A frame that came later than 20 ms after
 * the one before is late by the rest.  A card that stops must not stop time, so then the timer
 * paces until it is back. */
static void follow_master(ctb_engine_t *e)
{
    uint64_t before = now_ns(CLOCK_MONOTONIC), late = 0, now, ticks;
    int master;
    while ((master = atomic_load(&e->master)) >= 0 && !atomic_load(&e->stopping)) {
        timed_frame(e, late);
        now = now_ns(CLOCK_MONOTONIC);
        late = now - before > FRAME_NS ? now - before - FRAME_NS : 0;
        if (e->slot[master].missed && now - before < FRAME_NS / 2 && read(e->timer_fd, &ticks, sizeof ticks) < 0 &&
            errno != EINTR)
            return;
        before = now;
        e->stats.busy_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    }
}

static void *frame_loop(void *arg)
{
    ctb_engine_t *e = arg;
    uint64_t ticks, start = 0, k = 0, base = 0;
    struct itimerspec every = {.it_interval = {0, FRAME_NS}, .it_value = {0, FRAME_NS}};
    bool fresh = true;
    timerfd_settime(e->timer_fd, 0, &every, NULL);
    while (!atomic_load(&e->stopping)) {
        if (atomic_load(&e->master) >= 0) {
            follow_master(e);
            fresh = true;
            continue;
        }
        if (read(e->timer_fd, &ticks, sizeof ticks) != sizeof ticks) {
            if (errno == EINTR)
                continue;
            break;
        }
        if (fresh) {               /* the timer's count begins here, whatever went before */
            start = now_ns(CLOCK_MONOTONIC) - FRAME_NS, base = ctb_engine_frames(e), k = 0, ticks = 1;
            fresh = false;
        }
        k += ticks;
        while (ctb_engine_frames(e) - base < k && !atomic_load(&e->stopping) && atomic_load(&e->master) < 0) {
            uint64_t due = start + (ctb_engine_frames(e) - base + 1) * FRAME_NS, now = now_ns(CLOCK_MONOTONIC);
            timed_frame(e, now > due ? now - due : 0);
        }
        e->stats.busy_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    }
    return NULL;
}

/* The watchdog: an exchange that hangs for 200 ms loses its board, and time goes on: frames are
 * counted here until the frame thread is back.  It touches nothing else. */
static void *watch_loop(void *arg)
{
    ctb_engine_t *e = arg;
    struct timespec frame = {0, FRAME_NS};
    while (!atomic_load(&e->stopping)) {
        nanosleep(&frame, NULL);
        int board = atomic_load(&e->exchanging);
        uint64_t idle = now_ns(CLOCK_MONOTONIC) - atomic_load(&e->progress_ns);
        bool hangs = board >= 0 && idle > LOST_AFTER_FRAMES * FRAME_NS;
        int said = atomic_load(&e->hung);
        if (hangs) {
            uint64_t frames = __atomic_add_fetch(&e->frames, 1, __ATOMIC_ACQ_REL);
            bool due = frames >= __atomic_load_n(&e->deadline, __ATOMIC_ACQUIRE);
            atomic_store(&e->hung, board + 1);
            if (!said || due)
                wake(e);
        } else if (said) {
            atomic_store(&e->hung, 0);
            wake(e);
        }
    }
    return NULL;
}

int ctb_engine_start(ctb_engine_t *e)
{
    if (!e->wall || e->running)
        return e->wall ? -EALREADY : -EINVAL;
    atomic_store(&e->stopping, false);
    e->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (e->timer_fd < 0)
        return -errno;
    int rc = ctb_io_start(e);
    if (rc < 0)
        return rc;
    atomic_store(&e->progress_ns, now_ns(CLOCK_MONOTONIC));
    rc = ctb_thread_start(&e->frame_thread, frame_loop, e);
    if (rc)
        return rc;
    struct sched_param priority = {.sched_priority = 10};
    pthread_setschedparam(e->frame_thread, SCHED_FIFO, &priority);   /* where it is permitted */
    e->running = true;
    rc = ctb_thread_start(&e->watch_thread, watch_loop, e);
    e->watching = rc == 0;
    return rc;
}

int ctb_engine_stop(ctb_engine_t *e)
{
    atomic_store(&e->stopping, true);
    if (e->running) {
        pthread_join(e->frame_thread, NULL);
        e->running = false;
    }
    if (e->watching) {
        pthread_join(e->watch_thread, NULL);
        e->watching = false;
    }
    ctb_io_stop(e);
    if (e->timer_fd >= 0)
        close(e->timer_fd);
    e->timer_fd = -1;
    return 0;
}

int ctb_engine_eventfd(ctb_engine_t *e) { return e->event_fd; }

void ctb_engine_set_deadline(ctb_engine_t *e, uint64_t frame)
{
    __atomic_store_n(&e->deadline, frame, __ATOMIC_RELEASE);
    if (__atomic_load_n(&e->frames, __ATOMIC_ACQUIRE) >= frame)
        wake(e);                   /* it went by while we said so */
}

uint64_t ctb_engine_frames(ctb_engine_t *e) { return __atomic_load_n(&e->frames, __ATOMIC_ACQUIRE); }

void ctb_engine_stats(ctb_engine_t *e, ctb_engine_stats_t *out)
{
    *out = e->stats;
    out->frames = ctb_engine_frames(e);
    out->players = atomic_load(&e->players);
    out->recorders = atomic_load(&e->recorders);
}

void ctb_engine_hash_media(ctb_engine_t *e, int on)
{
    e->hashing = on != 0;
    e->stats.media_hash = 0xcbf29ce484222325ull;
}

/* ---- what is there ------------------------------------------------------------------- */

int ctb_engine_board_info(ctb_engine_t *e, uint32_t board, ctb_board_info_t *out)
{
    ctb_slot_t *s = ctb_slot(e, board);
    if (!s)
        return -ENODEV;
    *out = s->info;
    return 0;
}

/* As read when the board was opened: the driver belongs to the frame thread. */
int ctb_engine_span_info(ctb_engine_t *e, uint32_t board, uint32_t span, ctb_span_info_t *out)
{
    ctb_slot_t *s = ctb_slot(e, board);
    if (!s || span >= s->info.spans || span >= 64)
        return -ENODEV;
    *out = s->span[span];
    return 0;
}

int ctb_engine_channel_info(ctb_engine_t *e, uint32_t board, uint32_t channel, ctb_channel_info_t *out)
{
    ctb_slot_t *s = ctb_slot(e, board);
    if (!s || channel >= s->channels)
        return -ENODEV;
    *out = s->chan[channel].info;
    return 0;
}

int ctb_engine_alarms(ctb_engine_t *e, uint32_t board, uint32_t span, uint32_t *out)
{
    ctb_slot_t *s = ctb_slot(e, board);
    if (!s || span >= s->info.spans || span >= 64)
        return -ENODEV;
    if (!s->driver->get_alarms)
        return -ENOSYS;
    *out = __atomic_load_n(&s->alarms_now[span], __ATOMIC_ACQUIRE);
    return 0;
}

const char *ctb_engine_driver_name(ctb_engine_t *e, uint32_t board)
{
    ctb_slot_t *s = ctb_slot(e, board);
    return s && s->driver->name ? s->driver->name : "";
}
