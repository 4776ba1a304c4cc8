/* sim_driver.c - the simulated card's table of functions (ctb_driver.h). */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSION "1.0"
#define FXO_CAPABILITIES (CTB_CAP_FLASH | CTB_CAP_PULSE_DIAL | CTB_CAP_POLARITY | \
                          CTB_CAP_LOOP_BREAK | CTB_CAP_GAIN)
#define FXS_CAPABILITIES (CTB_CAP_RING | CTB_CAP_POLARITY | CTB_CAP_LOOP_BREAK | CTB_CAP_GAIN)
#define E1_CAPABILITIES  (CTB_CAP_CAS | CTB_CAP_GAIN)
#define BOARD_MEDIA      (CTB_CAP_BOARD_PLAY | CTB_CAP_BOARD_RECORD | CTB_CAP_BOARD_TONE | \
                          CTB_CAP_BOARD_DIAL | CTB_CAP_BOARD_DTMF | CTB_CAP_BOARD_TONES | \
                          CTB_CAP_BOARD_TALK | CTB_CAP_BOARD_LISTEN)

static int driver_open(ctb_board_t **out, const char *spec, char *err, size_t err_size)
{
    char none[1];
    if (!err || !err_size) {
        err = none;
        err_size = sizeof none;
    }
    err[0] = 0;
    *out = NULL;
    sim_spec_t parsed;
    int result = sim_spec_parse(&parsed, spec ? spec : "", err, err_size);
    if (result) return result;
    ctb_board_t *b = calloc(1, sizeof *b);
    result = b ? 0 : -ENOMEM;
    if (b) {
        b->spec = parsed;
        result = sim_board_build(b);
    }
    if (result) {
        snprintf(err, err_size, "the simulated street does not fit into memory");
        if (b) sim_board_free(b);
        return result;
    }
    *out = b;
    return 0;
}

static void driver_close(ctb_board_t *b)
{
    if (b) sim_board_free(b);
}

static uint64_t channel_capabilities(const ctb_board_t *b, uint32_t type)
{
    uint64_t line = type == CTB_LINE_FXO ? FXO_CAPABILITIES
                    : type == CTB_LINE_FXS ? FXS_CAPABILITIES : E1_CAPABILITIES;
    if (b->spec.board_media && type == CTB_LINE_FXS) line |= CTB_CAP_BOARD_CALLER_ID;
    return line | (b->spec.board_media ? BOARD_MEDIA : 0);
}

static int driver_describe(ctb_board_t *b, ctb_board_info_t *out)
{
    memset(out, 0, sizeof *out);
    snprintf(out->model, sizeof out->model, "simulated card, %s", b->spec.country->name);
    snprintf(out->serial, sizeof out->serial, "sim-%llu", (unsigned long long)b->spec.seed);
    snprintf(out->firmware, sizeof out->firmware, VERSION);
    out->spans = b->span_count;
    out->channels = b->chan_count;
    out->capabilities = CTB_CAP_SKIP | CTB_CAP_STREET | (b->spec.e1 ? CTB_CAP_ALARMS : 0);
    for (uint32_t i = 0; i < b->span_count; i++)
        out->capabilities |= channel_capabilities(b, b->chans[b->spans[i].first].type);
    out->law = b->spec.ulaw ? CTB_LAW_ULAW : CTB_LAW_ALAW;
    out->latency_rx = out->latency_tx = b->spec.latency * SIM_N;
    out->time_uncertainty = b->spec.board_media ? SIM_SUB : 0;     /* its detectors' step */
    out->rate_ppb = (int32_t)(b->spec.ppm * 1000 + (b->spec.ppm < 0 ? -0.5 : 0.5));
    return 0;
}

static int driver_describe_span(ctb_board_t *b, uint32_t span, ctb_span_info_t *out)
{
    if (span >= b->span_count) return -EINVAL;
    const sim_span_t *s = &b->spans[span];
    *out = (ctb_span_info_t){ .kind = s->kind, .first_channel = s->first,
                              .channels = s->channels, .crc4 = s->kind == CTB_SPAN_E1 };
    memcpy(out->name, s->name, sizeof out->name);
    return 0;
}

static int driver_describe_channel(ctb_board_t *b, uint32_t channel, ctb_channel_info_t *out)
{
    if (channel >= b->chan_count) return -EINVAL;
    const sim_chan_t *c = &b->chans[channel];
    *out = (ctb_channel_info_t){ .span = c->span, .timeslot = c->slot, .type = c->type,
                                 .capabilities = channel_capabilities(b, c->type) };
    return 0;
}

/* ---- channels --------------------------------------------------------------------------------- */

static int set_gain(sim_chan_t *c, const ctb_args_t *a)
{
    if (a->a < -4000 || a->a > 4000 || a->b < -4000 || a->b > 4000) return -EINVAL;
    c->gain_rx = a->a != 0;
    c->gain_tx = a->b != 0;
    sim_gain_map(c->map_rx, a->a / 100.0);
    sim_gain_map(c->map_tx, a->b / 100.0);
    return 0;
}

