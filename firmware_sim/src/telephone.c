/* telephone.c - the far ends: people's telephones, by command (ctb_street.h).
 *
 * A telephone plays, dials and watches only while off-hook: what was started on-hook begins
 * when the handset is lifted, and hanging up cuts it short.  Its HEAR buffer fills all the
 * time, with silence while on-hook, so positions in it are times. */
#include "sim.h"

#define MAX_FLASH_MS 5000

ctb_event_t *sim_tel_report(ctb_board_t *b, const sim_tel_t *t, int what, int value,
                            uint64_t cookie, const char *text)
{
    ctb_event_t *e = sim_post(b, t->end, CTB_EV_STREET, what);
    e->b = value;
    e->cookie = cookie;
    strncpy(e->text, text, sizeof e->text - 1);
    return e;
}

static void set_loop(ctb_board_t *b, sim_tel_t *t, bool closed)
{
    if (t->loop == closed) return;
    t->loop = closed;
    sim_tel_wake(b, t);
    if (t->fxs) sim_fxs_loop(b, t->fxs);
    else sim_port_loop(b, t->port, closed);
}

static void flash_over(ctb_board_t *b, void *owner)
{
    sim_tel_t *t = owner;
    if (t->off_hook) set_loop(b, t, true);
}

static void pulse_timeout(ctb_board_t *b, void *owner)
{
    sim_tel_t *t = owner;
    uint64_t wait;
    set_loop(b, t, !t->pulse.open);
    if (sim_pulse_next(&t->pulse, &wait))
        sim_timer_at(b, &t->pulse_timer, b->at + wait);
    else
        sim_tel_report(b, t, CTB_SE_DIAL_DONE, 0, t->pulse.cookie, "");
}

void sim_tel_init(ctb_board_t *b, sim_tel_t *t, uint32_t end)
{
    t->b = b;
    t->end = end;
    t->place = -1;
    sim_timer_init(&t->pulse_timer, pulse_timeout, t);
    sim_timer_init(&t->flash_timer, flash_over, t);
    sim_ear_reset(&t->ear);
}

/* ---- which telephones have work ---------------------------------------------------------- */

bool sim_tel_works(const sim_tel_t *t)
{
    return t->loop || t->hear.data || t->display.frames;
}

bool sim_tel_rests(const sim_tel_t *t, uint64_t now)
{
    if (t->hear.data || t->display.frames) return false;
    if (!t->loop) return true;
    return !t->play.active && !t->dial.active && !t->stuck &&
           !(t->impair && t->impair->on && sim_impair_sounds(t->impair, now)) &&
           (!t->watch || (sim_ear_rests(&t->ear) && sim_digit_rests(&t->digit)));
}

void sim_tel_wake(ctb_board_t *b, sim_tel_t *t)
{
    if (t->place >= 0 || !sim_tel_works(t)) return;
    t->place = (int32_t)b->busy_tel_count;
    b->busy_tels[b->busy_tel_count++] = t;
}

/* ---- commands ------------------------------------------------------------------------------ */

static void end_play(ctb_board_t *b, sim_tel_t *t, bool cut)
{
    if (!t->play.active) return;
    t->play.active = false;
    sim_tel_report(b, t, CTB_SE_PLAY_DONE, cut, t->play.cookie, "");
}

static void end_dial(ctb_board_t *b, sim_tel_t *t)
{
    bool dialled = t->dial.active, pulsed = t->pulse.active;
    t->dial.active = t->pulse.active = false;
    sim_timer_stop(b, &t->pulse_timer);
    if (dialled) sim_tel_report(b, t, CTB_SE_DIAL_DONE, 1, t->dial_cookie, "");
    if (pulsed) sim_tel_report(b, t, CTB_SE_DIAL_DONE, 1, t->pulse.cookie, "");
}

static void end_hear(ctb_board_t *b, sim_tel_t *t)
{
    if (!t->hear.data) return;
    t->hear.data = NULL;
    sim_tel_report(b, t, CTB_SE_HEAR_DONE, (int)t->hear.pos, t->hear.cookie, "");
}

static int off_hook(ctb_board_t *b, sim_tel_t *t)
{
    if (t->off_hook) return 0;
    t->off_hook = true;
    sim_ear_reset(&t->ear);
    sim_digit_reset(&t->digit);
    t->display.frames = 0;
    set_loop(b, t, true);
    return 0;
}

static int on_hook(ctb_board_t *b, sim_tel_t *t)
{
    if (!t->off_hook) return 0;
    t->off_hook = false;
    sim_timer_stop(b, &t->flash_timer);
    end_dial(b, t);
    end_play(b, t, true);
    set_loop(b, t, false);
    return 0;
}

static int flash(ctb_board_t *b, sim_tel_t *t, int ms)
{
    if (ms < 1 || ms > MAX_FLASH_MS) return -EINVAL;
    if (!t->off_hook) return -ENOTCONN;
    set_loop(b, t, false);
    sim_timer_at(b, &t->flash_timer, b->at + SIM_MS(ms));
    return 0;
}

