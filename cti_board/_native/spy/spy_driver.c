/* spy_driver.c - a driver that stands before another driver and changes nothing.
 *
 * What: every call is passed on; commands, events and missing frames are written down in
 * memory and put into a file at close.  How: spec is "LOG\nLIBRARY\nSPEC"; LOG may be empty.
 * The log has 1 MiB; what finds no room is counted.  No file I/O while frames run. */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctb_driver.h"

#define LOG_BYTES (1u << 20)

struct ctb_board {
    void *library;
    const ctb_driver_t *inner;
    ctb_board_t *board;
    char path[512];
    char *log;
    size_t used;
    uint64_t frames, unlogged;
};

static void note(ctb_board_t *s, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(s->log + s->used, LOG_BYTES - s->used, format, list);
    va_end(list);
    if (n < 0 || s->used + (size_t)n >= LOG_BYTES)
        s->unlogged++;
    else
        s->used += (size_t)n;
}

static int spy_load(ctb_board_t *s, const char *library, char *err, size_t size)
{
    ctb_driver_get_fn get = NULL;
    s->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (s->library)
        *(void **)&get = dlsym(s->library, "ctb_driver_get");
    s->inner = get ? get(CTB_ABI_VERSION) : NULL;
    if (s->inner && s->inner->struct_size == sizeof(ctb_driver_t))
        return 0;
    snprintf(err, size, "spy: %s is not a driver of ABI version %u", library, CTB_ABI_VERSION);
    return -ENOEXEC;
}

static void spy_close(ctb_board_t *s)
{
    if (s->board)
        s->inner->close(s->board);
    FILE *file = s->path[0] && s->log ? fopen(s->path, "w") : NULL;
    if (file) {
        fwrite(s->log, 1, s->used, file);
        fprintf(file, "frames %llu, lines without room %llu\n", (unsigned long long)s->frames,
                (unsigned long long)s->unlogged);
        fclose(file);
    }
    if (s->library)
        dlclose(s->library);
    free(s->log);
    free(s);
}

static int spy_open(ctb_board_t **out, const char *spec, char *err, size_t size)
{
    char copy[1024], *library, *rest;
    if (strlen(spec) >= sizeof copy || !strchr(spec, '\n')) {
        snprintf(err, size, "spy: the specification is LOG, LIBRARY and SPEC on lines of their own");
        return -EINVAL;
    }
    strcpy(copy, spec);
    library = strchr(copy, '\n');
    *library++ = 0;
    rest = strchr(library, '\n');
    if (rest)
        *rest++ = 0;
    ctb_board_t *s = calloc(1, sizeof *s);
    if (!s || !(s->log = malloc(LOG_BYTES))) {
        free(s);
        return -ENOMEM;
    }
    snprintf(s->path, sizeof s->path, "%.511s", copy);
    FILE *log = copy[0] ? fopen(copy, "w") : NULL;      /* a log that cannot be kept is told now */
    int rc = copy[0] && !log ? -errno : 0;
    if (rc < 0)
        snprintf(err, size, "spy: %.400s: %s", copy, strerror(-rc));
    if (log)
        fclose(log);
    if (rc == 0)
        rc = spy_load(s, library, err, size);
    if (rc == 0 && (rc = s->inner->open(&s->board, rest ? rest : "", err, size)) < 0)
        s->board = NULL;
    if (rc < 0) {
        s->path[0] = 0;
        spy_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

static int spy_describe(ctb_board_t *s, ctb_board_info_t *o) { return s->inner->describe(s->board, o); }
static int spy_span(ctb_board_t *s, uint32_t n, ctb_span_info_t *o) { return s->inner->describe_span(s->board, n, o); }
static int spy_channel(ctb_board_t *s, uint32_t n, ctb_channel_info_t *o)
{
    return s->inner->describe_channel(s->board, n, o);
}
static int spy_channel_open(ctb_board_t *s, uint32_t n)
{
    return s->inner->channel_open ? s->inner->channel_open(s->board, n) : 0;
}
static int spy_channel_close(ctb_board_t *s, uint32_t n)
{
    return s->inner->channel_close ? s->inner->channel_close(s->board, n) : 0;
}

static int spy_exchange(ctb_board_t *s, const uint8_t *tx, const uint64_t *tx_live, uint8_t *rx, uint64_t *rx_live)
{
    int rc = s->inner->exchange(s->board, tx, tx_live, rx, rx_live);
    if (rc == 1)
        s->frames++;
    else
        note(s, "frame %llu: exchange answered %d\n", (unsigned long long)s->frames, rc);
    return rc;
}

static int spy_event(ctb_board_t *s, ctb_event_t *out)
{
    int rc = s->inner->next_event(s->board, out);
    if (rc == 1)
        note(s, "event at %llu channel %d kind %u a %d b %d c %d d %d\n", (unsigned long long)out->at,
             (int)out->channel, out->kind, out->a, out->b, out->c, out->d);
    return rc;
}

static int spy_alarms(ctb_board_t *s, uint32_t span, uint32_t *out)
{
    return s->inner->get_alarms ? s->inner->get_alarms(s->board, span, out) : -ENOSYS;
}

static int64_t spy_idle(ctb_board_t *s, int64_t most, int *never)
{
    if (!s->inner->idle_hint) {
        *never = 0;
        return 0;
    }
    int64_t n = s->inner->idle_hint(s->board, most, never);
    s->frames += n > 0 ? (uint64_t)n : 0;
    return n;
}

static int spy_command(ctb_board_t *s, uint32_t channel, uint32_t op, const ctb_args_t *a)
{
    int rc = s->inner->command(s->board, channel, op, a);
    note(s, "frame %llu channel %d command %u a %d b %d c %d d %d -> %d\n", (unsigned long long)s->frames,
         (int)channel, op, a->a, a->b, a->c, a->d, rc);   /* no text: digits may be secrets */
    return rc;
}

static int spy_send(ctb_board_t *s, uint32_t c, const uint8_t *f, size_t n)
{
    return s->inner->frame_send ? s->inner->frame_send(s->board, c, f, n) : -ENOSYS;
}
static int spy_recv(ctb_board_t *s, uint32_t c, uint8_t *f, size_t n)
{
    return s->inner->frame_recv ? s->inner->frame_recv(s->board, c, f, n) : -ENOSYS;
}

static const ctb_driver_t spy = {
    .abi_version = CTB_ABI_VERSION, .struct_size = sizeof(ctb_driver_t), .name = "spy", .version = "1",
    .open = spy_open, .close = spy_close, .describe = spy_describe, .describe_span = spy_span,
    .describe_channel = spy_channel, .channel_open = spy_channel_open, .channel_close = spy_channel_close,
    .exchange = spy_exchange, .next_event = spy_event, .get_alarms = spy_alarms, .idle_hint = spy_idle,
    .command = spy_command, .frame_send = spy_send, .frame_recv = spy_recv};

__attribute__((visibility("default"))) const ctb_driver_t *ctb_driver_get(uint32_t abi_version)
{
    return abi_version == CTB_ABI_VERSION ? &spy : NULL;
}
