/* command.c - commands from Python: one ring, carried out at the next frame boundary.
 *
 * What: media operations go to the card if it can, else to the host's media plane; all else
 * goes to the driver.  A command that fails answers CommandFailed with its cookie. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "engine.h"

static size_t copied_size(uint32_t op, const ctb_args_t *a)
{
    if (op == CTB_EOP_TONE)
        return sizeof(ctb_tone_t);
    if (op == CTB_EOP_DTMF_PARAMS)
        return sizeof(ctb_dtmf_params_t);
    if (op == CTB_EOP_MF_PARAMS)
        return sizeof(ctb_mf_params_t);
    return op == CTB_EOP_TONE_PLAN ? a->size : 0;
}

int ctb_engine_post(ctb_engine_t *e, uint32_t board, uint32_t channel, uint32_t op, const ctb_args_t *args)
{
    if (!ctb_slot(e, board))
        return -ENODEV;
    if (e->cmd_head - __atomic_load_n(&e->cmd_tail, __ATOMIC_ACQUIRE) >= COMMAND_RING)
        return -EAGAIN;
    ctb_cmd_t *cmd = &e->cmd[e->cmd_head & (COMMAND_RING - 1)];
    *cmd = (ctb_cmd_t){.board = board, .channel = channel, .op = op, .args = *args};
    size_t size = copied_size(op, args);
    if (size) {
        void *copy = ctb_zalloc(size);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, args->data, size);
        cmd->args.data = copy;
        cmd->owned = 1;
    }
    if (op == CTB_EOP_PLAY) {      /* first sound is there before the frame asks, unless on a disk */
        ctb_player_t *p = (ctb_player_t *)(uintptr_t)args->data;
        if (!p->has_file || !e->wall)
            ctb_player_fill(p, UINT64_MAX);
        ctb_io_add_player(e, p);
        if (e->wall)
            ctb_io_want(e);
    } else if (op == CTB_EOP_RECORD) {
        ctb_io_add_recorder(e, (ctb_recorder_t *)(uintptr_t)args->data);
    }
    __atomic_store_n(&e->cmd_head, e->cmd_head + 1, __ATOMIC_RELEASE);
    return 0;
}

/* ---- work lists ------------------------------------------------------------------ */

static bool has_source(const ctb_chan_t *c)
{
    return c->players || c->tone_on || c->dial_on || c->fax_on || c->listen_board >= 0 || c->conf >= 0;
}

void ctb_speaking_update(ctb_engine_t *e, ctb_chan_t *c)
{
    bool want = has_source(c);
    if (want && c->tx_place < 0) {
        c->tx_place = (int32_t)e->speakings;
        e->speaking[e->speakings++] = c;
    } else if (!want && c->tx_place >= 0) {
        ctb_chan_t *last = e->speaking[--e->speakings];
        e->speaking[c->tx_place] = last;
        last->tx_place = c->tx_place;
        c->tx_place = -1;
    }
}

void ctb_timing_update(ctb_engine_t *e, ctb_chan_t *c)
{
    if (c->line.pending && c->line_place < 0) {
        c->line_place = (int32_t)e->timings;
        e->timing[e->timings++] = c;
    } else if (!c->line.pending && c->line_place >= 0) {
        ctb_chan_t *last = e->timing[--e->timings];
        e->timing[c->line_place] = last;
        last->line_place = c->line_place;
        c->line_place = -1;
    }
}

/* ---- players --------------------------------------------------------------------- */

void ctb_end_player(ctb_engine_t *e, ctb_chan_t *c, int i, int reason, int detail, uint64_t at)
{
    ctb_player_t *p = c->player[i];
    c->player[i] = NULL;
    c->players--;
    ctb_emit_simple(e, CTB_EV_PLAY_DONE, c->board, c->number, at, p->cookie, reason, (int)p->played, detail, 0);
}

