/* board_media.c - the card's own signal processor (media=board): plays, records, makes tones,
 * listens.  It uses the street's detectors, not those of the driver above. */
#include "sim.h"

#include <stdlib.h>

#define PLAYERS   4
#define RECORDERS 4
#define TALK_ON   3.1e-5f  /* mean square: -39 dBm0 (chosen) */
#define TALK_OFF  1.0e-5f  /* -44 dBm0 (chosen) */
#define TALK_MIN  6u       /* steps of 10 ms */
#define TALK_HANG 50u

typedef struct player { ctb_ring_t *ring; uint64_t cookie, played, silence; bool paused, starves; } player_t;
typedef struct recorder { ctb_ring_t *ring; uint64_t cookie, samples, lost; int sides; bool full, mask; } recorder_t;

struct sim_media {
    player_t player[PLAYERS];
    recorder_t recorder[RECORDERS];
    sim_tone_tx_t tone;
    sim_dtmf_tx_t dial;
    bool tone_on;
    uint64_t tone_cookie, dial_cookie;
    int32_t source;                          /* whom this channel hears, -1 = nobody */
    uint32_t listeners;                      /* how many hear this one */
    bool heard;                              /* last_rx holds sound */
    uint8_t last_rx[SIM_N];                  /* of the frame before: a cross-connect takes one */
    uint32_t arm;
    sim_digit_rx_t digit;
    sim_ear_t ear;
    bool talk;
    uint32_t talk_steps, talk_quiet;
    uint64_t talk_begun, talk_last;
    uint8_t tx[SIM_N];
};

int sim_media_alloc(ctb_board_t *b)
{
    b->media = calloc(b->chan_count, sizeof *b->media);
    if (!b->media) return -ENOMEM;
    for (uint32_t i = 0; i < b->chan_count; i++) {
        b->chans[i].media = &b->media[i];
        b->media[i].source = -1;
        sim_ear_reset(&b->media[i].ear);
    }
    return 0;
}

void sim_media_free(ctb_board_t *b)
{
    free(b->media);
}

static ctb_event_t *done(ctb_board_t *b, const sim_chan_t *c, int kind, uint64_t cookie, int reason)
{
    ctb_event_t *e = sim_post(b, c->index, (uint32_t)kind, reason);
    e->cookie = cookie;
    return e;
}

/* ---- what has work -------------------------------------------------------------------------- */

static bool has_media(const sim_media_t *m)
{
    for (int i = 0; i < PLAYERS; i++)
        if (m->player[i].ring) return true;
    for (int i = 0; i < RECORDERS; i++)
        if (m->recorder[i].ring) return true;
    return m->tone_on || m->dial.active;
}

bool sim_media_works(const sim_chan_t *c)
{
    const sim_media_t *m = c->media;
    return m->arm || m->source >= 0 || m->listeners || m->heard || has_media(m);
}

static bool detectors_rest(const sim_media_t *m)
{
    return (!(m->arm & CTB_ARM_DTMF) || sim_digit_rests(&m->digit)) &&
           (!(m->arm & CTB_ARM_TONES) || sim_ear_rests(&m->ear)) &&
           (!(m->arm & CTB_ARM_TALK) || (!m->talk && !m->talk_steps));
}

bool sim_media_rests(const sim_chan_t *c)
{
    return !has_media(c->media) && !c->media->heard && detectors_rest(c->media);
}

/* ---- sending ------------------------------------------------------------------------------------ */

static void end_play(ctb_board_t *b, sim_chan_t *c, player_t *p, int reason, int digit)
{
    ctb_event_t *e = done(b, c, CTB_EV_PLAY_DONE, p->cookie, reason);
    e->b = (int32_t)p->played;
    e->c = digit;
    memset(p, 0, sizeof *p);
}

