/* detect.c - which channel sits in which lane of which detector bank, and what the banks hear. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "engine.h"

int ctb_groups_alloc(ctb_slot_t *s)
{
    s->groups = (s->channels + CTB_LANES - 1) / CTB_LANES;
    s->group = ctb_zalloc(s->groups * sizeof *s->group);
    if (!s->group)
        return -ENOMEM;
    for (uint32_t g = 0; g < s->groups; g++)
        if (ctb_dtmf_bank_alloc(&s->group[g].dtmf) < 0 || ctb_tone_bank_alloc(&s->group[g].tone) < 0 ||
            ctb_talk_bank_alloc(&s->group[g].talk) < 0)
            return -ENOMEM;
    return 0;
}

void ctb_groups_free(ctb_slot_t *s)
{
    for (uint32_t g = 0; s->group && g < s->groups; g++) {
        ctb_dtmf_bank_free(s->group[g].dtmf);
        ctb_tone_bank_free(s->group[g].tone);
        ctb_talk_bank_free(s->group[g].talk);
    }
    free(s->group);
    s->group = NULL;
}

void ctb_groups_plan(ctb_slot_t *s)
{
    for (uint32_t g = 0; g < s->groups; g++)
        ctb_tone_bank_plan(s->group[g].tone, s->plan, (int)s->plan_tones);
}

static void take_lane(ctb_slot_t *s, ctb_chan_t *c)
{
    for (uint32_t g = 0; g < s->groups; g++) {
        uint32_t free_lanes = ~s->group[g].used & 0xFFFFu;
        if (!free_lanes)
            continue;
        c->group = (int32_t)g;
        c->lane = __builtin_ctz(free_lanes);
        s->group[g].used |= 1u << c->lane;
        s->group[g].chan[c->lane] = c;
        return;
    }
}

static void leave_lane(ctb_slot_t *s, ctb_chan_t *c)
{
    ctb_group_t *g = &s->group[c->group];
    uint32_t bit = 1u << c->lane;
    g->used &= ~bit, g->dtmf_mask &= ~bit, g->tone_mask &= ~bit, g->talk_mask &= ~bit;
    g->chan[c->lane] = NULL;
    c->group = c->lane = -1;
}

static uint32_t on_board(const ctb_chan_t *c, uint32_t mask)
{
    uint32_t card = 0;
    if (c->caps & CTB_CAP_BOARD_DTMF)
        card |= CTB_ARM_DTMF;
    if (c->caps & CTB_CAP_BOARD_TONES)
        card |= CTB_ARM_TONES;
    if (c->caps & CTB_CAP_BOARD_TALK)
        card |= CTB_ARM_TALK;
    return mask & card;
}

static void count(ctb_engine_t *e, uint32_t mask, int by)
{
    e->armed_dtmf += (mask & CTB_ARM_DTMF) ? (uint32_t)by : 0;
    e->armed_tones += (mask & CTB_ARM_TONES) ? (uint32_t)by : 0;
    e->armed_talk += (mask & CTB_ARM_TALK) ? (uint32_t)by : 0;
    e->armed_fsk += (mask & CTB_ARM_FSK) ? (uint32_t)by : 0;
}

int ctb_detect_arm(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, uint32_t mask)
{
    int rc = 0;
    count(e, c->wanted, -1);
    if (on_board(c, mask) != on_board(c, c->wanted)) {
        ctb_args_t args = {.a = (int32_t)on_board(c, mask)};
        rc = s->driver->command(s->board, c->number, CTB_OP_DETECT_ARM, &args);
    }
    uint32_t host = mask & ~on_board(c, mask), fresh = host & ~c->armed;
    if (host & ~CTB_ARM_FSK && c->lane < 0)
        take_lane(s, c);
    if (c->lane >= 0) {
        ctb_group_t *g = &s->group[c->group];
        uint32_t bit = 1u << c->lane;
        if (fresh & CTB_ARM_DTMF)
            ctb_dtmf_bank_arm(g->dtmf, c->lane, &c->dtmf), c->now_digit = 0;
        if (fresh & CTB_ARM_TONES)
            ctb_tone_bank_arm(g->tone, c->lane), c->now_tone = 0;
        if (fresh & CTB_ARM_TALK)
            ctb_talk_bank_arm(g->talk, c->lane, &ctb_talk_default);
        g->dtmf_mask = host & CTB_ARM_DTMF ? g->dtmf_mask | bit : g->dtmf_mask & ~bit;
        g->tone_mask = host & CTB_ARM_TONES ? g->tone_mask | bit : g->tone_mask & ~bit;
        g->talk_mask = host & CTB_ARM_TALK ? g->talk_mask | bit : g->talk_mask & ~bit;
        if (!(host & ~CTB_ARM_FSK))
            leave_lane(s, c);
    }
    if (fresh & CTB_ARM_FSK && c->fsk)
        ctb_fsk_rx_reset(c->fsk);
    if (!(mask & CTB_ARM_DTMF))
        c->now_digit = c->told_digit = 0;
    if (!(mask & CTB_ARM_TONES))
        c->now_tone = c->told_tone = 0;
    c->armed = host;
    c->wanted = mask;
    count(e, mask, 1);
    return rc;
}

static void report(ctb_engine_t *e, ctb_slot_t *s, const ctb_group_t *g, const ctb_hit_t *hits, int n)
{
    for (int i = 0; i < n; i++) {
        const ctb_hit_t *h = &hits[i];
        ctb_chan_t *c = g->chan[h->lane];
        ctb_event_t ev = {.at = e->frames * FRAME + (uint64_t)h->offset, .board = c->board,
                          .channel = c->number, .kind = h->kind, .span = CTB_NO_SPAN,
                          .a = h->a, .b = h->b, .c = h->c, .d = h->d};
        ev.board_at = s->frames * FRAME - FRAME + (uint64_t)h->offset;
        ctb_emit(e, &ev);
        if (h->kind == CTB_EV_DTMF_BEGIN) {
            c->now_digit = h->a;
            ctb_stop_on_digit(e, s, c, h->a, ev.at);
        } else if (h->kind == CTB_EV_DTMF_END) {
            c->now_digit = 0;
        } else if (h->kind == CTB_EV_TONE_ON) {
            c->now_tone = h->a;
        } else if (h->kind == CTB_EV_TONE_OFF) {
            c->now_tone = 0;
        }
    }
}

static void detect_group(ctb_engine_t *e, ctb_slot_t *s, ctb_group_t *g)
{
    static _Thread_local float lanes[FRAME][CTB_LANES] __attribute__((aligned(64)));
    const uint8_t *src[CTB_LANES] = {0};
    ctb_hit_t hits[4 * CTB_LANES];
    for (uint32_t l = 0; l < CTB_LANES; l++)
        if (g->chan[l] && ctb_bit(s->rx_live, g->chan[l]->number))
            src[l] = s->rx + (size_t)g->chan[l]->number * FRAME;
    ctb_alaw_to_lanes(lanes, src);
    const float (*in)[CTB_LANES] = (const float (*)[CTB_LANES])lanes;
    if (g->dtmf_mask)
        report(e, s, g, hits, ctb_dtmf_bank_run(g->dtmf, in, g->dtmf_mask, hits, 4 * CTB_LANES));
    if (g->tone_mask)
        report(e, s, g, hits, ctb_tone_bank_run(g->tone, in, g->tone_mask, hits, 4 * CTB_LANES));
    if (g->talk_mask)
        report(e, s, g, hits, ctb_talk_bank_run(g->talk, in, g->talk_mask, hits, 4 * CTB_LANES));
}

/* what a message says, as the event has it: number TAB date TAB name; a wrong checksum says nothing */
static void caller_text(ctb_event_t *ev, const ctb_fsk_message_t *message)
{
    ctb_caller_id_t id;
    ev->a = 1;
    ev->b = message->right && ctb_caller_id_parse(&id, message->data, message->size) == 0;
    if (!ev->b)
        return;
    ev->c = id.number_absence;
    ctb_caller_id_text(ev->text, sizeof ev->text, &id);
}