void ctb_stop_on_digit(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, int digit, uint64_t at)
{
    for (int i = 0; i < CHAN_PLAYERS; i++) {
        ctb_player_t *p = c->player[i];
        if (!p || !p->stop_on_digit)
            continue;
        if (p->on_board) {
            ctb_args_t args = {.cookie = p->cookie, .a = CTB_DONE_DIGIT, .b = digit};
            if (!p->stop_sent)
                s->driver->command(s->board, c->number, CTB_OP_PLAY_STOP, &args);
            p->stop_sent = true;
        } else {
            ctb_end_player(e, c, i, CTB_DONE_DIGIT, digit, at);
        }
    }
}

/* The card speaks only where it also records: a recording on the host could not hold what the
 * card says. */
static bool on_card(const ctb_chan_t *c, uint64_t capability)
{
    return c->caps & capability && c->caps & CTB_CAP_BOARD_RECORD;
}

static int play(ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a)
{
    ctb_player_t *p = (ctb_player_t *)(uintptr_t)a->data;
    int i = 0;
    while (i < CHAN_PLAYERS && c->player[i])
        i++;
    if (i == CHAN_PLAYERS)
        return -EBUSY;
    p->stop_on_digit = a->a == 1;
    if (on_card(c, CTB_CAP_BOARD_PLAY) && p->gain_q12 == 4096) {
        ctb_args_t args = {.data = &p->ring, .size = sizeof p->ring, .cookie = p->cookie};
        int rc = s->driver->command(s->board, c->number, CTB_OP_PLAY_START, &args);
        if (rc < 0)
            return rc;
        p->on_board = true;
    }
    c->player[i] = p;
    c->players++;
    return 0;
}

static int play_stop(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a)
{
    for (int i = 0; i < CHAN_PLAYERS; i++)
        if (c->player[i] && c->player[i]->cookie == a->cookie) {
            if (c->player[i]->on_board) {
                ctb_args_t args = {.cookie = a->cookie, .a = a->a, .b = a->b};
                if (c->player[i]->stop_sent)
                    return 0;      /* its PlayDone is on the way */
                c->player[i]->stop_sent = true;
                return s->driver->command(s->board, c->number, CTB_OP_PLAY_STOP, &args);
            }
            ctb_end_player(e, c, i, a->a, a->b, e->frames * FRAME);
        }
    return 0;                      /* it ended by itself: PlayDone says so */
}

static int play_pause(ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a)
{
    for (int i = 0; i < CHAN_PLAYERS; i++)
        if (c->player[i] && c->player[i]->cookie == a->cookie) {
            c->player[i]->paused = a->a != 0;
            if (c->player[i]->on_board)
                return s->driver->command(s->board, c->number, CTB_OP_PLAY_PAUSE, a);
        }
    return 0;
}

/* ---- recorders ------------------------------------------------------------------- */

static int record(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a)
{
    ctb_recorder_t *r = (ctb_recorder_t *)(uintptr_t)a->data;
    int i = 0;
    while (i < CHAN_RECORDERS && c->recorder[i])
        i++;
    if (i == CHAN_RECORDERS)
        return -EBUSY;
    r->board = c->board;
    r->channel = c->number;
    r->began_at = e->frames * FRAME;
    if (c->caps & CTB_CAP_BOARD_RECORD) {
        ctb_args_t args = {.data = &r->ring, .size = sizeof r->ring, .cookie = r->cookie, .a = r->sides};
        int rc = s->driver->command(s->board, c->number, CTB_OP_RECORD_START, &args);
        if (rc < 0)
            return rc;
        r->on_board = true;
    }
    c->recorder[i] = r;
    c->recorders++;
    r->next_active = e->active_recorders;
    e->active_recorders = r;
    return 0;
}

static int record_stop(ctb_slot_t *s, ctb_chan_t *c, uint64_t cookie, int reason)
{
    for (int i = 0; i < CHAN_RECORDERS; i++) {
        ctb_recorder_t *r = c->recorder[i];
        if (!r || r->cookie != cookie || r->closing)
            continue;
        if (r->on_board) {
            ctb_args_t args = {.cookie = cookie, .a = reason};
            if (r->stop_sent)
                return 0;
            r->stop_sent = true;
            return s->driver->command(s->board, c->number, CTB_OP_RECORD_STOP, &args);
        }
        r->closing = true;
        r->reason = reason;
        __atomic_store_n(&r->ring.closed, 1, __ATOMIC_RELEASE);
    }
    return 0;
}

