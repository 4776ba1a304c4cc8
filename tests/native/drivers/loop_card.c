/* loop_card.c - a driver for tests: channel 2k hears what 2k+1 sends and the other way round,
 * in the same frame.  CTB_OP_STREET posts an event: args b=kind, c=a, d=b, e=sample offset.
 * spec: "N" channels; "N,ppb" with a clock offset; "N,ppb,ulaw"; "N,0,paced": exchange waits for
 * its own 20 ms.  CTB_OP_GAIN: a = frames to stand still, b = 0.01 s that the next exchange hangs.  -DABI=n builds another version;
 * -DSHORT_STRUCT and -DNO_ENTRY build broken ones. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ctb_driver.h"
#ifndef ABI
#define ABI CTB_ABI_VERSION
#endif
#define QUEUE 65536

struct ctb_board {
    uint32_t channels, law, stop, hang, paced;
    struct timespec due;
    int32_t ppb;
    uint64_t frames;
    ctb_event_t *queue;
    uint32_t head, tail;
    uint32_t fail_op;
};

static int card_open(ctb_board_t **out, const char *spec, char *err, size_t size)
{
    char law[8] = "";
    unsigned n = 0;
    int ppb = 0;
    if (sscanf(spec, "%u,%d,%7s", &n, &ppb, law) < 1 || !n || n > CTB_MAX_CHANNELS) {
        snprintf(err, size, "loop card: '%s' should be a number of channels", spec);
        return -EINVAL;
    }
    ctb_board_t *b = calloc(1, sizeof *b);
    b->channels = n, b->ppb = ppb, b->law = strcmp(law, "ulaw") == 0;
    b->paced = strcmp(law, "paced") == 0;
    clock_gettime(CLOCK_MONOTONIC, &b->due);
    b->queue = calloc(QUEUE, sizeof *b->queue);
    *out = b;
    return 0;
}
static void card_close(ctb_board_t *b) { free(b->queue); free(b); }
static int card_describe(ctb_board_t *b, ctb_board_info_t *out)
{
    memset(out, 0, sizeof *out);
    strcpy(out->model, "loop card");
    out->spans = 1, out->channels = b->channels, out->law = b->law, out->rate_ppb = b->ppb;
    out->capabilities = b->paced ? CTB_CAP_PACED : CTB_CAP_SKIP;
    return 0;
}
static int card_span(ctb_board_t *b, uint32_t span, ctb_span_info_t *out)
{
    memset(out, 0, sizeof *out);
    out->kind = CTB_SPAN_ANALOG, out->channels = b->channels;
    return span ? -ENODEV : 0;
}
static int card_channel(ctb_board_t *b, uint32_t ch, ctb_channel_info_t *out)
{
    memset(out, 0, sizeof *out);
    out->type = ch & 1 ? CTB_LINE_FXS : CTB_LINE_FXO;
    out->timeslot = ch / 2;
    return ch < b->channels ? 0 : -ENODEV;
}
static int card_exchange(ctb_board_t *b, const uint8_t *tx, const uint64_t *tx_live, uint8_t *rx, uint64_t *rx_live)
{
    memset(rx_live, 0, (b->channels + 63) / 64 * 8);
    if (b->hang) {
        struct timespec nap = {b->hang / 100, b->hang % 100 * 10000000};
        b->hang = 0;
        nanosleep(&nap, NULL);
    }
    if (b->paced && !b->stop) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > b->due.tv_sec + 1)
            b->due = now;
        b->due.tv_nsec += 20000000;
        b->due.tv_sec += b->due.tv_nsec / 1000000000, b->due.tv_nsec %= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &b->due, NULL);
    }
    if (b->stop) {
        b->stop--;
        return 0;
    }
    for (uint32_t i = 0; i < b->channels; i++) {
        uint32_t from = (i ^ 1) < b->channels ? i ^ 1 : i;
        if (!(tx_live[from >> 6] >> (from & 63) & 1))
            continue;
        memcpy(rx + (size_t)i * CTB_FRAME_SAMPLES, tx + (size_t)from * CTB_FRAME_SAMPLES, CTB_FRAME_SAMPLES);
        rx_live[i >> 6] |= 1ull << (i & 63);
    }
    b->frames++;
    return 1;
}
static int card_event(ctb_board_t *b, ctb_event_t *out)
{
    if (b->tail == b->head)
        return 0;
    *out = b->queue[b->tail++ % QUEUE];
    return 1;
}
static int64_t card_idle(ctb_board_t *b, int64_t most, int *never)
{
    *never = b->head == b->tail;
    if (!*never)
        return 0;
    b->frames += (uint64_t)most;
    return most;
}
static int card_command(ctb_board_t *b, uint32_t ch, uint32_t op, const ctb_args_t *a)
{
    if (op == CTB_OP_GAIN) {
        b->stop = (uint32_t)a->a;
        b->hang = (uint32_t)a->b;
        return 0;
    }
    if (op != CTB_OP_STREET)
        return -ENOSYS;
    for (int i = 0; i < (a->f ? a->f : 1); i++) {
        ctb_event_t ev = {.at = b->frames * CTB_FRAME_SAMPLES + (uint64_t)a->e, .channel = ch,
                          .kind = (uint16_t)a->b, .a = a->c, .b = a->d, .span = CTB_NO_SPAN};
        if (ev.kind == CTB_EV_RAW_HOOK && i & 1)
            ev.a = !ev.a;
        b->queue[b->head++ % QUEUE] = ev;
    }
    return 0;
}
static const ctb_driver_t driver = {
    .abi_version = ABI,
#ifdef SHORT_STRUCT
    .struct_size = sizeof(ctb_driver_t) - 8,
#else
    .struct_size = sizeof(ctb_driver_t),
#endif
    .name = "loop", .version = "1", .open = card_open, .close = card_close, .describe = card_describe,
    .describe_span = card_span, .describe_channel = card_channel, .exchange = card_exchange,
    .next_event = card_event, .idle_hint = card_idle, .command = card_command};

#ifndef NO_ENTRY
__attribute__((visibility("default"))) const ctb_driver_t *ctb_driver_get(uint32_t abi)
{
#ifdef REFUSE
    return NULL;
#endif
    (void)abi;
    return &driver;
}
#endif