static int dial(ctb_board_t *b, sim_tel_t *t, const ctb_args_t *a)
{
    uint64_t wait;
    if (!t->off_hook) return -ENOTCONN;
    if (t->dial.active || t->pulse.active) return -EBUSY;
    if (a->f) {
        int err = sim_pulse_start(&t->pulse, a->text, 100, 60);   /* 10 a second, 60 % break */
        if (err) return err;
        t->pulse.cookie = a->cookie;
        if (sim_pulse_next(&t->pulse, &wait))
            sim_timer_at(b, &t->pulse_timer, b->at + wait);
        return 0;
    }
    if (sim_dtmf_check(a->text, a->b, a->c, a->d, a->e)) return -EINVAL;
    /* 0 = what a telephone does: 100/100 ms, -9 dBm0, +2 dB pre-emphasis (chosen) */
    sim_dtmf_tx_start(&t->dial, a->text, a->b ? (uint32_t)a->b : 100, a->c ? (uint32_t)a->c : 100,
                      a->d ? a->d / 100.0 : -9.0, a->d || a->e ? a->e / 100.0 : 2.0);
    t->dial_cookie = a->cookie;
    return 0;
}

static int play(ctb_board_t *b, sim_tel_t *t, const ctb_args_t *a)
{
    if (!a->data || !a->size || a->b < 0) return -EINVAL;
    end_play(b, t, true);
    t->play.data = a->data;
    t->play.size = a->size;
    t->play.pos = 0;
    t->play.times = (uint64_t)a->b;
    t->play.for_ever = a->b == 0;
    t->play.cookie = a->cookie;
    t->play.active = true;
    return 0;
}

static int hear(ctb_board_t *b, sim_tel_t *t, const ctb_args_t *a)
{
    if (!a->data || !a->size) return -EINVAL;
    end_hear(b, t);
    t->hear.data = (uint8_t *)(uintptr_t)a->data;
    t->hear.size = a->size;
    t->hear.pos = 0;
    t->hear.cookie = a->cookie;
    sim_tel_wake(b, t);
    return 0;
}

static int watch(sim_tel_t *t, int mask)
{
    if (mask < 0 || mask > 7) return -EINVAL;
    if (!t->watch && mask) {
        sim_ear_reset(&t->ear);
        sim_digit_reset(&t->digit);
    }
    t->watch = (uint32_t)mask;
    return 0;
}

static void query(ctb_board_t *b, sim_tel_t *t)
{
    bool talks = t->port ? t->port->state == SIM_TALK : t->off_hook && sim_fxs_connected(t->fxs);
    sim_tel_report(b, t, CTB_SE_INFO, t->off_hook, 0, t->number)->c = talks;
}

int sim_street_command(ctb_board_t *b, uint32_t end, const ctb_args_t *a)
{
    if (a->a == CTB_ST_OPTION) return sim_option(b, a);
    if (a->a == CTB_ST_FAULT && a->b != CTB_SF_STUCK_KEY) return sim_fault(b, end, a);
    if (end >= b->tel_count) return -EINVAL;
    sim_tel_t *t = &b->tels[end];
    switch (a->a) {
    case CTB_ST_OFF_HOOK: return off_hook(b, t);
    case CTB_ST_ON_HOOK: return on_hook(b, t);
    case CTB_ST_FLASH: return flash(b, t, a->b);
    case CTB_ST_DIAL: return dial(b, t, a);
    case CTB_ST_PLAY: return play(b, t, a);
    case CTB_ST_PLAY_STOP: end_play(b, t, true); return 0;
    case CTB_ST_HEAR_START: return hear(b, t, a);
    case CTB_ST_HEAR_STOP: end_hear(b, t); return 0;
    case CTB_ST_WATCH: return watch(t, a->b);
    case CTB_ST_IMPAIR: return sim_impair_set(b, end, a);
    case CTB_ST_FAULT: return sim_fault(b, end, a);
    case CTB_ST_QUERY: query(b, t); return 0;
    default: return -ENOSYS;
    }
}

/* ---- the bell --------------------------------------------------------------------------------- */

void sim_tel_ring(ctb_board_t *b, sim_tel_t *t, bool on)
{
    if (t->ringing == on) return;
    t->ringing = on;
    sim_tel_report(b, t, on ? CTB_SE_RING_BEGIN : CTB_SE_RING_END, 0, 0, "");
}

void sim_tel_ring_over(ctb_board_t *b, sim_tel_t *t, bool answered)
{
    sim_tel_ring(b, t, false);
    if (!answered) sim_tel_report(b, t, CTB_SE_RING_STOPPED, 0, 0, "");
}

/* ---- mouth ------------------------------------------------------------------------------------- */

