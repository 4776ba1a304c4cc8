/* detect.c - which channel sits in which lane of which detector bank, and what the banks hear. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "engine.h"

#define HITS (8 * CTB_LANES)       /* of a bank in a frame; the most that was provoked is 4 a lane */

int ctb_groups_alloc(ctb_slot_t *s)
{
    s->groups = (s->channels + CTB_LANES - 1) / CTB_LANES;
    s->group = ctb_zalloc(s->groups * sizeof *s->group);
    if (!s->group)
        return -ENOMEM;
    for (uint32_t g = 0; g < s->groups; g++) {
        ctb_group_t *group = &s->group[g];
        for (int d = 0; d < CTB_DETECTORS; d++)
            if (ctb_detectors[d].alloc && ctb_detectors[d].alloc(&group->bank[d]) < 0)
                return -ENOMEM;
        if (ctb_echo_bank_alloc(&group->echo) < 0 || ctb_agc_bank_alloc(&group->agc) < 0)
            return -ENOMEM;
    }
    return 0;
}

void ctb_groups_free(ctb_slot_t *s)
{
    for (uint32_t g = 0; s->group && g < s->groups; g++) {
        for (int d = 0; d < CTB_DETECTORS; d++)
            if (ctb_detectors[d].free)
                ctb_detectors[d].free(s->group[g].bank[d]);
        ctb_echo_bank_free(s->group[g].echo);
        ctb_agc_bank_free(s->group[g].agc);
    }
    free(s->group);
    s->group = NULL;
}

int ctb_groups_plan(ctb_slot_t *s)
{
    int rc = 0;
    for (uint32_t g = 0; g < s->groups && rc >= 0; g++)     /* all alike: the first one decides */
        rc = ctb_tone_bank_plan(s->group[g].bank[CTB_DETECTOR_TONES], s->plan, (int)s->plan_tones);
    return rc;
}

bool ctb_lane_hold(ctb_slot_t *s, ctb_chan_t *c)
{
    for (uint32_t g = 0; c->lane < 0 && g < s->groups; g++) {
        uint32_t free_lanes = ~s->group[g].used & 0xFFFFu;
        if (!free_lanes)
            continue;
        c->group = (int32_t)g;
        c->lane = __builtin_ctz(free_lanes);
        s->group[g].used |= 1u << c->lane;
        s->group[g].chan[c->lane] = c;
    }
    return c->lane >= 0;
}

void ctb_lane_release(ctb_slot_t *s, ctb_chan_t *c)
{
    if (c->lane < 0 || c->armed & ~CTB_ARM_FSK || c->clean.echo || c->clean.level)
        return;
    s->group[c->group].used &= ~(1u << c->lane);
    s->group[c->group].chan[c->lane] = NULL;
    c->group = c->lane = -1;
}

/* what of mask the card does itself */
static uint32_t on_board(const ctb_chan_t *c, uint32_t mask)
{
    uint32_t card = 0;
    for (int d = 0; d < CTB_DETECTORS; d++)
        if (c->caps & ctb_detectors[d].card)
            card |= 1u << d;
    return mask & card;
}

static void count(ctb_engine_t *e, uint32_t mask, uint32_t by)
{
    for (uint32_t left = mask; left; left &= left - 1) {
        e->armed[__builtin_ctz(left)] += by;
        e->armed_any += by;
    }
}

static void forget_begun(ctb_chan_t *c, uint32_t ended)
{
    if (ended & CTB_ARM_DTMF)
        c->now_digit = c->told_digit = 0;
    if (ended & CTB_ARM_TONES)
        c->now_tone = c->told_tone = 0;
    if (ended & CTB_ARM_MF)
        c->now_mf = c->told_mf = 0;
    if (ended & CTB_ARM_FAX)
        c->now_fax = c->told_fax = 0;
    if (ended & CTB_ARM_BEEP)
        c->now_beep = c->told_beep = 0;
    if (ended & CTB_ARM_TALK)
        c->now_talk = c->told_talk = 0;
    if (ended & CTB_ARM_TALK_TX)
        c->now_talk_tx = c->told_talk_tx = 0;
}

static void arm_banks(ctb_group_t *g, ctb_chan_t *c, uint32_t host, uint32_t fresh)
{
    uint32_t lane = 1u << c->lane;
    for (int d = 0; d < CTB_DETECTORS; d++) {
        if (!g->bank[d])
            continue;
        if (fresh >> d & 1)
            ctb_detectors[d].arm(g->bank[d], c->lane, c);
        g->mask[d] = host >> d & 1 ? g->mask[d] | lane : g->mask[d] & ~lane;
    }
}

