/* io.c - the one place that reads and writes files: a thread on a wall clock, a call between
 * frames in virtual time.  Never the frame path. */
#include <errno.h>
#include <poll.h>
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

static bool hungry(const ctb_player_t *p)
{
    return !p->busy && !__atomic_load_n(&p->ring.closed, __ATOMIC_ACQUIRE) &&
           ctb_ring_used(&p->ring) <= p->ring.size / 2;
}

static bool pending(ctb_recorder_t *r)
{
    return !r->busy && r->fd >= 0 && !atomic_load(&r->flushed) &&
           (ctb_ring_used(&r->ring) || __atomic_load_n(&r->ring.closed, __ATOMIC_ACQUIRE));
}

static uint32_t serve_players(ctb_engine_t *e)
{
    ctb_player_t *batch[BATCH];
    uint32_t n = 0;
    pthread_mutex_lock(&e->io_lock);
    for (ctb_player_t *p = e->io_players; p && n < BATCH; p = p->next)
        if (hungry(p))
            p->busy = true, batch[n++] = p;
    pthread_mutex_unlock(&e->io_lock);
    for (uint32_t i = 0; i < n; i++)
        ctb_player_fill(batch[i]);
    pthread_mutex_lock(&e->io_lock);
    for (uint32_t i = 0; i < n; i++)
        batch[i]->busy = false;
    pthread_cond_broadcast(&e->io_idle);
    pthread_mutex_unlock(&e->io_lock);
    return n;
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
    for (uint32_t i = 0; i < n; i++)
        ctb_recorder_drain(batch[i]);
    pthread_mutex_lock(&e->io_lock);
    for (uint32_t i = 0; i < n; i++)
        batch[i]->busy = false;
    pthread_cond_broadcast(&e->io_idle);
    pthread_mutex_unlock(&e->io_lock);
    return n;
}

void ctb_io_service(ctb_engine_t *e)
{
    if (__atomic_load_n(&e->frames, __ATOMIC_RELAXED) < atomic_load(&e->io_stalled_until))
        return;
    atomic_store(&e->io_wanted, false);
    while (serve_players(e) == BATCH)
        ;
    while (serve_recorders(e) == BATCH)
        ;
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

int ctb_io_start(ctb_engine_t *e)
{
    e->io_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (e->io_fd < 0)
        return -errno;
    int rc = pthread_create(&e->io_thread, NULL, io_loop, e);
    e->io_running = rc == 0;
    return -rc;
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