static int line_state(ctb_board_t *b, const sim_chan_t *c)
{
    ctb_event_t *e = sim_post(b, c->index, CTB_EV_LINE_STATE, c->hook);
    e->b = c->ring;
    e->c = (c->battery ? 1 : 0) | (c->reversed ? 2 : 0);
    e->d = c->port ? c->port->told_bits : 0;
    return 0;
}

static int line_command(ctb_board_t *b, sim_chan_t *c, uint32_t op, const ctb_args_t *a)
{
    if (op == CTB_OP_GAIN) return set_gain(c, a);
    if (op == CTB_OP_RESYNC) return line_state(b, c);
    if (c->type == CTB_LINE_FXO) return sim_fxo_command(b, c, op, a);
    if (c->type == CTB_LINE_FXS) return sim_fxs_command(b, c, op, a);
    if (op != CTB_OP_CAS) return -ENOSYS;
    if (a->a < 0 || a->a > 15) return -EINVAL;
    sim_e1_card_bits(b, c->port, (uint8_t)a->a);
    return 0;
}

static int send_alarms(ctb_board_t *b, uint32_t span, const ctb_args_t *a)
{
    if (span >= b->span_count || a->a < 0 || a->a >= 2 * CTB_ALARM_RAI) return -EINVAL;
    if (b->spans[span].kind != CTB_SPAN_E1) return -ENOSYS;
    sim_alarms_set(b, span, b->spans[span].far_alarms, (uint32_t)a->a);
    return 0;
}

static int driver_command(ctb_board_t *b, uint32_t channel, uint32_t op, const ctb_args_t *args)
{
    static const ctb_args_t none;
    const ctb_args_t *a = args ? args : &none;
    if (!memchr(a->text, 0, sizeof a->text)) return -EINVAL;
    b->at = b->now;
    if (op == CTB_OP_STREET) return sim_street_command(b, channel, a);
    if (op == CTB_OP_ALARM) return send_alarms(b, channel, a);
    bool media = op >= CTB_OP_PLAY_START && op <= CTB_OP_RECORD_MASK;
    if (media && !b->spec.board_media) return -ENOSYS;
    if (op == CTB_OP_TONE_PLAN) return sim_media_plan(b, a);
    if (channel >= b->chan_count) return -EINVAL;
    sim_chan_t *c = &b->chans[channel];
    return media ? sim_media_command(b, c, op, a) : line_command(b, c, op, a);
}

static int driver_channel_open(ctb_board_t *b, uint32_t channel)
{
    if (channel >= b->chan_count) return -EINVAL;
    if (b->chans[channel].opened) return -EBUSY;
    b->chans[channel].opened = true;
    return 0;
}

/* the line comes to rest: on-hook, not ringing, idle bits */
static int driver_channel_close(ctb_board_t *b, uint32_t channel)
{
    static const ctb_args_t idle = { .a = 0 }, idle_bits = { .a = 9 };
    if (channel >= b->chan_count || !b->chans[channel].opened) return -EINVAL;
    sim_chan_t *c = &b->chans[channel];
    b->at = b->now;
    c->opened = false;
    if (c->media) sim_media_close(b, c, CTB_DONE_CLOSED);
    if (c->type == CTB_LINE_FXO) return sim_fxo_command(b, c, CTB_OP_HOOK, &idle);
    if (c->type == CTB_LINE_FXS) return sim_fxs_command(b, c, CTB_OP_RING, &idle);
    return line_command(b, c, CTB_OP_CAS, &idle_bits);
}

/* ---- the rest of the table ---------------------------------------------------------------------- */

static int driver_next_event(ctb_board_t *b, ctb_event_t *out)
{
    return sim_next_event(b, out);
}

static int driver_get_alarms(ctb_board_t *b, uint32_t span, uint32_t *out)
{
    if (span >= b->span_count) return -EINVAL;
    *out = b->spans[span].alarms;
    return 0;
}

static int no_hdlc_send(ctb_board_t *b, uint32_t channel, const uint8_t *frame, size_t size)
{
    (void)b, (void)channel, (void)frame, (void)size;
    return -ENOSYS;
}

static int no_hdlc_recv(ctb_board_t *b, uint32_t channel, uint8_t *frame, size_t size)
{
    (void)b, (void)channel, (void)frame, (void)size;
    return -ENOSYS;
}

static const ctb_driver_t driver = {
    .abi_version = CTB_ABI_VERSION, .struct_size = sizeof(ctb_driver_t),
    .name = "sim", .version = VERSION,
    .open = driver_open, .close = driver_close,
    .describe = driver_describe, .describe_span = driver_describe_span,
    .describe_channel = driver_describe_channel,
    .channel_open = driver_channel_open, .channel_close = driver_channel_close,
    .exchange = sim_frame, .next_event = driver_next_event, .get_alarms = driver_get_alarms,
    .idle_hint = sim_skip, .command = driver_command,
    .frame_send = no_hdlc_send, .frame_recv = no_hdlc_recv,
};

__attribute__((visibility("default"))) const ctb_driver_t *ctb_driver_get(uint32_t abi_version);

const ctb_driver_t *ctb_driver_get(uint32_t abi_version)
{
    return abi_version == CTB_ABI_VERSION ? &driver : NULL;
}