/* up to a frame out of the ring; returns how much there was */
static uint32_t take(ctb_ring_t *r, uint8_t *out, bool *last)
{
    bool closed = __atomic_load_n(&r->closed, __ATOMIC_ACQUIRE);
    uint64_t head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE), tail = r->tail;
    uint64_t n = head - tail < SIM_N ? head - tail : SIM_N;
    uint64_t at = tail & (r->size - 1), first = r->size - at < n ? r->size - at : n;
    memcpy(out, r->data + at, first);
    memcpy(out + first, r->data, n - first);
    __atomic_store_n(&r->tail, tail + n, __ATOMIC_RELEASE);
    *last = closed && tail + n == head;
    return (uint32_t)n;
}

static bool play(ctb_board_t *b, sim_chan_t *c, player_t *p, uint8_t *out)
{
    bool last;
    uint32_t n = take(p->ring, out, &last);
    memset(out + n, SIM_SILENCE, SIM_N - n);
    p->played += n;
    if (last) {
        b->at = b->now + n;
        end_play(b, c, p, CTB_DONE_END, 0);
        return n > 0;
    }
    p->silence += SIM_N - n;
    if (n < SIM_N && !p->starves) {
        b->at = b->now + n;
        done(b, c, CTB_EV_MEDIA_UNDERRUN, p->cookie, (int)p->silence);
    }
    p->starves = n < SIM_N;
    return n > 0;
}

static void make_sounds(ctb_board_t *b, sim_chan_t *c, int32_t *acc)
{
    sim_media_t *m = c->media;
    if (m->tone_on) {
        size_t n = sim_tone_tx_add(&m->tone, acc, SIM_N);
        m->tone_on = n == SIM_N;
        b->at = b->now + n;
        if (!m->tone_on) done(b, c, CTB_EV_TONE_DONE, m->tone_cookie, CTB_DONE_END);
    }
    if (m->dial.active) {
        size_t n = sim_dtmf_tx_add(&m->dial, acc, SIM_N);
        b->at = b->now + n;
        if (!m->dial.active) done(b, c, CTB_EV_TONE_DONE, m->dial_cookie, CTB_DONE_END);
    }
}

sim_sig_t sim_media_tx(ctb_board_t *b, sim_chan_t *c, sim_sig_t host)
{
    sim_media_t *m = c->media;
    int32_t acc[SIM_N];
    uint8_t frame[SIM_N];
    bool mixing = m->tone_on || m->dial.active;
    sim_sig_t only = host, heard = NULL;
    if (m->source >= 0 && b->chans[m->source].media->heard)
        heard = b->chans[m->source].media->last_rx;
    if (mixing || (only && heard)) {
        memset(acc, 0, sizeof acc);
        sim_add(acc, host);
        sim_add(acc, heard);
        make_sounds(b, c, acc);
        mixing = true;
    } else if (heard) {
        only = heard;
    }
    for (int i = 0; i < PLAYERS; i++) {
        player_t *p = &m->player[i];
        if (!p->ring || p->paused) continue;
        if (!play(b, c, p, mixing || only ? frame : m->tx)) continue;
        if (!mixing && !only) {
            only = m->tx;
            continue;
        }
        if (!mixing) {
            memset(acc, 0, sizeof acc);
            sim_add(acc, only);
            mixing = true;
        }
        sim_add(acc, frame);
    }
    if (!mixing) return only;
    sim_encode(m->tx, acc, SIM_N);
    return m->tx;
}

/* ---- receiving ---------------------------------------------------------------------------------- */

static void record(ctb_board_t *b, sim_chan_t *c, recorder_t *r, sim_sig_t rx, sim_sig_t tx)
{
    ctb_ring_t *ring = r->ring;
    uint64_t sides = (uint64_t)r->sides, head = ring->head;
    uint64_t room = (ring->size - (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE))) / sides;
    uint32_t n = room < SIM_N ? (uint32_t)room : SIM_N;
    if (r->mask) rx = tx = NULL;
    for (uint32_t i = 0; i < n; i++) {
        ring->data[head++ & (ring->size - 1)] = rx ? rx[i] : SIM_SILENCE;
        if (sides == 2) ring->data[head++ & (ring->size - 1)] = tx ? tx[i] : SIM_SILENCE;
    }
    __atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
    r->samples += n;
    r->lost += SIM_N - n;
    ring->lost = (uint32_t)(r->lost * sides);
    if (n < SIM_N && !r->full) {
        b->at = b->now + n;
        done(b, c, CTB_EV_MEDIA_OVERRUN, r->cookie, (int)r->lost);
    }
    r->full = n < SIM_N;
}