/* A card that cannot mask has its recording ended: a secret is never recorded. */
static int record_mask(ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a)
{
    for (int i = 0; i < CHAN_RECORDERS; i++) {
        ctb_recorder_t *r = c->recorder[i];
        if (!r || r->cookie != a->cookie || r->closing)
            continue;
        r->mask = a->a != 0;
        if (!r->on_board)
            return 0;
        int rc = s->driver->command(s->board, c->number, CTB_OP_RECORD_MASK, a);
        if (rc < 0 && a->a)
            record_stop(s, c, a->cookie, CTB_DONE_ERROR);
        return rc;
    }
    return 0;
}

/* ---- tones, switching ------------------------------------------------------------- */

static int tone(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a)
{
    if (on_card(c, CTB_CAP_BOARD_TONE))
        return s->driver->command(s->board, c->number, CTB_OP_TONE, a);
    if (c->tone_on)
        ctb_emit_simple(e, CTB_EV_TONE_DONE, c->board, c->number, e->frames * FRAME, c->tone_cookie, CTB_DONE_STOPPED, 0, 0, 0);
    ctb_tone_gen_start(c->tone, a->data);
    c->tone_on = true;
    c->tone_cookie = a->cookie;
    return 0;
}

static void end_tones(ctb_engine_t *e, ctb_chan_t *c, int reason)
{
    uint64_t at = e->frames * FRAME;
    if (c->tone_on)
        ctb_emit_simple(e, CTB_EV_TONE_DONE, c->board, c->number, at, c->tone_cookie, reason, 0, 0, 0);
    if (c->dial_on)
        ctb_emit_simple(e, CTB_EV_TONE_DONE, c->board, c->number, at, c->dial_cookie, reason, 0, 0, 0);
    if (c->fax_on)
        ctb_emit_simple(e, CTB_EV_TONE_DONE, c->board, c->number, at, c->fax_cookie, reason, 0, 0, 0);
    c->tone_on = c->dial_on = c->fax_on = false;
}

/* Ends a tone and digits alike: what is left of a number must not reach the next call. */
static int tone_stop(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a)
{
    end_tones(e, c, CTB_DONE_STOPPED);
    return on_card(c, CTB_CAP_BOARD_TONE | CTB_CAP_BOARD_DIAL) ? s->driver->command(s->board, c->number, CTB_OP_TONE_STOP, a) : 0;
}

static int dial(ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a)
{
    if (on_card(c, CTB_CAP_BOARD_DIAL))
        return s->driver->command(s->board, c->number, CTB_OP_DIAL, a);
    int bad = 0, rc;
    if (c->dial_on)
        return -EBUSY;
    rc = ctb_dial_gen_start(c->dial, a->text, a->a, a->b, a->c, a->d, &bad);
    if (rc < 0)
        return rc;
    c->dial_on = true;
    c->dial_cookie = a->cookie;
    return 0;
}

/* Always made here: a card's tones have neither reversals nor modulation. */
static int fax_tone(ctb_engine_t *e, ctb_chan_t *c, const ctb_args_t *a)
{
    int rc;
    if (!ctb_host_sends_all(c))
        return -ENOTSUP;           /* a card that records by itself would not record this */
    if (c->fax_on)
        ctb_emit_simple(e, CTB_EV_TONE_DONE, c->board, c->number, e->frames * FRAME, c->fax_cookie, CTB_DONE_STOPPED, 0, 0, 0);
    c->fax_on = false;
    rc = ctb_fax_gen_start(c->fax, a->a, a->b, a->c);
    if (rc < 0)
        return rc;
    c->fax_on = true;
    c->fax_cookie = a->cookie;
    return 0;
}

