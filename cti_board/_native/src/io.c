/* io.c - the one place that reads and writes files: a thread on a wall clock, a call between
 * frames in virtual time.  Never the frame path. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "engine.h"

#define TICK_MS 100                /* chosen: a twentieth of the rings */

void ctb_io_want(ctb_engine_t *e)
{
    if (!atomic_exchange(&e->io_wanted, true) && e->wall && e->io_fd >= 0) {
        uint64_t one = 1;
        if (write(e->io_fd, &one, sizeof one) < 0) { /* full: it is awake already */ }
    }
}

void ctb_io_add_player(ctb_engine_t *e, ctb_player_t *p)
{
    pthread_mutex_lock(&e->io_lock);
    if (!p->listed)
        p->next = e->io_players, e->io_players = p, p->listed = true;
    pthread_mutex_unlock(&e->io_lock);
}

void ctb_io_add_recorder(ctb_engine_t *e, ctb_recorder_t *r)
{
    pthread_mutex_lock(&e->io_lock);
    if (!r->listed)
        r->next = e->io_recorders, e->io_recorders = r, r->listed = true;
    pthread_mutex_unlock(&e->io_lock);
}

void ctb_io_remove_player(ctb_engine_t *e, ctb_player_t *p)
{
    pthread_mutex_lock(&e->io_lock);
    while (p->busy)
        pthread_cond_wait(&e->io_idle, &e->io_lock);
    for (ctb_player_t **link = &e->io_players; p->listed && *link; link = &(*link)->next)
        if (*link == p) {
            *link = p->next;
            break;
        }
    p->listed = false;
    pthread_mutex_unlock(&e->io_lock);
}

void ctb_io_remove_recorder(ctb_engine_t *e, ctb_recorder_t *r)
{
    pthread_mutex_lock(&e->io_lock);
    while (r->busy)
        pthread_cond_wait(&e->io_idle, &e->io_lock);
    for (ctb_recorder_t **link = &e->io_recorders; r->listed && *link; link = &(*link)->next)
        if (*link == r) {
            *link = r->next;
            break;
        }
    r->listed = false;
    pthread_mutex_unlock(&e->io_lock);
}

#define BATCH 256

/* A ring is topped up as soon as a chunk fits: with 4 s of ring, 3.5 s are always ahead. */
static bool hungry(const ctb_player_t *p)
{
    return !p->busy && !__atomic_load_n(&p->ring.closed, __ATOMIC_ACQUIRE) &&
           ctb_ring_used(&p->ring) + CTB_IO_CHUNK <= p->ring.size;
}

static bool pending(ctb_recorder_t *r)
{
    return !r->busy && r->fd >= 0 && !atomic_load(&r->flushed) &&
           (ctb_ring_used(&r->ring) || __atomic_load_n(&r->ring.closed, __ATOMIC_ACQUIRE));
}

static void idle_again(ctb_engine_t *e, bool *busy)
{
    pthread_mutex_lock(&e->io_lock);
    *busy = false;
    pthread_cond_broadcast(&e->io_idle);
    pthread_mutex_unlock(&e->io_lock);
}

static uint32_t serve_recorders(ctb_engine_t *e)
{
    ctb_recorder_t *batch[BATCH];
    uint32_t n = 0;
    pthread_mutex_lock(&e->io_lock);
    for (ctb_recorder_t *r = e->io_recorders; r && n < BATCH; r = r->next)
        if (pending(r))
            r->busy = true, batch[n++] = r;
    pthread_mutex_unlock(&e->io_lock);
    for (uint32_t i = 0; i < n; i++) {
        ctb_recorder_drain(batch[i]);
        idle_again(e, &batch[i]->busy);
    }
    return n;
}

/* One chunk for each hungry player, the hungriest file no more than the next: a slow disk
 * delays all alike and starves none. */
static uint64_t serve_players(ctb_engine_t *e)
{
    ctb_player_t *batch[BATCH];
    uint32_t n = 0;
    uint64_t added = 0;
    pthread_mutex_lock(&e->io_lock);
    for (ctb_player_t *p = e->io_players; p && n < BATCH; p = p->next)
        if (hungry(p))
            p->busy = true, batch[n++] = p;
    pthread_mutex_unlock(&e->io_lock);
    for (uint32_t i = 0; i < n; i++) {
        added += ctb_player_fill(batch[i], batch[i]->has_file ? CTB_IO_CHUNK : UINT64_MAX);
        idle_again(e, &batch[i]->busy);
    }
    return added;
}

void ctb_io_service(ctb_engine_t *e)
{
    if (__atomic_load_n(&e->frames, __ATOMIC_RELAXED) < atomic_load(&e->io_stalled_until))
        return;
    atomic_store(&e->io_wanted, false);
    do {
        while (serve_recorders(e) == BATCH)
            ;
    } while (serve_players(e) && !atomic_load(&e->stopping));
}

void ctb_engine_stall_io(ctb_engine_t *e, int frames)
{
    atomic_store(&e->io_stalled_until, __atomic_load_n(&e->frames, __ATOMIC_RELAXED) + (uint64_t)frames);
}

static void *io_loop(void *arg)
{
    ctb_engine_t *e = arg;
    struct pollfd wait = {.fd = e->io_fd, .events = POLLIN};
    while (!atomic_load(&e->stopping)) {
        if (poll(&wait, 1, TICK_MS) > 0) {
            uint64_t count;
            if (read(e->io_fd, &count, sizeof count) < 0) { /* taken already */ }
        }
        ctb_io_service(e);
    }
    return NULL;
}

/* Signals are Python's: a thread of ours that took one would leave its wait with EINTR. */
int ctb_thread_start(pthread_t *thread, void *(*run)(void *), ctb_engine_t *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(thread, NULL, run, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -rc;
}

int ctb_io_start(ctb_engine_t *e)
{
    e->io_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (e->io_fd < 0)
        return -errno;
    int rc = ctb_thread_start(&e->io_thread, io_loop, e);
    e->io_running = rc == 0;
    return rc;
}

void ctb_io_stop(ctb_engine_t *e)
{
    if (e->io_running) {
        pthread_join(e->io_thread, NULL);
        e->io_running = false;
    }
    if (e->io_fd >= 0)
        close(e->io_fd);
    e->io_fd = -1;
}