/* the next frame of what is played: in place when it lies in one piece */
static sim_sig_t play_frame(ctb_board_t *b, sim_tel_t *t)
{
    uint32_t n = 0;
    if (t->play.size - t->play.pos > SIM_N) {
        sim_sig_t sig = t->play.data + t->play.pos;
        t->play.pos += SIM_N;
        return sig;
    }
    while (n < SIM_N && t->play.active) {
        uint64_t m = t->play.size - t->play.pos;
        if (m > SIM_N - n) m = SIM_N - n;
        memcpy(t->mouth_buffer + n, t->play.data + t->play.pos, m);
        n += (uint32_t)m;
        t->play.pos += m;
        if (t->play.pos < t->play.size) continue;
        t->play.pos = 0;
        if (!t->play.for_ever && --t->play.times == 0) {
            b->at = b->now + n;
            end_play(b, t, false);
        }
    }
    memset(t->mouth_buffer + n, SIM_SILENCE, SIM_N - n);
    return t->mouth_buffer;
}

static void keys_add(ctb_board_t *b, sim_tel_t *t, int32_t *acc)
{
    if (t->dial.active) {
        size_t n = sim_dtmf_tx_add(&t->dial, acc, SIM_N);
        if (!t->dial.active) {
            b->at = b->now + n;
            sim_tel_report(b, t, CTB_SE_DIAL_DONE, 0, t->dial_cookie, "");
        }
    }
    if (t->stuck)
        for (int k = 0; k < 2; k++) sim_osc_add(&t->stuck_osc[k], acc, SIM_N);
}

void sim_tel_mouth(ctb_board_t *b, sim_tel_t *t)
{
    t->heard = NULL;
    t->mouth = NULL;
    if (!t->loop) return;
    sim_sig_t played = t->play.active ? play_frame(b, t) : NULL;
    if (t->dial.active || t->stuck) {
        int32_t acc[SIM_N] = { 0 };
        sim_add(acc, played);
        keys_add(b, t, acc);
        sim_encode(t->mouth_buffer, acc, SIM_N);
        played = t->mouth_buffer;
    }
    t->mouth = played;
    if (t->impair && t->impair->on && (played || sim_impair_sounds(t->impair, b->now))) {
        sim_impair_up(t->impair, played, b->now, t->line_up);
        sim_encode(t->mouth_buffer, t->line_up, SIM_N);
        t->mouth = t->mouth_buffer;
    }
}

/* ---- ear ----------------------------------------------------------------------------------------- */

static void hear_frame(ctb_board_t *b, sim_tel_t *t, sim_sig_t sig)
{
    uint64_t room = t->hear.size - t->hear.pos, n = room < SIM_N ? room : SIM_N;
    if (sig) memcpy(t->hear.data + t->hear.pos, sig, n);
    else memset(t->hear.data + t->hear.pos, SIM_SILENCE, n);
    t->hear.pos += n;
    if (t->hear.pos < t->hear.size) return;
    b->at = b->now + n;
    end_hear(b, t);
}

static void watch_step(ctb_board_t *b, sim_tel_t *t, const float *x, uint64_t end)
{
    char digit;
    sim_heard_t heard;
    b->at = end;
    if (t->watch & 4 && sim_digit_run(&t->digit, x, end, &digit) == SIM_DIGIT_BEGIN)
        sim_tel_report(b, t, CTB_SE_DIGIT, digit, 0, "");
    if (!(t->watch & 3)) return;
    sim_ear_run(&t->ear, &b->plan, x, end, t->digit.digit || t->digit.hits, &heard);
    if (heard.tone && t->watch & 1) sim_tel_report(b, t, CTB_SE_TONE, (int)heard.tone_id, 0, "");
    if (heard.speech_begin && t->watch & 2) sim_tel_report(b, t, CTB_SE_SPEECH_BEGIN, 0, 0, "");
    if (heard.speech_end && t->watch & 2)
        sim_tel_report(b, t, CTB_SE_SPEECH_END,
                       (int)((t->ear.speech_last - t->ear.speech_begun) / 8), 0, "");
}

void sim_tel_listen(ctb_board_t *b, sim_tel_t *t)
{
    sim_sig_t sig = t->loop ? t->heard : NULL;
    if (t->loop && t->impair && t->impair->on && (sig || sim_impair_sounds(t->impair, b->now))) {
        sim_impair_down(t->impair, sig, b->now, t->heard_buffer);
        sig = t->heard_buffer;
    }
    if (t->hear.data) hear_frame(b, t, sig);
    if (!t->watch || !t->loop) return;
    if (!sig && sim_ear_rests(&t->ear) && sim_digit_rests(&t->digit)) return;
    float x[SIM_N];
    for (uint32_t i = 0; i < SIM_N; i++)
        x[i] = sig ? (float)sim_alaw_linear[sig[i]] * (1.0f / 32768.0f) : 0.0f;
    for (uint32_t i = 0; i < SIM_N; i += SIM_SUB) watch_step(b, t, x + i, b->now + i + SIM_SUB);
}