static int listen_to(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, const ctb_args_t *a)
{
    if (a->a >= 0 && (!ctb_slot(e, (uint32_t)a->a) || (uint32_t)a->b >= e->slot[a->a].channels))
        return -EINVAL;
    bool same = a->a >= 0 && (uint32_t)a->a == c->board;
    if (c->caps & CTB_CAP_BOARD_LISTEN) {
        ctb_args_t args = {.a = same ? a->b : -1};
        int rc = s->driver->command(s->board, c->number, CTB_OP_LISTEN, &args);
        c->listen_board = same || a->a < 0 ? -1 : a->a;
        c->listen_channel = a->b;
        return rc;
    }
    c->listen_board = a->a;
    c->listen_channel = a->b;
    return 0;
}

static int conf_leave(ctb_engine_t *e, ctb_chan_t *c, int which)
{
    if (c->conf < 0 || (which >= 0 && which != c->conf))
        return 0;
    ctb_conf_t *conf = &e->conf[c->conf];
    for (uint32_t m = 0; m < conf->members; m++)
        if (conf->member[m] == c) {
            memmove(&conf->member[m], &conf->member[m + 1], (conf->members - m - 1) * sizeof conf->member[0]);
            conf->members--;
            e->conferring--;
            break;
        }
    c->conf = -1;
    return 0;
}

static int conf_join(ctb_engine_t *e, ctb_chan_t *c, const ctb_args_t *a)
{
    if ((uint32_t)a->a >= CTB_MAX_CONFERENCES || (a->b != 1 && a->b != 2))
        return -EINVAL;
    ctb_conf_t *conf = &e->conf[a->a];
    if (c->conf != a->a) {
        if (conf->members == CONF_MEMBERS)
            return -ENOSPC;
        conf_leave(e, c, -1);
        conf->member[conf->members++] = c;
        e->conferring++;
    }
    c->conf = a->a;
    c->conf_mode = a->b;
    return 0;
}

static int line_param(ctb_chan_t *c, const ctb_args_t *a)
{
    ctb_line_params_t p = {0};
    int32_t *field[] = {NULL, &p.flash_min_ms, &p.flash_max_ms, &p.on_hook_ms, &p.ring_timeout_ms,
                        &p.break_min_ms, &p.break_max_ms, &p.cas_ms, &p.off_hook_ms};
    if (a->a < CTB_LP_FLASH_MIN || a->a > CTB_LP_OFF_HOOK || a->b <= 0)
        return -EINVAL;
    *field[a->a] = a->b;
    ctb_line_set(&c->line, &p);
    return 0;
}

static int tone_plan(ctb_slot_t *s, const ctb_args_t *a)
{
    uint32_t n = (uint32_t)(a->size / sizeof(ctb_tone_t));
    if (n > sizeof s->plan / sizeof s->plan[0])
        return -E2BIG;
    ctb_tone_t before[sizeof s->plan / sizeof s->plan[0]];
    uint32_t tones_before = s->plan_tones;
    memcpy(before, s->plan, sizeof before);
    memcpy(s->plan, a->data, n * sizeof(ctb_tone_t));
    s->plan_tones = n;
    int rc = ctb_groups_plan(s);
    if (rc < 0) {                  /* the old plan stays */
        memcpy(s->plan, before, sizeof before);
        s->plan_tones = tones_before;
        ctb_groups_plan(s);
        return rc;
    }
    if (!(s->info.capabilities & CTB_CAP_BOARD_TONES))
        return 0;
    ctb_args_t args = {.data = s->plan, .size = n * sizeof(ctb_tone_t)};
    return s->driver->command(s->board, 0, CTB_OP_TONE_PLAN, &args);
}

void ctb_channel_quiet(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c)
{
    ctb_args_t none = {.a = -1};
    for (int i = 0; i < CHAN_PLAYERS; i++)
        if (c->player[i]) {
            ctb_args_t args = {.cookie = c->player[i]->cookie, .a = CTB_DONE_CLOSED};
            if (c->player[i]->on_board)
                s->driver->command(s->board, c->number, CTB_OP_PLAY_STOP, &args);
            ctb_end_player(e, c, i, CTB_DONE_CLOSED, 0, e->frames * FRAME);
        }
    for (int i = 0; i < CHAN_RECORDERS; i++)
        if (c->recorder[i] && !c->recorder[i]->closing) {
            record_stop(s, c, c->recorder[i]->cookie, CTB_DONE_CLOSED);   /* the card lets go of the ring */
            c->recorder[i]->closing = true;
            c->recorder[i]->reason = CTB_DONE_CLOSED;
            __atomic_store_n(&c->recorder[i]->ring.closed, 1, __ATOMIC_RELEASE);
        }
    end_tones(e, c, CTB_DONE_CLOSED);
    conf_leave(e, c, -1);
    listen_to(e, s, c, &none);
    ctb_detect_arm(e, s, c, 0);
    ctb_clean_set(e, s, c, &(ctb_args_t){0});
    ctb_speaking_update(e, c);
}