static void end_record(ctb_board_t *b, sim_chan_t *c, recorder_t *r, int reason)
{
    __atomic_store_n(&r->ring->closed, 1u, __ATOMIC_RELEASE);
    ctb_event_t *e = done(b, c, CTB_EV_RECORD_DONE, r->cookie, reason);
    e->b = (int32_t)r->samples;
    e->d = (int32_t)r->lost;
    memset(r, 0, sizeof *r);
}

static void detect_digit(ctb_board_t *b, sim_chan_t *c, const float *x, uint64_t end)
{
    sim_digit_rx_t *rx = &c->media->digit;
    char digit;
    int what = sim_digit_run(rx, x, end, &digit);
    if (what == SIM_DIGIT_BEGIN) {
        ctb_event_t *e = sim_post(b, c->index, CTB_EV_DTMF_BEGIN, digit);
        e->b = sim_centibel(rx->low + rx->high);
        e->c = sim_centibel(rx->high) - sim_centibel(rx->low);
        e->d = (int32_t)(end - rx->begun);
    } else if (what == SIM_DIGIT_END) {
        ctb_event_t *e = sim_post(b, c->index, CTB_EV_DTMF_END, digit);
        e->b = (int32_t)(rx->last - rx->begun);
        e->d = (int32_t)(end - rx->last);
    }
}

static void detect_tone(ctb_board_t *b, sim_chan_t *c, const float *x, uint64_t end)
{
    sim_ear_t *ear = &c->media->ear;
    sim_heard_t heard;
    uint32_t before = ear->tone;
    sim_ear_run(ear, &b->card_plan, x, end, false, &heard);
    if (!heard.tone) return;
    if (before) sim_post(b, c->index, CTB_EV_TONE_OFF, (int32_t)before);
    if (!heard.tone_id) return;
    ctb_event_t *e = sim_post(b, c->index, CTB_EV_TONE_ON, (int32_t)heard.tone_id);
    e->b = sim_centibel(ear->tone_level);
    e->d = (int32_t)(end - ear->tone_begun);
}

static void detect_talk(ctb_board_t *b, sim_chan_t *c, const float *x, uint64_t end)
{
    sim_media_t *m = c->media;
    float energy = 0;
    for (uint32_t i = 0; i < SIM_SUB; i++) energy += x[i] * x[i];
    energy /= SIM_SUB;
    if (energy >= (m->talk ? TALK_OFF : TALK_ON)) {
        if (!m->talk_steps++) m->talk_begun = end - SIM_SUB;
        m->talk_last = end;
        m->talk_quiet = 0;
        if (m->talk || m->talk_steps < TALK_MIN) return;
        m->talk = true;
        sim_post(b, c->index, CTB_EV_TALK_BEGIN, sim_centibel(energy));
    } else if (!m->talk) {
        m->talk_steps = 0;
    } else if (++m->talk_quiet >= TALK_HANG) {
        m->talk = false;
        m->talk_steps = 0;
        sim_post(b, c->index, CTB_EV_TALK_END, (int32_t)((m->talk_last - m->talk_begun) / 8));
    }
}

static void detect(ctb_board_t *b, sim_chan_t *c, sim_sig_t rx)
{
    float x[SIM_N];
    for (uint32_t i = 0; i < SIM_N; i++)
        x[i] = rx ? (float)sim_alaw_linear[rx[i]] * (1.0f / 32768.0f) : 0.0f;
    for (uint32_t i = 0; i < SIM_N; i += SIM_SUB) {
        b->at = b->now + i + SIM_SUB;
        if (c->media->arm & CTB_ARM_DTMF) detect_digit(b, c, x + i, b->at);
        if (c->media->arm & CTB_ARM_TONES) detect_tone(b, c, x + i, b->at);
        if (c->media->arm & CTB_ARM_TALK) detect_talk(b, c, x + i, b->at);
    }
}