int ctb_detect_arm(ctb_engine_t *e, ctb_slot_t *s, ctb_chan_t *c, uint32_t mask)
{
    int rc = 0;
    mask &= (1u << CTB_DETECTORS) - 1;
    if (mask & CTB_ARM_TALK_TX && !ctb_host_sends_all(c)) {
        mask &= ~CTB_ARM_TALK_TX;                   /* we do not see what the card says */
        rc = -ENOTSUP;
    }
    count(e, c->wanted, UINT32_MAX);          /* minus one */
    if (on_board(c, mask) != on_board(c, c->wanted)) {
        ctb_args_t args = {.a = (int32_t)on_board(c, mask)};
        int refused = s->driver->command(s->board, c->number, CTB_OP_DETECT_ARM, &args);
        rc = refused < 0 ? refused : rc;
    }
    uint32_t host = mask & ~on_board(c, mask), fresh = host & ~c->armed;
    forget_begun(c, fresh | ~mask);
    if (host & ~CTB_ARM_FSK)
        ctb_lane_hold(s, c);
    if (c->lane >= 0)
        arm_banks(&s->group[c->group], c, host, fresh);
    if (fresh & CTB_ARM_FSK && c->fsk)
        ctb_fsk_rx_reset(c->fsk);
    c->armed = host;
    c->wanted = mask;
    ctb_lane_release(s, c);
    count(e, mask, 1);
    return rc;
}

static void keep_begun(ctb_chan_t *c, const ctb_hit_t *h, bool sent)
{
    switch (h->kind) {
    case CTB_EV_DTMF_BEGIN: c->now_digit = h->a; break;
    case CTB_EV_DTMF_END: c->now_digit = 0; break;
    case CTB_EV_TONE_ON: c->now_tone = h->a; break;
    case CTB_EV_TONE_OFF: c->now_tone = 0; break;
    case CTB_EV_MF_BEGIN: c->now_mf = h->a; break;
    case CTB_EV_MF_END: c->now_mf = 0; break;
    case CTB_EV_FAX_ON: c->now_fax = h->a; break;
    case CTB_EV_FAX_OFF: c->now_fax = 0; break;
    case CTB_EV_BEEP_ON: c->now_beep = 1; break;
    case CTB_EV_BEEP_OFF: c->now_beep = 0; break;
    case CTB_EV_TALK_BEGIN: *(sent ? &c->now_talk_tx : &c->now_talk) = 1; break;
    case CTB_EV_TALK_END: *(sent ? &c->now_talk_tx : &c->now_talk) = 0; break;
    default: break;
    }
}

static void report(ctb_engine_t *e, ctb_slot_t *s, const ctb_group_t *g, const ctb_detector_t *d,
                   const ctb_hit_t *hits, int n)
{
    for (int i = 0; i < n; i++) {
        const ctb_hit_t *h = &hits[i];
        ctb_chan_t *c = g->chan[h->lane];
        ctb_event_t ev = {.at = e->frames * FRAME + (uint64_t)h->offset, .board = c->board,
                          .channel = c->number, .kind = h->kind, .span = CTB_NO_SPAN,
                          .a = h->a, .b = d->sent ? 1 : h->b, .c = h->c, .d = h->d};
        ev.board_at = s->frames * FRAME - FRAME + (uint64_t)h->offset;
        ctb_emit(e, &ev);
        keep_begun(c, h, d->sent);
        if (h->kind == CTB_EV_DTMF_BEGIN)
            ctb_stop_on_digit(e, s, c, h->a, ev.at);
    }
}

void ctb_group_lanes(float (*out)[CTB_LANES], const ctb_slot_t *s, const ctb_group_t *g, bool sent)
{
    const uint8_t *src[CTB_LANES] = {0}, *sound = sent ? s->tx : s->rx;
    const uint64_t *live = sent ? s->tx_live : s->rx_live;
    for (uint32_t l = 0; l < CTB_LANES; l++)
        if (g->chan[l] && ctb_bit(live, g->chan[l]->number))
            src[l] = sound + (size_t)g->chan[l]->number * FRAME;
    ctb_alaw_to_lanes(out, src);
}

static void detect_group(ctb_engine_t *e, ctb_slot_t *s, ctb_group_t *g)
{
    static _Thread_local float lanes[2][FRAME][CTB_LANES] __attribute__((aligned(64)));
    bool made[2] = {false, false};
    ctb_hit_t hits[HITS];
    for (int d = 0; d < CTB_DETECTORS; d++) {
        const ctb_detector_t *detector = &ctb_detectors[d];
        int way = detector->sent;
        if (!g->mask[d])
            continue;
        if (!made[way])
            ctb_group_lanes(lanes[way], s, g, way);
        made[way] = true;
        int n = detector->run(g->bank[d], (const float (*)[CTB_LANES])lanes[way], g->mask[d], hits, HITS);
        report(e, s, g, detector, hits, n);
    }
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
        ev.d = FRAME - message.offset;             /* since its last bit */
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
        for (uint32_t i = 0; e->armed_any && i < s->channels; i++)
            if (s->chan[i].wanted && (ctb_bit(s->rx_live, i) || ctb_bit(s->tx_live, i)))
                e->sound_frame = e->frames;
        if (e->armed[CTB_DETECTOR_FSK])
            caller_ids(e, s, b);
    }
    e->stats.armed_dtmf_frames += e->armed[0];
    e->stats.armed_tone_frames += e->armed[CTB_DETECTOR_TONES];
    e->stats.armed_talk_frames += e->armed[2];
}