static int engine_op(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, const ctb_cmd_t *cmd)
{
    const ctb_args_t *a = &cmd->args;
    switch (cmd->op) {
    case CTB_EOP_PLAY: return play(s, c, a);
    case CTB_EOP_PLAY_STOP: return play_stop(e, s, c, a);
    case CTB_EOP_PLAY_PAUSE: return play_pause(s, c, a);
    case CTB_EOP_RECORD: return record(e, s, c, a);
    case CTB_EOP_RECORD_STOP: return record_stop(s, c, a->cookie, a->a);
    case CTB_EOP_RECORD_MASK: return record_mask(s, c, a);
    case CTB_EOP_TONE: return tone(e, s, c, a);
    case CTB_EOP_TONE_STOP: return tone_stop(e, s, c, a);
    case CTB_EOP_DIAL: return dial(s, c, a);
    case CTB_EOP_ARM: return ctb_detect_arm(e, s, c, (uint32_t)a->a);
    case CTB_EOP_LISTEN: return listen_to(e, s, c, a);
    case CTB_EOP_CONF_JOIN: return conf_join(e, c, a);
    case CTB_EOP_CONF_LEAVE: return conf_leave(e, c, a->a);
    case CTB_EOP_LINE_PARAM: return line_param(c, a);
    case CTB_EOP_TONE_PLAN: return tone_plan(s, a);
    case CTB_EOP_DTMF_PARAMS: c->dtmf = *(const ctb_dtmf_params_t *)a->data; return 0;
    case CTB_EOP_MF_PARAMS: c->mf = *(const ctb_mf_params_t *)a->data; return 0;
    case CTB_EOP_FAX_TONE: return fax_tone(e, c, a);
    case CTB_EOP_CLEAN: return ctb_clean_set(e, s, c, a);
    default: return -ENOSYS;
    }
}

static int carry_out(ctb_engine_t *e, const ctb_cmd_t *cmd)
{
    ctb_slot_t *s = ctb_slot(e, cmd->board);
    if (!s)
        return -ENODEV;
    if (cmd->op < CTB_EOP_PLAY)
        return s->driver->command(s->board, cmd->channel, cmd->op, &cmd->args);
    if (cmd->channel >= s->channels)
        return -EINVAL;
    ctb_chan_t *c = &s->chan[cmd->channel];
    int rc = engine_op(e, s, c, cmd);
    ctb_speaking_update(e, c);
    return rc;
}

void ctb_commands_run(ctb_engine_t *e)
{
    uint64_t head = __atomic_load_n(&e->cmd_head, __ATOMIC_ACQUIRE);
    while (e->cmd_tail < head) {
        ctb_cmd_t *cmd = &e->cmd[e->cmd_tail & (COMMAND_RING - 1)];
        int rc = carry_out(e, cmd);
        if (rc < 0)
            ctb_emit_simple(e, CTB_EV_COMMAND_FAILED, cmd->board, cmd->channel, e->frames * FRAME,
                            cmd->args.cookie, rc, (int)cmd->op, 0, 0);
        if (cmd->owned) {          /* freed by the other side: no free in the frame path */
            e->garbage[e->garbage_head & (COMMAND_RING - 1)] = (void *)(uintptr_t)cmd->args.data;
            __atomic_store_n(&e->garbage_head, e->garbage_head + 1, __ATOMIC_RELEASE);
        }
        e->stats.commands++;
        __atomic_store_n(&e->cmd_tail, e->cmd_tail + 1, __ATOMIC_RELEASE);
    }
}