void sim_media_rx(ctb_board_t *b, sim_chan_t *c)
{
    sim_media_t *m = c->media;
    sim_sig_t rx = c->rx_frame == b->frame ? c->rx : NULL;
    for (int i = 0; i < RECORDERS; i++)
        if (m->recorder[i].ring) record(b, c, &m->recorder[i], rx, sim_chan_tx(b, c));
    if (m->arm && (rx || !detectors_rest(m))) detect(b, c, rx);
    m->heard = rx && m->listeners;
    if (m->heard) memcpy(m->last_rx, rx, SIM_N);
}

/* ---- commands --------------------------------------------------------------------------------------- */

static bool bad_ring(const ctb_args_t *a)
{
    const ctb_ring_t *r = a->data;
    return !r || !r->data || !r->size || (r->size & (r->size - 1));
}

static int play_start(sim_media_t *m, const ctb_args_t *a)
{
    if (bad_ring(a)) return -EINVAL;
    for (int i = 0; i < PLAYERS; i++) {
        if (m->player[i].ring) continue;
        m->player[i].ring = (ctb_ring_t *)(uintptr_t)a->data;
        m->player[i].cookie = a->cookie;
        return 0;
    }
    return -EBUSY;
}

static player_t *find_player(sim_media_t *m, uint64_t cookie)
{
    for (int i = 0; i < PLAYERS; i++)
        if (m->player[i].ring && m->player[i].cookie == cookie) return &m->player[i];
    return NULL;
}

static int reason_of(const ctb_args_t *a)
{
    return a->a >= CTB_DONE_STOPPED && a->a <= CTB_DONE_CLOSED ? a->a : CTB_DONE_STOPPED;
}

static int record_start(sim_media_t *m, const ctb_args_t *a)
{
    if (bad_ring(a) || a->a < 1 || a->a > 2) return -EINVAL;
    for (int i = 0; i < RECORDERS; i++) {
        if (m->recorder[i].ring) continue;
        m->recorder[i].ring = (ctb_ring_t *)(uintptr_t)a->data;
        m->recorder[i].cookie = a->cookie;
        m->recorder[i].sides = a->a;
        return 0;
    }
    return -EBUSY;
}

static int record_stop(ctb_board_t *b, sim_chan_t *c, const ctb_args_t *a)
{
    for (int i = 0; i < RECORDERS; i++) {
        recorder_t *r = &c->media->recorder[i];
        if (!r->ring || r->cookie != a->cookie) continue;
        end_record(b, c, r, reason_of(a));
        return 0;
    }
    return -ENOENT;
}

static int record_mask(sim_media_t *m, const ctb_args_t *a)
{
    for (int i = 0; i < RECORDERS; i++) {
        if (!m->recorder[i].ring || m->recorder[i].cookie != a->cookie) continue;
        m->recorder[i].mask = a->a != 0;
        return 0;
    }
    return -ENOENT;
}

static void stop_tone(ctb_board_t *b, sim_chan_t *c, int reason)
{
    sim_media_t *m = c->media;
    bool tone = m->tone_on, dial = m->dial.active;
    m->tone_on = m->dial.active = false;
    if (tone) done(b, c, CTB_EV_TONE_DONE, m->tone_cookie, reason);
    if (dial) done(b, c, CTB_EV_TONE_DONE, m->dial_cookie, reason);
}

static int tone(ctb_board_t *b, sim_chan_t *c, const ctb_args_t *a)
{
    if (!a->data || sim_tone_check(a->data)) return -EINVAL;
    stop_tone(b, c, CTB_DONE_STOPPED);
    sim_tone_tx_start(&c->media->tone, a->data);
    c->media->tone_on = true;
    c->media->tone_cookie = a->cookie;
    return 0;
}

