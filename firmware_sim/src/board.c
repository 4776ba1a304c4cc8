/* board.c - how the street is built: spans, channels, telephones, lines of the exchange. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

static int alloc_all(ctb_board_t *b)
{
    const sim_spec_t *s = &b->spec;
    b->chan_count = s->fxo + s->fxs + 30 * s->e1;
    b->tel_count = s->fxs + s->phones;
    b->port_count = s->phones + s->fxo + 30 * s->e1;
    b->span_count = (s->fxo > 0) + (s->fxs > 0) + s->e1;
    size_t timers = (size_t)b->chan_count * SIM_TIMERS_PER_CHAN +
                    (size_t)b->port_count * SIM_TIMERS_PER_PORT +
                    (size_t)b->tel_count * SIM_TIMERS_PER_TEL;
    b->chans = calloc(b->chan_count, sizeof *b->chans);
    b->tels = calloc(b->tel_count + 1u, sizeof *b->tels);
    b->impairs = calloc(b->tel_count + 1u, sizeof *b->impairs);
    b->ports = calloc(b->port_count + 1u, sizeof *b->ports);
    b->spans = calloc(b->span_count, sizeof *b->spans);
    b->heap = calloc(timers, sizeof *b->heap);
    b->busy_tels = calloc(b->tel_count + 1u, sizeof(void *));
    b->busy_ports = calloc(b->port_count + 1u, sizeof(void *));
    b->found = calloc(b->port_count + 1u, sizeof(void *));
    b->busy_chans = calloc(b->chan_count, sizeof(void *));
    b->events = calloc(SIM_EVENTS, sizeof *b->events);
    return b->chans && b->tels && b->impairs && b->ports && b->spans && b->heap && b->busy_tels &&
           b->busy_ports && b->found && b->busy_chans && b->events ? 0 : -ENOMEM;
}

static int alloc_latency(ctb_board_t *b)
{
    size_t n = b->spec.latency, per_way = n * SIM_N + n;
    if (!n) return 0;
    uint8_t *p = b->latency_memory = calloc(b->chan_count, 2 * per_way);
    if (!p) return -ENOMEM;
    for (uint32_t i = 0; i < b->chan_count; i++, p += 2 * per_way) {
        sim_chan_t *c = &b->chans[i];
        c->late_tx = (struct sim_late){ p, p + n * SIM_N, 0 };
        c->late_rx = (struct sim_late){ p + per_way, p + per_way + n * SIM_N, 0 };
    }
    return 0;
}

static sim_chan_t *add_channel(ctb_board_t *b, uint32_t span, uint32_t slot, uint32_t type)
{
    sim_span_t *s = &b->spans[span];
    if (!s->channels) s->first = b->chan_count;
    sim_chan_t *c = &b->chans[b->chan_count];
    c->b = b;
    c->index = b->chan_count++;
    c->span = span;
    c->slot = slot;
    c->type = type;
    c->place = -1;
    c->tx_frame = c->rx_frame = UINT64_MAX;
    s->channels++;
    return c;
}

static sim_port_t *add_port(ctb_board_t *b, enum sim_port_kind kind, uint32_t index)
{
    sim_port_t *p = &b->ports[b->port_count++];
    sim_port_init(b, p, kind, index);
    return p;
}

static void name_span(ctb_board_t *b, uint32_t span, uint32_t kind, const char *name)
{
    b->spans[span].kind = kind;
    snprintf(b->spans[span].name, sizeof b->spans[span].name, "%s", name);
}

static void build_outside(ctb_board_t *b)
{
    for (uint32_t i = 0; i < b->spec.phones; i++) {
        sim_tel_t *t = &b->tels[b->spec.fxs + i];
        sim_tel_init(b, t, b->spec.fxs + i);
        t->port = add_port(b, SIM_OUTSIDE, i);
        t->port->tel = t;
        memcpy(t->number, t->port->number, sizeof t->number);
    }
}

static void join(sim_chan_t *c, sim_port_t *p)
{
    c->port = p;
    p->chan = c;
}

static uint32_t build_analog(ctb_board_t *b)
{
    uint32_t span = 0;
    b->first_fxo_port = b->port_count;
    if (b->spec.fxo) name_span(b, span, CTB_SPAN_ANALOG, "FXO");
    for (uint32_t i = 0; i < b->spec.fxo; i++) {
        sim_chan_t *c = add_channel(b, span, i, CTB_LINE_FXO);
        join(c, add_port(b, SIM_TRUNK_FXO, i));
        sim_fxo_init(c);
    }
    span += b->spec.fxo > 0;
    if (b->spec.fxs) name_span(b, span, CTB_SPAN_ANALOG, "FXS");
    for (uint32_t i = 0; i < b->spec.fxs; i++) {
        sim_chan_t *c = add_channel(b, span, i, CTB_LINE_FXS);
        sim_tel_init(b, &b->tels[i], i);
        b->tels[i].fxs = c;
        c->tel = &b->tels[i];
        sim_fxs_init(c);
    }
    return span + (b->spec.fxs > 0);
}

static void build_e1(ctb_board_t *b, uint32_t span)
{
    char name[32];
    b->first_e1_port = b->port_count;
    for (uint32_t i = 0; i < b->spec.e1; i++, span++) {
        snprintf(name, sizeof name, "E1 %u", i + 1);
        name_span(b, span, CTB_SPAN_E1, name);
        for (uint32_t slot = 1; slot <= 31; slot++) {
            if (slot == 16) continue;        /* signalling */
            sim_chan_t *c = add_channel(b, span, slot, CTB_LINE_E1_CAS);
            join(c, add_port(b, SIM_TRUNK_E1, i * 32 + slot));
            sim_timer_init(&c->pulse_timer, NULL, c);
            sim_timer_init(&c->line_timer, NULL, c);
            sim_timer_init(&c->break_timer, NULL, c);
        }
    }
}

int sim_board_build(ctb_board_t *b)
{
    int err = alloc_all(b);
    if (!err) err = alloc_latency(b);
    if (!err) err = sim_tones_render(b->tones, b->spec.country);
    if (!err) err = sim_plan_make(&b->plan, b->spec.country->tone, b->spec.country->count);
    if (err) return err;
    b->chan_count = b->port_count = 0;       /* counted again as they are added */
    build_outside(b);
    build_e1(b, build_analog(b));
    return b->spec.board_media ? sim_media_alloc(b) : 0;
}

void sim_board_free(ctb_board_t *b)
{
    sim_media_free(b);
    sim_tones_free(b->tones);
    free(b->chans);
    free(b->tels);
    free(b->impairs);
    free(b->ports);
    free(b->spans);
    free(b->heap);
    free(b->busy_tels);
    free(b->busy_ports);
    free(b->found);
    free(b->busy_chans);
    free(b->events);
    free(b->latency_memory);
    free(b);
}
