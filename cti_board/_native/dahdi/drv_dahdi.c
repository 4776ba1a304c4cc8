/* drv_dahdi.c - cards of the DAHDI kernel driver: one board of all that the kernel has.
 *
 * What: lines by their signalling in /etc/dahdi/system.conf: fxsls and fxsks are exchange lines,
 * fxols and fxoks telephones, cas the timeslots of E1 with line signals, bchan and dchan those of
 * PRI.  How: the parts are spec.c, spans.c, channel.c, frame.c, events.c, command.c, hdlc.c.
 * Wink, loop breaks and alarms that we send are not in the kernel's interface for these lines. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dahdi.h"

static void dahdi_close(ctb_board_t *b)
{
    for (uint32_t i = 0; b->channel && i < b->channels; i++)
        ctb_dahdi_channel_stop(&b->channel[i]);
    if (b->control >= 0)
        close(b->control);
    free(b->channel);
    free(b->span);
    free(b);
}

static int law_find(ctb_board_t *b, char *err, size_t size)
{
    const ctb_dahdi_channel_t *first = NULL;
    for (uint32_t i = 0; i < b->channels; i++) {
        const ctb_dahdi_channel_t *c = &b->channel[i];
        if (c->type == CTB_LINE_E1_HDLC)
            continue;
        if (first && c->law != first->law) {
            snprintf(err, size, "dahdi: channel %d speaks %s and channel %d the other law: set the card's module to one law "
                     "(alawoverride=1 for analog cards), or open them as two boards with dahdi:channels=...",
                     first->number, first->law == DAHDI_LAW_ALAW ? "A-law" : "mu-law", c->number);
            return -EINVAL;
        }
        first = first ? first : c;
    }
    if (!first) {
        snprintf(err, size, "dahdi: only D channels are wanted, and they have no clock of their own: add bchan=1-15,17-31 to "
                 "/etc/dahdi/system.conf and run  sudo dahdi_cfg -v");
        return -EINVAL;
    }
    b->law = first->law == DAHDI_LAW_ALAW ? CTB_LAW_ALAW : CTB_LAW_ULAW;
    return 0;
}

static int dahdi_open(ctb_board_t **out, const char *spec, char *err, size_t size)
{
    ctb_board_t *b = calloc(1, sizeof *b);
    if (!b)
        return -ENOMEM;
    b->control = -1;
    err[0] = 0;
    int rc = ctb_dahdi_spec_parse(&b->spec, spec, err, size);
    if (rc == 0)
        rc = ctb_dahdi_control_open(b, err, size);
    if (rc == 0)
        rc = ctb_dahdi_spans_read(b, err, size);
    for (uint32_t i = 0; rc == 0 && i < b->channels; i++)
        rc = ctb_dahdi_channel_start(b, &b->channel[i], err, size);
    if (rc == 0)
        rc = law_find(b, err, size);
    if (rc < 0) {
        dahdi_close(b);
        return rc;
    }
    *out = b;
    return 0;
}

static int dahdi_describe(ctb_board_t *b, ctb_board_info_t *out)
{
    const struct dahdi_spaninfo *info = &b->span[0].info;
    memset(out, 0, sizeof *out);
    snprintf(out->model, sizeof out->model, "DAHDI %.30s", info->devicetype[0] ? info->devicetype : info->name);
    snprintf(out->serial, sizeof out->serial, "%.31s", info->location);
    snprintf(out->firmware, sizeof out->firmware, "%.31s", info->manufacturer);
    out->spans = b->spans;
    out->channels = b->channels;
    out->capabilities = CTB_CAP_PACED | CTB_CAP_ALARMS;
    for (uint32_t i = 0; i < b->channels; i++)
        out->capabilities |= b->channel[i].capabilities;
    out->law = b->law;
    out->latency_tx = (uint32_t)b->spec.prefill * CTB_FRAME_SAMPLES;
    out->time_uncertainty = 2 * CTB_FRAME_SAMPLES;   /* chosen: a frame until it is seen, one that was late */
    return 0;
}

static int dahdi_describe_span(ctb_board_t *b, uint32_t span, ctb_span_info_t *out)
{
    if (span >= b->spans)
        return -EINVAL;
    const ctb_dahdi_span_t *s = &b->span[span];
    *out = (ctb_span_info_t){.kind = s->analog ? CTB_SPAN_ANALOG : CTB_SPAN_E1, .first_channel = s->first,
                             .channels = s->channels, .crc4 = !!(s->info.lineconfig & DAHDI_CONFIG_CRC4)};
    snprintf(out->name, sizeof out->name, "%.19s", s->info.name);
    return 0;
}

static int dahdi_describe_channel(ctb_board_t *b, uint32_t channel, ctb_channel_info_t *out)
{
    if (channel >= b->channels)
        return -EINVAL;
    const ctb_dahdi_channel_t *c = &b->channel[channel];
    int from = b->span[c->span].analog ? 1 : 0;      /* analog ports are counted from 0 */
    *out = (ctb_channel_info_t){.span = c->span, .timeslot = (uint32_t)(c->timeslot - from), .type = c->type,
                                .capabilities = c->capabilities};
    return 0;
}

static int dahdi_channel_open(ctb_board_t *b, uint32_t channel)
{
    if (channel >= b->channels)
        return -EINVAL;
    b->channel[channel].open = true;
    b->running = false;                               /* all begin a block together */
    return 0;
}

static int dahdi_channel_close(ctb_board_t *b, uint32_t channel)
{
    if (channel >= b->channels)
        return -EINVAL;
    b->channel[channel].open = false;
    b->running = false;
    return 0;
}

static int dahdi_next_event(ctb_board_t *b, ctb_event_t *out)
{
    if (!b->event_count)
        return 0;
    *out = b->event[b->event_head];
    b->event_head = (b->event_head + 1) % EVENTS;
    b->event_count--;
    return 1;
}

static int dahdi_alarms(ctb_board_t *b, uint32_t span, uint32_t *out)
{
    return span < b->spans ? ctb_dahdi_alarms_read(b, span, out) : -EINVAL;
}

static const ctb_driver_t driver = {
    .abi_version = CTB_ABI_VERSION, .struct_size = sizeof(ctb_driver_t), .name = "dahdi", .version = "1",
    .open = dahdi_open, .close = dahdi_close, .describe = dahdi_describe, .describe_span = dahdi_describe_span,
    .describe_channel = dahdi_describe_channel, .channel_open = dahdi_channel_open, .channel_close = dahdi_channel_close,
    .exchange = ctb_dahdi_exchange, .next_event = dahdi_next_event, .get_alarms = dahdi_alarms,
    .command = ctb_dahdi_command, .frame_send = ctb_dahdi_frame_send, .frame_recv = ctb_dahdi_frame_recv};

__attribute__((visibility("default"))) const ctb_driver_t *ctb_driver_get(uint32_t abi_version)
{
    return abi_version == CTB_ABI_VERSION ? &driver : NULL;
}