static int dial(ctb_board_t *b, sim_chan_t *c, const ctb_args_t *a)
{
    if (a->a < 1 || sim_dtmf_check(a->text, a->a, a->b, a->c, a->d)) return -EINVAL;
    stop_tone(b, c, CTB_DONE_STOPPED);
    sim_dtmf_tx_start(&c->media->dial, a->text, (uint32_t)a->a, (uint32_t)a->b, a->c / 100.0,
                      a->d / 100.0);
    c->media->dial_cookie = a->cookie;
    return 0;
}

static int arm(sim_media_t *m, int wanted)
{
    uint32_t mask = (uint32_t)wanted, more = mask & ~m->arm;
    if (mask & ~(CTB_ARM_DTMF | CTB_ARM_TONES | CTB_ARM_TALK)) return -ENOSYS;
    if (more & CTB_ARM_DTMF) sim_digit_reset(&m->digit);
    if (more & CTB_ARM_TONES) sim_ear_reset(&m->ear);
    if (more & CTB_ARM_TALK) m->talk = false, m->talk_steps = 0;
    m->arm = mask;
    return 0;
}

static int listen(ctb_board_t *b, sim_chan_t *c, int source)
{
    sim_media_t *m = c->media;
    if (source < -1 || source >= (int)b->chan_count) return -EINVAL;
    if (m->source >= 0) b->chans[m->source].media->listeners--;
    m->source = source;
    if (source < 0) return 0;
    b->chans[source].media->listeners++;
    sim_chan_wake(b, &b->chans[source]);
    return 0;
}

int sim_media_plan(ctb_board_t *b, const ctb_args_t *a)
{
    if (!a->data || a->size % sizeof(ctb_tone_t)) return -EINVAL;
    int err = sim_plan_make(&b->card_plan, a->data, (uint32_t)(a->size / sizeof(ctb_tone_t)));
    for (uint32_t i = 0; i < b->chan_count; i++) sim_ear_reset(&b->media[i].ear);
    return err;
}

static int media_command(ctb_board_t *b, sim_chan_t *c, uint32_t op, const ctb_args_t *a)
{
    player_t *p = find_player(c->media, a->cookie);
    switch (op) {
    case CTB_OP_PLAY_START: return play_start(c->media, a);
    case CTB_OP_PLAY_STOP:
        if (!p) return -ENOENT;
        end_play(b, c, p, reason_of(a), a->a == CTB_DONE_DIGIT ? a->b : 0);
        return 0;
    case CTB_OP_PLAY_PAUSE:
        if (!p) return -ENOENT;
        p->paused = a->a;
        return 0;
    case CTB_OP_RECORD_START: return record_start(c->media, a);
    case CTB_OP_RECORD_STOP: return record_stop(b, c, a);
    case CTB_OP_RECORD_MASK: return record_mask(c->media, a);
    case CTB_OP_TONE: return tone(b, c, a);
    case CTB_OP_TONE_STOP: stop_tone(b, c, CTB_DONE_STOPPED); return 0;
    case CTB_OP_DIAL: return dial(b, c, a);
    case CTB_OP_DETECT_ARM: return arm(c->media, a->a);
    case CTB_OP_LISTEN: return listen(b, c, a->a);
    default: return -ENOSYS;
    }
}

int sim_media_command(ctb_board_t *b, sim_chan_t *c, uint32_t op, const ctb_args_t *a)
{
    int result = media_command(b, c, op, a);
    sim_chan_wake(b, c);
    return result;
}

void sim_media_close(ctb_board_t *b, sim_chan_t *c, int reason)
{
    sim_media_t *m = c->media;
    for (int i = 0; i < PLAYERS; i++)
        if (m->player[i].ring) end_play(b, c, &m->player[i], reason, 0);
    for (int i = 0; i < RECORDERS; i++)
        if (m->recorder[i].ring) end_record(b, c, &m->recorder[i], reason);
    stop_tone(b, c, reason);
    listen(b, c, -1);
    m->arm = 0;
}