static void caller_ids(ctb_engine_t *e, ctb_slot_t *s, uint32_t board)
{
    for (uint32_t i = 0; i < s->channels; i++) {
        ctb_chan_t *c = &s->chan[i];
        ctb_fsk_message_t message;
        if (!(c->armed & CTB_ARM_FSK) || !c->fsk)
            continue;
        int16_t linear[FRAME] = {0};
        if (ctb_bit(s->rx_live, i))
            ctb_alaw_decode(linear, s->rx + (size_t)i * FRAME, FRAME);
        if (ctb_fsk_rx_run(c->fsk, linear, FRAME, &message) != 1 ||
            (message.data[0] != CTB_FSK_SDMF && message.data[0] != CTB_FSK_MDMF))
            continue;
        ctb_event_t ev = {.kind = CTB_EV_CALLER_ID, .at = (e->frames + 1) * FRAME,
                          .board_at = s->frames * FRAME, .board = board, .channel = i,
                          .span = CTB_NO_SPAN};
        caller_text(&ev, &message);
        ctb_emit(e, &ev);
    }
}

void ctb_detect_frame(ctb_engine_t *e)
{
    for (uint32_t b = 0; b < CTB_MAX_BOARDS; b++) {
        ctb_slot_t *s = ctb_slot(e, b);
        if (!s)
            continue;
        for (uint32_t g = 0; g < s->groups; g++)
            if (s->group[g].used)
                detect_group(e, s, &s->group[g]);
        if (e->armed_fsk)
            caller_ids(e, s, b);
    }
    e->stats.armed_dtmf_frames += e->armed_dtmf;
    e->stats.armed_tone_frames += e->armed_tones;
    e->stats.armed_talk_frames += e->armed_talk;
}
